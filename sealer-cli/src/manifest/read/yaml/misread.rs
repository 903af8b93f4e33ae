//! Texts that YAML takes for something else, without a word: `0123` is a number, `yes` is true, `!x` a tag, ` #x` a comment.

use std::collections::BTreeSet;

use granit_parser::{Event, ScalarStyle, Span};

use super::core_type;
use crate::manifest::node::Node;
use crate::names;

/// Where texts are wanted, and which were no texts.
#[derive(Default)]
pub(super) struct Misread {
    path: Vec<String>,
    found: Vec<Found>,
    /// How many there are beyond those that are kept.
    more: usize,
    /// Anchors that something stands for.
    used: BTreeSet<usize>,
}

struct Found {
    told: String,
    /// It counts unless this anchor is used.
    anchor: usize,
}

/// How a value was written.
pub(super) struct Written {
    text: String,
    is_plain: bool,
    has_tag: bool,
    anchor: usize,
}

/// What an event writes, if it is a scalar.
pub(super) fn scalar_of(event: &Event<'_>) -> Option<Written> {
    let Event::Scalar(text, style, anchor, tag) = event else { return None };
    // `!!str` and its like are meant.
    let has_tag = tag.as_deref().is_some_and(|tag| core_type(tag).is_none());
    let is_plain = *style == ScalarStyle::Plain;
    let text = if is_plain { text.to_string() } else { String::new() };
    Some(Written { text, is_plain, has_tag, anchor: *anchor })
}

impl Written {
    /// What it was read as, and the anchor that would explain it.
    pub(super) fn read_as(self, read: &Node, text: &str, span: Span) -> Option<(&'static str, usize)> {
        if self.has_tag {
            return Some(("a tag of YAML", 0));
        }
        if self.anchor > 0 {
            return Some(("an anchor of YAML", self.anchor));
        }
        // Nothing was written.
        if span.byte_range().is_none_or(|range| range.is_empty()) {
            return None;
        }
        let rest = span.byte_range().and_then(|range| text.get(range.end..)).unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default();
        // Comments that are meant have a blank behind their sign.
        let is_comment = self.is_plain
            && rest
                .trim_start_matches([' ', '\t'])
                .strip_prefix('#')
                .is_some_and(|comment| comment.starts_with(|c: char| !c.is_whitespace() && c != '#'));
        if is_comment {
            return Some(("a comment of YAML", 0));
        }
        let is_same = read.scalar_text().is_some_and(|read| read == self.text);
        match read {
            Node::Null if !self.text.is_empty() => Some((NOTHING, 0)),
            Node::Bool(_) if !is_same => Some(("true or false", 0)),
            Node::Int(_) | Node::Uint(_) | Node::Float(_) if !is_same => Some(("a number", 0)),
            _ => None,
        }
    }
}

impl Misread {
    /// An entry of a map begins.
    pub(super) fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    /// It ends, with what it was read as.
    pub(super) fn leave(&mut self, read: Option<Option<(&'static str, usize)>>) {
        if let Some((as_what, anchor)) = read.flatten()
            && let Some(place) = self.place(as_what)
        {
            let told =
                format!("{place} is read as {as_what}, in whole or in part; put it in quotes if it is meant as text");
            self.add(told, anchor);
        }
        self.path.pop();
    }

    /// What stands here, if a text is wanted.
    fn place(&self, as_what: &str) -> Option<String> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let shown = |kind: &str, name: &str| Some(format!("{kind} `{}`", names::name(name)));
        match path.as_slice() {
            // An item without a value is told of whatever it is read from.
            [.., "stringData", _] if as_what == NOTHING => None,
            [.., "stringData", item] => shown("item", item),
            [.., "metadata", "labels", label] => shown("label", label),
            [.., "metadata", "annotations", annotation] => shown("annotation", annotation),
            [.., "metadata", field @ ("name" | "namespace")] => Some(format!("metadata.{field}")),
            _ => None,
        }
    }

    /// A name that was no text: where users name things, `y` has become `true`.
    pub(super) fn name(&mut self, written: &str, read: &str) {
        let Some(map) = self.path.last().filter(|map| NAMED_BY_USERS.contains(&map.as_str())) else { return };
        let written = written.trim_end();
        if written != read {
            let (written, read) = (names::name(written), names::name(read));
            let told = format!(
                "the name `{written}` under {map} is read as `{read}`; put it in quotes if it is meant as text"
            );
            self.add(told, 0);
        }
    }

    fn add(&mut self, told: String, anchor: usize) {
        if self.found.len() < MOST_KEPT {
            self.found.push(Found { told, anchor });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn used(&mut self, anchor: usize) {
        self.used.insert(anchor);
    }

    /// What is told, without a value.
    pub(super) fn told(self) -> Vec<String> {
        let Self { found, more, used, .. } = self;
        let found = found.into_iter().filter(|found| found.anchor == 0 || !used.contains(&found.anchor));
        let mut told: Vec<String> = found.map(|found| found.told).collect();
        let more = more + told.len().saturating_sub(MOST);
        told.truncate(MOST);
        told.extend((more > 0).then(|| format!("{more} more are read as something else; put them in quotes, too")));
        told
    }
}

const NOTHING: &str = "nothing";
/// Maps whose names are the user's own.
const NAMED_BY_USERS: [&str; 5] = ["data", "stringData", "encryptedData", "labels", "annotations"];
/// What is told of one document.
const MOST: usize = 8;
/// What is kept of it, until its aliases are known.
const MOST_KEPT: usize = 1_000;
