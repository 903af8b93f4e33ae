//! The controller's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealer_controller::main(std::env::args().skip(1).collect(), |name| std::env::var(name).ok())
}
