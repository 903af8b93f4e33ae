//! Pieces of the checkpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealer_controller::fuzzing::checkpoint(bytes));
