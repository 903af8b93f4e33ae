//! Streams of JSON documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealer_cli::fuzzing::json(bytes));
