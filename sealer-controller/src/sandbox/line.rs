//! Whose turn it is to render: namespaces take turns, none holds all workers, and one that needs much comes back later.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Hands out places.
#[derive(Debug)]
pub(super) struct Line {
    state: Mutex<State>,
    /// Places that one namespace may hold.
    share: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    held: HashMap<String, usize>,
    /// Each namespace once, the next one first.
    waiting: VecDeque<(String, VecDeque<oneshot::Sender<Place>>)>,
    /// Of namespaces that rendered of late: since when, and how much time that took.
    spent: HashMap<String, (Instant, Duration)>,
}

/// A place, held until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    line: Option<Arc<Line>>,
    namespace: String,
}

/// The namespace has spent much of late, and others of its objects wait already.
#[derive(Debug)]
pub(super) struct Crowded;

impl Line {
    pub(super) fn new(places: usize) -> Arc<Self> {
        let state = State { free: places, held: HashMap::new(), waiting: VecDeque::new(), spent: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state), share: places.saturating_sub(1).max(1) })
    }

    /// Waits for a place.
    pub(super) async fn enter(self: &Arc<Self>, namespace: &str) -> Result<Place, Crowded> {
        let place = {
            let mut state = self.lock();
            if state.is_crowded(namespace, Instant::now()) {
                return Err(Crowded);
            }
            let (sender, place) = oneshot::channel();
            state.queue(namespace, sender);
            self.hand_out(&mut state);
            place
        };
        // The sender is dropped only with the line itself.
        place.await.map_err(|_| Crowded)
    }

    /// Gives free places to those that wait, one namespace after the other.
    fn hand_out(self: &Arc<Self>, state: &mut State) {
        while state.free > 0 {
            let may =
                |(namespace, _): &(String, _)| state.held.get(namespace).copied().unwrap_or_default() < self.share;
            let Some(at) = state.waiting.iter().position(may) else { return };
            let Some((namespace, mut senders)) = state.waiting.remove(at) else { return };
            let sender = senders.pop_front();
            if !senders.is_empty() {
                state.waiting.push_back((namespace.clone(), senders));
            }
            let place = Place { line: Some(self.clone()), namespace: namespace.clone() };
            match sender.map(|sender| sender.send(place)) {
                Some(Ok(())) => {
                    state.free -= 1;
                    *state.held.entry(namespace).or_default() += 1;
                }
                // Whoever waited is gone. The place was never counted.
                Some(Err(mut place)) => place.line = None,
                None => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.state.lock()
    }
}

impl State {
    fn queue(&mut self, namespace: &str, sender: oneshot::Sender<Place>) {
        match self.waiting.iter_mut().find(|(known, _)| known == namespace) {
            Some((_, senders)) => senders.push_back(sender),
            None => self.waiting.push_back((namespace.to_owned(), VecDeque::from([sender]))),
        }
    }

    fn is_crowded(&mut self, namespace: &str, now: Instant) -> bool {
        self.spent.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        let has_spent = self.spent.get(namespace).is_some_and(|(_, spent)| *spent > MUCH);
        has_spent && self.waiting.iter().any(|(known, _)| known == namespace)
    }
}

impl Place {
    /// Accounts for what the namespace took.
    pub(super) fn spent(&self, time: Duration) {
        let Some(line) = &self.line else { return };
        let mut state = line.lock();
        let spent = state.spent.entry(self.namespace.clone());
        spent.or_insert_with(|| (Instant::now(), Duration::ZERO)).1 += time;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else { return };
        let mut state = line.lock();
        state.free += 1;
        if let Some(held) = state.held.get_mut(&self.namespace) {
            *held -= 1;
            if *held == 0 {
                state.held.remove(&self.namespace);
            }
        }
        line.hand_out(&mut state);
    }
}

/// How long it is remembered what a namespace took.
const WINDOW: Duration = Duration::from_secs(10);
/// Ten objects that use up all of their time.
const MUCH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
