//! Overwrites what an editor was shown, and what it left beside that.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Overwrites all files of a folder.
pub(super) fn overwrite_files(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => overwrite_files(&entry.path()),
            Ok(kind) if kind.is_file() => drop(overwrite(&entry.path())),
            _ => {}
        }
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}

/// How the names of the folders begin, wherever they are.
pub(super) const PREFIX: &str = "sealer-edit-";
