//! What does a text say, and which bytes say it?

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, options};

use super::{PatchError, Step};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Scalar(Scalar),
    List(Vec<Self>),
    Map(Vec<(Scalar, Self)>),
}

/// A text, in whatever style.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Its bytes: with its quotes, but without the head of a block.
    pub(crate) range: Range<usize>,
    pub(crate) line: usize,
    style: Style,
    /// Named by an anchor, or an alias of one: it stands in several places.
    pub(super) shared: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Block,
}

impl Tree {
    /// The value of a name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }
}

/// Equal in what they say, wherever it stands.
pub(super) fn same(one: &[Tree], other: &[Tree]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_tree(one, other))
}

fn same_tree(one: &Tree, other: &Tree) -> bool {
    match (one, other) {
        (Tree::Scalar(one), Tree::Scalar(other)) => one.text == other.text && one.style == other.style,
        (Tree::List(one), Tree::List(other)) => same(one, other),
        (Tree::Map(one), Tree::Map(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0.text == other.0.text && same_tree(&one.1, &other.1))
        }
        _ => false,
    }
}

/// The scalar at the end of a path.
pub(super) fn at<'a>(documents: &'a mut [Tree], path: &[Step]) -> Option<&'a mut Scalar> {
    let (first, rest) = path.split_first()?;
    let Step::Number(document) = first else { return None };
    let mut place = documents.get_mut(*document)?;
    for step in rest {
        place = match (place, step) {
            (Tree::Map(fields), Step::Name(name)) => {
                fields.iter_mut().find(|(key, _)| key.text == *name).map(|(_, value)| value)?
            }
            (Tree::List(items), Step::Number(number)) => items.get_mut(*number)?,
            _ => return None,
        };
    }
    if let Tree::Scalar(scalar) = place { Some(scalar) } else { None }
}

/// A new value in the style of the old one. The value is base64, which no style has to escape.
pub(super) fn in_style(scalar: &Scalar, written: &str, value: &str) -> String {
    match scalar.style {
        Style::Plain => value.to_owned(),
        Style::Single => format!("'{value}'"),
        Style::Double => format!("\"{value}\""),
        Style::Block => {
            // Its bytes begin behind the first line's indentation, and end where the next thing begins.
            let end = written.trim_end_matches(['\n', '\r', ' ']).len();
            format!("{value}{}", written.get(end..).unwrap_or_default())
        }
    }
}

/// All documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Tree>, PatchError> {
    let options =
        options! { block_scalar_eof_without_line_feed: true, emit_comments: false, emit_anchor_events: false };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, parser, anchors: HashMap::new(), depth: 0, nodes: 0 };
    let mut found = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => reader.anchors.clear(),
            event => found.push(reader.tree(event, span)?),
        }
    }
    Ok(found)
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Tree>,
    depth: usize,
    nodes: usize,
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
            Event::SequenceStart(_, anchor, _) => (anchor, self.list()?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map()?),
            _ => return Err(broken(span, "is no YAML")),
        };
        self.depth -= 1;
        if anchor > 0 {
            self.anchors.insert(anchor, tree.clone());
        }
        Ok(tree)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Tree, PatchError> {
        let tree = self.anchors.get(&anchor).ok_or_else(|| broken(span, "has an anchor that contains itself"))?;
        let mut tree = tree.clone();
        self.nodes += mark_shared(&mut tree);
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
        // The line end behind a block is the document's.
        let text = if style == Style::Block { text.trim_end_matches('\n') } else { text };
        Ok(Scalar { text: text.to_owned(), range, line: span.start.line(), style, shared: anchor > 0 })
    }

    fn list(&mut self) -> Result<Tree, PatchError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                return Ok(Tree::List(items));
            }
            items.push(self.tree(event, span)?);
        }
        Ok(Tree::List(items))
    }

    fn map(&mut self) -> Result<Tree, PatchError> {
        let mut fields: Vec<(Scalar, Tree)> = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let Tree::Scalar(key) = self.tree(event, span)? else {
                return Err(broken(span, "has a name that is no text"));
            };
            if fields.iter().any(|(known, _)| known.text == key.text) {
                return Err(broken(span, "has a name that stands there twice"));
            }
            let (event, span) = self.next()?.ok_or_else(|| broken(span, "is no YAML"))?;
            let value = self.tree(event, span)?;
            fields.push((key, value));
        }
        Ok(Tree::Map(fields))
    }
}

/// Marks everything below as standing in several places; returns how much that is.
fn mark_shared(tree: &mut Tree) -> usize {
    match tree {
        Tree::Scalar(scalar) => {
            scalar.shared = true;
            1
        }
        Tree::List(items) => items.iter_mut().map(mark_shared).sum::<usize>() + 1,
        Tree::Map(fields) => fields.iter_mut().map(|(_, value)| mark_shared(value)).sum::<usize>() + 1,
    }
}

fn broken(span: Span, reason: &'static str) -> PatchError {
    PatchError::Broken { line: span.start.line(), column: span.start.col() + 1, reason }
}

const MOST_DEPTH: usize = 200;
const MOST_NODES: usize = 1_000_000;
