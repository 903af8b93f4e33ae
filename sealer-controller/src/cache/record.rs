//! What the checkpoint keeps of a SealedSecret.

use std::sync::Arc;

use sealer_core::Fingerprint;

use crate::cache::object_state::SyncedSecret;
use crate::kube::identity::Identity;
use crate::kube::sealed_secret::Sighting;
use crate::kube::synced_condition;

/// A SealedSecret and the Secret that is in order for it, or only the keys that opened it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sealed: Identity,
    pub(crate) secret: SyncedSecret,
}

impl Record {
    /// A record that holds for no object and says which keys are likely.
    pub(crate) fn hint(keys: Arc<[Fingerprint]>) -> Self {
        let secret = SyncedSecret { uid: Box::default(), version: Box::default(), keys };
        Self { sealed: Identity::default(), secret }
    }

    /// Whether it says no more than which keys are likely.
    pub(crate) fn is_hint(&self) -> bool {
        self.secret.version.is_empty()
    }

    /// Whether the object is the one that was recorded, and its status says that it is in sync.
    pub(super) fn holds_for(&self, object: &Sighting, without_status: bool) -> bool {
        let generation = Some(object.identity.generation);
        let says_synced = || synced_condition::says(object.status().as_ref(), None, generation);
        !self.is_hint() && self.sealed == object.identity && (without_status || says_synced())
    }
}
