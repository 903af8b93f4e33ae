//! Keys whose Secrets are gone: they are told of, and never sealed with.

use sealer_core::KeyEntry;

use crate::keys::{Keys, lock};

/// Whether a key of the ring is not among those that were read, and is not known to be lost.
pub(super) fn lacks_any(keys: &Keys, read: &[KeyEntry]) -> bool {
    keys.ring().entries().iter().any(|entry| is_news(entry, read, &lock(&keys.lost)))
}

/// Whether a key is neither among those that were read nor among the lost ones.
fn is_news(entry: &KeyEntry, read: &[KeyEntry], lost: &[KeyEntry]) -> bool {
    read.iter().chain(lost).all(|key| key.key.fingerprint() != entry.key.fingerprint())
}

/// Counts and returns the keys in the ring that have no Secret any longer.
pub(super) fn gone(keys: &Keys, listed: &[KeyEntry]) -> Vec<KeyEntry> {
    let lost = lock(&keys.lost);
    let ring = keys.ring();
    let gone: Vec<_> = ring.entries().iter().filter(|entry| is_news(entry, listed, &lost)).cloned().collect();
    keys.context.metrics.keys_gone.inc_by(gone.len().try_into().unwrap_or(u64::MAX));
    gone
}

/// Where no key is left in the cluster, the last ones in memory go on opening values until a restart, and a new one is made: a
/// certificate whose key nobody can load again must not be served.
pub(super) fn with_lost(keys: &Keys, mut listed: Vec<KeyEntry>) -> Vec<KeyEntry> {
    let mut lost = lock(&keys.lost);
    if listed.is_empty() {
        let ring = keys.ring();
        let new: Vec<_> = ring.entries().iter().filter(|entry| is_news(entry, &[], &lost)).cloned().collect();
        if !new.is_empty() {
            tracing::error!(
                keys = new.len(),
                "no sealing key is left in the cluster; the last ones open values until a restart and are not sealed \
                 with, and a new key is made; restore the key Secrets from a backup to keep what was sealed with them"
            );
        }
        // Without one to seal with, the next key is due at once.
        lost.extend(new.into_iter().map(|entry| KeyEntry { certificate: None, ..entry }));
    }
    // One whose Secret is back is no longer lost.
    lost.retain(|lost| listed.iter().all(|entry| entry.key.fingerprint() != lost.key.fingerprint()));
    listed.extend(lost.iter().cloned());
    listed
}
