//! The only writer of results: standard output at the end and all at once, files whole or not at all.

mod private;
mod spool;

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::diagnostics::{CliError, visible};
use crate::in_place::write_over::{self, WriteOver};
pub(crate) use private::create_private;
use spool::Spool;

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

#[derive(Debug)]
struct Target {
    path: PathBuf,
    place: Place,
    readers: Readers,
}

/// How a file of results comes to be.
#[derive(Debug)]
enum Place {
    /// In the place of the one that is there.
    Beside(NamedTempFile),
    /// No file can be put beside it, for this reason: it is written over.
    Over(WriteOver, &'static str),
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

    /// Sends the results to a file instead of standard output. The file beside it is made now, so that a folder that
    /// cannot be written is known before any work.
    pub(crate) fn write_to_file(&mut self, path: &str, readers: Readers) -> Result<(), CliError> {
        refuse_odd_target(path, readers)?;
        let path = PathBuf::from(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let place = match NamedTempFile::new_in(folder) {
            Ok(file) => Place::Beside(file),
            Err(error) => match (write_over::irreplaceable(&error), WriteOver::open(&path)) {
                (Some(reason), Ok(file)) => Place::Over(file, reason),
                _ => return Err(CliError::file("open", &path.to_string_lossy(), &error)),
            },
        };
        self.target = Some(Target { path, place, readers });
        Ok(())
    }

    /// Adds to the results.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.output.write(bytes.as_ref());
    }

    /// Adds a text for whoever sits at a terminal, which names in it must not command.
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

impl Target {
    /// Replaces the file as one step; an existing file keeps its mode, unless its owner alone is to read it.
    fn put(self, output: &mut Spool) -> Result<(), CliError> {
        let Self { path, place, readers } = self;
        let failed = |error: &io::Error| CliError::file("write", &path.to_string_lossy(), error);
        let mut file = match place {
            Place::Over(file, reason) => return write_over(file, &path, reason, readers, |file| output.copy_to(file)),
            Place::Beside(file) => file,
        };
        output.copy_to(&mut file).map_err(|error| failed(&error))?;
        // The new file is its owner's, whatever the umask.
        if let (Readers::AsBefore, Ok(existing)) = (readers, fs::metadata(&path)) {
            file.as_file().set_permissions(existing.permissions()).map_err(|error| failed(&error))?;
        }
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        let Err(refused) = file.persist(&path) else { return Ok(()) };
        match (write_over::irreplaceable(&refused.error), WriteOver::open(&path)) {
            (Some(reason), Ok(old)) => {
                let mut new = refused.file;
                write_over(old, &path, reason, readers, |file| {
                    new.rewind()?;
                    io::copy(&mut new, file).map(drop)
                })
            }
            _ => Err(failed(&refused.error)),
        }
    }
}

/// Writes results over a file that cannot be replaced.
fn write_over(
    file: WriteOver,
    path: &Path,
    reason: &str,
    readers: Readers,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), CliError> {
    notice(&write_over::told(path, reason));
    let name = path.to_string_lossy();
    if readers == Readers::Owner {
        private::make_private(file.file()).map_err(|error| {
            CliError::file("write", &name, &error).hint("values in clear text are for its owner alone; name a new file")
        })?;
    }
    file.write(write).map_err(|error| CliError::new(format!("write {name}: {error}")))
}

/// A device would be replaced by a file. Values are not written where a link leads either: the file that comes in its place
/// may lie on another disk than the one that was meant.
fn refuse_odd_target(path: &str, readers: Readers) -> Result<(), CliError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if found.is_symlink() && readers == Readers::Owner {
        return Err(CliError::new(format!("{path} is a link; values are never written through one"))
            .hint("name the file itself, or a new one"));
    }
    if found.is_file() || found.is_dir() || found.is_symlink() {
        return Ok(());
    }
    Err(CliError::new(format!("{path} is a device, a pipe or a socket; it would be replaced by a file"))
        .hint("leave -w out to write to standard output"))
}

fn print(output: &mut Spool) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    output.copy_to(&mut out).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))
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

/// Tells the user something beside the results, while somebody else adds to them.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "{}", visible(text));
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

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn written(path: &Path, readers: Readers) -> Result<u32, String> {
        let mut ui = Ui::new();
        let path_text = path.to_str().unwrap();
        ui.write_to_file(path_text, readers).map_err(|error| error.message().to_owned())?;
        ui.write("value");
        ui.finish().unwrap();
        assert_eq!(fs::read(path).unwrap(), b"value");
        Ok(fs::metadata(path).unwrap().permissions().mode() & 0o777)
    }

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

    #[test]
    fn only_the_owner_reads_values_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.yaml");
        assert_eq!(written(&path, Readers::Owner), Ok(0o600));
        for mode in [0o644, 0o666, 0o400] {
            for (readers, wanted) in [(Readers::AsBefore, mode), (Readers::Owner, 0o600)] {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                assert_eq!(written(&path, readers), Ok(wanted), "{mode:o}");
            }
        }
    }

    #[test]
    fn values_go_through_no_link_and_nothing_replaces_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "kept").unwrap();
        symlink(&file, &link).unwrap();
        let error = written(&link, Readers::Owner).unwrap_err();
        assert!(error.ends_with("link is a link; values are never written through one"), "{error}");
        assert_eq!(
            (fs::read(&file).unwrap().as_slice(), fs::read_dir(folder.path()).unwrap().count()),
            (&b"kept"[..], 2)
        );
        let socket = folder.path().join("socket");
        let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for readers in [Readers::AsBefore, Readers::Owner] {
            assert!(written(&socket, readers).unwrap_err().contains("it would be replaced by a file"));
        }
    }
}
