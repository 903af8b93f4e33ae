//! The workers: started at the first template, kept warm, replaced when they are worn or broken.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sealer_go::template::Limits;
use sealer_resource::failure::ParseFailure;

use super::fair_queue::{FairQueue, Slot};
use super::process::{Broken, Program, TimeLimits, Worker};
use super::wire::{self, Message};
use super::{Cause, Job, NotRendered, Values};

/// Renders templates in a few processes.
pub struct Pool {
    program: Program,
    queue: Arc<FairQueue>,
    idle: Mutex<Vec<Worker>>,
    /// Whether it was said that the kernel takes no filter.
    has_warned: AtomicBool,
}

impl Pool {
    /// Prepares a pool of this program's workers. None is started yet.
    pub fn new(program: PathBuf) -> Self {
        Self::of(Program::File(program))
    }

    fn of(program: Program) -> Self {
        Self { program, queue: FairQueue::new(WORKERS), idle: Mutex::default(), has_warned: AtomicBool::new(false) }
    }

    /// Renders the templates of a job over opened items.
    ///
    /// # Errors
    /// Templates that do not parse or failed, or that nothing could be rendered.
    pub async fn render(&self, job: &Job<'_>, items: &Values) -> Result<Values, NotRendered> {
        let limits = Limits::default();
        let slot = self.enter(job).await?;
        let unparsed = self.parse(job, &limits, &slot).await?;
        if !unparsed.is_empty() {
            return Err(NotRendered::Unparsed(unparsed));
        }
        let request = wire::request(&job.environment, &limits, job.templates, Some(items));
        let answer = self.ask(job, &limits, &slot, request).await?;
        let answer = wire::read_rendered(&answer, job.templates, &limits);
        let rendered = answer.ok_or(NotRendered::Failed(Cause::Nonsense))?;
        rendered.map_err(|class| NotRendered::Failed(Cause::Engine(class)))
    }

    /// Finds the templates of a job that do not parse.
    ///
    /// # Errors
    /// Parsing took too long, or nothing could be parsed.
    pub async fn check(&self, job: &Job<'_>) -> Result<BTreeMap<String, ParseFailure>, NotRendered> {
        let slot = self.enter(job).await?;
        self.parse(job, &Limits::default(), &slot).await
    }

    async fn enter(&self, job: &Job<'_>) -> Result<Slot, NotRendered> {
        self.queue.enter(job.namespace).await.map_err(|_| NotRendered::QueueFull)
    }

    async fn parse(
        &self,
        job: &Job<'_>,
        limits: &Limits,
        slot: &Slot,
    ) -> Result<BTreeMap<String, ParseFailure>, NotRendered> {
        let request = wire::request(&job.environment, limits, job.templates, None);
        let answer = self.ask(job, limits, slot, request).await?;
        wire::read_checked(&answer, job.templates).ok_or(NotRendered::Failed(Cause::Nonsense))
    }

    /// Asks a worker. One that somebody else killed (for memory, or by hand) is replaced and the next one asked: every
    /// idle one may have been killed a moment ago, before the kernel says so, and after those comes a new one.
    async fn ask(
        &self,
        job: &Job<'_>,
        limits: &Limits,
        slot: &Slot,
        request: Option<Message>,
    ) -> Result<Message, NotRendered> {
        let request = request.ok_or(NotRendered::Failed(Cause::TooLong))?;
        let time_limits = time_limits(job, limits);
        let most = wire::largest_answer(job.templates, limits);
        for attempt in 0.. {
            let mut worker = self.take().await?;
            let before = worker.processor_time();
            let answer = worker.ask(&request, time_limits, most).await;
            let used = worker.processor_time().zip(before).map(|(now, before)| now.saturating_sub(before));
            // One that is gone cannot be asked any more; that it is gone says that it was no quick one.
            let at_least = if answer.is_ok() { Duration::ZERO } else { limits.time };
            slot.spent(used.unwrap_or(at_least));
            let failed = match answer {
                Ok(answer) => {
                    self.give_back(worker).await;
                    return Ok(answer);
                }
                Err(Broken::Killed) if attempt < WORKERS => None,
                Err(Broken::TooLong) => Some(NotRendered::Failed(Cause::TooLong)),
                // A template has no way to wait without using processor time: the node is busy or stood still.
                Err(Broken::Starved) => Some(NotRendered::Unavailable("it got no processor time".to_owned())),
                Err(Broken::Ended | Broken::Killed) => Some(NotRendered::Failed(Cause::Ended)),
                Err(Broken::Nonsense) => Some(NotRendered::Failed(Cause::Nonsense)),
            };
            worker.end().await;
            if let Some(failed) = failed {
                return Err(failed);
            }
        }
        Err(NotRendered::Failed(Cause::Ended))
    }

    async fn take(&self) -> Result<Worker, NotRendered> {
        while let Some(mut worker) = self.idle() {
            if !worker.has_ended() {
                return Ok(worker);
            }
        }
        let worker = Worker::start(&self.program).await;
        let worker = worker.map_err(|error| NotRendered::Unavailable(error.kind().to_string()))?;
        if !worker.is_filtered && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the kernel takes no filter of system calls (seccomp): templates are rendered in processes of their \
                 own, bounded but not filtered"
            );
        }
        Ok(worker)
    }

    fn idle(&self) -> Option<Worker> {
        self.idle.lock().pop()
    }

    async fn give_back(&self, worker: Worker) {
        if worker.is_worn() {
            return worker.end().await;
        }
        self.idle.lock().push(worker);
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::of(own_program())
    }
}

/// The program that is running, even if its file was replaced meanwhile.
#[cfg(not(test))]
fn own_program() -> Program {
    Program::File(PathBuf::from("/proc/self/exe"))
}

#[cfg(test)]
fn own_program() -> Program {
    Program::Thread
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("program", &self.program).finish_non_exhaustive()
    }
}

fn time_limits(job: &Job<'_>, limits: &Limits) -> TimeLimits {
    // Functions that are slow on purpose run outside the engine's time.
    let slow = if job.environment.functions.expensive { EXPENSIVE } else { Duration::ZERO };
    TimeLimits { processor: limits.time + SLACK + slow, wall: WALL + slow * 2 }
}

/// Two, so that one namespace never holds them all; no more, because their memory counts to the controller's Pod.
const WORKERS: usize = 2;
/// What a worker may use beyond the engine's own bound: reading, copying, one native function, ticks of the clock.
/// A build for tests wipes memory a hundred times slower.
const SLACK: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 200 });
/// A worker that gets no processor at all.
const WALL: Duration = Duration::from_secs(10);
/// Several keys of 4096 bits.
const EXPENSIVE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
