//! A file changed in place: others that change it wait, and it is replaced as one step if it still is what was read.
//!
//! Killed at any point, the file is as it was or complete. What a killed command leaves beside it is taken away by the next
//! one that changes the same file. Where nothing can be put in its place it is written over.

pub(crate) mod write_over;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::diagnostics::{notice, os_text};
use crate::input::LARGEST_DOCUMENT;

use write_over::{WriteOver, WriteOverError};

/// A file that is about to be changed.
pub(crate) struct InPlace {
    /// The file itself, behind a link if that was named.
    path: PathBuf,
    bytes: Vec<u8>,
    /// Open and locked for as long as this lives, where the file system has locks.
    turn: Option<File>,
}

/// Why a file was not changed. The text follows the file's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InPlaceError {
    #[error("cannot be opened: {}", os_text(.0))]
    Open(io::Error),
    #[error("cannot be read: {}", os_text(.0))]
    Read(io::Error),
    #[error("cannot be written: {}", os_text(.0))]
    Write(io::Error),
    /// Neither replaced nor written over.
    #[error("cannot be written: {0}")]
    WriteOver(WriteOverError),
    /// A device, a pipe or a socket.
    #[error("is no file")]
    NoFile,
    #[error("is larger than {} MiB", LARGEST_DOCUMENT >> 20)]
    TooLarge,
    /// Somebody else has had it for longer than the timeout.
    #[error("is being changed by another command")]
    Busy,
    /// Somebody who does not wait for turns.
    #[error("was changed by somebody else meanwhile")]
    Changed,
}

impl InPlace {
    /// Waits until nobody else changes the file, and reads it.
    pub(crate) fn open(path: &Path) -> Result<Self, InPlaceError> {
        Self::open_within(path, LOCK_TIMEOUT)
    }

    fn open_within(path: &Path, timeout: Duration) -> Result<Self, InPlaceError> {
        let path = fs::canonicalize(path).map_err(InPlaceError::Open)?;
        let found = fs::metadata(&path).map_err(InPlaceError::Open)?;
        if !found.is_file() && !found.is_dir() {
            return Err(InPlaceError::NoFile);
        }
        let deadline = Instant::now() + timeout;
        loop {
            let file = File::open(&path).map_err(InPlaceError::Open)?;
            let has_turn = locked(&file, deadline)?;
            // Whoever had the turn before may have put another file in its place.
            if has_turn && !is_at(&file, &path) {
                continue;
            }
            let mut bytes = Vec::new();
            (&file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(InPlaceError::Read)?;
            if bytes.len() as u64 > LARGEST {
                return Err(InPlaceError::TooLarge);
            }
            return Ok(Self { path, bytes, turn: has_turn.then_some(file) });
        }
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts other bytes in its place; owner and mode stay.
    pub(crate) fn replace(self, bytes: &[u8]) -> Result<(), InPlaceError> {
        let put = self.put(bytes, |new| new.persist(&self.path).map(drop).map_err(|error| error.error));
        match put {
            Err(InPlaceError::Write(error)) => match write_over::irreplaceable(&error) {
                Some(reason) => self.write_over(bytes, reason, error),
                None => Err(InPlaceError::Write(error)),
            },
            put => put,
        }
    }

    /// Writes a file beside it, which `rename` puts in its place.
    fn put(&self, bytes: &[u8], rename: impl FnOnce(NamedTempFile) -> io::Result<()>) -> Result<(), InPlaceError> {
        let mut new = self.beside().map_err(InPlaceError::Write)?;
        new.write_all(bytes).map_err(InPlaceError::Write)?;
        keep_owner_and_mode(&self.path, new.as_file()).map_err(InPlaceError::Write)?;
        new.as_file().sync_all().map_err(InPlaceError::Write)?;
        if !self.is_as_read() {
            return Err(InPlaceError::Changed);
        }
        rename(new).map_err(InPlaceError::Write)
    }

    /// Writes over the file itself, where nothing can be put in its place: `error` says so.
    fn write_over(&self, bytes: &[u8], reason: &str, error: io::Error) -> Result<(), InPlaceError> {
        let Ok(file) = WriteOver::open(&self.path) else { return Err(InPlaceError::Write(error)) };
        if !file.holds(&self.bytes) {
            return Err(InPlaceError::Changed);
        }
        notice(&write_over::told(&self.path, reason));
        file.write(|file| file.write_all(bytes)).map_err(InPlaceError::WriteOver)
    }

    /// Whether it still holds what was read, and no more.
    fn is_as_read(&self) -> bool {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        read.is_ok() && bytes == self.bytes
    }

    /// A new file beside it. Whoever has the turn may take away what an earlier one left there.
    fn beside(&self) -> io::Result<NamedTempFile> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.turn.is_none() || name.len() > LONGEST_NAME {
            return tempfile::Builder::new().prefix(BESIDE).tempfile_in(folder);
        }
        let name = format!(".{name}{LEFTOVER}");
        match fs::remove_file(folder.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => tempfile::Builder::new().prefix(&name).rand_bytes(0).tempfile_in(folder),
        }
    }
}

/// Whether a file of that name is what one of these commands is about to put in a file's place, or has left behind.
pub(crate) fn is_beside(name: &str) -> bool {
    name.starts_with(BESIDE) || name.starts_with('.') && name.ends_with(LEFTOVER)
}

/// Takes the turn, or says that there are no turns here.
fn locked(file: &File, deadline: Instant) -> Result<bool, InPlaceError> {
    // Elsewhere a lock keeps readers away, too.
    if !cfg!(unix) {
        return Ok(false);
    }
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(_)) => return Ok(false),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(InPlaceError::Busy),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(one), Ok(other)) if identity(&one) == identity(&other))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Gives a new file what the old one has. Only root can give files away; others keep theirs as they own them.
pub(crate) fn keep_owner_and_mode(path: &Path, new: &File) -> io::Result<()> {
    let old = fs::metadata(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let made = new.metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            let _ = fchown(new, Some(old.uid()), Some(old.gid()));
        }
    }
    new.set_permissions(old.permissions())
}

/// How the name of a file begins that is not complete yet, where there are no turns.
const BESIDE: &str = ".sealer-";
/// How the name of a file ends that is not complete yet; it begins with a dot and the name of the file.
const LEFTOVER: &str = ".sealer-new";
/// Longer ones leave no room for more within the 255 bytes of most file systems.
const LONGEST_NAME: usize = 200;
/// For one file; a command that has it longer waits for somebody.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// What is larger is no manifest, whoever put it there.
const LARGEST: u64 = LARGEST_DOCUMENT as u64;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").unwrap();
        (folder, path)
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_file_is_replaced_and_nothing_stays_beside_it() {
        let (folder, path) = file();
        fs::write(folder.path().join(".a.yaml.sealer-new"), "left by a killed command").unwrap();
        InPlace::open(&path).unwrap().replace(b"new").unwrap();
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), names(folder.path())),
            ("new", vec!["a.yaml".to_owned()])
        );
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let (folder, path) = file();
        let open = InPlace::open(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert_eq!(open.replace(b"new").unwrap_err().to_string(), "was changed by somebody else meanwhile");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path()).len()), ("theirs", 1));
        let open = InPlace::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(open.replace(b"new").is_err() && names(folder.path()).is_empty());
    }

    #[test]
    fn names_of_any_length_have_room() {
        let (folder, _) = file();
        let path = folder.path().join("n".repeat(255));
        fs::write(&path, "old").unwrap();
        InPlace::open(&path).unwrap().replace(b"new").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path()).len()), ("new", 2));
    }

    #[cfg(unix)]
    #[test]
    fn writers_take_turns_and_read_what_the_last_one_wrote() {
        let (_folder, path) = file();
        fs::write(&path, "").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let open = InPlace::open(&path).unwrap();
                        let longer = [open.bytes(), b"x"].concat();
                        open.replace(&longer).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read(&path).unwrap().len(), 200);
        let _first = InPlace::open(&path).unwrap();
        let second = InPlace::open_within(&path, Duration::ZERO);
        assert_eq!(second.err().unwrap().to_string(), "is being changed by another command");
    }
}
