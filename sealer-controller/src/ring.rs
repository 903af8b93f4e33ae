//! The ring of sealing keys as everybody sees it: put in place whole by whoever loads the keys, read by all others.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use sealer_core::{Fingerprint, KeyEntry, Keyring};
use tokio::sync::watch;

/// A ring that is swapped whole.
pub(crate) struct SharedRing {
    ring: ArcSwap<Keyring>,
    /// Counts the rings that were put in place.
    version: watch::Sender<u64>,
}

impl Default for SharedRing {
    fn default() -> Self {
        Self { ring: ArcSwap::default(), version: watch::Sender::new(0) }
    }
}

impl SharedRing {
    /// The ring as it is now.
    pub(crate) fn load(&self) -> Keyring {
        Keyring::clone(&self.ring.load())
    }

    /// Changes with every ring that is put in place.
    pub(crate) fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// Tells of every change of the version.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Puts a ring in place; says whether it brought keys that were not there.
    pub(crate) fn replace(&self, ring: Keyring) -> bool {
        let before = self.load();
        let brings_new = ring.entries().iter().any(|entry| before.get(entry.key.fingerprint()).is_none());
        // A key Secret that cannot be used changes nothing, and whoever waits for a change of the keys goes on waiting.
        let is_same = before.entries().iter().map(standing).eq(ring.entries().iter().map(standing));
        self.ring.store(Arc::new(ring));
        if !is_same {
            self.version.send_modify(|version| *version += 1);
        }
        brings_new
    }
}

/// What a key is and does in a ring.
fn standing(entry: &KeyEntry) -> (&Fingerprint, Timestamp, bool) {
    (entry.key.fingerprint(), entry.ordered_at, entry.certificate.is_some())
}
