//! Does `sealer move` bring a tree to another cluster with a backup alone, and say what it lacks?

use std::fs;
use std::path::Path;

use sealer_core::{Backup, Passphrase};
use sealer_resource::key_secret;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::online::Controller;
use crate::{finished, fixture, run, said, sealer, texts, tree};

fn moved(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = run(folder, &[&["move"], args].concat(), "");
    (output.status.code(), said(&output))
}

/// An encrypted backup of the key that the tree is sealed for, and the passphrase in a file.
fn backup(folder: &Path) {
    let pem = fs::read(fixture("key4096.pem")).unwrap();
    let secret = serde_json::json!({ "metadata": { "name": "old" }, "data": { "tls.key": sealer_encoding::base64::encode(&pem),
        "tls.crt": sealer_encoding::base64::encode(fs::read(fixture("cert4096.pem")).unwrap()) } });
    let key = key_secret::read(&serde_json::from_value(secret).unwrap()).unwrap();
    let made = jiff::Timestamp::from_second(1_700_000_000).unwrap();
    let passphrase = Passphrase::new(Zeroizing::new(b"correct horse".to_vec()));
    fs::write(folder.join("old.keys"), Backup { made, keys: vec![key] }.encrypt(&passphrase).unwrap()).unwrap();
    fs::write(folder.join("passphrase"), "correct horse\n").unwrap();
}

#[test]
fn a_backup_and_the_new_certificate_bring_a_tree_over() {
    let (folder, paths) = tree();
    let before = texts(&paths);
    backup(folder.path());
    let new = fixture("cert2048.pem");
    let args = ["--from-backup", "old.keys", "--passphrase-file", "passphrase", "--cert", &new, "."];
    let (status, told) = moved(folder.path(), &[&["--dry-run"], &args[..]].concat());
    assert_eq!((status, told.as_str()), (Some(0), "14 values in 7 files to be sealed anew, 0 current, 0 failed\n"));
    assert_eq!(texts(&paths), before);
    // The second time it is the record that knows.
    let cache = tempfile::tempdir().unwrap();
    for summary in ["14 values in 7 files sealed anew, 0 current", "0 values in 0 files sealed anew, 14 current"] {
        let command = &mut sealer(folder.path(), &[&["move"], &args[..]].concat());
        let output = finished(command.env("XDG_CACHE_HOME", cache.path()), "");
        let last = "The new cluster opens them as soon as they are applied there; the old one no longer does.";
        assert_eq!((output.status.code(), said(&output)), (Some(0), format!("{summary}, 0 failed\n{last}\n")));
    }
    let key = fixture("key2048.pem");
    let opened = run(folder.path(), &["--recovery-unseal", "--recovery-private-key", &key, "-f", "one.yaml"], "");
    let opened: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(opened["data"], serde_json::json!({"a": "MQ==", "b": "Mg=="}));
}

#[test]
fn a_wrong_passphrase_or_a_damaged_backup_changes_nothing() {
    let (folder, paths) = tree();
    let before = texts(&paths);
    backup(folder.path());
    let new = fixture("cert2048.pem");
    let told = || {
        let args = ["--from-backup", "old.keys", "--passphrase-file", "passphrase", "--cert", &new, "."];
        let (status, told) = moved(folder.path(), &args);
        assert_eq!(status, Some(1));
        told.lines().next().unwrap_or_default().to_owned()
    };
    fs::write(folder.path().join("passphrase"), "wrong\n").unwrap();
    assert!(told().starts_with("error: cannot read the backup old.keys: the passphrase is wrong"));
    fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
    let whole = fs::read_to_string(folder.path().join("old.keys")).unwrap();
    fs::write(folder.path().join("old.keys"), &whole[..whole.len() - 200]).unwrap();
    assert!(told().starts_with("error: cannot read the backup old.keys: it is cut off"), "{}", told());
    fs::write(folder.path().join("old.keys"), whole.replacen("-----END", "A-----END", 1)).unwrap();
    assert!(told().starts_with("error: cannot read the backup old.keys: "));
    assert_eq!(texts(&paths), before);
}

#[test]
fn what_is_missing_is_named_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let hint = "hint: sealer move --from-backup old.keys --to-context new deploy/\n";
    for (args, message) in [
        (
            &["--to-context", "new", "."][..],
            "`sealer move` needs the old cluster's keys: --from-backup FILE or --from-context NAME",
        ),
        (
            &["--from-backup", "old.keys", "."],
            "`sealer move` needs the new cluster: --to-context NAME, or --cert FILE of it",
        ),
        (&["--from-backup", "old.keys", "--to-context", "new"], "`sealer move` needs at least one file or folder"),
        (&["--from-context", "old", "--to-context", "new"], "`sealer move` needs at least one file or folder"),
        (&["--context", "new"], "unknown flag: --context"),
    ] {
        assert_eq!(moved(folder.path(), args), (Some(2), format!("error: {message}\n{hint}")));
    }
    let told = "error: `--restore-keys` needs the old keys and the new cluster\n\
                hint: sealer move --restore-keys --from-backup old.keys --to-context new\n";
    for args in [&["--restore-keys", "--from-backup", "old.keys"][..], &["--restore-keys", "--to-context", "new"]] {
        assert_eq!(moved(folder.path(), args), (Some(2), told.to_owned()));
    }
}

#[test]
fn restored_keys_are_told_with_what_to_look_at_next() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let controller = Controller::start();
    fs::write(
        place.join("config"),
        format!(
            "{{kind: Config, apiVersion: v1, clusters: [{{name: c, cluster: {{server: '{}'}}}}], users: [], \
             contexts: [{{name: new, context: {{cluster: c, user: ''}}}}]}}",
            controller.address
        ),
    )
    .unwrap();
    let key = fixture("key4096.pem");
    let args = ["--restore-keys", "--dry-run", "--kubeconfig", "config", "--from-backup", &key, "--to-context", "new"];
    let next = |paths: &str| {
        format!(
            "The files stay as they are. Whether these keys open all of them shows:\nsealer keys check {key} --in {paths}\n"
        )
    };
    assert_eq!(moved(place, &args), (Some(0), next("PATH")));
    assert_eq!(moved(place, &[&args[..], &["a", "b"]].concat()), (Some(0), next("a --in b")));
    let json = moved(place, &[&args[..], &["-o", "json"]].concat());
    assert_eq!(json, (Some(0), String::new()));
}
