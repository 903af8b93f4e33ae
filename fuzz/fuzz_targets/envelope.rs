//! Reads whatever comes as a sealed value: no panic, and what is read is written back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealer_core::SealedValue;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = SealedValue::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes, "the binary form has one spelling");
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(value) = SealedValue::from_base64(text) {
        assert_eq!(SealedValue::from_base64(&value.to_base64()).as_ref(), Ok(&value));
    }
});
