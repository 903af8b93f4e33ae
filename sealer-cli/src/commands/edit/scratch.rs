//! A file for the editor that only its owner can reach, overwritten and taken away whatever happens.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zeroize::Zeroizing;

#[cfg(unix)]
use super::leftovers;
use super::memory;
use super::overwrite::{PREFIX, overwrite_files};
use crate::commands::target::UNTOUCHED;
use crate::diagnostics::{CliError, os_text};
use crate::input::encoding;

/// A folder of its own, so that copies that editors make beside a file are taken away, too.
pub(super) struct Scratch {
    folder: TempDir,
    file: PathBuf,
    in_memory: bool,
    /// Says that this command is alive.
    #[cfg(unix)]
    _claim: Option<File>,
}

impl Scratch {
    /// In the first of the folders that lies in memory, or else in the last one.
    pub(super) fn new(folders: &[String]) -> Result<Self, CliError> {
        let in_memory = folders.iter().find_map(|folder| {
            let folder = Path::new(folder);
            memory::is_in_memory(folder).then(|| private_folder(folder).ok()).flatten()
        });
        let is_in_memory = in_memory.is_some();
        let last = folders.last().map_or("/tmp", String::as_str);
        let folder = match in_memory {
            Some(folder) => folder,
            None => private_folder(Path::new(last)).map_err(|error| {
                CliError::new(format!("no folder for the editor can be made in {last}: {}", os_text(&error)))
                    .hint("name a folder that you can write to with TMPDIR")
            })?,
        };
        let file = folder.path().join("items.yaml");
        #[cfg(unix)]
        let claim = leftovers::claim(folder.path());
        #[cfg(unix)]
        leftovers::wipe(folder.path());
        Ok(Self {
            folder,
            file,
            in_memory: is_in_memory,
            #[cfg(unix)]
            _claim: claim,
        })
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn write(&self, text: &str) -> Result<(), CliError> {
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&self.file)?.write_all(text.as_bytes())
        };
        write().map_err(|error| self.unusable(&error))
    }

    pub(super) fn read(&self) -> Result<Zeroizing<String>, CliError> {
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(&self.file)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(|error| self.unusable(&error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(CliError::new("the edit cannot be used: it is larger than 16 MiB").hint(UNTOUCHED));
        }
        // Editors of Windows may add a mark, or save UTF-16.
        let bytes = Zeroizing::new(encoding::text(&bytes).map_or_else(|_| bytes.to_vec(), Cow::into_owned));
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| CliError::new("the edit cannot be used: it is no UTF-8").hint(UNTOUCHED))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn unusable(&self, error: &io::Error) -> CliError {
        CliError::new(format!(
            "the file for the editor in {} cannot be used: {}",
            self.folder.path().display(),
            os_text(error)
        ))
        .hint(UNTOUCHED)
    }
}

/// Whatever the editor left there is overwritten before the folder goes.
impl Drop for Scratch {
    fn drop(&mut self) {
        overwrite_files(self.folder.path());
    }
}

fn private_folder(folder: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(folder)
}

/// A Secret has 1 MiB at most, and its escapes take some room.
const LARGEST: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let error = Scratch::new(&["/proc".to_owned(), "missing".to_owned()]).err().unwrap();
        assert_eq!(error.message(), "no folder for the editor can be made in missing: no such file or directory");
    }

    #[test]
    fn only_the_owner_reaches_it_and_nothing_stays() {
        let base = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(&["/proc".to_owned(), base.path().display().to_string()]).unwrap();
        scratch.write("value").unwrap();
        let folder = scratch.folder.path().to_owned();
        fs::create_dir(folder.join("swap")).unwrap();
        fs::hard_link(scratch.file(), folder.join("swap/items.yaml~")).unwrap();
        fs::hard_link(scratch.file(), base.path().join("kept")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder), mode(scratch.file())), (0o700, 0o600));
        }
        drop(scratch);
        assert!(!folder.exists());
        // The bytes themselves are gone, not only their name.
        assert_eq!(fs::read(base.path().join("kept")).unwrap(), [0; 5]);
    }
}
