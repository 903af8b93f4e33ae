//! `sealer edit`.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

/// Edits with a script that gets the file as its first argument.
fn edit(place: &Place, script: &str, args: &[&str]) -> Output {
    let editor = place.path("editor");
    fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let certificate = fixture("cert4096.pem");
    let mut command = place.command(&[&["edit", "--cert", &certificate], args].concat());
    place.finish(command.env("EDITOR", editor).env("XDG_RUNTIME_DIR", place.0.path()), b"")
}

/// Nothing that was shown stays anywhere the editor's file may have been.
fn nothing_is_left(place: &Place) {
    for folder in [Path::new("/dev/shm"), place.0.path(), Path::new("/tmp")] {
        let names =
            fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let seen = place.read("seen");
        let mine = names.filter(|name| seen.contains(name.as_str()) && name.starts_with("sealer-edit-"));
        assert_eq!(mine.collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[test]
fn without_keys_values_are_hidden_and_only_changes_are_sealed() {
    let place = Place::new();
    let before = place.read("db.yaml").replace("    user:", "    # who\n    user:");
    place.write("db.yaml", &before);
    let script = "cp \"$1\" shown; echo \"$1\" > seen; stat -c %a \"$1\" \"${1%/*}\" > modes\n\
                  sed -i -e 's/^password: .*/password: new/' -e '$a host: \"1\"' \"$1\"";
    let output = edit(&place, script, &["db.yaml"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "shop/db: changed password; added host\n"));
    assert_eq!(
        place.read("shown"),
        "# document 1 shop/db of db.yaml, scope strict\n# Change, add or take out lines; nothing else of the file changes.\n\
         # <sealed> stays as it is; write a value in its place to change it.\n# Values are texts as they stand; !!binary is base64.\n\
         password: <sealed>\nuser: <sealed>\n"
    );
    assert_eq!(place.read("modes"), "600\n700\n");
    nothing_is_left(&place);
    assert_eq!(place.opened("db.yaml"), json!({"host": "MQ==", "password": "bmV3", "user": "cm9vdA=="}));
    let after = place.read("db.yaml");
    let gone: Vec<&str> = before.lines().filter(|line| !after.lines().any(|other| other == *line)).collect();
    assert!(gone.len() == 1 && gone[0].starts_with("    password: "));
}

#[test]
fn with_keys_values_show_and_unchanged_ones_keep_their_text() {
    let place = Place::new();
    let key = fixture("key4096.pem");
    fs::write(place.path("binary"), b"\x00\xff").unwrap();
    let certificate = fixture("cert4096.pem");
    place.run(&["set", "--cert", &certificate, "--from-file", "binary", "db.yaml", "bytes"], "");
    let before = place.read("db.yaml");
    let script = "cp \"$1\" shown; echo \"$1\" > seen; sed -i -e '/^user/d' -e 's/hunter2/hunter3/' \"$1\"";
    let output = edit(&place, script, &["--private-key", &key, "db.yaml"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "shop/db: changed password; removed user\n"));
    let shown = place.read("shown");
    assert!(shown.ends_with("base64.\npassword: hunter2\nuser: root\nbytes: !!binary AP8=\n"), "{shown}");
    assert_eq!(place.opened("db.yaml"), json!({"bytes": "AP8=", "password": "aHVudGVyMw=="}));
    let line = before.lines().find(|line| line.contains("bytes: ")).unwrap();
    assert!(place.read("db.yaml").contains(line));
    nothing_is_left(&place);
    // A key that opens nothing shows nothing.
    let other = fixture("key2048.pem");
    let output = edit(&place, "cp \"$1\" shown", &["--private-key", &other, "db.yaml"]);
    let warning = |item| format!("warning: no key at hand opens item `{item}`; it shows as <sealed>\n");
    assert_eq!(said(&output), format!("{}{}nothing changed\n", warning("password"), warning("bytes")));
}

#[test]
fn what_goes_wrong_leaves_the_file_and_nothing_else() {
    let place = Place::new();
    let before = place.read("db.yaml");
    let editor = place.path("editor").display().to_string();
    let failed = format!(
        "error: the editor `{editor}` ended with status 3\nhint: the file stays as it was\nhint: set EDITOR to another one\n"
    );
    let killed = format!(
        "error: the editor `{editor}` was ended by a signal\nhint: the file stays as it was\nhint: set EDITOR to another one\n"
    );
    let unusable = |reason| format!("error: the edit cannot be used: {reason}\nhint: the file stays as it was\n");
    for (script, told) in [
        ("echo password: secret > \"$1\"; exit 3", failed),
        ("kill -9 $$", killed),
        ("echo 'a: b: secret' >> \"$1\"", unusable("line 7 is no YAML")),
        ("echo user: secret >> \"$1\"", unusable("line 7 has a name that stands there twice")),
        (": > \"$1\"", unusable("no item is left in it")),
        ("sed -i 's/^password: .*/password: new #1/' \"$1\"", unusable("line 5 has ` #` in its value, which begins a comment of YAML; put the value in quotes")),
        ("sed -i 's/^password: .*/password: new /' \"$1\"", unusable("line 5 has blanks at its end, which YAML takes away; remove them, or put the value in quotes")),
        ("sed -i 's/^password: .*/&x/' \"$1\"", unusable("line 5 has a value that resembles <sealed>; if it is the value, put it in quotes")),
        ("echo new: '<sealed>' >> \"$1\"", unusable("<sealed> is no value for `new`, which has none yet")),
        ("printf '\\377' > \"$1\"", unusable("it is no UTF-8")),
        ("echo '#' >> db.yaml; echo new: x >> \"$1\"", "error: db.yaml was changed by somebody else meanwhile\nhint: their change stays; nothing of this one was written\n".to_owned()),
    ] {
        let output = edit(&place, &format!("echo \"$1\" > seen\n{script}"), &["db.yaml"]);
        assert_eq!((output.status.code(), said(&output)), (Some(1), told), "{script}");
        assert_eq!(place.read("db.yaml").trim_end_matches("#\n"), before);
        nothing_is_left(&place);
    }
}

#[test]
fn an_editor_that_takes_the_file_away_is_told_of() {
    let place = Place::new();
    let output = edit(&place, "echo \"$1\" > seen; rm \"$1\"", &["db.yaml"]);
    let folder = place.read("seen").trim_end().trim_end_matches("/items.yaml").to_owned();
    let told = format!(
        "error: the file for the editor in {folder} cannot be used: no such file or directory\nhint: the file stays as it was\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), told));
    assert!(!Path::new(&folder).exists());
}

#[test]
fn a_signal_ends_the_edit_and_wipes_what_was_shown() {
    let place = Place::new();
    let before = place.read("db.yaml");
    let editor = place.path("editor");
    fs::write(&editor, "#!/bin/sh\necho \"$1\" > seen.new; mv seen.new seen; exec sleep 300\n").unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    for signal in ["TERM", "HUP"] {
        let (certificate, key) = (fixture("cert4096.pem"), fixture("key4096.pem"));
        let mut command = place.command(&["edit", "--cert", &certificate, "--private-key", &key, "db.yaml"]);
        let child = command.env("VISUAL", &editor).env("EDITOR", "false").spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while !place.path("seen").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // While the editor runs the value is there, where its owner alone can read it.
        assert!(place.read(place.read("seen").trim_end()).contains("password: hunter2"));
        Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        let told = "error: ended by a signal\nhint: the file stays as it was\n";
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), told));
        assert!(!Path::new(place.read("seen").trim_end()).exists());
        assert_eq!(place.read("db.yaml"), before);
        fs::remove_file(place.path("seen")).unwrap();
    }
}

/// At a terminal a broken edit opens again, with what is wrong on its first line.
#[test]
fn a_broken_edit_can_be_corrected() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let at_terminal = |script: &str| {
        place.write("editor", &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(place.path("editor"), fs::Permissions::from_mode(0o755)).unwrap();
        let line = format!("{} edit --cert {certificate} db.yaml", env!("CARGO_BIN_EXE_sealer"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(place.0.path()).env("EDITOR", place.path("editor"));
        let output = command.stdin(Stdio::null()).output().ok()?;
        Some((output.status.code(), String::from_utf8(output.stdout).unwrap().replace('\r', "")))
    };
    let twice = "if head -1 \"$1\" | grep -q cannot; then head -1 \"$1\" > reason; sed -i 's/^b: x: y/b: xy/' \"$1\"; \
                 else echo 'b: x: y' >> \"$1\"; fi";
    // Without a program that makes a terminal there is nothing to see.
    let Some(corrected) = at_terminal(twice) else { return };
    assert_eq!(corrected, (Some(0), "shop/db: added b\n".to_owned()));
    assert_eq!(place.read("reason"), "# This cannot be used: line 7 is no YAML (counted without this line)\n");
    assert_eq!(place.opened("db.yaml")["b"], "eHk=");
    let before = place.read("db.yaml");
    let given_up = "error: the edit was given up where it could not be used\nhint: the file stays as it was\n";
    let broken = "grep -q 'c: x: y' \"$1\" || echo 'c: x: y' >> \"$1\"";
    assert_eq!(at_terminal(broken).unwrap(), (Some(1), given_up.to_owned()));
    assert_eq!(place.read("db.yaml"), before);
}

/// What was typed is not thrown away for it.
#[test]
fn a_value_that_stands_in_an_annotation_is_told_of() {
    let place = Place::new();
    let noted = place.read("db.yaml").replacen("  name: db\n", "  name: db\n  annotations: {note: correct-horse}\n", 1);
    place.write("db.yaml", &noted);
    let output = edit(&place, "sed -i -e 's/^user: .*/user: correct-horse/' \"$1\"", &["db.yaml"]);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(0), "warning: annotation `note` holds the value of item `user` in clear text\nshop/db: changed user\n")
    );
}

#[test]
fn values_beyond_what_a_cluster_takes_are_told() {
    let place = Place::new();
    let more = "printf 'long: ' >> \"$1\"; head -c 1048577 /dev/zero | tr '\\0' x >> \"$1\"";
    let output = edit(&place, more, &["db.yaml"]);
    let says = said(&output);
    assert!(output.status.success() && says.ends_with("shop/db: added long\n"), "{says}");
    assert!(says.starts_with("warning: the values are 1048588 bytes together, and a cluster takes 1048576"), "{says}");
}

#[test]
fn a_value_that_another_tool_encrypted_is_refused() {
    let place = Place::new();
    let before = place.read("db.yaml");
    let script = "sed -i -e 's/^password: .*/password: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]/' \"$1\"";
    let output = edit(&place, script, &["db.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output)
            .starts_with("error: the edit cannot be used: item `password` is encrypted with SOPS: decrypt it first"),
        "{}",
        said(&output)
    );
    assert_eq!(place.read("db.yaml"), before);
}

#[test]
fn quoted_values_keep_number_signs_blanks_and_words() {
    let place = Place::new();
    let script = "sed -i -e 's/^password: .*/password: \"Zq7 #v9 \" # in quotes/' -e 's/^user: .*/user: <sealed> # stays/' \"$1\"";
    let output = edit(&place, script, &["db.yaml"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "shop/db: changed password\n"));
    assert_eq!(place.opened("db.yaml"), json!({"password": "WnE3ICN2OSA=", "user": "cm9vdA=="}));
}
