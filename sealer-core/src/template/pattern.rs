//! What does a regular expression of a template find? The syntax is Go's; the search is linear in time.
//!
//! Texts that are no UTF-8 are searched as Go sees them, each wrong byte as U+FFFD, and found places are told in the
//! text's own bytes.

mod class;
mod escape;
mod group;
mod parser;
mod weight;

use std::borrow::Cow;
use std::ops::Range;

use regex_automata::meta;
use regex_automata::util::syntax;

use super::budget::Budget;
use super::error::Fault;
use super::value::chars;

/// Why a text is no regular expression, as Go says it.
pub(crate) struct PatternError {
    code: &'static str,
    at: String,
}

impl PatternError {
    fn new(code: &'static str, at: &str) -> Self {
        Self { code, at: at.to_owned() }
    }

    pub(crate) fn go_text(&self) -> String {
        format!("error parsing regexp: {}: `{}`", self.code, self.at)
    }
}

/// Why there is no compiled pattern.
pub(crate) enum Refusal {
    Wrong(PatternError),
    Limit(Fault),
}

impl From<PatternError> for Refusal {
    fn from(error: PatternError) -> Self {
        Self::Wrong(error)
    }
}

/// A compiled regular expression.
pub(crate) struct Pattern {
    engine: meta::Regex,
    names: Vec<Option<String>>,
    /// About how many states are tried for each byte in the worst case.
    weight: usize,
    empty: bool,
}

/// One match: where the whole and its groups were found.
pub(crate) type Found = Vec<Option<Range<usize>>>;

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn new(text: &[u8], budget: &mut Budget<'_>) -> Result<Self, Refusal> {
        let limited = |result: Result<(), Fault>| result.map_err(Refusal::Limit);
        limited(budget.allocate(text.len().saturating_mul(BYTES_PER_CHARACTER)))?;
        let parsed = parser::parse(text)?;
        let weight = weight::of(&parsed.expression);
        limited(budget.allocate(weight.saturating_mul(BYTES_PER_STATE)))?;
        limited(budget.steps(weight as u64))?;
        let engine =
            meta::Builder::new().configure(bounds()).syntax(syntax::Config::new()).build_from_hir(&parsed.expression);
        let engine = engine.map_err(|_| Refusal::Limit(Fault::Limit("too large a regular expression")))?;
        limited(budget.check_clock())?;
        Ok(Self { engine, names: parsed.names, weight, empty: text.is_empty() })
    }

    /// Whether the pattern is the empty text.
    pub(crate) fn is_empty(&self) -> bool {
        self.empty
    }

    /// The number of the group of this name.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.as_deref() == Some(name))
    }

    pub(crate) fn is_match(&self, text: &[u8], budget: &mut Budget<'_>) -> Result<bool, Fault> {
        self.charge(text, budget)?;
        Ok(self.engine.is_match(Seen::new(text).text.as_bytes()))
    }

    /// All matches from the left, none inside another, at most `limit`.
    pub(crate) fn find_all(&self, text: &[u8], limit: usize, budget: &mut Budget<'_>) -> Result<Vec<Found>, Fault> {
        self.charge(text, budget)?;
        let seen = Seen::new(text);
        let mut all = Vec::new();
        for captures in self.engine.captures_iter(seen.text.as_bytes()).take(limit) {
            let groups: Found =
                captures.iter().map(|span| span.map(|span| seen.own(span.start)..seen.own(span.end))).collect();
            budget.allocate(groups.len() * size_of::<Option<Range<usize>>>())?;
            // A search may go through all of the text for each match.
            budget.check_clock()?;
            all.push(groups);
        }
        Ok(all)
    }

    /// A search cannot be stopped half-way: what it may cost is counted before it begins.
    fn charge(&self, text: &[u8], budget: &mut Budget<'_>) -> Result<(), Fault> {
        let work = (text.len() as u64).saturating_mul(self.weight as u64);
        if work > MAXIMUM_WORK {
            return Err(Fault::Limit("too much text for such a regular expression"));
        }
        budget.steps(work / STATES_PER_STEP)?;
        budget.check_clock()
    }
}

fn bounds() -> meta::Config {
    meta::Config::new()
        .nfa_size_limit(Some(MAXIMUM_SIZE))
        .onepass_size_limit(Some(MAXIMUM_SIZE / 4))
        .dfa_size_limit(Some(MAXIMUM_SIZE / 8))
        .hybrid_cache_capacity(MAXIMUM_SIZE / 4)
}

/// A text as Go sees it, with the way back to its own bytes.
struct Seen<'a> {
    text: Cow<'a, str>,
    /// Where in `text` a replaced byte stands; each is two bytes longer there.
    replaced: Vec<usize>,
}

impl<'a> Seen<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self { text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(bytes.len() * 3);
        let mut replaced = Vec::new();
        for (_, character, _) in chars(bytes) {
            if character.is_none() {
                replaced.push(text.len());
            }
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Self { text: Cow::Owned(text), replaced }
    }

    fn own(&self, offset: usize) -> usize {
        let before = self.replaced.partition_point(|at| *at < offset);
        offset - before * (char::REPLACEMENT_CHARACTER.len_utf8() - 1)
    }
}

/// Of the compiled form.
const MAXIMUM_SIZE: usize = 2 << 20;
const BYTES_PER_CHARACTER: usize = 64;
const BYTES_PER_STATE: usize = 48;
/// Bytes of text times states: about a tenth of a second at its slowest.
const MAXIMUM_WORK: u64 = 40_000_000;
const STATES_PER_STEP: u64 = 256;
