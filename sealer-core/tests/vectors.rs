//! Does every recorded value open, or fail, as its file says? One scenario a file in `tests/vectors`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealer_core::error::EnvelopeError;
use sealer_core::{Certificate, Keyring, Label, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal};
use sealer_encoding::base64;

struct Scenario {
    header: BTreeMap<String, String>,
    sealed: String,
}

fn key() -> UnsealingKey {
    UnsealingKey::from_pem(include_bytes!("keys/throwaway.pkcs1.pem")).unwrap()
}

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), parse(&fs::read_to_string(&path).unwrap()))
        })
        .collect()
}

fn parse(text: &str) -> Scenario {
    let (header, sealed) = text.split_once("\n\n").unwrap();
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Scenario { header: header.lines().filter_map(pair).collect(), sealed: sealed.trim_end().to_owned() }
}

fn label(scenario: &Scenario) -> Label {
    let scope: Scope = scenario.header["scope"].parse().unwrap();
    Label::new(scope, &scenario.header["namespace"], &scenario.header["name"]).unwrap()
}

fn outcome(scenario: &Scenario, keyring: &Keyring) -> (&'static str, Vec<u8>) {
    match SealedValue::from_base64(&scenario.sealed) {
        Err(EnvelopeError::Base64(_)) => ("bad-base64", Vec::new()),
        Err(_) => ("too-short", Vec::new()),
        Ok(value) => unseal(&value, &label(scenario), keyring)
            .map_or(("no-key", Vec::new()), |opened| ("ok", opened.plaintext.expose().to_vec())),
    }
}

#[test]
fn every_vector_opens_or_fails_as_it_says() {
    let keyring = Keyring::from_keys(vec![key()]);
    let all = scenarios();
    assert!(all.len() >= 20, "vectors are missing");
    for (name, scenario) in all {
        let (result, plaintext) = outcome(&scenario, &keyring);
        assert_eq!(result, scenario.header["expect"], "{name}: {}", scenario.header["comment"]);
        assert_eq!(plaintext, base64::decode(&scenario.header["plaintext"]).unwrap(), "{name}");
    }
}

#[test]
fn every_plaintext_of_a_vector_seals_and_opens_again() {
    let keyring = Keyring::from_keys(vec![key()]);
    let certificate = Certificate::first_from_pem(include_bytes!("keys/throwaway.crt")).unwrap();
    for (name, scenario) in scenarios().into_iter().filter(|(_, scenario)| scenario.header["expect"] == "ok") {
        let plaintext = base64::decode(&scenario.header["plaintext"]).unwrap();
        let sealed = seal(&Plaintext::new(plaintext.clone()), &label(&scenario), certificate.key()).unwrap();
        assert_eq!(sealed.to_bytes().len(), 2 + 256 + plaintext.len() + 16, "{name}");
        assert_eq!(unseal(&sealed, &label(&scenario), &keyring).unwrap().plaintext.expose(), plaintext, "{name}");
    }
}

#[test]
fn the_key_reads_in_both_forms_and_has_its_known_fingerprint() {
    let pkcs8 = UnsealingKey::from_pem(include_bytes!("keys/throwaway.pkcs8.pem")).unwrap();
    let certificate = Certificate::first_from_pem(include_bytes!("keys/throwaway.crt")).unwrap();
    let known = "SHA256:jDnjo11OMMDup0JfG7MNvvaT8IE9oqZaTAN8U54GlIc";
    for fingerprint in [key().fingerprint(), pkcs8.fingerprint(), certificate.key().fingerprint()] {
        assert_eq!(fingerprint.as_str(), known);
    }
    assert_eq!(key().secret_pkcs1_pem().as_bytes(), include_bytes!("keys/throwaway.pkcs1.pem"));
    assert_eq!(pkcs8.secret_pkcs1_pem(), key().secret_pkcs1_pem());
}
