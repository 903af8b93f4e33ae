//! Reads whatever comes as a PEM text, in every role that a PEM text has: no panic, and what is read is read the same
//! from what we write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealer_core::{Backup, Certificate, UnsealingKey};

fuzz_target!(|text: &[u8]| {
    if let Ok(bundle) = Certificate::bundle_from_pem(text) {
        let written: String = bundle.iter().map(Certificate::to_pem).collect();
        let again = Certificate::bundle_from_pem(written.as_bytes()).expect("what we write is readable");
        assert_eq!(again.len(), bundle.len());
        assert!(Certificate::first_from_pem(text).is_ok());
    }
    if let Ok(key) = UnsealingKey::from_pem(text) {
        let again = UnsealingKey::from_pem(key.secret_pkcs1_pem().as_bytes()).expect("what we write is readable");
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    let _ = Backup::looks_like_backup(text);
});
