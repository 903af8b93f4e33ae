//! A limit on requests to the API server, for those who ask for one. Without it the server's own fairness is the limit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tower::{Layer, Service};

/// Lets requests through at a rate.
pub(crate) struct Throttle(Arc<DefaultDirectRateLimiter>);

impl Throttle {
    pub(crate) fn new(limit: Quota) -> Self {
        Self(Arc::new(RateLimiter::direct(limit)))
    }
}

impl<S> Layer<S> for Throttle {
    type Service = Throttled<S>;

    fn layer(&self, inner: S) -> Throttled<S> {
        Throttled { inner, limiter: self.0.clone(), permit: Permit::Open }
    }
}

/// A client whose requests wait for their permit.
pub(crate) struct Throttled<S> {
    inner: S,
    limiter: Arc<DefaultDirectRateLimiter>,
    permit: Permit,
}

enum Permit {
    /// Nobody waits.
    Open,
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// The next request may go.
    Granted,
}

impl<S: Service<R>, R> Service<R> for Throttled<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        loop {
            match &mut self.permit {
                Permit::Open => {
                    let limiter = self.limiter.clone();
                    self.permit = Permit::Waiting(Box::pin(async move { limiter.until_ready().await }));
                }
                Permit::Waiting(wait) => {
                    ready!(wait.as_mut().poll(context));
                    self.permit = Permit::Granted;
                }
                Permit::Granted => return self.inner.poll_ready(context),
            }
        }
    }

    fn call(&mut self, request: R) -> S::Future {
        self.permit = Permit::Open;
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::num::NonZeroU32;
    use std::time::{Duration, Instant};

    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test]
    async fn a_burst_passes_and_the_rest_waits_for_its_turn() {
        let quota = Quota::with_period(Duration::from_millis(50)).unwrap().allow_burst(NonZeroU32::new(3).unwrap());
        let mut client = Throttle::new(quota).layer(service_fn(async |at: u32| Ok::<_, std::convert::Infallible>(at)));
        let begun = Instant::now();
        for at in 0..3 {
            client.ready().await.unwrap().call(at).await.unwrap();
        }
        assert!(begun.elapsed() < Duration::from_millis(50));
        for at in 0..4 {
            client.ready().await.unwrap().call(at).await.unwrap();
        }
        assert!(begun.elapsed() >= Duration::from_millis(190));
    }
}
