//! What earlier runs found out: does it save work, and is it never believed where it does not hold?

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::{finished, fixture, reseal, resealing, said, tree};

const OLD: &[&str] = &["key4096.pem"];
const BOTH: &[&str] = &["key4096.pem", "key2048.pem"];

/// With a folder for what is written down.
fn recorded(keys: &[&str], cache: &Path, folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output: Output = finished(resealing(keys, folder, args).env("XDG_CACHE_HOME", cache), "");
    (output.status.code(), said(&output))
}

#[test]
fn value_sealed_for_an_absent_key_is_known_by_the_next_run() {
    let (folder, _) = tree();
    let cache = tempfile::tempdir().unwrap();
    let done = "14 values in 7 files sealed anew, 0 current, 0 failed\n";
    assert_eq!(recorded(OLD, cache.path(), folder.path(), &["."]), (Some(0), done.to_owned()));
    let current = "0 values in 0 files sealed anew, 14 current, 0 failed\n";
    assert_eq!(recorded(OLD, cache.path(), folder.path(), &["."]), (Some(0), current.to_owned()));
    assert_eq!(recorded(OLD, cache.path(), folder.path(), &["--no-cache", "."]).0, Some(1));
    // What it holds are hashes, and nobody else may read them.
    let path = cache.path().join("sealer/sealed-for");
    assert_eq!(fs::metadata(&path).unwrap().len(), 14 * 32);
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    // Damaged, it is worth nothing, and the keys decide.
    fs::write(&path, vec![7; 14 * 32 + 5]).unwrap();
    assert_eq!(recorded(OLD, cache.path(), folder.path(), &["."]).0, Some(1));
    let check = "0 values in 0 files to be sealed anew, 14 current, 0 failed\n";
    assert_eq!(recorded(BOTH, cache.path(), folder.path(), &["--check", "."]), (Some(0), check.to_owned()));
    // A check writes down what it found.
    assert_eq!(recorded(OLD, cache.path(), folder.path(), &["--check", "."]), (Some(0), check.to_owned()));
}

#[test]
fn other_name_certificate_or_value_is_not_what_was_recorded() {
    let (folder, _) = tree();
    let cache = tempfile::tempdir().unwrap();
    recorded(BOTH, cache.path(), folder.path(), &["."]);
    let one = folder.path().join("one.yaml");
    let text = fs::read_to_string(&one).unwrap();
    let check = || recorded(BOTH, cache.path(), folder.path(), &["--check", "one.yaml"]).1;
    assert!(check().starts_with("0 values in 0 files to be sealed anew, 2 current"));
    fs::write(&one, text.replace("name: x", "name: y")).unwrap();
    assert!(check().contains("item a: no key at hand opens it"), "{}", check());
    fs::write(&one, text.replace("    a: AQ", "    a: AR")).unwrap();
    assert!(check().contains("item a: no key at hand opens it"), "{}", check());
    fs::write(&one, &text).unwrap();
    let back = fixture("cert4096.pem");
    let back = recorded(BOTH, cache.path(), folder.path(), &["--check", "one.yaml", "--cert", &back]);
    assert!(back.1.starts_with("2 values in 1 files to be sealed anew, 0 current"), "{}", back.1);
}

#[test]
fn a_place_that_cannot_be_written_is_done_without() {
    let (folder, _) = tree();
    for nowhere in ["/dev/null", "relative", ""] {
        let (status, told) = recorded(BOTH, Path::new(nowhere), folder.path(), &["--check", "one.yaml"]);
        assert_eq!((status, told.lines().count()), (Some(1), 3));
    }
    assert!(!folder.path().join("relative").exists());
    assert_eq!(reseal(folder.path(), &["."]).status.code(), Some(0));
}

/// Each value is sealed anew by one of them, and the others know it.
#[test]
fn commands_that_seal_the_same_tree_at_once_all_succeed() {
    let (folder, _) = tree();
    let cache = tempfile::tempdir().unwrap();
    let all: Vec<(Option<i32>, String)> = std::thread::scope(|scope| {
        let run = || recorded(OLD, cache.path(), folder.path(), &["."]);
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(all.iter().all(|(status, told)| *status == Some(0) && told.ends_with(" 0 failed\n")), "{all:?}");
    let done: usize = all.iter().map(|(_, told)| told.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(done, 14);
}
