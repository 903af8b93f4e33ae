//! Where a namespace is missing, what gives one is named, whatever kubeconfig there is; a certificate is named where it helps.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::inputs::{fixture, secret};

const UNNAMED: &[u8] = b"kind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n";

/// Status and what is said, with a kubeconfig that the variable names.
fn says(folder: &Path, name: &str, line: &str, variable: Option<&str>, stdin: &[u8]) -> (Option<i32>, Vec<String>) {
    let line = line.replace("CERT", &fixture("cert2048.pem")).replace("KEY", &fixture("key2048.pem"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
    command.arg0(name).args(line.split_whitespace()).current_dir(folder).env_clear().env("HOME", "/nonexistent");
    command.envs(variable.map(|value| ("KUBECONFIG", value)));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(stdin));
    let output = child.wait_with_output().unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), says.lines().map(str::to_owned).collect())
}

/// Kubeconfigs by what is wrong with them, and what is told of that.
fn configs(folder: &Path) -> Vec<(Option<&'static str>, &'static str)> {
    fs::write(folder.join("broken"), "contexts: [\n").unwrap();
    fs::write(folder.join("wrong"), "contexts: {a: b}\n").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    vec![
        (None, ""),
        (Some(""), ""),
        (Some("gone"), "KUBECONFIG is set, and no file that it names is there"),
        (Some("gone:/also/gone"), "KUBECONFIG is set, and no file that it names is there"),
        (Some("empty"), "KUBECONFIG is set, and no file that it names is there and has a cluster or a context"),
        (Some("broken"), "error loading config file \"broken\""),
        (Some("wrong"), "error loading config file \"wrong\": contexts is to be a list"),
        (Some("."), "is a directory"),
    ]
}

#[test]
fn a_missing_namespace_is_asked_for_and_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    for (variable, told) in configs(folder.path()) {
        for name in ["sealer", "kubeseal"] {
            for (line, stdin, bound) in [
                (
                    "--raw --cert CERT --scope namespace-wide",
                    &b"x"[..],
                    "a namespace-wide value is bound to its namespace; ",
                ),
                ("--raw --cert CERT --name a", b"x", "a strict value is bound to its namespace and name; "),
                ("--cert CERT", UNNAMED, ""),
                ("--cert CERT --scope namespace-wide", UNNAMED, ""),
                ("--cert CERT -o yaml", UNNAMED, ""),
            ] {
                let (status, says) = says(folder.path(), name, line, variable, stdin);
                let all = says.join("\n");
                assert_eq!(status, Some(1), "{variable:?} {line}: {all}");
                assert!(all.contains(told) && !all.contains("--cert"), "{variable:?} {line}: {all}");
                let wanted = format!("hint: {bound}give it with -n/--namespace");
                assert_eq!(says.last(), Some(&wanted), "{variable:?} {line}: {all}");
                assert!(bound.is_empty() == all.starts_with("error: secret must declare a namespace\n"), "{all}");
            }
        }
        // With one, the kubeconfig is not asked.
        let (status, says) = says(folder.path(), "sealer", "--cert CERT -n b", variable, UNNAMED);
        assert_eq!((status, says), (Some(0), Vec::new()), "{variable:?}");
    }
}

#[test]
fn missing_cluster_is_asked_for_and_a_certificate_if_it_helps() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), secret("Secret", "stringData: {k: v}")).unwrap();
    let sealed = "kind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {k: AgB}}\n";
    fs::write(folder.path().join("f.yaml"), sealed).unwrap();
    fs::write(
        folder.path().join("unchosen"),
        "contexts: [{name: c, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n",
    )
    .unwrap();
    for (variable, told) in [
        (None, ""),
        (Some("gone"), "hint: KUBECONFIG is set, and no file that it names is there"),
        (Some("unchosen"), "hint: the kubeconfig has no current-context; choose one with --context"),
    ] {
        for (line, offers_certificate) in [
            ("-f s.yaml", true),
            ("--raw -n b --name a", true),
            ("--merge-into f.yaml -f s.yaml", true),
            ("set f.yaml k", true),
            ("edit f.yaml", true),
            ("reseal f.yaml --private-key KEY", true),
            ("--fetch-cert", false),
            ("--validate -f f.yaml", false),
            ("--re-encrypt -f f.yaml", false),
            ("reseal f.yaml", false),
            ("keys list", false),
            ("keys rotate", false),
        ] {
            let (status, says) = says(folder.path(), "sealer", line, variable, b"");
            let all = says.join("\n");
            assert_ne!(status, Some(0), "{line}");
            assert!(all.contains("no configuration has been provided"), "{line}: {all}");
            assert!(all.contains("point --kubeconfig or KUBECONFIG at a kubeconfig"), "{line}: {all}");
            assert_eq!(all.contains("--cert "), offers_certificate, "{variable:?} {line}: {all}");
            let is_asked_alone = line.starts_with("--validate") || line.starts_with("--re-encrypt");
            assert!(is_asked_alone || all.contains(told), "{variable:?} {line}: {all}");
        }
    }
}
