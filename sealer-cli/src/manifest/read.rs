//! Reading documents: JSON or YAML, many in a stream. A document that does not parse is an error, never skipped.

use serde_json::Value;

use crate::diagnostics::CliError;
use crate::encrypted;
use crate::input::encoding;
use crate::manifest::node::Node;
use crate::manifest::stray;
use crate::manifest::twice::{self, Doubled};

mod instead;
mod json;
mod yaml;

pub(crate) use instead::output_of_command;

/// One document of a stream.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its place, from 1.
    pub(crate) number: usize,
    /// How it was written.
    pub(crate) syntax: Syntax,
    /// What it holds: a map that is not empty.
    pub(crate) node: Node,
    /// Names that stand in a map twice; the last one counts.
    pub(crate) doubled: Vec<Doubled>,
    /// What is told of texts of YAML that are read as something else.
    pub(crate) misread: Vec<String>,
}

/// How a document was written, which decides what may stand for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Yaml,
    /// Near the beginning of the stream, where JSON that does not fit is read once more as YAML.
    EarlyJson,
    Json,
}

impl Document {
    /// What it holds, in the types of JSON.
    pub(crate) fn value(&self) -> Result<Value, CliError> {
        self.node.to_value().ok_or_else(|| {
            CliError::new("json: unsupported value")
                .hint(format!("document {} has an infinite number; quote it if it is meant as text", self.number))
        })
    }
}

/// What the documents are to be, which decides how their absence is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Secrets to seal.
    Secrets,
    /// SealedSecrets for the controller.
    SealedSecrets,
    /// A SealedSecret to open or to change.
    SealedSecret,
}

/// Reads all documents; empty ones are passed over. `source` names the stream in messages.
pub(crate) fn documents(bytes: &[u8], source: &str, wanted: Wanted) -> Result<Vec<Document>, CliError> {
    let mut found = Vec::new();
    each(bytes, source, wanted, &mut |document| {
        found.push(document);
        Ok(())
    })?;
    Ok(found)
}

/// The same, one by one: whoever takes them need not keep them.
pub(crate) fn each(bytes: &[u8], source: &str, wanted: Wanted, take: Take<'_>) -> Result<(), CliError> {
    let mut stream = Documents { source, wanted, take, seen: 0, is_empty: true };
    if let Some(tool) = encrypted::file(bytes) {
        return Err(stream.unusable(&tool.told()));
    }
    let bytes = encoding::document(bytes).map_err(|error| stream.unusable(&error.to_string()).hint(error.remedy()))?;
    let read = (|| {
        let rest = if starts_as_json(&bytes) { stream.json(&bytes)? } else { 0 };
        stream.yaml(&bytes, rest)
    })();
    // Whatever it is, it holds no Secret.
    let is_other = wanted == Wanted::Secrets && stream.is_empty;
    read.map_err(|error| {
        let odd = str::from_utf8(&bytes).ok().and_then(stray::odd_space);
        let odd = odd.map(|(line, told)| format!("line {line}: {told}"));
        let error = odd.into_iter().fold(error, CliError::hint);
        if is_other { instead::hint(&bytes).into_iter().fold(error, CliError::hint) } else { error }
    })
}

/// Takes a document, or ends the reading.
type Take<'a> = &'a mut dyn FnMut(Document) -> Result<(), CliError>;

/// How the error begins about a document that does not say what it is.
pub(crate) const NO_KIND: &str = "couldn't get version/kind; json parse error: ";

/// Reads one YAML 1.1 text into the types that JSON has: its first document.
#[cfg(test)]
pub(crate) fn yaml(text: &str) -> Option<Value> {
    yaml::documents(text).ok()?.first()?.0.to_value()
}

/// Where and why a document cannot be read. The reason never quotes the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken {
    line: usize,
    column: usize,
    reason: &'static str,
}

impl Broken {
    fn at(bytes: &[u8], offset: usize, reason: &'static str) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count() + 1;
        Self { line: lines(before) + 1, column, reason }
    }

    fn end(text: &str, reason: &'static str) -> Self {
        Self::at(text.as_bytes(), text.len(), reason)
    }

    fn below(self, lines: usize) -> Self {
        Self { line: self.line + lines, ..self }
    }
}

/// The documents of a stream as they are found.
struct Documents<'a> {
    source: &'a str,
    wanted: Wanted,
    take: Take<'a>,
    /// Documents so far, with the empty ones.
    seen: usize,
    /// Nothing was found that is not empty.
    is_empty: bool,
}

impl Documents<'_> {
    /// Reads JSON values, one behind the other, and returns where they end: what follows may be YAML.
    fn json(&mut self, bytes: &[u8]) -> Result<usize, CliError> {
        // White space of any kind may precede the first value.
        let start = leading_space(bytes);
        let mut stream = json::Stream::new(bytes.get(start..).unwrap_or_default());
        let mut good = start;
        while let Some(next) = stream.next_value() {
            match next {
                Ok(node) => {
                    good = start + stream.offset();
                    let syntax = if self.seen < 2 { Syntax::EarlyJson } else { Syntax::Json };
                    self.push(node, syntax, Vec::new(), Vec::new())?;
                }
                // `{...}` that is no JSON may be YAML, and YAML may follow one JSON document.
                Err(_) if self.seen < 2 => return Ok(good),
                Err(broken) => return Err(self.error(broken.below(lines(bytes.get(..start).unwrap_or_default())))),
            }
        }
        Ok(bytes.len())
    }

    /// Reads YAML documents from there on.
    fn yaml(&mut self, bytes: &[u8], from: usize) -> Result<(), CliError> {
        let mut chunk = Vec::new();
        let first_line = lines(bytes.get(..from).unwrap_or_default());
        let (mut chunk_line, mut line_number) = (first_line, first_line);
        for line in bytes.get(from..).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            line_number += 1;
            // Files that were joined bring their marks along.
            let marked = line.strip_prefix(encoding::UTF_8_MARK).filter(|line| line.starts_with(b"---"));
            let line = marked.unwrap_or(line);
            if let Some(behind) = line.strip_prefix(b"---") {
                self.chunk(&chunk, chunk_line)?;
                chunk.clear();
                chunk_line = line_number;
                check_separator(behind, line_number)?;
                continue;
            }
            // Every line ends alike.
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            chunk.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
            chunk.push(b'\n');
        }
        self.chunk(&chunk, chunk_line)
    }

    /// Reads what stands between two separators.
    fn chunk(&mut self, chunk: &[u8], lines_before: usize) -> Result<(), CliError> {
        if is_blank(chunk) {
            return Ok(());
        }
        let text = str::from_utf8(chunk)
            .map_err(|error| self.error(Broken::at(chunk, error.valid_up_to(), "is not UTF-8").below(lines_before)))?;
        let nodes = yaml::documents(text).map_err(|broken| self.error(broken.below(lines_before)))?;
        nodes.into_iter().try_for_each(|(node, mut doubled, misread)| {
            doubled.iter_mut().filter_map(|doubled| doubled.line.as_mut()).for_each(|line| *line += lines_before);
            self.push(node, Syntax::Yaml, doubled, misread)
        })
    }

    fn push(
        &mut self,
        node: Node,
        syntax: Syntax,
        mut doubled: Vec<Doubled>,
        misread: Vec<String>,
    ) -> Result<(), CliError> {
        if !matches!(node, Node::Map(_) | Node::Null) {
            return Err(self.no_object(&node));
        }
        self.seen += 1;
        if !node.is_nothing() {
            self.is_empty = false;
            doubled.extend(twice::of_node(&node));
            return (self.take)(Document { number: self.seen, syntax, node, doubled, misread });
        }
        Ok(())
    }

    fn error(&self, broken: Broken) -> CliError {
        let Broken { line, column, reason } = broken;
        self.unusable(&format!("{reason} at line {line}, column {column}"))
    }

    fn no_object(&self, node: &Node) -> CliError {
        let found = node.type_word();
        if self.wanted == Wanted::SealedSecret {
            return CliError::new(format!("{NO_KIND}json: cannot unmarshal {found} into Go value of type {KIND_TYPE}"))
                .hint(format!("document {} of {} is no object", self.seen + 1, self.source));
        }
        self.unusable("is no object")
    }

    /// Scripts know a line for streams without any good document; else what is wrong is the whole message.
    fn unusable(&self, reason: &str) -> CliError {
        let what = format!("document {} of {} cannot be read: it {reason}", self.seen + 1, self.source);
        match self.wanted {
            Wanted::Secrets if self.is_empty => CliError::new(NOTHING_FOUND).hint(what),
            _ => CliError::new(what).hint("nothing was done; every document of the input must be readable"),
        }
    }
}

fn starts_as_json(bytes: &[u8]) -> bool {
    bytes.get(leading_space(bytes)) == Some(&b'{')
}

/// How many bytes of white space there are, of any script.
fn leading_space(bytes: &[u8]) -> usize {
    let text = bytes.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    text.len() - text.trim_start().len()
}

/// Only comments and directives, which say nothing without a document.
fn is_blank(chunk: &[u8]) -> bool {
    let says_nothing = |line: &[u8]| {
        let line = line.trim_ascii();
        line.is_empty() || line.starts_with(b"#")
    };
    // A carriage return ends a comment as well.
    let lines = || chunk.split(|byte| matches!(*byte, b'\n' | b'\r'));
    lines().all(|line| says_nothing(line) || line.starts_with(b"%"))
}

/// What else begins with `---` would silently end a document in the middle.
fn check_separator(behind: &[u8], line: usize) -> Result<(), CliError> {
    let behind = behind.trim_ascii();
    if behind.is_empty() || behind.starts_with(b"#") {
        return Ok(());
    }
    Err(CliError::new(format!("invalid Yaml document separator at line {line}"))
        .hint("write nothing behind `---`, or indent the line if it belongs to a text"))
}

fn refuse_control_characters(text: &str) -> Result<(), Broken> {
    let fine = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    match text.char_indices().find(|(_, c)| !fine(*c)) {
        Some((at, _)) => Err(Broken::at(text.as_bytes(), at, "has a control character")),
        None => Ok(()),
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Deeper than any manifest, and harmless to the stack.
const DEEPEST: usize = 100;
/// Values of one document, or of what stands between two separators: tens of thousands of Secrets.
const MOST_NODES: usize = 500_000;
const TOO_MANY: &str = "has more values than are read at once (500000)";
/// What scripts know for an input that holds nothing.
pub(crate) const NOTHING_FOUND: &str = "no secrets found. Ensure the input is valid and UTF-8 encoded";
/// Go's name of what it looks for a kind in.
const KIND_TYPE: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

#[cfg(test)]
mod tests;
