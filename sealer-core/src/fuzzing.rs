//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use crate::flags::{self, Flag, Kind, duration};
use crate::key::backup;
use crate::resource::assemble::{OpenOptions, open};
use crate::{Backup, Certificate, Keyring, Passphrase, SealedSecret, SealedValue, StoredKey, UnsealingKey, base64};

#[cfg(test)]
mod tests;

/// What is read as a sealed value is written as it was.
pub fn envelope(bytes: &[u8]) {
    if let Ok(value) = SealedValue::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes, "the binary form has one spelling");
    }
    if let Some(value) = str::from_utf8(bytes).ok().and_then(|text| SealedValue::from_base64(text).ok()) {
        assert_eq!(SealedValue::from_base64(&value.to_base64()), Ok(value));
    }
}

/// Whatever is read of a PEM text is read the same from what we write.
pub fn pem(text: &[u8]) {
    if let Ok(bundle) = Certificate::bundle_from_pem(text) {
        let written: String = bundle.iter().map(Certificate::to_pem).collect();
        let again = Certificate::bundle_from_pem(written.as_bytes()).map(|again| again.len());
        assert_eq!(again.ok(), Some(bundle.len()));
        assert!(Certificate::first_from_pem(text).is_ok());
    }
    written_and_read_again(text);
    let _ = Backup::is_one(text);
}

/// A certificate keeps its key and its dates.
pub fn certificate(der: &[u8]) {
    let Ok(certificate) = Certificate::first_from_pem(block("CERTIFICATE", der).as_bytes()) else { return };
    let says = |of: &Certificate| (of.key().fingerprint().clone(), of.not_before(), of.not_after());
    let again = Certificate::first_from_pem(certificate.to_pem().as_bytes());
    assert_eq!(again.ok().as_ref().map(says), Some(says(&certificate)));
    let _ = (certificate.check_validity(Timestamp::UNIX_EPOCH), certificate.key().bits());
}

/// A private key, PKCS#1 or PKCS#8, is written in the form of key Secrets and read again.
pub fn private_key(der: &[u8]) {
    written_and_read_again(block("RSA PRIVATE KEY", der).as_bytes());
    written_and_read_again(block("PRIVATE KEY", der).as_bytes());
}

fn written_and_read_again(pem: &[u8]) {
    let Ok(key) = UnsealingKey::from_pem(pem) else { return };
    let again = UnsealingKey::from_pem(key.secret_pkcs1_pem().as_bytes());
    assert_eq!(again.ok().map(|again| again.fingerprint().clone()).as_ref(), Some(key.fingerprint()));
    assert!(format!("{key:?}").ends_with("[redacted])"));
}

/// A backup that opens has keys. The passphrase of the corpus is `passphrase`, at the lowest cost.
pub fn backup(bytes: &[u8]) {
    let passphrase = Passphrase::new(b"passphrase".to_vec().into());
    if let Some(Ok(opened)) = backup::decrypt_if_cheap(bytes, &passphrase) {
        assert!(!opened.keys.is_empty() && Backup::is_one(bytes));
        assert_eq!(opened.keyring().entries().len(), opened.keys.len());
    }
    // The same bytes as the one block of a file, where the structures of PKCS#8 are reached at once.
    let _ = backup::decrypt_if_cheap(block("ENCRYPTED PRIVATE KEY", bytes).as_bytes(), &passphrase);
    let _ = backup::read_manifest(bytes);
}

/// A key of a Secret in JSON is found again in the Secret that we would restore.
pub fn stored_key(json: &[u8]) {
    let Ok(secret) = serde_json::from_slice::<Secret>(json) else { return };
    let Ok(stored) = StoredKey::from_secret(&secret) else { return };
    let says = |of: &StoredKey| (of.key.fingerprint().clone(), of.name.clone(), of.certificates.len());
    let again = StoredKey::from_secret(&stored.to_secret());
    assert_eq!(again.ok().as_ref().map(says), Some(says(&stored)));
    let _ = (stored.entry(), stored.ordered_at_as_of(Timestamp::UNIX_EPOCH), stored.is_labelled_active());
}

/// A SealedSecret in JSON is written and read again unchanged, and opens without keys only if nothing is sealed.
pub fn sealed_secret(json: &[u8]) {
    let Ok(sealed) = serde_json::from_slice::<SealedSecret>(json) else { return };
    let written = serde_json::to_string(&sealed).unwrap_or_default();
    let again: Option<SealedSecret> = serde_json::from_str(&written).ok();
    assert_eq!(again.as_ref().and_then(|again| serde_json::to_string(again).ok()), Some(written));
    let Ok(label) = sealed.label() else { return };
    assert_eq!(again.and_then(|again| again.label().ok()).as_ref(), Some(&label));
    let options = OpenOptions { accept_v1_data: true, rendering: None };
    let opened = open(&label, &sealed.spec, &Keyring::default(), &options);
    assert!(opened.is_err() || sealed.spec.encrypted_data.is_empty(), "something opens without a key");
}

/// A value that a flag accepts is one that its kind can have. One word a line; `NAME=value` is a variable as well.
pub fn command_line(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for word in &words {
        let length = duration::parse(word).unwrap_or_default();
        assert!(length == 0 || (length < 0) == word.starts_with('-'), "the sign is the text's");
    }
    let variable =
        |name: &str| words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let (preset, _) = flags::from_environment(TABLE, variable);
    let Ok(values) = flags::parse(TABLE, preset, &words) else { return };
    assert!(matches!(values.text("words"), "" | "one" | "two"));
    let _ = (values.integer("integer"), values.number("number"), values.nanoseconds("duration"));
    let _ = (values.is_on("switch"), values.list("list"), values.list("repeated"), values.positionals());
}

fn block(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(der))
}

const TABLE: &[Flag] = &[
    Flag::new("switch", Kind::Switch, "", "x").short('s'),
    Flag::new("text", Kind::Text, "a", "x").short('t'),
    Flag::new("integer", Kind::Integer, "3", "x").short('i'),
    Flag::new("number", Kind::Number, "0.5", "x"),
    Flag::new("duration", Kind::Duration, "1h", "x").short('d'),
    Flag::new("list", Kind::List, "", "x").short('l'),
    Flag::new("repeated", Kind::Repeated, "", "x"),
    Flag::new("words", Kind::Words(&["one", "two"]), "one", "x"),
    Flag::new("source", Kind::SourceLine, "", "x"),
    Flag::new("levels", Kind::Levels, "", "x"),
];
