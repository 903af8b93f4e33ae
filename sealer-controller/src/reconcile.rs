//! One object at a time: get it, open it, plan, apply, say what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use kube::ResourceExt as _;
use sealer_core::resource::SealedSecretSpec;
use sealer_core::resource::assemble::UnsealedSecret;
use sealer_core::scope::replaces_immutable;
use sealer_core::template::Functions;
use sealer_core::{Fingerprint, SealedSecret};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cache::store::Cache;
use crate::cache::watched_namespaces::WatchedNamespaces;
use crate::context::Context;
use crate::error::{Class, Failure, Reason, StartError};
use crate::keys::predictor::KeyPredictor;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::{MalformedSpec, Object, State};
use crate::reconcile::apply::Applied;
use crate::reconcile::plan::Policy;
use crate::ring::SharedRing;
use crate::sandbox::Pool as Templates;
use crate::threads::Threads;
use crate::workers::pool;
use crate::workers::queue::{Priority, Queue};
use crate::workers::slot::WorkerSlot;

mod apply;
mod desired;
mod disclosure;
mod events;
mod opening;
mod plan;
mod rendering;
mod status;

/// What the workers share with others, and what they learn.
pub(crate) struct Reconciler {
    pub(crate) context: Arc<Context>,
    pub(crate) ring: Arc<SharedRing>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) queue: Arc<Queue>,
    /// The namespaces where what others do to Secrets is seen.
    pub(crate) watched: Arc<WatchedNamespaces>,
    pub(crate) threads: Threads,
    /// What opened other objects.
    pub(crate) predictor: Arc<KeyPredictor>,
    /// Where templates are rendered.
    pub(crate) templates: Templates,
}

/// Works the queue off until told to stop; what is under way then is finished first.
pub(crate) async fn work(reconciler: Arc<Reconciler>, stop: CancellationToken) -> Result<(), StartError> {
    pool::run(&reconciler.queue, |key, slot| process(reconciler.clone(), key, slot), stop).await;
    Ok(())
}

async fn process(reconciler: Arc<Reconciler>, key: Key, mut slot: WorkerSlot) {
    reconciler.context.metrics.queue.set(i64::try_from(reconciler.queue.len()).unwrap_or(i64::MAX));
    if let Some(pause) = reconciler.cache.pause(&key, Instant::now()) {
        return reconciler.queue.later(&key, pause);
    }
    reconciler.context.metrics.unseal_requests.inc();
    // A defect that shows in one object must not take the others along.
    let outcome = AssertUnwindSafe(reconcile(&reconciler, &key, &mut slot)).catch_unwind().await;
    match outcome {
        Ok(Ok(())) => reconciler.queue.done(&key),
        Ok(Err(failure)) => settle_failure(&reconciler, &key, &failure),
        Err(_) => settle_failure(&reconciler, &key, &Failure::new(Reason::Unseal, Class::Permanent, "internal error")),
    }
    // The watch does not queue an object that is under way: its own writes would come back each time.
    if reconciler.cache.changed_meanwhile(&key) {
        reconciler.queue.add(key, Priority::High);
    }
}

fn settle_failure(reconciler: &Reconciler, key: &Key, failure: &Failure) {
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

async fn reconcile(reconciler: &Reconciler, key: &Key, slot: &mut WorkerSlot) -> Result<(), Failure> {
    let fetched = slot.wait(fetch(reconciler, key)).await?;
    let Some(object) = fetched else { return slot.wait(gone(reconciler, key)).await };
    if reconciler.cache.has_left_view(key, &object.state.metadata) {
        drop_series(reconciler, key);
        return Ok(());
    }
    if object.state.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    tracing::info!(key = key.to_string(), "Updating");
    let keys = reconciler.ring.version();
    let Object { state, spec } = object;
    let outcome = bring_in_sync(reconciler, key, &state, spec, slot).await;
    if outcome.as_ref().is_err_and(|failure| failure.class == Class::AfterOthers) {
        return outcome.map(|_| ());
    }
    let is_news = reconciler.cache.settled(key, outcome.as_ref().map(|applied| applied.secret.clone()));
    if outcome.as_ref().is_ok_and(|applied| applied.wrote) && reconciler.cache.wrote(key, Instant::now()) {
        tracing::warn!(
            key = key.to_string(),
            "something undoes each write to the Secret; writing it ever more slowly. See whether spec.template names an \
             owner that does not exist, and whether another controller writes this Secret"
        );
    }
    // An alert on the rate of errors speaks of what is new, not of each slow attempt afterwards.
    if let Err(failure) = &outcome
        && (is_news || reconciler.queue.failures(key) <= reconciler.context.config.fast_retries)
    {
        reconciler.context.metrics.count_error(failure.reason, &key.namespace);
    }
    // The keyring changed while this object was processed: requeue it.
    if outcome.is_err() && reconciler.ring.version() != keys {
        reconciler.queue.add(key.clone(), Priority::Low);
    }
    slot.wait(report(reconciler, key, &state, &outcome, is_news)).await?;
    outcome.map(|_| ())
}

/// The object from the watch, or fresh from the server; `None` if it is gone. What cannot be read may have been changed
/// on its way: a spec counts as malformed once two answers have it so.
async fn fetch(reconciler: &Reconciler, key: &Key) -> Result<Option<Object>, Failure> {
    let watched = reconciler.cache.take(key).and_then(|text| Object::read(&text).ok());
    let first = if watched.is_some() { watched } else { get(reconciler, key).await? };
    let is_doubtful = |object: &Object| matches!(object.spec, Err(MalformedSpec::Malformed(_)));
    if first.as_ref().is_some_and(is_doubtful) { get(reconciler, key).await } else { Ok(first) }
}

async fn get(reconciler: &Reconciler, key: &Key) -> Result<Option<Object>, Failure> {
    let fetched = reconciler.context.sealed_secrets(&key.namespace).get_opt(&key.name).await;
    fetched.map_err(|error| {
        reconciler.context.metrics.count_error(Reason::Fetch, "");
        Failure::api(Reason::Fetch, &key.namespace, &key.name, &error)
    })
}

/// Kubernetes deletes the Secret through its owner reference; only the old way does it here.
async fn gone(reconciler: &Reconciler, key: &Key) -> Result<(), Failure> {
    if reconciler.context.config.delete_orphans
        && let Some(uid) = reconciler.cache.uid_of_gone(key)
    {
        tracing::info!(sealed_secret = key.to_string(), "SealedSecret has gone, deleting Secret");
        apply::delete_orphan(reconciler, key, &uid).await?;
    }
    drop_series(reconciler, key);
    Ok(())
}

/// Forgets an object that is gone or out of view, with its metrics: nobody can fill the memory with the names of
/// objects, instances and namespaces that were.
fn drop_series(reconciler: &Reconciler, key: &Key) {
    reconciler.context.metrics.drop_condition(key);
    reconciler.cache.forget(key);
    if reconciler.context.metrics.counts_errors_of(&key.namespace) && !reconciler.cache.has_any_in(&key.namespace) {
        reconciler.context.metrics.drop_errors_of(&key.namespace);
    }
}

async fn bring_in_sync(
    reconciler: &Reconciler,
    key: &Key,
    state: &State,
    spec: Result<SealedSecretSpec, MalformedSpec>,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    if let Some(secret) = reconciler.cache.unproven(key)
        && slot.wait(apply::is_still(reconciler, key, &secret)).await?
    {
        return Ok(Applied { secret, wrote: false });
    }
    let sealed = SealedSecret { metadata: state.metadata.clone(), spec: spec.map_err(Failure::from)?, status: None };
    let unsealed = opening::open(reconciler, key, &sealed, slot).await?;
    let functions = Functions { expensive: reconciler.context.config.expensive_templates };
    make(reconciler, key, state, &sealed, unsealed, slot)
        .await
        .map_err(|failure| disclosure::told(&sealed.spec, functions, failure))
}

/// Makes the cluster's Secret what was unsealed.
async fn make(
    reconciler: &Reconciler,
    key: &Key,
    state: &State,
    sealed: &SealedSecret,
    unsealed: UnsealedSecret,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    let keys: Arc<[Fingerprint]> = unsealed.keys.iter().cloned().collect();
    let desired = desired::secret(sealed, unsealed)?;
    let policy = Policy {
        own: reconciler.context.config.own_namespace(),
        allowed_types: &reconciler.context.config.allowed_types,
        spec_is_new: state.observed_generation() != state.metadata.generation,
        // Once for each version of the object: what a template makes anew each time is no reason for another Secret.
        replaces_immutable: replaces_immutable(sealed.annotations()) && !reconciler.cache.was_synced(key),
    };
    slot.wait(apply::apply(reconciler, sealed, &desired, &policy, keys)).await
}

/// Status, event and metric, all from one outcome.
async fn report(
    reconciler: &Reconciler,
    key: &Key,
    state: &State,
    outcome: &Result<Applied, Failure>,
    is_news: bool,
) -> Result<(), Failure> {
    let message = outcome.as_ref().err().map(|failure| failure.message.as_str());
    let changed = status::next(state.status.as_ref(), message, state.metadata.generation, reconciler.context.now());
    let wrote = outcome.as_ref().is_ok_and(|applied| applied.wrote);
    // What is told in the status is told in an event too; without a status, what differs from the last look.
    let is_told = if reconciler.context.config.update_status { changed.is_some() } else { is_news && outcome.is_err() };
    if wrote || is_told {
        events::emit(&reconciler.context, &state.metadata, outcome).await;
    }
    let is_oversized = outcome.as_ref().is_err_and(|failure| failure.class == Class::Oversized);
    if let Some(next) = changed.filter(|_| reconciler.context.config.update_status && !is_oversized) {
        apply::write_status(reconciler, &state.metadata, next, message).await.inspect_err(|failure| {
            reconciler.context.metrics.count_error(Reason::Status, &key.namespace);
            tracing::error!(
                sealed_secret = key.to_string(),
                error = failure.message,
                "Error updating SealedSecret status"
            );
        })?;
    }
    if !reconciler.context.config.omit_secret_labels {
        reconciler.context.metrics.show_condition(&reconciler.cache.series(key), outcome.is_ok());
    }
    Ok(())
}

/// When an object with very many values is retried that found too many of its kind.
const AFTER_OTHERS: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Somebody made an object anew and waits for Kubernetes to take away what is left of the old one.
const BRIEF_WAIT: Duration = Duration::from_secs(3);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
