//! Reads whatever comes as the DER of a private key, PKCS#1 and PKCS#8: no panic, and a key that is read is written
//! in the form of key Secrets and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealer_core::UnsealingKey;
use sealer_encoding::base64;

fuzz_target!(|der: &[u8]| {
    for label in ["RSA PRIVATE KEY", "PRIVATE KEY"] {
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(der));
        let Ok(key) = UnsealingKey::from_pem(pem.as_bytes()) else { continue };
        let again = UnsealingKey::from_pem(key.secret_pkcs1_pem().as_bytes()).expect("what we write is readable");
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert!(format!("{key:?}").ends_with("[redacted])"));
    }
});
