//! Are links followed inside of what was named, and nowhere else?

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

use crate::{reseal, said, tree};

#[test]
fn mode_and_owner_stay_and_a_link_that_is_named_is_followed() {
    let (folder, _) = tree();
    let path = folder.path().join("one.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    // Root may change the files of others, who want to keep them.
    let owner = fs::metadata(&path).unwrap().uid();
    let owner = if owner == 0 { 65534 } else { owner };
    chown(&path, Some(owner), None).unwrap();
    symlink("one.yaml", folder.path().join("named.yaml")).unwrap();
    let output = reseal(folder.path(), &["named.yaml"]);
    assert_eq!(said(&output), "2 values in 1 files sealed anew, 0 current, 0 failed\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::metadata(&path).unwrap().uid(), owner);
    assert!(fs::symlink_metadata(folder.path().join("named.yaml")).unwrap().is_symlink());
}

#[test]
fn links_of_a_tree_are_followed_inside_it_alone() {
    let (folder, _) = tree();
    let outside = tempfile::tempdir().unwrap();
    let sealed = fs::read(folder.path().join("one.yaml")).unwrap();
    let link = |target: &str, name: &str| symlink(target, folder.path().join(name)).unwrap();
    let write = |path: std::path::PathBuf| fs::write(path, &sealed).unwrap();
    write(outside.path().join("theirs.yaml"));
    write(folder.path().join("current.txt"));
    link(outside.path().join("theirs.yaml").to_str().unwrap(), "theirs.yaml");
    link(outside.path().to_str().unwrap(), "folder.yaml");
    // Met under its own name, too, and sealed once.
    link("../one.yaml", "sub/again.yaml");
    // Met by no other name.
    link("current.txt", "current.yaml");
    link("circle.yaml", "circle.yaml");
    link("..", "sub/up.yaml");
    link("nowhere", "nowhere.yaml");
    let output = reseal(folder.path(), &["."]);
    let told = "is a link out of the folder that was named, and is not followed";
    let wanted = format!(
        "./folder.yaml: {told}\n./theirs.yaml: {told}\n16 values in 8 files sealed anew, 0 current, 0 failed\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(0), wanted));
    assert_eq!(fs::read(outside.path().join("theirs.yaml")).unwrap(), sealed);
    assert!(["sub/again.yaml", "current.yaml"].iter().all(|name| folder.path().join(name).is_symlink()));
    assert_ne!(fs::read(folder.path().join("current.txt")).unwrap(), sealed);
    // A folder behind a link that was named is a tree like any other.
    symlink(folder.path(), outside.path().join("named")).unwrap();
    let output = reseal(outside.path(), &["named"]);
    assert!(said(&output).ends_with("0 values in 0 files sealed anew, 16 current, 0 failed\n"), "{}", said(&output));
}

/// As shells of Windows write what a command prints.
#[test]
fn a_sealed_file_in_another_encoding_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}kind: SealedSecret\n".encode_utf16();
    fs::write(folder.path().join("wide.yaml"), text.flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
    let output = reseal(folder.path(), &["."]);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (
            Some(1),
            "./wide.yaml: is no UTF-8\n0 values in 0 files sealed anew, 0 current, 1 failed\n\
             error: 1 could not be sealed anew; they are as they were\n"
        )
    );
}

/// One that takes no room on a disk could take all memory.
#[test]
fn a_file_larger_than_any_manifest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("huge.yaml")).unwrap().set_len(1 << 40).unwrap();
    let output = reseal(folder.path(), &["."]);
    assert!(said(&output).starts_with("./huge.yaml: is larger than 64 MiB\n0 values"), "{}", said(&output));
}
