//! How is one value printed under one verb?

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::functions::{ENTRY, SLOW};
use super::super::value::{DEEPEST, Integer, IntegerKind, List, ListKind, Value, time, type_name};

/// The flags, width and precision of one verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

pub(super) struct Printer<'b, 'c> {
    pub(super) out: Buffer,
    pub(super) flags: Flags,
    pub(super) budget: &'b mut Budget<'c>,
    erroring: bool,
}

pub(super) type Printed = Result<(), Fault>;

impl<'b, 'c> Printer<'b, 'c> {
    pub(super) fn new(budget: &'b mut Budget<'c>) -> Self {
        Self { out: Buffer::default(), flags: Flags::default(), budget, erroring: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Printed {
        self.out.push(bytes, self.budget)
    }

    pub(super) fn padding(&mut self, count: usize) -> Printed {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.fill(byte, count, self.budget)
    }

    /// Writes `text` within the width, which counts characters.
    pub(super) fn pad(&mut self, text: &[u8]) -> Printed {
        let width = self.flags.width.unwrap_or(0);
        self.budget.read(text.len().min(width.saturating_mul(4)), SLOW)?;
        let missing = width - super::super::value::chars(text).take(width).count();
        if !self.flags.minus {
            self.padding(missing)?;
        }
        self.push(text)?;
        if self.flags.minus { self.padding(missing) } else { Ok(()) }
    }

    pub(super) fn pad_without_zeros(&mut self, text: &[u8]) -> Printed {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        let result = self.pad(text);
        self.flags.zero = zero;
        result
    }

    pub(super) fn print_argument(&mut self, value: &Value, verb: char) -> Printed {
        match (value, verb) {
            (Value::Nil | Value::NilInterface, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil | Value::NilInterface, _) => self.bad_verb(value, verb),
            (_, 'T') => self.text(type_name(value).as_bytes(), 's', value),
            _ => self.print(value, verb, 0),
        }
    }

    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        self.erroring = true;
        self.push(format!("%!{verb}(").as_bytes())?;
        if value.is_nil() {
            self.push(b"<nil>")?;
        } else {
            self.push(type_name(value).as_bytes())?;
            self.push(b"=")?;
            self.print(value, 'v', 0)?;
        }
        self.push(b")")?;
        self.erroring = false;
        Ok(())
    }

    fn print(&mut self, value: &Value, verb: char, depth: usize) -> Printed {
        self.budget.step()?;
        if depth > usize::from(DEEPEST) {
            return Err(Fault::Limit("a value nested too deep"));
        }
        if !self.erroring && self.print_with_method(value, verb)? {
            return Ok(());
        }
        match value {
            Value::Nil | Value::NilInterface => {
                self.push(if self.flags.sharp_v { b"interface {}(nil)" } else { b"<nil>" })
            }
            Value::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { b"true" } else { b"false" }),
            Value::Bool(_) => self.bad_verb(value, verb),
            Value::Int(integer) => self.integer(*integer, verb, value),
            Value::Float(float) => self.float(*float, verb, value),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb, value),
            Value::Text(text) => self.text(text, verb, value),
            Value::List(list) => self.list(list, verb, depth, value),
            Value::Dict(dict) => {
                let room = dict.len() * ENTRY;
                self.budget.allocate(room)?;
                let entries = dict.snapshot().into_iter().map(|(key, element)| (Value::Text(key), element));
                self.map(entries, dict.is_nil(), verb, (depth, value))?;
                self.budget.release(room);
                Ok(())
            }
            Value::Strings(map) => {
                let entries =
                    map.entries().iter().map(|(key, text)| (Value::Text(key.clone()), Value::Text(text.clone())));
                self.map(entries, false, verb, (depth, value))
            }
            Value::Certificate(pair) => {
                let fields = [("Cert", pair.certificate.clone()), ("Key", pair.key.clone())];
                self.structure(fields.map(|(name, text)| (name, Value::Text(text))), verb, (depth, value))
            }
            Value::Time(time) => self.text(time.to_go_string().as_bytes(), verb, value),
            Value::Version(version) => self.text(version.to_string().as_bytes(), verb, value),
        }
    }

    /// Values that know how to show themselves, under the verbs for texts.
    fn print_with_method(&mut self, value: &Value, verb: char) -> Result<bool, Fault> {
        if self.flags.sharp_v {
            if let Value::Time(time) = value {
                self.push(time.go_syntax().as_bytes())?;
                return Ok(true);
            }
            return Ok(false);
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return Ok(false);
        }
        let shown = match value {
            Value::Time(time) => time.to_go_string(),
            Value::Version(version) => version.to_string(),
            Value::Int(Integer { bits, kind: IntegerKind::Month }) => time::month_name(*bits),
            Value::Int(Integer { bits, kind: IntegerKind::Weekday }) => time::weekday_name(*bits),
            Value::Int(Integer { bits, kind: IntegerKind::Duration }) => time::duration_text(*bits),
            _ => return Ok(false),
        };
        self.text(shown.as_bytes(), verb, value)?;
        Ok(true)
    }

    fn list(&mut self, list: &List, verb: char, depth: usize, value: &Value) -> Printed {
        if list.kind == ListKind::Byte && matches!(verb, 's' | 'q' | 'x' | 'X') {
            self.budget.allocate(list.items.len())?;
            let bytes: Vec<u8> = list
                .items
                .iter()
                .filter_map(|item| match item {
                    Value::Int(integer) => u8::try_from(integer.bits).ok(),
                    _ => None,
                })
                .collect();
            return self.text(&bytes, verb, value);
        }
        if self.flags.sharp_v {
            self.push(type_name(value).as_bytes())?;
            if list.nil {
                return self.push(b"(nil)");
            }
        }
        self.push(if self.flags.sharp_v { b"{" } else { b"[" })?;
        for (index, element) in list.items.iter().enumerate() {
            if index > 0 {
                self.push(if self.flags.sharp_v { b", " } else { b" " })?;
            }
            self.print(element, verb, depth + 1)?;
        }
        self.push(if self.flags.sharp_v { b"}" } else { b"]" })
    }

    fn map(
        &mut self,
        entries: impl Iterator<Item = (Value, Value)>,
        nil: bool,
        verb: char,
        (depth, value): (usize, &Value),
    ) -> Printed {
        if self.flags.sharp_v {
            self.push(type_name(value).as_bytes())?;
            if nil {
                return self.push(b"(nil)");
            }
        }
        self.push(if self.flags.sharp_v { b"{" } else { b"map[" })?;
        for (index, (key, element)) in entries.enumerate() {
            if index > 0 {
                self.push(if self.flags.sharp_v { b", " } else { b" " })?;
            }
            self.print(&key, verb, depth + 1)?;
            self.push(b":")?;
            self.print(&element, verb, depth + 1)?;
        }
        self.push(if self.flags.sharp_v { b"}" } else { b"]" })
    }

    fn structure(&mut self, fields: [(&str, Value); 2], verb: char, (depth, value): (usize, &Value)) -> Printed {
        if self.flags.sharp_v {
            self.push(type_name(value).as_bytes())?;
        }
        self.push(b"{")?;
        for (index, (name, field)) in fields.into_iter().enumerate() {
            if index > 0 {
                self.push(if self.flags.sharp_v { b", " } else { b" " })?;
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.push(name.as_bytes())?;
                self.push(b":")?;
            }
            self.print(&field, verb, depth + 1)?;
        }
        self.push(b"}")
    }
}
