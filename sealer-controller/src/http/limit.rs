//! How often, and how many at once, values may be opened over HTTP.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::args::RateLimit;

/// Limits a caller, and above that all callers together: a header that a caller writes himself cannot dodge them.
pub(crate) struct Limits {
    each: DefaultKeyedRateLimiter<String>,
    all: DefaultDirectRateLimiter,
    at_once: Arc<Semaphore>,
}

impl Limits {
    pub(crate) fn new(rate: RateLimit) -> Self {
        let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(number(rate.per_second)).allow_burst(number(rate.burst.saturating_add(1)));
        let total = Quota::per_second(number(rate.per_second.saturating_mul(CALLERS)))
            .allow_burst(number(rate.burst.saturating_add(1).saturating_mul(CALLERS)));
        Self {
            each: RateLimiter::keyed(quota),
            all: RateLimiter::direct(total),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Lets a request in, or says how many seconds to wait.
    pub(crate) fn admit(&self, path: &str, caller: &str) -> Result<OwnedSemaphorePermit, u64> {
        let now = DefaultClock::default().now();
        if self.each.len() > REMEMBERED {
            self.each.retain_recent();
        }
        let seconds = |until: std::time::Duration| until.as_secs().saturating_add(1);
        self.each.check_key(&format!("{path} {caller}")).map_err(|refused| seconds(refused.wait_time_from(now)))?;
        self.all.check().map_err(|refused| seconds(refused.wait_time_from(now)))?;
        self.at_once.clone().try_acquire_owned().map_err(|_| 1)
    }
}

/// Callers that may use their whole share at the same time.
const CALLERS: u32 = 10;
/// Requests that may open values at the same time; reconciling has threads of its own share.
const AT_ONCE: usize = 4;
/// Callers remembered before idle ones are dropped.
const REMEMBERED: usize = 65_536;
