//! SealedSecrets in JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|json: &[u8]| sealer_resource::fuzzing::sealed_secret(json));
