//! Requests that open values at the same time. They take turns; when there are too many, the one that has cost most gives
//! way, so that a request with a few values is always answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::refusal::Refusal;

/// Who opens values now.
pub(crate) struct Openings {
    free: Arc<Semaphore>,
    under_way: Mutex<HashMap<u64, Arc<Cost>>>,
}

#[derive(Default)]
struct Cost {
    slices: AtomicU32,
    gives_way: AtomicBool,
}

/// A request that may open values. Dropping it lets another one in.
pub(crate) struct Opening {
    openings: Arc<Openings>,
    id: u64,
    cost: Arc<Cost>,
    _permit: OwnedSemaphorePermit,
}

impl Openings {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(AT_ONCE)), under_way: Mutex::default() })
    }

    /// Begins when there is room, and makes some if there is none.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<Opening, Refusal> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.stop_the_costliest();
                let permit = timeout(WAIT, self.free.clone().acquire_owned()).await;
                permit.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)?
            }
        };
        let cost = Arc::new(Cost::default());
        let mut under_way = self.lock();
        let id = under_way.keys().max().map_or(0, |last| last + 1);
        under_way.insert(id, cost.clone());
        drop(under_way);
        Ok(Opening { openings: self.clone(), id, cost, _permit: permit })
    }

    /// Whoever is in the first slice still is left alone.
    fn stop_the_costliest(&self) {
        let under_way = self.lock();
        let going_on = under_way.values().filter(|cost| !cost.gives_way.load(Ordering::Relaxed));
        let slices = |cost: &Arc<Cost>| cost.slices.load(Ordering::Relaxed);
        if let Some(cost) = going_on.filter(|cost| slices(cost) > 0).max_by_key(|cost| slices(cost)) {
            cost.gives_way.store(true, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Cost>>> {
        self.under_way.lock()
    }
}

impl Opening {
    /// Counts a slice of work. Fails when the request must give way.
    pub(crate) fn count_slice(&self) -> Result<(), Refusal> {
        self.cost.slices.fetch_add(1, Ordering::Relaxed);
        if self.cost.gives_way.load(Ordering::Relaxed) { Err(Refusal::Busy) } else { Ok(()) }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.openings.lock().remove(&self.id);
    }
}

/// With slices of 50 ms nobody waits longer than a second for the next one.
const AT_ONCE: usize = 16;
const WAIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn costliest_opening_gives_way_and_cheap_ones_stay() {
        let openings = Openings::new();
        let mut all = Vec::new();
        for _ in 0..AT_ONCE {
            all.push(openings.begin().await.unwrap());
        }
        assert_eq!(openings.begin().await.err(), Some(Refusal::Busy), "nobody has cost anything yet");
        for (slices, opening) in all.iter().enumerate() {
            for _ in 0..slices {
                opening.count_slice().unwrap();
            }
        }
        let next = tokio::spawn({
            let openings = openings.clone();
            async move { openings.begin().await.map(drop) }
        });
        tokio::task::yield_now().await;
        let costliest = all.pop().unwrap();
        assert_eq!(costliest.count_slice(), Err(Refusal::Busy));
        drop(costliest);
        assert_eq!(next.await.unwrap(), Ok(()));
        assert!(all.iter().all(|opening| opening.count_slice().is_ok()));
    }
}
