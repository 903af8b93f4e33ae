//! What one connection is doing, since when, and until when it may.

use std::io::Result;
use std::task::Poll;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::http::connection_limits::Limits;
use crate::metrics::labels::ClosedConnection;

/// A connection's place in the life of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Part of a head came, or nothing since it was accepted.
    Head,
    /// The body is being read.
    Body,
    /// The request is worked on.
    Work,
    /// The answer is being written.
    Write,
    /// Between two requests.
    Idle,
}

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    state: Mutex<State>,
    limits: Limits,
    evicted: CancellationToken,
    /// Told when an answer is written.
    idle: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Bytes written in the phase.
    written: usize,
    /// Whether hyper has the whole answer.
    is_answer_complete: bool,
}

impl State {
    fn new(phase: Phase) -> Self {
        Self { phase, since: Instant::now(), written: 0, is_answer_complete: false }
    }
}

impl Activity {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            state: Mutex::new(State::new(Phase::Head)),
            limits,
            evicted: CancellationToken::new(),
            idle: Notify::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub(crate) fn since(&self) -> Instant {
        self.lock().since
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.lock() = State::new(phase);
    }

    /// hyper has taken the last part of the answer.
    pub(crate) fn complete_answer(&self) {
        self.lock().is_answer_complete = true;
    }

    /// When the connection is closed unless something happens, and why. A body has its own deadline, work that of the
    /// request.
    pub(crate) fn deadline(&self) -> Option<(Instant, ClosedConnection)> {
        let State { phase, since, written, .. } = *self.lock();
        match phase {
            Phase::Head => Some((since + self.limits.head, ClosedConnection::SlowHead)),
            Phase::Idle => Some((since + self.limits.idle, ClosedConnection::Idle)),
            Phase::Write => Some((since + allowance(written), ClosedConnection::SlowReader)),
            Phase::Body | Phase::Work => None,
        }
    }

    pub(crate) fn evict(&self) {
        self.evicted.cancel();
    }

    /// Waits until the connection must give way.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Waits until no answer is being written.
    pub(crate) async fn written(&self) {
        while self.phase() == Phase::Write {
            self.idle.notified().await;
        }
    }

    pub(super) fn received(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Idle {
            *state = State::new(Phase::Head);
        }
    }

    pub(super) fn note(&self, written: &Poll<Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            let mut state = self.lock();
            state.written = state.written.saturating_add(*bytes);
        }
    }

    /// Returns whether that was the end of an answer.
    pub(super) fn flushed(&self) -> bool {
        let mut state = self.lock();
        let is_end = state.phase == Phase::Write && state.is_answer_complete;
        if is_end {
            *state = State::new(Phase::Idle);
            self.idle.notify_one();
        }
        is_end
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Time in which so many bytes must have passed: a while to begin with, and then the slowest acceptable rate.
pub(crate) fn allowance(bytes: usize) -> Duration {
    GRACE + Duration::from_millis(u64::try_from(bytes / SLOWEST_PER_MILLISECOND).unwrap_or(u64::MAX))
}

/// Before any rate counts: connections through a proxy begin slowly.
const GRACE: Duration = Duration::from_secs(10);
/// 32 KiB a second, a fraction of the slowest line that somebody works over; the largest body then takes 74 seconds.
const SLOWEST_PER_MILLISECOND: usize = 32;
