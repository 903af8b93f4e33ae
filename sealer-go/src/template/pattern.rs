//! What does a regular expression of a template find? The syntax is Go's; the search is linear in time.
//!
//! Texts that are no UTF-8 are searched as Go sees them, each wrong byte as U+FFFD, and found places are told in the
//! text's own bytes.

mod class;
mod escape;
mod group;
mod machine;
mod parser;
mod seen;
mod weight;

use std::ops::Range;

use regex_automata::nfa::thompson::{Compiler, Config, NFA};

use super::budget::Budget;
use super::error::Fault;
use super::value::quote::excerpt;
use machine::{Machine, Starts};
use seen::Seen;

/// Why a text is no regular expression, as Go says it.
pub(crate) struct PatternError {
    code: &'static str,
    at: String,
}

impl PatternError {
    pub(crate) fn go_text(&self) -> String {
        format!("error parsing regexp: {}: `{}`", self.code, self.at)
    }
}

/// Why there is no compiled pattern.
pub(crate) enum Refusal {
    Wrong(PatternError),
    Limit(Fault),
}

impl Refusal {
    fn wrong(code: &'static str, at: &str) -> Self {
        Self::Wrong(PatternError { code, at: crate::template::value::lossy(excerpt(at.as_bytes())).into_owned() })
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Limit(fault)
    }
}

/// A compiled regular expression.
pub(crate) struct Pattern {
    states: NFA,
    starts: Starts,
    names: Vec<Option<String>>,
    empty: bool,
}

/// One match: where the whole and its groups were found.
pub(crate) type Found = Vec<Option<Range<usize>>>;

/// Which groups of a match are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Groups {
    None,
    Whole,
    All,
}

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn new(text: &[u8], budget: &mut Budget<'_>) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Limit(Fault::Limit("too long a regular expression")));
        }
        budget.steps(COMPILATION)?;
        let parsed = parser::parse(text, budget)?;
        let weight = weight::of(&parsed.expression);
        budget.steps(weight as u64 / STATES_PER_STEP)?;
        let room = weight.saturating_mul(BYTES_PER_STATE).min(MAXIMUM_SIZE * COMPILERS) + COMPILER;
        budget.allocate(room)?;
        let bounds = Config::new().nfa_size_limit(Some(MAXIMUM_SIZE));
        let states = Compiler::new().configure(bounds).build_from_hir(&parsed.expression);
        budget.release(room + parsed.room);
        let states = states.map_err(|_| Refusal::Limit(Fault::Limit("too large a regular expression")))?;
        budget.allocate(states.memory_usage() + size_of::<Self>() + parsed.names.len() * NAME)?;
        budget.check_clock()?;
        Ok(Self { starts: Starts::of(&states), states, names: parsed.names, empty: text.is_empty() })
    }

    /// Whether the pattern is the empty text.
    pub(crate) fn is_empty(&self) -> bool {
        self.empty
    }

    /// How many groups there are to look through for a name.
    pub(crate) fn names(&self) -> usize {
        self.names.len()
    }

    /// The numbers of the groups of this name.
    pub(crate) fn groups(&self, name: &str) -> impl Iterator<Item = usize> {
        let named = self.names.iter().enumerate();
        named.filter(move |(_, known)| known.as_deref() == Some(name)).map(|(index, _)| index)
    }

    pub(crate) fn is_match(&self, text: &[u8], budget: &mut Budget<'_>) -> Result<bool, Fault> {
        let mut search = self.search(text, Groups::None, budget)?;
        let found = search.next(budget)?.is_some();
        search.end(budget);
        Ok(found)
    }

    /// Begins a search for all matches from the left, none inside another.
    pub(crate) fn search<'s>(
        &'s self,
        text: &'s [u8],
        groups: Groups,
        budget: &mut Budget<'_>,
    ) -> Result<Search<'s>, Fault> {
        let groups = match groups {
            Groups::None => 0,
            Groups::Whole => 1,
            Groups::All => self.names.len(),
        };
        let seen = Seen::new(text, budget)?;
        let machine = Machine::new(&self.states, &self.starts, groups * 2, budget)?;
        Ok(Search { seen, machine, groups, at: Some(0), last_end: None })
    }
}

/// A search that goes on after each match.
pub(crate) struct Search<'s> {
    seen: Seen<'s>,
    machine: Machine<'s>,
    groups: usize,
    /// Nothing at the end of the text.
    at: Option<usize>,
    last_end: Option<usize>,
}

impl Search<'_> {
    pub(crate) fn next(&mut self, budget: &mut Budget<'_>) -> Result<Option<Found>, Fault> {
        while let Some(at) = self.at {
            if !self.machine.run(self.seen.text(), at, budget)? {
                self.at = None;
                break;
            }
            let slot = |index: usize| self.machine.slot(index).map(|place| self.seen.own(place));
            let (start, end) = (self.machine.slot(0), self.machine.slot(1));
            // Nothing is found where the last match ended.
            if start == end && end == self.last_end && end.is_some() {
                self.at = self.seen.after(at);
                continue;
            }
            (self.at, self.last_end) = (end, end);
            budget.allocate(self.groups * size_of::<Option<Range<usize>>>())?;
            let found = (0..self.groups).map(|group| Some(slot(group * 2)?..slot(group * 2 + 1)?)).collect();
            budget.release(self.groups * size_of::<Option<Range<usize>>>());
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// Gives back what the search took.
    pub(crate) fn end(self, budget: &mut Budget<'_>) {
        budget.release(self.seen.room() + self.machine.room());
    }
}

/// Bytes of a pattern. Reading one takes several hundred times as much.
const LONGEST: usize = 16 << 10;
/// Of the compiled form.
const MAXIMUM_SIZE: usize = 1 << 20;
/// Forms of about this size that there are while one is made.
const COMPILERS: usize = 4;
/// What the compiler takes for itself.
const COMPILER: usize = 512 << 10;
/// Steps that the smallest pattern takes.
const COMPILATION: u64 = 400;
const BYTES_PER_STATE: usize = 160;
const STATES_PER_STEP: u64 = 4;
/// What a group's name takes.
const NAME: usize = 64;
