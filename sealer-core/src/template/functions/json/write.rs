//! How are values written as JSON, as Go writes them?

use crate::base64;
use crate::template::budget::Budget;
use crate::template::error::Fault;
use crate::template::format::go_float;
use crate::template::value::{Dict, ListKind, Value, chars, type_name};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// With the characters of HTML escaped.
    Compact,
    Pretty,
    Raw,
}

pub(super) fn write(budget: &mut Budget<'_>, value: &Value, style: Style) -> Result<Vec<u8>, Fault> {
    let mut writer = Writer { out: Vec::new(), budget, style, inside: Vec::new(), depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer<'b, 'c> {
    out: Vec<u8>,
    budget: &'b mut Budget<'c>,
    style: Style,
    inside: Vec<Dict>,
    depth: usize,
}

type Written = Result<(), Fault>;

impl Writer<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Written {
        if self.out.len() + bytes.len() > self.budget.allocation_left() {
            return Err(Fault::Limit("too much memory"));
        }
        self.out.extend_from_slice(bytes);
        Ok(())
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
                let bytes: Vec<u8> = list
                    .items
                    .iter()
                    .map(|item| if let Value::Int(integer) = item { integer.bits.to_le_bytes()[0] } else { 0 })
                    .collect();
                self.text(base64::encode(&bytes).as_bytes())
            }
            Value::List(list) => self.container(b"[", b"]", list.items.iter().map(|item| (None, item.clone()))),
            Value::Dict(dict) if dict.is_nil() => self.push(b"null"),
            Value::Dict(dict) => self.dict(dict),
            Value::Strings(map) => {
                let entries = map.entries().iter();
                self.container(b"{", b"}", entries.map(|(key, text)| (Some(key.to_vec()), Value::Text(text.clone()))))
            }
            Value::Time(time) => self.text(time.format("2006-01-02T15:04:05.999999999Z07:00").as_bytes()),
            Value::Version(version) => self.text(version.to_string().as_bytes()),
            Value::Certificate(pair) => {
                let fields = [("Cert", &pair.certificate), ("Key", &pair.key)];
                let fields = fields.map(|(name, text)| (Some(name.as_bytes().to_vec()), Value::Text(text.clone())));
                self.container(b"{", b"}", fields.into_iter())
            }
        }
    }

    fn dict(&mut self, dict: &Dict) -> Written {
        if self.inside.iter().any(|outer| outer.same(dict)) {
            let text = "json: unsupported value: encountered a cycle via map[string]interface {}";
            return Err(Fault::new("a value holds itself", text));
        }
        self.budget.steps(dict.len() as u64)?;
        self.inside.push(dict.clone());
        let entries = dict.snapshot();
        self.container(b"{", b"}", entries.into_iter().map(|(key, value)| (Some(key.to_vec()), value)))?;
        self.inside.pop();
        Ok(())
    }

    fn container(
        &mut self,
        open: &[u8],
        close: &[u8],
        items: impl Iterator<Item = (Option<Vec<u8>>, Value)>,
    ) -> Written {
        if self.depth > MAXIMUM_DEPTH {
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
        let mut out = Vec::with_capacity(bytes.len() + 2);
        if bytes.len() > self.budget.allocation_left() / 6 {
            return Err(Fault::Limit("too much memory"));
        }
        self.budget.steps(bytes.len() as u64 / 64)?;
        out.push(b'"');
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
                Some(character @ ('\0'..' ' | '\u{2028}' | '\u{2029}')) => push_escape(&mut out, character),
                Some(character @ ('<' | '>' | '&')) if self.style != Style::Raw => push_escape(&mut out, character),
                Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out.push(b'"');
        self.push(&out)
    }
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
}

const MAXIMUM_DEPTH: usize = 200;
