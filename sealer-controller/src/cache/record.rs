//! What the checkpoint keeps of a SealedSecret that is synced.

use crate::cache::object_state::SyncedSecret;
use crate::kube::identity::Identity;
use crate::kube::sealed_secret::Sighting;
use crate::kube::synced_condition;

/// A SealedSecret and the Secret that is in order for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sealed: Identity,
    pub(crate) secret: SyncedSecret,
}

impl Record {
    /// Whether the object is the one that was recorded, and its status says that it is in sync.
    pub(super) fn holds_for(&self, object: &Sighting, without_status: bool) -> bool {
        let generation = Some(object.identity.generation);
        let says_synced = || synced_condition::says(object.status().as_ref(), None, generation);
        self.sealed == object.identity && (without_status || says_synced())
    }
}
