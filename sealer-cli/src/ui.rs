//! The only writer of results: standard output at the end and all at once, files whole or not at all.

mod private;
mod spool;
mod target;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::diagnostics::{CliError, notice, visible};
pub(crate) use private::create_private;
use spool::Spool;
use target::Target;

/// Where a command's results go.
#[derive(Debug, Default)]
pub(crate) struct Ui {
    output: Spool,
    target: Option<Target>,
}

/// A count that shows itself on a terminal once the work has taken a second.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// One more is done.
    pub(crate) fn step(&self) {
        if self.bar.is_hidden() && self.started.elapsed() > SHOWN_AFTER && io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }

    /// So many more were found to be done.
    pub(crate) fn more(&self, count: usize) {
        self.bar.inc_length(count as u64);
    }

    /// Tells something while the count is shown.
    pub(crate) fn aside<T>(&self, tell: impl FnOnce() -> T) -> T {
        self.bar.suspend(tell)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Who may read a file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever could read the file that is replaced: nothing in it is secret.
    AsBefore,
    /// Its owner alone, whatever there was before.
    Owner,
}

impl Ui {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sends the results to a file or stream instead of standard output. A folder that cannot be written is known before any
    /// work.
    pub(crate) fn write_to_file(&mut self, path: &str, readers: Readers) -> Result<(), CliError> {
        self.target = Target::open(path, readers)?;
        Ok(())
    }

    /// Adds to the results.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.output.write(bytes.as_ref());
    }

    /// Adds human-readable output with terminal control characters escaped.
    pub(crate) fn say(&mut self, text: impl AsRef<str>) {
        self.output.write(visible(text.as_ref()).as_bytes());
    }

    /// Adds a sealed document to the results, of which there may be any number.
    pub(crate) fn write_sealed(&mut self, text: &str) {
        self.output.write_public(text.as_bytes());
    }

    /// Tells the user something beside the results.
    pub(crate) fn notice(&self, text: &str) {
        notice(text);
    }

    /// Tells what is worth a look and no reason to stop, if somebody reads it at a terminal.
    pub(crate) fn notice_reader(&self, text: &str) {
        if has_reader() {
            self.notice(text);
        }
    }

    /// Tells something to whoever it is for.
    pub(crate) fn tell(&self, weight: Weight, has_old_name: bool, text: &str) {
        tell(weight, has_old_name, text);
    }

    /// Says what is waited for, if somebody sits at the terminal.
    pub(crate) fn notice_terminal(&self, text: &str) {
        if io::stdin().is_terminal() {
            self.notice(text);
        }
    }

    /// Counts work of which there is much.
    pub(crate) fn progress(&self, what: &'static str, total: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        bar.set_style(
            ProgressStyle::with_template("{msg} {pos} of {len} {wide_bar} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(what);
        Progress { bar, started: Instant::now() }
    }

    /// Writes what there is to standard output now: a report is wanted even if the command fails.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        print(&mut std::mem::take(&mut self.output))
    }

    /// Puts the results in place. Nothing was written before this.
    pub(crate) fn finish(mut self) -> Result<(), CliError> {
        match self.target {
            Some(target) => target.put(&mut self.output),
            None => print(&mut self.output),
        }
    }
}

fn print(output: &mut Spool) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    output.copy_to(&mut out).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))
}

/// Prints results where notices go.
fn print_aside(output: &mut Spool) -> io::Result<()> {
    let mut out = io::stderr().lock();
    output.copy_to(&mut out).and_then(|()| out.flush())
}

/// Whether what is told beside the results is read at a terminal.
pub(crate) fn has_reader() -> bool {
    io::stderr().is_terminal()
}

/// How much it matters what is told beside the results, which decides who hears it: docs/differences.md has the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Something of the input does not come out, or no cluster takes what comes out.
    Loss,
    /// The result is good, and perhaps not the one that was meant.
    Slip,
    /// It is right more often than not.
    Possible,
}

impl Weight {
    /// Whether it is told: scripts that call the program by its old name may take every word on standard error for a failure.
    fn is_told(self, has_old_name: bool, has_reader: bool) -> bool {
        match self {
            Self::Loss => true,
            Self::Slip => !has_old_name || has_reader,
            Self::Possible => has_reader,
        }
    }
}

/// Tells something to whoever it is for, while somebody else adds to the results.
pub(crate) fn tell(weight: Weight, has_old_name: bool, text: &str) {
    if weight.is_told(has_old_name, has_reader()) {
        notice(text);
    }
}

/// Passes on what another program says to the user, as it is.
pub(crate) fn pass_on(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock enters")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The name that stands for standard input or output where a file is asked for.
pub(crate) const STREAM: &str = "-";

const SHOWN_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_always_and_notices_to_readers() {
        let told = |weight: Weight| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(has_old_name, has_reader)| weight.is_told(has_old_name, has_reader))
        };
        assert_eq!(told(Weight::Loss), [true; 4]);
        assert_eq!(told(Weight::Slip), [true, true, false, true]);
        assert_eq!(told(Weight::Possible), [false, true, false, true]);
    }
}
