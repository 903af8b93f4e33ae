//! One SealedSecret in the cache: what it says, its state, and what a worker may need. No content is kept.

use std::sync::Arc;

use sealer_core::Fingerprint;
use sealer_resource::explain::Explanation;

use crate::cache::object_state::{ObjectState, SyncedSecret};
use crate::cache::pace::Pace;
use crate::error::Reason;
use crate::keys::predictor::KeyHints;
use crate::kube::identity::Identity;
use crate::kube::sealed_secret::Sighting;

/// Why no key opened an object, once that was looked for, and as what it was looked at: a worker may have had a newer
/// generation than the watch brought.
pub(crate) type Explained = (Identity, Option<Arc<Explanation>>);

/// What is remembered of a SealedSecret.
pub(super) struct Entry {
    pub(super) identity: Identity,
    pub(super) instance: Box<str>,
    pub(super) hints: KeyHints,
    pub(super) state: ObjectState,
    /// The object's text as the watch brought it, if there was room to keep it until a worker comes.
    pub(super) text: Option<Box<str>>,
    pub(super) worker: Worker,
    /// The uid of a Secret that is being deleted on behalf of this object.
    pub(super) expected_deletion: Option<Box<str>>,
    pub(super) explained: Option<Explained>,
    pub(super) pace: Pace,
}

/// Whether a worker has the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Worker {
    #[default]
    Away,
    /// Since it began, the watch of Secrets last brought this version, if any.
    Here { seen: Option<Box<str>> },
}

impl Entry {
    pub(super) fn new(object: &Sighting, state: ObjectState) -> Self {
        let keys = state.secret().map(|secret| secret.keys.clone()).unwrap_or_default();
        Self {
            identity: object.identity.clone(),
            instance: object.instance.clone(),
            hints: KeyHints { written: object.written, keys },
            state,
            text: None,
            worker: Worker::Away,
            expected_deletion: None,
            explained: None,
            pace: Pace::default(),
        }
    }

    /// Whether an object says what it said before, so that nothing is to be done about it.
    pub(super) fn says_the_same(&self, object: &Sighting, without_status: bool) -> bool {
        // A generation that nobody observed keeps waiting tools waiting, whatever else is the same.
        let is_observed = object.observed == Some(object.identity.generation);
        let is_observed = is_observed || (without_status && self.state.is_settled());
        self.is(object) && !self.state.is_deleted() && (self.state.is_pending() || is_observed)
    }

    fn is(&self, object: &Sighting) -> bool {
        self.identity == object.identity && self.instance == object.instance
    }

    /// The entry of the object as it is now. The keys that opened it before stay likely.
    pub(super) fn renewed(self, object: &Sighting) -> Self {
        let is_same = self.is(object);
        let keys = self.state.secret().map_or(self.hints.keys, |secret| secret.keys.clone());
        let mut next = Self::new(object, ObjectState::Pending);
        next.hints.keys = keys;
        next.expected_deletion = self.expected_deletion;
        if self.worker != Worker::Away {
            next.worker = Worker::Here { seen: None };
        }
        if is_same {
            (next.explained, next.pace) = (self.explained, self.pace);
        }
        next
    }

    /// The keys that opened it before, if any did.
    pub(super) fn known_keys(&self) -> Option<Arc<[Fingerprint]>> {
        let keys = self.state.secret().map_or(&self.hints.keys, |secret| &secret.keys);
        Some(keys.clone()).filter(|keys| !keys.is_empty())
    }

    /// The object was deleted.
    pub(super) fn delete(&mut self) {
        if let Some(secret) = self.state.secret() {
            self.hints.keys = secret.keys.clone();
        }
        self.state = ObjectState::Deleted;
        self.text = None;
    }

    /// A look at the object under that identity came to an end; says whether otherwise than the one before.
    pub(super) fn settle(&mut self, looked_at: &Identity, outcome: Result<SyncedSecret, Reason>, at: u64) -> bool {
        // What the watch brought meanwhile is another version: nothing is known of that one.
        let is_outdated = self.state == ObjectState::Pending && self.identity != *looked_at;
        self.state.is_deleted() || is_outdated || self.state.settle(outcome, at)
    }

    /// Takes note of a Secret's new version; says whether that is news. While a worker has the object, it learns of it
    /// at its end: its own writes come back before it knows their version.
    pub(super) fn secret_changed(&mut self, version: &str) -> bool {
        if let Worker::Here { seen } = &mut self.worker {
            *seen = Some(version.into());
            return false;
        }
        !self.state.is_pending() && self.state.secret_version() != version
    }

    /// The worker goes; says whether somebody else changed the Secret while it had the object.
    pub(super) fn release(&mut self) -> bool {
        let Worker::Here { seen } = std::mem::take(&mut self.worker) else { return false };
        seen.is_some_and(|seen| !seen.is_empty() && *seen != *self.state.secret_version())
    }
}
