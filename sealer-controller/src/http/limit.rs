//! How often, and how many at once, values may be opened over HTTP.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::args::RateLimit;

/// Limits a caller, and above that all callers together: a header that a caller writes himself cannot dodge them.
pub(crate) struct Limits {
    each: Each,
    /// Callers are remembered by a hash: what they send may be long.
    hasher: RandomState,
    all: DefaultDirectRateLimiter,
    at_once: Arc<Semaphore>,
    quota: Quota,
}

type Each = RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// Whether a request may come in, and what its caller has left.
pub(crate) struct Admission {
    /// Held while the request is answered; without it the request is refused.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the caller has the whole limit again.
    pub(crate) reset: u64,
    /// Seconds after which a refused request may be tried again.
    pub(crate) retry_after: u64,
}

impl Limits {
    pub(crate) fn new(rate: RateLimit) -> Self {
        let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(number(rate.per_second)).allow_burst(number(rate.burst.saturating_add(1)));
        let total = Quota::per_second(number(rate.per_second.saturating_mul(CALLERS)))
            .allow_burst(number(rate.burst.saturating_add(1).saturating_mul(CALLERS)));
        Self {
            each: RateLimiter::keyed(quota).with_middleware(),
            hasher: RandomState::new(),
            all: RateLimiter::direct(total),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            quota,
        }
    }

    /// Lets a request in, or says how many seconds to wait.
    pub(crate) fn admit(&self, path: &str, caller: &str) -> Admission {
        let now = DefaultClock::default().now();
        if self.each.len() > REMEMBERED {
            self.each.retain_recent();
        }
        match self.each.check_key(&self.hasher.hash_one((path, caller))) {
            Err(refused) => self.refusal(0, refused.wait_time_from(now)),
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                if let Err(refused) = self.all.check() {
                    return self.refusal(remaining, refused.wait_time_from(now));
                }
                let permit = self.at_once.clone().try_acquire_owned().ok();
                Admission { permit, ..self.refusal(remaining, Duration::ZERO) }
            }
        }
    }

    fn refusal(&self, remaining: u32, wait: Duration) -> Admission {
        let limit = self.quota.burst_size().get();
        let used = self.quota.replenish_interval().saturating_mul(limit.saturating_sub(remaining));
        Admission {
            permit: None,
            limit,
            remaining,
            reset: whole_seconds(used),
            retry_after: whole_seconds(wait).max(1),
        }
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Callers that may use their whole share at the same time.
const CALLERS: u32 = 10;
/// Requests that may open values at the same time; reconciling has threads of its own share.
const AT_ONCE: usize = 4;
/// Callers remembered before idle ones are dropped.
const REMEMBERED: usize = 65_536;
