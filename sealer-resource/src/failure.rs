//! Why a SealedSecret does not become a Secret: item by item, and what may be told of it.

use std::collections::BTreeMap;

use sealer_core::error::{EnvelopeError, UnsealError};
use sealer_encoding::base64::Base64Error;

pub use self::templates::{ParseFailure, RunFailure, Unrendered};

mod templates;

/// A SealedSecret that does not become a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Some items failed; the text groups them by cause.
    #[error("{}", grouped(.0, ItemCause::to_string))]
    Items(Vec<ItemFailure>),
    /// Templates failed while they ran.
    #[error(transparent)]
    Templates(Unrendered),
    /// The deprecated blob did not open.
    #[error(transparent)]
    V1(ItemCause),
    /// The deprecated blob is not accepted here.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    V1Refused,
    /// Both forms at once.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    V1AndItems,
    /// The blob opened but holds no Secret.
    #[error("the deprecated 'data' field does not hold a Secret")]
    V1Malformed,
}

/// One item that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemFailure {
    /// Its name.
    pub item: String,
    /// Why.
    pub cause: ItemCause,
}

/// Why an item failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemCause {
    /// The text is no base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// No key opens it, for whatever reason.
    #[error(transparent)]
    NoKey(#[from] UnsealError),
    /// Its template does not parse.
    #[error(transparent)]
    Parse(ParseFailure),
    /// Its template failed while it ran.
    #[error(transparent)]
    Template(RunFailure),
}

impl From<(String, ParseFailure)> for ItemFailure {
    fn from((item, failure): (String, ParseFailure)) -> Self {
        Self { item, cause: ItemCause::Parse(failure) }
    }
}

impl From<EnvelopeError> for ItemCause {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Base64(error) => Self::Base64(error),
            _ => Self::NoKey(UnsealError),
        }
    }
}

/// A name as long as Kubernetes takes one, without what a terminal would obey: control characters and those that turn the
/// direction of a line. What is longer would only fill logs and status.
pub(crate) fn shown(item: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    item.chars().take(LONGEST_ITEM).map(|c| if is_obeyed(c) { '?' } else { c }).collect()
}

impl OpenError {
    /// The text that Go's engine gives for templates. It may hold values: only for whoever holds the keys anyway.
    pub fn go_text(&self) -> String {
        self.told(ItemCause::go_text)
    }

    /// The same for whoever reads what a command says, which may be a log: our own words stand for what may come of a value.
    /// Where a template failed may depend on one.
    pub fn public_text(&self) -> String {
        self.told(ItemCause::public_text)
    }

    fn told(&self, text: fn(&ItemCause) -> String) -> String {
        match self {
            Self::Items(failures) => grouped(failures, text),
            Self::Templates(unrendered) if !unrendered.failures().is_empty() => grouped(unrendered.failures(), text),
            other => other.to_string(),
        }
    }
}

impl ItemCause {
    fn go_text(&self) -> String {
        match self {
            Self::Parse(failure) => failure.go_text(),
            Self::Template(failure) => failure.go_text().to_owned(),
            other => other.to_string(),
        }
    }

    fn public_text(&self) -> String {
        match self {
            Self::Template(failure) => failure.public_text().to_owned(),
            other => other.go_text(),
        }
    }
}

/// Causes of equal text share a line, with the items in parentheses: `no key could decrypt secret (a, b)`.
fn grouped(failures: &[ItemFailure], text: fn(&ItemCause) -> String) -> String {
    let mut items_by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for failure in failures {
        items_by_text.entry(text(&failure.cause)).or_default().push(shown(&failure.item));
    }
    let line = |(text, items): (String, Vec<String>)| format!("{text} ({})", items.join(", "));
    items_by_text.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Kubernetes' limit on the name of an item.
const LONGEST_ITEM: usize = 253;
