//! Does `sealer reseal` change the sealed values of a tree, all that it can open, and nothing else?
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]
#![cfg(unix)]

mod applied;
mod interruptions;
mod links;
mod loose;
mod moving;
mod online;
mod record;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;
use serde_json::Value;

const SECRET: &str = "{\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"x\", \"namespace\": \"ns\"}, \
                      \"stringData\": {\"a\": \"1\", \"b\": \"2\"}}";

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures").join(name).display().to_string()
}

fn run(folder: &Path, args: &[&str], stdin: &str) -> Output {
    finished(&mut sealer(folder, args), stdin)
}

fn sealer(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
    command.args(args).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

fn finished(command: &mut Command, stdin: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input has closed it.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    child.wait_with_output().unwrap()
}

/// Reseals for another certificate, with the keys of both.
fn reseal(folder: &Path, args: &[&str]) -> Output {
    reseal_with(&["key4096.pem", "key2048.pem"], folder, args)
}

fn reseal_with(keys: &[&str], folder: &Path, args: &[&str]) -> Output {
    finished(&mut resealing(keys, folder, args), "")
}

/// The command, with these keys at hand.
fn resealing(keys: &[&str], folder: &Path, args: &[&str]) -> Command {
    let keys: Vec<String> = keys.iter().map(|name| fixture(name)).collect();
    let always = ["reseal", "--private-key", &keys.join(","), "--cert", &fixture("cert2048.pem")];
    sealer(folder, &[&always, args].concat())
}

/// All but what is told of the file that the tree has its ignore file hide.
fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap().replace(HIDDEN, "")
}

const HIDDEN: &str = "files that ignore files hide, and that were not looked at: 1\n";

/// A repository as people have them.
fn tree() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let sealed = |format: &str| {
        let output = run(folder.path(), &["--cert", &fixture("cert4096.pem"), "-o", format], SECRET);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let (yaml, json) = (sealed("yaml"), sealed("json"));
    let commented = yaml.replace("    a: ", "    # why\n    a:   ").replace("spec:", "spec:   # all");
    let helm = format!(
        "{{{{- if .Values.on }}}}\n{}{{{{- end }}}}\n",
        yaml.replace("  template:", "  {{/* shape */}}\n  template:")
    );
    let folded = yaml.replace("    a: ", "    a: >-\n      ");
    let files = [
        ("one.yaml", yaml.clone()),
        ("sub/two.json", json.clone()),
        ("sub/commented.yml", format!("{commented}---\nkind: ConfigMap\ndata: {{a: {{b: c}}}}\n")),
        ("sub/windows.yaml", yaml.replace('\n', "\r\n")),
        ("charts/templates/helm.yaml", helm),
        ("folded.yaml", folded),
        ("list.json", format!("{{\"kind\": \"List\", \"items\": [{json}]}}")),
        ("ignored/one.yaml", yaml.clone()),
        (".gitignore", "ignored/\n".to_owned()),
        ("notes.txt", "nothing that is sealed\n".to_owned()),
    ];
    let mut paths = Vec::new();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    (folder, paths)
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn only_sealed_values_change_and_a_second_run_changes_nothing() {
    let (folder, paths) = tree();
    let before = texts(&paths);
    let output = reseal(folder.path(), &["."]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(HIDDEN));
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(0), "14 values in 7 files sealed anew, 0 current, 0 failed\n")
    );
    let after = texts(&paths);
    let sealed = Regex::new("A[A-Za-z0-9+/=]{200,}").unwrap();
    let mut changed = 0;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(sealed.replace_all(before, "SEALED"), sealed.replace_all(after, "SEALED"));
        changed += usize::from(before != after);
    }
    assert_eq!(changed, 7);
    // What another key opens now is what was sealed.
    let key = fixture("key2048.pem");
    let opened = run(folder.path(), &["--recovery-unseal", "--recovery-private-key", &key, "-f", "one.yaml"], "");
    let opened: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(opened["data"], serde_json::json!({"a": "MQ==", "b": "Mg=="}));
    let output = reseal(folder.path(), &["."]);
    assert_eq!(
        (output.status.code(), said(&output).as_str()),
        (Some(0), "0 values in 0 files sealed anew, 14 current, 0 failed\n")
    );
    assert_eq!(texts(&paths), after);
}

#[test]
fn check_and_dry_run_write_nothing() {
    let (folder, paths) = tree();
    let before = texts(&paths);
    let check = reseal(folder.path(), &["--check", "."]);
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(
        said(&check),
        "14 values in 7 files to be sealed anew, 0 current, 0 failed\nerror: 14 values are not sealed for the newest key\nhint: sealer reseal PATH...\n"
    );
    let dry = reseal(folder.path(), &["--dry-run", "--diff", "one.yaml"]);
    let diff = String::from_utf8(dry.stdout).unwrap();
    assert_eq!((dry.status.code(), diff.lines().filter(|line| line.starts_with("-    ")).count()), (Some(0), 2));
    assert_eq!(texts(&paths), before);
}

#[test]
fn value_that_cannot_be_resealed_stays_and_is_named() {
    let (folder, paths) = tree();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let one = fs::read_to_string(folder.path().join("one.yaml")).unwrap();
    file("broken.yaml", "kind: SealedSecret\nspec: [\n");
    file("foreign.yaml", &one.replace("name: x", "name: other"));
    file("named.yaml", &one.replace("name: x", "name: {{ .Values.name }}"));
    file("twice.yaml", &one.replace("    b: ", "    a: "));
    let output = reseal(folder.path(), &["."]);
    let lines: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    let none = "no key at hand opens it under this name, namespace and scope";
    let wanted = [
        "./broken.yaml: line 2, column 7: is no YAML".to_owned(),
        format!("./foreign.yaml: document 1, ns/other, item a: {none}"),
        format!("./foreign.yaml: document 1, ns/other, item b: {none}"),
        "./twice.yaml: line 10, column 5: has a name that stands there twice".to_owned(),
        // The tree knows the name that the template of one file leaves open.
        "16 values in 8 files sealed anew, 0 current, 4 failed".to_owned(),
        "error: 4 could not be sealed anew; they are as they were".to_owned(),
    ];
    assert_eq!((output.status.code(), lines), (Some(1), wanted.to_vec()));
    let json = reseal(folder.path(), &["-o", "json", "."]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json["failed"].as_array().unwrap().len(), &json["unchanged"]), (4, &Value::from(16)));
    drop(paths);
}

#[test]
fn wrong_uses_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let told = |args: &[&str]| {
        let output = run(folder.path(), &[&["reseal"], args].concat(), "");
        (output.status.code(), said(&output))
    };
    let certificate = fixture("cert4096.pem");
    assert_eq!(
        told(&[]),
        (Some(2), "error: `sealer reseal` needs at least one file or folder\nhint: sealer reseal --private-key keys.yaml --cert cert.pem deploy/\n".to_owned())
    );
    assert_eq!(
        told(&["--check", "."]),
        (Some(2), "error: `--check` needs private keys: without them nobody can tell which key a value is sealed for\nhint: give them with --backup or --private-key, or with --keys-from-cluster where you may read them\n".to_owned())
    );
    assert_eq!(told(&["missing"]), (Some(1), "error: open missing: no such file or directory\n".to_owned()));
    assert_eq!(
        told(&[".", "--private-key", &certificate, "--cert", &certificate]),
        (
            Some(1),
            format!(
                "error: no private key in {certificate}\nhint: it takes a PEM file, a key Secret, a List of them as kubectl get -o yaml prints it, or a backup\n"
            )
        )
    );
    assert_eq!(
        told(&[".", "--cert", &certificate]),
        (Some(1), "error: another certificate can be sealed for only with the private keys that open the files\nhint: give them with --private-key or --backup, or leave --cert out to reseal for the cluster's newest key\n".to_owned())
    );
}

/// Files are written before they are told of: that they changed is told if nothing else can be.
#[test]
fn files_that_changed_are_told_of_where_the_answer_is_lost() {
    for (args, are_changed) in
        [(["--diff", "one.yaml"], true), (["-ojson", "one.yaml"], true), (["-ojson", "notes.txt"], false)]
    {
        let (folder, paths) = tree();
        let before = texts(&paths);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = resealing(&["key4096.pem", "key2048.pem"], folder.path(), &args);
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = said(&output);
        let hint = "hint: files are changed all the same; the command may be run again, and leaves what is done\n";
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains("error: write /dev/stdout: no space left on device\n"), "{said}");
        assert_eq!((said.ends_with(hint), texts(&paths) != before), (are_changed, are_changed), "{args:?}: {said}");
    }
}
