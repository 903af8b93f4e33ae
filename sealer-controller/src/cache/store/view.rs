//! What the cache holds behind its lock.

use std::collections::HashMap;
use std::sync::Arc;

use sealer_core::Fingerprint;

use crate::cache::entry::Entry;
use crate::cache::object_state::ObjectState;
use crate::cache::record::Record;
use crate::cache::store::WatchOutcome;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;
use crate::metrics::{ObjectCounts, Series};

/// The objects, and what was known of them before a restart.
#[derive(Default)]
pub(super) struct View {
    pub(super) all: HashMap<Key, Box<Entry>>,
    /// From before a restart, until the object is seen.
    pub(super) recorded: HashMap<Key, Recorded>,
    /// The keys that opened objects which were recorded and are not there: a restored cluster has its Secrets back before
    /// its SealedSecrets. No more of them than were read at the start.
    pub(super) absent: HashMap<Key, Arc<[Fingerprint]>>,
    /// Bytes of objects that are held as text.
    pub(super) weight: usize,
    /// Counts what changes in the records.
    pub(super) changes: u64,
}

/// What an earlier run recorded of an object.
pub(super) struct Recorded {
    pub(super) record: Record,
    /// Whether the Secret was seen as recorded.
    pub(super) secret_seen: bool,
}

impl View {
    /// Objects of a namespace (or of all) that are not deleted.
    pub(super) fn in_view(&self, namespace: Option<&str>) -> impl Iterator<Item = (&Key, &Entry)> {
        let is_there = move |(key, entry): &(&Key, &Entry)| {
            namespace.is_none_or(|namespace| key.namespace == namespace) && !entry.state.is_deleted()
        };
        self.all.iter().map(|(key, entry)| (key, &**entry)).filter(is_there)
    }

    /// Takes an entry out.
    pub(super) fn take(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.all.remove(key)?;
        self.weight -= entry.text.as_ref().map_or(0, |text| text.len());
        Some(*entry)
    }

    /// Puts an entry in, and keeps the object's text if there is room and a worker is to come.
    pub(super) fn put(&mut self, mut entry: Entry, object: Sighting) {
        self.changes += 1;
        if entry.state.is_pending() && self.weight + object.text.len() <= MOST_WEIGHT {
            self.weight += object.text.len();
            entry.text = Some(object.text);
        }
        self.all.insert(object.key, Box::new(entry));
    }

    /// Keeps the newer text of an object that says the same, in place of the older one.
    pub(super) fn refresh_text(&mut self, object: Sighting) {
        let text = self.all.get_mut(&object.key).and_then(|entry| entry.text.as_mut());
        if let Some(text) = text {
            self.weight = self.weight - text.len() + object.text.len();
            *text = object.text;
        }
    }

    /// Takes an object in that was synced before a restart.
    pub(super) fn recall(&mut self, object: Sighting, recorded: Recorded, without_status: bool) -> WatchOutcome {
        let Recorded { record, secret_seen } = recorded;
        let is_as_recorded = record.holds_for(&object, without_status);
        let (state, outcome) = match (is_as_recorded, secret_seen) {
            (true, true) => {
                let Key { namespace, name } = object.key.clone();
                let series = Series { namespace, name, instance: object.instance.to_string() };
                (ObjectState::Synced { secret: record.secret, at: 0 }, WatchOutcome::Synced(series))
            }
            (true, false) => (ObjectState::Recalled(record.secret), WatchOutcome::New),
            (false, _) => {
                let mut entry = Entry::new(&object, ObjectState::Pending);
                entry.hints.keys = record.secret.keys;
                self.put(entry, object);
                return WatchOutcome::New;
            }
        };
        self.put(Entry::new(&object, state), object);
        outcome
    }

    /// Takes out what was recorded of an object. The last one takes the room along.
    pub(super) fn recorded(&mut self, key: &Key) -> Option<Recorded> {
        let recorded = self.recorded.remove(key)?;
        if self.recorded.is_empty() {
            self.recorded = HashMap::new();
        }
        Some(recorded)
    }

    /// The entry of an object that is new here.
    pub(super) fn first(&mut self, object: &Sighting) -> Entry {
        let mut entry = Entry::new(object, ObjectState::Pending);
        if let Some(keys) = self.absent.remove(&object.key) {
            entry.hints.keys = keys;
        }
        entry
    }

    /// What was recorded of a namespace (or of all) and was not seen went while nobody watched, or is not back yet.
    pub(super) fn absent(&mut self, namespace: Option<&str>) {
        let in_view = |key: &Key| namespace.is_none_or(|namespace| key.namespace == namespace);
        let absent = self.recorded.extract_if(|key, _| in_view(key));
        let absent = absent.map(|(key, recorded)| (key, recorded.record.secret.keys));
        self.absent.extend(absent.filter(|(_, keys)| !keys.is_empty()));
    }

    /// How many objects are in each state.
    pub(super) fn counts(&self) -> ObjectCounts {
        let mut counts = ObjectCounts::default();
        for entry in self.all.values() {
            match entry.state {
                ObjectState::Recalled(_) | ObjectState::Pending | ObjectState::Processing => counts.pending += 1,
                ObjectState::Synced { .. } => counts.synced += 1,
                ObjectState::Failed { .. } => counts.failed += 1,
                ObjectState::Deleted => {}
            }
        }
        counts
    }

    pub(super) fn delete(&mut self, key: &Key) {
        let Some(entry) = self.all.get_mut(key) else { return };
        self.weight -= entry.text.as_ref().map_or(0, |text| text.len());
        entry.delete();
        self.changes += 1;
    }
}

/// Bytes of objects that are held as text while they wait, some thousands of small ones; of those beyond, the worker reads
/// the body when it comes to them.
pub(super) const MOST_WEIGHT: usize = 8 << 20;
