//! Finds the files that paths name, and reads those that are texts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::Search;
use super::exclude::Exclude;
use crate::diagnostics::{CliError, os_text};
use crate::in_place::is_beside;
use crate::input::LARGEST_DOCUMENT;
use crate::names;

/// What paths lead to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Each once, in order.
    pub(crate) files: Vec<PathBuf>,
    /// Those of them that were named themselves, and not met in a folder.
    named: BTreeSet<PathBuf>,
    /// What could not be looked into, and why.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// Links out of the folders that were named, which are not followed.
    pub(crate) outside: Vec<PathBuf>,
    /// Files that ignore files hide.
    pub(crate) hidden: usize,
    /// Paths that were named and cannot be opened, and why.
    pub(crate) failed: Vec<(PathBuf, String)>,
    /// Files that the user leaves out; nothing where no glob was given.
    pub(crate) excluded: Option<usize>,
}

/// Which files of a folder are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that its ignore files let through: what is changed is what Git keeps.
    Tracked,
    /// All but those of `.git`: a proof leaves nothing out.
    All,
}

/// A file itself, also behind a link, and the files of a folder, without those that the user leaves out.
pub(crate) fn find(search: &Search, reach: Reach) -> Result<Found, CliError> {
    let exclude = Exclude::new(&search.exclude)?;
    let mut found = Found { excluded: (!search.exclude.is_empty()).then_some(0), ..Found::default() };
    for path in &search.paths {
        let root = fs::metadata(path)
            .and_then(|metadata| if metadata.is_dir() { fs::canonicalize(path).map(Some) } else { Ok(None) });
        match root {
            Ok(Some(root)) => found.folder(Path::new(path), &root, &exclude, reach),
            Ok(None) if exclude.holds(Path::new(path), None, false) => found.exclude(1),
            Ok(None) => {
                found.files.push(PathBuf::from(path));
                found.named.insert(PathBuf::from(path));
            }
            Err(error) if search.paths.len() == 1 => return Err(CliError::file("open", path, &error)),
            Err(error) => {
                found.failed.push((names::missing(path).into(), format!("cannot be opened: {}", os_text(&error))));
            }
        }
    }
    // What a link leads to is met where it is, if that was named, too.
    let roots: Vec<PathBuf> = search.paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let is_met =
        |link: &PathBuf| fs::canonicalize(link).is_ok_and(|target| roots.iter().any(|root| target.starts_with(root)));
    found.outside.retain(|link| !is_met(link));
    if reach == Reach::All {
        found.submodules(&exclude);
    }
    // A file that several paths lead to is taken once, under the name by which it was met first.
    found.outside.sort();
    let mut met = BTreeSet::new();
    found.files.sort();
    found.files.retain(|path| met.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

/// What a file is, as far as values may stand in it.
pub(crate) enum Content {
    Text(Vec<u8>),
    /// Values are texts, and so are the files that hold them, unless somebody packed them.
    Binary(Vec<u8>),
    /// It is not taken into memory as a whole.
    TooLarge {
        is_binary: bool,
    },
}

impl Content {
    /// Why a file is not looked at, behind its name.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Text(_) => "is a text".to_owned(),
            Self::Binary(_) | Self::TooLarge { is_binary: true } => "is no text".to_owned(),
            Self::TooLarge { is_binary: false } => format!("is larger than {} MiB", LARGEST_TEXT >> 20),
        }
    }
}

/// Files of a folder that were not looked at.
#[derive(Debug, Default)]
pub(crate) struct PassedOver {
    pub(crate) binary: usize,
    pub(crate) too_large: usize,
}

impl PassedOver {
    pub(crate) fn count(&mut self, content: &Content) {
        match content {
            Content::Text(_) => {}
            Content::Binary(_) | Content::TooLarge { is_binary: true } => self.binary += 1,
            Content::TooLarge { is_binary: false } => self.too_large += 1,
        }
    }

    /// How many; nothing if all were looked at.
    pub(crate) fn told(&self) -> Option<String> {
        let Self { binary, too_large } = self;
        let largest = LARGEST_TEXT >> 20;
        (binary + too_large > 0).then(|| {
            format!("files that were not looked at: {binary} that are no text, {too_large} larger than {largest} MiB")
        })
    }
}

impl Found {
    /// Whether the file was named itself: then it is wanted, whatever it holds.
    pub(crate) fn is_named(&self, path: &Path) -> bool {
        self.named.contains(path)
    }

    /// How many files ignore files hide; nothing if they hide none.
    pub(crate) fn told_of_hidden(&self) -> Option<String> {
        (self.hidden > 0).then(|| format!("files that ignore files hide, and that were not looked at: {}", self.hidden))
    }

    /// How many files the user leaves out; nothing if no glob was given.
    pub(crate) fn told_of_excluded(&self) -> Option<String> {
        Some(format!("files that --exclude leaves out, and that were not looked at: {}", self.excluded?))
    }

    /// Adds the submodules of Git that are not checked out to what could not be looked into.
    fn submodules(&mut self, exclude: &Exclude) {
        let lists = self.files.iter().filter(|path| path.file_name().is_some_and(|name| name == ".gitmodules"));
        let folders = lists.flat_map(|list| {
            let text = fs::read_to_string(list).unwrap_or_default();
            let path =
                |line: &str| Some(line.trim().strip_prefix("path")?.trim_start().strip_prefix('=')?.trim().to_owned());
            let above = list.parent().unwrap_or_else(|| Path::new(""));
            text.lines().filter_map(path).map(|path| above.join(path)).collect::<Vec<_>>()
        });
        let is_empty = |folder: &PathBuf| fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        let missing: Vec<PathBuf> =
            folders.filter(is_empty).filter(|folder| !exclude.holds(folder, None, true)).collect();
        self.unreadable.extend(missing.into_iter().map(|folder| (folder, SUBMODULE.to_owned())));
    }

    fn exclude(&mut self, files: usize) {
        self.excluded = self.excluded.map(|excluded| excluded + files);
    }

    /// Walks a folder; `root` is where it really is.
    fn folder(&mut self, folder: &Path, root: &Path, exclude: &Exclude, reach: Reach) {
        let is_out = |entry: &DirEntry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            exclude.holds(entry.path(), Some(folder), is_folder)
        };
        let mut walk = WalkBuilder::new(folder);
        walk.hidden(false).require_git(false).filter_entry(is_no_git_folder);
        if reach == Reach::All {
            walk.standard_filters(false);
        }
        let is_file = |entry: &DirEntry| is_file(entry, reach);
        let mut seen = 0;
        for entry in walk.build() {
            match entry {
                Ok(entry) if is_out(&entry) => {}
                Ok(entry) => {
                    seen += usize::from(is_file(&entry));
                    self.entry(&entry, folder, root, reach);
                }
                Err(error) => self.unreadable.push(told(&error, folder)),
            }
        }
        let all = walk.standard_filters(false).build().flatten().filter(is_file);
        let (out, left): (Vec<DirEntry>, Vec<DirEntry>) = all.partition(is_out);
        self.hidden += left.len().saturating_sub(seen);
        self.exclude(out.len());
    }

    fn entry(&mut self, entry: &DirEntry, folder: &Path, root: &Path, reach: Reach) {
        if is_file(entry, reach) {
            self.files.push(entry.path().to_owned());
        } else if entry.path_is_symlink() {
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

/// Reads a file of a tree as far as it is a text of a bearable size. One with the ending of a manifest is one, or is told.
pub(crate) fn content(path: &Path) -> Result<Content, String> {
    if is_manifest(path) {
        let bytes = read(path)?;
        // Tools of Windows write two bytes for each character, and not all of them say so.
        let is_text = is_wide(&bytes) || !bytes.contains(&0);
        return if is_text { Ok(Content::Text(bytes)) } else { Err(HAS_ZEROS.to_owned()) };
    }
    let failed = |error: std::io::Error| format!("cannot be read: {}", os_text(&error));
    let mut bytes = Vec::new();
    let mut file = match File::open(path) {
        // What programs put beside their files comes and goes.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::Text(bytes)),
        opened => opened.map_err(failed)?,
    };
    file.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(failed)?;
    let is_binary = is_packed(&bytes) || bytes.contains(&0) && !is_wide(&bytes);
    if file.metadata().map_err(failed)?.len() > LARGEST_TEXT {
        return Ok(Content::TooLarge { is_binary });
    }
    // It may grow meanwhile.
    file.take(LARGEST_TEXT).read_to_end(&mut bytes).map_err(failed)?;
    Ok(match bytes.len() as u64 > LARGEST_TEXT {
        true => Content::TooLarge { is_binary },
        false if is_binary => Content::Binary(bytes),
        false => Content::Text(bytes),
    })
}

/// Reads a file that is too large for memory in parts, each with whether it is the last. The end of one is
/// the beginning of the next.
pub(super) fn parts(path: &Path, mut each: impl FnMut(&[u8], bool)) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot be read: {}", os_text(&error));
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > LARGEST_READ {
        return Ok(());
    }
    let mut part = Vec::new();
    loop {
        let kept = part.len();
        file.by_ref().take(LARGEST_TEXT).read_to_end(&mut part).map_err(failed)?;
        let is_last = ((part.len() - kept) as u64) < LARGEST_TEXT;
        each(&part, is_last);
        if is_last {
            return Ok(());
        }
        let gone = part.len().saturating_sub(OVERLAP);
        part.drain(..gone);
    }
}

/// Whether its bytes are compressed.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP)
}

/// Whether an editor or a shell of Windows wrote it in UTF-16.
pub(crate) fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// Whether it is a file of its own, and none that a command puts beside another for a moment; a proof looks at what a command
/// that was killed has left there.
fn is_file(entry: &DirEntry, reach: Reach) -> bool {
    let is_own = || reach == Reach::All || !is_beside(&entry.file_name().to_string_lossy());
    entry.file_type().is_some_and(|kind| kind.is_file()) && is_own()
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

/// Whether a file has the ending of YAML or JSON.
pub(crate) fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

const SUBMODULE: &str = "is a submodule of Git that is not checked out; git submodule update --init";
const HAS_ZEROS: &str = "holds bytes of zero, and cannot be looked at: is it UTF-16 without its mark?";
/// An object has 1.5 MiB in a cluster at most; lists of very many are smaller than this.
const LARGEST: u64 = LARGEST_DOCUMENT as u64;
/// Of other texts: settings and templates are smaller by far, dumps and logs are not.
const LARGEST_TEXT: u64 = 16 << 20;
/// How compressed bytes begin; none of zero may be among the first.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// Of a part that the next one begins with; most sealed values are shorter.
pub(super) const OVERLAP: usize = 1 << 20;
/// What is larger is not read at all.
const LARGEST_READ: u64 = 1 << 30;
/// Where a byte of zero tells a file that is no text, as for Git.
const HEAD: u64 = 8000;
/// What such a link is told to be.
pub(crate) const OUTSIDE: &str = "is a link out of the folder that was named, and is not followed";
