//! What may be told of templates that failed: of parsing everything, of running nothing that depends on a value.

use std::collections::BTreeMap;
use std::fmt;

use super::{ItemFailure, shown};
use sealer_go::template::{Functions, OUT_OF_TIME, TemplateError, expensive_function_names};

/// A text that does not parse as a template. Found without any value, so its place may be told.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseFailure {
    line: usize,
    column: usize,
    reason: &'static str,
    go_text: String,
}

impl ParseFailure {
    /// Builds the failure from numbers alone, as they come from another process; a code that is unknown gives a
    /// general reason.
    pub fn from_numbers(line: u32, column: u32, code: u8) -> Self {
        let reason = PARSE_REASONS.get(usize::from(code)).copied().unwrap_or(UNKNOWN);
        let as_size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self { line: as_size(line), column: as_size(column), reason, go_text: String::new() }
    }

    /// Line, column and the code of the reason, for [`ParseFailure::from_numbers`].
    pub fn numbers(&self) -> (u32, u32, u8) {
        let as_number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let code = PARSE_REASONS.iter().position(|reason| *reason == self.reason);
        let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        (as_number(self.line), as_number(self.column), code)
    }

    pub(crate) fn go_text(&self) -> String {
        if self.go_text.is_empty() { self.to_string() } else { self.go_text.clone() }
    }
}

impl From<TemplateError> for ParseFailure {
    fn from(error: TemplateError) -> Self {
        Self { line: error.line(), column: error.column(), reason: error.reason(), go_text: error.go_text().to_owned() }
    }
}

impl fmt::Display for ParseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // How far the parser came in its time depends on the machine.
        if self.reason == OUT_OF_TIME {
            return write!(f, "template parse error: {OUT_OF_TIME}");
        }
        write!(f, "template parse error at line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl fmt::Debug for ParseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseFailure({self})")
    }
}

impl std::error::Error for ParseFailure {}

/// A template that failed while it ran. Neither `Display` nor `Debug` tells where or how: both may depend on a value.
#[derive(Clone, PartialEq, Eq)]
pub struct RunFailure(TemplateError);

impl RunFailure {
    pub(crate) fn new(error: TemplateError) -> Self {
        Self(error)
    }

    /// The message that Go's engine gives. It may hold values: only for whoever holds the keys anyway.
    pub(crate) fn go_text(&self) -> &str {
        self.0.go_text()
    }

    /// The same without what may come of a value.
    pub(crate) fn public_text(&self) -> &str {
        self.0.public_text()
    }
}

impl fmt::Display for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXECUTION)
    }
}

impl fmt::Debug for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunFailure([withheld])")
    }
}

impl std::error::Error for RunFailure {}

/// An object with templates of which one or more failed while they ran.
///
/// The text depends on the templates alone: it names all of them, whichever failed, in the same words whether one
/// failed, took too long or ended its process.
#[derive(Clone, PartialEq, Eq)]
pub struct Unrendered {
    templates: Vec<String>,
    more: usize,
    refused: Vec<&'static str>,
    failures: Vec<ItemFailure>,
}

impl Unrendered {
    /// Describes the failure of an object with these templates, where `functions` may be called.
    pub fn new(templates: &BTreeMap<String, String>, functions: Functions) -> Self {
        let names: Vec<_> = templates.keys().take(NAMED).map(|name| shown(name)).collect();
        let is_named = |name: &&str| templates.values().any(|text| mentions(text, name));
        let refused = if functions.expensive { Vec::new() } else { expensive_function_names() };
        Self {
            more: templates.len() - names.len(),
            templates: names,
            refused: refused.into_iter().filter(is_named).collect(),
            failures: Vec::new(),
        }
    }

    /// The same with each failure, for [`OpenError::go_text`](crate::failure::OpenError::go_text) alone.
    pub(crate) fn with_failures(self, failures: Vec<ItemFailure>) -> Self {
        Self { failures, ..self }
    }

    pub(crate) fn failures(&self) -> &[ItemFailure] {
        &self.failures
    }
}

impl fmt::Display for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXECUTION} ({}", self.templates.join(", "))?;
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        f.write_str("): where and why is not told, because it may depend on a value; ")?;
        f.write_str("try `sealer template check` on the file, or `sealer --recovery-unseal` with the keys")?;
        f.write_str("; a Secret that the cluster refuses, such as other data in an immutable one, reads the same")?;
        if !self.refused.is_empty() {
            let names: Vec<_> = self.refused.iter().map(|name| format!("`{name}`")).collect();
            write!(f, "; {} needs --allow-expensive-template-functions", names.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unrendered({self})")
    }
}

impl std::error::Error for Unrendered {}

/// Whether a text holds a word, apart from longer ones.
fn mentions(text: &str, word: &str) -> bool {
    let joins = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + word.len()..).and_then(|behind| behind.chars().next());
        !before.is_some_and(joins) && !behind.is_some_and(joins)
    })
}

const EXECUTION: &str = "template execution error";
/// Templates that a message names; the others are counted.
const NAMED: usize = 5;
const UNKNOWN: &str = "it is not a template";
/// Why a template does not parse. A code on the wire is an index: new reasons go to the end.
const PARSE_REASONS: &[&str] = &[
    UNKNOWN,
    "a block has no end",
    "a block has two else",
    "a command is missing",
    "a constant has no fields",
    "a pipeline passes its value to what is no function",
    "a template is defined twice",
    "a value is missing",
    "a variable is missing",
    "bad character",
    "bad number syntax",
    "break or continue outside a range",
    "comment ends before closing delimiter",
    "else without if, range or with",
    "end or else without a block",
    "range can only initialize variables",
    "something is missing before the end of the action",
    "there is no such function",
    "there is no such variable",
    "too large a number",
    "too many variables",
    "unclosed action",
    "unclosed comment",
    "unclosed left paren",
    "unexpected EOF",
    "unexpected character or word",
    "unexpected end",
    "unexpected end or else",
    "unexpected right paren",
    "unrecognized character in action:",
    "unterminated character constant",
    "unterminated quoted string",
    "unterminated raw quoted string",
    "wrong character constant",
    "wrong escape in a character",
    "wrong escape in a text",
    "wrong number",
    // Bounds that parsing meets: they depend on the text alone.
    "nested too deep",
    OUT_OF_TIME,
    "too large a template",
    "too many steps",
    "too much memory",
];

#[cfg(test)]
mod tests;
