//! All SealedSecrets in view: what is known of each, and which of them are to be looked at.
//!
//! The informers tell what they see. A worker asks twice: [`Cache::begin`] hands it an object, [`Cache::finish`] takes
//! what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::api::ObjectMeta;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::args::Config;
use crate::cache::entry::{Explained, Worker};
use crate::cache::object_state::{ObjectState, SyncedSecret};
use crate::cache::record::Record;
use crate::cache::store::view::{Recorded, View};
use crate::error::Reason;
use crate::keys::predictor::KeyHints;
use crate::kube::identity::Identity;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;
use crate::metrics::{ObjectCounts, Series};

mod view;

/// All SealedSecrets in view.
#[derive(Default)]
pub(crate) struct Cache {
    view: Mutex<View>,
    /// Whether no status is written that could say what was observed.
    without_status: bool,
}

/// What is to be done about an object that the watch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WatchOutcome {
    /// It is to be looked at.
    New,
    /// It says what it said before.
    Same,
    /// It and its Secret are as they were synced before a restart; its metric has these labels.
    Synced(Series),
}

/// What a worker gets.
#[derive(Debug)]
pub(crate) enum Begin {
    /// Something undoes each write to the object's Secret: it is to be left alone for so long.
    Pause(Duration),
    Work(Box<Begun>),
}

/// What is known of an object when a worker begins with it; nothing of one that the watch has not brought.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// The object as the watch brought it, if that was kept and no worker has had it.
    pub(crate) text: Option<Box<str>>,
    pub(crate) hints: KeyHints,
    /// The Secret that was synced before a restart, if nobody has looked since.
    pub(crate) recalled: Option<SyncedSecret>,
    /// Whether the object, as it is now, had its Secret synced before.
    pub(crate) was_synced: bool,
    /// The uid of an object that was deleted or has left the view.
    pub(crate) deleted: Option<Box<str>>,
    pub(crate) explained: Option<Explained>,
}

/// What came of a look.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The Secret of the object of that identity is as it should be; `wrote` if it had to be written.
    Synced { looked_at: Identity, secret: SyncedSecret, wrote: bool },
    /// It is not.
    Failed { looked_at: Identity, reason: Reason },
    /// Nothing became known: there is to be another look.
    Unfinished,
    /// The object is gone, and nothing is left to do for it.
    Gone,
}

/// What a worker is told at the end.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// Whether the outcome differs from the one of the look before.
    pub(crate) is_news: bool,
    /// Whether so many writes came in a row that the next one has to wait.
    pub(crate) is_slowed: bool,
    /// Whether somebody else changed the Secret meanwhile.
    pub(crate) changed_meanwhile: bool,
    /// The instance label of the object's metric.
    pub(crate) instance: Box<str>,
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
        if let Some(recorded) = view.recorded(&object.key) {
            return view.recall(object, recorded, self.without_status);
        }
        if view.all.get(&object.key).is_some_and(|entry| entry.says_the_same(&object, self.without_status)) {
            view.refresh_text(object);
            return WatchOutcome::Same;
        }
        let before = view.take(&object.key);
        let entry = match before {
            Some(before) => before.renewed(&object),
            None => view.first(&object),
        };
        view.put(entry, object);
        WatchOutcome::New
    }

    /// Hands an object to a worker.
    pub(crate) fn begin(&self, key: &Key, now: Instant) -> Begin {
        let mut view = self.lock();
        let Some(entry) = view.all.get_mut(key) else { return Begin::Work(Box::default()) };
        let is_deleted = entry.state.is_deleted();
        if let Some(pause) = entry.pace.wait(now).filter(|_| !is_deleted) {
            return Begin::Pause(pause);
        }
        let recalled = match &entry.state {
            ObjectState::Recalled(secret) => Some(secret.clone()),
            _ => None,
        };
        let begun = Begun {
            text: entry.text.take(),
            hints: entry.hints.clone(),
            recalled,
            was_synced: entry.state.secret().is_some(),
            deleted: is_deleted.then(|| entry.identity.uid.clone()),
            explained: entry.explained.clone(),
        };
        entry.state.begin();
        entry.worker = Worker::Here { seen: None };
        view.weight -= begun.text.as_ref().map_or(0, |text| text.len());
        Begin::Work(Box::new(begun))
    }

    /// Takes what came of a look, and what was found out about why no key opens the object.
    pub(crate) fn finish(&self, key: &Key, outcome: Outcome, explained: Option<Explained>, now: Instant) -> Finished {
        let mut view = self.lock();
        view.changes += u64::from(!matches!(outcome, Outcome::Unfinished));
        let at = view.changes;
        let Some(entry) = view.all.get_mut(key) else { return Finished::default() };
        if explained.is_some() {
            entry.explained = explained;
        }
        let mut is_slowed = false;
        let is_news = match outcome {
            Outcome::Synced { looked_at, secret, wrote } => {
                is_slowed = wrote && entry.pace.wrote(now);
                entry.settle(&looked_at, Ok(secret), at)
            }
            Outcome::Failed { looked_at, reason } => entry.settle(&looked_at, Err(reason), at),
            Outcome::Unfinished => false,
            Outcome::Gone if entry.state.is_deleted() => {
                view.all.remove(key);
                return Finished::default();
            }
            Outcome::Gone => false,
        };
        let changed_meanwhile = entry.release();
        Finished { is_news, is_slowed, changed_meanwhile, instance: entry.instance.clone() }
    }

    /// Whether such a SealedSecret is in view.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|entry| !entry.state.is_deleted())
    }

    /// The object was deleted.
    pub(crate) fn mark_deleted(&self, key: &Key) {
        let mut view = self.lock();
        view.recorded.remove(key);
        view.delete(key);
    }

    /// Whether any SealedSecret of a namespace is in view.
    pub(crate) fn has_any_in(&self, namespace: &str) -> bool {
        self.lock().in_view(Some(namespace)).next().is_some()
    }

    /// Marks as deleted what a fresh list of a namespace (or of all) no longer has; returns it.
    pub(crate) fn prune_missing(&self, namespace: Option<&str>, listed: &[Key]) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let mut view = self.lock();
        let in_view = |key: &Key| namespace.is_none_or(|namespace| key.namespace == namespace);
        view.absent(namespace);
        let missing = view.all.keys().filter(|key| in_view(key) && !listed.contains(key));
        let missing: Vec<Key> = missing.cloned().collect();
        missing.iter().for_each(|key| view.delete(key));
        missing
    }

    /// Whether the last look failed.
    pub(crate) fn has_failed(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|entry| entry.state.failure().is_some())
    }

    /// Objects whose Secret was synced when a list of a namespace (or of all) began, at that count of
    /// [`Cache::changes`], and is missing there.
    pub(crate) fn without_secret(&self, namespace: Option<&str>, listed: &[Key], began: u64) -> Vec<Key> {
        let listed: BTreeSet<&Key> = listed.iter().collect();
        let view = self.lock();
        let missing =
            view.in_view(namespace).filter(|(key, entry)| entry.state.had_secret_at(began) && !listed.contains(key));
        missing.map(|(key, _)| key.clone()).collect()
    }

    /// Takes note of a Secret's new version; says whether it is the work of somebody else on an object in view.
    pub(crate) fn secret_changed(&self, key: &Key, secret: &ObjectMeta) -> bool {
        let mut view = self.lock();
        if let Some(recorded) = view.recorded.get_mut(key) {
            recorded.secret_seen = recorded.record.secret.is(secret);
            return false;
        }
        let Some(entry) = view.all.get_mut(key).filter(|entry| !entry.state.is_deleted()) else { return false };
        entry.secret_changed(secret.resource_version.as_deref().unwrap_or_default())
    }

    /// Takes note that a Secret is about to be deleted on behalf of an object, so that nobody takes it for somebody else's doing;
    /// an empty uid takes that back.
    pub(crate) fn expect_deletion(&self, key: &Key, uid: &str) {
        if let Some(entry) = self.lock().all.get_mut(key) {
            entry.expected_deletion = (!uid.is_empty()).then(|| uid.into());
        }
    }

    /// Takes note that a Secret was deleted; says whether that was expected.
    pub(crate) fn secret_deleted(&self, key: &Key, uid: &str) -> bool {
        let mut view = self.lock();
        if let Some(recorded) = view.recorded.get_mut(key) {
            recorded.secret_seen = false;
        }
        let Some(entry) = view.all.get_mut(key) else { return false };
        !uid.is_empty() && entry.expected_deletion.take().is_some_and(|expected| *expected == *uid)
    }

    /// The objects that no key opened.
    pub(crate) fn unopened(&self) -> Vec<Key> {
        let view = self.lock();
        let unopened = view.all.iter().filter(|(_, entry)| entry.state.failure() == Some(Reason::Unseal));
        unopened.map(|(key, _)| key.clone()).collect()
    }

    /// Names of SealedSecrets in a namespace.
    pub(crate) fn names(&self, namespace: &str) -> Vec<String> {
        let view = self.lock();
        let mut names: Vec<String> = view.in_view(Some(namespace)).map(|(key, _)| key.name.clone()).collect();
        names.sort();
        names
    }

    /// Brings back what was synced before a restart.
    pub(crate) fn recall(&self, records: impl IntoIterator<Item = (Key, Record)>) {
        let recorded = |(key, record)| (key, Recorded { record, secret_seen: false });
        self.lock().recorded.extend(records.into_iter().map(recorded));
    }

    /// Whether anything that was recorded as synced has not been seen yet.
    pub(crate) fn recalls(&self) -> bool {
        self.lock().recorded.values().any(|recorded| !recorded.record.is_hint())
    }

    /// How many objects are in each state.
    pub(crate) fn counts(&self) -> ObjectCounts {
        self.lock().counts()
    }

    /// Counts changes of what is known.
    pub(crate) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// How many records there are, at most.
    pub(crate) fn record_count(&self) -> usize {
        let view = self.lock();
        view.all.len() + view.recorded.len()
    }

    /// Everything that is synced, and the keys that opened what is not: what is wanted of it, each handed to `take`.
    pub(crate) fn records(&self, wanted: impl Fn(&Key) -> bool, mut take: impl FnMut(&Key, Record)) {
        let view = self.lock();
        for (key, entry) in view.all.iter().filter(|(key, _)| wanted(key)) {
            match &entry.state {
                ObjectState::Synced { secret, .. } => {
                    take(key, Record { sealed: entry.identity.clone(), secret: secret.clone() });
                }
                ObjectState::Deleted => {}
                _ => entry.known_keys().into_iter().for_each(|keys| take(key, Record::hint(keys))),
            }
        }
        // What was recorded and not seen yet is still worth what it was.
        let recorded = view.recorded.iter().filter(|(key, _)| wanted(key));
        recorded.for_each(|(key, recorded)| take(key, recorded.record.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, View> {
        self.view.lock()
    }
}

#[cfg(test)]
mod tests;
