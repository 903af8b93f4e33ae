//! The file or stream that `-w` names: a link leads to its file, which is replaced as one step; a device or pipe is written to.

use std::ffi::OsStr;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::spool::Spool;
use super::{Readers, STREAM, private};
use crate::diagnostics::{CliError, notice};
use crate::in_place::keep_owner_and_mode;
use crate::in_place::write_over::{self, WriteOver};

/// Where results go that a name was given for.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    place: Place,
    readers: Readers,
}

/// How results get there.
#[derive(Debug)]
enum Place {
    /// In the place of the file that is there.
    Beside(NamedTempFile),
    /// No file can be put beside it, for this reason: it is written over.
    Over(WriteOver, &'static str),
    /// To a device, a pipe, or what this process was given open; it is opened when there is something to write.
    Stream,
    /// To standard error.
    StandardError,
}

/// What a name leads to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Something this process has open, by its number.
    Open(u32),
    /// A device or a pipe.
    Device,
    /// A file, which may be new, under its own name.
    File(PathBuf),
}

impl Target {
    /// Finds out what is named, and makes the file beside it now, so that a folder that cannot be written is known before
    /// any work; nothing for standard output.
    pub(super) fn open(name: &str, readers: Readers) -> Result<Option<Self>, CliError> {
        if name == STREAM {
            return Ok(None);
        }
        let target = |path: PathBuf, place| Ok(Some(Self { path, place, readers }));
        match find(name, readers)? {
            Found::Open(1) => Ok(None),
            Found::Open(2) => target(name.into(), Place::StandardError),
            Found::Open(_) | Found::Device => {
                fs::metadata(name).map_err(|error| CliError::file("open", name, &error))?;
                target(name.into(), Place::Stream)
            }
            Found::File(path) => {
                let place = place(&path, name)?;
                target(path, place)
            }
        }
    }

    /// Writes to the stream, or replaces the file as one step; an existing file keeps owner and mode, unless its owner
    /// alone is to read it.
    pub(super) fn put(self, output: &mut Spool) -> Result<(), CliError> {
        let Self { path, place, readers } = self;
        let failed = |error: &io::Error| CliError::file("write", &path.to_string_lossy(), error);
        let file = match place {
            Place::Over(file, reason) => return write_over(file, &path, reason, readers, |file| output.copy_to(file)),
            // What others wrote to a file that was given open stays.
            Place::Stream => {
                let stream = OpenOptions::new().append(true).open(&path);
                return stream.and_then(|mut stream| output.copy_to(&mut stream)).map_err(|error| failed(&error));
            }
            Place::StandardError => return super::print_aside(output).map_err(|error| failed(&error)),
            Place::Beside(file) => file,
        };
        replace(file, &path, readers, output)
    }
}

fn place(path: &Path, name: &str) -> Result<Place, CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    match NamedTempFile::new_in(folder) {
        Ok(file) => Ok(Place::Beside(file)),
        Err(error) => match (write_over::irreplaceable(&error), WriteOver::open(path)) {
            (Some(reason), Ok(file)) => Ok(Place::Over(file, reason)),
            _ => Err(CliError::file("open", name, &error)),
        },
    }
}

fn replace(mut file: NamedTempFile, path: &Path, readers: Readers, output: &mut Spool) -> Result<(), CliError> {
    let failed = |error: &io::Error| CliError::file("write", &path.to_string_lossy(), error);
    output.copy_to(&mut file).map_err(|error| failed(&error))?;
    // The new file is its owner's, whatever the umask.
    if readers == Readers::AsBefore && fs::metadata(path).is_ok() {
        keep_owner_and_mode(path, file.as_file()).map_err(|error| failed(&error))?;
    }
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    let Err(refused) = file.persist(path) else { return Ok(()) };
    match (write_over::irreplaceable(&refused.error), WriteOver::open(path)) {
        (Some(reason), Ok(old)) => {
            let mut new = refused.file;
            write_over(old, path, reason, readers, |file| {
                new.rewind()?;
                io::copy(&mut new, file).map(drop)
            })
        }
        _ => Err(failed(&refused.error)),
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

/// Follows links from a name, one at a time: what a process has open is known by its link in `/proc`, which often leads to
/// no name at all. Values are not written where other links lead: the file may lie on another disk than the one that was meant.
fn find(name: &str, readers: Readers) -> Result<Found, CliError> {
    let mut path = PathBuf::from(name);
    if name.ends_with(['/', std::path::MAIN_SEPARATOR]) {
        return Err(folder(name));
    }
    for _ in 0..MOST_LINKS {
        if let Some(number) = open_number(&path) {
            return Ok(Found::Open(number));
        }
        let kind = match fs::metadata(&path) {
            Ok(found) => Some(found.file_type()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // A missing folder is told where the file beside it cannot be made.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Found::File(path)),
            Err(error) => return Err(CliError::file("open", name, &error)),
        };
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if is_link && readers == Readers::Owner {
            return Err(CliError::new(format!("{name} is a link; values are never written through one"))
                .hint("name the file itself, or a new one"));
        }
        let is_other = kind.is_some_and(|kind| !kind.is_file() && !kind.is_dir());
        match kind {
            Some(kind) if kind.is_dir() => return Err(folder(name)),
            // It leads to what a process has open, whatever the name says that it gives.
            Some(kind) if is_link && is_in_proc(&path) => {
                return if is_other { device(name, kind, readers) } else { Ok(Found::Device) };
            }
            _ if is_link => {
                let next = fs::read_link(&path).map_err(|error| CliError::file("open", name, &error))?;
                path = path.parent().unwrap_or_else(|| Path::new("")).join(next);
            }
            Some(kind) if is_other => return device(name, kind, readers),
            _ => return Ok(Found::File(path)),
        }
    }
    Err(CliError::new(format!("open {name}: its links lead to each other")).hint("name the file itself"))
}

fn folder(name: &str) -> CliError {
    CliError::new(format!("write {name}: is a directory")).hint("name a file in it")
}

/// Devices and pipes that results can be written to. A pipe with a name may be read by whoever made it.
#[cfg(unix)]
fn device(name: &str, kind: FileType, readers: Readers) -> Result<Found, CliError> {
    use std::os::unix::fs::FileTypeExt as _;
    let to_output = "leave -w out to write to standard output";
    if kind.is_fifo() && readers == Readers::Owner {
        return Err(CliError::new(format!("{name} is a pipe that others may read; values are never written to one"))
            .hint(to_output));
    }
    if kind.is_char_device() || kind.is_fifo() {
        return Ok(Found::Device);
    }
    let what = if kind.is_socket() { "a socket" } else { "a disk" };
    Err(CliError::new(format!("{name} is {what}; results are written to files, pipes and terminals")).hint(to_output))
}

#[cfg(not(unix))]
fn device(_: &str, _: FileType, _: Readers) -> Result<Found, CliError> {
    Ok(Found::Device)
}

/// The number of what this process has open, if that is what a path names: `/dev/stdout`, `/dev/fd/1`, `/proc/self/fd/1`.
fn open_number(path: &Path) -> Option<u32> {
    if !cfg!(unix) {
        return None;
    }
    let name = path.file_name()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let named = |folder: &Path| match name.to_str()? {
        "stdout" if folder == Path::new("/dev") => Some(1),
        "stderr" if folder == Path::new("/dev") => Some(2),
        number if is_own(folder) => number.parse().ok(),
        _ => None,
    };
    named(folder).or_else(|| named(&fs::canonicalize(folder).ok()?))
}

/// Whether a file is one of those that the kernel makes up for processes.
fn is_in_proc(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with("/proc"))
}

/// Whether a folder lists what this process has open.
fn is_own(folder: &Path) -> bool {
    if folder == Path::new("/dev/fd") {
        return true;
    }
    let Ok(below) = folder.strip_prefix("/proc") else { return false };
    let parts: Vec<&OsStr> = below.iter().collect();
    let own = std::process::id().to_string();
    let is_own = |process: &OsStr| process == "self" || process == "thread-self" || process == own.as_str();
    match parts.as_slice() {
        [process, fd] => is_own(process) && *fd == "fd",
        [process, task, _, fd] => is_own(process) && *task == "task" && *fd == "fd",
        _ => false,
    }
}

/// As many as Linux follows.
const MOST_LINKS: usize = 40;

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn put(path: &Path, readers: Readers) -> Result<(), String> {
        let said = |error: CliError| error.message().to_owned();
        let target = Target::open(path.to_str().unwrap(), readers).map_err(said)?.unwrap();
        let mut output = Spool::default();
        output.write(b"value");
        target.put(&mut output).map_err(said)
    }

    fn written(path: &Path, readers: Readers) -> Result<u32, String> {
        put(path, readers)?;
        assert_eq!(fs::read(path).unwrap(), b"value");
        Ok(fs::metadata(path).unwrap().permissions().mode() & 0o777)
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
    fn values_go_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        symlink(&file, &link).unwrap();
        for _ in 0..2 {
            let error = put(&link, Readers::Owner).unwrap_err();
            assert!(error.ends_with("link is a link; values are never written through one"), "{error}");
            fs::write(&file, "kept").unwrap();
        }
        assert_eq!(
            (fs::read(&file).unwrap().as_slice(), fs::read_dir(folder.path()).unwrap().count()),
            (&b"kept"[..], 2)
        );
    }

    #[test]
    fn a_link_leads_to_its_file_which_may_be_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        for (target, link) in [("sub/file", "one"), ("one", "two"), ("../two", "sub/three"), ("sub/three", "four")] {
            symlink(target, path(link)).unwrap();
        }
        for before in [None, Some(0o640)] {
            if let Some(mode) = before {
                fs::write(path("sub/file"), "before").unwrap();
                fs::set_permissions(path("sub/file"), fs::Permissions::from_mode(mode)).unwrap();
            }
            assert_eq!(written(&path("four"), Readers::AsBefore), Ok(before.unwrap_or(0o600)));
            assert!(["one", "two", "sub/three", "four"].iter().all(|link| path(link).is_symlink()));
            assert!(!path("sub/file").is_symlink());
        }
        symlink("circle", path("circle")).unwrap();
        symlink("sub", path("folder")).unwrap();
        symlink("nowhere/file", path("broken")).unwrap();
        for (name, told) in [
            ("circle", "link"),
            ("folder", "is a directory"),
            ("sub", "is a directory"),
            ("broken", "no such file"),
            ("new/", "is a directory"),
        ] {
            let error = put(&path(name), Readers::AsBefore).unwrap_err();
            assert!(error.contains(told), "{name}: {error}");
            assert!(name == "sub" || name == "new/" || path(name).is_symlink());
        }
        assert_eq!(fs::read_dir(path("sub")).unwrap().count(), 2);
    }

    #[test]
    fn a_device_or_a_socket_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("null"));
        let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for readers in [Readers::AsBefore, Readers::Owner] {
            assert!(put(&socket, readers).unwrap_err().contains("is a socket"));
            put(Path::new("/dev/null"), readers).unwrap();
        }
        symlink("/dev/null", &link).unwrap();
        put(&link, Readers::AsBefore).unwrap();
        assert!(link.is_symlink() && !Path::new("/dev/null").is_file());
    }

    #[test]
    fn what_the_process_has_open_is_known_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/dev/fd", folder.path().join("fd")).unwrap();
        symlink("fd/1", folder.path().join("out")).unwrap();
        let own = format!("/proc/{}/fd/1", std::process::id());
        let (through_folder, link) = (folder.path().join("fd/1"), folder.path().join("out"));
        for name in [
            "/dev/stdout",
            "//dev/./stdout",
            "/dev/../dev/stdout",
            "/dev/fd/1",
            "/proc/self/fd/1",
            "/proc/thread-self/fd/1",
            &own,
            "-",
        ]
        .into_iter()
        .chain([through_folder.to_str().unwrap(), link.to_str().unwrap()])
        {
            assert!(Target::open(name, Readers::AsBefore).unwrap().is_none(), "{name}");
        }
        assert!(Target::open("/dev/stdout", Readers::Owner).unwrap().is_none());
        let error = Target::open("/dev/stderr", Readers::Owner).unwrap().unwrap();
        assert!(matches!(error.place, Place::StandardError));
        assert!(Target::open("/dev/fd/987", Readers::AsBefore).is_err());
        // A running program is not replaced by what its link leads to, and cannot be written to.
        let target = Target::open("/proc/self/exe", Readers::AsBefore).unwrap().unwrap();
        assert!(matches!(target.place, Place::Stream) && target.put(&mut Spool::default()).is_err());
    }
}
