//! Kubeconfigs; files that they name are not opened.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sealer_cli::fuzzing::kubeconfig(text));
