//! The sealing keys: a ring that is swapped whole, followed live, and renewed in time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sealer_core::key::keyring::{NextKey, next_key};
use sealer_core::{Fingerprint, Keyring};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::StartError;

mod rotation;
pub(crate) mod store;

/// The ring as everybody sees it.
pub(crate) struct Keys {
    ring: ArcSwap<Keyring>,
    changed: watch::Sender<()>,
    asked: Notify,
    /// Keys that this process made; the watch may bring one before its creation is answered.
    made: Mutex<HashSet<Fingerprint>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { ring: ArcSwap::default(), changed: watch::Sender::new(()), asked: Notify::new(), made: Mutex::default() }
    }
}

impl Keys {
    /// The ring as it is now.
    pub(crate) fn ring(&self) -> Keyring {
        Keyring::clone(&self.ring.load())
    }

    /// Asks the renewal task for a new key at once.
    pub(crate) fn ask_for_new_key(&self) {
        self.asked.notify_one();
    }

    /// Remembers that a key is of our own making.
    pub(crate) fn note_made(&self, fingerprint: Fingerprint) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint);
    }

    /// Whether a key is of our own making.
    pub(crate) fn was_made_here(&self, fingerprint: &Fingerprint) -> bool {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(fingerprint)
    }

    /// Puts a ring in place; says whether it brought keys that were not there.
    pub(crate) fn replace(&self, ring: Keyring) -> bool {
        let before = self.ring();
        let brings_new = ring.entries().iter().any(|entry| before.get(entry.key.fingerprint()).is_none());
        self.ring.store(Arc::new(ring));
        self.changed.send_replace(());
        brings_new
    }
}

/// Loads the keys, and makes the first one where there is none. Nothing is served or opened before this is done.
pub(crate) async fn start(context: &Context) -> Result<(), StartError> {
    tracing::info!("Searching for existing private keys");
    let refused = |action| {
        let namespace = context.config.namespace.clone();
        move |cause| StartError::Keys { action, namespace, cause }
    };
    store::load(context).await.map_err(refused("list"))?;
    let cutoff_too = next_key(&context.ring(), context.now(), &context.config.keys.rotation);
    let must_have = context.ring().active().is_none() || cutoff_too == NextKey::Now;
    if must_have {
        rotation::make(context).await.map_err(refused("create"))?;
    }
    Ok(())
}

/// Follows key Secrets: by a watch where RBAC allows it, by listing them again now and then where it does not.
pub(crate) async fn follow(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    tokio::select! {
        () = stop.cancelled() => {}
        () = store::follow(&context) => {}
    }
    Ok(())
}

/// Makes the next key when it is due, or when asked.
pub(crate) async fn renew(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let mut changed = context.keys.changed.subscribe();
    let mut failures = 0;
    loop {
        let wait = until_next(&context);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = changed.changed() => continue,
            () = context.keys.asked.notified() => {}
            () = tokio::time::sleep(wait) => {
                if !is_due(&context) { continue }
            }
        }
        failures = if make(&context).await { 0 } else { failures + 1 };
        if failures > 0 {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(retry_after(failures)) => context.keys.ask_for_new_key(),
            }
        }
    }
}

async fn make(context: &Context) -> bool {
    let made = rotation::make(context).await;
    if let Err(error) = &made {
        tracing::error!(error = error.to_string(), "Failed to generate new key");
    }
    made.is_ok()
}

fn is_due(context: &Context) -> bool {
    next_key(&context.ring(), context.now(), &context.config.keys.rotation) == NextKey::Now
}

/// Time until the next key is due, looked at again at least once a minute: clocks jump.
fn until_next(context: &Context) -> Duration {
    let now = context.now();
    match next_key(&context.ring(), now, &context.config.keys.rotation) {
        NextKey::Now => Duration::ZERO,
        NextKey::At(due) => Duration::try_from(due.duration_since(now)).unwrap_or_default().min(LONGEST_WAIT),
        NextKey::Never => LONGEST_WAIT,
    }
}

fn retry_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(9)).min(LONGEST_RETRY)
}

const LONGEST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_RETRY: Duration = Duration::from_secs(300);
