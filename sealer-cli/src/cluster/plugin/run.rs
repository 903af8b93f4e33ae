//! Runs a credential plugin: within bounds of time and output, without any input unless it may ask at a terminal, and not
//! longer than this process lives.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::cluster::kubeconfig::ExecEntry;
use crate::diagnostics::{notice, os_text};
use crate::network::Failure;
use crate::ui;

/// What it prints to standard output.
pub(super) async fn output(exec: &ExecEntry, info: &str, is_interactive: bool) -> Result<Vec<u8>, Failure> {
    let program = find(&exec.command).ok_or_else(|| not_found(exec))?;
    let mut command = command(&program, exec);
    command.args(&exec.args).envs(exec.env.iter().map(|(name, value)| (name, value.as_str())));
    command.env("KUBERNETES_EXEC_INFO", info).kill_on_drop(true).stdout(Stdio::piped());
    let its_own = || if is_interactive { Stdio::inherit() } else { Stdio::null() };
    command.stdin(its_own()).stderr(if is_interactive { Stdio::inherit() } else { Stdio::piped() });
    let failed =
        |error: &std::io::Error| hinted(Failure::new(format!("exec: {}: {}", exec.command, os_text(error))), exec);
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = Said { kept: Vec::new(), is_passed_on: is_interactive };
    let work = async {
        let listening = said.listen(stderr, &exec.command);
        let ended = async { Ok::<_, std::io::Error>((bounded(stdout).await?, child.wait().await?)) };
        tokio::pin!(listening, ended);
        tokio::select! {
            // A browser that it started may hold its standard error open for long.
            ended = &mut ended => {
                let _ = tokio::time::timeout(LAST_WORDS, &mut listening).await;
                ended
            }
            () = &mut listening => ended.await,
        }
    };
    let Ok(ended) = tokio::time::timeout(LONGEST_RUN, work).await else {
        said.pass_on();
        return Err(Failure::new(format!("exec: executable {} took longer than {LONGEST_RUN:?}", exec.command))
            .hint("run it by itself to see what it waits for"));
    };
    let (stdout, status) = ended.map_err(|error| failed(&error))?;
    if stdout.len() > MOST_OUTPUT {
        return Err(Failure::new(format!("exec: executable {} printed more than 1 MiB", exec.command)));
    }
    if status.success() {
        said.pass_on();
        return Ok(stdout);
    }
    let how = status
        .code()
        .map_or_else(|| "was ended by a signal".to_owned(), |code| format!("failed with exit code {code}"));
    let mut failure = Failure::new(format!("exec: executable {} {how}", exec.command));
    if let Some(text) = said.text() {
        failure = failure.hint(format!("the credential plugin says: {text}"));
    }
    Err(hinted(failure, exec))
}

/// client-go's words (`wrapCmdRunErrorLocked`).
fn not_found(exec: &ExecEntry) -> Failure {
    let failure = Failure::new(format!("exec: executable {} not found", exec.command)).hint(
        "the kubeconfig names a client-go credential plugin that is not installed; see \
         https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins",
    );
    hinted(failure, exec)
}

fn hinted(failure: Failure, exec: &ExecEntry) -> Failure {
    match &exec.install_hint {
        Some(hint) => failure.hint(hint.trim()),
        None => failure,
    }
}

/// The program that a name means. As in Go, the current folder is not looked through.
fn find(command: &str) -> Option<PathBuf> {
    if command.contains(std::path::MAIN_SEPARATOR) {
        return Some(PathBuf::from(command)).filter(|path| is_program(path));
    }
    let folders = env::var_os("PATH")?;
    let endings = if cfg!(windows) { &["", ".exe", ".cmd", ".bat", ".com"][..] } else { &[""] };
    env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{command}{ending}"))))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let is_executable = |found: &std::fs::Metadata| {
        use std::os::unix::fs::PermissionsExt as _;
        found.permissions().mode() & 0o111 != 0
    };
    #[cfg(not(unix))]
    let is_executable = |_: &std::fs::Metadata| true;
    path.metadata().is_ok_and(|found| found.is_file() && is_executable(&found))
}

/// On Linux this program runs itself first, which has the kernel end it with its parent and then becomes the plugin.
#[cfg(target_os = "linux")]
fn command(program: &Path, exec: &ExecEntry) -> Command {
    let Ok(own) = env::current_exe() else { return Command::new(program) };
    let mut command = Command::new(own);
    command.arg0("sealer").arg(RUN_PLUGIN).arg(program).arg(&exec.command);
    command
}

#[cfg(not(target_os = "linux"))]
fn command(program: &Path, _: &ExecEntry) -> Command {
    Command::new(program)
}

/// Becomes the plugin of a command line: its path, the name that it is called by, its arguments.
#[cfg(target_os = "linux")]
pub(crate) fn become_plugin(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let (Some(program), Some(name)) = (words.next(), words.next()) else { return ExitCode::from(2) };
    // Where the kernel refuses, it lives as long as it likes.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let error = std::process::Command::new(program).arg0(name).args(words).exec();
    notice(&os_text(&error));
    ExitCode::from(NOT_RUN)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn become_plugin(_: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::from(2)
}

/// Reads up to the limit, and one byte more to tell that there is more.
async fn bounded(source: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        source.take(MOST_OUTPUT as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// What it says to the user. It is kept for the message of a plugin that fails at once, and passed on when that takes
/// longer: a code to log in with is wanted now.
struct Said {
    kept: Vec<u8>,
    is_passed_on: bool,
}

impl Said {
    async fn listen(&mut self, source: Option<impl AsyncRead + Unpin>, command: &str) {
        let Some(mut source) = source else { return };
        let mut part = vec![0; 4096];
        let until_told = tokio::time::sleep(SHOWN_AFTER);
        tokio::pin!(until_told);
        loop {
            tokio::select! {
                read = source.read(&mut part) => match read {
                    Ok(count @ 1..) => self.add(part.get(..count).unwrap_or_default()),
                    _ => return,
                },
                () = &mut until_told, if !self.is_passed_on => {
                    notice(&format!("waiting for the credential plugin {command}"));
                    self.pass_on();
                }
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        if self.is_passed_on || self.kept.len() > MOST_KEPT {
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        self.is_passed_on = true;
        ui::pass_on(&std::mem::take(&mut self.kept));
    }

    /// Its last words, if nobody has read them yet.
    fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.kept);
        let lines: Vec<&str> = text.trim().lines().collect();
        let last = lines.get(lines.len().saturating_sub(MOST_LINES)..).unwrap_or_default().join("\n");
        Some(last).filter(|text| !text.is_empty())
    }
}

/// The word with which this program is told to become a plugin.
pub(crate) const RUN_PLUGIN: &str = "run-credential-plugin";
/// What a plugin wrote to standard error and was not read yet when it ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// A login in a browser takes minutes.
const LONGEST_RUN: Duration = Duration::from_secs(300);
const MOST_OUTPUT: usize = 1 << 20;
const SHOWN_AFTER: Duration = Duration::from_secs(3);
const MOST_KEPT: usize = 64 << 10;
const MOST_LINES: usize = 20;
/// A shell's status for what is there and cannot be run.
const NOT_RUN: u8 = 126;
