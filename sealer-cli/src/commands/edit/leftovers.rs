//! What a command that was killed left for its editor: wiped by the next one.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::overwrite::{PREFIX, overwrite_files};

/// Says for as long as it is open that somebody works in a folder.
pub(super) fn claim(folder: &Path) -> Option<File> {
    File::open(folder).ok().filter(|open| open.try_lock().is_ok())
}

/// Wipes the folders beside the user's own new one that nobody works in any longer.
pub(super) fn wipe(own: &Path) {
    let (Some(base), Ok(mine)) = (own.parent(), fs::symlink_metadata(own)) else { return };
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let is_named_so = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let folder = entry.path();
        let is_old = || fs::symlink_metadata(&folder).is_ok_and(|other| is_older(&other, &mine));
        // Where it can be claimed, its command is gone.
        if is_named_so && folder != own && is_old() && claim(&folder).is_some() {
            overwrite_files(&folder);
            drop(fs::remove_dir_all(&folder));
        }
    }
}

/// A private folder of the same user that was not made just now, before its command could claim it. Others may lay
/// anything beside it; nothing of theirs is touched.
fn is_older(other: &Metadata, mine: &Metadata) -> bool {
    let age = mine.modified().ok().zip(other.modified().ok()).and_then(|(mine, other)| mine.duration_since(other).ok());
    let is_mine = (other.uid(), other.mode()) == (mine.uid(), mine.mode());
    other.is_dir() && is_mine && age.is_some_and(|age| age > CLAIMED_WITHIN)
}

const CLAIMED_WITHIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::os::unix::fs::PermissionsExt as _;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn only_old_private_folders_that_nobody_works_in_are_wiped() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let make = |name: &str, mode: u32| {
            fs::create_dir(path(name)).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
            fs::write(path(name).join("items.yaml"), "value").unwrap();
        };
        for (name, mode) in [("killed", 0o700), ("busy", 0o700), ("young", 0o700), ("open", 0o755), ("own", 0o700)] {
            make(&format!("sealer-edit-{name}"), mode);
            if !matches!(name, "young" | "own") {
                File::open(path(&format!("sealer-edit-{name}"))).unwrap().set_modified(UNIX_EPOCH).unwrap();
            }
        }
        make("other", 0o700);
        fs::hard_link(path("sealer-edit-killed/items.yaml"), path("kept")).unwrap();
        std::os::unix::fs::symlink("other", path("sealer-edit-link")).unwrap();
        let busy = claim(&path("sealer-edit-busy")).unwrap();
        wipe(&path("sealer-edit-own"));
        assert!(!path("sealer-edit-killed").exists());
        assert_eq!(fs::read(path("kept")).unwrap(), [0; 5], "the bytes are gone, too");
        for name in ["sealer-edit-busy", "sealer-edit-young", "sealer-edit-open", "sealer-edit-own", "other"] {
            assert_eq!(fs::read_to_string(path(name).join("items.yaml")).unwrap(), "value", "{name}");
        }
        drop(busy);
    }
}
