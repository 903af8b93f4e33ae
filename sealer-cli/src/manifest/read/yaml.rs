//! YAML 1.1 as kubectl's reader takes it: the parser's events become nodes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag, options};

use super::json::push_mended;
use super::{Broken, DEEPEST, MOST_NODES, TOO_MANY, refuse_control_characters};
use crate::manifest::node::Node;
use crate::manifest::scalar::{Scalar, resolve};
use crate::manifest::twice::Doubled;

mod misread;

use misread::{Misread, scalar_of};

/// A document, names that stand in one of its maps twice, and what is told of its texts that are read as something else.
type Read = (Node, Vec<Doubled>, Vec<String>);

/// Reads every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Read>, Broken> {
    refuse_control_characters(text)?;
    // A line break of YAML 1.1 that the parser, of YAML 1.2, takes for a character.
    let mut text = Cow::Borrowed(text);
    if text.contains('\u{85}') {
        text = Cow::Owned(text.replace('\u{85}', "\n"));
    }
    for _ in 0..MOST_TIGHT_COMMENTS {
        match read(&text) {
            Err(Failure { tight_comment: Some(at), .. }) => text.to_mut().insert(at, ' '),
            result => return result.map_err(|failure| failure.broken),
        }
    }
    read(&text).map_err(|failure| failure.broken)
}

/// Why a text was not read, and whether only a space is missing before a comment.
struct Failure {
    broken: Broken,
    tight_comment: Option<usize>,
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self { broken, tight_comment: None }
    }
}

fn read(text: &str) -> Result<Vec<Read>, Failure> {
    let options = options! { block_scalar_eof_without_line_feed: true, emit_comments: false, emit_anchor_events: true };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader {
        text,
        parser,
        anchors: HashMap::new(),
        spent: 0,
        flow: 0,
        depth: 0,
        nodes: 0,
        doubled: Vec::new(),
        misread: Misread::default(),
    };
    let mut found = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => reader.anchors.clear(),
            event => {
                let node = reader.node(event, span)?;
                let misread = std::mem::take(&mut reader.misread).told();
                found.push((node, std::mem::take(&mut reader.doubled), misread));
            }
        }
    }
    Ok(found)
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    /// What copies for anchors and aliases have cost.
    spent: usize,
    /// How many brackets are open.
    flow: usize,
    depth: usize,
    nodes: usize,
    doubled: Vec<Doubled>,
    misread: Misread,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Failure> {
        while let Some(next) = self.parser.next_event() {
            match next.map_err(|error| self.scan_error(&error))? {
                (Event::Anchor(_, name), span) => check_anchor(&name, span)?,
                next => return Ok(Some(next)),
            }
        }
        Ok(None)
    }

    /// Readers of YAML 1.1 take `"text"#comment`, too.
    fn scan_error(&self, error: &ScanError) -> Failure {
        let marker = error.marker();
        let broken = Broken { line: marker.line(), column: marker.col() + 1, reason: NOT_YAML };
        let (before, rest) = self.text.split_at_checked(marker.byte_offset().unwrap_or_default()).unwrap_or_default();
        let tight = rest.starts_with('#') && before.ends_with(['"', '\'', ']', '}']);
        Failure { broken, tight_comment: tight.then_some(before.len()) }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Failure> {
        self.refuse_tab_indentation(span)?;
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(broken(span, TOO_MANY).into());
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_escaped_slash(style, span)?;
                let text = self.joined(&text, style, span);
                (anchor, scalar(&text, style, tag.as_deref()).map_err(|reason| broken(span, reason))?)
            }
            Event::SequenceStart(style, anchor, _) => (anchor, self.nested(style, span, Self::list)?),
            Event::MappingStart(style, anchor, _) => (anchor, self.nested(style, span, Self::map)?),
            _ => return Err(broken(span, NOT_YAML).into()),
        };
        if anchor > 0 {
            let copy = self.copy(&node, span)?;
            self.anchors.insert(anchor, copy);
        }
        Ok(node)
    }

    fn nested(
        &mut self,
        style: StructureStyle,
        span: Span,
        read: impl FnOnce(&mut Self) -> Result<Node, Failure>,
    ) -> Result<Node, Failure> {
        let brackets = usize::from(style == StructureStyle::Flow);
        if self.depth == DEEPEST {
            return Err(broken(span, "is nested too deep").into());
        }
        self.depth += 1;
        self.flow += brackets;
        let node = read(self);
        self.flow -= brackets;
        self.depth -= 1;
        node
    }

    /// What the anchor named.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Failure> {
        let node = self.anchors.get(&anchor).ok_or_else(|| broken(span, "has an anchor that contains itself"))?;
        self.misread.used(anchor);
        self.spent = spend(self.spent, node, span)?;
        Ok(node.clone())
    }

    fn copy(&mut self, node: &Node, span: Span) -> Result<Node, Failure> {
        self.spent = spend(self.spent, node, span)?;
        Ok(node.clone())
    }

    fn list(&mut self) -> Result<Node, Failure> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            match event {
                Event::SequenceEnd => return Ok(Node::List(items)),
                event => items.push(self.node(event, span)?),
            }
        }
        Err(Broken::end(self.text, NOT_YAML).into())
    }

    fn map(&mut self) -> Result<Node, Failure> {
        let (mut fields, mut written) = (BTreeMap::new(), BTreeSet::new());
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                return Ok(Node::Map(fields.into_iter().collect()));
            }
            let merges = is_merge_key(&event);
            let key = self.node(event, span)?;
            let (event, value_span) = self.next()?.ok_or_else(|| Broken::end(self.text, NOT_YAML))?;
            let scalar = scalar_of(&event);
            if let Node::Text(name) = &key {
                self.misread.enter(name);
            }
            let within = self.doubled.len();
            let value = self.node(event, value_span)?;
            if let Node::Text(_) = &key {
                let read = scalar.map(|scalar| scalar.read_as(&value, self.text, value_span));
                self.misread.leave(read);
            }
            if merges {
                for (name, value) in merged(value).map_err(|reason| broken(value_span, reason))? {
                    if written.contains(&name) {
                        self.twice(&name, fields.get(&name).filter(|first| **first != value), span);
                    }
                    fields.insert(name, value);
                }
            } else {
                let is_text = matches!(key, Node::Text(_));
                let name = key_text(key).map_err(|reason| broken(span, reason))?;
                if !is_text {
                    self.misread.name(span.slice(self.text).unwrap_or_default(), &name);
                }
                self.doubled.iter_mut().skip(within).for_each(|doubled| doubled.path.insert(0, name.clone()));
                if !written.insert(name.clone()) {
                    self.twice(&name, fields.get(&name).filter(|first| **first != value), span);
                }
                fields.insert(name, value);
            }
        }
        Err(Broken::end(self.text, NOT_YAML).into())
    }

    /// Remembers a name that stands in its map again, and what stood there first if that is lost.
    fn twice(&mut self, name: &str, lost: Option<&Node>, span: Span) {
        let most = if lost.is_some() { MOST_LOST } else { MOST_DOUBLED };
        if self.doubled.len() < most {
            let (path, lost) = (vec![name.to_owned()], lost.cloned());
            self.doubled.push(Doubled { path, lost, line: Some(span.start.line()) });
        }
    }

    /// Outside brackets only spaces indent.
    fn refuse_tab_indentation(&self, span: Span) -> Result<(), Broken> {
        if self.flow > 0 {
            return Ok(());
        }
        let start = span.start.byte_offset().unwrap_or_default();
        let before = self.text.get(..start).unwrap_or_default();
        let outside = before.trim_end_matches([' ', '\t']);
        let indents = outside.is_empty() || outside.ends_with('\n');
        if indents && before.get(outside.len()..).unwrap_or_default().contains('\t') {
            return Err(broken(span, "is indented by a tab"));
        }
        Ok(())
    }

    /// The line and paragraph separators of Unicode, too, were line breaks in YAML 1.1: the indentation of the line
    /// that follows is no content. kubectl writes them in single quotes and in blocks.
    fn joined<'t>(&self, text: &'t str, style: ScalarStyle, span: Span) -> Cow<'t, str> {
        if !text.contains(SEPARATORS) || !matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::Literal) {
            return Cow::Borrowed(text);
        }
        let most = if style == ScalarStyle::Literal { self.indentation(span) } else { usize::MAX };
        let mut joined = String::new();
        for part in text.split_inclusive(SEPARATORS) {
            let indentation = part.chars().take(most).take_while(|c| *c == ' ').count();
            let continues = joined.ends_with(SEPARATORS);
            joined.push_str(part.get(if continues { indentation } else { 0 }..).unwrap_or_default());
        }
        Cow::Owned(joined)
    }

    /// How far the lines of a block are indented.
    fn indentation(&self, span: Span) -> usize {
        let lines = span.slice(self.text).unwrap_or_default().split(SEPARATORS_AND_NEWLINE).skip(1);
        let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
        lines.filter(|line| !line.trim_matches(' ').is_empty()).map(indentation).min().unwrap_or_default()
    }

    /// YAML 1.1 has no `\/`: a reader that takes it would differ from every other one of the chain.
    fn refuse_escaped_slash(&self, style: ScalarStyle, span: Span) -> Result<(), Broken> {
        if style != ScalarStyle::DoubleQuoted {
            return Ok(());
        }
        let mut escaped = false;
        for c in span.slice(self.text).unwrap_or_default().chars() {
            if escaped && c == '/' {
                return Err(broken(span, "has an unknown escape"));
            }
            escaped = c == '\\' && !escaped;
        }
        Ok(())
    }
}

/// Readers of YAML 1.1 end a name at other characters, and read on where it ends.
fn check_anchor(name: &str, span: Span) -> Result<(), Broken> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        Ok(())
    } else {
        Err(broken(span, "has an anchor with a name of other characters than letters, digits, `_` and `-`"))
    }
}

fn is_merge_key(event: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = event else { return false };
    let tagged = tag.as_deref().map(core_type);
    text == "<<" && (tagged == Some(Some("merge")) || (tagged.is_none() && *style == ScalarStyle::Plain))
}

/// The fields that are merged: later ones win, whether merged or written; of several maps the first.
fn merged(value: Node) -> Result<BTreeMap<String, Node>, &'static str> {
    let mut fields = BTreeMap::new();
    match value {
        Node::Map(inner) => fields.extend(inner),
        Node::List(maps) => {
            for map in maps.into_iter().rev() {
                let Node::Map(inner) = map else { return Err(NO_MERGE) };
                fields.extend(inner);
            }
        }
        _ => return Err(NO_MERGE),
    }
    Ok(fields)
}

/// A key is text; other scalars become it, in the form that kubectl gives them.
fn key_text(key: Node) -> Result<String, &'static str> {
    match &key {
        Node::Text(text) => Ok(text.to_string()),
        Node::Float(value) if value.is_nan() => Ok(".nan".to_owned()),
        Node::Float(value) if value.is_infinite() => Ok(if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned()),
        Node::Bool(_) | Node::Int(_) | Node::Float(_) => Ok(key.scalar_text().unwrap_or_default()),
        _ => Err("has a key that is no text"),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Node, &'static str> {
    let plain = style == ScalarStyle::Plain;
    match tag.map(core_type) {
        None if plain => Ok(typed(text)),
        None | Some(None | Some("str")) => Ok(Node::text(text)),
        Some(Some("binary")) => {
            let bytes = sealer_encoding::base64::decode(text).map_err(|_| "has !!binary that is no base64")?;
            let mut text = String::new();
            push_mended(&mut text, &bytes);
            Ok(Node::text(text))
        }
        Some(Some(wanted)) => tagged(text, wanted),
    }
}

fn tagged(text: &str, wanted: &str) -> Result<Node, &'static str> {
    match (wanted, typed(text)) {
        ("float", Node::Int(value)) => value.to_string().parse().map(Node::Float).map_err(|_| WRONG_TAG),
        ("null", node @ Node::Null)
        | ("bool", node @ Node::Bool(_))
        | ("int", node @ (Node::Int(_) | Node::Uint(_)))
        | ("float", node @ Node::Float(_)) => Ok(node),
        ("timestamp", _) if resolve(text) == Scalar::Date => Ok(Node::text(text)),
        ("null" | "bool" | "int" | "float" | "timestamp", _) => Err(WRONG_TAG),
        _ => Ok(Node::text(text)),
    }
}

fn typed(text: &str) -> Node {
    match resolve(text) {
        Scalar::Null => Node::Null,
        Scalar::Bool(value) => Node::Bool(value),
        Scalar::Int(value) => Node::Int(value),
        Scalar::Uint(value) => Node::Uint(value),
        Scalar::Float(value) => Node::Float(value),
        Scalar::Date | Scalar::Text => Node::text(text),
    }
}

/// A copy is made within a budget: a few lines of aliases to aliases, or of anchors in anchors, could fill any memory.
fn spend(spent: usize, node: &Node, span: Span) -> Result<usize, Failure> {
    let spent = spent.saturating_add(node.weight());
    if spent > COPY_BUDGET { Err(broken(span, "has aliases that repeat too much").into()) } else { Ok(spent) }
}

/// The name of a type of YAML's own.
fn core_type(tag: &Tag) -> Option<&str> {
    match tag.parts() {
        ("tag:yaml.org,2002:", name) => Some(name),
        ("", suffix) => suffix.strip_prefix("tag:yaml.org,2002:"),
        _ => None,
    }
}

fn broken(span: Span, reason: &'static str) -> Broken {
    Broken { line: span.start.line(), column: span.start.col() + 1, reason }
}

const SEPARATORS: [char; 2] = ['\u{2028}', '\u{2029}'];
const SEPARATORS_AND_NEWLINE: [char; 3] = ['\n', '\u{2028}', '\u{2029}'];
const NOT_YAML: &str = "is not valid YAML";
/// Names that are told of one document.
const MOST_DOUBLED: usize = 8;
/// The same of those whose first value is lost.
const MOST_LOST: usize = 64;
/// Each costs a reading of its own.
const MOST_TIGHT_COMMENTS: usize = 64;
const NO_MERGE: &str = "has a merge key whose value is no map";
const WRONG_TAG: &str = "has a value that is not of the type that its tag says";
/// Bytes that anchors and aliases may add to what stands between two separators; an API server takes objects of 1.5 MiB.
const COPY_BUDGET: usize = 8 << 20;
