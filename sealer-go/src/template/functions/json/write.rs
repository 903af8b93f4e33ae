//! Writes values as JSON, as `encoding/json` does.

use zeroize::Zeroizing;

use crate::template::budget::Budget;
use crate::template::buffer::Buffer;
use crate::template::error::Fault;
use crate::template::format::go_float;
use crate::template::functions::{ENTRY, SLOW};
use crate::template::value::{DEEPEST, Dict, Key, ListKind, Problem, Value, Zone, blocks, chars, type_name};
use sealer_encoding::base64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// With the characters of HTML escaped.
    Compact,
    Pretty,
    Raw,
}

pub(super) fn write(budget: &mut Budget<'_>, value: &Value, style: Style) -> Result<Buffer, Fault> {
    let mut writer = Writer { out: Buffer::default(), budget, style, inside: Vec::new(), depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer<'b, 'c> {
    out: Buffer,
    budget: &'b mut Budget<'c>,
    style: Style,
    inside: Vec<Dict>,
    depth: usize,
}

type Written = Result<(), Fault>;

impl Writer<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Written {
        self.out.push(bytes, self.budget)
    }

    fn value(&mut self, value: &Value) -> Written {
        self.budget.step()?;
        match value {
            Value::Nil | Value::NilInterface => self.push(b"null"),
            Value::Bool(truth) => self.push(truth.to_string().as_bytes()),
            Value::Int(integer) => self.push(integer.wide().to_string().as_bytes()),
            Value::Float(float) => self.float(*float),
            Value::Complex(..) => {
                let text = format!("json: unsupported type: {}", type_name(value));
                Err(Fault::new("a value that JSON cannot hold", text))
            }
            Value::Text(text) => self.text(text),
            Value::List(list) if list.nil => self.push(b"null"),
            Value::List(list) if list.kind == ListKind::Byte => {
                let room = list.items.len() * 4;
                self.budget.allocate(room)?;
                let bytes: Vec<u8> = list
                    .items
                    .iter()
                    .map(|item| if let Value::Int(integer) = item { integer.bits.to_le_bytes()[0] } else { 0 })
                    .collect();
                self.text(base64::encode(&bytes).as_bytes())?;
                self.budget.release(room);
                Ok(())
            }
            Value::List(list) => self.container(b"[", b"]", list.items.iter().map(|item| (None, item.clone()))),
            Value::Dict(dict) if dict.is_nil() => self.push(b"null"),
            Value::Dict(dict) => self.dict(dict),
            Value::Strings(map) => {
                let entries = map.entries().iter();
                self.container(b"{", b"}", entries.map(|(key, text)| (Some(key.clone()), Value::Text(text.clone()))))
            }
            Value::Time(time) => match time.rfc3339() {
                Ok(text) => self.text(text.as_bytes()),
                Err(why) => {
                    let text = format!("json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: {why}");
                    Err(Fault::new("a time that JSON cannot hold", text))
                }
            },
            Value::Version(version) => self.text(version.get().to_string().as_bytes()),
            Value::NoError => self.push(b"null"),
            Value::Location(_) => self.push(b"{}"),
            Value::Error { problem, .. } => self.error(problem),
            Value::Certificate(pair) => {
                let fields = [("Cert", &pair.certificate), ("Key", &pair.key)];
                let fields = fields.map(|(name, text)| (Some(name.into()), Value::Text(text.clone())));
                self.container(b"{", b"}", fields.into_iter())
            }
        }
    }

    /// The fields of an error that all may see.
    fn error(&mut self, problem: &Problem) -> Written {
        let text = |text: &str| Value::Text(text.into());
        let fields = match problem {
            Problem::Plain(_) | Problem::Wrapped(..) => Vec::new(),
            Problem::Number(number) => vec![
                ("Func", text("ParseUint")),
                ("Num", text(number)),
                ("Err", problem.inner().map_or(Value::NoError, Value::error)),
            ],
            Problem::Syntax { offset, .. } => vec![("Offset", Value::int64(*offset))],
            Problem::WrongType { found, offset } => vec![
                ("Value", text(found)),
                ("Type", Value::Location(Zone::Utc)),
                ("Offset", Value::int64(*offset)),
                ("Struct", text("")),
                ("Field", text("")),
            ],
        };
        self.container(b"{", b"}", fields.into_iter().map(|(name, value)| (Some(name.into()), value)))
    }

    fn dict(&mut self, dict: &Dict) -> Written {
        if self.inside.iter().any(|outer| outer.same(dict)) {
            let text = "json: unsupported value: encountered a cycle via map[string]interface {}";
            return Err(Fault::new("a value holds itself", text));
        }
        let room = dict.len() * ENTRY;
        self.budget.allocate(room)?;
        self.inside.push(dict.clone());
        let entries = dict.snapshot();
        self.container(b"{", b"}", entries.into_iter().map(|(key, value)| (Some(key), value)))?;
        self.inside.pop();
        self.budget.release(room);
        Ok(())
    }

    fn container(&mut self, open: &[u8], close: &[u8], items: impl Iterator<Item = (Option<Key>, Value)>) -> Written {
        if self.depth > usize::from(DEEPEST) {
            return Err(Fault::Limit("a value nested too deep"));
        }
        self.push(open)?;
        self.depth += 1;
        let mut any = false;
        for (key, value) in items {
            if any {
                self.push(b",")?;
            }
            any = true;
            self.line()?;
            if let Some(key) = key {
                self.text(&key)?;
                self.push(if self.style == Style::Pretty { b": " } else { b":" })?;
            }
            self.value(&value)?;
        }
        self.depth -= 1;
        if any {
            self.line()?;
        }
        self.push(close)
    }

    fn line(&mut self) -> Written {
        if self.style != Style::Pretty {
            return Ok(());
        }
        let depth = self.depth;
        self.push(b"\n")?;
        self.push("  ".repeat(depth).as_bytes())
    }

    fn float(&mut self, float: f64) -> Written {
        if !float.is_finite() {
            let text = format!("json: unsupported value: {}", go_float(float, 'g', None));
            return Err(Fault::new("a number that JSON cannot hold", text));
        }
        let size = float.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = go_float(float, 'e', None).replace("e-0", "e-");
            return self.push(text.as_bytes());
        }
        self.push(go_float(float, 'f', None).as_bytes())
    }

    fn text(&mut self, bytes: &[u8]) -> Written {
        self.budget.read(bytes.len(), SLOW)?;
        self.push(b"\"")?;
        let mut out = Zeroizing::new(Vec::new());
        for block in blocks(bytes) {
            self.budget.check_clock()?;
            out.clear();
            escape(block, self.style, &mut out);
            self.push(&out)?;
        }
        self.push(b"\"")
    }
}

fn escape(bytes: &[u8], style: Style, out: &mut Vec<u8>) {
    for (_, character, _) in chars(bytes) {
        match character {
            None => out.extend_from_slice(b"\\ufffd"),
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\x08') => out.extend_from_slice(b"\\b"),
            Some('\x0C') => out.extend_from_slice(b"\\f"),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            Some(character @ ('\0'..' ' | '\u{2028}' | '\u{2029}')) => push_escape(out, character),
            Some(character @ ('<' | '>' | '&')) if style != Style::Raw => push_escape(out, character),
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
}
