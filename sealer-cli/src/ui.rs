//! The only writer of results: standard output at the end and all at once, files whole or not at all.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::diagnostics::CliError;

/// Where a command's results go.
#[derive(Debug, Default)]
pub(crate) struct Ui {
    output: Vec<u8>,
    target: Option<Target>,
}

#[derive(Debug)]
struct Target {
    path: PathBuf,
    file: NamedTempFile,
}

impl Ui {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sends the results to a file instead of standard output. The file beside it is made now, so that a folder that
    /// cannot be written is known before any work.
    pub(crate) fn write_to_file(&mut self, path: &str) -> Result<(), CliError> {
        let path = PathBuf::from(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let file =
            NamedTempFile::new_in(folder).map_err(|error| CliError::file("open", &path.to_string_lossy(), &error))?;
        self.target = Some(Target { path, file });
        Ok(())
    }

    /// Adds to the results.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.output.extend_from_slice(bytes.as_ref());
    }

    /// Tells the user something beside the results.
    pub(crate) fn notice(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Says what is waited for, if somebody sits at the terminal.
    pub(crate) fn notice_terminal(&self, text: &str) {
        if io::stdin().is_terminal() {
            self.notice(text);
        }
    }

    /// Puts the results in place. Nothing was written before this.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self.target {
            Some(target) => target.put(&self.output),
            None => {
                let mut out = io::stdout().lock();
                out.write_all(&self.output).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))
            }
        }
    }
}

impl Target {
    /// Replaces the file as one step; an existing file keeps its mode.
    fn put(mut self, bytes: &[u8]) -> Result<(), CliError> {
        let path = self.path.to_string_lossy().into_owned();
        let failed = |error: &io::Error| CliError::file("write", &path, error);
        self.file.write_all(bytes).map_err(|error| failed(&error))?;
        if let Ok(existing) = fs::metadata(&self.path) {
            self.file.as_file().set_permissions(existing.permissions()).map_err(|error| failed(&error))?;
        }
        self.file.as_file().sync_all().map_err(|error| failed(&error))?;
        self.file.persist(&self.path).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock enters")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Reads a file, or standard input.
pub(crate) fn read(path: Option<&str>) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    match path {
        Some(path) => {
            let mut file = File::open(path).map_err(|error| CliError::file("open", path, &error))?;
            file.read_to_end(&mut bytes).map_err(|error| CliError::file("read", path, &error))?;
        }
        None => {
            io::stdin().read_to_end(&mut bytes).map_err(|error| CliError::file("read", "/dev/stdin", &error))?;
        }
    }
    Ok(bytes)
}
