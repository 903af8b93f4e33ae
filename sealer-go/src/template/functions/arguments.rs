//! Reads the arguments of a function, whose types the call has checked.

use std::borrow::Cow;

use super::super::value::{Dict, Text, Value, lossy};

#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a>(pub(crate) &'a [Value]);

impl<'a> Arguments<'a> {
    pub(crate) fn any(self, index: usize) -> &'a Value {
        self.0.get(index).unwrap_or(&Value::Nil)
    }

    pub(crate) fn bytes(self, index: usize) -> &'a [u8] {
        match self.any(index) {
            Value::Text(text) => text,
            _ => &[],
        }
    }

    pub(crate) fn text(self, index: usize) -> Text {
        match self.any(index) {
            Value::Text(text) => text.clone(),
            _ => Text::from(Vec::new()),
        }
    }

    /// The text, each byte that is no character as U+FFFD.
    pub(crate) fn str(self, index: usize) -> Cow<'a, str> {
        lossy(self.bytes(index))
    }

    /// The text with each byte as a character of its own, where all that matters is ASCII.
    pub(crate) fn by_bytes(self, index: usize) -> String {
        self.bytes(index).iter().map(|byte| char::from(*byte)).collect()
    }

    /// Bytes of texts, and elements of lists and maps. What is inside of elements is not counted.
    pub(crate) fn size(self) -> (usize, usize) {
        self.0.iter().fold((0, 1), |(bytes, elements), value| match value {
            Value::Text(text) => (bytes.saturating_add(text.len()), elements),
            Value::List(list) => (bytes, elements.saturating_add(list.items.len())),
            Value::Dict(dict) => (bytes, elements.saturating_add(dict.len())),
            Value::Strings(map) => (bytes, elements.saturating_add(map.entries().len())),
            _ => (bytes, elements + 1),
        })
    }

    pub(crate) fn int(self, index: usize) -> i64 {
        match self.any(index) {
            Value::Int(integer) => integer.bits,
            _ => 0,
        }
    }

    pub(crate) fn truth(self, index: usize) -> bool {
        matches!(self.any(index), Value::Bool(true))
    }

    pub(crate) fn dict(self, index: usize) -> Dict {
        match self.any(index) {
            Value::Dict(dict) => dict.clone(),
            _ => Dict::nil(),
        }
    }

    pub(crate) fn from(self, index: usize) -> &'a [Value] {
        self.0.get(index..).unwrap_or_default()
    }
}
