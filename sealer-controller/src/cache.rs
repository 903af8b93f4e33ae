//! What is known of the SealedSecrets in view, between two looks and across restarts.

pub(crate) mod checkpoint;
mod entry;
pub(crate) mod object_state;
mod pace;
pub(crate) mod record;
pub(crate) mod store;
pub(crate) mod watched_namespaces;
