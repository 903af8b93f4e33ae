//! backup and restore.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::json;

use crate::{KEYS, Place};

const BACKUP: &str = "keys backup --passphrase-file passphrase -o";
const RESTORE: &str = "keys restore --passphrase-file passphrase";

#[test]
fn a_backup_is_private_whole_and_recorded() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    assert_eq!(
        place.must(&format!("{BACKUP} keys.pem --dry-run")),
        format!(
            "{}  key-c  active\n{}  key-b  in use\nkeys.pem would hold these keys; nothing was written\n",
            new.fingerprint(),
            old.fingerprint()
        )
    );
    assert!(!place.folder.path().join("keys.pem").exists());
    assert_eq!(
        place.must(&format!("{BACKUP} keys.pem")),
        format!(
            "{}  key-c  active\n{}  key-b  in use\nkeys.pem holds these keys; it was opened again, and recorded in the cluster\n",
            new.fingerprint(),
            old.fingerprint()
        )
    );
    let path = place.folder.path().join("keys.pem");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 2, "nothing else is left");
    assert_eq!(place.annotation("key-b", "backed-up-fingerprint"), old.fingerprint());
    assert!(place.annotation("key-c", "backed-up-at").as_str().unwrap().ends_with('Z'));
    // The first one in it is the newest.
    let arguments = ["rsa", "-traditional", "-passin", "file:passphrase", "-in", "keys.pem"];
    let read = Command::new("openssl").args(arguments).current_dir(&place.folder).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), *new.key.secret_pkcs1_pem());
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("key-b") && !text.contains("RSA PRIVATE"));
}

/// Whatever the umask, only the owner may read it.
#[test]
fn the_umask_does_not_matter() {
    let place = Place::with_keys(&[&KEYS[2]]);
    let command = format!(
        "umask 000 && {} {BACKUP} a.keys --server http://127.0.0.1:{} && {} keys backup --plain --yes -o b.keys --server http://127.0.0.1:{}",
        env!("CARGO_BIN_EXE_sealer"),
        place.cluster.port,
        env!("CARGO_BIN_EXE_sealer"),
        place.cluster.port
    );
    let done = Command::new("sh")
        .args(["-c", &command])
        .env("HOME", "/nonexistent")
        .current_dir(&place.folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    for name in ["a.keys", "b.keys"] {
        assert_eq!(fs::metadata(place.folder.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn no_backup_is_written_over_or_through_anything() {
    let place = Place::with_keys(&[&KEYS[2]]);
    place.file("there", "mine");
    symlink("elsewhere", place.folder.path().join("link")).unwrap();
    assert_eq!(
        place.refused(&format!("{BACKUP} there")),
        "error: there exists; a backup never replaces another file\nhint: name a new file, with the date in it\n"
    );
    assert_eq!(
        place.refused(&format!("{BACKUP} link")),
        "error: link is a link; a backup is never written through one\nhint: name the file itself, in a folder that only you can write to\n"
    );
    assert_eq!(
        place.refused(&format!("{BACKUP} missing/keys")),
        "error: write missing/keys: no such file or directory\n"
    );
    assert_eq!(fs::read_to_string(place.folder.path().join("there")).unwrap(), "mine");
    assert!(!place.folder.path().join("elsewhere").exists());
    assert!(place.annotation("key-c", "backed-up-at").is_null());
}

#[test]
fn passphrases_come_from_a_file_or_a_terminal() {
    let place = Place::with_keys(&[&KEYS[2]]);
    place.file("empty", "\n");
    place.file("short", "1234567");
    place.file("two", "one\ntwo\n");
    fs::write(place.folder.path().join("bytes"), [0xff]).unwrap();
    for (args, told) in [
        (
            "",
            "error: the passphrase of keys is needed, and there is no terminal to ask at\nhint: write it into a file that only you can read, and name that with --passphrase-file\n",
        ),
        (
            "--passphrase-file empty",
            "error: the passphrase of keys is empty\nhint: it stands on the only line of the file that --passphrase-file names, or is typed\n",
        ),
        (
            "--passphrase-file short",
            "error: the passphrase is shorter than 8 characters\nhint: whoever finds the file can try passphrases as fast as they like; use several words\n",
        ),
        (
            "--passphrase-file two",
            "error: the passphrase file two has more than one line\nhint: is it the right file? a passphrase stands alone in it\n",
        ),
        (
            "--passphrase-file bytes",
            "error: the passphrase file bytes is no text in UTF-8\nhint: is it the right file? a passphrase stands alone in it\n",
        ),
        ("--passphrase-file none", "error: open none: no such file or directory\n"),
        (
            "--plain",
            "error: --plain was not confirmed; nothing was written\nhint: type yes when asked, or give --yes; without --plain a passphrase protects the file\n",
        ),
    ] {
        assert_eq!(place.refused(&format!("keys backup -o keys {args}")), told);
        assert!(!place.folder.path().join("keys").exists());
    }
}

#[test]
fn what_cannot_be_recorded_is_told_and_the_file_stays() {
    let place = Place::with_keys(&[&KEYS[2]]);
    place.cluster.with(|state| state.forbidden.insert("patch secrets"));
    assert_eq!(
        place.refused(&format!("{BACKUP} keys.pem")),
        "error: cannot mark Secret `key-c`: secrets is forbidden: User \"eve\" cannot patch resource \"secrets\"\n\
         hint: you need the right to: kubectl auth can-i patch secrets --namespace kube-system\n\
         hint: the backup itself is written and proven; --no-record leaves the mark out, and rotate then needs --no-backup-check\n"
    );
    assert!(place.folder.path().join("keys.pem").exists());
    let told = place.must(&format!("{BACKUP} second.pem --no-record"));
    assert!(told.ends_with("second.pem holds these keys; it was opened again, and not recorded in the cluster\n"));
    let none = Place::with_keys(&[]);
    assert_eq!(
        none.refused(&format!("{BACKUP} keys.pem")),
        "error: there is no sealing key in namespace `kube-system`\nhint: is the controller elsewhere? name its namespace with --controller-namespace\n"
    );
}

#[test]
fn keys_come_back_as_they_were() {
    let [oldest, old, new] = &*KEYS;
    let from = Place::with_keys(&[oldest, old, new]);
    from.cluster.with(|state| {
        let metadata = &mut state.secrets.get_mut("key-a").unwrap()["metadata"];
        metadata["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"] = json!("retired");
        metadata["annotations"] =
            json!({ "team": "platform", "kubectl.kubernetes.io/last-applied-configuration": "{}" });
    });
    for (command, file) in [(BACKUP, "keys.pem"), ("keys backup --plain --yes -o", "keys.yaml")] {
        from.must(&format!("{command} {file}"));
        let to = Place::with_keys(&[]);
        fs::copy(from.folder.path().join(file), to.folder.path().join(file)).unwrap();
        let told = to.must(&format!("{RESTORE} {file} --dry-run"));
        let planned =
            |key: &crate::Key, name: &str| format!("{}  would be restored as Secret {name}\n", key.fingerprint());
        assert_eq!(
            told,
            [planned(oldest, "key-a, not in use there"), planned(old, "key-b"), planned(new, "key-c")].concat()
        );
        assert!(to.cluster.with(|state| state.secrets.is_empty()));
        let told = to.must(&format!("{RESTORE} {file}"));
        let restored = |key: &crate::Key, name: &str| format!("{}  restored as Secret {name}\n", key.fingerprint());
        let end = format!(
            "the active key is {}\nA controller that follows its keys live uses them within seconds; another one after a restart.\n",
            new.fingerprint()
        );
        assert_eq!(
            told,
            [restored(oldest, "key-a, not in use there"), restored(old, "key-b"), restored(new, "key-c"), end].concat()
        );
        to.cluster.with(|state| {
            for (name, secret) in &state.secrets {
                let before = from.cluster.with(|state| state.secrets[name].clone());
                assert_eq!(secret["data"], before["data"]);
                assert_eq!(secret["type"], before["type"]);
                assert_eq!(secret["metadata"]["labels"], before["metadata"]["labels"]);
            }
            assert_eq!(state.secrets["key-a"]["metadata"]["annotations"], json!({ "team": "platform" }));
            let vouched = json!({ "sealedsecrets.bitnami.com/trusted-fingerprint": new.fingerprint() });
            assert_eq!(state.secrets["key-c"]["metadata"]["annotations"], vouched);
        });
        let trust = |at: usize| to.json("keys list -o json")["keys"][at]["trust"].clone();
        assert_eq!((trust(0), trust(2)), (json!("annotation"), serde_json::Value::Null));
        // Again it finds them all.
        let again = to.json(&format!("{RESTORE} {file} -o json"));
        assert!(again["keys"].as_array().unwrap().iter().all(|key| key["outcome"] == "there already"), "{again}");
        let told = to.must(&format!("{RESTORE} {file}"));
        assert!(
            told.contains(&format!("{}  there already as Secret key-a, not in use there\n", oldest.fingerprint())),
            "{told}"
        );
    }
}

#[test]
fn a_name_that_is_taken_stays_with_who_has_it() {
    let [_, old, new] = &*KEYS;
    let from = Place::with_keys(&[old]);
    from.must(&format!("{BACKUP} keys.pem"));
    let to = Place::with_keys(&[new]);
    fs::copy(from.folder.path().join("keys.pem"), to.folder.path().join("keys.pem")).unwrap();
    let mut other = new.secret.clone();
    other["metadata"]["name"] = json!("key-b");
    to.cluster.with(|state| state.secrets.insert("key-b".to_owned(), other.clone()));
    let planned = to.must(&format!("{RESTORE} keys.pem --dry-run"));
    assert_eq!(planned, format!("{}  would be restored as Secret key-b-…\n", old.fingerprint()));
    let told = to.must(&format!("{RESTORE} keys.pem"));
    assert!(told.starts_with(&format!("{}  restored as Secret key-b-made", old.fingerprint())), "{told}");
    assert_eq!(to.cluster.with(|state| state.secrets["key-b"].clone()), other);
}

#[test]
fn a_bare_key_gets_a_certificate_that_makes_it_an_old_one() {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[new]);
    place.file("bare.pem", &old.key.secret_pkcs1_pem());
    let told = place.must("keys restore bare.pem");
    assert!(told.starts_with(&format!("{}  restored as Secret sealed-secrets-keymade", old.fingerprint())), "{told}");
    assert!(told.contains(&format!("the active key is {}\n", new.fingerprint())), "{told}");
    assert_eq!(place.json("keys list -o json")["keys"][1]["state"], "in use");
}

/// Another program may encrypt: keys go out by a pipe and come back by one, and no file is made here.
#[test]
fn a_pipe_carries_a_backup_to_and_from_another_program() {
    let place = Place::with_keys(&[&KEYS[2]]);
    assert_eq!(
        place.refused(&format!("{BACKUP} -")),
        "error: standard output cannot be opened again to prove a backup; nothing was written\n\
         hint: name a file; or let another program encrypt: sealer keys backup --plain --yes -o - | age -r RECIPIENT\n"
    );
    let sealer = env!("CARGO_BIN_EXE_sealer");
    let server = format!("--server http://127.0.0.1:{}", place.cluster.port);
    let piped = format!(
        "set -o pipefail; {sealer} keys backup --plain --yes -o - {server} | tac | tac | {sealer} keys restore --dry-run - {server}"
    );
    let done = Command::new("bash")
        .args(["-c", &piped])
        .env("HOME", "/nonexistent")
        .current_dir(&place.folder)
        .output()
        .unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && String::from_utf8(done.stdout).unwrap().contains(KEYS[2].fingerprint()), "{told}");
    assert_eq!(told, "neither proven nor recorded: pipe what was kept into `sealer keys check -` to prove it\n");
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 1, "the passphrase alone");
    assert_eq!(place.annotation("key-c", "backed-up-at"), serde_json::Value::Null);
}
