//! Which object to look at next: each at most once at a time, waiting ones served in order, failed ones later.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A queue of keys without duplicates.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Key>,
    delayed: BTreeMap<(Instant, u64), Key>,
    tickets: u64,
    entries: HashMap<Key, Entry>,
}

#[derive(Default)]
struct Entry {
    queued: bool,
    running: bool,
    again: bool,
    failures: u32,
    due: Option<(Instant, u64)>,
}

impl Queue {
    /// Asks for an object to be looked at now.
    pub(crate) fn add(&self, key: Key) {
        self.lock().add(key);
        self.wake.notify_one();
    }

    /// Waits for the next object. It is not handed out again before [`Queue::done`] or [`Queue::failed`].
    pub(crate) async fn next(&self) -> Key {
        loop {
            let due = match self.lock().take(Instant::now()) {
                Ok(key) => {
                    // Another worker may sleep although more is ready.
                    self.wake.notify_one();
                    return key;
                }
                Err(due) => due,
            };
            let far = Instant::now() + IDLE;
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(due.unwrap_or(far)) => {}
            }
        }
    }

    /// The object is settled until somebody asks for it again.
    pub(crate) fn done(&self, key: &Key) {
        self.lock().finish(key, None);
        self.wake.notify_one();
    }

    /// The object failed; it comes back after a wait that grows with each failure in a row.
    pub(crate) fn failed(&self, key: &Key, backoff: impl FnOnce(u32) -> Duration) {
        let mut state = self.lock();
        let failures = state.entries.get(key).map_or(0, |entry| entry.failures);
        let due = Instant::now() + backoff(failures);
        state.finish(key, Some(due));
        drop(state);
        self.wake.notify_one();
    }

    /// Whether a worker has the object.
    pub(crate) fn is_running(&self, key: &Key) -> bool {
        self.lock().entries.get(key).is_some_and(|entry| entry.running)
    }

    /// Objects that wait, now or later.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.ready.len() + state.delayed.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, key: Key) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(due) = entry.due.take() {
            self.delayed.remove(&due);
        }
        if entry.running {
            entry.again = true;
        } else if !entry.queued {
            entry.queued = true;
            self.ready.push_back(key);
        }
    }

    /// The next ready key, or when the next delayed one is due.
    fn take(&mut self, now: Instant) -> Result<Key, Option<Instant>> {
        while let Some(first) = self.delayed.first_entry() {
            if first.key().0 > now {
                break;
            }
            let key = first.remove();
            self.add_due(key);
        }
        let Some(key) = self.ready.pop_front() else {
            return Err(self.delayed.first_key_value().map(|((due, _), _)| *due));
        };
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.queued = false;
            entry.running = true;
        }
        Ok(key)
    }

    fn add_due(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.due = None;
        }
        self.add(key);
    }

    fn finish(&mut self, key: &Key, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.running = false;
        entry.failures = if due.is_some() { entry.failures.saturating_add(1) } else { 0 };
        if std::mem::take(&mut entry.again) {
            entry.queued = true;
            self.ready.push_back(key.clone());
        } else if let Some(due) = due {
            self.tickets += 1;
            entry.due = Some((due, self.tickets));
            self.delayed.insert((due, self.tickets), key.clone());
        } else {
            self.entries.remove(key);
        }
    }
}

/// How long an idle worker sleeps at most; it is woken when something comes.
const IDLE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    #[tokio::test]
    async fn an_object_is_handed_out_once_at_a_time() {
        let queue = Queue::default();
        queue.add(key("a"));
        queue.add(key("a"));
        queue.add(key("b"));
        assert_eq!(queue.next().await, key("a"));
        queue.add(key("a"));
        assert_eq!(queue.next().await, key("b"));
        assert_eq!(queue.len(), 0);
        queue.done(&key("a"));
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_object_comes_back_later_and_waits_longer_each_time() {
        let queue = Queue::default();
        queue.add(key("a"));
        for failures in 0..3 {
            assert_eq!(queue.next().await, key("a"));
            queue.failed(&key("a"), |count| {
                assert_eq!(count, failures);
                Duration::from_secs(10)
            });
        }
        queue.add(key("a"));
        let before = Instant::now();
        queue.next().await;
        assert_eq!(before, Instant::now());
        queue.done(&key("a"));
        assert_eq!(queue.len(), 0);
    }
}
