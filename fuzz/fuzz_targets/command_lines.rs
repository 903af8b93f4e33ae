//! Command lines of both programs.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    sealer_cli::fuzzing::command_line(text);
    sealer_controller::fuzzing::command_line(text);
});
