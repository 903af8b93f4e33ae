//! Which temporary folders did earlier runs leave behind? Those that ended without cleaning up (kill -9, power) are
//! removed at the next start.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Marks a folder as in use for as long as this value lives, and no longer: the kernel drops the lock with the process.
#[derive(Debug)]
pub(crate) struct InUse {
    _lock: File,
}

impl InUse {
    /// Marks a folder. The file holds the process id, for whoever looks.
    pub(crate) fn mark(folder: &Path) -> io::Result<Self> {
        // Another run must never see the file unlocked.
        let unfinished = folder.join("owner.unfinished");
        let mut lock = File::create(&unfinished)?;
        lock.lock()?;
        writeln!(lock, "{}", std::process::id())?;
        fs::rename(unfinished, folder.join(OWNER))?;
        Ok(Self { _lock: lock })
    }
}

/// Removes the folders of runs that are gone: those named with the prefix whose mark nobody holds. A folder without a
/// mark is left alone, since it may be another program's.
pub(crate) fn remove(parent: &Path, prefix: &str) {
    abandoned(parent, prefix).iter().for_each(|folder| {
        // Another user's, or another run removes it too: nothing to do about it.
        let _ = fs::remove_dir_all(folder);
    });
}

fn abandoned(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    // `file_type` does not follow links: a link with a fitting name leads nowhere.
    let folders = named.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    folders.filter(|folder| is_abandoned(folder)).collect()
}

fn is_abandoned(folder: &Path) -> bool {
    let Ok(owner) = File::open(folder.join(OWNER)) else { return false };
    !matches!(owner.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
}

const OWNER: &str = "owner.pid";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn only_marked_folders_that_nobody_holds_go() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (gone, held, foreign, other) = (folder("sealer-a"), folder("sealer-b"), folder("sealer-c"), folder("x-d"));
        drop(InUse::mark(&gone).unwrap());
        fs::write(gone.join("ca.key"), "").unwrap();
        drop(InUse::mark(&other).unwrap());
        let mark = InUse::mark(&held).unwrap();
        std::os::unix::fs::symlink(&other, parent.path().join("sealer-link")).unwrap();
        remove(parent.path(), "sealer-");
        assert_eq!([&gone, &held, &foreign, &other].map(|path| path.exists()), [false, true, true, true]);
        drop(mark);
        remove(parent.path(), "sealer-");
        assert!(!held.exists());
    }
}
