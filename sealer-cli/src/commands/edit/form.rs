//! The items of an object as an editor shows them: one name and value each, every value taken as text as it is written.
//!
//! Messages name lines, never what stands in them: a line may be part of a value.

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag, options};
use sealer_core::{Plaintext, Scope};
use sealer_encoding::base64;
use serde_json::json;
use zeroize::Zeroizing;

use crate::commands::target;
use crate::manifest::yaml;

/// An item in the editor.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) shown: Shown,
}

#[derive(Debug)]
pub(super) enum Shown {
    /// What is sealed stays.
    Sealed,
    Clear(Plaintext),
}

/// What the editor says ahead of the items.
pub(super) fn head(object: &str, scope: Scope, file: &str, clear: bool) -> String {
    let values = if clear { "" } else { "# <sealed> stays as it is; write a value in its place to change it.\n" };
    format!(
        "# {object} of {file}, scope {scope}\n# Change, add or take out lines; nothing else of the file changes.\n{values}\
         # Values are texts as they stand; !!binary is base64.\n"
    )
}

/// The text for the editor.
pub(super) fn write(head: &str, entries: &[Entry]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(head.to_owned());
    for entry in entries {
        text.push_str(&line(entry));
    }
    text
}

/// The text once more, with what is wrong with it.
pub(super) fn with_reason(text: &str, reason: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{WRONG}{reason} (counted without this line)\n{text}"))
}

/// The text without what was wrong before.
pub(super) fn without_reason(text: &str) -> Zeroizing<String> {
    let rest = text.strip_prefix(WRONG).and_then(|rest| rest.split_once('\n'));
    Zeroizing::new(rest.map_or(text, |(_, rest)| rest).to_owned())
}

fn line(entry: &Entry) -> Zeroizing<String> {
    let name = yaml::document(&json!({ &entry.name: 0 }));
    let name = name.trim_end().trim_end_matches('0').trim_end();
    let value = match &entry.shown {
        Shown::Sealed => return Zeroizing::new(format!("{name} {SEALED}\n")),
        Shown::Clear(value) => value.expose(),
    };
    let text = std::str::from_utf8(value).unwrap_or(SEALED);
    let written = Zeroizing::new(yaml::document(&json!({ &entry.name: text })));
    let reads_back = |written: &str| match read_all(written).ok()?.pop()?.shown {
        Shown::Clear(again) => Some(again.expose() == value),
        Shown::Sealed => None,
    };
    if reads_back(&written) == Some(true) {
        return written;
    }
    // In quotes on one line, what YAML would fold or this form would take for something else.
    let quoted = std::str::from_utf8(value).ok().and_then(|text| serde_json::to_string(text).ok()).map(Zeroizing::new);
    let quoted = quoted.map(|quoted| Zeroizing::new(format!("{name} {}\n", *quoted)));
    if let Some(quoted) = quoted.filter(|quoted| reads_back(quoted) == Some(true)) {
        return quoted;
    }
    Zeroizing::new(format!("{name} !!binary {}\n", base64::encode(value)))
}

/// Reads what came of the text. `old` are the items that may stay sealed.
pub(super) fn read(text: &str, old: &[Entry]) -> Result<Vec<Entry>, String> {
    let entries = read_all(text)?;
    if entries.is_empty() {
        return Err("no item is left in it".to_owned());
    }
    let is_new =
        |entry: &&Entry| matches!(entry.shown, Shown::Sealed) && old.iter().all(|known| known.name != entry.name);
    match entries.iter().find(is_new) {
        Some(entry) => Err(format!("{SEALED} is no value for `{}`, which has none yet", entry.name)),
        None => Ok(entries),
    }
}

fn read_all(text: &str) -> Result<Vec<Entry>, String> {
    let mut parser = Parser::new_from_str_with_options(text, options! { emit_comments: false });
    let mut entries: Vec<Entry> = Vec::new();
    let mut opened = false;
    loop {
        let (event, span) = next(&mut parser)?;
        match event {
            Event::StreamEnd => return Ok(entries),
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd | Event::MappingEnd => {}
            Event::MappingStart(_, 0, _) if !opened => opened = true,
            Event::Scalar(name, _, 0, None) if opened => {
                if target::check_item(&name).is_err() {
                    return Err(at(span, "has no name that an item can have"));
                }
                if entries.iter().any(|known| known.name == *name) {
                    return Err(at(span, "has a name that stands there twice"));
                }
                let shown = value(&mut parser, text)?;
                entries.push(Entry { name: name.into_owned(), shown });
            }
            // A text with nothing but comments is an empty value.
            Event::Scalar(_, ScalarStyle::Plain, 0, None) if is_nothing(span) => {}
            _ => return Err(at(span, "is no `name: value`")),
        }
    }
}

fn value<'a>(parser: &mut Parser<'a, StrInput<'a>>, source: &str) -> Result<Shown, String> {
    let (event, span) = next(parser)?;
    let Event::Scalar(text, style, 0, tag) = event else {
        return Err(at(span, "has a value that is no text"));
    };
    match (tag.as_deref().map(Tag::suffix), style, &*text) {
        (Some("binary"), ..) => {
            let joined: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
            let value =
                base64::decode(joined.as_bytes()).map_err(|_| at(span, "has a !!binary value that is no base64"))?;
            Ok(Shown::Clear(Plaintext::new(value)))
        }
        (Some("str") | None, ScalarStyle::Plain, _) if is_nothing(span) => {
            Err(at(span, "has no value; \"\" is an empty one"))
        }
        (None, ScalarStyle::Plain, SEALED) => Ok(Shown::Sealed),
        (Some("str") | None, ScalarStyle::Plain, _) => match altered(&text, source, span) {
            Some(reason) => Err(at(span, reason)),
            None => Ok(Shown::Clear(Plaintext::new(text.as_bytes().to_vec()))),
        },
        (Some("str") | None, ..) => Ok(Shown::Clear(Plaintext::new(text.as_bytes().to_vec()))),
        (Some(_), ..) => Err(at(span, "has a tag that is not known here")),
    }
}

/// Why a value without quotes would not be sealed as it stands, or hardly is what was meant.
fn altered(value: &str, source: &str, span: Span) -> Option<&'static str> {
    let range = span.byte_range()?;
    let written = source.get(range.clone())?.trim_end();
    let rest = source.get(range.start + written.len()..)?;
    let rest = rest.split(['\n', '\r']).next().unwrap_or_default();
    let behind = rest.trim_start_matches([' ', '\t']);
    if written.contains(['\n', '\r']) {
        return Some(
            "has a value that goes on in the next line, which YAML joins with a blank; quote it, or write `|`",
        );
    }
    if behind.starts_with('#') {
        return Some("has ` #` in its value, which begins a comment of YAML; put the value in quotes");
    }
    if behind.is_empty() && !rest.is_empty() {
        return Some("has blanks at its end, which YAML takes away; remove them, or put the value in quotes");
    }
    resembles_sealed(value).then_some("has a value that resembles <sealed>; if it is the value, put it in quotes")
}

/// Whether `<sealed>` was meant, and something else came of it.
fn resembles_sealed(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let letters = lower.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    lower.contains("<sealed") || lower.contains("sealed>") || letters == "sealed"
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Result<(Event<'a>, Span), String> {
    match parser.next_event() {
        Some(Ok(next)) => Ok(next),
        Some(Err(error)) => Err(format!("line {} is no YAML", error.marker().line())),
        None => Err("it ends too early".to_owned()),
    }
}

/// Whether nothing was written where a value could stand.
fn is_nothing(span: Span) -> bool {
    span.byte_range().is_none_or(|range| range.is_empty())
}

fn at(span: Span, reason: &str) -> String {
    format!("line {} {reason}", span.start.line())
}

/// What stands for a value that nobody here can open.
const SEALED: &str = "<sealed>";
/// How the line begins that says what is wrong.
const WRONG: &str = "# This cannot be used: ";

#[cfg(test)]
mod tests;
