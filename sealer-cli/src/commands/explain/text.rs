//! What can be wrong with a sealed value at first sight, before any key is tried? Nothing of it is ever shown.

use sealer_core::SealedValue;
use sealer_encoding::base64;

use super::{Asked, Finding, RENDERED, Verdict};
use crate::tree::SealedItem;

/// The first mistake that is seen.
pub(super) fn verdict(asked: &Asked<'_>, item: &SealedItem) -> Option<Verdict> {
    let again = asked.seal_again(&item.name);
    if item.templated {
        return Some(Verdict::Unseen(Finding::new(
            "comes from a template, and what that renders is not seen here",
            RENDERED,
        )));
    }
    if asked.edited.at(&item.path).and_then(|tree| tree.scalar()).is_none() {
        return Some(Verdict::Closed(Finding::new("is a list or a map, not a text", again)));
    }
    let text = item.value.as_str();
    seen(text, &again).or_else(|| damaged(text, &again)).map(Verdict::Closed)
}

/// Mistakes that are known by their looks.
fn seen(text: &str, again: &str) -> Option<Finding> {
    if text.trim().is_empty() || matches!(text, "~" | "null") {
        return Some(Finding::new("is empty", again));
    }
    if text.trim() == "<sealed>" {
        return Some(Finding::new("is the mark that `sealer edit` shows in place of a sealed value", again));
    }
    if text.contains("PRIVATE KEY-----") {
        return Some(Finding::new(
            "is a private key in clear text",
            format!("take it out, make a new one, and {again}"),
        ));
    }
    let bare = text.trim_matches(|c: char| c.is_whitespace() || "\"'`\u{201c}\u{201d}\u{2018}\u{2019}".contains(c));
    if bare.len() != text.trim().len() && is_sealed(bare) {
        return Some(Finding::new("has quotes that are part of the text", "take the inner quotes out"));
    }
    let joined: String = text.split_whitespace().collect();
    if text.contains([' ', '\t']) && is_sealed(&joined) {
        let remedy = "put it on one line; between quotes and behind `>` a line break becomes a space";
        return Some(Finding::new("has spaces in it, as lines that were joined have", remedy));
    }
    let standard = joined.replace('-', "+").replace('_', "/");
    let padded = format!("{standard}{}", "=".repeat(standard.len().wrapping_neg() % 4));
    if standard != joined && is_sealed(&padded) {
        return Some(Finding::new("is in the alphabet of addresses", "write `+` for `-` and `/` for `_`"));
    }
    None
}

/// What the bytes say.
fn damaged(text: &str, again: &str) -> Option<Finding> {
    let cut_off = || Some(Finding::new("is cut off: its end is missing", again));
    let whole: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let Ok(bytes) = base64::decode(text) else {
        let groups = whole.get(..whole.len() / 4 * 4).unwrap_or_default();
        let begins = base64::decode(groups).is_ok_and(|bytes| announced(&bytes).is_some());
        return if begins {
            cut_off()
        } else if whole.get(..4).and_then(|first| base64::decode(first).ok()).is_some_and(|it| announced(&it).is_some())
        {
            let at = base64::decode(text).err().map(|error| error.offset + 1).unwrap_or_default();
            Some(Finding::new(format!("is damaged: character {at} is none that a sealed value has"), again))
        } else {
            Some(Finding::new(
                "is no sealed value but other text, perhaps the value itself",
                format!("if it is, it is known to whoever reads the file: change it, and {again}"),
            ))
        };
    };
    match announced(&bytes) {
        Some(length) if bytes.len() < LENGTH_FIELD + length + TAG => cut_off(),
        Some(_) => None,
        None if std::str::from_utf8(&bytes).is_ok_and(|inner| is_sealed(inner.trim())) => {
            Some(Finding::new("is in base64 twice", "decode it once: base64 -d"))
        }
        None => Some(Finding::new(
            "is base64, but not of a sealed value; perhaps of the value itself",
            format!("if it is, it is known to whoever reads the file: change it, and {again}"),
        )),
    }
}

/// The length of the wrapped key that a sealed value announces, if that is one a key can have.
fn announced(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    KEYS.contains(&length).then_some(length)
}

fn is_sealed(text: &str) -> bool {
    let bytes = base64::decode(text).unwrap_or_default();
    let fits = announced(&bytes).is_some_and(|length| bytes.len() >= LENGTH_FIELD + length + TAG);
    fits && SealedValue::from_bytes(&bytes).is_ok()
}

/// Bytes of RSA keys of 1024 to 8192 bits; writers may strip zeros.
const KEYS: std::ops::RangeInclusive<usize> = 112..=1024;
const LENGTH_FIELD: usize = 2;
/// Of AES-GCM.
const TAG: usize = 16;
