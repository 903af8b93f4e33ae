//! The `sealer` command; linked under the name `kubeseal` it speaks that name.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealer_cli::main(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(), |name| {
        std::env::var(name).ok()
    })
}
