//! One object at a time: get it, open it, plan, apply, say what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use kube::ResourceExt as _;
use sealer_core::Fingerprint;
use sealer_go::template::Functions;
use sealer_resource::SealedSecret;
use sealer_resource::SealedSecretSpec;
use sealer_resource::annotations::replaces_immutable;
use sealer_resource::unseal::UnsealedSecret;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cache::store::{Begin, Begun, Cache, Outcome};
use crate::cache::watched_namespaces::WatchedNamespaces;
use crate::context::Context;
use crate::error::{Class, Failure, Reason, StartError};
use crate::keys::predictor::KeyPredictor;
use crate::kube::identity::Identity;
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
mod disclosure;
mod events;
mod opening;
mod plan;
mod rendering;
mod report;
mod retry;
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

/// What a look found.
enum SyncResult {
    /// The object is gone or has left the view.
    Gone,
    /// It is being deleted.
    Terminating,
    /// It is in sync, or is not.
    Settled(Box<Settled>),
}

/// An object and what came of it.
struct Settled {
    state: State,
    outcome: Result<Applied, Failure>,
    /// The version of the ring that it was opened with.
    ring: u64,
}

/// Works the queue off until told to stop; what is under way then is finished first.
pub(crate) async fn work(reconciler: Arc<Reconciler>, stop: CancellationToken) -> Result<(), StartError> {
    pool::run(&reconciler.queue, |key, slot| process(reconciler.clone(), key, slot), stop).await;
    Ok(())
}

async fn process(reconciler: Arc<Reconciler>, key: Key, mut slot: WorkerSlot) {
    reconciler.context.metrics.queue.set(i64::try_from(reconciler.queue.len()).unwrap_or(i64::MAX));
    let begun = match reconciler.cache.begin(&key, Instant::now()) {
        Begin::Pause(pause) => return reconciler.queue.later(&key, pause),
        Begin::Work(begun) => *begun,
    };
    reconciler.context.metrics.unseal_requests.inc();
    match guarded(reconcile(&reconciler, &key, begun, &mut slot)).await {
        Ok(()) => reconciler.queue.done(&key),
        Err(failure) => retry::settle_failure(&reconciler, &key, &failure),
    }
}

/// A defect that shows in one object must not take the others along.
async fn guarded<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Failure::new(Reason::Unseal, Class::Permanent, "internal error")))
}

async fn reconcile(reconciler: &Reconciler, key: &Key, mut begun: Begun, slot: &mut WorkerSlot) -> Result<(), Failure> {
    let result = guarded(sync_object(reconciler, key, &mut begun, slot)).await;
    let outcome = cache_outcome(&result, &begun);
    let finished = reconciler.cache.finish(key, outcome, begun.explained, Instant::now());
    // The informer queues no object that a worker has: the worker's own writes would come back each time.
    if finished.changed_meanwhile {
        reconciler.queue.add(key.clone(), Priority::High);
    }
    match result? {
        SyncResult::Gone => {
            report::drop_series(reconciler, key);
            Ok(())
        }
        SyncResult::Terminating => Ok(()),
        SyncResult::Settled(settled) => {
            report::count(reconciler, key, &settled, &finished);
            slot.wait(report::tell(reconciler, key, &settled, &finished)).await?;
            settled.outcome.map(drop)
        }
    }
}

fn cache_outcome(result: &Result<SyncResult, Failure>, begun: &Begun) -> Outcome {
    match result {
        Ok(SyncResult::Settled(settled)) => {
            let looked_at = Identity::of(&settled.state.metadata);
            match &settled.outcome {
                Ok(applied) => Outcome::Synced { looked_at, secret: applied.secret.clone(), wrote: applied.wrote },
                Err(failure) => Outcome::Failed { looked_at, reason: failure.reason },
            }
        }
        // Where the watch tells of the deletion only now, what it tells is needed for the next look.
        Ok(SyncResult::Gone) if begun.deleted.is_some() => Outcome::Gone,
        Ok(SyncResult::Gone | SyncResult::Terminating) | Err(_) => Outcome::Unfinished,
    }
}

/// Gets the object, opens it and brings its Secret in sync.
async fn sync_object(
    reconciler: &Reconciler,
    key: &Key,
    begun: &mut Begun,
    slot: &mut WorkerSlot,
) -> Result<SyncResult, Failure> {
    let fetched = slot.wait(fetch(reconciler, key, begun)).await?;
    let Some(Object { state, spec }) = fetched else {
        slot.wait(gone(reconciler, key, begun)).await?;
        return Ok(SyncResult::Gone);
    };
    // It is there, and its labels no longer fit.
    if begun.deleted.is_some() && begun.deleted.as_deref() == state.metadata.uid.as_deref() {
        return Ok(SyncResult::Gone);
    }
    if state.metadata.deletion_timestamp.is_some() {
        return Ok(SyncResult::Terminating);
    }
    tracing::info!(key = key.to_string(), "Updating");
    let ring = reconciler.ring.version();
    match bring_in_sync(reconciler, key, begun, &state, spec, slot).await {
        Err(failure) if failure.class == Class::AfterOthers => Err(failure),
        outcome => Ok(SyncResult::Settled(Box::new(Settled { state, outcome, ring }))),
    }
}

/// The object from the watch, or fresh from the server; `None` if it is gone. What cannot be read may have been changed
/// on its way: a spec counts as malformed once two answers have it so.
async fn fetch(reconciler: &Reconciler, key: &Key, begun: &mut Begun) -> Result<Option<Object>, Failure> {
    let watched = begun.text.take().and_then(|text| Object::read(&text).ok());
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
async fn gone(reconciler: &Reconciler, key: &Key, begun: &Begun) -> Result<(), Failure> {
    match &begun.deleted {
        Some(uid) if reconciler.context.config.delete_orphans => {
            tracing::info!(sealed_secret = key.to_string(), "SealedSecret has gone, deleting Secret");
            apply::delete_orphan(reconciler, key, uid).await
        }
        _ => Ok(()),
    }
}

async fn bring_in_sync(
    reconciler: &Reconciler,
    key: &Key,
    begun: &mut Begun,
    state: &State,
    spec: Result<SealedSecretSpec, MalformedSpec>,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    if let Some(secret) = begun.recalled.take()
        && slot.wait(apply::is_still(reconciler, key, &secret)).await?
    {
        return Ok(Applied { secret, wrote: false });
    }
    let sealed = SealedSecret { metadata: state.metadata.clone(), spec: spec.map_err(Failure::from)?, status: None };
    let unsealed = opening::open(reconciler, key, begun, &sealed, slot).await?;
    let functions = Functions { expensive: reconciler.context.config.expensive_templates };
    let policy = Policy {
        own: reconciler.context.config.own_namespace(),
        allowed_types: &reconciler.context.config.allowed_types,
        spec_is_new: state.observed_generation() != state.metadata.generation,
        // Once for each version of the object: what a template makes anew each time is no reason for another Secret.
        replaces_immutable: replaces_immutable(sealed.annotations()) && !begun.was_synced,
    };
    let made = make(reconciler, &sealed, unsealed, &policy, slot).await;
    made.map_err(|failure| disclosure::told(&sealed.spec, functions, failure))
}

/// Makes the cluster's Secret what was unsealed.
async fn make(
    reconciler: &Reconciler,
    sealed: &SealedSecret,
    unsealed: UnsealedSecret,
    policy: &Policy<'_>,
    slot: &mut WorkerSlot,
) -> Result<Applied, Failure> {
    let keys: Arc<[Fingerprint]> = unsealed.keys.iter().cloned().collect();
    let desired = unsealed.into_secret(sealed).map_err(Failure::unseal)?;
    slot.wait(apply::apply(reconciler, sealed, &desired, policy, keys)).await
}

#[cfg(test)]
mod tests;
