//! Whose turn it is: an object with very much to open makes room for others, and goes on beside them.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use crate::context::Context;

/// A place among those that are looked at side by side, until it is given up for one in overflow.
#[derive(Debug)]
pub(crate) struct WorkerSlot {
    place: Option<OwnedSemaphorePermit>,
    overflow: Option<OwnedSemaphorePermit>,
    /// Held by whoever gave the place up while the API server kept him waiting.
    waiting: Option<OwnedSemaphorePermit>,
    slices: u32,
}

/// Too many objects are in overflow already.
#[derive(Debug)]
pub(crate) struct OverflowFull;

impl WorkerSlot {
    pub(crate) fn new(place: Option<OwnedSemaphorePermit>) -> Self {
        Self { place, overflow: None, waiting: None, slices: 0 }
    }

    /// Accounts for one more slice. Whoever needs many gives the place to others.
    pub(crate) fn another_slice(&mut self, context: &Context) -> Result<(), OverflowFull> {
        self.slices += 1;
        if self.slices < SLICES || self.overflow.is_some() {
            return Ok(());
        }
        match context.overflow() {
            Ok(permit) => self.overflow = Some(permit),
            // The semaphore is never closed.
            Err(TryAcquireError::Closed | TryAcquireError::NoPermits) => return Err(OverflowFull),
        }
        self.place = None;
        Ok(())
    }

    /// Waits for the API server. Where that takes long, others get the place: a slow webhook in one namespace must not
    /// hold up the rest.
    pub(crate) async fn wait<T>(&mut self, context: &Context, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        tokio::select! {
            done = &mut call => return done,
            () = tokio::time::sleep(LONG) => {}
        }
        if self.place.is_some()
            && let Some(permit) = context.waiting()
        {
            self.waiting = Some(permit);
            self.place = None;
        }
        call.await
    }
}

/// Slices that an object may take while others wait for its place.
const SLICES: u32 = 16;
/// A healthy API server answers in milliseconds.
const LONG: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

    use std::sync::Arc;

    use kube::Client;
    use kube::client::Body;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::args::{self, Request};

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_long_gives_the_place_to_others() {
        let Ok(Request::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
        let silent = tower::service_fn(|_: http::Request<Body>| {
            std::future::pending::<Result<http::Response<Body>, std::convert::Infallible>>()
        });
        let context = Context::new(Client::new(silent, "default"), *config);
        let places = Arc::new(Semaphore::new(1));
        let mut slot = WorkerSlot::new(Some(places.clone().acquire_owned().await.unwrap()));
        slot.wait(&context, tokio::time::sleep(LONG / 2)).await;
        assert_eq!(places.available_permits(), 0, "it was quick");
        slot.wait(&context, async {
            tokio::time::sleep(LONG * 2).await;
            assert_eq!(places.available_permits(), 1, "others wait for it");
        })
        .await;
    }

    fn context() -> Context {
        let Ok(Request::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
        let silent = tower::service_fn(|_: http::Request<Body>| {
            std::future::pending::<Result<http::Response<Body>, std::convert::Infallible>>()
        });
        Context::new(Client::new(silent, "default"), *config)
    }

    #[tokio::test]
    async fn whoever_needs_many_slices_goes_on_in_overtime_and_only_so_many_do() {
        let context = context();
        let places = Arc::new(Semaphore::new(100));
        let mut slots = Vec::new();
        loop {
            let before = places.available_permits();
            let mut slot = WorkerSlot::new(Some(places.clone().acquire_owned().await.unwrap()));
            for _ in 1..SLICES {
                slot.another_slice(&context).unwrap();
            }
            assert_eq!(places.available_permits(), before - 1, "the place is kept for so long");
            if slot.another_slice(&context).is_err() {
                break;
            }
            assert_eq!(places.available_permits(), before, "others have it");
            for _ in 0..100 {
                slot.another_slice(&context).unwrap();
            }
            slots.push(slot);
            assert!(slots.len() < 100);
        }
        assert!(!slots.is_empty() && context.overflow().is_err());
        drop(slots);
        assert!(context.overflow().is_ok());
    }
}
