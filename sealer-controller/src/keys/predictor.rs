//! Which keys are likely to open an object, judged by what opened others. It only orders the trials: whatever is
//! thought here, every key is tried before an object is given up.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
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

#[derive(Debug, Default)]
struct Learned {
    namespaces: HashMap<String, Served>,
    /// What opened the last object, of whatever namespace: for namespaces of which nothing is known.
    anywhere: Served,
}

/// What opened the last objects.
#[derive(Clone, Debug, Default)]
struct Served {
    /// The last key first.
    keys: Vec<Fingerprint>,
    first: Advice,
}

/// Which advice was right for the last object, and is tried first.
#[derive(Clone, Copy, Debug, Default)]
enum Advice {
    /// The key that was the newest when the object was written.
    #[default]
    Written,
    /// What opened the objects before: keys were restored, and time says nothing.
    Served,
}

impl KeyPredictor {
    /// Keys worth trying first, the likeliest first: what opened the object before, then the newest when it was written
    /// and what served its namespace last, in the order that was right for the object before.
    pub(crate) fn likely(&self, namespace: &str, hints: &KeyHints, ring: &Keyring) -> Vec<Fingerprint> {
        let learned = self.state.lock();
        let served = learned.namespaces.get(namespace).unwrap_or(&learned.anywhere);
        let written = newest_when_written(hints, ring);
        let advice = match served.first {
            Advice::Written => [&written, &served.keys],
            Advice::Served => [&served.keys, &written],
        };
        let mut order: Vec<Fingerprint> = hints.keys.to_vec();
        for key in advice.into_iter().flatten() {
            if !order.contains(key) {
                order.push(key.clone());
            }
        }
        order
    }

    /// Takes note of the keys that opened an object.
    pub(crate) fn learn(&self, namespace: &str, hints: &KeyHints, ring: &Keyring, served: &[Fingerprint]) {
        let newest = newest_when_written(hints, ring);
        let is_of_its_time = newest.first().is_some_and(|key| served.contains(key));
        let first = if is_of_its_time { Advice::Written } else { Advice::Served };
        let mut learned = self.state.lock();
        learned.namespaces.entry(namespace.to_owned()).or_default().add(served, first, MOST_KEYS);
        learned.anywhere.add(served, first, 1);
    }
}

impl Served {
    fn add(&mut self, keys: &[Fingerprint], first: Advice, most: usize) {
        self.keys.retain(|key| !keys.contains(key));
        self.keys.splice(0..0, keys.iter().cloned());
        self.keys.truncate(most);
        self.first = first;
    }
}

/// The key that was the newest when the object was written, and the one before it: a certificate may have been fetched a
/// while earlier.
fn newest_when_written(hints: &KeyHints, ring: &Keyring) -> Vec<Fingerprint> {
    let Some(written) = hints.written else { return Vec::new() };
    let older = ring.entries().iter().filter(|entry| entry.ordered_at <= written);
    older.take(2).map(|entry| entry.key.fingerprint().clone()).collect()
}

/// Keys remembered of a namespace.
const MOST_KEYS: usize = 8;

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
    fn where_time_says_nothing_what_served_last_comes_first() {
        let (ring, keys) = ring();
        let predictor = KeyPredictor::default();
        predictor.learn("old", &written(400), &ring, &[keys[0].clone()]);
        assert_eq!(predictor.likely("old", &written(400), &ring)[0], keys[0]);
        assert_eq!(predictor.likely("new", &written(400), &ring)[0], keys[0], "what served elsewhere");
        predictor.learn("new", &written(400), &ring, &[keys[1].clone()]);
        assert_eq!(predictor.likely("new", &written(400), &ring)[0], keys[1]);
        assert_eq!(predictor.likely("old", &written(400), &ring)[0], keys[0]);
        assert_eq!(predictor.likely("old", &written(400), &ring).len(), 3, "nothing twice");
        predictor.learn("old", &written(400), &ring, &[keys[2].clone()]);
        assert_eq!(predictor.likely("old", &written(150), &ring)[0], keys[0], "its time is right again");
    }

    /// Private-key operations for objects that come one after the other.
    fn operations(ring: &Keyring, objects: impl IntoIterator<Item = (String, KeyHints, Fingerprint)>) -> usize {
        let predictor = KeyPredictor::default();
        let mut operations = 0;
        for (namespace, hints, key) in objects {
            let mut order = predictor.likely(&namespace, &hints, ring);
            let rest = ring.entries().iter().map(|entry| entry.key.fingerprint().clone());
            let rest: Vec<_> = rest.filter(|key| !order.contains(key)).collect();
            order.extend(rest);
            operations += order.iter().position(|tried| *tried == key).unwrap() + 1;
            predictor.learn(&namespace, &hints, ring, &[key]);
        }
        operations
    }

    /// The scene `keys` of docs/performance.md, but for what several workers do at once: 3 keys and 40 objects of each.
    #[test]
    fn timely_keys_cost_one_operation_and_restored_ones_one_search() {
        let (ring, keys) = ring();
        let each = |number: usize| std::iter::repeat_n(number, 40);
        let of_their_time =
            (0..3).flat_map(each).map(|at| ("ns".to_owned(), written(100 * at as i64 + 150), keys[at].clone()));
        assert_eq!(operations(&ring, of_their_time), 120);
        let restored = (0..3).flat_map(each).map(|at| (format!("ns-{at}"), written(900), keys[at].clone()));
        assert!(operations(&ring, restored) <= 120 + 3 * 2);
    }
}
