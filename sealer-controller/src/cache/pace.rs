//! The backoff of writes to a Secret that something else undoes each time.

use std::time::Duration;

use tokio::time::Instant;

/// Counts the writes to one Secret for one state of its SealedSecret. The first ones follow at once; after that, each
/// waits twice as long as the one before, until nobody undid them for a while.
#[derive(Default)]
pub(super) struct Pace {
    writes: u32,
    last: Option<Instant>,
}

impl Pace {
    /// Takes note of a write; says whether it is the first one after which there is a wait.
    pub(super) fn wrote(&mut self, now: Instant) -> bool {
        let stood = self.last.is_none_or(|last| now.duration_since(last) > QUIET + pause(self.writes));
        self.writes = if stood { 1 } else { self.writes.saturating_add(1) };
        self.last = Some(now);
        self.writes == AT_ONCE + 1
    }

    /// How long to wait before the next write.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let due = self.last? + pause(self.writes);
        Some(due.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }
}

/// The wait after so many writes in a row.
fn pause(writes: u32) -> Duration {
    match writes.checked_sub(AT_ONCE + 1) {
        Some(beyond) => Duration::from_secs(1 << beyond.min(9)).min(LONGEST_PAUSE),
        None => Duration::ZERO,
    }
}

/// Writes in a row that follow at once: somebody may delete a Secret a few times, to see it come back.
const AT_ONCE: u32 = 5;
/// A write that stood for so long, its pause aside, was not undone by whatever undid the ones before.
const QUIET: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_undone_each_time_is_written_ever_more_slowly() {
        let mut pace = Pace::default();
        let mut waits = Vec::new();
        for write in 1..=17 {
            assert_eq!(pace.wrote(Instant::now()), write == AT_ONCE + 1, "{write}");
            let wait = pace.wait(Instant::now()).unwrap_or_default();
            waits.push(wait.as_secs());
            tokio::time::advance(wait + Duration::from_millis(50)).await;
            assert_eq!(pace.wait(Instant::now()), None, "{write}");
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        tokio::time::advance(QUIET + LONGEST_PAUSE).await;
        assert!(!pace.wrote(Instant::now()));
        assert_eq!(pace.wait(Instant::now()), None, "it stood");
    }
}
