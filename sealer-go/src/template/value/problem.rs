//! Which errors can a template hold as a value? A few methods return one instead of failing.

use super::{Text, Value};

/// Go's error, as far as reading a version makes one.
#[derive(Clone, PartialEq)]
pub(crate) enum Problem {
    /// Of type `*errors.errorString`.
    Plain(String),
    /// Of type `*fmt.wrapError`, around the error of the number.
    Wrapped(String, String),
    /// Of type `*strconv.NumError`, with the number's text.
    Number(String),
    /// Of type `*json.SyntaxError`.
    Syntax { text: String, offset: i64 },
    /// Of type `*json.UnmarshalTypeError`, with what was found in place of a text.
    WrongType { found: &'static str, offset: i64 },
}

/// What a name after an error's dot stands for.
pub(crate) enum Field {
    /// One that Go lets nobody see.
    Hidden,
    Value(Value),
}

impl Problem {
    /// The error of a version's text, told by its words.
    pub(crate) fn of_version(text: String) -> Self {
        let number = text.starts_with("error parsing version segment").then(|| text.split('"').nth(1)).flatten();
        match number.map(str::to_owned) {
            Some(number) => Self::Wrapped(text, number),
            None => Self::Plain(text),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Plain(_) => "*errors.errorString",
            Self::Wrapped(..) => "*fmt.wrapError",
            Self::Number(_) => "*strconv.NumError",
            Self::Syntax { .. } => "*json.SyntaxError",
            Self::WrongType { .. } => "*json.UnmarshalTypeError",
        }
    }

    /// What its method `Error` returns.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(text) | Self::Wrapped(text, _) | Self::Syntax { text, .. } => text.clone(),
            Self::Number(number) => {
                format!("strconv.ParseUint: parsing \"{number}\": {OUT_OF_RANGE}")
            }
            Self::WrongType { found, .. } => format!("json: cannot unmarshal {found} into Go value of type string"),
        }
    }

    /// The error inside, for those that have a method to ask for it.
    pub(crate) fn inner(&self) -> Option<Self> {
        match self {
            Self::Wrapped(_, number) => Some(Self::Number(number.clone())),
            Self::Number(_) => Some(Self::Plain(OUT_OF_RANGE.to_owned())),
            _ => None,
        }
    }

    /// The error with only those of its fields that everybody sees.
    pub(crate) fn without_hidden(&self) -> Self {
        match self {
            Self::Plain(_) => Self::Plain(String::new()),
            Self::Wrapped(..) => Self::Plain(String::new()),
            Self::Syntax { offset, .. } => Self::Syntax { text: String::new(), offset: *offset },
            other => other.clone(),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<Field> {
        let text = |text: &str| Some(Field::Value(Value::Text(Text::from(text))));
        match (self, name) {
            (Self::Plain(_), "s") | (Self::Wrapped(..), "msg" | "err") | (Self::Syntax { .. }, "msg") => {
                Some(Field::Hidden)
            }
            (Self::Number(_), "Func") => text("ParseUint"),
            (Self::Number(number), "Num") => text(number),
            (Self::Number(_), "Err") => Some(Field::Value(Value::error(Self::Plain(OUT_OF_RANGE.to_owned())))),
            (Self::Syntax { offset, .. } | Self::WrongType { offset, .. }, "Offset") => {
                Some(Field::Value(Value::int64(*offset)))
            }
            (Self::WrongType { found, .. }, "Value") => text(found),
            (Self::WrongType { .. }, "Struct" | "Field") => text(""),
            _ => None,
        }
    }
}

const OUT_OF_RANGE: &str = "value out of range";
