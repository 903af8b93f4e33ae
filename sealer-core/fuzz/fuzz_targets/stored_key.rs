//! Key Secrets in JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|json: &[u8]| sealer_core::fuzzing::stored_key(json));
