//! A process that ends with this one, in every case: normal end, panic, Ctrl-C, kill.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The watchdog reads the other end: when this end closes, for whatever reason, it kills the process.
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts a program with its output in a file.
    ///
    /// # Errors
    /// The shell or the log file cannot be opened.
    pub fn start(program: &Path, args: &[String], environment: &[(String, String)], log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(program)
            .args(args)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            // Ctrl-C reaches this process alone, which then ends the others in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// The id of the shell that runs the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends the process a signal: `TERM`, `INT` or `USR1`.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .stderr(Stdio::null())
            .status();
    }

    /// Asks the process to end (SIGTERM), and kills it if it has not after a while.
    pub fn stop(&mut self, timeout: Duration) {
        self.signal("TERM");
        let mut waited = Duration::ZERO;
        while self.ended().is_none() && waited < timeout {
            std::thread::sleep(POLL);
            waited += POLL;
        }
        self.kill();
    }

    /// Kills the process at once (SIGKILL).
    pub fn kill(&mut self) {
        drop(self.lifeline.take());
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

const POLL: Duration = Duration::from_millis(20);

/// Runs the program beside a reader of the lifeline; passes signals on.
const WATCHDOG: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
p=$!
{ cat <&3 >/dev/null 2>&1; kill -9 $p; } 2>/dev/null >/dev/null &
r=$!
exec 3<&-
trap 'kill -TERM $p 2>/dev/null' TERM INT
trap 'kill -USR1 $p 2>/dev/null' USR1
while :; do
  wait $p; s=$?
  kill -0 $p 2>/dev/null || { kill -9 $r 2>/dev/null; exit $s; }
done
"#;
