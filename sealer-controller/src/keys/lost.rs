//! Keys whose Secrets are gone: they are told of, and never sealed with.

use sealer_core::KeyEntry;

use crate::context::Context;
use crate::keys::lock;

/// Counts and returns the keys in the ring that have no Secret any longer.
pub(super) fn gone(context: &Context, listed: &[KeyEntry]) -> Vec<KeyEntry> {
    let lost = lock(&context.keys.lost);
    let is_news = |entry: &&KeyEntry| {
        let is_in = |keys: &[KeyEntry]| keys.iter().any(|key| key.key.fingerprint() == entry.key.fingerprint());
        !is_in(listed) && !is_in(&lost)
    };
    let gone: Vec<KeyEntry> = context.ring().entries().iter().filter(is_news).cloned().collect();
    context.metrics.keys_gone.inc_by(gone.len().try_into().unwrap_or(u64::MAX));
    gone
}

/// Where no key is left in the cluster, the last ones in memory go on opening values until a restart, and a new one is made: a
/// certificate whose key nobody can load again must not be served.
pub(super) fn with_lost(context: &Context, mut listed: Vec<KeyEntry>) -> Vec<KeyEntry> {
    let mut lost = lock(&context.keys.lost);
    if listed.is_empty() {
        let is_new = |entry: &&KeyEntry| lost.iter().all(|lost| lost.key.fingerprint() != entry.key.fingerprint());
        let new: Vec<_> = context.ring().entries().iter().filter(is_new).cloned().collect();
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
