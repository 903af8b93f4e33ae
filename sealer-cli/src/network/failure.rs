//! Why a request failed: one line that scripts know, and what to try.

use std::fmt;

use crate::diagnostics::CliError;

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Failure {
    text: String,
    hints: Vec<String>,
    /// Nothing was asked, since there are no credentials to ask with.
    is_unasked: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hints: Vec::new(), is_unasked: false }
    }

    /// Adds what to try.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same behind what was being done.
    #[must_use]
    pub(crate) fn beneath(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }

    /// The same between two texts.
    #[must_use]
    pub(crate) fn around(self, before: &str, behind: &str) -> Self {
        Self { text: format!("{before}{}{behind}", self.text), ..self }
    }

    /// The same as if another path had been asked.
    #[must_use]
    pub(crate) fn told_of(self, asked: &str, other: &str) -> Self {
        Self { text: self.text.replacen(asked, other, 1), ..self }
    }

    /// The same of credentials that cannot be got.
    #[must_use]
    pub(crate) fn unasked(self) -> Self {
        Self { is_unasked: true, ..self.beneath("getting credentials") }
    }

    pub(crate) fn is_unasked(&self) -> bool {
        self.is_unasked
    }

    /// Whether anything is known to try.
    pub(crate) fn has_hints(&self) -> bool {
        !self.hints.is_empty()
    }

    /// As the error of a command.
    pub(crate) fn into_error(self) -> CliError {
        self.hints.into_iter().fold(CliError::new(self.text), CliError::hint)
    }
}
