//! When an object that failed is retried.

use std::time::Duration;

use crate::error::{Class, Failure, Reason};
use crate::kube::object_key::Key;
use crate::reconcile::Reconciler;

/// Puts an object that failed back into the queue, now, later, or only when something changes.
pub(super) fn settle_failure(reconciler: &Reconciler, key: &Key, failure: &Failure) {
    if failure.class == Class::AfterOthers {
        return reconciler.queue.failed(key, |_| AFTER_OTHERS);
    }
    if matches!(failure.class, Class::Permanent | Class::Oversized) && !changes_unseen(reconciler, key, failure) {
        tracing::error!(key = key.to_string(), error = failure.message, "Error updating, giving up");
        reconciler.queue.done(key);
        return;
    }
    tracing::error!(key = key.to_string(), error = failure.message, "Error updating, will retry");
    let quick = reconciler.context.config.fast_retries;
    reconciler.queue.failed(key, |failures| pause(failure, failures, quick));
}

/// A Secret in the way may be handed over or go; where nobody may watch Secrets, only another look shows it.
fn changes_unseen(reconciler: &Reconciler, key: &Key, failure: &Failure) -> bool {
    failure.reason == Reason::Unmanaged && !reconciler.watched.reaches(&key.namespace)
}

/// How long to wait before the next attempt after so many failures in a row.
fn pause(failure: &Failure, failures: u32, quick: u32) -> Duration {
    let wait = backoff(failures, quick);
    let wait = if failure.class == Class::SoonCapped { wait.min(BRIEF_WAIT) } else { wait };
    wait.max(failure.wait.min(LONGEST_WAIT))
}

/// Quick at first, then doubling up to five minutes, with up to a quarter more by chance.
fn backoff(failures: u32, quick: u32) -> Duration {
    let base = if failures < quick {
        FIRST_WAIT.saturating_mul(1 << failures.min(6))
    } else {
        Duration::from_secs(1 << (failures - quick).min(9))
    };
    let base = base.min(LONGEST_WAIT);
    base + base.mul_f64(rand::random_range(0.0..0.25))
}

/// When an object with very many values is retried that found too many of its kind.
const AFTER_OTHERS: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Somebody made an object anew and waits for Kubernetes to take away what is left of the old one.
const BRIEF_WAIT: Duration = Duration::from_secs(3);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
