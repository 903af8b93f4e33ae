//! All SealedSecrets in view: what is remembered of each, and which of them are to be looked at.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::api::ObjectMeta;
use sealer_core::resource::explain::Explanation;
use tokio::time::Instant;

use crate::args::Config;
use crate::cache::object_state::{ObjectState, Record, SyncedSecret};
use crate::error::{Failure, Reason};
use crate::keys::predictor::KeyHints;
use crate::kube::identity::Identity;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;
use crate::metrics::Series;

/// All SealedSecrets in view.
#[derive(Default)]
pub(crate) struct Cache {
    view: Mutex<View>,
    /// Whether no status is written that could say what was observed.
    without_status: bool,
}

#[derive(Default)]
struct View {
    all: HashMap<Key, ObjectState>,
    /// From before a restart, until the object is seen; with whether its Secret was seen as recorded.
    recalled: HashMap<Key, (Record, bool)>,
    /// Bytes of objects that are held as text.
    weight: usize,
    /// Counts what changes in the records.
    changes: u64,
}

/// What is to be done about an object that the watch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchOutcome {
    /// It is to be looked at.
    New,
    /// It says what it said before.
    Same,
    /// It and its Secret are as they were in order before a restart.
    Synced,
}

impl Cache {
    /// For a controller of that configuration.
    pub(crate) fn new(config: &Config) -> Self {
        if config.update_status { Self::default() } else { Self::without_status() }
    }

    /// For a controller that writes no status.
    fn without_status() -> Self {
        Self { without_status: true, ..Self::default() }
    }

    /// Takes note of an object.
    pub(crate) fn observe(&self, object: Sighting) -> WatchOutcome {
        let mut view = self.lock();
        if let Some(recalled) = view.recalled.remove(&object.key) {
            return view.recall(object, recalled, self.without_status);
        }
        let Some(known) = view.all.get_mut(&object.key) else {
            let known = ObjectState::new(&object, KeyHints { written: object.written, ..KeyHints::default() });
            view.put(known, object);
            return WatchOutcome::New;
        };
        let same = known.sealed == object.identity && known.instance == object.instance;
        // A generation that nobody observed keeps waiting tools waiting, whatever else is the same.
        let observed = object.observed == Some(object.identity.generation) || (self.without_status && known.settled);
        if same && !known.gone && (known.waiting || observed) {
            if let Some(old) = known.body.take() {
                let new = known.body.insert(object.text).len();
                view.weight = view.weight - old.len() + new;
            }
            return WatchOutcome::Same;
        }
        let keys = known.secret.as_ref().map_or_else(|| known.hints.keys.clone(), |secret| secret.keys.clone());
        let (explained, pace) =
            if same { (known.explained.take(), std::mem::take(&mut known.pace)) } else { Default::default() };
        let hints = KeyHints { keys, written: object.written };
        let known = ObjectState { explained, pace, ..ObjectState::new(&object, hints) };
        view.put(known, object);
        WatchOutcome::New
    }

    /// The text of the object that the watch brought last, if it was kept and no worker has had it.
    pub(crate) fn take(&self, key: &Key) -> Option<Box<str>> {
        let mut view = self.lock();
        let known = view.all.get_mut(key)?;
        known.seen_version = Box::default();
        known.waiting = false;
        let body = known.body.take()?;
        view.weight -= body.len();
        Some(body)
    }

    /// The Secret that was in order before a restart, if nobody has looked since.
    pub(crate) fn unproven(&self, key: &Key) -> Option<SyncedSecret> {
        let mut view = self.lock();
        let known = view.all.get_mut(key)?;
        if std::mem::take(&mut known.unproven) { known.secret.clone() } else { None }
    }

    /// What hints at the key of an object.
    pub(crate) fn hints(&self, key: &Key) -> KeyHints {
        self.lock().all.get(key).map(|known| known.hints.clone()).unwrap_or_default()
    }

    /// Whether such a SealedSecret is in view.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|known| !known.gone)
    }

    /// The object was deleted.
    pub(crate) fn mark_gone(&self, key: &Key) {
        let mut view = self.lock();
        view.recalled.remove(key);
        view.end(key);
    }

    /// The uid of an object that was deleted.
    pub(crate) fn uid_of_gone(&self, key: &Key) -> Option<Box<str>> {
        self.lock().all.get(key).filter(|known| known.gone).map(|known| known.sealed.uid.clone())
    }

    /// Whether the object is still there and the watch no longer shows it: its labels do not fit any longer.
    pub(crate) fn has_left_view(&self, key: &Key, object: &ObjectMeta) -> bool {
        let uid = object.uid.as_deref().unwrap_or_default();
        self.lock().all.get(key).is_some_and(|known| known.gone && *known.sealed.uid == *uid)
    }

    /// Whether any SealedSecret of a namespace is in view.
    pub(crate) fn has_any_in(&self, namespace: &str) -> bool {
        self.lock().all.iter().any(|(key, known)| key.namespace == namespace && !known.gone)
    }

    /// Forgets a deleted object.
    pub(crate) fn forget(&self, key: &Key) {
        let mut view = self.lock();
        if view.all.get(key).is_some_and(|known| known.gone) {
            view.all.remove(key);
            view.changes += 1;
        }
    }

    /// Marks as deleted what a fresh list of a namespace (or of all) no longer has; returns it.
    pub(crate) fn prune_missing(&self, namespace: Option<&str>, listed: &[Key]) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let mut view = self.lock();
        let in_view = |key: &Key| namespace.is_none_or(|namespace| key.namespace == namespace);
        // What was recalled and is not there went while nobody watched.
        view.recalled.retain(|key, _| !in_view(key));
        let missing = view.all.keys().filter(|key| in_view(key) && !listed.contains(key));
        let missing: Vec<Key> = missing.cloned().collect();
        missing.iter().for_each(|key| view.end(key));
        missing
    }

    /// What came of the last look; says whether it differs from what came of the one before.
    pub(crate) fn settled(&self, key: &Key, outcome: Result<SyncedSecret, &Failure>) -> bool {
        let mut view = self.lock();
        view.changes += 1;
        let now = view.changes;
        let Some(known) = view.all.get_mut(key) else { return false };
        let before = (known.settled, known.failed);
        known.settled = true;
        known.settled_at = now;
        match outcome {
            Ok(secret) => {
                known.failed = None;
                known.secret = Some(secret);
            }
            Err(failure) => known.failed = Some(failure.reason),
        }
        before != (true, known.failed)
    }

    /// Takes note of a write to the Secret; says whether so many came in a row that the next one has to wait.
    pub(crate) fn wrote(&self, key: &Key, now: Instant) -> bool {
        self.lock().all.get_mut(key).is_some_and(|known| known.pace.wrote(now))
    }

    /// How long to leave the object alone, because something undoes each write to its Secret.
    pub(crate) fn pause(&self, key: &Key, now: Instant) -> Option<Duration> {
        self.lock().all.get(key).filter(|known| !known.gone)?.pace.wait(now)
    }

    /// Whether the last look failed.
    pub(crate) fn has_failed(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|known| known.failed.is_some())
    }

    /// Objects whose Secret was in order when a list of a namespace (or of all) began, at that count of
    /// [`Cache::changes`], and is missing there.
    pub(crate) fn without_secret(&self, namespace: Option<&str>, listed: &[Key], began: u64) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let view = self.lock();
        let missing = view.all.iter().filter(|(key, known)| {
            let in_view = namespace.is_none_or(|namespace| key.namespace == namespace);
            let was_there = known.secret.is_some() && known.settled_at <= began;
            in_view && !known.gone && was_there && !listed.contains(key)
        });
        missing.map(|(key, _)| key.clone()).collect()
    }

    /// Takes note of a Secret's new version; says whether it is the work of somebody else on an object in view.
    pub(crate) fn secret_changed(&self, key: &Key, secret: &ObjectMeta) -> bool {
        let mut view = self.lock();
        if let Some((record, seen)) = view.recalled.get_mut(key) {
            *seen = record.secret.is(secret);
            return false;
        }
        let Some(known) = view.all.get_mut(key).filter(|known| !known.gone) else { return false };
        let version = secret.resource_version.as_deref().unwrap_or_default();
        known.seen_version = version.into();
        !known.waiting && known.secret_version() != version
    }

    /// Whether the object, as it is now, had its Secret in sync before.
    pub(crate) fn was_synced(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|known| known.secret.is_some())
    }

    /// Takes note that a Secret is about to be deleted on behalf of an object, so that nobody takes it for somebody else's doing;
    /// an empty uid takes that back.
    pub(crate) fn expect_deletion(&self, key: &Key, uid: &str) {
        if let Some(known) = self.lock().all.get_mut(key) {
            known.deleting = uid.into();
        }
    }

    /// Takes note that a Secret was deleted; says whether that was expected.
    pub(crate) fn secret_deleted(&self, key: &Key, uid: &str) -> bool {
        let mut view = self.lock();
        if let Some((_, seen)) = view.recalled.get_mut(key) {
            *seen = false;
        }
        let Some(known) = view.all.get_mut(key) else { return false };
        !uid.is_empty() && std::mem::take(&mut known.deleting) == uid.into()
    }

    /// Whether a Secret was changed by somebody else while a worker had its object.
    pub(crate) fn changed_meanwhile(&self, key: &Key) -> bool {
        let is_news =
            |known: &ObjectState| !known.seen_version.is_empty() && *known.seen_version != *known.secret_version();
        self.lock().all.get(key).is_some_and(is_news)
    }

    /// The objects that no key opened.
    pub(crate) fn unopened(&self) -> Vec<Key> {
        let failed = |known: &ObjectState| known.failed == Some(Reason::Unseal);
        self.lock().all.iter().filter(|(_, known)| failed(known)).map(|(key, _)| key.clone()).collect()
    }

    /// What was found when it was asked why no key opens this generation of the object; nothing if nobody asked yet.
    pub(crate) fn explanation(&self, key: &Key, sealed: &Identity) -> Option<Option<Explanation>> {
        let view = self.lock();
        let (explained, explanation) = view.all.get(key)?.explained.as_ref()?;
        (explained == sealed).then(|| explanation.as_deref().cloned())
    }

    /// Keeps what was found for as long as the object stays the same.
    pub(crate) fn explained(&self, key: &Key, sealed: Identity, explanation: Option<Explanation>) {
        if let Some(known) = self.lock().all.get_mut(key) {
            known.explained = Some((sealed, explanation.map(Box::new)));
        }
    }

    /// Names of SealedSecrets in a namespace.
    pub(crate) fn names(&self, namespace: &str) -> Vec<String> {
        let view = self.lock();
        let there = view.all.iter().filter(|(key, known)| key.namespace == namespace && !known.gone);
        let mut names: Vec<String> = there.map(|(key, _)| key.name.clone()).collect();
        names.sort();
        names
    }

    /// The labels of the object's metric.
    pub(crate) fn series(&self, key: &Key) -> Series {
        let instance = self.lock().all.get(key).map(|known| known.instance.to_string()).unwrap_or_default();
        Series { namespace: key.namespace.clone(), name: key.name.clone(), instance }
    }

    /// Brings back what was in order before a restart.
    pub(crate) fn recall(&self, records: impl IntoIterator<Item = (Key, Record)>) {
        self.lock().recalled.extend(records.into_iter().map(|(key, record)| (key, (record, false))));
    }

    /// Whether anything that was recalled has not been seen yet.
    pub(crate) fn recalls(&self) -> bool {
        !self.lock().recalled.is_empty()
    }

    /// Counts changes of what is known.
    pub(crate) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Everything that is in order, each handed to `take`.
    pub(crate) fn records(&self, mut take: impl FnMut(&Key, Record)) {
        let view = self.lock();
        for (key, known) in &view.all {
            let in_order = known.settled && !known.waiting && !known.gone && known.failed.is_none();
            if let Some(secret) = known.secret.as_ref().filter(|_| in_order) {
                take(key, Record { sealed: known.sealed.clone(), secret: secret.clone() });
            }
        }
        // What is recalled and was not seen yet is still worth what it was.
        view.recalled.iter().for_each(|(key, (record, _))| take(key, record.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, View> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Puts an object in, and keeps its text if there is room.
    fn put(&mut self, mut known: ObjectState, object: Sighting) {
        self.changes += 1;
        let before = self.all.remove(&object.key).and_then(|known| known.body);
        self.weight -= before.map_or(0, |body| body.len());
        if known.waiting && self.weight + object.text.len() <= MOST_WEIGHT {
            self.weight += object.text.len();
            known.body = Some(object.text);
        }
        self.all.insert(object.key, known);
    }

    /// Takes an object in that was in order before a restart.
    fn recall(&mut self, object: Sighting, (record, seen): (Record, bool), without_status: bool) -> WatchOutcome {
        let hints = KeyHints { keys: record.secret.keys.clone(), written: object.written };
        if !record.holds_for(&object, without_status) {
            let known = ObjectState::new(&object, hints);
            self.put(known, object);
            return WatchOutcome::New;
        }
        let known = ObjectState::recalled(&object, hints, record.secret, seen);
        self.put(known, object);
        if seen { WatchOutcome::Synced } else { WatchOutcome::New }
    }

    fn end(&mut self, key: &Key) {
        let Some(known) = self.all.get_mut(key) else { return };
        self.weight -= known.body.as_ref().map_or(0, |body| body.len());
        known.end();
        self.changes += 1;
    }
}

/// Bytes of objects that are held as text while they wait, some thousands of small ones; of those beyond, the worker reads
/// the body when it comes to them.
const MOST_WEIGHT: usize = 8 << 20;

#[cfg(test)]
mod tests;
