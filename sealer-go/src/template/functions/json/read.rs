//! Reads JSON as `encoding/json` does.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::template::buffer::Buffer;
use crate::template::error::Fault;
use crate::template::functions::{OVERHEAD, Runtime};
use crate::template::value::quote::{excerpt, push_escaped};
use crate::template::value::{DEEPEST, ListKind, Value, rune_at};

/// The value, and a failure that Go finds only after the whole text was read: a number out of range.
pub(super) fn read(runtime: &mut Runtime<'_, '_>, text: &[u8]) -> Result<(Value, Option<Fault>), Fault> {
    read_to(runtime, text).0
}

/// What was read, and how far the text was read until that was clear.
pub(super) fn read_to(runtime: &mut Runtime<'_, '_>, text: &[u8]) -> (Result<(Value, Option<Fault>), Fault>, usize) {
    // First the whole text is checked: a value that is broken somewhere makes no value at all.
    let mut reader = Reader { text, at: 0, depth: 0, late: None };
    let result = reader.whole(runtime);
    (result.map(|value| (value, reader.late.take())), reader.at)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    late: Option<Fault>,
}

impl Reader<'_> {
    fn whole(&mut self, runtime: &mut Runtime<'_, '_>) -> Result<Value, Fault> {
        self.space();
        let value = self.value(runtime, "looking for beginning of value")?;
        self.space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.invalid("after top-level value")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn invalid(&self, context: &str) -> Fault {
        match self.peek() {
            // Go takes the end for a space, which some places do not bear.
            None if UNSPACED.iter().any(|place| context.starts_with(place)) => {
                Fault::new("wrong JSON", format!("invalid character ' ' {context}"))
            }
            None => Fault::new("wrong JSON", "unexpected end of JSON input"),
            Some(byte) => {
                let shown = match byte {
                    b'\'' => r"'\''".to_owned(),
                    b'"' => "'\"'".to_owned(),
                    byte => {
                        let mut shown = String::from("'");
                        push_escaped(&mut shown, char::from(byte), false);
                        shown + "'"
                    }
                };
                Fault::new("wrong JSON", format!("invalid character {shown} {context}"))
            }
        }
    }

    fn value(&mut self, runtime: &mut Runtime<'_, '_>, context: &str) -> Result<Value, Fault> {
        runtime.budget.step()?;
        match self.peek() {
            Some(b'{') => self.nested(runtime, Self::object),
            Some(b'[') => self.nested(runtime, Self::array),
            Some(b'"') => {
                let text = self.string(runtime)?;
                runtime.written(text)
            }
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.invalid(context)),
        }
    }

    fn nested(
        &mut self,
        runtime: &mut Runtime<'_, '_>,
        inner: fn(&mut Self, &mut Runtime<'_, '_>) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        if self.depth >= usize::from(DEEPEST) {
            return Err(Fault::Limit("JSON nested too deep"));
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        let value = inner(self, runtime)?;
        self.at += 1;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self, runtime: &mut Runtime<'_, '_>) -> Result<Value, Fault> {
        let mut items = Vec::new();
        while items.is_empty() && self.peek() != Some(b']') || !items.is_empty() {
            if items.len() == items.capacity() {
                runtime.budget.allocate(size_of::<Value>() * items.capacity().max(4) * 2)?;
                runtime.budget.release(size_of::<Value>() * items.capacity());
            }
            items.push(self.value(runtime, "looking for beginning of value")?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.invalid("after array element")),
            }
            self.space();
        }
        runtime.budget.allocate(OVERHEAD)?;
        runtime.counted_list(ListKind::Any, items)
    }

    fn object(&mut self, runtime: &mut Runtime<'_, '_>) -> Result<Value, Fault> {
        let mut entries = BTreeMap::new();
        let mut context = "looking for beginning of object key string";
        if self.peek() == Some(b'}') {
            return runtime.dict(entries);
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.invalid(context));
            }
            context = "looking for beginning of object key string";
            let key = self.string(runtime)?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.space();
            let value = self.value(runtime, "looking for beginning of value")?;
            runtime.search(entries.len(), key.as_slice())?;
            runtime.budget.allocate(OVERHEAD)?;
            entries.insert(key.into_text(), value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return runtime.dict(entries),
                _ => return Err(self.invalid("after object key:value pair")),
            }
            self.space();
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        for letter in word.bytes() {
            if self.peek() != Some(letter) {
                let context = format!("in literal {word} (expecting {})", shown_letter(letter));
                return Err(self.invalid(&context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), Fault> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.invalid(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let source = self.text.get(start..self.at).map(crate::template::value::lossy).unwrap_or_default();
        let float: f64 = source.parse().unwrap_or(0.0);
        if float.is_infinite() {
            let source = crate::template::value::lossy(excerpt(source.as_bytes()));
            let text = format!("json: cannot unmarshal number {source} into Go value of type float64");
            self.late.get_or_insert_with(|| Fault::new("too large a number", text));
            return Ok(Value::Nil);
        }
        Ok(Value::Float(float))
    }

    fn string(&mut self, runtime: &mut Runtime<'_, '_>) -> Result<Buffer, Fault> {
        let mut out = Buffer::default();
        let mut part = Zeroizing::new(Vec::new());
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match rest.first() {
                None => return Err(self.invalid("")),
                Some(b'"') => {
                    self.at += 1;
                    out.push(&part, runtime.budget)?;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut part)?;
                }
                Some(0..0x20) => return Err(self.invalid("in string literal")),
                Some(_) => {
                    let (character, width) = rune_at(rest).unwrap_or((None, 1));
                    push_char(&mut part, character.unwrap_or('\u{FFFD}'));
                    self.at += width;
                }
            }
            if part.len() >= PART {
                runtime.budget.check_clock()?;
                out.push(&part, runtime.budget)?;
                part.clear();
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let simple = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.code_unit()?;
                push_char(out, self.joined(first)?);
                return Ok(());
            }
            _ => return Err(self.invalid("in string escape code")),
        };
        out.push(simple);
        self.at += 1;
        Ok(())
    }

    /// A character of one or two escapes; half a pair is replaced.
    fn joined(&mut self, first: u32) -> Result<char, Fault> {
        if !(0xD800..0xDC00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or('\u{FFFD}'));
        }
        let after = self.at;
        if self.text.get(after..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            self.at += 2;
            let second = self.code_unit()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or('\u{FFFD}'));
            }
            self.at = after;
        }
        Ok('\u{FFFD}')
    }

    fn code_unit(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.invalid("in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }
}

fn push_char(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn shown_letter(letter: u8) -> String {
    format!("'{}'", char::from(letter))
}

/// Bytes of a text that are read between two looks at the clock.
const PART: usize = 4 << 10;

const UNSPACED: &[&str] = &[
    "in literal",
    "in numeric literal",
    "after decimal point",
    "in exponent",
    "in string escape",
    "in \\u hexadecimal",
];
