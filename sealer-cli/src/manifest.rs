//! Documents: read as kubectl would read them, written as kubectl would write them.

pub(crate) mod diff;
pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod patch;
pub(crate) mod read;
mod scalar;
pub(crate) mod schema;
pub(crate) mod secret;
pub(crate) mod stray;
mod time;
pub(crate) mod twice;
pub(crate) mod typed;
pub(crate) mod yaml;

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
}

/// One document in the output format.
pub(crate) fn encode(document: &Value, format: Format) -> String {
    match format {
        Format::Json => json::pretty(document),
        Format::Yaml => format!("---\n{}", yaml::document(document)),
    }
}

/// Whether a text stands somewhere in these bytes.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether SealedSecrets may stand in a file, also in one that an editor or a shell of Windows wrote in UTF-16, which
/// cannot be edited and must not pass for a file without any.
pub(crate) fn may_hold_sealed(bytes: &[u8]) -> bool {
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    // Every file of a tree comes by here; whatever cannot be looked through quickly may hold anything.
    let holds_kind = |bytes: &[u8]| KIND.as_ref().is_none_or(|kind| kind.is_match(bytes));
    holds_kind(bytes) || is_wide && holds_kind(&bytes.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>())
}

static KIND: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("SealedSecret").ok());
