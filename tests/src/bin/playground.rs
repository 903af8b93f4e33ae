//! `cargo playground`: the whole product on this machine. `--demo` tours it by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealer_tests::playground::main(std::env::args().skip(1).collect())
}
