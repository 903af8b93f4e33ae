//! What a document holds before its fields have types: values of JSON and YAML, wiped when they are dropped.

use std::fmt;

use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use crate::manifest::scalar;

/// A value that was read.
#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Zeroizing<String>),
    /// What base64 of a field of bytes stood for; no reader makes it.
    Bytes(Zeroizing<Vec<u8>>),
    List(Vec<Self>),
    /// In the order in which a reader of JSON meets the fields. YAML has no name twice, JSON may.
    Map(Vec<(String, Self)>),
}

impl Node {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// Its type in the words of Go's JSON errors.
    pub(crate) fn type_word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "number",
            Self::Text(_) | Self::Bytes(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }

    /// The last field of that name, or of that name in other letters' case, as Go reads it.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        let mut backwards = fields.iter().rev();
        backwards.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Nothing was written, or `{}`.
    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Map(fields) => fields.is_empty(),
            _ => false,
        }
    }

    /// What remains of a scalar where a text is wanted: `yes` is `true`, `010` is `8`.
    pub(crate) fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Uint(value) => Some(value.to_string()),
            Self::Float(value) => Some(scalar::float_text(*value)),
            _ => None,
        }
    }

    /// As JSON has it. None if it holds a number that JSON cannot write.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::from(*value),
            Self::Uint(value) => Value::from(*value),
            Self::Float(value) => match whole(*value) {
                Some(whole) => Value::from(whole),
                None => Value::Number(Number::from_f64(*value)?),
            },
            Self::Text(text) => Value::String(text.to_string()),
            Self::Bytes(bytes) => Value::String(sealer_encoding::base64::encode(bytes)),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect::<Option<_>>()?),
            Self::Map(fields) => {
                let field = |(key, value): &(String, Self)| Some((key.clone(), value.to_value()?));
                Value::Object(fields.iter().map(field).collect::<Option<Map<_, _>>>()?)
            }
        })
    }

    /// Roughly the memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let inner = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.iter().map(Self::weight).sum(),
            Self::Map(fields) => fields.iter().map(|(key, value)| key.len() + value.weight()).sum(),
            _ => 0,
        };
        inner + size_of::<Self>()
    }
}

/// Values may be secret.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}, redacted)", self.type_word())
    }
}

/// A number without a fraction, which JSON writes without a point. Past 15 digits a float no longer is exact.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}
