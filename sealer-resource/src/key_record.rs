//! The record that a controller keeps of its keys: which of them controllers made, and which were there otherwise.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use sealer_core::key::fingerprint::Fingerprint;

/// Secret in the controller's namespace that says which keys are known.
pub const KEY_RECORD_SECRET: &str = "sealed-secrets-checkpoint-keys";
/// Item of [`KEY_RECORD_SECRET`] that holds a [`KeyRecord`].
pub const KEY_RECORD_ITEM: &str = "keys";

/// Fingerprints, and nothing of a key. What it is trusted for is whatever the Secret that holds it is trusted for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Keys that a controller made; they stay in the record when they are retired.
    #[serde(default)]
    made: BTreeSet<String>,
    /// Keys that others brought and that were in the ring when the record was written.
    #[serde(default)]
    met: BTreeSet<String>,
}

impl KeyRecord {
    /// Reads a record; nothing if it is none.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The text to store.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing JSON into memory does not fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a controller made the key.
    pub fn is_made(&self, key: &Fingerprint) -> bool {
        self.made.contains(key.as_str())
    }

    /// Whether the key is not new.
    pub fn is_known(&self, key: &Fingerprint) -> bool {
        self.is_made(key) || self.met.contains(key.as_str())
    }

    /// Takes note of a key that a controller makes.
    pub fn add_made(&mut self, key: &Fingerprint) {
        self.made.insert(key.as_str().to_owned());
    }

    /// Takes note of the ring as it is now.
    pub fn set_ring<'a>(&mut self, keys: impl IntoIterator<Item = &'a Fingerprint>) {
        let keys = keys.into_iter().filter(|key| !self.is_made(key)).map(|key| key.as_str().to_owned());
        self.met = keys.collect();
    }

    /// Adds what another record says was made.
    pub fn merge(&mut self, other: Self) {
        self.made.extend(other.made);
        self.met.extend(other.met);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use super::*;
    use sealer_core::UnsealingKey;

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let keys: Vec<_> = (0..3).map(|_| UnsealingKey::generate(1024).unwrap().fingerprint().clone()).collect();
        let mut record = KeyRecord::default();
        record.add_made(&keys[0]);
        record.set_ring(&keys[..2]);
        assert!(record.is_made(&keys[0]) && !record.is_made(&keys[1]));
        assert!(record.is_known(&keys[0]) && record.is_known(&keys[1]) && !record.is_known(&keys[2]));
        assert_eq!(KeyRecord::from_json(&record.to_json()), Some(record.clone()));
        record.set_ring(&keys[2..]);
        assert!(record.is_made(&keys[0]), "what was made stays so");
        assert!(!record.is_known(&keys[1]) && record.is_known(&keys[2]));
    }

    #[test]
    fn records_of_two_controllers_are_one_record() {
        let keys: Vec<_> = (0..4).map(|_| UnsealingKey::generate(1024).unwrap().fingerprint().clone()).collect();
        let (mut one, mut other) = (KeyRecord::default(), KeyRecord::default());
        one.add_made(&keys[0]);
        one.set_ring([&keys[1]]);
        other.add_made(&keys[2]);
        other.set_ring([&keys[3]]);
        one.merge(other);
        assert_eq!(keys.iter().map(|key| one.is_made(key)).collect::<Vec<_>>(), [true, false, true, false]);
        assert!(keys.iter().all(|key| one.is_known(key)));
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in ["", "null", "7", "{\"made\": 1}", "{\"made\": [1]}"] {
            assert_eq!(KeyRecord::from_json(text.as_bytes()), None, "{text}");
        }
        assert_eq!(KeyRecord::from_json(b"{\"later\": 1}"), Some(KeyRecord::default()));
    }
}
