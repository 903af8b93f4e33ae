//! Which object to look at next: each at most once at a time, news before what was there already, failed ones later.

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

/// Which line an object stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// Found when everything is looked at: at start, after a gap, or for a new key. Nobody waits for any one of them.
    Backlog,
    /// Somebody did something just now, and waits.
    News,
}

/// A queue of keys without duplicates, in two lines.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    news: VecDeque<Key>,
    backlog: VecDeque<Key>,
    delayed: BTreeMap<(Instant, u64), Key>,
    tickets: u64,
    /// Objects handed out so far.
    turns: u64,
    waiting: usize,
    entries: HashMap<Key, Entry>,
}

#[derive(Default)]
struct Entry {
    /// Where it stands. It may also be left in the other line, which passes over it.
    queued: Option<Line>,
    running: Option<Line>,
    again: Option<Line>,
    failures: u32,
    due: Option<(Instant, u64, Line)>,
}

impl Queue {
    /// Asks for an object to be looked at now.
    pub(crate) fn add(&self, key: Key, line: Line) {
        self.lock().add(key, line);
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

    /// Whether a worker has the object.
    pub(crate) fn is_running(&self, key: &Key) -> bool {
        self.lock().entries.get(key).is_some_and(|entry| entry.running.is_some())
    }

    /// Objects that wait, now or later.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.waiting + state.delayed.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, key: Key, line: Line) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some((at, ticket, _)) = entry.due.take() {
            self.delayed.remove(&(at, ticket));
        }
        if entry.running.is_some() {
            entry.again = entry.again.max(Some(line));
            return;
        }
        if entry.queued >= Some(line) {
            return;
        }
        self.waiting += usize::from(entry.queued.is_none());
        entry.queued = Some(line);
        self.line(line).push_back(key);
    }

    fn line(&mut self, line: Line) -> &mut VecDeque<Key> {
        match line {
            Line::News => &mut self.news,
            Line::Backlog => &mut self.backlog,
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
        // Even endless news does not starve the backlog.
        let lines = if self.turns.is_multiple_of(BACKLOG_TURN) {
            [Line::Backlog, Line::News]
        } else {
            [Line::News, Line::Backlog]
        };
        let Some(key) = lines.into_iter().find_map(|line| self.first_of(line)) else {
            return Err(self.delayed.first_key_value().map(|((due, _), _)| *due));
        };
        Ok(key)
    }

    fn first_of(&mut self, line: Line) -> Option<Key> {
        loop {
            let key = self.line(line).pop_front()?;
            let entry = self.entries.get_mut(&key).filter(|entry| entry.queued == Some(line));
            if let Some(entry) = entry {
                entry.running = entry.queued.take();
                self.waiting -= 1;
                return Some(key);
            }
        }
    }

    fn add_due(&mut self, key: Key) {
        let due = self.entries.get_mut(&key).and_then(|entry| entry.due.take());
        self.add(key, due.map_or(Line::Backlog, |(_, _, line)| line));
    }

    fn finish(&mut self, key: &Key, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let line = entry.running.take().unwrap_or(Line::Backlog);
        entry.failures = if due.is_some() { entry.failures.saturating_add(1) } else { 0 };
        if let Some(line) = entry.again.take() {
            self.add(key.clone(), line);
        } else if let Some(due) = due {
            self.tickets += 1;
            // Failing again and again, it is no news any longer.
            let line = if entry.failures > NEWS_FAILURES { Line::Backlog } else { line };
            entry.due = Some((due, self.tickets, line));
            self.delayed.insert((due, self.tickets), key.clone());
        } else {
            self.entries.remove(key);
        }
    }
}

/// How long an idle worker sleeps at most; it is woken when something comes.
const IDLE: Duration = Duration::from_secs(3600);
/// Of so many objects one comes from the backlog.
const BACKLOG_TURN: u64 = 8;
/// Failures in a row after which an object waits with the others.
const NEWS_FAILURES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    #[tokio::test]
    async fn an_object_is_handed_out_once_at_a_time() {
        let queue = Queue::default();
        queue.add(key("a"), Line::News);
        queue.add(key("a"), Line::News);
        queue.add(key("b"), Line::News);
        assert_eq!(queue.next().await, key("a"));
        queue.add(key("a"), Line::News);
        assert_eq!(queue.next().await, key("b"));
        assert_eq!(queue.len(), 0);
        queue.done(&key("a"));
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_object_comes_back_later_and_waits_longer_each_time() {
        let queue = Queue::default();
        queue.add(key("a"), Line::News);
        for failures in 0..3 {
            assert_eq!(queue.next().await, key("a"));
            queue.failed(&key("a"), |count| {
                assert_eq!(count, failures);
                Duration::from_secs(10)
            });
        }
        queue.add(key("a"), Line::News);
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
            queue.add(key(&format!("old {name}")), Line::Backlog);
        }
        queue.add(key("old 50"), Line::News);
        assert_eq!(queue.next().await, key("old 50"));
        let mut backlog = 0;
        for name in 0..80 {
            queue.add(key(&format!("new {name}")), Line::News);
        }
        for _ in 0..40 {
            backlog += usize::from(queue.next().await.name.starts_with("old"));
        }
        assert_eq!(backlog, 5);
        assert_eq!(queue.len(), 99 + 80 - 40);
        queue.add(key("old 99"), Line::Backlog);
        for _ in 0..139 {
            assert_ne!(queue.next().await, key("old 50"), "it is handed out already");
        }
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_key_is_shown_with_its_namespace() {
        assert_eq!(key("a").to_string(), "ns/a");
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_comes_back_when_it_is_due_and_in_the_order_of_that() {
        let queue = Queue::default();
        for (name, seconds) in [("slow", 30), ("quick", 10)] {
            queue.add(key(name), Line::News);
            assert_eq!((queue.next().await, queue.is_running(&key(name))), (key(name), true));
            queue.failed(&key(name), |_| Duration::from_secs(seconds));
            assert!(!queue.is_running(&key(name)));
        }
        queue.add(key("now"), Line::News);
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
        for (line, expected) in [(Line::Backlog, ["other", "a"]), (Line::News, ["a", "other"])] {
            let queue = Queue::default();
            queue.add(key("a"), Line::News);
            assert_eq!(queue.next().await, key("a"));
            queue.add(key("a"), line);
            queue.add(key("a"), Line::Backlog);
            queue.add(key("other"), Line::Backlog);
            queue.failed(&key("a"), |_| Duration::from_secs(1000));
            assert_eq!([queue.next().await.name, queue.next().await.name], expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_again_and_again_is_no_news_any_longer() {
        for (failures, expected) in [(NEWS_FAILURES, ["news", "a", "old"]), (NEWS_FAILURES + 1, ["news", "old", "a"])] {
            let queue = Queue::default();
            queue.add(key("a"), Line::News);
            for failed in 1..=failures {
                assert_eq!(queue.next().await, key("a"));
                queue.failed(&key("a"), |_| Duration::from_secs(u64::from(failed == failures)));
            }
            queue.add(key("news"), Line::News);
            queue.add(key("old"), Line::Backlog);
            tokio::time::advance(Duration::from_secs(2)).await;
            let order = [queue.next().await.name, queue.next().await.name, queue.next().await.name];
            assert_eq!(order, expected, "{failures}");
        }
    }
}
