//! How often values may be opened over HTTP.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::args::RateLimit;
use crate::http::connections::Peer;

/// Limits a caller, and above that all callers of one peer together: a header that a caller writes himself cannot dodge them,
/// and one peer cannot use up what others have.
pub(crate) struct Limits {
    each: Each,
    /// Callers are remembered by a hash: what they send may be long.
    hasher: RandomState,
    of_peer: DefaultKeyedRateLimiter<Option<Peer>>,
    quota: Quota,
}

type Each = RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// Whether a request may come in, and what its caller has left.
pub(crate) struct Admission {
    pub(crate) is_accepted: bool,
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
            of_peer: RateLimiter::keyed(total),
            quota,
        }
    }

    /// Lets a request in, or says how many seconds to wait.
    pub(crate) fn admit(&self, path: &str, caller: &str, peer: Option<Peer>) -> Admission {
        let now = DefaultClock::default().now();
        if self.each.len() > REMEMBERED {
            self.each.retain_recent();
        }
        if self.of_peer.len() > REMEMBERED {
            self.of_peer.retain_recent();
        }
        // The peer comes first, and what it says of its caller counts within the peer alone: otherwise it could name
        // somebody else's, and use that one's share up.
        if let Err(refused) = self.of_peer.check_key(&peer) {
            return self.refusal(0, refused.wait_time_from(now));
        }
        match self.each.check_key(&self.hasher.hash_one((peer, path, caller))) {
            Err(refused) => self.refusal(0, refused.wait_time_from(now)),
            Ok(state) => {
                Admission { is_accepted: true, ..self.refusal(state.remaining_burst_capacity(), Duration::ZERO) }
            }
        }
    }

    fn refusal(&self, remaining: u32, wait: Duration) -> Admission {
        let limit = self.quota.burst_size().get();
        let used = self.quota.replenish_interval().saturating_mul(limit.saturating_sub(remaining));
        Admission {
            is_accepted: false,
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

/// Callers of one peer that may use their whole share at the same time.
const CALLERS: u32 = 10;
/// Callers remembered before idle ones are dropped.
const REMEMBERED: usize = 65_536;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn peer_does_not_use_up_the_rate_of_another() {
        let limits = Limits::new(RateLimit { per_second: 1, burst: 1 });
        let peer = |last: u8| Some(Peer::from(SocketAddr::from(([10, 0, 0, last], 1))));
        let accepted = (0..1000).filter(|at| limits.admit("/", &at.to_string(), peer(1)).is_accepted).count();
        // The burst, and a little of the rate.
        assert!((20..200).contains(&accepted), "{accepted}");
        assert!(limits.admit("/", "one more", peer(2)).is_accepted);
        for _ in 0..1000 {
            limits.admit("/", "victim", peer(1));
        }
        assert!(
            limits.admit("/", "victim", peer(3)).is_accepted,
            "a header that names somebody uses nothing of his up"
        );
    }
}
