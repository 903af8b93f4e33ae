//! Edits of YAML and JSON texts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealer_cli::fuzzing::editor(bytes));
