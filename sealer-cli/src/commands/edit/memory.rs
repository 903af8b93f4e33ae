//! Finds folders that lie in memory, so that what is written there never reaches a disk.

use std::fs;
use std::path::Path;

/// Whether the file system of a folder is one in memory, as Linux tells it; elsewhere none is known to be.
pub(super) fn is_in_memory(folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    holds(&mounts, &folder)
}

/// The innermost mount around the folder decides.
fn holds(mounts: &str, folder: &Path) -> bool {
    let around = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(place).then_some((place.len(), kind))
    });
    // Of several at one place the last one is seen.
    around.max_by_key(|(length, _)| *length).is_some_and(|(_, kind)| matches!(kind, "tmpfs" | "ramfs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts = "/dev/sda / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/sdb /dev/shm/disk ext4 rw 0 0\n";
        for (folder, expected) in
            [("/dev/shm", true), ("/dev/shm/a", true), ("/dev/shm/disk/a", false), ("/tmp", false)]
        {
            assert_eq!(holds(mounts, Path::new(folder)), expected, "{folder}");
        }
        assert!(!holds("", Path::new("/")));
    }
}
