//! Which functions can a template call?

mod arguments;
mod builtin;
mod casing;
#[cfg(feature = "native")]
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
mod strings;
mod urls;
mod versions;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use super::Environment;
use super::budget::Budget;
use super::error::Fault;
use super::pattern::Pattern;
use super::value::{Arena, Dict, Key, Kind, List, ListKind, Text, Value};

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
    /// Of methods that Go cannot call from a template for what they return.
    pub(crate) too_many_results: Option<u8>,
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
        Self { name, fixed, rest: None, body: Body::Plain(body), expensive: false, too_many_results: None }
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

    pub(crate) fn run(&mut self, function: &'static Function, body: Plain, arguments: &[Value]) -> Outcome {
        if function.expensive && !self.environment.functions.expensive {
            return Err(Fault::Refused);
        }
        body(self, Arguments(arguments))
    }

    pub(crate) fn text(&mut self, bytes: impl Into<Vec<u8>>) -> Outcome {
        let bytes = bytes.into();
        self.budget.allocate(bytes.len() + OVERHEAD)?;
        Ok(Value::Text(bytes.into()))
    }

    pub(crate) fn list(&mut self, kind: ListKind, items: Vec<Value>) -> Outcome {
        self.budget.allocate(items.len() * size_of::<Value>() + OVERHEAD)?;
        Ok(self.arena.keep(Value::List(List { kind, nil: false, items: Rc::new(items) })))
    }

    pub(crate) fn texts<T: Into<Text>>(&mut self, items: impl IntoIterator<Item = T>) -> Outcome {
        let mut list = Vec::new();
        for item in items {
            let text: Text = item.into();
            self.budget.allocate(text.len() + OVERHEAD)?;
            list.push(Value::Text(text));
        }
        self.list(ListKind::Text, list)
    }

    pub(crate) fn dict(&mut self, entries: BTreeMap<Key, Value>) -> Outcome {
        self.budget.allocate(entries.len() * ENTRY + OVERHEAD)?;
        Ok(self.arena.keep(Value::Dict(Dict::new(entries))))
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

static CATEGORIES: &[&[Function]] = &[
    builtin::FUNCTIONS,
    #[cfg(feature = "native")]
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

/// What a value takes beside its bytes or elements.
pub(crate) const OVERHEAD: usize = 48;
/// What an entry of a map takes beside its key and value.
pub(crate) const ENTRY: usize = 64;
