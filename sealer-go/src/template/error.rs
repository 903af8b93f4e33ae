//! Why did a template fail, told without any value?

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
    pub(crate) go_text: String,
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
        &self.go_text
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
    Failed(&'static str, String),
    Limit(&'static str),
    Refused,
}

impl Fault {
    pub(crate) fn new(reason: &'static str, go_text: impl Into<String>) -> Self {
        Self::Failed(reason, go_text.into())
    }

    /// A failure whose text in Go holds nothing of the template.
    pub(crate) fn plain(text: &'static str) -> Self {
        Self::Failed(text, text.to_owned())
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
            Self::Failed(_, text) => text,
            Self::Limit(reason) => reason.to_owned(),
            Self::Refused => REFUSED.to_owned(),
        }
    }
}

const REFUSED: &str = "is slow and not allowed here (--allow-expensive-template-functions)";
