//! What does a text say, and which bytes say it?

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, options};

use super::shared::{mark_shared, weight};
use super::{PatchError, Step};
use crate::manifest::scalar::{self, Scalar as Resolved};
use crate::manifest::yaml;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Scalar(Scalar),
    List(Vec<Self>, Shape),
    Map(Vec<(Scalar, Self)>, Shape),
}

/// How a list or map is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Its bytes, if it stands in brackets.
    pub(super) flow: Option<Range<usize>>,
    /// An alias, or what one stands for.
    pub(super) shared: bool,
    /// The bytes of the alias that stands for it here.
    pub(super) alias: Option<Range<usize>>,
}

/// A text, in whatever style.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Its bytes: with its quotes, but without the head of a block.
    pub(crate) range: Range<usize>,
    pub(crate) line: usize,
    pub(super) style: Style,
    /// Line ends behind a block that are part of it; none where they do not matter.
    pub(super) tail: Option<usize>,
    /// An alias, or what one stands for: it stands in several places.
    pub(super) shared: bool,
    /// The bytes of the alias that stands for it here; its own are those of what it stands for.
    pub(super) alias: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Block,
}

impl Tree {
    /// The value of a name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(key, _)| key.is_named(name)).map(|(_, value)| value)
    }

    /// What a map holds, in order; nothing for what is no map.
    pub(crate) fn fields(&self) -> &[(Scalar, Self)] {
        if let Self::Map(fields, _) = self { fields } else { &[] }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    /// The bytes of the alias that stands for it, if one does.
    pub(super) fn alias(&self) -> Option<&Range<usize>> {
        match self {
            Self::Scalar(scalar) => scalar.alias.as_ref(),
            Self::List(_, shape) | Self::Map(_, shape) => shape.alias.as_ref(),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }
}

impl Scalar {
    /// Whether it stands there without quotes, so that it may be more than a text.
    pub(crate) fn is_bare(&self) -> bool {
        self.style == Style::Plain
    }

    /// Whether it is that name, as kubectl reads it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let is_other = self.is_bare() && !matches!(scalar::resolve(&self.text), Resolved::Text | Resolved::Date);
        if is_other { self.as_read() == name } else { self.text == name }
    }

    /// Where a text is wanted, as kubectl reads it: `yes` is `true`, `+4` is `4`.
    pub(crate) fn as_read(&self) -> String {
        match scalar::resolve(&self.text) {
            _ if !self.is_bare() => self.text.clone(),
            Resolved::Bool(value) => value.to_string(),
            Resolved::Int(value) => value.to_string(),
            Resolved::Uint(value) => value.to_string(),
            Resolved::Float(value) if value.is_finite() => scalar::float_text(value),
            _ => self.text.clone(),
        }
    }
}

/// Equal in what they say, wherever it stands.
pub(super) fn same(one: &[Tree], other: &[Tree]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_tree(one, other))
}

fn same_tree(one: &Tree, other: &Tree) -> bool {
    match (one, other) {
        (Tree::Scalar(one), Tree::Scalar(other)) => {
            let tails = one.tail.zip(other.tail);
            one.text == other.text && one.style == other.style && tails.is_none_or(|(one, other)| one == other)
        }
        (Tree::List(one, _), Tree::List(other, _)) => same(one, other),
        (Tree::Map(one, _), Tree::Map(other, _)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0.text == other.0.text && same_tree(&one.1, &other.1))
        }
        _ => false,
    }
}

/// What stands at the end of a path.
pub(super) fn at<'a>(documents: &'a mut [Tree], path: &[Step]) -> Option<&'a mut Tree> {
    let (first, rest) = path.split_first()?;
    let Step::Number(document) = first else { return None };
    let mut place = documents.get_mut(*document)?;
    for step in rest {
        place = match (place, step) {
            (Tree::Map(fields, _), Step::Name(name)) => {
                fields.iter_mut().find(|(key, _)| key.is_named(name)).map(|(_, value)| value)?
            }
            (Tree::List(items, _), Step::Number(number)) => items.get_mut(*number)?,
            _ => return None,
        };
    }
    Some(place)
}

/// A new value in the style of the old one, as far as that fits it.
pub(super) fn in_style(scalar: &Scalar, written: &str, value: &str) -> String {
    match scalar.style {
        Style::Plain | Style::Single | Style::Double => styled(scalar.style, value),
        Style::Block => {
            // Its bytes begin behind the first line's indentation, and end where the next thing begins.
            let end = written.trim_end_matches(['\n', '\r', ' ']).len();
            format!("{value}{}", written.get(end..).unwrap_or_default())
        }
    }
}

/// The style that a text is written in where one is wanted: JSON's quotes where that cannot hold it.
pub(super) fn fitting(style: Style, text: &str) -> Style {
    let is_line = !text.chars().any(char::is_control);
    match style {
        Style::Plain if is_line && yaml::is_plain(text) => Style::Plain,
        // Whoever writes into a block sees to its lines.
        Style::Single | Style::Block if is_line => style,
        _ => Style::Double,
    }
}

/// A text on one line, in the style that fits it.
pub(super) fn styled(style: Style, text: &str) -> String {
    match fitting(style, text) {
        Style::Plain | Style::Block => text.to_owned(),
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        Style::Double => serde_json::Value::from(text).to_string(),
    }
}

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
