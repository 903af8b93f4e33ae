//! Which files do paths name?

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use crate::diagnostics::{CliError, os_text};
use crate::input::LARGEST_DOCUMENT;

/// What paths lead to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Each once, in order.
    pub(crate) files: Vec<PathBuf>,
    /// What could not be looked into, and why.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// Links out of the folders that were named, which are not followed.
    pub(crate) outside: Vec<PathBuf>,
}

/// A file itself, also behind a link, and of a folder all YAML and JSON that its `.gitignore` lets through.
pub(crate) fn find(paths: &[String]) -> Result<Found, CliError> {
    let mut found = Found::default();
    for path in paths {
        let failed = |error: std::io::Error| CliError::file("open", path, &error);
        if fs::metadata(path).map_err(failed)?.is_dir() {
            let root = fs::canonicalize(path).map_err(failed)?;
            found.folder(Path::new(path), &root);
        } else {
            found.files.push(PathBuf::from(path));
        }
    }
    // A file that several paths lead to is taken once, under the name by which it was met first.
    found.outside.sort();
    let mut met = BTreeSet::new();
    found.files.sort();
    found.files.retain(|path| met.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

impl Found {
    /// Walks a folder; `root` is where it really is.
    fn folder(&mut self, folder: &Path, root: &Path) {
        let walk = WalkBuilder::new(folder).hidden(false).require_git(false).filter_entry(is_no_git_folder).build();
        for entry in walk {
            match entry {
                Ok(entry) => self.entry(&entry, folder, root),
                Err(error) => self.unreadable.push(told(&error, folder)),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, folder: &Path, root: &Path) {
        let Some(kind) = entry.file_type().filter(|_| has_manifest_ending(entry.path())) else { return };
        if kind.is_file() {
            self.files.push(entry.path().to_owned());
        } else if kind.is_symlink() {
            self.link(entry.path(), folder, root);
        }
    }

    /// A link is followed inside the folder that was named. One that leads nowhere, or in a circle, holds nothing.
    fn link(&mut self, link: &Path, folder: &Path, root: &Path) {
        let Ok(target) = fs::canonicalize(link) else { return };
        match target.strip_prefix(root) {
            // Folders are met where they are.
            Ok(inside) if target.is_file() => self.files.push(folder.join(inside)),
            Ok(_) => {}
            Err(_) => self.outside.push(link.to_owned()),
        }
    }
}

/// What a file of a tree holds. What is larger than any manifest is not taken into memory, whoever put it there.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {}", os_text(&error));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

fn is_no_git_folder(entry: &DirEntry) -> bool {
    entry.file_name() != ".git"
}

/// The place and the reason of a failed look.
fn told(error: &ignore::Error, folder: &Path) -> (PathBuf, String) {
    let reason = error.io_error().map_or_else(|| error.to_string(), os_text);
    let mut place = error;
    loop {
        match place {
            ignore::Error::WithPath { path, .. } => return (path.clone(), format!("cannot be looked into: {reason}")),
            ignore::Error::WithDepth { err, .. } => place = err,
            _ => return (folder.to_owned(), format!("cannot be looked into: {reason}")),
        }
    }
}

fn has_manifest_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// An object has 1.5 MiB in a cluster at most; lists of very many are smaller than this.
const LARGEST: u64 = LARGEST_DOCUMENT as u64;
/// What such a link is told to be.
pub(crate) const OUTSIDE: &str = "is a link out of the folder that was named, and is not followed";
