//! One SealedSecret between two looks: enough to decide whether to look again, and no content.

use std::sync::Arc;

use kube::api::ObjectMeta;
use sealer_core::Fingerprint;
use sealer_core::resource::explain::Explanation;

use crate::cache::pace::Pace;
use crate::error::Reason;
use crate::keys::predictor::KeyHints;
use crate::kube::identity::Identity;
use crate::kube::sealed_secret::Sighting;
use crate::kube::synced_condition;

/// A Secret that is as its SealedSecret says, at one of its versions, and the keys that opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncedSecret {
    pub(crate) uid: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) keys: Arc<[Fingerprint]>,
}

impl SyncedSecret {
    pub(crate) fn new(secret: &ObjectMeta, keys: Arc<[Fingerprint]>) -> Self {
        let text = |field: &Option<String>| field.as_deref().unwrap_or_default().into();
        Self { uid: text(&secret.uid), version: text(&secret.resource_version), keys }
    }

    /// Whether that Secret is the same, and at the same version.
    pub(crate) fn is(&self, secret: &ObjectMeta) -> bool {
        !self.version.is_empty()
            && secret.uid.as_deref() == Some(&*self.uid)
            && secret.resource_version.as_deref() == Some(&*self.version)
    }
}

/// A SealedSecret and the Secret that is in order for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sealed: Identity,
    pub(crate) secret: SyncedSecret,
}

impl Record {
    /// Whether the object is the one that was recorded, and its status says that it is in sync.
    pub(super) fn holds_for(&self, object: &Sighting, without_status: bool) -> bool {
        let says_synced = || synced_condition::says(object.status().as_ref(), None, Some(object.identity.generation));
        self.sealed == object.identity && (without_status || says_synced())
    }
}

/// What is remembered of a SealedSecret.
#[derive(Default)]
pub(super) struct ObjectState {
    pub(super) sealed: Identity,
    pub(super) instance: Box<str>,
    pub(super) hints: KeyHints,
    /// Whether no worker has looked at it as it is now.
    pub(super) waiting: bool,
    /// The object's text as the watch brought it, if there was room to keep it until a worker comes.
    pub(super) body: Option<Box<str>>,
    /// The Secret that we wrote or found in order.
    pub(super) secret: Option<SyncedSecret>,
    /// The uid of a Secret that is being deleted on behalf of this object.
    pub(super) deleting: Box<str>,
    /// Whether that is remembered from before a restart and was not seen since.
    pub(super) unproven: bool,
    /// The last version that the watch of Secrets brought since a worker began.
    pub(super) seen_version: Box<str>,
    pub(super) settled: bool,
    /// When that was, as a count of changes.
    pub(super) settled_at: u64,
    /// Why no key opened it, once that was looked for, and as what it was looked at: a worker may have had a newer
    /// generation than the watch brought.
    pub(super) explained: Option<(Identity, Option<Box<Explanation>>)>,
    pub(super) failed: Option<Reason>,
    pub(super) pace: Pace,
    pub(super) gone: bool,
}

impl ObjectState {
    pub(super) fn new(object: &Sighting, hints: KeyHints) -> Self {
        let (sealed, instance) = (object.identity.clone(), object.instance.clone());
        Self { sealed, instance, hints, waiting: true, ..Self::default() }
    }

    /// As it was recorded before a restart.
    pub(super) fn recalled(object: &Sighting, hints: KeyHints, secret: SyncedSecret, proven: bool) -> Self {
        let known = Self::new(object, hints);
        Self { waiting: !proven, settled: proven, unproven: !proven, secret: Some(secret), ..known }
    }

    /// The version of the Secret in order; empty if there is none.
    pub(super) fn secret_version(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| &secret.version)
    }

    /// It was deleted.
    pub(super) fn end(&mut self) {
        self.gone = true;
        self.waiting = false;
        self.body = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_by_uid_and_version_and_never_without_a_version() {
        let secret = |uid: &str, version: Option<&str>| ObjectMeta {
            uid: Some(uid.to_owned()),
            resource_version: version.map(str::to_owned),
            ..ObjectMeta::default()
        };
        let known = SyncedSecret::new(&secret("u", Some("5")), [].into());
        assert!(known.is(&secret("u", Some("5"))));
        for other in [secret("u", Some("6")), secret("v", Some("5")), secret("u", None), ObjectMeta::default()] {
            assert!(!known.is(&other));
        }
        let unknown = SyncedSecret::new(&secret("u", None), [].into());
        assert!(!unknown.is(&secret("u", None)) && !unknown.is(&secret("u", Some(""))));
    }
}
