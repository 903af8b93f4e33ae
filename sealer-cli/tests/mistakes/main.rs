//! The usual mistakes, each with the exact words and hints a user gets. `table.json` is the table.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod inputs;
#[cfg(unix)]
mod namespaces;
#[cfg(unix)]
mod outputs;
#[cfg(unix)]
mod reading;
#[cfg(unix)]
mod spellings;
#[cfg(unix)]
#[path = "../network/terminal.rs"]
mod terminal;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Status, what standard error says, and the last line of the usage for a command line that cannot be read.
fn run(case: &Value) -> (Option<i32>, Vec<String>, Vec<u8>) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let stdin = case["stdin"].as_str().unwrap();
    let stdin = match stdin.strip_prefix('@') {
        Some(path) => fs::read(golden.join(path)).unwrap(),
        None => stdin.as_bytes().to_vec(),
    };
    let args = case["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
    command.args(args).current_dir(&golden).env_clear().env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that fails early does not read its input.
    drop(child.stdin.take().unwrap().write_all(&stdin));
    let output = child.wait_with_output().unwrap();
    let mut says: Vec<String> = String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
    if output.status.code() == Some(2) {
        says.extend(String::from_utf8_lossy(&output.stdout).lines().last().map(str::to_owned));
    }
    (output.status.code(), says, output.stdout)
}

/// Status, results and what is said, of the program under a name.
#[cfg(unix)]
fn run_in(folder: &Path, name: &str, args: &[&str], stdin: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
    command.arg0(name).args(args).current_dir(folder).env_clear().env("HOME", "/nonexistent");
    command.env("PATH", "/usr/bin:/bin");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(stdin));
    let output = child.wait_with_output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_usual_mistake_gets_its_message_and_hint() {
    let table: Vec<Value> = serde_json::from_str(include_str!("table.json")).unwrap();
    assert!(table.len() >= 25);
    for case in &table {
        let (status, says, stdout) = run(case);
        let wanted: Vec<&str> = case["says"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        // The program's own name stands in the usage line.
        let says: Vec<String> =
            says.iter().map(|line| line.replace("Usage of sealer:", "Usage of kubeseal:")).collect();
        assert_eq!(says, wanted, "{}", case["mistake"]);
        assert_eq!(status.map(i64::from), case["status"].as_i64(), "{}", case["mistake"]);
        assert!(status == Some(2) || stdout.is_empty(), "{} wrote results", case["mistake"]);
    }
}

#[cfg(unix)]
#[test]
fn help_lists_the_verbs_where_there_are_any() {
    use std::os::unix::process::CommandExt as _;
    let last = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        let output = command.arg0(name).arg("--help").env_clear().output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.rsplit_once("Accepted for compatibility.\n").unwrap().1.to_owned()
    };
    assert_eq!(last("kubeseal"), "");
    assert_eq!(
        last("sealer"),
        "
Commands stand before all flags; `sealer COMMAND --help` tells of one.

Seal:
  seal         Seal a Secret; the same as no command
  set          Seal one item of a SealedSecret in a file; nothing else in it changes
  unset        Take one item out of a SealedSecret in a file
  edit         Edit the items of a SealedSecret in an editor; only what changed is sealed anew

Look:
  view         Say what a file seals, for whom, and with which key
  explain      Say why sealed values do not open, and what to do
  template     Templates in SealedSecrets
  unseal       Open one sealed value offline, with a private key at hand

Follow a new key or cluster:
  reseal       Seal the values of files anew for another key; nothing else in them changes
  move         Seal the values of files for another cluster; nothing else in them changes

Keys of a cluster:
  keys         Sealing keys of a cluster

Help:
  completions  Print a completion script
  man          Print the manual page
"
    );
}

#[test]
fn a_private_key_in_the_wrong_place_is_never_echoed() {
    let case = serde_json::json!({"args": ["--cert", "fixtures/key4096.pem"], "stdin": ""});
    let (_, says, stdout) = run(&case);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fixtures/key4096.pem");
    let key = fs::read_to_string(golden).unwrap();
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    assert!(stdout.is_empty());
    for line in lines {
        assert!(!says.iter().any(|said| said.contains(line)));
    }
}
