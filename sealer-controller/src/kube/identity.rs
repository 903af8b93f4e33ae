//! What decides what a SealedSecret says: two looks at one identity come to the same.

use kube::api::ObjectMeta;
use sealer_core::Scope;
use sealer_resource::annotations::replaces_immutable;

/// What decides what a SealedSecret says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: Box<str>,
    pub(crate) generation: i64,
    /// An annotation: an edit of it makes no new generation.
    pub(crate) scope: Scope,
    /// Another one: whether the Secret may be made again where it cannot be changed.
    pub(crate) replaces_immutable: bool,
}

impl Identity {
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        Self {
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            generation: metadata.generation.unwrap_or_default(),
            scope: metadata.annotations.as_ref().map_or(Scope::Strict, Scope::from_annotations),
            replaces_immutable: metadata.annotations.as_ref().is_some_and(replaces_immutable),
        }
    }
}
