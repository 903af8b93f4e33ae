//! What an editor gives back.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sealer_cli::fuzzing::edit_form(text));
