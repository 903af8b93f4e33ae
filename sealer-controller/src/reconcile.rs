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
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::sealed_secret::{Object, State};
use crate::context::Context;
use crate::error::{Class, Failure, Reason, StartError};
use crate::queue::{Key, Priority};
use crate::reconcile::apply::Applied;
use crate::reconcile::plan::Policy;
use crate::reconcile::slot::WorkerSlot;

mod apply;
mod desired;
mod disclosure;
pub(crate) mod events;
mod opening;
mod plan;
mod rendering;
mod slot;
pub(crate) mod status;

/// Works the queue off until told to stop; what is under way then is finished first.
pub(crate) async fn work(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let places = Arc::new(Semaphore::new(WORKERS));
    let mut under_way = JoinSet::new();
    loop {
        // The place comes first: who is next is decided when there is room, so that news overtakes.
        let next = async { (places.clone().acquire_owned().await.ok(), context.queue.next().await) };
        let (place, key) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        under_way.spawn(process(context.clone(), key, WorkerSlot::new(place)));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
    Ok(())
}

async fn process(context: Arc<Context>, key: Key, mut slot: WorkerSlot) {
    context.metrics.queue.set(i64::try_from(context.queue.len()).unwrap_or(i64::MAX));
    if let Some(pause) = context.index.pause(&key, Instant::now()) {
        return context.queue.later(&key, pause);
    }
    context.metrics.unseal_requests.inc();
    // A defect that shows in one object must not take the others along.
    let outcome = AssertUnwindSafe(reconcile(&context, &key, &mut slot)).catch_unwind().await;
    match outcome {
        Ok(Ok(())) => context.queue.done(&key),
        Ok(Err(failure)) => settle_failure(&context, &key, &failure),
        Err(_) => settle_failure(&context, &key, &Failure::new(Reason::Unseal, Class::Permanent, "internal error")),
    }
    // The watch does not queue an object that is under way: its own writes would come back each time.
    if context.index.changed_meanwhile(&key) {
        context.queue.add(key, Priority::High);
    }
}

fn settle_failure(context: &Context, key: &Key, failure: &Failure) {
    if failure.class == Class::AfterOthers {
        return context.queue.failed(key, |_| AFTER_OTHERS);
    }
    if matches!(failure.class, Class::Permanent | Class::Oversized) && !changes_unseen(context, key, failure) {
        tracing::error!(key = key.to_string(), error = failure.message, "Error updating, giving up");
        context.queue.done(key);
        return;
    }
    tracing::error!(key = key.to_string(), error = failure.message, "Error updating, will retry");
    let quick = context.config.fast_retries;
    context.queue.failed(key, |failures| pause(failure, failures, quick));
}

/// A Secret in the way may be handed over or go; where nobody may watch Secrets, only another look shows it.
fn changes_unseen(context: &Context, key: &Key, failure: &Failure) -> bool {
    failure.reason == Reason::Unmanaged && !context.sight.reaches(&key.namespace)
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

async fn reconcile(context: &Context, key: &Key, slot: &mut WorkerSlot) -> Result<(), Failure> {
    let fetched = slot.wait(context, fetch(context, key)).await?;
    let Some(object) = fetched else { return slot.wait(context, gone(context, key)).await };
    if context.index.has_left_view(key, &object.state.metadata) {
        drop_series(context, key);
        return Ok(());
    }
    if object.state.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    tracing::info!(key = key.to_string(), "Updating");
    let keys = context.keys.version();
    let Object { state, spec } = object;
    let outcome = bring_in_sync(context, key, &state, spec, slot).await;
    if outcome.as_ref().is_err_and(|failure| failure.class == Class::AfterOthers) {
        return outcome.map(|_| ());
    }
    let is_news = context.index.settled(key, outcome.as_ref().map(|applied| applied.secret.clone()));
    if outcome.as_ref().is_ok_and(|applied| applied.wrote) && context.index.wrote(key, Instant::now()) {
        tracing::warn!(
            key = key.to_string(),
            "something undoes each write to the Secret; writing it ever more slowly. See whether spec.template names an \
             owner that does not exist, and whether another controller writes this Secret"
        );
    }
    // An alert on the rate of errors speaks of what is new, not of each slow attempt afterwards.
    if let Err(failure) = &outcome
        && (is_news || context.queue.failures(key) <= context.config.fast_retries)
    {
        context.metrics.count_error(failure.reason, &key.namespace);
    }
    // The keyring changed while this object was processed: requeue it.
    if outcome.is_err() && context.keys.version() != keys {
        context.queue.add(key.clone(), Priority::Low);
    }
    slot.wait(context, report(context, key, &state, &outcome, is_news)).await?;
    outcome.map(|_| ())
}

/// The object from the watch, or fresh from the server; `None` if it is gone. What cannot be read may have been changed
/// on its way: a spec counts as malformed once two answers have it so.
async fn fetch(context: &Context, key: &Key) -> Result<Option<Object>, Failure> {
    let watched = context.index.take(key).and_then(|text| Object::read(&text).ok());
    let first = if watched.is_some() { watched } else { get(context, key).await? };
    let is_doubtful = |object: &Object| object.spec.as_ref().is_err_and(|failure| failure.class != Class::Oversized);
    if first.as_ref().is_some_and(is_doubtful) { get(context, key).await } else { Ok(first) }
}

async fn get(context: &Context, key: &Key) -> Result<Option<Object>, Failure> {
    let fetched = context.sealed_secrets(&key.namespace).get_opt(&key.name).await;
    fetched.map_err(|error| {
        context.metrics.count_error(Reason::Fetch, "");
        Failure::api(Reason::Fetch, &key.namespace, &key.name, &error)
    })
}

/// Kubernetes deletes the Secret through its owner reference; only the old way does it here.
async fn gone(context: &Context, key: &Key) -> Result<(), Failure> {
    if context.config.delete_orphans
        && let Some(uid) = context.index.uid_of_gone(key)
    {
        tracing::info!(sealed_secret = key.to_string(), "SealedSecret has gone, deleting Secret");
        apply::delete_orphan(context, key, &uid).await?;
    }
    drop_series(context, key);
    Ok(())
}

/// Forgets an object that is gone or out of view, with its metrics: nobody can fill the memory with the names of
/// objects, instances and namespaces that were.
fn drop_series(context: &Context, key: &Key) {
    context.metrics.drop_condition(key);
    context.index.forget(key);
    if context.metrics.counts_errors_of(&key.namespace) && !context.index.has_any_in(&key.namespace) {
        context.metrics.drop_errors_of(&key.namespace);
    }
}

async fn bring_in_sync(
    context: &Context,
    key: &Key,
    state: &State,
    spec: Result<SealedSecretSpec, Failure>,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    if let Some(secret) = context.index.unproven(key)
        && slot.wait(context, apply::is_still(context, key, &secret)).await?
    {
        return Ok(Applied { secret, wrote: false });
    }
    let sealed = SealedSecret { metadata: state.metadata.clone(), spec: spec?, status: None };
    let unsealed = opening::open(context, key, &sealed, slot).await?;
    let functions = Functions { expensive: context.config.expensive_templates };
    make(context, key, state, &sealed, unsealed, slot)
        .await
        .map_err(|failure| disclosure::told(&sealed.spec, functions, failure))
}

/// Makes the cluster's Secret what was unsealed.
async fn make(
    context: &Context,
    key: &Key,
    state: &State,
    sealed: &SealedSecret,
    unsealed: UnsealedSecret,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    let keys: Arc<[Fingerprint]> = unsealed.keys.iter().cloned().collect();
    let desired = desired::secret(sealed, unsealed)?;
    let policy = Policy {
        own: context.config.own_namespace(),
        allowed_types: &context.config.allowed_types,
        spec_is_new: state.observed_generation() != state.metadata.generation,
        // Once for each version of the object: what a template makes anew each time is no reason for another Secret.
        replaces_immutable: replaces_immutable(sealed.annotations()) && !context.index.was_synced(key),
    };
    slot.wait(context, apply::apply(context, sealed, &desired, &policy, keys)).await
}

/// Status, event and metric, all from one outcome.
async fn report(
    context: &Context,
    key: &Key,
    state: &State,
    outcome: &Result<Applied, Failure>,
    is_news: bool,
) -> Result<(), Failure> {
    let message = outcome.as_ref().err().map(|failure| failure.message.as_str());
    let changed = status::next(state.status.as_ref(), message, state.metadata.generation, context.now());
    let wrote = outcome.as_ref().is_ok_and(|applied| applied.wrote);
    // What is told in the status is told in an event too; without a status, what differs from the last look.
    let is_told = if context.config.update_status { changed.is_some() } else { is_news && outcome.is_err() };
    if wrote || is_told {
        events::emit(context, &state.metadata, outcome).await;
    }
    let is_oversized = outcome.as_ref().is_err_and(|failure| failure.class == Class::Oversized);
    if let Some(next) = changed.filter(|_| context.config.update_status && !is_oversized) {
        apply::write_status(context, &state.metadata, next, message).await.inspect_err(|failure| {
            context.metrics.count_error(Reason::Status, &key.namespace);
            tracing::error!(
                sealed_secret = key.to_string(),
                error = failure.message,
                "Error updating SealedSecret status"
            );
        })?;
    }
    if !context.config.omit_secret_labels {
        context.metrics.show_condition(&context.index.series(key), outcome.is_ok());
    }
    Ok(())
}

/// Objects looked at side by side: most of the time they wait for the API server.
const WORKERS: usize = 16;
/// When an object with very many values is retried that found too many of its kind.
const AFTER_OTHERS: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Somebody made an object anew and waits for Kubernetes to take away what is left of the old one.
const BRIEF_WAIT: Duration = Duration::from_secs(3);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
