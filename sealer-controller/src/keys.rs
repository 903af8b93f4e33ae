//! The sealing keys: a ring that is swapped whole, followed live, and renewed in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use sealer_core::key::keyring::{NextKey, RotationPolicy, next_key};
use sealer_core::{Fingerprint, KeyEntry, Keyring};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::{KeysError, StartError};
use crate::keys::record::Recorded;
use crate::keys::rotation::PendingKey;
use crate::keys::store::{Parsed, Unread};
use crate::readiness::progress::Progress;
use crate::ring::SharedRing;
use crate::threads::Threads;

mod events;
mod lost;
pub(crate) mod predictor;
mod record;
mod retry;
mod rotation;
mod store;
mod trust;

/// The sealing keys, and what is known of them beside the ring that everybody sees.
pub(crate) struct Keys {
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    threads: Threads,
    progress: Arc<Progress>,
    /// Called whenever the ring got a key that was not in it.
    on_new_key: Box<dyn Fn() + Send + Sync>,
    asked: Notify,
    /// Held while the cluster's keys are listed or one is added, so that no older list replaces a newer one.
    loading: tokio::sync::Mutex<()>,
    /// What each key Secret was found to hold, by its name; read again only when its version changes.
    parsed: Mutex<BTreeMap<String, Parsed>>,
    /// Keys that open values although none was left in the cluster at some time.
    lost: Mutex<Vec<KeyEntry>>,
    /// Keys that this process made, and when.
    made: Mutex<Vec<(Fingerprint, Instant)>>,
    /// Which keys controllers made and met before.
    record: Mutex<Recorded>,
}

/// What the tasks of the keys share with others.
pub(crate) struct Shared {
    pub(crate) context: Arc<Context>,
    /// Where the keys are put for everybody.
    pub(crate) ring: Arc<SharedRing>,
    pub(crate) threads: Threads,
    pub(crate) progress: Arc<Progress>,
}

impl Keys {
    /// `on_new_key` is called whenever the ring got a key that was not in it.
    pub(crate) fn new(shared: Shared, on_new_key: impl Fn() + Send + Sync + 'static) -> Self {
        let Shared { context, ring, threads, progress } = shared;
        Self {
            context,
            ring,
            threads,
            progress,
            on_new_key: Box::new(on_new_key),
            asked: Notify::new(),
            loading: tokio::sync::Mutex::new(()),
            parsed: Mutex::default(),
            lost: Mutex::default(),
            made: Mutex::default(),
            record: Mutex::default(),
        }
    }

    /// The ring as it is now.
    fn ring(&self) -> Keyring {
        self.ring.load()
    }

    /// Asks the renewal task for a new key at once.
    pub(crate) fn ask_for_new_key(&self) {
        self.asked.notify_one();
    }

    /// Whether a controller of this program made the key: this one, or one that recorded it.
    fn is_made_here(&self, fingerprint: &Fingerprint) -> bool {
        lock(&self.made).iter().any(|(made, _)| made == fingerprint) || lock(&self.record).record.is_made(fingerprint)
    }

    /// Whether the key is no news: made here, or met before.
    fn is_known(&self, fingerprint: &Fingerprint) -> bool {
        self.is_made_here(fingerprint) || lock(&self.record).record.is_known(fingerprint)
    }

    /// When this process last made a key that is still there.
    fn last_made(&self) -> Option<Instant> {
        let (ring, lost) = (self.ring(), lock(&self.lost));
        let is_there =
            |made: &Fingerprint| ring.get(made).is_some() && lost.iter().all(|lost| lost.key.fingerprint() != made);
        lock(&self.made).iter().filter(|(made, _)| is_there(made)).map(|(_, at)| *at).max()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

/// Loads the keys, and makes one where there is none or the newest is older than the cutoff: that is judged at start
/// alone, since a cutoff in the future would ask for another key for ever. Nothing is served or opened before. An API
/// server in trouble is waited for.
pub(crate) async fn start(keys: &Keys) -> Result<(), StartError> {
    tracing::info!("Searching for existing private keys");
    let mut fresh = None;
    let mut failures = 0;
    loop {
        // The newest key may be the one that cannot be read: it is waited for a little before an older one serves.
        let unread = if failures < WHOLE_LISTS { Unread::Refuse } else { Unread::Skip };
        let (action, cause) = match first_keys(keys, unread, &mut fresh).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        let namespace = keys.context.config.namespace.clone();
        if !cause.may_pass() {
            return Err(StartError::Keys { action, namespace, cause });
        }
        tracing::error!(action, namespace, error = cause.to_string(), "no sealing keys yet; trying again");
        tokio::time::sleep(retry_after(failures)).await;
        failures += 1;
    }
}

/// One attempt; an error comes with what was attempted.
async fn first_keys(
    keys: &Keys,
    unread: Unread,
    fresh: &mut Option<PendingKey>,
) -> Result<(), (&'static str, KeysError)> {
    store::load_with(keys, unread).await.map_err(|cause| ("list", cause))?;
    let at_start = RotationPolicy { period: None, ..keys.context.config.keys.rotation };
    if is_stored(keys, fresh.as_ref()) || next_key(&keys.ring(), keys.context.now(), &at_start) != NextKey::Now {
        return Ok(());
    }
    make(keys, fresh).await.map_err(|cause| ("create", cause))
}

/// Whether a key that was generated arrived in the cluster, although the answer may have been lost.
fn is_stored(keys: &Keys, fresh: Option<&PendingKey>) -> bool {
    fresh.is_some_and(|fresh| keys.ring().get(fresh.key.fingerprint()).is_some())
}

/// Stores a key; the one that was generated before, if there is one.
async fn make(keys: &Keys, fresh: &mut Option<PendingKey>) -> Result<(), KeysError> {
    let fresh = match fresh {
        Some(fresh) => fresh,
        None => fresh.insert(rotation::generate(keys).await?),
    };
    rotation::store(keys, fresh).await
}

/// Follows key Secrets: by a watch where RBAC allows it, by listing them again now and then where it does not.
pub(crate) async fn follow(keys: Arc<Keys>, stop: CancellationToken) -> Result<(), StartError> {
    tokio::select! {
        () = stop.cancelled() => {}
        () = store::follow(&keys) => {}
    }
    Ok(())
}

/// Makes the next key when it is due, or when asked.
pub(crate) async fn renew(keys: Arc<Keys>, stop: CancellationToken) -> Result<(), StartError> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        never = renew_for_ever(&keys) => never,
    }
}

async fn renew_for_ever(keys: &Keys) -> Result<(), StartError> {
    let mut changed = keys.ring.subscribe();
    loop {
        let cause = tokio::select! {
            _ = changed.changed() => continue,
            () = keys.asked.notified() => Cause::Asked,
            () = tokio::time::sleep(until_due(keys).min(LONGEST_WAIT)) => Cause::Due,
        };
        bring_new_key(keys, cause).await;
    }
}

/// Why a new key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Asked,
    Due,
}

/// Tries until there is one: the key that was generated first is kept, so that an attempt which only seemed to fail
/// does not end in two.
async fn bring_new_key(keys: &Keys, cause: Cause) {
    let mut fresh = None;
    let mut failures = 0;
    while let Err(error) = attempt(keys, cause, &mut fresh).await {
        failures += 1;
        tracing::error!(error = error.to_string(), "Failed to generate new key");
        tokio::time::sleep(retry_after(failures)).await;
    }
}

async fn attempt(keys: &Keys, cause: Cause, fresh: &mut Option<PendingKey>) -> Result<(), KeysError> {
    let not_due = || cause == Cause::Due && !until_due(keys).is_zero();
    if not_due() {
        return Ok(());
    }
    // Another controller may have been faster, and an answer may have been lost.
    store::load(keys).await?;
    if is_stored(keys, fresh.as_ref()) || not_due() {
        return Ok(());
    }
    make(keys, fresh).await
}

/// Time until the next key is due by age. A key that this process made counts from then by a clock that does not jump,
/// so that clocks which disagree cannot ask for one key after another.
fn until_due(keys: &Keys) -> Duration {
    let now = keys.context.now();
    let by_age = RotationPolicy { cutoff: None, ..keys.context.config.keys.rotation };
    let wait = match next_key(&keys.ring(), now, &by_age) {
        NextKey::Now => Duration::ZERO,
        NextKey::At(due) => Duration::try_from(due.duration_since(now)).unwrap_or_default(),
        NextKey::Never => return LONGEST_WAIT,
    };
    let period = by_age.period.unwrap_or_default();
    let since_made = keys.last_made().map(|at| at.elapsed());
    wait.max(since_made.map_or(Duration::ZERO, |since| period.saturating_sub(since)))
}

fn retry_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(9)).min(LONGEST_RETRY)
}

/// Clocks jump: what is due is looked at again at least that often.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// So many attempts at start insist on a list that can be read whole.
const WHOLE_LISTS: u32 = 3;
const LONGEST_RETRY: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
