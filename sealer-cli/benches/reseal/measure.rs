//! What a process costs: wall time, CPU time of all its threads, and the most memory it ever held.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The cost of one process.
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) kibibytes: u64,
}

impl Cost {
    /// How many cores were busy.
    pub(crate) fn cores(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }
}

/// Runs a command on these bytes, throws away what it writes, and expects this status.
pub(crate) fn cost(command: &mut Command, input: &[u8], status: i32) -> Cost {
    let (cpu, started) = (children_cpu(), Instant::now());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let kibibytes = thread::scope(|scope| {
        // A command that reads nothing has closed it.
        scope.spawn(move || drop(std::io::Write::write_all(&mut stdin, input)));
        highest(&mut child)
    });
    assert_eq!(child.wait().unwrap().code(), Some(status));
    Cost { wall: started.elapsed(), cpu: children_cpu() - cpu, kibibytes }
}

/// The high-water mark of a process, looked at until it ends.
fn highest(child: &mut Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let mut highest = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        highest = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(highest);
        thread::sleep(Duration::from_millis(2));
    }
    highest
}

/// User and system time of all processes waited for, from proc(5); a tick is 10 ms.
fn children_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
