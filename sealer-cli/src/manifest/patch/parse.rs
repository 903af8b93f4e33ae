//! Reads the documents of a text, each value with its bytes.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, options};

use super::PatchError;
use super::shared::{mark_shared, weight};
use super::tree::{Scalar, Shape, Style, Tree};

/// All documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Tree>, PatchError> {
    let aliased = aliased(text);
    let anchors = HashMap::new();
    let mut reader =
        Reader { text, parser: parser(text), anchors, aliased, document: 0, depth: 0, nodes: 0, copied: 0 };
    let mut found = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => {
                reader.anchors.clear();
                reader.document += 1;
            }
            event => found.push(reader.tree(event, span)?),
        }
    }
    Ok(found)
}

fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let options =
        options! { block_scalar_eof_without_line_feed: true, emit_comments: false, emit_anchor_events: false };
    Parser::new_from_str_with_options(text, options)
}

/// The anchors that aliases stand for, each with its document. An anchor comes first, so that this takes a look ahead, which
/// only texts with both marks need. A text that does not parse is told by whoever reads it next.
fn aliased(text: &str) -> HashSet<(usize, usize)> {
    let mut found = HashSet::new();
    if !text.contains('&') || !text.contains('*') {
        return found;
    }
    let (mut parser, mut document) = (parser(text), 0);
    while let Some(Ok((event, _))) = parser.next_event() {
        match event {
            Event::DocumentStart(..) => document += 1,
            Event::Alias(anchor) => drop(found.insert((document, anchor))),
            _ => {}
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Tree>,
    aliased: HashSet<(usize, usize)>,
    /// Counted from 1.
    document: usize,
    depth: usize,
    nodes: usize,
    /// Bytes that anchors and aliases have added.
    copied: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, PatchError> {
        let Some(next) = self.parser.next_event() else { return Ok(None) };
        next.map(Some).map_err(|error| {
            let marker = error.marker();
            PatchError::Broken { line: marker.line(), column: marker.col() + 1, reason: "is no YAML" }
        })
    }

    fn tree(&mut self, event: Event<'a>, span: Span) -> Result<Tree, PatchError> {
        self.nodes += 1;
        if self.depth > MOST_DEPTH || self.nodes > MOST_NODES {
            return Err(broken(span, "is nested too deep, or too large"));
        }
        self.depth += 1;
        let (anchor, tree) = match event {
            Event::Alias(anchor) => (0, self.alias(anchor, span)?),
            Event::Scalar(text, style, anchor, _) => (anchor, Tree::Scalar(self.scalar(&text, style, anchor, span)?)),
            Event::SequenceStart(style, anchor, _) => {
                (anchor, self.list(Opened::new(style, self.is_shared(anchor), span))?)
            }
            Event::MappingStart(style, anchor, _) => {
                (anchor, self.map(Opened::new(style, self.is_shared(anchor), span))?)
            }
            _ => return Err(broken(span, "is no YAML")),
        };
        self.depth -= 1;
        if anchor > 0 {
            self.copied = copied(self.copied, &tree, span)?;
            self.anchors.insert(anchor, tree.clone());
        }
        Ok(tree)
    }

    fn is_shared(&self, anchor: usize) -> bool {
        self.aliased.contains(&(self.document, anchor))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Tree, PatchError> {
        let tree = self.anchors.get(&anchor).ok_or_else(|| broken(span, "has an anchor that contains itself"))?;
        self.copied = copied(self.copied, tree, span)?;
        let mut tree = tree.clone();
        mark_shared(&mut tree);
        match &mut tree {
            Tree::Scalar(scalar) => scalar.alias = span.byte_range(),
            Tree::List(_, shape) | Tree::Map(_, shape) => shape.alias = span.byte_range(),
        }
        Ok(tree)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, anchor: usize, span: Span) -> Result<Scalar, PatchError> {
        let range = span.byte_range().ok_or_else(|| broken(span, "has no place"))?;
        let style = match style {
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
            _ => Style::Plain,
        };
        let written = self.text.get(range.clone()).unwrap_or_default();
        // A plain value ends with its last character, whatever the parser looked at behind it.
        let range = if style == Style::Plain { range.start..range.start + written.trim_end().len() } else { range };
        // The line ends behind a block are told apart from its text, which a new value replaces.
        let (text, tail) = if style == Style::Block {
            let trimmed = text.trim_end_matches('\n');
            (trimmed, Some(text.len() - trimmed.len()))
        } else {
            (text, None)
        };
        Ok(Scalar {
            text: text.to_owned(),
            range,
            line: span.start.line(),
            style,
            tail,
            shared: self.is_shared(anchor),
            alias: None,
        })
    }

    fn list(&mut self, opened: Opened) -> Result<Tree, PatchError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                return Ok(Tree::List(items, opened.closed(span)));
            }
            items.push(self.tree(event, span)?);
        }
        Err(broken(opened.0, "is no YAML"))
    }

    fn map(&mut self, opened: Opened) -> Result<Tree, PatchError> {
        let mut fields: Vec<(Scalar, Tree)> = Vec::new();
        let mut names = HashSet::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                return Ok(Tree::Map(fields, opened.closed(span)));
            }
            let Tree::Scalar(key) = self.tree(event, span)? else {
                return Err(broken(span, "has a name that is no text"));
            };
            if !names.insert(key.as_read()) {
                let is_head = self.depth == 1 && ["apiVersion", "kind", "metadata"].contains(&key.text.as_str());
                return Err(broken(span, if is_head { JOINED } else { "has a name that stands there twice" }));
            }
            let (event, span) = self.next()?.ok_or_else(|| broken(span, "is no YAML"))?;
            let value = self.tree(event, span)?;
            fields.push((key, value));
        }
        Err(broken(opened.0, "is no YAML"))
    }
}

/// The beginning of a list or map, whether it is in brackets, and whether an alias stands for it.
struct Opened(Span, bool, bool);

impl Opened {
    fn new(style: StructureStyle, shared: bool, span: Span) -> Self {
        Self(span, style == StructureStyle::Flow, shared)
    }

    fn closed(&self, end: Span) -> Shape {
        let Self(start, is_flow, shared) = self;
        let range = start.byte_range().zip(end.byte_range()).map(|(start, end)| start.start..end.end);
        Shape { flow: range.filter(|_| *is_flow), shared: *shared, alias: None }
    }
}

/// A copy is made within a budget: a few lines of aliases to aliases, or of anchors in anchors, could fill any memory.
fn copied(before: usize, tree: &Tree, span: Span) -> Result<usize, PatchError> {
    let copied = before.saturating_add(weight(tree));
    if copied > COPY_BUDGET { Err(broken(span, "has aliases that repeat too much")) } else { Ok(copied) }
}

fn broken(span: Span, reason: &'static str) -> PatchError {
    PatchError::Broken { line: span.start.line(), column: span.start.col() + 1, reason }
}

/// What a field of every object tells that stands there again.
const JOINED: &str = "a second object begins, or this field is there twice; a line `---` stands between objects";
const MOST_DEPTH: usize = 100;
const MOST_NODES: usize = 500_000;
/// Bytes that anchors and aliases may add; an API server takes objects of 1.5 MiB.
const COPY_BUDGET: usize = 8 << 20;
