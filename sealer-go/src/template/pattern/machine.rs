//! Searches a text so that each bit of work is counted and the search can end at any byte.
//!
//! All ways through the states are followed side by side, the preferred first; each state is visited once a byte at
//! most. The states are regex-automata's.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use super::super::budget::Budget;
use super::super::error::Fault;

/// The bytes that a match can begin with, or none where it can be empty.
pub(super) struct Starts(Option<Box<[bool; 256]>>);

impl Starts {
    pub(super) fn of(states: &NFA) -> Self {
        let mut bytes = Box::new([false; 256]);
        let mut visited = vec![false; states.states().len()];
        let mut stack = vec![states.start_anchored()];
        while let Some(id) = stack.pop() {
            match visited.get_mut(id.as_usize()) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match states.state(id) {
                State::ByteRange { trans } => mark(&mut bytes, trans.start, trans.end),
                State::Sparse(sparse) => sparse.transitions.iter().for_each(|it| mark(&mut bytes, it.start, it.end)),
                State::Dense(_) | State::Match { .. } => return Self(None),
                State::Look { next, .. } | State::Capture { next, .. } => stack.push(*next),
                State::Union { alternates } => stack.extend(alternates.iter()),
                State::BinaryUnion { alt1, alt2 } => stack.extend([*alt1, *alt2]),
                State::Fail => {}
            }
        }
        Self(Some(bytes))
    }

    /// The first place from `at` on where a match can begin.
    fn next(&self, text: &[u8], at: usize) -> usize {
        let Some(bytes) = &self.0 else { return at };
        let rest = text.get(at..).unwrap_or_default();
        let can_begin = |byte: &u8| bytes.get(usize::from(*byte)).copied().unwrap_or(true);
        at + rest.iter().take(LOOK).position(can_begin).unwrap_or_else(|| rest.len().min(LOOK))
    }
}

fn mark(bytes: &mut [bool; 256], start: u8, end: u8) {
    bytes.iter_mut().take(usize::from(end) + 1).skip(usize::from(start)).for_each(|marked| *marked = true);
}

/// States in the order in which they were reached, each once, with the places of groups on the way to it.
struct Threads {
    order: Vec<StateID>,
    known: Vec<u32>,
    slots: Vec<u32>,
}

impl Threads {
    fn new(states: usize, slots: usize) -> Self {
        Self { order: Vec::with_capacity(states), known: vec![0; states], slots: vec![NOWHERE; states * slots] }
    }

    /// False where the state was reached before.
    fn insert(&mut self, id: StateID) -> bool {
        let Some(known) = self.known.get_mut(id.as_usize()) else { return false };
        if self.order.get(*known as usize) == Some(&id) {
            return false;
        }
        *known = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        self.order.push(id);
        true
    }

    fn slots(&self, id: StateID, count: usize) -> &[u32] {
        let start = id.as_usize() * count;
        self.slots.get(start..start + count).unwrap_or_default()
    }

    fn set_slots(&mut self, id: StateID, slots: &[u32]) {
        let start = id.as_usize() * slots.len();
        if let Some(own) = self.slots.get_mut(start..start + slots.len()) {
            own.copy_from_slice(slots);
        }
    }
}

enum Step {
    Visit(StateID),
    Restore(usize, u32),
}

pub(super) struct Machine<'s> {
    states: &'s NFA,
    starts: &'s Starts,
    now: Threads,
    next: Threads,
    stack: Vec<Step>,
    /// The places of groups on the way that is followed at the moment.
    way: Vec<u32>,
    found: Vec<u32>,
    work: usize,
    room: usize,
}

impl<'s> Machine<'s> {
    /// A machine that keeps so many places of groups.
    pub(super) fn new(
        states: &'s NFA,
        starts: &'s Starts,
        slots: usize,
        budget: &mut Budget<'_>,
    ) -> Result<Self, Fault> {
        let count = states.states().len();
        let room = count.saturating_mul(2 * (2 + slots) * size_of::<u32>() + 2 * size_of::<Step>()) + STACK;
        budget.allocate(room)?;
        Ok(Self {
            states,
            starts,
            now: Threads::new(count, slots),
            next: Threads::new(count, slots),
            stack: Vec::new(),
            way: vec![NOWHERE; slots],
            found: vec![NOWHERE; slots],
            work: 0,
            room,
        })
    }

    /// What was taken from the budget.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// A place of the last match: of group `n` its beginning at `2n` and its end after that.
    pub(super) fn slot(&self, index: usize) -> Option<usize> {
        self.found.get(index).filter(|place| **place != NOWHERE).map(|place| *place as usize)
    }

    /// Searches the leftmost match from `at` on.
    pub(super) fn run(&mut self, text: &[u8], at: usize, budget: &mut Budget<'_>) -> Result<bool, Fault> {
        self.now.order.clear();
        self.next.order.clear();
        let mut matched = false;
        let mut at = at;
        loop {
            if self.now.order.is_empty() {
                if matched {
                    break;
                }
                let skipped = self.starts.next(text, at);
                self.work += (skipped - at) / SKIPPED;
                at = skipped;
            }
            let begins = text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
            if !matched && begins {
                self.way.fill(NOWHERE);
                self.follow(self.states.start_anchored(), text, at, false);
            }
            matched |= self.step(text, at);
            self.work += 1;
            if self.work >= LOOK {
                budget.steps((self.work / VISITS) as u64)?;
                self.work = 0;
            }
            if at >= text.len() {
                break;
            }
            at += 1;
            std::mem::swap(&mut self.now, &mut self.next);
            self.next.order.clear();
        }
        budget.steps((self.work / VISITS) as u64)?;
        self.work %= VISITS;
        Ok(matched)
    }

    /// Takes the byte at `at` in all states. True where one of them is a match.
    fn step(&mut self, text: &[u8], at: usize) -> bool {
        let byte = text.get(at).copied();
        let count = self.way.len();
        for index in 0..self.now.order.len() {
            let Some(id) = self.now.order.get(index).copied() else { break };
            self.work += 1 + count / SLOTS;
            let target = match (self.states.state(id), byte) {
                (State::Match { .. }, _) => {
                    self.found.copy_from_slice(self.now.slots(id, count));
                    return true;
                }
                (State::ByteRange { trans }, Some(byte)) => trans.matches_byte(byte).then_some(trans.next),
                (State::Sparse(sparse), Some(byte)) => {
                    self.work += sparse.transitions.len() / TRANSITIONS;
                    sparse.matches_byte(byte)
                }
                (State::Dense(dense), Some(byte)) => dense.matches_byte(byte),
                _ => None,
            };
            if let Some(target) = target {
                self.way.copy_from_slice(self.now.slots(id, count));
                self.follow(target, text, at + 1, true);
            }
        }
        false
    }

    /// Adds all states that are reached from `id` without a byte.
    fn follow(&mut self, id: StateID, text: &[u8], at: usize, later: bool) {
        let threads = if later { &mut self.next } else { &mut self.now };
        self.stack.push(Step::Visit(id));
        while let Some(step) = self.stack.pop() {
            let id = match step {
                Step::Visit(id) => id,
                Step::Restore(slot, place) => {
                    self.way.iter_mut().skip(slot).take(1).for_each(|old| *old = place);
                    continue;
                }
            };
            self.work += 1;
            if !threads.insert(id) {
                continue;
            }
            match self.states.state(id) {
                State::Look { look, next } => {
                    if self.states.look_matcher().matches(*look, text, at) {
                        self.stack.push(Step::Visit(*next));
                    }
                }
                State::Union { alternates } => {
                    self.work += alternates.len();
                    self.stack.extend(alternates.iter().rev().map(|id| Step::Visit(*id)));
                }
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([Step::Visit(*alt2), Step::Visit(*alt1)]),
                State::Capture { next, slot, .. } => {
                    if let Some(place) = self.way.get_mut(slot.as_usize()) {
                        let before = std::mem::replace(place, u32::try_from(at).unwrap_or(NOWHERE));
                        self.stack.push(Step::Restore(slot.as_usize(), before));
                    }
                    self.stack.push(Step::Visit(*next));
                }
                State::Fail => {}
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    self.work += self.way.len() / SLOTS;
                    threads.set_slots(id, &self.way);
                }
            }
        }
    }
}

/// A group that was not found.
const NOWHERE: u32 = u32::MAX;
/// Visits of states, and bytes passed over, between two looks at the clock.
const LOOK: usize = 2 << 10;
/// Visits of states in one step.
const VISITS: usize = 8;
/// Bytes that are passed over as quickly as a state is visited.
const SKIPPED: usize = 4;
/// Places of groups that are copied as quickly as a state is visited.
const SLOTS: usize = 8;
/// Transitions of a state that are looked at as quickly as a state is visited.
const TRANSITIONS: usize = 4;
/// What is taken beside what each state takes.
const STACK: usize = 1 << 10;
