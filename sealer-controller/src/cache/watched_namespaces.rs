//! The namespaces whose Secrets are watched now.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;

/// In which namespaces (or in all) Secrets are watched now.
#[derive(Debug, Default)]
pub(crate) struct WatchedNamespaces(Mutex<BTreeSet<Option<String>>>);

impl WatchedNamespaces {
    /// Whether what happens to Secrets of a namespace is seen.
    pub(crate) fn reaches(&self, namespace: &str) -> bool {
        let watched = self.lock();
        watched.contains(&None) || watched.contains(&Some(namespace.to_owned()))
    }

    pub(crate) fn begins(&self, namespace: Option<&str>) {
        self.lock().insert(namespace.map(str::to_owned));
    }

    pub(crate) fn ends(&self, namespace: Option<&str>) {
        self.lock().remove(&namespace.map(str::to_owned));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Option<String>>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watched_namespaces_are_reached() {
        let sight = WatchedNamespaces::default();
        assert!(!sight.reaches("a"));
        sight.begins(Some("a"));
        assert!(sight.reaches("a") && !sight.reaches("b"));
        sight.ends(Some("a"));
        assert!(!sight.reaches("a"));
        sight.begins(None);
        assert!(sight.reaches("a") && sight.reaches("b"));
    }
}
