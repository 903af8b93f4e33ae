//! `sealer set` and `sealer unset`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

fn set<'a>(certificate: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [&["set", "--cert", certificate], args].concat()
}

#[test]
fn an_item_is_changed_added_and_taken_out_and_no_other_line_moves() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let commented = place.read("db.yaml").replace("    user:", "    # who\n    user:  ");
    place.write("db.yaml", &commented);
    let output = place.run(&set(&certificate, &["db.yaml", "password"]), "new value\n");
    let says = said(&output);
    assert!(
        says.starts_with("warning: the value ends in a line end, which is sealed with it; --trim leaves it out"),
        "{says}"
    );
    assert!(output.status.success() && says.ends_with("\nitem `password` of shop/db changed\n"), "{says}");
    let output = place.run(&set(&certificate, &["db.yaml", "host"]), "localhost");
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "item `host` of shop/db added\n"));
    // A line end of what is piped in is part of the value.
    assert_eq!(
        place.opened("db.yaml"),
        json!({"host": "bG9jYWxob3N0", "password": "bmV3IHZhbHVlCg==", "user": "cm9vdA=="})
    );
    let after = place.read("db.yaml");
    let differing = commented.lines().filter(|line| !after.lines().any(|other| other == *line)).count();
    assert_eq!((differing, after.lines().count()), (1, commented.lines().count() + 1));
    assert_eq!(place.told(&["unset", "db.yaml", "host"], ""), (Some(0), "item `host` of shop/db removed\n".to_owned()));
    assert_eq!(place.read("db.yaml").lines().count(), commented.lines().count());
    for item in ["password", "user"] {
        place.run(&["unset", "db.yaml", item], "");
    }
    assert!(place.read("db.yaml").contains("  encryptedData: {}\n    # who\n"));
    place.run(&set(&certificate, &["db.yaml", "a"]), "1");
    assert_eq!(place.opened("db.yaml"), json!({"a": "MQ=="}));
}

#[test]
fn scope_name_and_namespace_are_those_of_the_document() {
    let place = Place::new();
    let (certificate, other) = (fixture("cert4096.pem"), SECRET.replace("db", "other"));
    let wide = place.sealed(&["-o", "yaml", "--scope", "namespace-wide"], &other);
    place.write("all.yaml", &format!("kind: ConfigMap\n{}{wide}", place.read("db.yaml")));
    let several = "error: all.yaml holds several SealedSecrets: document 2 shop/db, document 3 shop/other\n\
                   hint: name one with --document, or with --name and --namespace\n";
    assert_eq!(place.told(&set(&certificate, &["all.yaml", "a"]), "1"), (Some(1), several.to_owned()));
    for chosen in [["--document", "3"], ["--name", "other"]] {
        let told = place.told(&[&set(&certificate, &["all.yaml", "a"])[..], &chosen].concat(), "1");
        assert_eq!(told.0, Some(0), "{}", told.1);
    }
    let third = place.read("all.yaml").split("---\n").last().unwrap().to_owned();
    place.write("third.yaml", &third);
    assert_eq!(place.opened("third.yaml")["a"], "MQ==");
    let none = "error: no SealedSecret of all.yaml is the one that was named\nhint: it holds document 2 shop/db, document 3 shop/other\n";
    assert_eq!(place.told(&["unset", "all.yaml", "a", "-n", "else"], ""), (Some(1), none.to_owned()));
}

/// What the kustomization makes of the names is what the cluster sees, and what explain and reseal open values under.
#[test]
fn values_are_sealed_for_the_names_that_a_kustomization_gives() {
    let place = Place::new();
    let (certificate, key) = (fixture("cert4096.pem"), fixture("key4096.pem"));
    let set = |told: &str| {
        let output = place.told(&set(&certificate, &["db.yaml", "user"]), "root");
        assert_eq!(output, (Some(0), format!("item `user` of shop/db changed{told}\n")));
    };
    let opens_under = |namespace: &str, name: &str| {
        let text = place.read("db.yaml").replace("name: db", &format!("name: {name}"));
        place.write("as.yml", &text.replace("namespace: shop", &format!("namespace: {namespace}")));
        place.run(&["explain", "--private-key", &key, "as.yml"], "").stdout
    };
    for (kustomization, told, namespace, name) in [
        ("namespace: prod\n", "; sealed for prod/db, as the kustomization of the file applies it", "prod", "db"),
        (
            "namePrefix: a-\nnameSuffix: -z\nresources:\n- ./db.yaml\n",
            "; sealed for shop/a-db-z, as the kustomization of the file applies it",
            "shop",
            "a-db-z",
        ),
        ("namespace: shop\nresources: [db.yaml]\n", "", "shop", "db"),
        // It applies other files.
        ("namespace: prod\nresources: [other.yaml]\n", "", "shop", "db"),
        ("namespace: prod\nresources: [sub/db.yaml]\n", "", "shop", "db"),
    ] {
        place.write("kustomization.yaml", kustomization);
        set(told);
        fs::remove_file(place.path("kustomization.yaml")).unwrap();
        let shown = String::from_utf8(opens_under(namespace, name)).unwrap();
        assert!(shown.contains("item `user` opens with key "), "{kustomization}{shown}");
    }
    // One in a folder above counts if it lists the file.
    fs::create_dir(place.path("sub")).unwrap();
    place.write("sub/db.yaml", &place.read("db.yaml"));
    for (kustomization, told) in [
        (
            "namespace: prod\nresources: [./sub/db.yaml]\n",
            "; sealed for prod/db, as the kustomization of the file applies it",
        ),
        ("namespace: prod\n", ""),
    ] {
        place.write("kustomization.yaml", kustomization);
        let output = place.told(&self::set(&certificate, &["sub/db.yaml", "user"]), "root");
        assert_eq!(output, (Some(0), format!("item `user` of shop/db changed{told}\n")));
    }
    // What it was before is another value only if it is one under the names that count.
    place.write("kustomization.yaml", "namespace: prod\n");
    set("; sealed for prod/db, as the kustomization of the file applies it");
    let keep = ["--keep-unchanged", "--private-key", &key, "db.yaml", "user"];
    let told = "item `user` of shop/db is that value already; nothing changed\n";
    assert_eq!(place.told(&self::set(&certificate, &keep), "root"), (Some(0), told.to_owned()));
}

#[test]
fn an_unchanged_value_keeps_its_sealed_text_if_asked_to() {
    let place = Place::new();
    let (certificate, key, before) = (fixture("cert4096.pem"), fixture("key4096.pem"), place.read("db.yaml"));
    let keep = ["--keep-unchanged", "--private-key", &key, "db.yaml", "user"];
    let told = "item `user` of shop/db is that value already; nothing changed\n";
    assert_eq!(place.told(&set(&certificate, &keep), "root"), (Some(0), told.to_owned()));
    assert_eq!(place.read("db.yaml"), before);
    assert_eq!(place.told(&set(&certificate, &keep), "toor"), (Some(0), "item `user` of shop/db changed\n".to_owned()));
    assert_ne!(place.read("db.yaml"), before);
    // Without keys and without a cluster nothing can tell.
    let told = "warning: nothing tells which values are unchanged, all are sealed anew: invalid configuration: no configuration has \
                been provided, try setting KUBERNETES_MASTER environment variable\nitem `user` of shop/db changed\n";
    assert_eq!(
        place.told(&set(&certificate, &["--keep-unchanged", "db.yaml", "user"]), "toor"),
        (Some(0), told.to_owned())
    );
}

#[test]
fn a_dry_run_changes_nothing_and_a_diff_shows_the_lines() {
    let place = Place::new();
    let (certificate, before) = (fixture("cert4096.pem"), place.read("db.yaml"));
    let output = place.run(&set(&certificate, &["--dry-run", "--diff", "db.yaml", "host"]), "x");
    let diff = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(
        diff.starts_with("--- db.yaml\n+++ db.yaml\n@@ ") && diff.lines().last().unwrap().starts_with("+    host: Ag"),
        "{diff}"
    );
    assert_eq!(
        (said(&output).as_str(), place.read("db.yaml")),
        ("item `host` of shop/db would be added\n", before.clone())
    );
    let file = place.path("value");
    fs::write(&file, b"\x00\xff").unwrap();
    place.run(&set(&certificate, &["--from-file", "value", "db.yaml", "user"]), "");
    assert_eq!(place.opened("db.yaml")["user"], "AP8=");
}

#[test]
fn what_cannot_be_done_is_said_and_the_file_stays() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let sealed = place.read("db.yaml");
    let file = |text: &str| place.write("x.yaml", text);
    let check = |args: &[&str], told: &str| {
        let before = fs::read(place.path("x.yaml")).unwrap_or_default();
        assert_eq!(place.told(args, "v"), (Some(1), told.to_owned()), "{args:?}");
        assert_eq!(fs::read(place.path("x.yaml")).unwrap_or_default(), before);
    };
    let set_a = set(&certificate, &["x.yaml", "a"]);
    check(&set_a, "error: open x.yaml: no such file or directory\n");
    file(SECRET);
    check(
        &set_a,
        "error: x.yaml holds no SealedSecret\nhint: it holds the Secret itself; seal it with: sealer -f x.yaml -w sealed.yaml\n",
    );
    file("kind: ConfigMap\n");
    check(&set_a, "error: x.yaml holds no SealedSecret\nhint: write a first one with: sealer -w FILE\n");
    file("data: x\nsops: {}\n");
    check(&set_a, "error: x.yaml holds no SealedSecret\nhint: it looks like a file of another tool, sops\n");
    file("kind: Secret\ndata: {a: ENC}\nsops: {mac: ENC, version: 3.9.0}\n");
    check(
        &set_a,
        "error: x.yaml is encrypted with SOPS: decrypt it first (sops -d FILE)\nhint: x.yaml holds no SealedSecret\n",
    );
    file("kind: SealedSecret\nspec: [\n");
    check(&set_a, "error: x.yaml: line 2, column 7: is no YAML\nhint: the file stays as it was\n");
    file(&sealed.replace("name: db", "name: {{ .Values.name }}"));
    check(
        &set_a,
        "error: the name or namespace of document 1 shop/{{ .Values.name }} is a template, and values are bound to them\n\
         hint: seal for the names that it renders: sealer --raw --name NAME --namespace NAMESPACE\n",
    );
    file(&sealed.replace("  namespace: shop\n", ""));
    check(
        &set_a,
        "error: document 1 db names no namespace, and values are bound to it\nhint: give the namespace that it is applied to with --namespace\n",
    );
    file(&sealed.replace("name: db", "name: D_b"));
    check(
        &set_a,
        "error: document 1 shop/D_b: name `D_b` is not a DNS-1123 subdomain (lower case letters, digits, `-` and `.`, at most 253)\n\
         hint: no cluster accepts that name; correct it first\n",
    );
    file(
        &sealed
            .replace("encryptedData:", "encryptedData: &items")
            .replace("  template:", "  other: *items\n  template:"),
    );
    check(
        &set_a,
        "error: x.yaml: the value at line 8 has an anchor or is an alias\nhint: the file stays as it was; change that place by hand first\n",
    );
    // A template may write the map.
    file(
        "kind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec:\n  {{- with .Values.sealed }}\n  {{ . }}\n  {{- end }}\n  template: {}\n",
    );
    check(
        &set_a,
        "error: x.yaml: there is no map to put it in\nhint: add a line `encryptedData: {}` below its `spec:`\n",
    );
}

#[test]
fn file_in_another_encoding_is_named_with_a_converter() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let set_a = set(&certificate, &["x.yaml", "a"]);
    let check = |bytes: &[u8], told: &str| {
        fs::write(place.path("x.yaml"), bytes).unwrap();
        assert_eq!(place.told(&set_a, "1"), (Some(1), told.to_owned()));
        assert!(fs::read(place.path("x.yaml")).unwrap() == bytes);
    };
    check(b"\xff\xfe", "error: x.yaml holds no SealedSecret\nhint: write a first one with: sealer -w FILE\n");
    check(
        b"k\0i\0n\0d\0",
        "error: x.yaml is UTF-16 without its mark (BOM)\nhint: save it as UTF-8; in PowerShell: … | Out-File -Encoding ascii FILE\n",
    );
    check(
        b"kind: \xfc",
        "error: x.yaml is no UTF-8\nhint: save it as UTF-8; from the letters of Windows: iconv -f WINDOWS-1252 -t UTF-8 FILE\n",
    );
}

/// PowerShell's `>` makes such files.
#[test]
fn a_file_in_utf_16_stays_in_its_form() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let text = format!("# \u{fc}ber\n{}", place.read("db.yaml"));
    for (text, order) in [
        (text.clone(), u16::to_le_bytes as fn(u16) -> [u8; 2]),
        (text.replace('\n', "\r\n"), u16::to_le_bytes),
        (text.clone(), u16::to_be_bytes),
        (text.replace('\n', "\r\n"), u16::to_be_bytes),
    ] {
        let wide = |text: &str| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(order).collect() };
        let before = wide(&text);
        fs::write(place.path("wide.yaml"), &before).unwrap();
        let told = place.told(&set(&certificate, &["wide.yaml", "host"]), "localhost");
        assert_eq!(told, (Some(0), "item `host` of shop/db added\n".to_owned()));
        let after = fs::read(place.path("wide.yaml")).unwrap();
        assert!(after.starts_with(&before[..2]) && after.len() > before.len());
        assert_eq!(place.opened("wide.yaml")["host"], "bG9jYWxob3N0");
        // What was added goes, and every byte is as it was.
        let told = place.told(&["unset", "wide.yaml", "host"], "");
        assert_eq!(told, (Some(0), "item `host` of shop/db removed\n".to_owned()));
        assert!(fs::read(place.path("wide.yaml")).unwrap() == before);
        place.told(&["set", "--dry-run", "--cert", &certificate, "wide.yaml", "host"], "x");
        assert!(fs::read(place.path("wide.yaml")).unwrap() == before);
    }
}

#[test]
fn where_there_are_no_items_yet_the_first_one_makes_their_place() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let head = "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: a, namespace: b}\n";
    for spec in ["", "spec:\n", "spec: {}  # soon\n", "spec:\n  template: {type: Opaque}\n"] {
        place.write("x.yaml", &format!("{head}{spec}"));
        let told = place.told(&set(&certificate, &["x.yaml", "one"]), "1");
        assert_eq!(told, (Some(0), "item `one` of b/a added\n".to_owned()), "{spec}");
        assert_eq!(place.opened("x.yaml"), json!({"one": "MQ=="}), "{spec}");
    }
}

#[test]
fn items_that_are_not_there_or_cannot_be_are_refused() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let before = place.read("db.yaml");
    let check = |args: &[&str], told: &str| assert_eq!(place.told(args, "v"), (Some(1), told.to_owned()), "{args:?}");
    check(&["unset", "db.yaml", "a"], "error: there is no item `a` of shop/db\nhint: it has password, user\n");
    check(
        &set(&certificate, &["db.yaml", "a b"]),
        "error: `a…` is no name of an item\nhint: letters, digits, `-`, `_` and `.` make a name, at most 253 of them\n\
         hint: the value is piped in: printf %s \"$VALUE\" | sealer set FILE ITEM\n",
    );
    assert_eq!(place.read("db.yaml"), before);
}

#[test]
fn command_lines_that_cannot_be_read_say_how_to_write_them() {
    let place = Place::new();
    for (args, told) in [
        (
            &["set"][..],
            "error: `sealer set` needs a file and the name of an item\nhint: printf %s \"$VALUE\" | sealer set sealed.yaml password\n",
        ),
        (
            &["set", "a", "b", "value"],
            "error: `sealer set` needs a file and the name of an item, and nothing more\nhint: printf %s \"$VALUE\" | sealer set sealed.yaml password\n",
        ),
        (
            &["unset", "a"],
            "error: `sealer unset` needs a file and the name of an item\nhint: sealer unset sealed.yaml password\n",
        ),
        (
            &["unset", "a", "b", "--document", "0"],
            "error: --document 0 is no document; they are counted from 1\nhint: sealer unset sealed.yaml password\n",
        ),
        (&["view"], "error: `sealer view` needs a file\nhint: sealer view sealed.yaml\n"),
        (&["edit"], "error: `sealer edit` needs a file\nhint: sealer edit sealed.yaml\n"),
        (
            &["explain"],
            "error: `sealer explain` needs a file\nhint: sealer explain --private-key keys.yaml sealed.yaml\n",
        ),
    ] {
        assert_eq!(place.told(args, ""), (Some(2), told.to_owned()), "{args:?}");
    }
}

#[test]
fn commands_on_one_file_take_turns() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (place, certificate) = (&place, &certificate);
            scope.spawn(move || {
                let item = format!("item{number}");
                let told = place.told(&set(certificate, &["db.yaml", &item]), &item);
                assert_eq!(told, (Some(0), format!("item `{item}` of shop/db added\n")));
            });
        }
    });
    assert_eq!(place.opened("db.yaml").as_object().unwrap().len(), 10);
}

#[test]
fn a_link_that_is_named_is_followed() {
    let place = Place::new();
    std::os::unix::fs::symlink("db.yaml", place.path("link.yaml")).unwrap();
    assert_eq!(
        place.told(&["unset", "link.yaml", "user"], ""),
        (Some(0), "item `user` of shop/db removed\n".to_owned())
    );
    assert!(fs::symlink_metadata(place.path("link.yaml")).unwrap().is_symlink());
    assert!(!place.read("db.yaml").contains("user: "));
}

#[test]
fn an_empty_value_is_told_of() {
    let place = Place::new();
    let told = "warning: the value is empty\nitem `user` of shop/db changed\n";
    assert_eq!(place.told(&set(&fixture("cert4096.pem"), &["db.yaml", "user"]), ""), (Some(0), told.to_owned()));
}

/// Waits until what is typed at a terminal no longer shows.
fn wait_for_silence(place: &Place) {
    let deadline = Instant::now() + Duration::from_secs(120);
    let is_silent = || {
        let terminal = fs::read_to_string(place.path("tty")).unwrap_or_default();
        let state = Command::new("stty").args(["-a", "-F", terminal.trim()]).output().unwrap();
        String::from_utf8_lossy(&state.stdout).contains(" -echo ")
    };
    while !is_silent() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// On a terminal the value is asked for, and what is typed does not show.
#[test]
fn a_value_is_typed_unseen() {
    let place = Place::new();
    let Some((status, shown)) = typed(&place, b"typed\r") else { return };
    assert_eq!(shown, "value of `user`: \nitem `user` of shop/db changed\n");
    assert_eq!((status, &place.opened("db.yaml")["user"]), (Some(0), &Value::from("dHlwZWQ=")));
    let before = place.read("db.yaml");
    for nothing in [b"\r", b"\x04"] {
        let told = "value of `user`: \nerror: no value was given\nhint: an empty one is piped in: printf '' | sealer set FILE ITEM\n";
        assert_eq!(typed(&place, nothing), Some((Some(1), told.to_owned())));
        assert_eq!(place.read("db.yaml"), before);
    }
}

/// Status and screen of `set` at a terminal. Without a program that makes one there is nothing to see.
fn typed(place: &Place, keys: &[u8]) -> Option<(Option<i32>, String)> {
    drop(fs::remove_file(place.path("tty")));
    let sealer = env!("CARGO_BIN_EXE_sealer");
    let line = format!("tty > tty; exec {sealer} set --cert {} db.yaml user", fixture("cert4096.pem"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(place.0.path()).env("TERM", "xterm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    wait_for_silence(place);
    let mut input = child.stdin.take().unwrap();
    input.write_all(keys).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    Some((output.status.code(), String::from_utf8(output.stdout).unwrap().replace('\r', "")))
}

#[test]
fn a_value_that_stands_in_an_annotation_is_refused() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let sealed = place.read("db.yaml");
    for noted in [
        sealed.replacen("  name: db\n", "  name: db\n  annotations: {note: the password is correct-horse}\n", 1),
        sealed.replacen(
            "      name: db\n",
            "      name: db\n      annotations:\n        note: Y29ycmVjdC1ob3JzZQ==\n",
            1,
        ),
    ] {
        assert_ne!(noted, sealed);
        place.write("x.yaml", &noted);
        let told = "error: annotation `note` holds the value of item `a` in clear text\n\
                    hint: take it out, and change the value where it was committed; or seal all the same with --allow-plaintext-annotations\n";
        let args = set(&certificate, &["x.yaml", "a"]);
        assert_eq!(place.told(&args, "correct-horse"), (Some(1), told.to_owned()));
        assert_eq!(place.read("x.yaml"), noted);
        let args = set(&certificate, &["x.yaml", "a", "--allow-plaintext-annotations"]);
        assert_eq!(place.told(&args, "correct-horse"), (Some(0), "item `a` of shop/db added\n".to_owned()));
    }
}

/// Each line keeps its end, also where lines of Windows and of Unix stand in one file.
#[test]
fn no_line_changes_its_end() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let sealed = place.read("db.yaml");
    let lines = sealed.lines().count();
    for first in 0..lines {
        for (one, other) in [("\r\n", "\n"), ("\n", "\r\n")] {
            let ends = (0..lines).map(|at| if at < first { one } else { other });
            let text: String = sealed.lines().zip(ends).map(|(line, end)| format!("{line}{end}")).collect();
            for item in ["new", "user"] {
                place.write("x.yaml", &text);
                assert_eq!(place.told(&set(&certificate, &["x.yaml", item]), "v").0, Some(0));
                let after = place.read("x.yaml");
                let stays = text.split_inclusive('\n').filter(|line| !line.contains("user: "));
                let kept: Vec<&str> = after
                    .split_inclusive('\n')
                    .filter(|line| !line.contains("user: ") && !line.contains("new: "))
                    .collect();
                assert_eq!(kept, stays.collect::<Vec<_>>(), "{first} {one:?}");
                let end = |text: &str| {
                    text.split_inclusive('\n').find(|line| line.contains("user: ")).map(|line| line.ends_with("\r\n"))
                };
                assert_eq!(end(&after), end(&text));
            }
        }
    }
}

#[test]
fn an_item_is_put_behind_an_alias() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let sealed = place.read("db.yaml");
    let user = sealed.lines().find_map(|line| line.strip_prefix("    user: ")).unwrap();
    let aliased = sealed.replace(user, "*p # the same").replace("password: ", "password: &p ");
    place.write("x.yaml", &aliased);
    let (status, says) = place.told(&set(&certificate, &["x.yaml", "new"]), "v");
    assert_eq!((status, says.as_str()), (Some(0), "item `new` of shop/db added\n"));
    assert!(place.read("x.yaml").contains("    user: *p # the same\n    new: Ag"));
    assert_eq!(place.opened("x.yaml")["user"], place.opened("x.yaml")["password"]);
}

/// kubectl reads a name such as `y` as `true`, unless it stands in quotes.
#[test]
fn items_are_called_what_kubectl_reads() {
    let place = Place::new();
    let certificate = fixture("cert4096.pem");
    let head = "kind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec:\n  encryptedData:\n";
    for (written, item, is_changed) in [
        ("y", "y", false),
        ("y", "true", true),
        ("\"y\"", "y", true),
        ("0x10", "16", true),
        ("0x10", "0x10", false),
        ("off", "false", true),
    ] {
        place.write("f.yaml", &format!("{head}    {written}: Ag== # kept\n"));
        let output = place.run(&["set", "f.yaml", item, "--cert", &certificate], "v");
        let says = said(&output);
        assert_eq!(output.status.code(), Some(0), "{says}");
        let is_misread = !written.starts_with('"');
        // Of what does not read as a name, the beginning is told.
        let shown = if written == "0x10" { "0x…" } else { written };
        assert_eq!(says.contains(&format!("warning: the name of item `{shown}` is read as `")), is_misread, "{says}");
        let text = place.read("f.yaml");
        assert!(text.contains("# kept") && text.contains(&format!("    {written}: Ag")), "{text}");
        assert_eq!(text.contains("Ag== #"), !is_changed, "{text}");
        assert_eq!(text.lines().count(), if is_changed { 5 } else { 6 }, "{text}");
        assert!(is_changed || text.contains(&format!("    \"{item}\": Ag")), "{text}");
        let output = place.run(&["unset", "f.yaml", item], "");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(place.read("f.yaml").contains("Ag== #"), !is_changed);
    }
}

/// A diff that cannot be shown is not done.
#[test]
fn a_diff_that_nobody_gets_leaves_the_file() {
    let place = Place::new();
    let before = place.read("db.yaml");
    let certificate = fixture("cert4096.pem");
    for args in [set(&certificate, &["--diff", "db.yaml", "password"]), vec!["unset", "--diff", "db.yaml", "password"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.finish(place.command(&args).stdout(full), b"x");
        let told = "error: write /dev/stdout: no space left on device\nhint: the file stays as it was\n";
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), told), "{args:?}");
        assert_eq!(place.read("db.yaml"), before, "{args:?}");
    }
}
