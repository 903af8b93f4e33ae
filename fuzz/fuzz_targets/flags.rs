//! Command lines, variables and lengths of time.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sealer_go::fuzzing::command_line(text));
