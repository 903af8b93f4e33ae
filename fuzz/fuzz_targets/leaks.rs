//! Values in annotations, and where a redirect leads.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sealer_cli::fuzzing::leaks(text));
