//! JSON as Go reads it: many values in a stream, text that is no Unicode mended, fields that occur twice kept.

use std::str;

use super::{Broken, DEEPEST, MOST_NODES, TOO_MANY};
use crate::manifest::node::Node;

/// A reader of the values that follow each other in a stream.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Values of the document so far.
    nodes: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, nodes: 0 }
    }

    /// How far values have been read.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The next value, or none at the end. After an error the stream stands where the value began to be wrong.
    pub(super) fn next_value(&mut self) -> Option<Result<Node, Broken>> {
        self.skip_space();
        self.peek()?;
        self.nodes = 0;
        Some(self.value(0))
    }

    fn value(&mut self, depth: usize) -> Result<Node, Broken> {
        if depth > DEEPEST {
            return Err(self.broken("is nested too deep"));
        }
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(self.broken(TOO_MANY));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.text().map(Node::text),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.broken(NOT_JSON)),
            None => Err(self.broken("ends too early")),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Node, Broken> {
        let mut fields = Vec::new();
        self.at += 1;
        if self.skips(b'}') {
            return Ok(Node::Map(fields));
        }
        loop {
            self.skip_space();
            let key = self.text()?;
            self.expect(b':')?;
            fields.push((key, self.value(depth + 1)?));
            if self.skips(b'}') {
                return Ok(Node::Map(fields));
            }
            self.expect(b',')?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Node, Broken> {
        let mut items = Vec::new();
        self.at += 1;
        if self.skips(b']') {
            return Ok(Node::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.skips(b']') {
                return Ok(Node::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn word(&mut self, word: &str, value: Node) -> Result<Node, Broken> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.broken(NOT_JSON))
        }
    }

    fn number(&mut self) -> Result<Node, Broken> {
        let length = number_length(self.rest()).ok_or_else(|| self.broken(NOT_JSON))?;
        let text = self.rest().get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default();
        let number = text
            .parse()
            .map(Node::Int)
            .or_else(|_| text.parse().map(Node::Uint))
            .or_else(|_| text.parse().map(Node::Float))
            .map_err(|_| self.broken(NOT_JSON))?;
        self.at += length;
        Ok(number)
    }

    fn text(&mut self) -> Result<String, Broken> {
        if self.peek() != Some(b'"') {
            return Err(self.broken(NOT_JSON));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            push_mended(&mut text, rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.broken("has a control character in a text")),
                None => return Err(self.broken("ends too early")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let escaped = self.bytes.get(self.at + 1).copied();
        let short = match escaped {
            Some(b'u') => return self.unicode_escape(),
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.broken("has an unknown escape")),
        };
        self.at += 2;
        Ok(short)
    }

    /// Half of a surrogate pair becomes the replacement character.
    fn unicode_escape(&mut self) -> Result<char, Broken> {
        let unit = self.code_unit(self.at).ok_or_else(|| self.broken("has an unknown escape"))?;
        self.at += 6;
        if let 0xd800..=0xdbff = unit
            && let Some(low @ 0xdc00..=0xdfff) = self.code_unit(self.at)
        {
            self.at += 6;
            let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The number of a `\u1234` that stands there.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    }

    fn skips(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Broken> {
        match self.skips(wanted) {
            true => Ok(()),
            false if self.peek().is_none() => Err(self.broken("ends too early")),
            false => Err(self.broken(NOT_JSON)),
        }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn broken(&self, reason: &'static str) -> Broken {
        Broken::at(self.bytes, self.at, reason)
    }
}

/// How long the number is: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    at += match text.get(at)? {
        b'0' => 1,
        b'1'..=b'9' => digits(at),
        _ => return None,
    };
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at += if fraction > 0 { fraction + 1 } else { return None };
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let exponent = digits(at + 1 + sign);
        at += if exponent > 0 { exponent + 1 + sign } else { return None };
    }
    Some(at)
}

/// Every byte that is no UTF-8 becomes a replacement character of its own.
pub(super) fn push_mended(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

const NOT_JSON: &str = "is not valid JSON";
