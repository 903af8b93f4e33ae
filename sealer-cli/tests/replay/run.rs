//! One run: a fresh directory with the case's files, the program under its compatible name, and what came out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sealer_encoding::base64;
use serde_json::Value;
use tempfile::TempDir;

use crate::mask::Places;
use crate::server::{Asked, Server};

/// The program, linked under the name that scripts call.
pub(crate) struct Stage {
    directory: TempDir,
}

/// What a run did.
pub(crate) struct Outcome {
    /// `None` if it had to be stopped.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Files that were created or changed; `None` for a removed one.
    pub(crate) changed: BTreeMap<String, Option<Vec<u8>>>,
    pub(crate) modes: BTreeMap<String, String>,
    pub(crate) requests: Vec<Asked>,
    pub(crate) places: Places,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("kubeseal");
        fs::copy(env!("CARGO_BIN_EXE_sealer"), &program).unwrap();
        // An ordinary user runs it too.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    pub(crate) fn run(&self, case: &Value) -> Outcome {
        let room = tempfile::tempdir().unwrap();
        fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let directory = room.path().join("case");
        let temporary = room.path().join("tmp");
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir_all(&temporary).unwrap();
        let server = case.get("server").filter(|server| server.is_object()).map(Server::start);
        let port = server.as_ref().map(Server::port);
        let places = Places {
            directory: text_of(&directory),
            temporary: text_of(&temporary),
            home: text_of(&room.path().join("home")),
            port,
        };
        lay_out(case, &directory, &places);
        let before = snapshot(&directory);
        let mut command = self.command(case, &directory, &places);
        if case["unprivileged"] == true {
            give_away(&directory);
            give_away(&temporary);
            command.uid(65534).gid(65534);
        }
        let limit = Duration::from_secs(case["limit_s"].as_u64().unwrap_or(120));
        let (status, stdout, stderr) = finish(command, stdin(case, &places), limit);
        let after = snapshot(&directory);
        let modes = modes(case, &directory);
        let requests = server.map(Server::stop).unwrap_or_default();
        Outcome { status, stdout, stderr, changed: changes(before, after), modes, requests, places }
    }

    fn command(&self, case: &Value, directory: &Path, places: &Places) -> Command {
        let mut command = Command::new(self.directory.path().join("kubeseal"));
        command.arg0("kubeseal").current_dir(directory).env_clear();
        command.env("HOME", &places.home).env("TZ", "UTC").env("PATH", "/usr/bin:/bin");
        command.env("TMPDIR", &places.temporary);
        for (name, value) in case["env"].as_object().unwrap() {
            command.env(name, fill(value.as_str().unwrap(), places));
        }
        command.args(case["args"].as_array().unwrap().iter().map(|arg| fill(arg.as_str().unwrap(), places)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Puts the run's own paths and port in.
fn fill(text: &str, places: &Places) -> String {
    let text = text.replace("<dir>", &places.directory).replace("<home>", &places.home);
    match places.port {
        Some(port) => text.replace("<port>", &port.to_string()),
        None => text,
    }
}

fn stdin(case: &Value, places: &Places) -> Vec<u8> {
    if let Some(text) = case["stdin_b64"].as_str() {
        return base64::decode(text).unwrap();
    }
    if let Some(parts) = case["stdin_parts"].as_array() {
        return parts.iter().flat_map(part).collect();
    }
    fill(case["stdin"].as_str().unwrap_or_default(), places).into_bytes()
}

fn part(part: &Value) -> Vec<u8> {
    let times = usize::try_from(part["times"].as_u64().unwrap_or(1)).unwrap();
    part.as_str().or_else(|| part["repeat"].as_str()).unwrap().repeat(times).into_bytes()
}

fn lay_out(case: &Value, directory: &Path, places: &Places) {
    fs::create_dir(directory.join("fixtures")).unwrap();
    for entry in fs::read_dir(crate::golden().join("fixtures")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.join("fixtures").join(entry.file_name())).unwrap();
    }
    for made in case["dirs"].as_array().into_iter().flatten() {
        fs::create_dir_all(directory.join(made.as_str().unwrap())).unwrap();
    }
    for (name, content) in case["files"].as_object().unwrap() {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content {
            Value::String(text) => fs::write(&path, fill(text, places)).unwrap(),
            other if other["link"].is_string() => symlink(other["link"].as_str().unwrap(), &path).unwrap(),
            other => fs::write(&path, base64::decode(other["b64"].as_str().unwrap()).unwrap()).unwrap(),
        }
    }
    for (name, mode) in case["chmod"].as_object().into_iter().flatten() {
        let mode = u32::from_str_radix(mode.as_str().unwrap(), 8).unwrap();
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn give_away(path: &Path) {
    chown(path, Some(65534), Some(65534)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

/// Runs to the end, or for `limit`.
fn finish(mut command: Command, input: Vec<u8>, limit: Duration) -> (Option<i32>, Vec<u8>, Vec<u8>) {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that fails early does not read its input.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = reader(child.stdout.take().unwrap());
    let stderr = reader(child.stderr.take().unwrap());
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status.code().unwrap_or_else(|| -status.signal().unwrap_or_default()));
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(1));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    writer.join().unwrap();
    (status, stdout, stderr)
}

fn reader(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What arrived before an error counts.
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

type Files = BTreeMap<String, (Option<PathBuf>, Vec<u8>)>;

/// Every file below a directory by its relative name; links with where they lead.
fn snapshot(directory: &Path) -> Files {
    let mut found = Files::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                pending.push(path);
                continue;
            }
            let name = text_of(path.strip_prefix(directory).unwrap());
            found.insert(name, (fs::read_link(&path).ok(), fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

fn changes(mut before: Files, after: Files) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut changed = BTreeMap::new();
    for (name, now) in after {
        if before.remove(&name).as_ref() != Some(&now) {
            changed.insert(name, Some(now.1));
        }
    }
    changed.extend(before.into_keys().map(|name| (name, None)));
    changed
}

fn modes(case: &Value, directory: &Path) -> BTreeMap<String, String> {
    let wanted = case["modes_after"].as_object().into_iter().flatten();
    let mode = |name: &String| {
        let path = directory.join(name);
        if path.is_symlink() {
            return "link".to_owned();
        }
        fs::metadata(&path)
            .map_or_else(|_| "none".to_owned(), |data| format!("{:04o}", data.permissions().mode() & 0o7777))
    };
    wanted.map(|(name, _)| (name.clone(), mode(name))).collect()
}
