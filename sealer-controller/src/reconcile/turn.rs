//! Whose turn it is: an object with very much to open makes room for others, and goes on beside them.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use crate::context::Context;

/// A place among those that are looked at side by side, until it is given up for one in overtime.
#[derive(Debug)]
pub(crate) struct Turn {
    place: Option<OwnedSemaphorePermit>,
    overtime: Option<OwnedSemaphorePermit>,
    /// Held by whoever gave the place up while the API server kept him waiting.
    waiting: Option<OwnedSemaphorePermit>,
    slices: u32,
}

/// Too many objects are in overtime already.
#[derive(Debug)]
pub(crate) struct Crowded;

impl Turn {
    pub(crate) fn new(place: Option<OwnedSemaphorePermit>) -> Self {
        Self { place, overtime: None, waiting: None, slices: 0 }
    }

    /// Accounts for one more slice. Whoever needs many gives the place to others.
    pub(crate) fn another_slice(&mut self, context: &Context) -> Result<(), Crowded> {
        self.slices += 1;
        if self.slices < SLICES || self.overtime.is_some() {
            return Ok(());
        }
        match context.overtime() {
            Ok(permit) => self.overtime = Some(permit),
            // Closed is what it never is.
            Err(TryAcquireError::Closed | TryAcquireError::NoPermits) => return Err(Crowded),
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
        let mut turn = Turn::new(Some(places.clone().acquire_owned().await.unwrap()));
        turn.wait(&context, tokio::time::sleep(LONG / 2)).await;
        assert_eq!(places.available_permits(), 0, "it was quick");
        turn.wait(&context, async {
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
        let mut turns = Vec::new();
        loop {
            let before = places.available_permits();
            let mut turn = Turn::new(Some(places.clone().acquire_owned().await.unwrap()));
            for _ in 1..SLICES {
                turn.another_slice(&context).unwrap();
            }
            assert_eq!(places.available_permits(), before - 1, "the place is kept for so long");
            if turn.another_slice(&context).is_err() {
                break;
            }
            assert_eq!(places.available_permits(), before, "others have it");
            for _ in 0..100 {
                turn.another_slice(&context).unwrap();
            }
            turns.push(turn);
            assert!(turns.len() < 100);
        }
        assert!(!turns.is_empty() && context.overtime().is_err());
        drop(turns);
        assert!(context.overtime().is_ok());
    }
}
