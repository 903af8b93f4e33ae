//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use jiff::Timestamp;
use sealer_encoding::base64;

use crate::key::backup;
use crate::{Backup, Certificate, Passphrase, SealedValue, UnsealingKey};

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
    let _ = Backup::looks_like_backup(text);
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
        assert!(!opened.keys.is_empty() && Backup::looks_like_backup(bytes));
        assert_eq!(opened.keyring().entries().len(), opened.keys.len());
    }
    // The same bytes as the one block of a file, where the structures of PKCS#8 are reached at once.
    let _ = backup::decrypt_if_cheap(block("ENCRYPTED PRIVATE KEY", bytes).as_bytes(), &passphrase);
    let _ = backup::read_manifest(bytes);
}

fn block(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(der))
}
