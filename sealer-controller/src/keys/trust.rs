//! Which keys are sealed with: every key opens values, and a key that somebody else brought seals only where the
//! controller was told to trust it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use sealer_core::api::TRUSTED_KEY_ANNOTATION;
use sealer_core::{Fingerprint, KeyEntry};

use crate::context::Context;
use crate::error::ArgsError;

/// What is sealed with besides the keys that controllers of this program made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustNewKeys {
    Never,
    /// Keys whose Secret names their fingerprint in an annotation.
    Annotated,
    /// Every key with the label, as Bitnami's controller does.
    Always,
}

impl TrustNewKeys {
    /// Reads the flag's value.
    pub(crate) fn read(text: &str) -> Result<Self, ArgsError> {
        match text {
            "never" => Ok(Self::Never),
            "annotated" => Ok(Self::Annotated),
            "always" => Ok(Self::Always),
            other => {
                let expected = "`always`, `annotated` or `never`";
                Err(ArgsError::Invalid { flag: "trust-new-keys", value: other.to_owned(), expected })
            }
        }
    }

    /// Whether keys of others are held back, so that what was made here has to be remembered.
    pub(super) fn is_strict(self) -> bool {
        self != Self::Always
    }

    fn trusts(self, is_made_here: bool, is_annotated: bool) -> bool {
        match self {
            Self::Never => is_made_here,
            Self::Annotated => is_made_here || is_annotated,
            Self::Always => true,
        }
    }
}

/// The key that an annotation of the Secret vouches for. It counts for that key alone.
pub(super) fn vouched_for(secret: &Secret) -> Option<String> {
    secret.annotations().get(TRUSTED_KEY_ANNOTATION).cloned()
}

/// Takes the certificate from keys that are not trusted, so that they open and never seal. `annotated` holds the keys
/// that their Secrets vouch for.
pub(super) fn limited(context: &Context, entries: Vec<KeyEntry>, annotated: &BTreeSet<Fingerprint>) -> Vec<KeyEntry> {
    let trust = context.config.keys.trust;
    let ring = context.ring();
    let mut held_back = 0;
    let limit = |mut entry: KeyEntry| {
        let key = entry.key.fingerprint();
        if entry.certificate.is_none() || trust.trusts(context.keys.is_made_here(key), annotated.contains(key)) {
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
    context.metrics.untrusted_keys.set(held_back);
    entries
}
