//! The vector kit of an independent implementation: every file opens or is refused as it says (`kit/README.md`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sealer_core::error::EnvelopeError;
use sealer_core::{Keyring, Label, Scope, SealedValue, UnsealingKey, unseal};
use sealer_encoding::base64;

struct Vector {
    path: PathBuf,
    header: BTreeMap<String, String>,
    sealed: String,
}

impl Vector {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let (header, sealed) = text.split_once("\n\n").unwrap();
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let header = header.lines().map(|line| pair(line).unwrap()).collect();
        Self { path, header, sealed: sealed.strip_suffix('\n').unwrap().to_owned() }
    }

    fn label(&self, prefix: &str) -> Label {
        let of = |field: &str| self.header[&format!("{prefix}{field}")].as_str();
        Label::new(of("scope").parse().unwrap(), of("namespace"), of("name")).unwrap()
    }

    /// What comes of it for a label, in the words of the kit.
    fn outcome(&self, keyring: &Keyring, label: &Label) -> (&'static str, Vec<u8>) {
        match SealedValue::from_base64(&self.sealed) {
            Err(EnvelopeError::Base64(_)) => ("bad-base64", Vec::new()),
            Err(_) => ("too-short", Vec::new()),
            Ok(value) => unseal(&value, label, keyring)
                .map_or(("no-key", Vec::new()), |opened| ("ok", opened.plaintext.expose().to_vec())),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kit")
}

fn keyring(name: &str) -> Keyring {
    let pem = fs::read(folder().join("keys").join(name).with_extension("pem")).unwrap();
    Keyring::from_keys(vec![UnsealingKey::from_pem(&pem).unwrap()])
}

fn vectors() -> Vec<Vector> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).map(Vector::read).collect()
}

#[test]
fn every_vector_of_the_kit_opens_or_is_refused_as_it_says() {
    let keys: BTreeMap<&str, Keyring> = ["2048", "3072", "4096"].map(|name| (name, keyring(name))).into();
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for vector in vectors() {
        let (expect, keyring) = (vector.header["expect"].as_str(), &keys[vector.header["key"].as_str()]);
        let (outcome, value) = vector.outcome(keyring, &vector.label(""));
        let place = vector.path.display();
        if expect == "wrong-scope" {
            assert_eq!(outcome, "no-key", "{place}");
            assert_eq!(vector.outcome(keyring, &vector.label("sealed-")).0, "ok", "{place}");
        } else {
            assert_eq!(outcome, expect, "{place}");
        }
        assert_eq!(value, base64::decode(&vector.header["plaintext"]).unwrap(), "{place}");
        *classes.entry(expect.to_owned()).or_default() += 1;
    }
    let names: Vec<&str> = classes.keys().map(String::as_str).collect();
    assert_eq!(names, ["bad-base64", "no-key", "ok", "too-short", "wrong-scope"]);
    assert!(classes.values().all(|count| *count >= 10) && classes.values().sum::<usize>() >= 200, "{classes:?}");
}

#[test]
fn vectors_of_the_kit_open_under_no_key_but_their_own() {
    let other = keyring("other");
    let opens = |vector: &Vector| vector.outcome(&other, &vector.label("")).0 == "ok";
    let opened: Vec<_> = vectors().into_iter().filter(opens).map(|vector| vector.path).collect();
    assert_eq!(opened, [folder().join("no-key-other-key-2048.txt")]);
}

#[test]
fn every_flipped_bit_of_a_value_is_noticed() {
    let (keyring, label) = (keyring("2048"), Label::new_unchecked(Scope::Strict, "shop", "db"));
    let text = fs::read_to_string(folder().join("ok-value-text.txt")).unwrap();
    let sealed = base64::decode(text.split_once("\n\n").unwrap().1).unwrap();
    assert!(unseal(&SealedValue::from_bytes(&sealed).unwrap(), &label, &keyring).is_ok());
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = SealedValue::from_bytes(&flipped).ok().map(|value| unseal(&value, &label, &keyring).is_ok());
        assert!(!opened.unwrap_or_default(), "bit {bit}");
    }
}

#[test]
fn every_changed_character_but_loose_bits_is_noticed() {
    let (keyring, label) = (keyring("2048"), Label::new_unchecked(Scope::Strict, "shop", "db"));
    let text = fs::read_to_string(folder().join("ok-session-key-of-16-2048.txt")).unwrap();
    let sealed = text.split_once("\n\n").unwrap().1.trim_end();
    let bytes = base64::decode(sealed).unwrap();
    for at in 0..sealed.len() {
        for new in ['A', 'z', ' '] {
            let changed: String =
                sealed.chars().enumerate().map(|(place, old)| if place == at { new } else { old }).collect();
            let read = base64::decode(&changed).ok();
            if read.as_ref() == Some(&bytes) {
                assert!(changed == sealed || at + 3 > sealed.len(), "position {at} does not count");
                continue;
            }
            let value = read.and_then(|bytes| SealedValue::from_bytes(&bytes).ok());
            assert!(value.is_none_or(|value| unseal(&value, &label, &keyring).is_err()), "position {at}, {new:?}");
        }
    }
}
