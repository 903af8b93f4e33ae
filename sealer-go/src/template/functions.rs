//! The functions that a template can call: those of `text/template` and of sprig.

mod arguments;
mod builtin;
mod casing;
mod certificates;
mod compare;
mod convert;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod hashes;
mod json;
mod lists;
mod math;
mod methods;
mod misc;
mod passwords;
mod paths;
mod random;
mod reflection;
mod regexes;
mod sorting;
mod strings;
mod urls;
mod versions;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::Environment;
use super::budget::Budget;
use super::buffer::Buffer;
use super::error::Fault;
use super::pattern::Pattern;
use super::value::{Arena, Dict, Key, Kind, List, ListKind, Text, Value, blocks};

use super::costs::{ENTRY, FAST, OVERHEAD, PLAIN, SLOW, SLOWEST};
pub(crate) use arguments::Arguments;
pub(crate) use methods::method;

pub(crate) type Outcome = Result<Value, Fault>;
pub(crate) type Plain = fn(&mut Runtime<'_, '_>, Arguments<'_>) -> Outcome;

/// A function as templates see it.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) fixed: &'static [Kind],
    /// The type of any number of further arguments.
    pub(crate) rest: Option<Kind>,
    pub(crate) body: Body,
    pub(crate) expensive: bool,
    /// Bytes of its texts that it reads in one step, and elements of its lists and dicts. At zero it looks at none, or
    /// counts what it reads itself.
    pub(crate) reads: u32,
    /// How often it may hold its texts once more while it runs.
    pub(crate) copies: u8,
    /// Why Go cannot call a method from a template, for what it returns.
    pub(crate) results: Option<&'static str>,
}

#[derive(Clone, Copy)]
pub(crate) enum Body {
    Plain(Plain),
    /// `and`, `or`: the truth at which it stops.
    ShortCircuit(bool),
    /// `call`: there are no values that can be called.
    Call,
}

impl Function {
    pub(crate) const fn new(name: &'static str, fixed: &'static [Kind], body: Plain) -> Self {
        Self {
            name,
            fixed,
            rest: None,
            body: Body::Plain(body),
            expensive: false,
            reads: SLOW,
            copies: COPIES,
            results: None,
        }
    }

    /// The function, which reads so many bytes in one step and copies none of them.
    pub(crate) const fn reading(self, bytes: u32) -> Self {
        Self { reads: bytes, copies: 0, ..self }
    }

    /// The function, which reads so many bytes in one step.
    pub(crate) const fn copying(self, bytes: u32) -> Self {
        Self { reads: bytes, ..self }
    }

    pub(crate) const fn variadic(name: &'static str, fixed: &'static [Kind], rest: Kind, body: Plain) -> Self {
        Self { rest: Some(rest), ..Self::new(name, fixed, body) }
    }

    pub(crate) const fn slow(name: &'static str, fixed: &'static [Kind], body: Plain) -> Self {
        Self { expensive: true, ..Self::new(name, fixed, body) }
    }

    pub(crate) fn parameter(&self, index: usize) -> Option<Kind> {
        self.fixed.get(index).copied().or(self.rest)
    }
}

/// What functions work with: the budget, the outer world, and the place where values are kept.
pub(crate) struct Runtime<'e, 'b> {
    pub(crate) budget: &'e mut Budget<'b>,
    pub(crate) environment: &'e Environment,
    arena: Arena,
    /// Regular expressions that were compiled already.
    patterns: BTreeMap<Text, Rc<Pattern>>,
}

impl<'e, 'b> Runtime<'e, 'b> {
    pub(crate) fn new(budget: &'e mut Budget<'b>, environment: &'e Environment) -> Self {
        Self { budget, environment, arena: Arena::default(), patterns: BTreeMap::new() }
    }

    /// Calls a function. What it reads is counted before it does so.
    pub(crate) fn run(&mut self, function: &'static Function, body: Plain, arguments: &[Value]) -> Outcome {
        if function.expensive && !self.environment.functions.expensive {
            return Err(Fault::Refused);
        }
        let arguments = Arguments(arguments);
        if function.reads == 0 {
            return body(self, arguments);
        }
        let (bytes, elements) = arguments.size();
        let read = (bytes as u64).saturating_add((elements as u64).saturating_mul(ELEMENT));
        self.budget.steps(read / u64::from(function.reads))?;
        let copies = bytes.saturating_mul(function.copies.into());
        if copies < UNCOUNTED {
            return body(self, arguments);
        }
        self.budget.check_clock()?;
        self.for_a_moment(copies, |runtime| body(runtime, arguments))
    }

    /// Runs `inner`, which holds so many bytes for as long as it runs.
    pub(crate) fn for_a_moment<T>(
        &mut self,
        bytes: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.budget.allocate(bytes)?;
        let result = inner(self);
        self.budget.release(bytes);
        result
    }

    /// Whether a text is short enough for what cannot be stopped half-way.
    pub(crate) fn short(text: &[u8]) -> Result<(), Fault> {
        if text.len() > LONGEST { Err(Fault::Limit("too long a text for this function")) } else { Ok(()) }
    }

    /// A copy of these bytes.
    pub(crate) fn text(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        let bytes = bytes.as_ref();
        self.budget.allocate(bytes.len() + OVERHEAD)?;
        Ok(Value::Text(bytes.into()))
    }

    /// A text that was made with room that is counted already.
    pub(crate) fn written(&mut self, buffer: Buffer) -> Outcome {
        self.budget.allocate(OVERHEAD)?;
        Ok(Value::Text(buffer.into_text()))
    }

    /// Each part of a text changed into something else. No character is in two of the parts.
    pub(crate) fn changed(&mut self, bytes: &[u8], mut change: impl FnMut(&[u8], &mut Vec<u8>)) -> Outcome {
        let mut buffer = Buffer::default();
        self.change_into(&mut buffer, bytes, &mut change)?;
        self.written(buffer)
    }

    pub(crate) fn change_into(
        &mut self,
        buffer: &mut Buffer,
        bytes: &[u8],
        change: &mut impl FnMut(&[u8], &mut Vec<u8>),
    ) -> Result<(), Fault> {
        let mut changed = Zeroizing::new(Vec::new());
        for block in blocks(bytes) {
            self.budget.check_clock()?;
            changed.clear();
            change(block, &mut changed);
            buffer.push(&changed, self.budget)?;
        }
        Ok(())
    }

    /// A list that counts its elements before `fill` makes them, at most `most` of them.
    pub(crate) fn list_of(&mut self, kind: ListKind, most: usize, items: impl IntoIterator<Item = Value>) -> Outcome {
        self.budget.allocate(most.saturating_mul(size_of::<Value>()).saturating_add(OVERHEAD))?;
        let mut list = Vec::with_capacity(most);
        list.extend(items.into_iter().take(most));
        self.counted_list(kind, list)
    }

    /// A list of elements that are counted already.
    pub(crate) fn counted_list(&mut self, kind: ListKind, items: Vec<Value>) -> Outcome {
        self.budget.read(items.len(), ELEMENTS_IN_A_STEP)?;
        List::new(kind, items).map(Value::List).ok_or(Fault::Limit("lists nested too deep"))
    }

    /// Texts copied out of another one.
    pub(crate) fn texts<'t>(&mut self, count: usize, parts: impl IntoIterator<Item = &'t [u8]>) -> Outcome {
        self.budget.allocate(count.saturating_mul(size_of::<Value>()).saturating_add(OVERHEAD))?;
        let mut list = Vec::with_capacity(count);
        for part in parts.into_iter().take(count) {
            list.push(self.text(part)?);
        }
        self.counted_list(ListKind::Text, list)
    }

    /// A dict. The keys' and values' own bytes are counted already.
    pub(crate) fn dict(&mut self, entries: BTreeMap<Key, Value>) -> Outcome {
        self.budget.allocate(DICT + entries.len() * ENTRY)?;
        let dict = Dict::new(entries);
        self.arena.keep(&dict);
        Ok(Value::Dict(dict))
    }

    /// The entries of a dict as they are now.
    pub(crate) fn snapshot(&mut self, dict: &Dict) -> Result<Vec<(Key, Value)>, Fault> {
        self.budget.allocate(dict.len() * ENTRY)?;
        Ok(dict.snapshot())
    }

    /// Counts the search for a key among so many.
    pub(crate) fn search(&mut self, entries: usize, key: &[u8]) -> Result<(), Fault> {
        let levels = usize::BITS - entries.leading_zeros();
        self.budget.read((key.len() + 1).saturating_mul(levels as usize), FAST)
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    CATEGORIES.iter().flat_map(|list| list.iter()).map(|function| (function.name, function)).collect()
});

pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = BY_NAME.keys().copied().collect();
    names.sort_unstable();
    names
}

/// The names of the functions that are refused unless the environment allows them, sorted.
pub(crate) fn expensive_names() -> Vec<&'static str> {
    names().into_iter().filter(|name| BY_NAME.get(name).is_some_and(|function| function.expensive)).collect()
}

static CATEGORIES: &[&[Function]] = &[
    builtin::FUNCTIONS,
    certificates::FUNCTIONS,
    compare::FUNCTIONS,
    convert::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    hashes::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    math::FUNCTIONS,
    misc::FUNCTIONS,
    passwords::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    reflection::FUNCTIONS,
    regexes::FUNCTIONS,
    strings::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
    words::FUNCTIONS,
];

/// What a dict takes beside its entries.
const DICT: usize = 480;
/// An element of a list is looked at as long as so many bytes.
const ELEMENT: u64 = 8;
/// Bytes that any function goes through within milliseconds.
const LONGEST: usize = 64 << 10;
const ELEMENTS_IN_A_STEP: u32 = 32;
/// Copies that functions make of their texts, of their characters, or of those that are no UTF-8.
const COPIES: u8 = 3;
/// Copies so small that counting them takes longer than making them.
const UNCOUNTED: usize = 1 << 10;
