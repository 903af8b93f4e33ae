#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc;

use super::*;

/// What a thread needs to hand over its results and to end; a worker has one thread and needs none of it.
const OF_A_THREAD: [i64; 6] = [
    libc::SYS_futex,
    libc::SYS_exit,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_set_robust_list,
    libc::SYS_sched_yield,
];

/// The filter holds for the thread that installs it: with an error in place of the end, it can be asked.
#[test]
fn filter_leaves_no_file_no_socket_and_no_process() {
    let (sender, results) = mpsc::channel();
    let open = File::open("/proc/self/status").unwrap();
    let thread = std::thread::spawn(move || {
        let mut rules = rules().unwrap();
        rules.extend(OF_A_THREAD.map(|number| (number, Vec::new())));
        let refused = u32::try_from(libc::EPERM).unwrap();
        seccompiler::apply_filter(&missing_files().unwrap()).unwrap();
        seccompiler::apply_filter(&program(rules, SeccompAction::Errno(refused)).unwrap()).unwrap();
        let mut byte = [0_u8; 1];
        let outcomes: [(&str, io::Result<()>); 9] = [
            ("open a file", File::open("/proc/self/status").map(drop)),
            ("make a file", File::create("/tmp/never").map(drop)),
            ("read a file that is open", rustix::io::read(&open, &mut byte).map(drop).map_err(Into::into)),
            ("write to standard error", rustix::io::write(rustix::stdio::stderr(), b"x").map(drop).map_err(Into::into)),
            ("open a TCP socket", TcpListener::bind("127.0.0.1:0").map(drop)),
            ("open a UDP socket", UdpSocket::bind("127.0.0.1:0").map(drop)),
            ("open a socket pair", UnixStream::pair().map(drop)),
            ("start a process", Command::new("/bin/true").spawn().map(drop)),
            (
                "raise its own limits",
                setrlimit(Resource::Core, Rlimit { current: None, maximum: None }).map_err(Into::into),
            ),
        ];
        for (what, outcome) in outcomes {
            sender.send((what, outcome.map_err(|error| error.raw_os_error()))).unwrap();
        }
        // Memory is still there.
        sender
            .send(("allocate", if vec![1_u8; 8 << 20].len() == 8 << 20 { Err(Some(libc::EPERM)) } else { Ok(()) }))
            .unwrap();
    });
    thread.join().unwrap();
    let results: Vec<_> = results.iter().collect();
    assert_eq!(results.len(), 10);
    for (what, outcome) in results {
        let expected = if what.ends_with("a file") { libc::ENOENT } else { libc::EPERM };
        assert_eq!(outcome, Err(Some(expected)), "{what}");
    }
}

#[test]
fn every_system_call_is_named_once() {
    let names: std::collections::BTreeSet<_> = SYSCALLS.iter().map(|(name, ..)| name).collect();
    assert_eq!((names.len(), rules().unwrap().len()), (SYSCALLS.len(), SYSCALLS.len()));
    for never in [libc::SYS_socket, libc::SYS_connect, libc::SYS_execve, libc::SYS_clone, libc::SYS_ptrace] {
        assert!(SYSCALLS.iter().all(|(_, number, _)| *number != never));
    }
}
