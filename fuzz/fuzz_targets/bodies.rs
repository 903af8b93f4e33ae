//! What is posted to the controller.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealer_controller::fuzzing::body(bytes));
