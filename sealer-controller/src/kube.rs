//! What is said to the API server and what it answers. The connection is the crate kube's; answers are decoded here:
//! leniently, one object at a time, within bounds, and without a word of them in any log or error.

pub(crate) mod call;
pub(crate) mod client;
pub(crate) mod collection;
pub(crate) mod events;
pub(crate) mod identity;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod metadata;
pub(crate) mod object_key;
pub(crate) mod page;
pub(crate) mod rbac;
pub(crate) mod refusal;
pub(crate) mod sealed_secret;
pub(crate) mod secret;
pub(crate) mod stream;
pub(crate) mod synced_condition;
mod throttle;
pub(crate) mod unreadable;
