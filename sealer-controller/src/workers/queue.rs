//! The work queue: each object at most once at a time, changes before relists and namespace by namespace, failed ones after a
//! backoff.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::kube::object_key::Key;
use crate::workers::queue::namespace_queue::NamespaceQueue;

mod namespace_queue;

/// How soon an object is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Enqueued by a full relist (start, watch gap) or for a new key.
    Low,
    /// Somebody changed something just now, and waits.
    High,
}

/// A queue of keys without duplicates, with two priorities.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    high: NamespaceQueue,
    low: VecDeque<Key>,
    delayed: BTreeMap<(Instant, u64), Key>,
    tickets: u64,
    /// Objects handed out so far.
    turns: u64,
    waiting: usize,
    entries: HashMap<Key, Entry>,
}

#[derive(Default)]
struct Entry {
    /// The queue that it waits in. An entry left in the other one is skipped.
    queued: Option<Priority>,
    running: Option<Priority>,
    again: Option<Priority>,
    failures: u32,
    due: Option<(Instant, u64, Priority)>,
}

impl Queue {
    /// Asks for an object to be looked at now.
    pub(crate) fn add(&self, key: Key, priority: Priority) {
        self.lock().add(key, priority);
        self.wake.notify_one();
    }

    /// Waits for the next object. It is not handed out again before [`Queue::done`] or [`Queue::failed`].
    pub(crate) async fn next(&self) -> Key {
        loop {
            let due = match self.lock().take(Instant::now()) {
                Ok(key) => return key,
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

    /// The object comes back after a wait that is no failure.
    pub(crate) fn later(&self, key: &Key, wait: Duration) {
        let mut state = self.lock();
        let failures = state.entries.get(key).map_or(0, |entry| entry.failures);
        state.finish(key, Some(Instant::now() + wait));
        if let Some(entry) = state.entries.get_mut(key) {
            entry.failures = failures;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// How often the object failed in a row.
    pub(crate) fn failures(&self, key: &Key) -> u32 {
        self.lock().entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// Objects that wait, now or later.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.waiting + state.delayed.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn add(&mut self, key: Key, priority: Priority) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some((at, ticket, _)) = entry.due.take() {
            self.delayed.remove(&(at, ticket));
        }
        if entry.running.is_some() {
            entry.again = entry.again.max(Some(priority));
            return;
        }
        if entry.queued >= Some(priority) {
            return;
        }
        self.waiting += usize::from(entry.queued.is_none());
        entry.queued = Some(priority);
        match priority {
            Priority::High => self.high.push(key),
            Priority::Low => self.low.push_back(key),
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
        self.turns += 1;
        // Endless changes do not starve a relist.
        let order = if self.turns.is_multiple_of(LOW_EVERY) {
            [Priority::Low, Priority::High]
        } else {
            [Priority::High, Priority::Low]
        };
        let Some(key) = order.into_iter().find_map(|priority| self.first_of(priority)) else {
            return Err(self.delayed.first_key_value().map(|((due, _), _)| *due));
        };
        Ok(key)
    }

    fn first_of(&mut self, priority: Priority) -> Option<Key> {
        loop {
            let key = match priority {
                Priority::High => self.high.pop(),
                Priority::Low => self.low.pop_front(),
            }?;
            let entry = self.entries.get_mut(&key).filter(|entry| entry.queued == Some(priority));
            if let Some(entry) = entry {
                entry.running = entry.queued.take();
                self.waiting -= 1;
                return Some(key);
            }
        }
    }

    /// After very many objects the room that they took is given back.
    fn give_back(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > LARGE {
            (self.entries, self.low) = (HashMap::new(), VecDeque::new());
        }
    }

    fn add_due(&mut self, key: Key) {
        let due = self.entries.get_mut(&key).and_then(|entry| entry.due.take());
        self.add(key, due.map_or(Priority::Low, |(_, _, priority)| priority));
    }

    fn finish(&mut self, key: &Key, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let priority = entry.running.take().unwrap_or(Priority::Low);
        entry.failures = if due.is_some() { entry.failures.saturating_add(1) } else { 0 };
        if let Some(priority) = entry.again.take() {
            self.add(key.clone(), priority);
        } else if let Some(due) = due {
            self.tickets += 1;
            // An object that keeps failing loses its priority.
            let priority = if entry.failures > HIGH_FAILURES { Priority::Low } else { priority };
            entry.due = Some((due, self.tickets, priority));
            self.delayed.insert((due, self.tickets), key.clone());
        } else {
            self.entries.remove(key);
            self.give_back();
        }
    }
}

/// How long an idle worker sleeps at most; it is woken when something comes.
const IDLE: Duration = Duration::from_secs(3600);
/// Room for so many objects is kept.
const LARGE: usize = 4096;
/// Of so many objects one has low priority.
const LOW_EVERY: u64 = 8;
/// Failures in a row after which an object waits with the others.
const HIGH_FAILURES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    #[tokio::test]
    async fn an_object_is_handed_out_once_at_a_time() {
        let queue = Queue::default();
        queue.add(key("a"), Priority::High);
        queue.add(key("a"), Priority::High);
        queue.add(key("b"), Priority::High);
        assert_eq!(queue.next().await, key("a"));
        queue.add(key("a"), Priority::High);
        assert_eq!(queue.next().await, key("b"));
        assert_eq!(queue.len(), 0);
        queue.done(&key("a"));
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_object_comes_back_later_and_waits_longer_each_time() {
        let queue = Queue::default();
        queue.add(key("a"), Priority::High);
        for failures in 0..3 {
            assert_eq!(queue.next().await, key("a"));
            queue.failed(&key("a"), |count| {
                assert_eq!(count, failures);
                Duration::from_secs(10)
            });
        }
        queue.add(key("a"), Priority::High);
        let before = Instant::now();
        queue.next().await;
        assert_eq!(before, Instant::now());
        queue.done(&key("a"));
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn news_comes_before_the_backlog_and_does_not_starve_it() {
        let queue = Queue::default();
        for name in 0..100 {
            queue.add(key(&format!("old {name}")), Priority::Low);
        }
        queue.add(key("old 50"), Priority::High);
        assert_eq!(queue.next().await, key("old 50"));
        let mut backlog = 0;
        for name in 0..80 {
            queue.add(key(&format!("new {name}")), Priority::High);
        }
        for _ in 0..40 {
            backlog += usize::from(queue.next().await.name.starts_with("old"));
        }
        assert_eq!(backlog, 5);
        assert_eq!(queue.len(), 99 + 80 - 40);
        queue.add(key("old 99"), Priority::Low);
        for _ in 0..139 {
            assert_ne!(queue.next().await, key("old 50"), "it is handed out already");
        }
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn very_many_changes_in_one_namespace_keep_no_other_waiting() {
        let queue = Queue::default();
        for name in 0..10_000 {
            queue.add(key(&format!("{name}")), Priority::High);
        }
        queue.next().await;
        queue.add(Key::new("other", "a"), Priority::High);
        let next = [queue.next().await.namespace, queue.next().await.namespace];
        assert!(next.contains(&"other".to_owned()), "{next:?}");
        assert_eq!(queue.len(), 10_001 - 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_comes_back_when_it_is_due_and_in_the_order_of_that() {
        let queue = Queue::default();
        for (name, seconds) in [("slow", 30), ("quick", 10)] {
            queue.add(key(name), Priority::High);
            assert_eq!(queue.next().await, key(name));
            queue.failed(&key(name), |_| Duration::from_secs(seconds));
        }
        queue.add(key("now"), Priority::High);
        assert_eq!(queue.len(), 3, "one that is ready and two that wait");
        let began = Instant::now();
        for (name, seconds) in [("now", 0), ("quick", 10), ("slow", 30)] {
            assert_eq!(queue.next().await, key(name));
            // The timer's own steps are a millisecond.
            let waited = began.elapsed();
            assert!(waited >= Duration::from_secs(seconds) && waited < Duration::from_secs(seconds + 1), "{waited:?}");
        }
        assert_eq!((queue.failures(&key("slow")), queue.failures(&key("now"))), (1, 0));
        assert_eq!(queue.len(), 0);
    }

    /// What is asked for while a worker has it is handed out once more, as news if anybody called it so.
    #[tokio::test]
    async fn what_is_asked_for_meanwhile_comes_again() {
        for (priority, expected) in [(Priority::Low, ["other", "a"]), (Priority::High, ["a", "other"])] {
            let queue = Queue::default();
            queue.add(key("a"), Priority::High);
            assert_eq!(queue.next().await, key("a"));
            queue.add(key("a"), priority);
            queue.add(key("a"), Priority::Low);
            queue.add(key("other"), Priority::Low);
            queue.failed(&key("a"), |_| Duration::from_secs(1000));
            assert_eq!([queue.next().await.name, queue.next().await.name], expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_again_and_again_is_no_news_any_longer() {
        for (failures, expected) in [(HIGH_FAILURES, ["news", "a", "old"]), (HIGH_FAILURES + 1, ["news", "old", "a"])] {
            let queue = Queue::default();
            queue.add(key("a"), Priority::High);
            for failed in 1..=failures {
                assert_eq!(queue.next().await, key("a"));
                queue.failed(&key("a"), |_| Duration::from_secs(u64::from(failed == failures)));
            }
            queue.add(key("news"), Priority::High);
            queue.add(key("old"), Priority::Low);
            tokio::time::advance(Duration::from_secs(2)).await;
            let order = [queue.next().await.name, queue.next().await.name, queue.next().await.name];
            assert_eq!(order, expected, "{failures}");
        }
    }
}
