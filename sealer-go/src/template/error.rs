//! Why a template failed, told without any value.

use std::fmt;

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The text is not a template.
    Parse,
    /// The template failed as it ran.
    Execution,
    /// The template went beyond a bound.
    Limit,
    /// The template calls a function that is not allowed here.
    Refused,
}

impl ErrorClass {
    /// The class as one word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Execution => "execution",
            Self::Limit => "limit",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// A template's failure. `Display` and `Debug` show neither values nor arguments nor text of the template.
#[derive(Clone, PartialEq, Eq)]
pub struct TemplateError {
    pub(crate) class: ErrorClass,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) function: Option<&'static str>,
    pub(crate) reason: &'static str,
    /// In a place of its own: results of every step carry an error, and the stack has to hold many of them.
    pub(crate) texts: Box<Texts>,
}

/// What Go's engine says of a failure.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) go: String,
    /// The same without what may come of a value, where that is another text.
    pub(crate) public: Option<String>,
}

impl TemplateError {
    /// What kind of failure it is.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in bytes, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The function that failed.
    pub fn function(&self) -> Option<&'static str> {
        self.function
    }

    /// The reason, in words that depend on the language alone.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The message that Go's engine gives. It may hold values: only for whoever holds the keys anyway.
    pub fn go_text(&self) -> &str {
        &self.texts.go
    }

    /// The same where whoever reads it need not hold the keys: our own words stand for what may come of a value.
    pub fn public_text(&self) -> &str {
        self.texts.public.as_deref().unwrap_or(&self.texts.go)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template {} error at line {}, column {}: ", self.class, self.line, self.column)?;
        match self.function {
            Some(function) => write!(f, "function `{function}`: {}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

impl fmt::Debug for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateError({self})")
    }
}

impl std::error::Error for TemplateError {}

/// A failure whose place is not known yet.
#[derive(Clone)]
pub(crate) enum Fault {
    /// In our own words, and in Go's.
    Failed(&'static str, Box<GoText>),
    Limit(&'static str),
    Refused,
}

/// What Go says of a failure.
#[derive(Clone)]
pub(crate) struct GoText {
    pub(crate) text: String,
    /// Whether it is made of types, of names in the template and of nothing else.
    pub(crate) is_public: bool,
}

impl GoText {
    /// The same behind other words, which hold no value.
    pub(crate) fn behind(self, words: &str) -> Self {
        Self { text: format!("{words}{}", self.text), ..self }
    }
}

impl Fault {
    /// A failure whose text in Go may hold a value.
    pub(crate) fn new(reason: &'static str, go_text: impl Into<String>) -> Self {
        Self::Failed(reason, Box::new(GoText { text: go_text.into(), is_public: false }))
    }

    /// A failure whose text in Go is made of types, of names in the template and of nothing else.
    pub(crate) fn public(reason: &'static str, go_text: impl Into<String>) -> Self {
        Self::Failed(reason, Box::new(GoText { text: go_text.into(), is_public: true }))
    }

    /// A failure whose text in Go is always the same.
    pub(crate) fn plain(text: &'static str) -> Self {
        Self::public(text, text)
    }

    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Failed(..) => ErrorClass::Execution,
            Self::Limit(_) => ErrorClass::Limit,
            Self::Refused => ErrorClass::Refused,
        }
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Failed(reason, _) | Self::Limit(reason) => reason,
            Self::Refused => REFUSED,
        }
    }

    pub(crate) fn into_go_text(self) -> String {
        match self {
            Self::Failed(_, go_text) => go_text.text,
            Self::Limit(reason) => reason.to_owned(),
            Self::Refused => REFUSED.to_owned(),
        }
    }

    /// The same failure of what was given by the template alone, where no value can be told.
    pub(crate) fn of_constants(self) -> Self {
        match self {
            Self::Failed(reason, go_text) => Self::public(reason, go_text.text),
            other => other,
        }
    }

    /// Whether Go's text may hold a value.
    pub(crate) fn may_hold_values(&self) -> bool {
        matches!(self, Self::Failed(_, go_text) if !go_text.is_public)
    }
}

const REFUSED: &str = "is slow and not allowed here (--allow-expensive-template-functions)";
