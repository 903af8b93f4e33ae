//! A file that no other can be put in the place of: its bytes are written over, and what it held comes back if that fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::diagnostics::os_text;
use crate::input::LARGEST_DOCUMENT;

/// Why a file was not written over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteOverError {
    /// It holds what it held.
    #[error("{}", os_text(.0))]
    Kept(io::Error),
    #[error("{}; what it held could not be put back, and it is damaged", os_text(.0))]
    Damaged(io::Error),
}

/// Why a file cannot be replaced, where writing over it may help: the words follow its name.
pub(crate) fn irreplaceable(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ResourceBusy => Some("is a mount point, as a file in a container is that was mounted alone"),
        io::ErrorKind::CrossesDevices => Some("lies on another file system than the folder it is in"),
        // In a container, a file that was mounted alone often lies in a folder that only root may change.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("is in a folder where no other file can be put in its place")
        }
        _ => None,
    }
}

/// What is told of a file that is written over.
pub(crate) fn told(path: &Path, reason: &str) -> String {
    format!(
        "warning: {} {reason}; it is written over in place, and is not whole if that is interrupted",
        path.display()
    )
}

/// A file that is going to be written over.
#[derive(Debug)]
pub(crate) struct WriteOver {
    file: File,
    old: Vec<u8>,
}

impl WriteOver {
    /// Opens a file and reads what it holds; of a link nothing is opened, since another file may be behind it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut old = Vec::new();
        (&file).take(LARGEST + 1).read_to_end(&mut old)?;
        // What cannot be put back is not touched.
        if old.len() as u64 > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Self { file, old })
    }

    /// One that is open already, with what was read from it.
    pub(crate) fn of(file: File, old: Vec<u8>) -> Self {
        Self { file, old }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Whether it holds these bytes.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        self.old == bytes
    }

    /// Has other bytes written over its own. Owner, mode and links stay.
    pub(crate) fn write(mut self, new: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), WriteOverError> {
        let Err(error) = over(&mut self.file, new) else { return Ok(()) };
        match over(&mut self.file, |file| file.write_all(&self.old)) {
            Ok(()) => Err(WriteOverError::Kept(error)),
            Err(_) => Err(WriteOverError::Damaged(error)),
        }
    }
}

/// The file is cut after it is written, not before: what it held has its place on the disk as long as that may be needed.
fn over(file: &mut File, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    file.rewind()?;
    write(file)?;
    let length = file.stream_position()?;
    file.set_len(length)?;
    file.sync_all()
}

const LARGEST: u64 = LARGEST_DOCUMENT as u64;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn a_file_is_written_over_or_holds_what_it_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (old, new) in [("old text", "new"), ("old", "newer text"), ("", "new"), ("old", "")] {
            fs::write(&path, old).unwrap();
            let broken = WriteOver::open(&path).unwrap().write(|file| {
                file.write_all(b"half of something longer than it was")?;
                Err(io::ErrorKind::StorageFull.into())
            });
            assert_eq!(broken.unwrap_err().to_string(), "no space left on device");
            assert_eq!(fs::read_to_string(&path).unwrap(), old);
            let file = WriteOver::open(&path).unwrap();
            assert!(file.holds(old.as_bytes()));
            file.write(|file| file.write_all(new.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), new);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_a_file_itself_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        for path in [folder.path(), &link, Path::new("/dev/null")] {
            assert!(WriteOver::open(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn only_what_cannot_be_replaced_is_written_over() {
        use io::ErrorKind::{
            CrossesDevices, IsADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
        };
        let helps = |kind: io::ErrorKind| irreplaceable(&kind.into()).is_some();
        assert!([ResourceBusy, CrossesDevices, PermissionDenied, ReadOnlyFilesystem].into_iter().all(helps));
        assert!(![NotFound, IsADirectory, StorageFull].into_iter().any(helps));
    }
}
