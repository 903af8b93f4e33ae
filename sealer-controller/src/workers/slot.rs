//! Whose turn it is: an object with very much to open makes room for others, and goes on beside them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many objects are worked on at once.
#[derive(Debug)]
pub(crate) struct Slots {
    places: Arc<Semaphore>,
    overflow: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Slots {
    fn default() -> Self {
        let slots = |count| Arc::new(Semaphore::new(count));
        Self { places: slots(WORKERS), overflow: slots(OVERFLOW_SLOTS), waiting: slots(WAITING) }
    }
}

impl Slots {
    /// Waits for a place among those that are worked on side by side.
    pub(super) async fn take(&self) -> WorkerSlot {
        self.slot(self.places.clone().acquire_owned().await.ok())
    }

    /// One outside of the places.
    #[cfg(test)]
    pub(crate) fn extra(&self) -> WorkerSlot {
        self.slot(None)
    }

    fn slot(&self, place: Option<OwnedSemaphorePermit>) -> WorkerSlot {
        let (overflow_slots, waiting_slots) = (self.overflow.clone(), self.waiting.clone());
        WorkerSlot { place, overflow: None, waiting: None, slices: 0, overflow_slots, waiting_slots }
    }
}

/// A place among those that are worked on side by side, until it is given up for one in overflow.
#[derive(Debug)]
pub(crate) struct WorkerSlot {
    place: Option<OwnedSemaphorePermit>,
    overflow: Option<OwnedSemaphorePermit>,
    /// Held by whoever gave the place up while the API server kept him waiting.
    waiting: Option<OwnedSemaphorePermit>,
    slices: u32,
    overflow_slots: Arc<Semaphore>,
    waiting_slots: Arc<Semaphore>,
}

/// Too many objects are in overflow already.
#[derive(Debug)]
pub(crate) struct OverflowFull;

impl WorkerSlot {
    /// Accounts for one more slice. Whoever needs many gives the place to others.
    pub(crate) fn another_slice(&mut self) -> Result<(), OverflowFull> {
        self.slices += 1;
        if self.slices < SLICES || self.overflow.is_some() {
            return Ok(());
        }
        // The semaphore is never closed: an error means that there is no permit.
        self.overflow = Some(self.overflow_slots.clone().try_acquire_owned().map_err(|_| OverflowFull)?);
        self.place = None;
        Ok(())
    }

    /// Waits for the API server. Where that takes long, others get the place: a slow webhook in one namespace must not
    /// hold up the rest.
    pub(crate) async fn wait<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        tokio::select! {
            done = &mut call => return done,
            () = tokio::time::sleep(LONG) => {}
        }
        if self.place.is_some()
            && let Ok(permit) = self.waiting_slots.clone().try_acquire_owned()
        {
            self.waiting = Some(permit);
            self.place = None;
        }
        call.await
    }
}

/// Objects looked at side by side: most of the time they wait for the API server.
const WORKERS: usize = 16;
/// Objects with very much to open that are worked on beside the others: each has its slice in turn.
const OVERFLOW_SLOTS: usize = 4;
/// Objects that wait for slow answers beside the others: each holds one Secret.
const WAITING: usize = 256;
/// Slices that an object may take while others wait for its place.
const SLICES: u32 = 16;
/// A healthy API server answers in milliseconds.
const LONG: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_long_gives_the_place_to_others() {
        let slots = Slots::default();
        let mut slot = slots.take().await;
        slot.wait(tokio::time::sleep(LONG / 2)).await;
        assert_eq!(slots.places.available_permits(), WORKERS - 1, "it was quick");
        slot.wait(async {
            tokio::time::sleep(LONG * 2).await;
            assert_eq!(slots.places.available_permits(), WORKERS, "others wait for it");
        })
        .await;
    }

    #[tokio::test]
    async fn objects_of_many_slices_take_bounded_overtime() {
        let slots = Slots::default();
        let mut taken = Vec::new();
        loop {
            let before = slots.places.available_permits();
            let mut slot = slots.take().await;
            for _ in 1..SLICES {
                slot.another_slice().unwrap();
            }
            assert_eq!(slots.places.available_permits(), before - 1, "the place is kept for so long");
            if slot.another_slice().is_err() {
                break;
            }
            assert_eq!(slots.places.available_permits(), before, "others have it");
            for _ in 0..100 {
                slot.another_slice().unwrap();
            }
            taken.push(slot);
            assert!(taken.len() < 100);
        }
        assert_eq!((taken.len(), slots.overflow.available_permits()), (OVERFLOW_SLOTS, 0));
        drop(taken);
        assert_eq!(slots.overflow.available_permits(), OVERFLOW_SLOTS);
    }
}
