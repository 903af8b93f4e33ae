//! What was in order, kept across restarts, so that a restart costs no private-key operation and no write. Names,
//! versions and fingerprints alone: nothing secret, and nothing derived from a value.
//!
//! It is trusted only where the object and its Secret are still at the versions that it names. Without it, or where it
//! is stale or damaged, the work is done again.

use std::sync::Arc;
use std::time::Duration;

use sealer_core::Keyring;
use tokio_util::sync::CancellationToken;

use crate::cache::checkpoint::piece::Header;
use crate::cache::checkpoint::store::Saved;
use crate::cache::store::Cache;
use crate::context::Context;
use crate::error::StartError;
use crate::kube::object_key::Key;
use crate::kube::rbac;

mod piece;
mod store;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use piece::keys_of_records;

/// The checkpoint: what of the cache stands in the cluster.
pub(crate) struct Checkpoint {
    context: Arc<Context>,
    cache: Arc<Cache>,
    saved: tokio::sync::Mutex<Saved>,
}

impl Checkpoint {
    pub(crate) fn new(context: Arc<Context>, cache: Arc<Cache>) -> Self {
        Self { context, cache, saved: tokio::sync::Mutex::default() }
    }
}

/// Reads what an earlier run left, and takes of it what the keys of the ring opened. Where that is not allowed, nothing is
/// kept either.
pub(crate) async fn recall(checkpoint: &Checkpoint, ring: &Keyring) {
    let Checkpoint { context, cache, saved } = checkpoint;
    let mut saved = saved.lock().await;
    // Where nobody says so, nothing is written that might be refused.
    if !tokio::time::timeout(READ_TIMEOUT, may_be_kept(context)).await.unwrap_or(false) {
        return;
    }
    saved.is_allowed = true;
    let Ok(pieces) = tokio::time::timeout(READ_TIMEOUT, store::read(context, &mut saved)).await else {
        tracing::warn!("timed out reading the checkpoint; re-unsealing every object");
        return;
    };
    let header = Header::of(&context.config);
    let records: Vec<_> = pieces.iter().flat_map(|text| piece::read(text, &header, ring)).collect();
    tracing::info!(objects = records.len(), "read the checkpoint");
    cache.recall(records);
    saved.changes = cache.changes();
}

async fn may_be_kept(context: &Context) -> bool {
    let namespace = Some(context.config.namespace.as_str());
    for verb in ["get", "create", "update"] {
        if !rbac::can_i(&context.client, verb, namespace).await {
            tracing::info!(
                verb,
                "no right to keep a checkpoint in Secrets; every object is opened again after a restart"
            );
            return false;
        }
    }
    true
}

/// Keeps the checkpoint current, a write a minute at most, until told to stop.
pub(crate) async fn keep(checkpoint: Arc<Checkpoint>, stop: CancellationToken) -> Result<(), StartError> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(BETWEEN_WRITES) => write(&checkpoint).await,
        }
    }
}

/// Writes what changed since the last time.
pub(crate) async fn write(checkpoint: &Checkpoint) {
    let Checkpoint { context, cache, saved } = checkpoint;
    let mut saved = saved.lock().await;
    let changes = cache.changes();
    if !saved.is_allowed || changes == saved.changes {
        return;
    }
    let header = Header::of(&context.config);
    let count = piece::count(cache.record_count()).max(saved.pieces());
    for number in 0..count {
        // One piece at a time: all of them would be as large as the cache itself.
        let mut records = Vec::new();
        let is_in_it = |key: &Key| piece::number(key, count) == number;
        cache.records(is_in_it, |key, record| records.push((key.clone(), record)));
        let text = piece::write(&header, count, records);
        if let Err(error) = store::write(context, &mut saved, number, text).await {
            tracing::warn!(
                error = crate::kube::refusal::answer(&error),
                "cannot write the checkpoint; trying again in a minute"
            );
            return;
        }
    }
    saved.changes = changes;
}

/// Nothing is served before it is read; without it there is only more to do.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
const BETWEEN_WRITES: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
