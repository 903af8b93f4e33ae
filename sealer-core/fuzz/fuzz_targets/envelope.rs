//! Reads whatever comes as a sealed value: no panic, and what is read is written back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealer_core::SealedValue;

fuzz_target!(|text: &str| {
    if let Ok(value) = SealedValue::from_base64(text) {
        let again = SealedValue::from_base64(&value.to_base64());
        assert!(again.is_ok_and(|again| again.to_base64() == value.to_base64()));
    }
});
