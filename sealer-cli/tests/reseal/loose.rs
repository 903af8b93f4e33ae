//! Sealed values outside of SealedSecrets are sealed anew where they stand, and nothing else changes.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::online::Controller;
use crate::{fixture, reseal, run, said};

/// A value as `sealer --raw` prints it.
fn raw(folder: &Path, args: &[&str], value: &str) -> String {
    let output = run(
        folder,
        &[&["--raw", "--cert", &fixture("cert4096.pem"), "--from-file", "/dev/stdin"], args].concat(),
        value,
    );
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

const SHOP: &[&str] = &["--namespace", "shop", "--name", "db"];

/// What a value says, under the key that is sealed for.
fn opened(folder: &Path, scope: &str, value: &str) -> String {
    let manifest = format!(
        "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: db\n  namespace: shop\n  annotations: {{{scope}}}\nspec:\n  encryptedData:\n    a: {value}\n"
    );
    let key = fixture("key2048.pem");
    let output = run(folder, &["--recovery-unseal", "--recovery-private-key", &key], &manifest);
    let opened: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    opened["data"]["a"].as_str().unwrap_or_default().to_owned()
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap()).into_owned()
}

#[test]
fn values_of_charts_templates_and_settings_follow_a_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let strict = raw(place, SHOP, "strict");
    let wide = raw(place, &["--scope", "namespace-wide", "--namespace", "shop"], "wide");
    let everywhere = raw(place, &["--scope", "cluster-wide"], "everywhere");
    let folded: Vec<&str> = wide.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    write(
        place,
        "chart/templates/db.yaml",
        "kind: SealedSecret\nmetadata:\n  name: db\nspec:\n  encryptedData:\n    a: {{ .Values.a }}\n",
    );
    write(place, "chart/values.yaml", format!("# why\na: {strict}   # what\nb: c\n"));
    write(place, "chart/values.yaml.j2", format!("{{% if a %}}\r\na: \"{wide}\"\r\n{{% endif %}}"));
    write(place, "settings", [b"\xff a=", everywhere.as_bytes(), b"\n"].concat());
    write(place, "folded.yaml", format!("a: &x >-\n  {}\nb: c\n", folded.join("\n  ")));
    let names = ["chart/values.yaml", "chart/values.yaml.j2", "settings", "folded.yaml"];
    let before = names.map(|name| read(place, name));
    let output = reseal(place, &["--namespace", "shop", "."]);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (
            Some(0),
            "./chart/templates/db.yaml: document 1, /db, item a: a template writes it; its value is sealed anew where it stands\n\
             4 values in 4 files sealed anew, 0 current, 0 failed\n"
        )
    );
    let after = names.map(|name| read(place, name));
    let sealed = regex::Regex::new("A[A-Za-z0-9+/]{60,}(\n  [A-Za-z0-9+/=]+)*=*").unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after);
        assert_eq!(sealed.replace_all(before, "SEALED"), sealed.replace_all(after, "SEALED"));
    }
    let value = |at: usize| sealed.find(&after[at]).unwrap().as_str().split_whitespace().collect::<String>();
    assert_eq!(opened(place, "", &value(0)), "c3RyaWN0");
    assert_eq!(opened(place, "sealedsecrets.bitnami.com/namespace-wide: 'true'", &value(1)), "d2lkZQ==");
    assert_eq!(opened(place, "sealedsecrets.bitnami.com/cluster-wide: 'true'", &value(2)), "ZXZlcnl3aGVyZQ==");
    assert_eq!(opened(place, "sealedsecrets.bitnami.com/namespace-wide: 'true'", &value(3)), "d2lkZQ==");
    assert!(
        after[3].lines().skip(1).take_while(|line| line.starts_with("  ")).all(|line| line.len() <= 66),
        "{}",
        after[3]
    );
    let again = reseal(place, &["--namespace", "shop", "--check", "."]);
    assert_eq!(
        (again.status.code(), said(&again).lines().last().unwrap_or_default().to_owned()),
        (Some(0), "0 values in 0 files to be sealed anew, 4 current, 0 failed".to_owned())
    );
    assert_eq!(names.map(|name| read(place, name)), after);
}

#[test]
fn what_no_name_opens_stays_and_is_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let text = format!("a: {}\nb: {}\n", raw(place, SHOP, "1"), raw(place, &["--scope", "cluster-wide"], "2"));
    write(place, "values.yaml", &text);
    let output = reseal(place, &["."]);
    let reason = "no name that is known opens it; say what it is sealed for with --namespace and --name (of the Secret, or of the release)";
    assert_eq!(
        (output.status.code(), said(&output)),
        (
            Some(1),
            format!(
                "./values.yaml: line 1: {reason}\n1 values in 1 files sealed anew, 0 current, 1 failed\n\
                 error: 1 could not be sealed anew; they are as they were\n"
            )
        )
    );
    let after = read(place, "values.yaml");
    assert_eq!((after.lines().next(), after.lines().nth(1) == text.lines().nth(1)), (text.lines().next(), false));
    // Names of a release are parts of names.
    write(place, "templates/a.yaml", "metadata:\n  name: {{ .Release.Name }}b\n");
    let json = reseal(place, &["--namespace", "shop", "--name", "d", "-o", "json", "."]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["changed"], serde_json::json!([{ "file": "./values.yaml", "items": ["line 1"] }]));
    assert_eq!(
        (&json["unchanged"], &json["failed"], &json["notLookedAt"]),
        (&Value::from(1), &serde_json::json!([]), &Value::from(0))
    );
}

#[test]
fn a_copy_in_an_annotation_follows_its_object() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let (one, two) = (raw(place, SHOP, "1"), raw(place, SHOP, "2"));
    let text = format!(
        "kind: SealedSecret\nmetadata:\n  annotations:\n    last-applied: |\n      {{\"a\":\"{two}\"}}\n  name: db\n  namespace: shop\nspec:\n  encryptedData:\n    a: &here {one}\n    b: {{{{ .Values.b }}}}\n"
    );
    write(place, "db.yaml", &text);
    let output = reseal(place, &["db.yaml"]);
    assert!(said(&output).ends_with("2 values in 1 files sealed anew, 0 current, 0 failed\n"), "{}", said(&output));
    let after = read(place, "db.yaml");
    assert!(
        !after.contains(&one) && !after.contains(&two) && after.contains("a: &here Ag") | after.contains("a: &here AQ"),
        "{after}"
    );
}

#[test]
fn named_file_without_a_value_fails_and_binaries_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    write(place, "a.yaml", "a: b\n");
    write(place, "b.png", b"\x89PNG\0");
    let told = |args: &[&str]| {
        let output = reseal(place, args);
        (output.status.code(), said(&output))
    };
    let none = "0 values in 0 files sealed anew, 0 current, ";
    assert_eq!(
        told(&["."]),
        (Some(0), format!("files that were not looked at: 1 that are no text, 0 larger than 16 MiB\n{none}0 failed\n"))
    );
    let failed = format!("{none}2 failed\nerror: 2 could not be sealed anew; they are as they were\n");
    assert_eq!(
        told(&["a.yaml", "b.png"]),
        (Some(1), format!("a.yaml: holds no sealed value\nb.png: is no text\n{failed}"))
    );
}

#[test]
fn the_controller_opens_values_under_the_names_that_are_likeliest() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let (controller, cache) = (Controller::start(), tempfile::tempdir().unwrap());
    let text = format!("a: {}\nb: {}\n", raw(place, SHOP, "1"), raw(place, SHOP, "2"));
    write(place, "values.yaml", &text);
    let (status, told) = controller.reseal(cache.path(), place, &["--namespace", "shop", "--name", "db", "."]);
    assert_eq!((status, told.as_str()), (Some(0), "2 values in 1 files sealed anew, 0 current, 0 failed\n"));
    assert_eq!(controller.posts(), 1);
    assert_ne!(read(place, "values.yaml"), text);
    let (_, told) = controller.reseal(cache.path(), place, &["--namespace", "shop", "--name", "db", "."]);
    assert_eq!((told.as_str(), controller.posts()), ("0 values in 0 files sealed anew, 2 current, 0 failed\n", 0));
}
