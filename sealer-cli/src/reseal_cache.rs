//! What earlier runs found out: which sealed values are sealed for which key. It saves the private-key operations of
//! finding out again, and knows of values that were sealed for a key that is not at hand.
//!
//! The file holds digests, one after the other, and nothing else: no value, no key, no name. It may be deleted at any time.
//! What is damaged in it matches nothing, and the work is done again.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sealer_core::SealDigest;

use crate::in_place::InPlace;

/// The digests of earlier runs, and a place for new ones.
#[derive(Debug, Default)]
pub(crate) struct ResealCache {
    known: HashSet<SealDigest>,
    /// Where it lies, and up to where it was read.
    read: Option<(PathBuf, u64)>,
    /// Opened so that every write goes to its end, also beside other commands. Without one, nothing is written down.
    file: Option<File>,
}

impl ResealCache {
    /// The cache of a user; one that cannot be used is empty and stays so.
    pub(crate) fn open(path: Option<&Path>) -> Self {
        let Some(path) = path else { return Self::default() };
        let Some(file) = opened(path) else { return Self::default() };
        let mut bytes = Vec::new();
        // Twice what is kept, whatever lies there.
        let _ = File::open(path).and_then(|file| file.take(2 * MOST_BYTES as u64).read_to_end(&mut bytes));
        let known = digests(&bytes).collect();
        if bytes.len() <= MOST_BYTES && bytes.len().is_multiple_of(SealDigest::LENGTH) {
            return Self { known, read: Some((path.to_owned(), bytes.len() as u64)), file: Some(file) };
        }
        drop(file);
        shorten(path);
        Self { known, read: None, file: opened(path) }
    }

    /// Whether somebody wrote that digest down since this was opened: another command may be at work on the same files.
    pub(crate) fn seen_since_open(&self, digest: &SealDigest) -> bool {
        let Some((path, end)) = &self.read else { return false };
        let mut bytes = Vec::new();
        let rest = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(*end))?;
            file.take(MOST_BYTES as u64).read_to_end(&mut bytes)
        });
        rest.is_ok() && digests(&bytes).any(|other| other == *digest)
    }

    /// Whether the value of that digest is known to be sealed so.
    pub(crate) fn knows(&self, digest: &SealDigest) -> bool {
        self.known.contains(digest)
    }

    /// Writes down what was found out, before it is relied on: a command may be killed at any time.
    pub(crate) fn add(&self, digests: &[SealDigest]) {
        if digests.is_empty() {
            return;
        }
        if let Some(mut file) = self.file.as_ref() {
            let bytes: Vec<u8> = digests.iter().flat_map(SealDigest::as_bytes).copied().collect();
            // A full disk costs the next run some work, and nothing else.
            let _ = file.write_all(&bytes);
        }
    }
}

/// Where a user's cache lies, by the variables that name such places.
pub(crate) fn place(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let folder = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    folder.filter(|folder| folder.is_absolute()).map(|folder| folder.join("sealer").join("sealed-for"))
}

fn opened(path: &Path) -> Option<File> {
    let mut folder = DirBuilder::new();
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folder.mode(0o700);
        options.mode(0o600);
    }
    // The user's folder itself is never made.
    let own = path.parent()?;
    for made in [own.parent()?, own] {
        let _ = folder.create(made);
    }
    options.create(true).append(true).open(path).ok()
}

fn digests(bytes: &[u8]) -> impl Iterator<Item = SealDigest> + '_ {
    bytes.as_chunks().0.iter().copied().map(SealDigest::from_bytes)
}

/// Leaves the newest half of what is allowed, in whole digests.
fn shorten(path: &Path) {
    let Ok(file) = InPlace::open(path) else { return };
    let whole = file.bytes().len() / SealDigest::LENGTH * SealDigest::LENGTH;
    let newest = file.bytes().get(whole.saturating_sub(MOST_BYTES / 2)..whole).unwrap_or_default().to_vec();
    // Without it, the next run shortens it.
    drop(file.replace(newest.as_slice()));
}

/// A quarter of a million values.
const MOST_BYTES: usize = 250_000 * SealDigest::LENGTH;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;

    fn digest(number: u32) -> SealDigest {
        let mut bytes = [0; SealDigest::LENGTH];
        bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, digit)| *byte = digit);
        SealDigest::from_bytes(bytes)
    }

    #[test]
    fn what_is_added_is_known_next_time_also_beside_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/sealer/sealed-for");
        let (one, other) = (ResealCache::open(Some(&path)), ResealCache::open(Some(&path)));
        one.add(&[digest(1), digest(2)]);
        other.add(&[digest(3)]);
        one.add(&[digest(4)]);
        assert!(
            one.seen_since_open(&digest(3)) && other.seen_since_open(&digest(4)) && !one.seen_since_open(&digest(5))
        );
        let next = ResealCache::open(Some(&path));
        assert!(!next.seen_since_open(&digest(4)));
        assert!((1..5).all(|number| next.knows(&digest(number))) && !next.knows(&digest(5)));
        assert!(!one.knows(&digest(1)) && fs::metadata(&path).unwrap().len() == 128);
    }

    #[test]
    fn a_damaged_or_missing_record_knows_less_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealed-for");
        fs::write(&path, [digest(1).as_bytes().as_slice(), b"cut off"].concat()).unwrap();
        let cache = ResealCache::open(Some(&path));
        cache.add(&[digest(2)]);
        let next = ResealCache::open(Some(&path));
        assert!([1, 2].iter().all(|number| cache.knows(&digest(*number)) || next.knows(&digest(*number))));
        assert!(next.knows(&digest(1)) && next.knows(&digest(2)));
        for nowhere in [None, Some(&folder.path().join("no/cache/sealer/sealed-for")), Some(&folder.path().to_owned())]
        {
            let cache = ResealCache::open(nowhere.map(PathBuf::as_path));
            cache.add(&[digest(1)]);
            assert!(!cache.knows(&digest(1)));
        }
    }

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealed-for");
        let all: Vec<SealDigest> = (0..250_001).map(digest).collect();
        ResealCache::open(Some(&path)).add(&all);
        drop(ResealCache::open(Some(&path)));
        assert_eq!(fs::metadata(&path).unwrap().len(), 125_000 * 32);
        let next = ResealCache::open(Some(&path));
        assert!(next.knows(&digest(250_000)) && !next.knows(&digest(1)));
    }

    #[test]
    fn its_place_is_the_users_folder_for_such_things() {
        let place = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            place(&move |name| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        if cfg!(unix) {
            assert_eq!(place(&[("HOME", "/h")]), Some("/h/.cache/sealer/sealed-for".into()));
            assert_eq!(place(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Some("/c/sealer/sealed-for".into()));
            assert_eq!(place(&[("HOME", "/h"), ("XDG_CACHE_HOME", "")]), Some("/h/.cache/sealer/sealed-for".into()));
            assert_eq!(place(&[("XDG_CACHE_HOME", "c")]), None);
        }
        assert_eq!(place(&[]), None);
    }
}
