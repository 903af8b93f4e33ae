//! Inputs that are made to fill memory or to never end: each is refused, within a bound of memory that the kernel keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// KiB of writable memory that a command may take; beyond it an allocation fails and the process aborts.
const MEMORY: usize = 100 << 10;

/// Runs a command line of the shell, where `$sealer` is the program, within the bound.
fn within_memory(script: &str, folder: &Path) -> Output {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures");
    Command::new("sh")
        .args(["-c", &format!("ulimit -d {MEMORY}; umask 000; {script}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("sealer", env!("CARGO_BIN_EXE_sealer"))
        .env("golden", golden)
        .output()
        .unwrap()
}

/// The first line of standard error of a command that has to fail.
fn refused(script: &str, folder: &Path) -> String {
    let output = within_memory(script, folder);
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{script}: {says}");
    assert!(output.stdout.is_empty(), "{script}");
    says.lines().take(2).collect::<Vec<_>>().join(" ")
}

const SECRET: &str = "kind: Secret\napiVersion: v1\nmetadata: {name: a, namespace: b}\n";

/// Nine levels of nine aliases.
fn alias_bomb() -> String {
    let mut text = format!("{SECRET}a0: &a0 [{}]\n", "lol, ".repeat(9));
    for level in 1..10 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        text += &format!("a{level}: &a{level} [{below}]\n");
    }
    text + "data: {k: YQ==}\n"
}

/// T-D3.
#[test]
fn bombs_are_refused_within_100_mib() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    let long = "a".repeat(1 << 20);
    let anchors: String = (0..90).map(|number| format!("&a{number} [")).collect();
    put("aliases.yaml", alias_bomb());
    put("one-alias.yaml", format!("{SECRET}a: &a {long}\nb: [{}]\n", "*a, ".repeat(1_000)));
    put("anchors.yaml", format!("{SECRET}a: {anchors}{long}{}\n", "]".repeat(90)));
    put("deep.yaml", format!("{SECRET}a: {}\n", "[".repeat(100_000)));
    put("deep-blocks.yaml", format!("{SECRET}a:\n{}b\n", "- ".repeat(10_000)));
    put("deep.json", format!("{{\"a\": {}", "[".repeat(100_000)));
    put("many.yaml", format!("{SECRET}a:\n{}", "- \n".repeat(520_000)));
    put("many.json", format!("{{\"a\": [{}0]}}", "0,".repeat(520_000)));
    let seal = |name: &str| format!("$sealer --cert $golden/cert2048.pem < {name}");
    let change = |name: &str| format!("printf x | $sealer set {name} item --cert $golden/cert2048.pem");
    for name in
        ["one-alias.yaml", "anchors.yaml", "deep.yaml", "deep-blocks.yaml", "deep.json", "many.yaml", "many.json"]
    {
        refused(&seal(name), folder.path());
        refused(&change(name), folder.path());
    }
    // Everything else reads in one of these two ways, but for what kube reads.
    for script in [
        seal("aliases.yaml"),
        change("aliases.yaml"),
        "$sealer --recovery-unseal --recovery-private-key $golden/key2048.pem -f aliases.yaml".to_owned(),
        "$sealer --recovery-unseal --recovery-private-key aliases.yaml -f $golden/sealed-2048.json".to_owned(),
        "$sealer --cert $golden/cert2048.pem --merge-into aliases.yaml < aliases.yaml".to_owned(),
        "$sealer template check aliases.yaml".to_owned(),
        "$sealer view aliases.yaml".to_owned(),
        "$sealer --fetch-cert --kubeconfig aliases.yaml".to_owned(),
        "$sealer --fetch-cert --kubeconfig anchors.yaml".to_owned(),
        "$sealer --fetch-cert --kubeconfig deep.yaml".to_owned(),
    ] {
        refused(&script, folder.path());
    }
    let says = refused("$sealer --cert $golden/cert2048.pem < aliases.yaml", folder.path());
    assert!(says.contains("has aliases that repeat too much"), "{says}");
}

#[test]
fn what_never_ends_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sealed.yaml"), "kind: SealedSecret\n").unwrap();
    for (script, says) in [
        ("$sealer --cert /dev/zero < /dev/null", "/dev/zero is larger than 1 MiB"),
        ("$sealer --cert $golden/cert2048.pem < /dev/zero", "/dev/stdin holds a document that is larger than 64 MiB"),
        ("$sealer --cert $golden/cert2048.pem -f /dev/zero", "/dev/zero holds a document that is larger than 64 MiB"),
        (
            "$sealer --cert $golden/cert2048.pem --raw -n a --name b --from-file /dev/zero",
            "/dev/zero is larger than 1 MiB",
        ),
        (
            "$sealer --recovery-unseal --recovery-private-key /dev/zero -f sealed.yaml",
            "/dev/zero is larger than 16 MiB",
        ),
        ("$sealer view sealed.yaml --private-key /dev/zero", "/dev/zero is larger than 16 MiB"),
        ("$sealer --fetch-cert --kubeconfig /dev/zero", "/dev/zero is larger than 4 MiB"),
        ("$sealer --cert file:///dev/zero < /dev/null", "file:///dev/zero is larger than 1 MiB"),
        ("mkfifo pipe; (yes 'a: b' > pipe & $sealer --cert pipe < /dev/null)", "pipe is larger than 1 MiB"),
        (
            "$sealer set /dev/zero item --cert $golden/cert2048.pem < /dev/null",
            "/dev/zero is no file, and cannot be changed in place",
        ),
    ] {
        let line = refused(script, folder.path());
        assert!(line.starts_with(&format!("error: {says}")) && line.contains(" hint: "), "{script}: {line}");
    }
}

/// T-Z4.
#[test]
fn values_in_clear_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.yaml");
    let unseal = "$sealer --recovery-unseal --recovery-private-key $golden/key2048.pem -f $golden/sealed-2048.json -w secret.yaml";
    for before in [None, Some(0o644), Some(0o666)] {
        if let Some(mode) = before {
            fs::write(&path, "before").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let output = within_memory(unseal, folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::read_to_string(&path).unwrap().contains("kind: Secret"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600, "{before:?}");
    }
    fs::write(folder.path().join("other"), "kept").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("other", &path).unwrap();
    assert!(refused(unseal, folder.path()).contains("secret.yaml is a link; values are never written through one"));
    assert_eq!(fs::read_to_string(folder.path().join("other")).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing stays beside it");
}

/// T-Z2: what the kernel says of a running command.
#[cfg(target_os = "linux")]
#[test]
fn a_running_command_leaves_no_core() {
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor");
    fs::write(&editor, "#!/bin/sh\ngrep 'core file' /proc/$PPID/limits > limits\n").unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let script = "cp $golden/sealed-2048.json sealed.json; ulimit -c unlimited 2>/dev/null; EDITOR=./editor exec $sealer edit sealed.json --private-key $golden/key2048.pem --cert $golden/cert2048.pem";
    let output = within_memory(script, folder.path());
    let limits = fs::read_to_string(folder.path().join("limits")).unwrap_or_default();
    let words: Vec<&str> = limits.split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["0", "0"][..]), "{limits}{}", String::from_utf8_lossy(&output.stderr));
}
