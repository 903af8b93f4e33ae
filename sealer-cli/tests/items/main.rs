//! Do the verbs that work on items of one file do that, and change nothing else?
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]
#![cfg(unix)]

mod edit;
mod explain;
mod explain_cluster;
mod keep;
mod merge;
#[path = "../replay/server.rs"]
#[expect(dead_code, reason = "other tests look at more of what is asked")]
mod server;
mod set;
mod view;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SECRET: &str = "{\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"db\", \"namespace\": \"shop\"}, \
                      \"stringData\": {\"password\": \"hunter2\", \"user\": \"root\"}}";

/// Where the fixtures of all tests are.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn fixture(name: &str) -> String {
    golden().join("fixtures").join(name).display().to_string()
}

/// A folder with files in it, and commands that run there.
struct Place(tempfile::TempDir);

impl Place {
    /// With `db.yaml`, sealed under the larger key.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let sealed = place.sealed(&["-o", "yaml"], SECRET);
        place.write("db.yaml", &sealed);
        place
    }

    fn sealed(&self, args: &[&str], secret: &str) -> String {
        let output = self.run(&[&["--cert", &fixture("cert4096.pem")], args].concat(), secret);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealer"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str], stdin: &str) -> Output {
        self.finish(&mut self.command(args), stdin.as_bytes())
    }

    fn finish(&self, command: &mut Command, stdin: &[u8]) -> Output {
        let mut child = command.spawn().unwrap();
        // A command that does not read its input has closed it.
        drop(child.stdin.take().unwrap().write_all(stdin));
        child.wait_with_output().unwrap()
    }

    /// Status and what was told on standard error.
    fn told(&self, args: &[&str], stdin: &str) -> (Option<i32>, String) {
        let output = self.run(args, stdin);
        (output.status.code(), said(&output))
    }

    /// The values of a file's only object, opened with the larger key.
    fn opened(&self, name: &str) -> Value {
        let key = fixture("key4096.pem");
        let output = self.run(&["--recovery-unseal", "--recovery-private-key", &key, "-f", name], "");
        assert!(output.status.success(), "{}", said(&output));
        let opened: Value = serde_json::from_slice(&output.stdout).unwrap();
        opened["data"].clone()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
