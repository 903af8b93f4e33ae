//! A fair queue for the workers that render: namespaces take turns, none holds all workers, and one that needs much is retried later.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Hands out slots.
#[derive(Debug)]
pub(super) struct FairQueue {
    state: Mutex<State>,
    /// Places that one namespace may hold.
    share: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    held: HashMap<String, usize>,
    /// Each namespace once, the next one first.
    waiting: VecDeque<(String, VecDeque<oneshot::Sender<Slot>>)>,
    /// Of namespaces that rendered of late: since when, and how much time that took.
    spent: HashMap<String, (Instant, Duration)>,
}

/// A slot, held until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    queue: Option<Arc<FairQueue>>,
    namespace: String,
}

/// The namespace has spent much of late, and others of its objects wait already.
#[derive(Debug)]
pub(super) struct QueueFull;

impl FairQueue {
    pub(super) fn new(slots: usize) -> Arc<Self> {
        let state = State { free: slots, held: HashMap::new(), waiting: VecDeque::new(), spent: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state), share: slots.saturating_sub(1).max(1) })
    }

    /// Waits for a slot.
    pub(super) async fn enter(self: &Arc<Self>, namespace: &str) -> Result<Slot, QueueFull> {
        let slot = {
            let mut state = self.lock();
            if state.is_full(namespace, Instant::now()) {
                return Err(QueueFull);
            }
            let (sender, slot) = oneshot::channel();
            state.add(namespace, sender);
            self.hand_out(&mut state);
            slot
        };
        // The sender is dropped only with the queue itself.
        slot.await.map_err(|_| QueueFull)
    }

    /// Gives free slots to those that wait, one namespace after the other.
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
            let slot = Slot { queue: Some(self.clone()), namespace: namespace.clone() };
            match sender.map(|sender| sender.send(slot)) {
                Some(Ok(())) => {
                    state.free -= 1;
                    *state.held.entry(namespace).or_default() += 1;
                }
                // Whoever waited is gone. The slot was never counted.
                Some(Err(mut slot)) => slot.queue = None,
                None => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn add(&mut self, namespace: &str, sender: oneshot::Sender<Slot>) {
        match self.waiting.iter_mut().find(|(known, _)| known == namespace) {
            Some((_, senders)) => senders.push_back(sender),
            None => self.waiting.push_back((namespace.to_owned(), VecDeque::from([sender]))),
        }
    }

    fn is_full(&mut self, namespace: &str, now: Instant) -> bool {
        self.spent.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        let has_spent = self.spent.get(namespace).is_some_and(|(_, spent)| *spent > MUCH);
        has_spent && self.waiting.iter().any(|(known, _)| known == namespace)
    }
}

impl Slot {
    /// Accounts for what the namespace took.
    pub(super) fn spent(&self, time: Duration) {
        let Some(queue) = &self.queue else { return };
        let mut state = queue.lock();
        let spent = state.spent.entry(self.namespace.clone());
        spent.or_insert_with(|| (Instant::now(), Duration::ZERO)).1 += time;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        let mut state = queue.lock();
        state.free += 1;
        if let Some(held) = state.held.get_mut(&self.namespace) {
            *held -= 1;
            if *held == 0 {
                state.held.remove(&self.namespace);
            }
        }
        queue.hand_out(&mut state);
    }
}

/// How long it is remembered what a namespace took.
const WINDOW: Duration = Duration::from_secs(10);
/// Ten objects that use up all of their time.
const MUCH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
