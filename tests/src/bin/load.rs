//! What does the controller cost? `cargo load` names its scenes; docs/performance.md says what each of them shows.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match sealer_tests::load::run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            sealer_tests::report::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
