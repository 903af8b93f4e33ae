//! Which keys are sealed with: every key opens values, and a key that somebody else brought seals only where the
//! controller was told to trust it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use sealer_core::{Fingerprint, KeyEntry};
use sealer_resource::key_secret::TRUSTED_KEY_ANNOTATION;

use crate::keys::Keys;

/// The key that an annotation of the Secret vouches for. It counts for that key alone.
pub(super) fn vouched_for(secret: &Secret) -> Option<String> {
    secret.annotations().get(TRUSTED_KEY_ANNOTATION).cloned()
}

/// Takes the certificate from keys that are not trusted, so that they open and never seal. `annotated` holds the keys
/// that their Secrets vouch for.
pub(super) fn limited(keys: &Keys, entries: Vec<KeyEntry>, annotated: &BTreeSet<Fingerprint>) -> Vec<KeyEntry> {
    let trust = keys.context.config.keys.trust;
    let ring = keys.ring();
    let mut held_back = 0;
    let limit = |mut entry: KeyEntry| {
        let key = entry.key.fingerprint();
        if entry.certificate.is_none() || trust.trusts(keys.is_made_here(key), annotated.contains(key)) {
            return entry;
        }
        held_back += 1;
        if ring.get(key).is_none() {
            tracing::warn!(
                secretname = entry.name,
                fingerprint = key.as_str(),
                annotation = TRUSTED_KEY_ANNOTATION,
                "key opens values but is not sealed with: this controller did not make it, and --trust-new-keys does \
                 not let it be trusted; with `annotated`, set the annotation to the fingerprint to trust it"
            );
        }
        entry.certificate = None;
        entry
    };
    let entries = entries.into_iter().map(limit).collect();
    keys.context.metrics.untrusted_keys.set(held_back);
    entries
}
