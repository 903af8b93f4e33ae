//! What is known of one SealedSecret between two looks, as one of a few states.
//!
//! ```text
//!             observe                begin                 finish
//! (unknown) ──────────▶ Pending ──────────────▶ Processing ───────▶ Synced or Failed
//!                          ▲                                            │
//!                          └──────── observe, if it says something new ─┘
//! ```
//! What was recorded before a restart begins as `Recalled`, or as `Synced` where its Secret was seen as recorded. A look
//! at a Synced or Failed object leaves the state as it is until it is finished. A deleted object is `Deleted` until a
//! worker has done what is left to do.

use std::sync::Arc;

use kube::api::ObjectMeta;
use sealer_core::Fingerprint;

use crate::error::Reason;

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

/// The state of a SealedSecret. `at` is when it was reached, as a count of the cache's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ObjectState {
    /// Recorded as synced before a restart; whether its Secret is still as recorded is not known.
    Recalled(SyncedSecret),
    /// New or changed, and no worker has begun with it.
    Pending,
    /// A worker began with it as it is now, and nothing came of it yet.
    Processing,
    /// The Secret is as the object says.
    Synced { secret: SyncedSecret, at: u64 },
    /// The Secret is not as the object says; `secret` is what it last was while it was.
    Failed { reason: Reason, secret: Option<SyncedSecret>, at: u64 },
    /// Deleted, or no longer shown by the watch.
    Deleted,
}

impl ObjectState {
    /// Whether a worker is to come.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self, Self::Recalled(_) | Self::Pending)
    }

    /// Whether a look came to an end.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Synced { .. } | Self::Failed { .. })
    }

    pub(super) fn is_deleted(&self) -> bool {
        *self == Self::Deleted
    }

    /// Why the last look failed, if it did.
    pub(super) fn failure(&self) -> Option<Reason> {
        match self {
            Self::Failed { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// The Secret that we wrote or found as it should be, for the object as it is now.
    pub(super) fn secret(&self) -> Option<&SyncedSecret> {
        match self {
            Self::Recalled(secret) | Self::Synced { secret, .. } => Some(secret),
            Self::Failed { secret, .. } => secret.as_ref(),
            Self::Pending | Self::Processing | Self::Deleted => None,
        }
    }

    /// The version of that Secret; empty if there is none.
    pub(super) fn secret_version(&self) -> &str {
        self.secret().map_or("", |secret| &secret.version)
    }

    /// Whether there was such a Secret when the cache had seen so many changes.
    pub(super) fn had_secret_at(&self, changes: u64) -> bool {
        match self {
            Self::Recalled(_) => true,
            Self::Synced { at, .. } | Self::Failed { secret: Some(_), at, .. } => *at <= changes,
            Self::Failed { secret: None, .. } | Self::Pending | Self::Processing | Self::Deleted => false,
        }
    }

    /// A worker begins.
    pub(super) fn begin(&mut self) {
        if *self == Self::Pending {
            *self = Self::Processing;
        }
    }

    /// A look came to an end; says whether otherwise than the one before.
    pub(super) fn settle(&mut self, outcome: Result<SyncedSecret, Reason>, at: u64) -> bool {
        let failure = outcome.as_ref().err().copied();
        let is_news = !self.is_settled() || self.failure() != failure;
        *self = match outcome {
            Ok(secret) => Self::Synced { secret, at },
            Err(reason) => Self::Failed { reason, secret: self.secret().cloned(), at },
        };
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(uid: &str, version: Option<&str>) -> ObjectMeta {
        ObjectMeta { uid: Some(uid.to_owned()), resource_version: version.map(str::to_owned), ..ObjectMeta::default() }
    }

    #[test]
    fn secret_is_the_same_by_uid_and_version_alone() {
        let known = SyncedSecret::new(&metadata("u", Some("5")), [].into());
        assert!(known.is(&metadata("u", Some("5"))));
        for other in [metadata("u", Some("6")), metadata("v", Some("5")), metadata("u", None), ObjectMeta::default()] {
            assert!(!known.is(&other));
        }
        let unknown = SyncedSecret::new(&metadata("u", None), [].into());
        assert!(!unknown.is(&metadata("u", None)) && !unknown.is(&metadata("u", Some(""))));
    }

    #[test]
    fn outcome_is_news_unless_the_one_before_was_the_same() {
        let secret = SyncedSecret::new(&metadata("u", Some("5")), [].into());
        let mut state = ObjectState::Pending;
        state.begin();
        assert_eq!(state, ObjectState::Processing);
        for (outcome, is_news) in [
            (Err(Reason::Update), true),
            (Err(Reason::Update), false),
            (Err(Reason::Unseal), true),
            (Ok(secret.clone()), true),
            (Ok(secret.clone()), false),
            (Err(Reason::Unseal), true),
        ] {
            state.begin();
            assert_eq!(state.settle(outcome.clone(), 1), is_news, "{outcome:?}");
            assert_eq!(state.failure(), outcome.err());
        }
        assert_eq!(state.secret(), Some(&secret), "it is remembered beyond a failure");
    }
}
