//! What cannot be read. It says which object, where that can be told, and nothing of what it holds.

use std::fmt;

use serde::de::Error as _;

use crate::kube::object_key::Key;

/// An object that is not what its kind should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) namespace: String,
    /// Empty where not even the name can be read.
    pub(crate) name: String,
}

impl Unreadable {
    /// Which object it is, where that can be told.
    pub(crate) fn key(&self) -> Option<Key> {
        (!self.namespace.is_empty() && !self.name.is_empty()).then(|| Key::new(&*self.namespace, &*self.name))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "(no readable name)" } else { &self.name };
        write!(f, "{}/{name}", self.namespace)
    }
}

/// An answer that is no answer: cut off, no JSON, too long, or of another kind.
pub(crate) fn unreadable_answer() -> kube::Error {
    kube::Error::SerdeError(serde_json::Error::custom("the API server's answer cannot be read"))
}
