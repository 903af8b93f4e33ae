//! One worker as the controller sees it: started, asked, watched, ended.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command as Prepared, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use super::ARGUMENT;
use super::wire::Message;
use super::worker::{HELLO, HELLO_WITHOUT_FILTER};

/// Where workers come from.
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// This file, started anew each time.
    File(PathBuf),
    /// A thread of this process: the tests of this crate have no program.
    #[cfg(test)]
    Thread,
}

/// A running worker. Dropping it kills it.
pub(super) struct Worker {
    input: Box<dyn AsyncWrite + Send + Sync + Unpin>,
    output: Box<dyn AsyncRead + Send + Sync + Unpin>,
    child: Option<Child>,
    served: u32,
    /// Whether the kernel took the filter of system calls.
    pub(super) is_filtered: bool,
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimits {
    /// Processor time of the worker.
    pub(super) processor: Duration,
    /// Time on the wall, however little of it the worker got to work.
    pub(super) wall: Duration,
}

/// A worker that gave no answer, and is of no use any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    TooLong,
    /// It had next to no processor time for as long as it was waited for.
    Starved,
    /// It ended by itself or closed its pipes.
    Ended,
    /// Somebody else killed it.
    Killed,
    Nonsense,
}

impl Worker {
    /// Starts a worker and waits until it is confined.
    pub(super) async fn start(program: &Program) -> io::Result<Self> {
        let mut worker = match program {
            Program::File(path) => {
                let mut command = Prepared::new(path);
                command.arg0("controller").arg(ARGUMENT).env_clear();
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
                let mut child = Command::from(command).kill_on_drop(true).spawn()?;
                let pipes = child.stdin.take().zip(child.stdout.take()).ok_or(io::ErrorKind::BrokenPipe)?;
                Self::new(pipes.0, pipes.1, Some(child))
            }
            #[cfg(test)]
            Program::Thread => Self::thread()?,
        };
        let hello = timeout(START, worker.output.read_u8()).await.map_err(|_| io::ErrorKind::TimedOut)??;
        worker.is_filtered = hello == HELLO;
        if matches!(hello, HELLO | HELLO_WITHOUT_FILTER) { Ok(worker) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn new(
        input: impl AsyncWrite + Send + Sync + Unpin + 'static,
        output: impl AsyncRead + Send + Sync + Unpin + 'static,
        child: Option<Child>,
    ) -> Self {
        Self { input: Box::new(input), output: Box::new(output), child, served: 0, is_filtered: false }
    }

    #[cfg(test)]
    fn thread() -> io::Result<Self> {
        use std::io::Write as _;
        use std::os::unix::net::UnixStream;
        let (near, mut far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let (output, input) = tokio::net::UnixStream::from_std(near)?.into_split();
        let mut reader = far.try_clone()?;
        std::thread::spawn(move || far.write_all(&[HELLO]).and_then(|()| super::worker::serve(&mut reader, &mut far)));
        Ok(Self::new(input, output, None))
    }

    /// Sends a message and waits for the answer, of at most so many bytes.
    pub(super) async fn ask(
        &mut self,
        message: &[u8],
        time_limits: TimeLimits,
        most: usize,
    ) -> Result<Message, Broken> {
        self.served += 1;
        match self.answer(message, time_limits, most).await {
            Err(Broken::Ended) => Err(self.ended().await),
            outcome => outcome,
        }
    }

    async fn answer(&mut self, message: &[u8], time_limits: TimeLimits, most: usize) -> Result<Message, Broken> {
        let (before, started) = (self.processor_time(), Instant::now());
        let mut exchange = std::pin::pin!(exchange(&mut self.input, &mut self.output, message, most));
        loop {
            tokio::select! {
                done = &mut exchange => return done,
                () = sleep(LOOK) => {}
            }
            let (now, waited) = (processor_time(self.child.as_ref()), started.elapsed());
            // Where the kernel does not say what it used, it had all of the time.
            let used = before.zip(now).map_or(waited, |(before, now)| now.saturating_sub(before));
            if used > time_limits.processor {
                return Err(Broken::TooLong);
            }
            if waited > time_limits.wall {
                return Err(Broken::Starved);
            }
        }
    }

    /// How a worker ended that closed its pipes.
    async fn ended(&mut self) -> Broken {
        let Some(child) = &mut self.child else { return Broken::Ended };
        match timeout(START, child.wait()).await {
            Ok(Ok(status)) if status.signal() == Some(Signal::KILL.as_raw()) => Broken::Killed,
            _ => Broken::Ended,
        }
    }

    /// Whether it ended while nobody asked it.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Processor time that it has used.
    pub(super) fn processor_time(&self) -> Option<Duration> {
        processor_time(self.child.as_ref())
    }

    /// Whether it should make room for a new one: after many messages, much time, or with much memory.
    pub(super) fn is_worn(&self) -> bool {
        let memory = self.child.as_ref().and_then(Child::id).and_then(own_memory);
        self.served >= MESSAGES
            || self.processor_time().is_some_and(|used| used > LIFE)
            || memory.is_some_and(|memory| memory > KEPT)
    }

    /// Ends the worker and waits until it is gone.
    pub(super) async fn end(mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill().await;
        }
    }
}

async fn exchange(
    input: &mut (impl AsyncWrite + Unpin),
    output: &mut (impl AsyncRead + Unpin),
    message: &[u8],
    most: usize,
) -> Result<Message, Broken> {
    let ended = |_| Broken::Ended;
    let length = u32::try_from(message.len()).map_err(|_| Broken::Nonsense)?;
    input.write_all(&length.to_le_bytes()).await.map_err(ended)?;
    input.write_all(message).await.map_err(ended)?;
    input.flush().await.map_err(ended)?;
    let length = output.read_u32_le().await.map_err(ended)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= most).ok_or(Broken::Nonsense)?;
    let mut answer = Zeroizing::new(vec![0; length]);
    output.read_exact(&mut answer).await.map_err(ended)?;
    Ok(answer)
}

/// Processor time of a process: behind the name in parentheses, utime and stime are the 12th and 13th field (proc(5)).
fn processor_time(child: Option<&Child>) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child?.id()?)).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)))
}

/// Bytes of memory that belong to a process alone: all that is resident without what it shares with its file (proc(5)).
fn own_memory(process: u32) -> Option<u64> {
    let pages = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let mut pages = pages.split_whitespace().skip(1).filter_map(|field| field.parse::<u64>().ok());
    let (resident, shared) = (pages.next()?, pages.next()?);
    Some(resident.saturating_sub(shared).saturating_mul(rustix::param::page_size() as u64))
}

/// A process starts in milliseconds, on a busy node in seconds.
const START: Duration = Duration::from_secs(20);
/// How often a worker is looked at that has not answered yet.
const LOOK: Duration = Duration::from_millis(50);
/// Messages of a worker's life: two an object.
const MESSAGES: u32 = 2000;
/// Processor time of a worker's life.
const LIFE: Duration = Duration::from_secs(20);
/// Memory of its own that an idle worker may keep.
const KEPT: u64 = 3 << 20;
