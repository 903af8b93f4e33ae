//! Status, event, log and metrics, all from one outcome.

use crate::cache::store::Finished;
use crate::error::{Class, Failure, Reason};
use crate::kube::object_key::Key;
use crate::metrics::Series;
use crate::reconcile::{Reconciler, Settled, apply, events, status};
use crate::workers::queue::Priority;

/// Counts an outcome, and has the object looked at again where it came to nothing under a ring that is no longer in use.
pub(super) fn count(reconciler: &Reconciler, key: &Key, settled: &Settled, finished: &Finished) {
    if finished.is_slowed {
        tracing::warn!(
            key = key.to_string(),
            "something undoes each write to the Secret; writing it ever more slowly. See whether spec.template names an \
             owner that does not exist, and whether another controller writes this Secret"
        );
    }
    let Err(failure) = &settled.outcome else { return };
    // An alert on the rate of errors speaks of what is new, not of each slow attempt afterwards.
    if finished.is_news || reconciler.queue.failures(key) <= reconciler.context.config.fast_retries {
        reconciler.context.metrics.count_error(failure.reason, &key.namespace);
    }
    // The keyring changed while this object was processed: requeue it.
    if reconciler.ring.version() != settled.ring {
        reconciler.queue.add(key.clone(), Priority::Low);
    }
}

/// Tells whoever watches the object.
pub(super) async fn tell(
    reconciler: &Reconciler,
    key: &Key,
    settled: &Settled,
    finished: &Finished,
) -> Result<(), Failure> {
    let Settled { state, outcome, .. } = settled;
    let context = &reconciler.context;
    let message = outcome.as_ref().err().map(|failure| failure.message.as_str());
    let changed = status::next(state.status.as_ref(), message, state.metadata.generation, context.now());
    let wrote = outcome.as_ref().is_ok_and(|applied| applied.wrote);
    // What is told in the status is told in an event too; without a status, what differs from the last look.
    let is_told = if context.config.update_status { changed.is_some() } else { finished.is_news && outcome.is_err() };
    if wrote || is_told {
        events::emit(context, &state.metadata, outcome).await;
    }
    let is_oversized = outcome.as_ref().is_err_and(|failure| failure.class == Class::Oversized);
    if let Some(next) = changed.filter(|_| context.config.update_status && !is_oversized) {
        apply::write_status(reconciler, &state.metadata, next, message).await.inspect_err(|failure| {
            context.metrics.count_error(Reason::Status, &key.namespace);
            tracing::error!(
                sealed_secret = key.to_string(),
                error = failure.message,
                "Error updating SealedSecret status"
            );
        })?;
    }
    if !context.config.omit_secret_labels {
        let Key { namespace, name } = key.clone();
        let series = Series { namespace, name, instance: finished.instance.to_string() };
        context.metrics.show_condition(&series, outcome.is_ok());
    }
    Ok(())
}

/// Drops the metrics of an object that is gone or out of view: nobody can fill the memory with the names of objects,
/// instances and namespaces that were.
pub(super) fn drop_series(reconciler: &Reconciler, key: &Key) {
    let metrics = &reconciler.context.metrics;
    metrics.drop_condition(key);
    if metrics.counts_errors_of(&key.namespace) && !reconciler.cache.has_any_in(&key.namespace) {
        metrics.drop_errors_of(&key.namespace);
    }
}
