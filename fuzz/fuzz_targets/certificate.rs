//! Reads whatever comes as the DER of a certificate: no panic, and a certificate that is read keeps its key and dates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealer_core::Certificate;
use sealer_encoding::base64;

fuzz_target!(|der: &[u8]| {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(der));
    let Ok(certificate) = Certificate::first_from_pem(pem.as_bytes()) else { return };
    let again = Certificate::first_from_pem(certificate.to_pem().as_bytes()).expect("what we write is readable");
    assert_eq!(again.key().fingerprint(), certificate.key().fingerprint());
    assert_eq!((again.not_before(), again.not_after()), (certificate.not_before(), certificate.not_after()));
    let _ = certificate.check_validity(jiff::Timestamp::UNIX_EPOCH);
    let _ = certificate.key().bits();
});
