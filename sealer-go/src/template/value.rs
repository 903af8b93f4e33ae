//! Which values does a template compute with? They are Go's, as far as templates can meet them.

mod arena;
mod decimal;
pub(crate) mod problem;
pub(crate) mod quote;
mod text;
pub(crate) mod time;
mod types;
pub(crate) mod version;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) use arena::Arena;
pub(crate) use decimal::Decimal;
pub(crate) use problem::Problem;
pub(crate) use text::{
    Key, Text, blocks, chars, fold_known, is_digit, is_letter, is_lower, is_number, is_printable, is_punctuation,
    is_title, is_upper, known_class, lossy, rune_at, to_lower, to_title, to_upper, unicode_class,
};
pub(crate) use time::{Time, Zone};
pub(crate) use types::{Kind, assignable, kind_name, type_name};
pub(crate) use version::{HeldVersion, Version};

/// A value, with its Go type.
#[derive(Clone)]
pub(crate) enum Value {
    /// Nothing at all: an absent key, or `nil`.
    Nil,
    /// An element that can hold anything and holds nothing.
    NilInterface,
    Bool(bool),
    Int(Integer),
    Float(f64),
    Complex(f64, f64),
    Text(Text),
    List(List),
    Dict(Dict),
    Strings(Strings),
    Time(Rc<Time>),
    Location(Zone),
    Version(HeldVersion),
    Certificate(Rc<KeyPair>),
    /// An error that a method returned; `is_interface` until it is passed on as any value.
    Error {
        problem: Rc<Problem>,
        is_interface: bool,
    },
    /// No error, where a method could have returned one.
    NoError,
}

/// An integer of one of Go's types; unsigned ones as their bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Integer {
    pub(crate) bits: i64,
    pub(crate) kind: IntegerKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IntegerKind {
    Int,
    Int64,
    Uint8,
    Uint64,
    Month,
    Weekday,
    Duration,
}

impl IntegerKind {
    pub(crate) fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint64)
    }
}

impl Integer {
    /// The number as one that holds every value of every kind.
    pub(crate) fn wide(self) -> i128 {
        if self.kind.is_unsigned() { i128::from(self.bits.cast_unsigned()) } else { i128::from(self.bits) }
    }
}

/// What a list's elements are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ListKind {
    Any,
    Text,
    Int,
    Byte,
    Lists,
}

#[derive(Clone)]
pub(crate) struct List {
    pub(crate) kind: ListKind,
    /// Go's nil slice: empty, but `null` as JSON.
    pub(crate) nil: bool,
    /// Lists inside each other, this one counted. Dicts count as nothing: freeing one never goes on into another.
    depth: u8,
    pub(crate) items: Rc<Vec<Value>>,
}

impl List {
    /// A list of these elements, or nothing if lists would be too deep inside each other.
    pub(crate) fn new(kind: ListKind, items: Vec<Value>) -> Option<Self> {
        let inner = items.iter().map(|item| if let Value::List(list) = item { list.depth } else { 0 }).max();
        let depth = inner.unwrap_or(0) + 1;
        (depth <= DEEPEST).then(|| Self { kind, nil: false, depth, items: Rc::new(items) })
    }
}

/// Lists inside each other, and values inside each other that a function goes through: what a thread's stack bears.
pub(crate) const DEEPEST: u8 = 64;

/// A map that functions can change: all holders see the change.
#[derive(Clone)]
pub(crate) struct Dict(Rc<DictCell>);

struct DictCell {
    nil: bool,
    entries: RefCell<BTreeMap<Key, Value>>,
}

impl Dict {
    pub(crate) fn nil() -> Self {
        Self(Rc::new(DictCell { nil: true, entries: RefCell::default() }))
    }

    pub(crate) fn new(entries: BTreeMap<Key, Value>) -> Self {
        Self(Rc::new(DictCell { nil: false, entries: RefCell::new(entries) }))
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.0.nil
    }

    pub(crate) fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.0.entries.borrow().contains_key(key)
    }

    pub(crate) fn insert(&self, key: Key, value: Value) {
        self.0.entries.borrow_mut().insert(key, value);
    }

    pub(crate) fn remove(&self, key: &[u8]) {
        self.0.entries.borrow_mut().remove(key);
    }

    /// Takes everything out, so that dicts that hold each other can be freed.
    pub(crate) fn take(&self) -> BTreeMap<Key, Value> {
        std::mem::take(&mut *self.0.entries.borrow_mut())
    }

    /// The entries as they are now, sorted by key.
    pub(crate) fn snapshot(&self) -> Vec<(Key, Value)> {
        self.0.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Go's map of strings to strings. Nothing changes one.
#[derive(Clone)]
pub(crate) struct Strings(Rc<BTreeMap<Key, Text>>);

impl Strings {
    pub(crate) fn new(entries: BTreeMap<Key, Text>) -> Self {
        Self(Rc::new(entries))
    }

    pub(crate) fn entries(&self) -> &BTreeMap<Key, Text> {
        &self.0
    }
}

/// A certificate and its private key, both as PEM.
#[derive(PartialEq)]
pub(crate) struct KeyPair {
    pub(crate) certificate: Text,
    pub(crate) key: Text,
}

impl Value {
    pub(crate) fn int(value: i64) -> Self {
        Self::Int(Integer { bits: value, kind: IntegerKind::Int })
    }

    pub(crate) fn int64(value: i64) -> Self {
        Self::Int(Integer { bits: value, kind: IntegerKind::Int64 })
    }

    pub(crate) fn uint64(value: u64) -> Self {
        Self::Int(Integer { bits: value.cast_signed(), kind: IntegerKind::Uint64 })
    }

    pub(crate) fn of_kind(value: i64, kind: IntegerKind) -> Self {
        Self::Int(Integer { bits: value, kind })
    }

    /// An error as a method returns it.
    pub(crate) fn error(problem: Problem) -> Self {
        Self::Error { problem: Rc::new(problem), is_interface: true }
    }

    /// The value as a parameter of any type holds it.
    pub(crate) fn as_any(&self) -> Self {
        match self {
            Self::Error { problem, .. } => Self::Error { problem: problem.clone(), is_interface: false },
            Self::NoError => Self::Nil,
            other => other.clone(),
        }
    }

    pub(crate) fn nil_list(kind: ListKind) -> Self {
        Self::List(List { kind, nil: true, depth: 1, items: Rc::default() })
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil | Self::NilInterface)
    }

    /// Go's truth: whatever is not its type's empty value.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil | Self::NilInterface | Self::NoError => false,
            Self::Bool(value) => *value,
            Self::Int(value) => value.bits != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Dict(dict) => dict.len() > 0,
            Self::Strings(map) => !map.entries().is_empty(),
            Self::Time(_) | Self::Location(_) | Self::Version(_) | Self::Certificate(_) | Self::Error { .. } => true,
        }
    }

    /// An element that can hold anything, as it is met when it is looked up.
    pub(crate) fn as_element(&self) -> Self {
        if self.is_nil() { Self::NilInterface } else { self.clone() }
    }

    /// The value inside an element: nothing where it holds nothing.
    pub(crate) fn settled(self) -> Self {
        if self.is_nil() { Self::Nil } else { self }
    }
}
