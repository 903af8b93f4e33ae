//! The messages between controller and worker: a length and that many bytes, bounded both ways, wiped when dropped.
//!
//! Numbers are little-endian; a text is a `u32` length and its bytes. A job is checked or rendered in two messages, so
//! that values reach a worker only after every template parsed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sealer_core::Plaintext;
use sealer_go::template::{Environment, ErrorClass, Functions, Limits};
use sealer_resource::failure::ParseFailure;
use sealer_resource::render::Texts;
use zeroize::Zeroizing;

use super::Values;

/// The bytes of one message.
pub(super) type Message = Zeroizing<Vec<u8>>;

/// What a worker is to do.
pub(super) struct Request {
    pub(super) environment: Environment,
    pub(super) limits: Limits,
    pub(super) templates: Texts,
    /// The opened items, where the templates are to run; none where they are to be parsed alone.
    pub(super) items: Option<BTreeMap<String, Vec<u8>>>,
}

/// What a worker says.
#[derive(Debug)]
pub(super) enum Answer {
    Rendered(Values),
    Checked(BTreeMap<String, ParseFailure>),
    Failed(ErrorClass),
}

/// Encodes a request; `items` is none where the templates are to be parsed alone.
pub(super) fn request(
    environment: &Environment,
    limits: &Limits,
    templates: &Texts,
    items: Option<&Values>,
) -> Option<Message> {
    let entry = |name: &String, value: &[u8]| name.len() + value.len() + 8;
    let texts: usize = templates.iter().map(|(name, text)| entry(name, text.as_bytes())).sum();
    let values: usize = items.into_iter().flatten().map(|(name, value)| entry(name, value.expose())).sum();
    if texts + values > LARGEST_REQUEST {
        return None;
    }
    // One allocation: growing would leave copies of values behind.
    let mut writer = Writer(Zeroizing::new(Vec::with_capacity(HEAD + texts + values)));
    writer.byte(u8::from(items.is_some()));
    writer.byte(u8::from(environment.functions.expensive));
    writer.raw(&environment.now.as_nanosecond().to_le_bytes());
    for limit in [limits.steps, limits.item_output, limits.object_output, limits.allocation, limits.nodes] {
        writer.raw(&limit.to_le_bytes());
    }
    let sizes = [limits.time.as_micros(), limits.recursion as u128, limits.nesting as u128];
    for size in sizes {
        writer.number(u32::try_from(size).unwrap_or(u32::MAX));
    }
    writer.entries(templates.iter().map(|(name, text)| (name, text.as_bytes())));
    if let Some(items) = items {
        writer.entries(items.iter().map(|(name, value)| (name, value.expose())));
    }
    Some(writer.0)
}

/// Decodes a request.
pub(super) fn read_request(message: &[u8]) -> Option<Request> {
    let mut reader = Reader(message);
    let runs = reader.byte()? == 1;
    let expensive = reader.byte()? == 1;
    let now = Timestamp::from_nanosecond(i128::from_le_bytes(reader.array()?)).ok()?;
    let environment = Environment { now, functions: Functions { expensive } };
    let mut large = || Some(u64::from_le_bytes(reader.array()?));
    let (steps, item_output, object_output, allocation, nodes) = (large()?, large()?, large()?, large()?, large()?);
    let time = Duration::from_micros(reader.number()?.into());
    let (recursion, nesting) = (reader.size()?, reader.size()?);
    let limits = Limits { steps, item_output, object_output, allocation, time, recursion, nesting, nodes };
    let templates = reader.entries(|text| String::from_utf8(text.to_vec()).ok())?;
    let items = if runs { Some(reader.entries(|value| Some(value.to_vec()))?) } else { None };
    reader.0.is_empty().then_some(Request { environment, limits, templates, items })
}

/// Encodes an answer. Items have no names in it: they come in the order of the templates.
pub(super) fn answer(templates: &Texts, answer: &Answer) -> Message {
    let values = if let Answer::Rendered(values) = answer { values.values().collect() } else { Vec::new() };
    let length: usize = values.iter().map(|value| value.expose().len() + 4).sum();
    let mut writer = Writer(Zeroizing::new(Vec::with_capacity(HEAD + length)));
    match answer {
        Answer::Rendered(_) => {
            writer.byte(RENDERED);
            values.iter().for_each(|value| writer.text(value.expose()));
        }
        Answer::Checked(failures) => {
            writer.byte(CHECKED);
            for (index, failure) in (0_u32..).zip(templates.keys().map(|name| failures.get(name))) {
                let Some((line, column, code)) = failure.map(ParseFailure::numbers) else { continue };
                [index, line, column, code.into()].into_iter().for_each(|number| writer.number(number));
            }
        }
        Answer::Failed(class) => {
            writer.byte(FAILED);
            writer.byte(CLASSES.iter().position(|known| known == class).and_then(|at| at.try_into().ok()).unwrap_or(0));
        }
    }
    writer.0
}

/// Decodes the answer to a request for parsing, which holds numbers alone.
pub(super) fn read_checked(message: &[u8], templates: &Texts) -> Option<BTreeMap<String, ParseFailure>> {
    let mut reader = Reader(message);
    if reader.byte()? != CHECKED {
        return None;
    }
    let mut names = (0_u32..).zip(templates.keys());
    let mut failures = BTreeMap::new();
    while !reader.0.is_empty() {
        let index = reader.number()?;
        let (line, column, code) = (reader.number()?, reader.number()?, reader.number()?);
        // Each template at most once, and only those that were asked for.
        let (_, name) = names.find(|(at, _)| *at == index)?;
        failures.insert(name.clone(), ParseFailure::from_numbers(line, column, u8::try_from(code).ok()?));
    }
    Some(failures)
}

/// Decodes the answer to a request for rendering: a value for each template within the limits, or a class.
pub(super) fn read_rendered(message: &[u8], templates: &Texts, limits: &Limits) -> Option<Result<Values, ErrorClass>> {
    let mut reader = Reader(message);
    match reader.byte()? {
        RENDERED => {}
        FAILED => {
            let class = *CLASSES.get(usize::from(reader.byte()?))?;
            return reader.0.is_empty().then_some(Err(class));
        }
        _ => return None,
    }
    let mut values = Values::new();
    let mut length = 0;
    for name in templates.keys() {
        let value = reader.text()?;
        length += value.len() as u64;
        if value.len() as u64 > limits.item_output || length > limits.object_output {
            return None;
        }
        values.insert(name.clone(), Plaintext::new(value.to_vec()));
    }
    reader.0.is_empty().then_some(Ok(values))
}

/// The most bytes that an answer to a request may have.
pub(super) fn largest_answer(templates: &Texts, limits: &Limits) -> usize {
    usize::try_from(limits.object_output).unwrap_or(usize::MAX).saturating_add(templates.len() * 16 + HEAD)
}

struct Writer(Message);

impl Writer {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u32) {
        self.raw(&number.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        // Everything that is written was measured against the largest message.
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.raw(text);
    }

    fn entries<'a>(&mut self, entries: impl ExactSizeIterator<Item = (&'a String, &'a [u8])>) {
        self.number(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        for (name, value) in entries {
            self.text(name.as_bytes());
            self.text(value);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.size()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn entries<T>(&mut self, value: impl Fn(&[u8]) -> Option<T>) -> Option<BTreeMap<String, T>> {
        let count = self.number()?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let name = String::from_utf8(self.text()?.to_vec()).ok()?;
            entries.insert(name, value(self.text()?)?);
        }
        Some(entries)
    }
}

/// More than any object that an API server stores.
pub(super) const LARGEST_REQUEST: usize = 16 << 20;
/// Room for everything of a message that has a fixed size.
const HEAD: usize = 128;
const RENDERED: u8 = 1;
const CHECKED: u8 = 2;
const FAILED: u8 = 3;
const CLASSES: [ErrorClass; 4] = [ErrorClass::Execution, ErrorClass::Limit, ErrorClass::Refused, ErrorClass::Parse];

#[cfg(test)]
mod tests;
