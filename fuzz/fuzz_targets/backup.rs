//! Backups of keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealer_core::fuzzing::backup(bytes));
