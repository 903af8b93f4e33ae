//! The editor: run in the foreground, and outlived, so that what it showed is wiped.

use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use tokio::runtime::Runtime;

use crate::commands::target::UNTOUCHED;
use crate::diagnostics::{CliError, os_text};

/// The signals that would end this process. From when they are watched, none of them does.
pub(super) struct Ends {
    runtime: Runtime,
}

impl Ends {
    pub(super) fn watch() -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CliError::new(format!("cannot start the runtime: {error}")))?;
        let ends = Self { runtime };
        ends.signals()?;
        Ok(ends)
    }

    /// Runs the editor on a file until it ends.
    pub(super) fn run(&self, editor: &str, file: &Path) -> Result<(), CliError> {
        let mut signals = self.signals()?;
        let failed = |reason: String| {
            CliError::new(format!("the editor `{editor}` {reason}")).hint(UNTOUCHED).hint("set EDITOR to another one")
        };
        let child =
            command(editor, file).spawn().map_err(|error| failed(format!("cannot be started: {}", os_text(&error))))?;
        match self.runtime.block_on(signals.outlast(child)) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(failed(match status.code() {
                Some(code) => format!("ended with status {code}"),
                None => "was ended by a signal".to_owned(),
            })),
            Ok(None) => Err(CliError::new("ended by a signal").hint(UNTOUCHED)),
            Err(error) => Err(failed(format!("cannot be waited for: {}", os_text(&error)))),
        }
    }

    fn signals(&self) -> Result<Signals, CliError> {
        let _inside = self.runtime.enter();
        Signals::new().map_err(|error| CliError::new(format!("cannot watch signals: {}", os_text(&error))))
    }
}

/// Through the shell, as other programs do it: the variable may hold flags.
#[cfg(unix)]
fn command(editor: &str, file: &Path) -> Command {
    // A shell that stays between would keep signals from the editor.
    let simple = |c: char| c.is_ascii_alphanumeric() || "/._- ".contains(c);
    let exec = if editor.chars().all(simple) { "exec " } else { "" };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{exec}{editor} \"$@\""), editor]).arg(file);
    command
}

#[cfg(not(unix))]
fn command(editor: &str, file: &Path) -> Command {
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(editor));
    command.args(words).arg(file);
    command
}

#[cfg(unix)]
struct Signals {
    children: tokio::signal::unix::Signal,
    /// The terminal sends these to the editor as well, and what they mean is the editor's to say.
    keys: [tokio::signal::unix::Signal; 2],
    ends: [tokio::signal::unix::Signal; 2],
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            children: signal(SignalKind::child())?,
            keys: [signal(SignalKind::interrupt())?, signal(SignalKind::quit())?],
            ends: [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?],
        })
    }

    /// Waits for the editor; none if this process is to end first.
    async fn outlast(&mut self, mut child: Child) -> std::io::Result<Option<ExitStatus>> {
        let Self { children, keys: [interrupt, quit], ends: [terminate, hangup] } = self;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            tokio::select! {
                _ = children.recv() => {}
                _ = interrupt.recv() => {}
                _ = quit.recv() => {}
                _ = terminate.recv() => break,
                _ = hangup.recv() => break,
            }
        }
        end(&mut child).await?;
        Ok(None)
    }
}

/// Asks the editor to end, so that it can put the terminal right, and ends it if it does not.
#[cfg(unix)]
async fn end(child: &mut Child) -> std::io::Result<()> {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    for _ in 0..LAST_LOOKS {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    child.kill()?;
    child.wait().map(drop)
}

/// Two seconds.
#[cfg(unix)]
const LAST_LOOKS: usize = 100;
#[cfg(unix)]
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn outlast(&mut self, mut child: Child) -> std::io::Result<Option<ExitStatus>> {
        child.wait().map(Some)
    }
}
