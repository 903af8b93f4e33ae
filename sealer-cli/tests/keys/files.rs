//! check, and what files with keys can be wrong about.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::{KEYS, Place};

const CHECK: &str = "keys check --passphrase-file passphrase";

fn place() -> Place {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.must("keys backup --passphrase-file passphrase -o both.keys");
    place.cluster.with(|state| state.secrets.remove("key-b"));
    place.must("keys backup --passphrase-file passphrase -o new.keys");
    place.cluster.with(|state| state.sealed = vec![old.sealed("a", &["one"]), new.sealed("b", &["one", "two"])]);
    place.file("tree/old.json", &old.sealed("x", &["one", "two"]).to_string());
    place.file("tree/new.json", &new.sealed("y", &["one"]).to_string());
    place
}

#[test]
fn check_lists_exactly_what_the_backup_does_not_open() {
    let place = place();
    assert_eq!(place.must(&format!("{CHECK} both.keys")), "3 of 3 items open with the keys of the backup\n");
    assert_eq!(
        place.must(&format!("{CHECK} both.keys --in tree --in-cluster")),
        "6 of 6 items open with the keys of the backup\n"
    );
    let said = place.run(&format!("{CHECK} new.keys --in tree --in-cluster"));
    assert_eq!(
        said.out,
        "tree/old.json: document 1, ns/x, item one: no key of the backup opens it\n\
         tree/old.json: document 1, ns/x, item two: no key of the backup opens it\n\
         cluster: ns/a, item one: no key of the backup opens it\n\
         3 of 6 items open with the keys of the backup\n"
    );
    assert_eq!(
        (said.status, said.err.as_str()),
        (
            Some(1),
            "error: 3 are not proven to open with this backup\n\
             hint: a new backup holds the keys that the cluster has now: sealer keys backup -o FILE; what no key of the cluster opens is lost\n"
        )
    );
    let said = place.run(&format!("{CHECK} new.keys --in tree -o json"));
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&told["items"], &told["opened"], told["unopened"].as_array().unwrap().len()),
        (&json!(3), &json!(1), 2)
    );
    fs::create_dir(place.folder.path().join("nothing")).unwrap();
    assert_eq!(
        place.refused(&format!("{CHECK} new.keys --in nothing")),
        "error: nothing was proven: there is no sealed item\n\
         hint: is it the right folder or cluster? --in PATH looks at files, --in-cluster at the cluster\n"
    );
    // Both kinds of backup together.
    fs::write(place.folder.path().join("old.json"), KEYS[1].secret.to_string()).unwrap();
    assert_eq!(
        place.must(&format!("{CHECK} new.keys old.json --in tree")),
        "3 of 3 items open with the keys of the backup\n"
    );
}

#[test]
fn check_counts_what_it_cannot_try_as_not_proven() {
    let place = place();
    let named = KEYS[2].sealed("x", &["k"]).to_string().replace("\"x\"", "\"{{ .Values.x }}\"");
    place.file("odd/named.json", &named);
    place.file("odd/broken.yaml", "kind: SealedSecret\nspec: [\n");
    let said = place.run(&format!("{CHECK} both.keys --in odd"));
    assert_eq!(
        said.out,
        "odd/named.json: document 1, ns/{{ .Values.x }}, item k: its name or namespace does not stand in the file; it cannot be tried\n\
         odd/broken.yaml: line 2, column 7: is no YAML\n\
         0 of 1 items open with the keys of the backup\n"
    );
    assert_eq!(said.status, Some(1));
}

#[test]
fn a_bad_backup_is_refused_in_its_own_words() {
    let place = place();
    let text = fs::read_to_string(place.folder.path().join("both.keys")).unwrap();
    let manifest = text.find("-----BEGIN SEALING KEY BACKUP").unwrap();
    let second = text.rfind("-----BEGIN ENCRYPTED").unwrap();
    place.file("wrong", "correct house");
    place.file("cut.keys", &text[..manifest]);
    place.file("half.keys", &text[..manifest + 200]);
    place.file("fewer.keys", &format!("{}{}", &text[..second], &text[manifest..]));
    let other = "nothing was done; use another copy of the file";
    for (args, told, hint) in [
        (
            "both.keys --passphrase-file wrong",
            "both.keys: the passphrase is wrong, or every key in the file was changed",
            "nothing was done; try again with the passphrase that the backup was made with",
        ),
        ("cut.keys", "cut.keys: it is cut off: the block at its end is missing or damaged", other),
        ("half.keys", "half.keys: it is cut off: the block at its end is missing or damaged", other),
        (
            "fewer.keys",
            "fewer.keys: the passphrase is right, but the file is not as it was written: a block was changed, moved, added or taken away",
            other,
        ),
    ] {
        for verb in [CHECK, "keys restore --passphrase-file passphrase"] {
            let said = place.run(&format!("{verb} {args}"));
            assert_eq!(
                (said.status, said.err),
                (Some(1), format!("error: cannot read the backup {told}\nhint: {hint}\n"))
            );
            assert_eq!(said.out, "");
        }
    }
    assert_eq!(place.cluster.with(|state| state.secrets.len()), 1);
}

#[test]
fn a_key_of_openssl_s_own_is_no_backup() {
    let place = place();
    place.file("key.pem", &KEYS[1].key.secret_pkcs1_pem());
    let convert = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -passout file:passphrase -out foreign.pem";
    let done = std::process::Command::new("sh").args(["-c", convert]).current_dir(&place.folder).status().unwrap();
    assert!(done.success());
    assert_eq!(
        place.refused(&format!("{CHECK} foreign.pem")),
        "error: cannot read the backup foreign.pem: key 1 is not encrypted as a backup is (PBES2 with scrypt and AES-256-CBC, the same for all keys)\n\
         hint: it was not made by `sealer keys backup`; openssl pkey -in FILE decrypts a key\n"
    );
    assert_eq!(
        place.refused(&format!("{CHECK} tree/old.json")),
        "error: no private key in tree/old.json\nhint: it takes a PEM file, a key Secret, a List of them as kubectl get -o yaml prints it, or a backup\n"
    );
}

#[test]
fn every_file_with_keys_is_read_before_a_wrong_one_is_told() {
    let place = place();
    place.file("empty.yaml", "a: b\n");
    let told = place.refused(&format!("{CHECK} both.keys empty.yaml missing.keys new.keys --in tree"));
    assert_eq!(
        told,
        "no private key in empty.yaml\nopen missing.keys: no such file or directory\n\
         error: 2 of the files that were named for keys cannot be used\n"
    );
}

#[test]
fn a_backup_opens_files_for_reseal() {
    let place = place();
    fs::write(place.folder.path().join("new.pem"), &KEYS[2].pem).unwrap();
    let said = place.run("reseal tree --backup both.keys --passphrase-file passphrase --cert new.pem");
    assert_eq!((said.status, said.err.as_str()), (Some(0), "2 values in 1 files sealed anew, 1 current, 0 failed\n"));
    assert_eq!(place.must(&format!("{CHECK} new.keys --in tree")), "3 of 3 items open with the keys of the backup\n");
}

/// Arguments, the error and its hint.
const UNREADABLE: &[(&str, &str, &str)] = &[
    (
        "keys",
        "`sealer keys` needs a command; there is `sealer keys` with list, rotate, backup, restore, check, retire",
        "sealer keys list",
    ),
    (
        "keys lost",
        "unknown command `keys lost`; there is `sealer keys` with list, rotate, backup, restore, check, retire",
        "sealer keys list",
    ),
    ("keys backup", "`sealer keys backup` needs the name of the file to write: -o FILE", "sealer keys backup --help"),
    (
        "keys backup -o json",
        "-o json would name the backup `json`; for the form of the answer there is --format json, and -o ./json names that file",
        "sealer keys backup --help",
    ),
    (
        "keys backup x",
        "`sealer keys backup` takes no argument; name the file with -o FILE",
        "sealer keys backup --help",
    ),
    (
        "keys backup -o x --plain --passphrase-file y",
        "--plain writes without a passphrase; it does not go with --passphrase-file",
        "sealer keys backup --help",
    ),
    (
        "keys restore",
        "`sealer keys restore` needs a file that `sealer keys backup` wrote",
        "sealer keys restore --help",
    ),
    ("keys check", "`sealer keys check` needs a file that `sealer keys backup` wrote", "sealer keys check --help"),
    (
        "keys retire",
        "`sealer keys retire` needs one fingerprint, as `sealer keys list` shows it",
        "sealer keys retire --help",
    ),
    (
        "keys retire SHA256:abc",
        "`SHA256:abc` is too short for a fingerprint; give at least 8 characters behind SHA256:",
        "sealer keys retire --help",
    ),
    (
        "keys rotate x",
        "`sealer keys rotate` takes no argument; files that follow are named with --reseal",
        "sealer keys rotate --help",
    ),
    (
        "keys rotate --key-size 1024",
        "--key-size 1024 is out of range; use 2048 to 8192 bits",
        "sealer keys rotate --help",
    ),
    (
        "keys rotate --timeout 0s",
        "--timeout 0s is no length of time above zero, such as 30s",
        "sealer keys rotate --help",
    ),
    ("keys list --nonsense", "unknown flag: --nonsense", "sealer keys list --help"),
];

#[test]
fn command_lines_that_cannot_be_read() {
    let place = Place::with_keys(&[]);
    for (args, told, hint) in UNREADABLE {
        // Without a cluster's address in the way of the first word.
        let words: Vec<&str> = args.split_whitespace().collect();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealer"))
            .args(words)
            .current_dir(&place.folder)
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err), (Some(2), format!("error: {told}\nhint: {hint}\n")), "{args}");
    }
}

/// A file that cannot be looked at must not pass for one that holds nothing: a key would be retired that it needs.
#[test]
fn files_of_odd_names_or_encodings_are_searched_or_named() {
    let place = place();
    let old = KEYS[1].sealed("x", &["one"]).to_string();
    fs::remove_dir_all(place.folder.path().join("tree")).unwrap();
    place.file("tree/a\u{1b}[2J\nb.json", &old);
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(old.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    fs::write(place.folder.path().join("tree/wide.json"), &wide).unwrap();
    let wide: Vec<u8> = "\u{feff}a: b".encode_utf16().flat_map(u16::to_be_bytes).collect();
    fs::write(place.folder.path().join("tree/foreign.json"), &wide).unwrap();
    let bytes = OsStr::from_bytes(b"no\xfftext.json");
    fs::write(place.folder.path().join("tree").join(bytes), &old).unwrap();
    place.file("elsewhere.json", &old);
    symlink("../elsewhere.json", place.folder.path().join("tree/link.json")).unwrap();
    let said = place.run(&format!("{CHECK} new.keys --in tree"));
    assert_eq!(
        said.out,
        "tree/a\\u{1b}[2J\\nb.json: document 1, ns/x, item one: no key of the backup opens it\n\
         tree/no\u{fffd}text.json: document 1, ns/x, item one: no key of the backup opens it\n\
         tree/link.json: is a link out of the folder that was named, and is not followed\n\
         tree/wide.json: is no UTF-8\n\
         0 of 2 items open with the keys of the backup\n"
    );
    assert_eq!(said.status, Some(1), "{}", said.err);
}
