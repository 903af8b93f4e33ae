//! Is a new certificate what existing clients expect, and is each bad one named?
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::time::Duration;

use jiff::Timestamp;
use sealer_core::error::CertificateError;
use sealer_core::key::keyring::{NextKey, RotationPolicy, next_key};
use sealer_core::{Certificate, KeyEntry, Keyring, UnsealingKey};

const DAY: Duration = Duration::from_secs(86_400);

fn key() -> UnsealingKey {
    UnsealingKey::from_pem(include_bytes!("keys/throwaway.pkcs1.pem")).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bundle(parts: &[&str]) -> Result<Vec<Certificate>, CertificateError> {
    Certificate::bundle_from_pem(parts.concat().as_bytes())
}

#[test]
fn a_new_certificate_says_what_was_asked() {
    for (common_name, start) in [("", "2026-11-24T00:00:00Z"), ("sealing", "2049-12-31T00:00:00Z")] {
        let certificate = Certificate::self_signed(&key(), common_name, moment(start), DAY * 3650).unwrap();
        let read = Certificate::first_from_pem(certificate.to_pem().as_bytes()).unwrap();
        assert_eq!(read.key().fingerprint(), key().fingerprint());
        assert_eq!(read.not_before(), moment(start));
        assert_eq!(read.not_after().as_second() - read.not_before().as_second(), 3650 * 86_400);
    }
}

#[test]
fn expiry_is_named_by_its_day() {
    let expired = Certificate::first_from_pem(include_bytes!("keys/throwaway.expired.crt")).unwrap();
    let error = expired.check_validity(moment("2026-01-02T00:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "failed to encrypt using an expired certificate on January 1, 2026");
    assert_eq!(expired.check_validity(expired.not_after()), Ok(()));
}

#[test]
fn bundles_are_read_through_foreign_text() {
    let one = include_str!("keys/throwaway.crt");
    assert_eq!(bundle(&["subject: x\r\n", one, "\n\n  text\n", one]).unwrap().len(), 2);
    assert_eq!(bundle(&["nothing"]).unwrap_err(), CertificateError::NoCertificate);
    assert_eq!(bundle(&[include_str!("keys/throwaway.pkcs1.pem")]).unwrap_err(), CertificateError::NoCertificate);
    let broken = "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n";
    assert_eq!(bundle(&[one, broken]).unwrap_err(), CertificateError::Malformed);
}

fn entry(name: &str, ordered_at: &str, key: UnsealingKey) -> KeyEntry {
    let certificate = Certificate::self_signed(&key, "", moment(ordered_at), DAY).unwrap();
    KeyEntry { name: name.to_owned(), key: key.into(), certificate: Some(certificate), ordered_at: moment(ordered_at) }
}

#[test]
fn the_newest_key_is_active_and_the_next_one_due_after_its_period() {
    let old = entry("old", "2026-01-01T00:00:00Z", key());
    let new = entry("new", "2026-02-01T00:00:00Z", UnsealingKey::generate(1024).unwrap());
    let ring = Keyring::new(vec![old.clone(), old]).with(new);
    assert_eq!(ring.entries().len(), 2);
    assert_eq!(ring.active().unwrap().name, "new");
    assert_eq!(ring.without("new").active().unwrap().name, "old");
    let at = |policy: &RotationPolicy, now: &str| next_key(&ring, moment(now), policy);
    let monthly = RotationPolicy { period: Some(DAY * 30), cutoff: None };
    assert_eq!(at(&monthly, "2026-02-10T00:00:00Z"), NextKey::At(moment("2026-03-03T00:00:00Z")));
    assert_eq!(at(&monthly, "2026-03-03T00:00:00Z"), NextKey::Now);
    assert_eq!(at(&RotationPolicy::default(), "2036-03-03T00:00:00Z"), NextKey::Never);
    let cutoff = RotationPolicy { period: None, cutoff: Some(moment("2026-02-02T00:00:00Z")) };
    assert_eq!(at(&cutoff, "2026-02-02T00:00:00Z"), NextKey::Now);
    assert_eq!(next_key(&Keyring::default(), moment("2026-01-01T00:00:00Z"), &monthly), NextKey::Now);
}
