//! Documents: read as kubectl would read them, written as kubectl would write them.

pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod patch;
pub(crate) mod read;
mod scalar;
pub(crate) mod schema;
pub(crate) mod secret;
mod time;
pub(crate) mod typed;
pub(crate) mod yaml;

use serde_json::Value;

use crate::request::Format;

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
