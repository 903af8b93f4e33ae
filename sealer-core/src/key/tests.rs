//! Keys as files, Secrets and rings have them, with fixed keys so that every test is quick.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use der::{Decode as _, Encode as _};
use jiff::{SignedDuration, Timestamp};
use sealer_encoding::pem::PemError;
use x509_cert::certificate::{CertificateInner, Raw};

use crate::envelope::SealedValue;
use crate::error::{CertificateError, KeyError, SealError};
use crate::key::certificate::Certificate;
use crate::key::fingerprint::Fingerprint;
use crate::key::keyring::{KeyEntry, Keyring, NextKey, RotationPolicy, next_key};
use crate::key::private::UnsealingKey;
use crate::key::stored::StoredKey;
use crate::scope::{Label, Scope};

const THROWAWAY: &str = include_str!("../../tests/keys/throwaway.pkcs1.pem");
const OTHER: &str = include_str!("../../tests/keys/other.pkcs8.pem");
const SMALL: &str = include_str!("../../tests/keys/small.pkcs1.pem");
const THROWAWAY_CERTIFICATE: &str = include_str!("../../tests/keys/throwaway.crt");
const SMALL_CERTIFICATE: &str = include_str!("../../tests/keys/small.crt");
const OTHER_CERTIFICATE: &str = include_str!("../../tests/keys/other.crt");
const EC: &str = include_str!("../../tests/keys/ec.sec1.pem");
const EC_PKCS8: &str = include_str!("../../tests/keys/ec.pkcs8.pem");
const ED25519: &str = include_str!("../../tests/keys/ed25519.pkcs8.pem");
const X25519: &str = include_str!("../../tests/keys/x25519.pkcs8.pem");
const ENCRYPTED: &str = include_str!("../../tests/keys/encrypted.pkcs1.pem");
const BROKEN: &str = "-----BEGIN RSA PRIVATE KEY-----\nZm9v\n-----END RSA PRIVATE KEY-----\n";

/// What `ssh-keygen -l` says.
const THROWAWAY_NAME: &str = "SHA256:jDnjo11OMMDup0JfG7MNvvaT8IE9oqZaTAN8U54GlIc";
const OTHER_NAME: &str = "SHA256:+KG6H2/eMcrR3rjajSNxwclB8ikOWtIJkFfeLlSrPwY";
const SMALL_NAME: &str = "SHA256:5XGX/yl0kbl81b4M+lMpldPWXgXE5085i6z8G7R71Ms";

fn key(pem: &str) -> UnsealingKey {
    UnsealingKey::from_pem(pem.as_bytes()).unwrap()
}

fn certificate(pem: &str) -> Certificate {
    Certificate::first_from_pem(pem.as_bytes()).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn fingerprints_are_those_of_ssh() {
    for (pem, name, bits) in [(THROWAWAY, THROWAWAY_NAME, 2048), (OTHER, OTHER_NAME, 2048), (SMALL, SMALL_NAME, 1024)] {
        let key = key(pem);
        assert_eq!((key.fingerprint().as_str(), key.bits(), key.sealing_key().bits()), (name, bits, bits));
        assert_eq!(format!("{key:?}"), format!("UnsealingKey({name}, [redacted])"));
        assert_eq!(format!("{:?}", key.sealing_key()), format!("SealingKey({name})"));
        assert_eq!(format!("{:>60}", key.fingerprint()), format!("{name:>60}"));
    }
    // RFC 4251: a number whose top bit is set gets a zero byte in front, and no other does.
    for (modulus, exponent, name) in [
        (0x80, 0x7f, "SHA256:9N3tbXmTTW11bdl0o6fzkpl1t01qIGtW344QLWT+qQ8"),
        (0x7f, 0x80, "SHA256:rl+ffK/ILnTKrotQSkGGywEQVnv2PK3fhqR+cH2/LYE"),
    ] {
        assert_eq!(Fingerprint::of(&[modulus], &[exponent]).as_str(), name);
    }
}

#[test]
fn first_readable_key_is_taken_and_other_kinds_are_named() {
    let read = |parts: &[&str]| UnsealingKey::from_pem(parts.concat().as_bytes());
    let named = |parts: &[&str]| read(parts).map(|key| key.fingerprint().as_str().to_owned());
    for parts in [
        &[THROWAWAY][..],
        &["text\n", THROWAWAY_CERTIFICATE, THROWAWAY, OTHER],
        &[BROKEN, THROWAWAY],
        &[ENCRYPTED, THROWAWAY],
        &[X25519, THROWAWAY],
    ] {
        assert_eq!(named(parts).as_deref(), Ok(THROWAWAY_NAME));
    }
    assert_eq!(named(&[OTHER]).as_deref(), Ok(OTHER_NAME));
    // A block with headers is an encrypted one, whatever is in it.
    let with_headers = THROWAWAY.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1);
    assert_eq!(named(&[&with_headers, OTHER]).as_deref(), Ok(OTHER_NAME));
    for (parts, error) in [
        (&[""][..], KeyError::NotAKey),
        (&[BROKEN], KeyError::NotAKey),
        (&[THROWAWAY_CERTIFICATE], KeyError::NotAKey),
        (&[ENCRYPTED], KeyError::NotAKey),
        (&[X25519], KeyError::NotAKey),
        (&[EC, THROWAWAY], KeyError::NotRsa("*ecdsa.PrivateKey")),
        (&[EC_PKCS8], KeyError::NotRsa("*ecdsa.PrivateKey")),
        (&[ED25519], KeyError::NotRsa("ed25519.PrivateKey")),
        (&[&BROKEN.repeat(101)], PemError::TooManyBlocks(100).into()),
        (&[&"x".repeat((1 << 20) + 1)], PemError::TooLarge(1 << 20).into()),
    ] {
        assert_eq!(read(parts).unwrap_err(), error, "{:.60}", parts.concat());
    }
}

#[test]
fn a_key_is_written_as_it_was_read() {
    assert_eq!(*key(THROWAWAY).secret_pkcs1_pem(), THROWAWAY);
    let pkcs8 = key(THROWAWAY).secret_pkcs8_der().unwrap();
    assert_eq!(UnsealingKey::from_pkcs8(&pkcs8).unwrap().secret_pkcs1_der(), key(THROWAWAY).secret_pkcs1_der());
    assert!(!key(THROWAWAY).secret_pkcs1_der().is_empty());
}

/// The boundary of what costs a private-key operation.
#[test]
fn only_a_block_below_the_modulus_and_as_long_costs_an_operation() {
    let key = key(SMALL);
    let modulus = key.sealing_key().modulus().to_vec();
    let mut below = modulus.clone();
    *below.last_mut().unwrap() -= 1;
    let mut above = modulus.clone();
    above[0] = 0xff;
    for (block, may) in [
        (modulus.clone(), false),
        (below, true),
        (above, false),
        (vec![0; 128], true),
        (vec![0xff; 127], true),
        (vec![0xff; 112], true),
        (vec![0; 111], false),
        (vec![0; 129], false),
        (Vec::new(), false),
    ] {
        assert_eq!(key.may_have_wrapped(&block), may, "{} bytes", block.len());
        let value = SealedValue::new(block, Vec::new());
        assert_eq!(Keyring::from_keys(vec![self::key(SMALL)]).may_have_sealed(&value), may);
    }
    assert!(!Keyring::default().may_have_sealed(&SealedValue::new(vec![0; 128], Vec::new())));
}

#[test]
fn stripped_block_is_padded_and_a_longer_one_is_not_cut() {
    let key = key(SMALL);
    let label = Label::new_unchecked(Scope::Strict, "ns", "name");
    let (session, wrapped) = std::iter::repeat_with(|| {
        let session = crate::primitives::fresh_session_key().unwrap();
        let wrapped = key.sealing_key().backend().wrap(&session, &label).unwrap();
        (session, wrapped)
    })
    .find(|(_, wrapped)| wrapped[0] == 0 && wrapped[1] != 0)
    .unwrap();
    let opened = |block: &[u8]| key.unwrap_session_key(block, &label).map(|session| session.expose().to_vec());
    assert_eq!(opened(&wrapped).as_deref(), Some(session.expose()));
    assert_eq!(opened(&wrapped[1..]).as_deref(), Some(session.expose()));
    assert_eq!(opened(&[&[0], &wrapped[..]].concat()), None);
    assert_eq!(opened(&wrapped[2..]), None);
}

#[test]
fn keys_without_a_backend_are_refused_by_name() {
    let label = Label::new_unchecked(Scope::ClusterWide, "", "");
    let session = || crate::primitives::fresh_session_key().unwrap();
    let refused = |modulus: &[u8], exponent: &[u8]| {
        let key = crate::key::private::public_half(modulus, exponent).unwrap();
        key.backend().wrap(&session(), &label).unwrap_err()
    };
    assert_eq!(refused(&[0xff; 64], &[1, 0, 1]), SealError::KeyTooSmall(512));
    assert_eq!(refused(&[0xff; 2048], &[1, 0, 1]), SealError::UnsupportedKey(16_384));
    let small = key(SMALL);
    assert_eq!(refused(small.sealing_key().modulus(), &[2]), SealError::UnsupportedKey(1024));
}

#[test]
fn a_public_key_reads_back_from_its_der() {
    let key = key(THROWAWAY);
    let public = key.sealing_key();
    let pkcs1 = crate::key::issue::pkcs1_der(public).unwrap();
    let read = pkcs1::RsaPublicKeyRef::from_der(&pkcs1).unwrap();
    assert_eq!((read.modulus.as_bytes(), read.public_exponent.as_bytes()), (public.modulus(), &[1, 0, 1][..]));
    let certificate = certificate(THROWAWAY_CERTIFICATE);
    assert_eq!(certificate.key().spki(), public.spki());
}

/// docs/format.md, "Certificate".
#[test]
fn a_new_certificate_is_self_signed_and_for_encryption_only() {
    let key = key(OTHER);
    let (start, day) = (moment("2026-01-01T00:00:00Z"), Duration::from_secs(86_400));
    let made = Certificate::self_signed(&key, "sealing", start, day).unwrap();
    let read: CertificateInner<Raw> = CertificateInner::from_der(made.der()).unwrap();
    let tbs = read.tbs_certificate();
    assert_eq!((tbs.subject().to_string(), tbs.issuer().to_string()), ("CN=sealing".into(), "CN=sealing".into()));
    assert_eq!(tbs.subject_public_key_info().to_der().unwrap(), key.sealing_key().spki());
    let extensions: Vec<(String, bool, Vec<u8>)> = tbs
        .extensions()
        .unwrap()
        .iter()
        .map(|it| (it.extn_id.to_string(), it.critical, it.extn_value.as_bytes().to_vec()))
        .collect();
    let hash = crate::primitives::sha256(&crate::key::issue::pkcs1_der(key.sealing_key()).unwrap());
    let identifier = [&[0x04, 20][..], &hash[..20]].concat();
    assert_eq!(
        extensions,
        [
            ("2.5.29.15".to_owned(), true, vec![0x03, 0x02, 0x00, 0x01]),
            ("2.5.29.19".to_owned(), true, vec![0x30, 0x03, 0x01, 0x01, 0xff]),
            ("2.5.29.14".to_owned(), false, identifier),
        ]
    );
    let serial = tbs.serial_number().as_bytes().to_vec();
    assert!(serial.len() <= 16 && serial[0] < 0x80 && serial.iter().any(|byte| *byte != 0));
    let others: std::collections::HashSet<Vec<u8>> = (0..64)
        .map(|_| {
            let made = Certificate::self_signed(&key, "", start, day).unwrap();
            let read: CertificateInner<Raw> = CertificateInner::from_der(made.der()).unwrap();
            assert!(read.tbs_certificate().subject().is_empty());
            let serial = read.tbs_certificate().serial_number().as_bytes().to_vec();
            assert!(serial[0] < 0x80, "a serial number is positive");
            serial
        })
        .collect();
    assert_eq!(others.len(), 64);
    let signed = tbs.to_der().unwrap();
    let signature = rsa::pkcs1v15::Signature::try_from(read.signature().raw_bytes()).unwrap();
    let signer = crate::primitives::signer::CertificateSigner::new(key.secret_pkcs1_der()).unwrap();
    let verifying = rsa::signature::Keypair::verifying_key(&signer);
    rsa::signature::Verifier::verify(&verifying, &signed, &signature).unwrap();
}

#[test]
fn a_certificate_keeps_its_bytes_and_knows_its_days() {
    let one = certificate(THROWAWAY_CERTIFICATE);
    assert_eq!(one.to_pem(), THROWAWAY_CERTIFICATE);
    assert_eq!(Certificate::from_der(one.der()).unwrap().to_pem(), THROWAWAY_CERTIFICATE);
    assert_eq!(Certificate::from_der(b"x").unwrap_err(), CertificateError::Malformed);
    let last = one.not_after();
    assert_eq!(one.check_validity(last), Ok(()));
    assert_eq!(one.check_validity(one.not_before() - SignedDuration::from_secs(1)), Ok(()));
    assert!(matches!(one.check_validity(last + SignedDuration::from_secs(1)), Err(CertificateError::Expired(_))));
    let key = key(THROWAWAY);
    for (start, validity) in [
        (Timestamp::MAX, Duration::from_secs(u64::MAX)),
        (moment("1960-01-01T00:00:00Z"), Duration::from_secs(1)),
        (moment("9999-12-01T00:00:00Z"), Duration::from_secs(86_400 * 60)),
    ] {
        assert_eq!(Certificate::self_signed(&key, "", start, validity).unwrap_err(), CertificateError::Validity);
    }
}

#[test]
fn the_first_certificate_is_taken_and_every_block_must_be_one() {
    let first = |parts: &[&str]| Certificate::first_from_pem(parts.concat().as_bytes());
    let named = |parts: &[&str]| first(parts).map(|it| it.key().fingerprint().as_str().to_owned());
    let broken = "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n";
    let with_headers = THROWAWAY_CERTIFICATE.replacen('\n', "\na: b\n", 1);
    assert_eq!(named(&[OTHER_CERTIFICATE, THROWAWAY_CERTIFICATE]).as_deref(), Ok(OTHER_NAME));
    assert_eq!(named(&[&with_headers, THROWAWAY, OTHER_CERTIFICATE]).as_deref(), Ok(OTHER_NAME));
    assert_eq!(first(&[OTHER_CERTIFICATE, broken]).unwrap_err(), CertificateError::Malformed);
    assert_eq!(first(&[&with_headers]).unwrap_err(), CertificateError::NoCertificate);
    let bundle = |parts: &[&str]| Certificate::bundle_from_pem(parts.concat().as_bytes()).map(|all| all.len());
    assert_eq!(bundle(&[&with_headers, OTHER_CERTIFICATE, THROWAWAY]), Ok(1));
    assert_eq!(bundle(&[&with_headers]), Err(CertificateError::NoCertificate));
    let many = OTHER_CERTIFICATE.repeat(101);
    assert_eq!(bundle(&[&many]), Err(PemError::TooManyBlocks(100).into()));
    assert_eq!(first(&[&many]).unwrap_err(), PemError::TooManyBlocks(100).into());
    assert_eq!(first(&[&" ".repeat((1 << 20) + 1)]).unwrap_err(), PemError::TooLarge(1 << 20).into());
}

fn entry(name: &str, pem: &str, certificate: Option<&str>, second: i64) -> KeyEntry {
    KeyEntry {
        name: name.to_owned(),
        key: Arc::new(key(pem)),
        certificate: certificate.map(self::certificate),
        ordered_at: Timestamp::from_second(second).unwrap(),
    }
}

fn names(ring: &Keyring) -> Vec<&str> {
    ring.entries().iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn a_ring_is_newest_first_and_holds_a_key_once() {
    let ring = Keyring::new(vec![
        entry("a", THROWAWAY, Some(THROWAWAY_CERTIFICATE), 1),
        entry("b", OTHER, None, 2),
        entry("c", SMALL, Some(SMALL_CERTIFICATE), 1),
        entry("older copy", OTHER, None, 0),
    ]);
    assert_eq!(names(&ring), ["b", "a", "c"]);
    assert_eq!(ring.active().unwrap().name, "a", "a key without a certificate does not seal");
    assert_eq!(names(&ring.without("a")), ["b", "c"]);
    assert_eq!(names(&ring.without("x")), ["b", "a", "c"]);
    assert_eq!(names(&ring.without("a").with(entry("d", THROWAWAY, None, 9))), ["d", "b", "c"]);
    assert_eq!(ring.get(key(SMALL).fingerprint()).unwrap().name, "c");
    assert!(ring.without("c").get(key(SMALL).fingerprint()).is_none());
    assert!(!ring.is_empty() && Keyring::default().is_empty() && Keyring::default().active().is_none());
    let bare = Keyring::from_keys(vec![key(OTHER), key(THROWAWAY)]);
    let order: Vec<&str> = bare.entries().iter().map(|entry| entry.key.fingerprint().as_str()).collect();
    assert_eq!((order, bare.active().is_none()), (vec![OTHER_NAME, THROWAWAY_NAME], true));
}

#[test]
fn preferred_keys_are_tried_first_and_every_key_once() {
    let ring = Keyring::from_keys(vec![key(OTHER), key(THROWAWAY), key(SMALL)]);
    let order = |first: &[&str]| {
        let first: Vec<Fingerprint> = first.iter().map(|pem| key(pem).fingerprint().clone()).collect();
        ring.in_trial_order(&first).map(|key| key.fingerprint().as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(&[]), [OTHER_NAME, THROWAWAY_NAME, SMALL_NAME]);
    assert_eq!(order(&[SMALL]), [SMALL_NAME, OTHER_NAME, THROWAWAY_NAME]);
    assert_eq!(order(&[SMALL, THROWAWAY]), [SMALL_NAME, THROWAWAY_NAME, OTHER_NAME]);
    let without = ring.without("");
    assert!(without.is_empty() && without.in_trial_order(&[key(SMALL).fingerprint().clone()]).next().is_none());
}

#[test]
fn the_next_key_is_due_by_period_or_cutoff() {
    let ring = Keyring::new(vec![entry("a", OTHER, Some(OTHER_CERTIFICATE), 100), entry("b", SMALL, None, 900)]);
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let policy = |period: Option<u64>, cutoff: Option<i64>| RotationPolicy {
        period: period.map(Duration::from_secs),
        cutoff: cutoff.map(at),
    };
    for (now, policy, expected) in [
        (200, policy(None, None), NextKey::Never),
        (200, policy(Some(50), None), NextKey::Now),
        (150, policy(Some(50), None), NextKey::Now),
        (149, policy(Some(50), None), NextKey::At(at(150))),
        (0, policy(None, Some(101)), NextKey::Now),
        (0, policy(None, Some(100)), NextKey::Never),
        (0, policy(Some(50), Some(100)), NextKey::At(at(150))),
        (0, policy(Some(u64::MAX), None), NextKey::Never),
        (0, policy(Some(i64::MAX as u64), None), NextKey::Never),
    ] {
        assert_eq!(next_key(&ring, at(now), &policy), expected, "{policy:?} at {now}");
    }
    assert_eq!(next_key(&ring.without("a"), at(0), &policy(None, None)), NextKey::Now, "none can seal");
}

fn stored(pem: &str, certificates: &str) -> StoredKey {
    StoredKey {
        name: "key".to_owned(),
        created: Some(moment("2026-05-01T00:00:00Z")),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        key: Arc::new(key(pem)),
        certificates: Certificate::bundle_from_pem(certificates.as_bytes()).unwrap_or_default(),
    }
}

#[test]
fn only_a_certificate_of_the_key_and_of_a_fit_size_is_sealed_with() {
    let sealed_with = |pem: &str, certificates: &str| {
        let stored = stored(pem, certificates);
        let entry = stored.entry();
        assert_eq!(entry.certificate.is_some(), stored.certificate().is_some());
        stored.certificate().is_some()
    };
    assert!(sealed_with(THROWAWAY, THROWAWAY_CERTIFICATE));
    assert!(sealed_with(THROWAWAY, &[THROWAWAY_CERTIFICATE, OTHER_CERTIFICATE].concat()));
    assert!(!sealed_with(THROWAWAY, OTHER_CERTIFICATE), "of another key");
    assert!(!sealed_with(THROWAWAY, &[OTHER_CERTIFICATE, THROWAWAY_CERTIFICATE].concat()), "not the first");
    assert!(!sealed_with(SMALL, SMALL_CERTIFICATE), "too small to protect anything");
    assert!(!sealed_with(THROWAWAY, ""));
}

#[test]
fn a_key_is_ordered_by_its_certificate_and_never_by_the_future() {
    let now = moment("2026-06-01T00:00:00Z");
    let mut stored = stored(OTHER, "");
    assert_eq!(stored.ordered_at(), moment("2026-05-01T00:00:00Z"));
    stored.created = None;
    assert_eq!((stored.ordered_at(), stored.ordered_at_as_of(now)), (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH));
    for (ahead, created, expected) in [
        (0, None, now),
        (300, None, now + SignedDuration::from_secs(300)),
        (301, None, now),
        (301, Some("2026-05-01T00:00:00Z"), moment("2026-05-01T00:00:00Z")),
    ] {
        let first_day = now + SignedDuration::from_secs(ahead);
        stored.created = created.map(moment);
        stored.certificates =
            vec![Certificate::self_signed(&stored.key, "", first_day, Duration::from_secs(60)).unwrap()];
        assert_eq!(stored.ordered_at(), first_day);
        assert_eq!(stored.ordered_at_as_of(now), expected, "{ahead} s ahead");
    }
    assert_eq!(stored.ordered_at_as_of(Timestamp::MAX), stored.ordered_at(), "no clock is beyond the last moment");
}
