//! A file for its owner alone, which has no name before it is complete: killed at any point, nothing of it is left.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::diagnostics::CliError;

/// Writes a file that only its owner may read, as one step. Nothing that has the name is replaced, and no link followed.
pub(crate) fn create_private(path: &str, bytes: &[u8]) -> Result<(), CliError> {
    let place = Path::new(path);
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create(folder, place, bytes).map_err(|error| CliError::file("write", path, &error))?;
    // The name is to outlast a power cut, too, where folders can be synced.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn create(folder: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
    match nameless(folder) {
        Some(mut file) => {
            file.write_all(bytes)?;
            file.sync_all()?;
            match give_name(&file, place) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => create_beside(folder, place, bytes),
                named => named,
            }
        }
        None => create_beside(folder, place, bytes),
    }
}

/// Leaves a file that is there to its owner alone; nobody else can have that done.
#[cfg(unix)]
pub(super) fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
pub(super) fn make_private(_: &File) -> io::Result<()> {
    Ok(())
}

/// Where files without a name cannot be: under another name until it is complete. It is its owner's, whatever the umask.
fn create_beside(folder: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(place).map(drop).map_err(|error| error.error)
}

/// Nothing where the file system has no such files, or `/proc` is not there to name one by.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).ok()?);
    std::fs::metadata(seen_as(&file)).is_ok().then_some(file)
}

#[cfg(target_os = "linux")]
fn give_name(file: &File, place: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, seen_as(file), CWD, place, AtFlags::SYMLINK_FOLLOW)?)
}

/// The way to an open file, proc(5).
#[cfg(target_os = "linux")]
fn seen_as(file: &File) -> String {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn give_name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn either_way_it_is_whole_and_replaces_nothing() {
        for create in [create, create_beside] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("keys");
            create(folder.path(), &place, b"all").unwrap();
            assert_eq!(fs::read(&place).unwrap(), b"all");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
            }
            assert_eq!(create(folder.path(), &place, b"other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(
                (fs::read(&place).unwrap().as_slice(), fs::read_dir(folder.path()).unwrap().count()),
                (&b"all"[..], 1)
            );
        }
    }

    /// What a command holds when it is killed goes with it.
    #[cfg(target_os = "linux")]
    #[test]
    fn before_it_is_complete_no_folder_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = nameless(folder.path()).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
