//! One step of the tour: what is run, what came back, and whether that is what was promised.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::report::say;
use crate::shell::Shell;

/// Shows and runs a command that must succeed and print something.
pub(super) async fn run(shell: &Shell, title: &str, command: &str, promised: &str) -> Result<String> {
    say(&format!("\n# {title}\n$ {command}"));
    let printed = shell.must(command).await?;
    show(&printed);
    if !printed.contains(promised) {
        bail!("`{promised}` was to be printed");
    }
    Ok(printed)
}

/// Repeats a command until it prints what was promised, or fails as promised where nothing is (`None`).
pub(super) async fn until(shell: &Shell, title: &str, command: &str, promised: Option<&str>) -> Result<()> {
    say(&format!("\n# {title}\n$ {command}"));
    let started = Instant::now();
    loop {
        let output = shell.run(command).await?;
        let holds = match promised {
            Some(text) => output.status == Some(0) && output.stdout.contains(text),
            None => output.status != Some(0) && output.stderr.contains("NotFound"),
        };
        if holds {
            show(&output.stdout);
            show(&output.stderr);
            say(&format!("  (after {:.1} s)", started.elapsed().as_secs_f64()));
            return Ok(());
        }
        if started.elapsed() > STEP_TIMEOUT {
            bail!(
                "`{command}` does not come to {}; it says: {}{}",
                promised.unwrap_or("not found"),
                output.stdout,
                output.stderr
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

fn show(text: &str) {
    text.lines().for_each(|line| say(&format!("  {line}")));
}

const STEP_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);
