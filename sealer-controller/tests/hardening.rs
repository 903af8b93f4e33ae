//! Can another process of the same user read the controller's memory, alive or dumped?
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, and say what the machine lets them see"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

/// Whom both processes belong to: root may read everything, so it is somebody else where the tests run as root.
const NOBODY: u32 = 65534;

fn as_user(command: &mut Command) -> &mut Command {
    if getuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Starts a program that might dump its core.
fn start(folder: &Path, program: &Path, args: &[&str]) -> Child {
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -c unlimited; exec \"$0\" \"$@\"").arg(program).args(args);
    command.current_dir(folder).env("KUBECONFIG", folder.join("kubeconfig")).env("POD_NAMESPACE", "kube-system");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    as_user(&mut command).spawn().unwrap()
}

/// Whether another process of the same user may open the memory of a process.
fn may_read(process: u32) -> bool {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(": < /proc/{process}/mem")).stderr(Stdio::null());
    as_user(&mut command).status().unwrap().success()
}

fn aborted(mut child: Child) -> ExitStatus {
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    child.wait().unwrap()
}

#[test]
fn memory_is_neither_readable_nor_dumped() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // Nobody answers there: the controller waits.
    let kubeconfig = r#"{"apiVersion":"v1","kind":"Config","current-context":"x",
        "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"users":[{"name":"u","user":{}}],
        "contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}]}"#;
    fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
    let program = folder.path().join("controller");
    fs::copy(env!("CARGO_BIN_EXE_controller"), &program).unwrap();

    let other = start(folder.path(), Path::new("sleep"), &["60"]);
    assert!(may_read(other.id()), "the test could not tell");
    let dumps = aborted(other).core_dumped();
    println!("a process without protection dumps its core here: {dumps}");

    let mut controller =
        start(folder.path(), &program, &["--listen-addr=127.0.0.1:0", "--listen-metrics-addr=127.0.0.1:0"]);
    let deadline = Instant::now() + Duration::from_secs(120);
    let process = format!("/proc/{}", controller.id());
    let is_private = || {
        let name = fs::read_to_string(format!("{process}/comm")).unwrap();
        // Its private files in /proc belong to root.
        name == "controller\n" && fs::metadata(format!("{process}/environ")).unwrap().uid() == 0
    };
    while !is_private() {
        assert!(Instant::now() < deadline, "its memory stays readable");
    }
    assert!(!may_read(controller.id()));
    assert!(controller.try_wait().unwrap().is_none(), "it runs");
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmLck")).unwrap());
    let status = aborted(controller);
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        left.iter().filter(|name| name.to_string_lossy().contains("core")).count(),
        usize::from(dumps),
        "{left:?}"
    );
}
