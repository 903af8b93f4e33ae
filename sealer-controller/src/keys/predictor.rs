//! Which keys are likely to open an object, judged by what opened others. It only orders the trials: whatever is
//! thought here, every key is tried before an object is given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sealer_core::{Fingerprint, Keyring};

/// What hints at the key of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyHints {
    /// When its spec was written last.
    pub(crate) written: Option<Timestamp>,
    /// Keys that opened it before.
    pub(crate) keys: Arc<[Fingerprint]>,
}

/// What was learned so far.
#[derive(Debug, Default)]
pub(crate) struct KeyPredictor {
    state: Mutex<Learned>,
}

#[derive(Debug)]
struct Learned {
    /// Of each namespace: keys that served there, the last one first.
    neighbours: HashMap<String, Vec<Fingerprint>>,
    everywhere: HashMap<Fingerprint, u32>,
    /// How right each source of advice was of late, in its order of trust.
    trust: [(Source, f32); 3],
}

/// Where advice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The key that was the newest when the object was written.
    Written,
    /// What opened objects of the same namespace.
    Neighbours,
    /// What opened most objects.
    Frequency,
}

impl Default for Learned {
    fn default() -> Self {
        let trust = [(Source::Written, 0.9), (Source::Neighbours, 0.6), (Source::Frequency, 0.3)];
        Self { neighbours: HashMap::new(), everywhere: HashMap::new(), trust }
    }
}

impl KeyPredictor {
    /// Keys worth trying first, the likeliest first.
    pub(crate) fn likely(&self, namespace: &str, hints: &KeyHints, ring: &Keyring) -> Vec<Fingerprint> {
        let learned = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<Fingerprint> = hints.keys.to_vec();
        for (source, _) in learned.trust {
            for key in learned.advice(source, namespace, hints, ring) {
                if !order.contains(&key) {
                    order.push(key);
                }
            }
        }
        order
    }

    /// Takes note of the keys that opened an object.
    pub(crate) fn learn(&self, namespace: &str, hints: &KeyHints, ring: &Keyring, served: &[Fingerprint]) {
        let mut learned = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let right = learned.trust.map(|(source, _)| {
            let advice = learned.advice(source, namespace, hints, ring);
            advice.iter().position(|key| served.contains(key)).map_or(0.0, |place| 1.0 / (place as f32 + 1.0))
        });
        for ((_, trust), right) in learned.trust.iter_mut().zip(right) {
            *trust = *trust * (1.0 - LEARNING_RATE) + right * LEARNING_RATE;
        }
        learned.trust.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let here = learned.neighbours.entry(namespace.to_owned()).or_default();
        here.retain(|key| !served.contains(key));
        here.splice(0..0, served.iter().cloned());
        here.truncate(MOST_NEIGHBOURS);
        for key in served {
            *learned.everywhere.entry(key.clone()).or_default() += 1;
        }
    }
}

impl Learned {
    fn advice(&self, source: Source, namespace: &str, hints: &KeyHints, ring: &Keyring) -> Vec<Fingerprint> {
        match source {
            Source::Written => hints.written.map(|written| newest_at(ring, written)).unwrap_or_default(),
            Source::Neighbours => self.neighbours.get(namespace).cloned().unwrap_or_default(),
            Source::Frequency => {
                let mut keys: Vec<_> = self.everywhere.iter().collect();
                keys.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
                keys.into_iter().map(|(key, _)| key.clone()).collect()
            }
        }
    }
}

/// The key that was the newest then, and the one before it: a certificate may have been fetched a while earlier.
fn newest_at(ring: &Keyring, moment: Timestamp) -> Vec<Fingerprint> {
    let older = ring.entries().iter().filter(|entry| entry.ordered_at <= moment);
    older.take(2).map(|entry| entry.key.fingerprint().clone()).collect()
}

/// How much one object weighs in what is trusted.
const LEARNING_RATE: f32 = 0.1;
/// Keys remembered of a namespace.
const MOST_NEIGHBOURS: usize = 8;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use std::sync::Arc;

    use sealer_core::{KeyEntry, UnsealingKey};

    use super::*;

    /// Three keys, made in the seconds 100, 200 and 300; the fingerprints from the oldest to the newest.
    fn ring() -> (Keyring, Vec<Fingerprint>) {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let entry = |second| KeyEntry {
            name: String::new(),
            key: Arc::new(UnsealingKey::generate(1024).unwrap()),
            certificate: None,
            ordered_at: at(second),
        };
        let ring = Keyring::new([100, 200, 300].map(entry).to_vec());
        let keys = ring.entries().iter().rev().map(|entry| entry.key.fingerprint().clone()).collect();
        (ring, keys)
    }

    fn written(second: i64) -> KeyHints {
        KeyHints { written: Timestamp::from_second(second).ok(), ..KeyHints::default() }
    }

    #[test]
    fn the_key_of_its_time_comes_first_while_that_is_right() {
        let (ring, keys) = ring();
        let predictor = KeyPredictor::default();
        assert_eq!(predictor.likely("ns", &written(250), &ring), [keys[1].clone(), keys[0].clone()]);
        assert_eq!(predictor.likely("ns", &written(50), &ring), []);
        let known = KeyHints { keys: [keys[2].clone()].into(), ..written(150) };
        assert_eq!(predictor.likely("ns", &known, &ring), [keys[2].clone(), keys[0].clone()], "what opened it before");
    }

    #[test]
    fn where_the_time_says_nothing_neighbours_do() {
        let (ring, keys) = ring();
        let predictor = KeyPredictor::default();
        for _ in 0..10 {
            predictor.learn("old", &written(400), &ring, &[keys[0].clone()]);
        }
        assert_eq!(predictor.likely("old", &written(400), &ring)[0], keys[0]);
        assert_eq!(predictor.likely("new", &written(400), &ring)[0], keys[0], "frequency");
        predictor.learn("new", &written(400), &ring, &[keys[1].clone()]);
        assert_eq!(predictor.likely("new", &written(400), &ring)[0], keys[1]);
        assert_eq!(predictor.likely("old", &written(400), &ring)[0], keys[0]);
        assert_eq!(predictor.likely("old", &written(400), &ring).len(), 3, "nothing twice");
    }
}
