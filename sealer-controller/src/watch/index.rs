//! What is remembered of each SealedSecret between two looks: enough to decide whether to look again, and no content.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt as _;
use kube::api::DynamicObject;
use sealer_core::Scope;
use sealer_core::resource::explain::Explanation;

use crate::error::{Failure, Reason};
use crate::metrics::Series;
use crate::queue::{Key, Queue};

/// All SealedSecrets in view.
#[derive(Default)]
pub(crate) struct Index {
    all: Mutex<HashMap<Key, Known>>,
    /// Whether no status is written that could say what was observed.
    without_status: bool,
}

#[derive(Default)]
struct Known {
    uid: String,
    generation: i64,
    scope: Scope,
    instance: String,
    /// The object as the watch brought it, until a worker takes it.
    pending: Option<Box<DynamicObject>>,
    /// The Secret's version that we wrote or found in order.
    secret_version: String,
    /// The last version that the watch of Secrets brought since a worker began.
    seen_version: String,
    settled: bool,
    /// Why no key opened it, once that was looked for; it is looked for once a generation.
    explained: Option<Option<Explanation>>,
    failed: Option<Reason>,
    gone: bool,
}

impl Index {
    /// For a controller that writes no status.
    pub(crate) fn without_status() -> Self {
        Self { without_status: true, ..Self::default() }
    }

    /// Takes note of an object; says whether it is to be looked at.
    pub(crate) fn saw(&self, key: &Key, object: DynamicObject) -> bool {
        let mut all = self.lock();
        let known = all.entry(key.clone()).or_default();
        let scope = Scope::from_annotations(object.annotations());
        let instance = object.labels().get(INSTANCE_LABEL).cloned().unwrap_or_default();
        let generation = object.metadata.generation.unwrap_or_default();
        let uid = object.uid().unwrap_or_default();
        let same =
            known.uid == uid && known.generation == generation && known.scope == scope && known.instance == instance;
        let observed = object.data.pointer("/status/observedGeneration").and_then(serde_json::Value::as_i64);
        // A generation that nobody observed keeps waiting tools waiting, whatever else is the same.
        let observed = observed == Some(generation) || (self.without_status && known.settled);
        if same && !known.gone && (known.pending.is_some() || observed) {
            if known.pending.is_some() {
                known.pending = Some(Box::new(object));
            }
            return false;
        }
        let explained = if same { known.explained.take() } else { None };
        let pending = Some(Box::new(object));
        *known = Known { uid, generation, scope, instance, pending, explained, ..Known::default() };
        true
    }

    /// The object that the watch brought last, if no worker has had it.
    pub(crate) fn take(&self, key: &Key) -> Option<DynamicObject> {
        let mut all = self.lock();
        let known = all.get_mut(key)?;
        known.seen_version.clear();
        known.pending.take().map(|object| *object)
    }

    /// Whether such a SealedSecret is in view.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|known| !known.gone)
    }

    /// The object was deleted.
    pub(crate) fn mark_gone(&self, key: &Key) {
        if let Some(known) = self.lock().get_mut(key) {
            known.gone = true;
            known.pending = None;
        }
    }

    /// Whether the object was deleted.
    pub(crate) fn is_gone(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|known| known.gone)
    }

    /// Forgets a deleted object.
    pub(crate) fn forget(&self, key: &Key) {
        let mut all = self.lock();
        if all.get(key).is_some_and(|known| known.gone) {
            all.remove(key);
        }
    }

    /// Marks as deleted what a fresh list of a namespace (or of all) no longer has; returns it.
    pub(crate) fn keep_only(&self, namespace: Option<&str>, listed: &[Key]) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let mut all = self.lock();
        let in_view = |key: &Key| namespace.is_none_or(|namespace| key.namespace == namespace);
        let missing = all.iter_mut().filter(|(key, _)| in_view(key) && !listed.contains(key));
        missing
            .map(|(key, known)| {
                known.gone = true;
                known.pending = None;
                key.clone()
            })
            .collect()
    }

    /// What came of the last look; says whether it differs from what came of the one before.
    pub(crate) fn settled(&self, key: &Key, outcome: Result<String, &Failure>) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(key) else { return false };
        let before = (known.settled, known.failed);
        known.settled = true;
        match outcome {
            Ok(version) => {
                known.failed = None;
                known.secret_version = version;
            }
            Err(failure) => known.failed = Some(failure.reason),
        }
        before != (true, known.failed)
    }

    /// Whether the last look failed.
    pub(crate) fn has_failed(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|known| known.failed.is_some())
    }

    /// Objects whose Secret was in order and is missing in a fresh list of a namespace (or of all).
    pub(crate) fn without_secret(&self, namespace: Option<&str>, listed: &[Key]) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let all = self.lock();
        let missing = all.iter().filter(|(key, known)| {
            let in_view = namespace.is_none_or(|namespace| key.namespace == namespace);
            in_view && !known.gone && !known.secret_version.is_empty() && !listed.contains(key)
        });
        missing.map(|(key, _)| key.clone()).collect()
    }

    /// Takes note of a Secret's new version; says whether it is the work of somebody else on an object in view.
    pub(crate) fn secret_changed(&self, key: &Key, version: &str) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(key).filter(|known| !known.gone) else { return false };
        version.clone_into(&mut known.seen_version);
        known.pending.is_none() && known.secret_version != version
    }

    /// Whether a Secret was changed by somebody else while a worker had its object.
    pub(crate) fn changed_meanwhile(&self, key: &Key) -> bool {
        let is_news = |known: &Known| !known.seen_version.is_empty() && known.seen_version != known.secret_version;
        self.lock().get(key).is_some_and(is_news)
    }

    /// Looks again at every object that no key opened.
    pub(crate) fn requeue_unopened(&self, queue: &Queue) {
        let failed = |known: &Known| known.failed == Some(Reason::Unseal);
        let keys: Vec<Key> =
            self.lock().iter().filter(|(_, known)| failed(known)).map(|(key, _)| key.clone()).collect();
        keys.into_iter().for_each(|key| queue.add(key));
    }

    /// What was found when it was asked why no key opens the object; nothing if nobody asked yet.
    pub(crate) fn explanation(&self, key: &Key) -> Option<Option<Explanation>> {
        self.lock().get(key)?.explained.clone()
    }

    /// Keeps what was found for as long as the object stays the same.
    pub(crate) fn explained(&self, key: &Key, explanation: Option<Explanation>) {
        if let Some(known) = self.lock().get_mut(key) {
            known.explained = Some(explanation);
        }
    }

    /// Names of SealedSecrets in a namespace.
    pub(crate) fn names(&self, namespace: &str) -> Vec<String> {
        let all = self.lock();
        let there = all.iter().filter(|(key, known)| key.namespace == namespace && !known.gone);
        let mut names: Vec<String> = there.map(|(key, _)| key.name.clone()).collect();
        names.sort();
        names
    }

    /// The labels of the object's metric.
    pub(crate) fn series(&self, key: &Key) -> Series {
        let instance = self.lock().get(key).map(|known| known.instance.clone()).unwrap_or_default();
        Series { namespace: key.namespace.clone(), name: key.name.clone(), instance }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn object(uid: &str, generation: i64, observed: Option<i64>, annotations: &serde_json::Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "a", "namespace": "ns", "uid": uid, "generation": generation, "annotations": annotations},
            "spec": {}, "status": {"observedGeneration": observed},
        }))
        .unwrap()
    }

    #[test]
    fn only_what_changes_the_outcome_is_looked_at_again() {
        let index = Index::default();
        let key = Key::new("ns", "a");
        let none = json!({});
        assert!(index.saw(&key, object("1", 1, None, &none)));
        assert!(index.take(&key).is_some());
        index.settled(&key, Ok("7".to_owned()));
        assert!(!index.saw(&key, object("1", 1, Some(1), &none)), "own status write");
        assert!(!index.saw(&key, object("1", 1, Some(1), &json!({"other": "x"}))), "foreign annotation");
        assert!(index.saw(&key, object("1", 2, Some(1), &none)), "new spec");
        index.take(&key);
        assert!(
            index.saw(&key, object("1", 2, Some(2), &json!({"sealedsecrets.bitnami.com/cluster-wide": "true"}))),
            "new scope"
        );
        index.take(&key);
        assert!(
            index.saw(&key, object("2", 2, Some(2), &json!({"sealedsecrets.bitnami.com/cluster-wide": "true"}))),
            "made anew"
        );
        assert!(!index.secret_changed(&key, "8"), "it is looked at anyway");
        index.take(&key);
        index.settled(&key, Ok("8".to_owned()));
        assert!(!index.secret_changed(&key, "8"), "own write");
        assert!(!index.changed_meanwhile(&key));
        assert!(index.secret_changed(&key, "9"), "somebody else's");
        assert!(index.changed_meanwhile(&key));
        index.take(&key);
        assert!(!index.changed_meanwhile(&key), "the next look sees it");
        assert_eq!(index.keep_only(Some("other"), &[]), []);
        assert_eq!(index.keep_only(None, &[]), std::slice::from_ref(&key));
        assert!(index.is_gone(&key) && !index.knows(&key));
    }

    #[test]
    fn a_failure_and_a_missing_secret_are_remembered() {
        let index = Index::default();
        let key = Key::new("ns", "a");
        assert!(index.saw(&key, object("1", 1, None, &json!({}))));
        index.take(&key);
        let failure = Failure::unmanaged("a");
        assert!(index.settled(&key, Err(&failure)), "news");
        assert!(!index.settled(&key, Err(&failure)), "known");
        assert!(index.has_failed(&key));
        assert_eq!(index.without_secret(None, &[]), [], "it had none");
        assert!(index.settled(&key, Ok("7".to_owned())));
        assert!(!index.has_failed(&key));
        assert_eq!(index.without_secret(Some("ns"), &[]), std::slice::from_ref(&key));
        assert_eq!(index.without_secret(Some("other"), &[]), []);
        assert_eq!(index.without_secret(None, std::slice::from_ref(&key)), []);
    }

    #[test]
    fn without_a_status_the_look_itself_is_what_was_observed() {
        let key = Key::new("ns", "a");
        for (index, again) in [(Index::default(), true), (Index::without_status(), false)] {
            assert!(index.saw(&key, object("1", 1, None, &json!({}))));
            index.take(&key);
            index.settled(&key, Ok("7".to_owned()));
            assert_eq!(index.saw(&key, object("1", 1, None, &json!({}))), again);
        }
    }
}
