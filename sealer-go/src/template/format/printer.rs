//! Prints one value under one verb (`fmt`).

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::costs::{ENTRY, SLOW};
use super::super::error::Fault;
use super::super::value::{DEEPEST, Integer, IntegerKind, List, ListKind, Value, time, type_name};
use super::shape::{self, Shape};

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
            (Value::Nil | Value::NilInterface | Value::NoError, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil | Value::NilInterface | Value::NoError, _) => self.bad_verb(value, verb),
            (_, 'T') => self.text(type_name(value).as_bytes(), 's', value),
            (_, 'p') => match pointed(value) {
                Some(there) => self.address(there, 'p', value),
                None => self.bad_verb(value, verb),
            },
            _ => self.print(value, verb, 0),
        }
    }

    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        self.erroring = true;
        self.push(format!("%!{verb}(").as_bytes())?;
        if value.is_nil() || matches!(value, Value::NoError) {
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
            Value::Nil | Value::NilInterface | Value::NoError => {
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
            _ => match shape::of(value, self.budget)? {
                Some((true, _)) if depth > 0 => self.address(true, verb, value),
                Some((pointer, shape)) => {
                    self.push(if pointer { b"&" } else { b"" })?;
                    self.shape(&shape, verb, depth + usize::from(pointer))
                }
                None => Ok(()),
            },
        }
    }

    /// Values that know how to show themselves, under the verbs for texts.
    fn print_with_method(&mut self, value: &Value, verb: char) -> Result<bool, Fault> {
        if self.flags.sharp_v && verb != 'w' {
            if let Value::Time(time) = value {
                self.push(time.go_syntax().as_bytes())?;
                return Ok(true);
            }
            return Ok(false);
        }
        if verb == 'w' {
            self.bad_verb(value, verb)?;
            return Ok(true);
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return Ok(false);
        }
        let shown = match value {
            Value::Time(time) => {
                if time.has_second_clock() {
                    self.budget.show_unrepeatable();
                }
                time.to_go_string()
            }
            Value::Version(version) => version.get().to_string(),
            Value::Location(zone) => zone.name().to_owned(),
            Value::Error { problem, .. } => problem.text(),
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
            let bytes = list.kind == ListKind::Byte && depth == 0;
            self.push(if bytes { b"[]byte" } else { type_name(value).as_bytes() })?;
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

    /// The fields of what a pointer points to.
    pub(super) fn print_behind(&mut self, value: &Value) -> Printed {
        match shape::of(value, self.budget)? {
            Some((_, shape)) => self.shape(&shape, 'v', 0),
            None => Ok(()),
        }
    }

    fn shape(&mut self, shape: &Shape, verb: char, depth: usize) -> Printed {
        self.budget.step()?;
        let between: &[u8] = if self.flags.sharp_v { b", " } else { b" " };
        match shape {
            Shape::Plain(value) => self.print(value, verb, depth),
            Shape::Pointer(name, behind) => self.pointer(name, behind.as_deref(), verb),
            Shape::Structure(name, fields) => {
                self.push(if self.flags.sharp_v { name.as_bytes() } else { b"" })?;
                self.push(b"{")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    self.push(if index > 0 { between } else { b"" })?;
                    if self.flags.plus_v || self.flags.sharp_v {
                        self.push(name.as_bytes())?;
                        self.push(b":")?;
                    }
                    self.shape(field, verb, depth + 1)?;
                }
                self.push(b"}")
            }
            Shape::List(name, items) => {
                let (open, close) = if self.flags.sharp_v { (b"{", b"}") } else { (b"[", b"]") };
                self.push(if self.flags.sharp_v { name.as_bytes() } else { b"" })?;
                if self.flags.sharp_v && items.is_none() {
                    return self.push(b"(nil)");
                }
                self.push(open)?;
                for (index, item) in items.iter().flatten().enumerate() {
                    self.push(if index > 0 { between } else { b"" })?;
                    self.shape(item, verb, depth + 1)?;
                }
                self.push(close)
            }
        }
    }

    /// The place of a value in memory, which is the same everywhere here.
    fn address(&mut self, there: bool, verb: char, value: &Value) -> Printed {
        self.budget.show_unrepeatable();
        let place = Integer { bits: if there { PLACE } else { 0 }, kind: IntegerKind::Uint64 };
        let number = Value::Int(place);
        match verb {
            'v' if self.flags.sharp_v => {
                self.push(format!("({})(", type_name(value)).as_bytes())?;
                self.integer(place, 'v', &number)?;
                self.push(b")")
            }
            'v' | 'p' => {
                self.flags.sharp = !self.flags.sharp;
                let result = self.integer(place, 'x', &number);
                self.flags.sharp = !self.flags.sharp;
                result
            }
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(place, verb, &number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn pointer(&mut self, name: &str, behind: Option<&Shape>, verb: char) -> Printed {
        if behind.is_some() {
            self.budget.show_unrepeatable();
        }
        let place = Integer { bits: if behind.is_some() { PLACE } else { 0 }, kind: IntegerKind::Uint64 };
        let number = Value::Int(place);
        match (verb, behind) {
            ('v', _) if self.flags.sharp_v => {
                self.push(format!("({name})(").as_bytes())?;
                match behind {
                    Some(_) => self.integer(place, 'v', &number)?,
                    None => self.push(b"nil")?,
                }
                self.push(b")")
            }
            ('v', None) => self.pad(b"<nil>"),
            ('v', Some(_)) => {
                self.flags.sharp = !self.flags.sharp;
                let result = self.integer(place, 'x', &number);
                self.flags.sharp = !self.flags.sharp;
                result
            }
            ('b' | 'o' | 'd' | 'x' | 'X', _) => self.integer(place, verb, &number),
            _ => {
                self.erroring = true;
                self.push(format!("%!{verb}({name}=").as_bytes())?;
                match behind {
                    Some(behind) => {
                        self.push(b"&")?;
                        self.shape(behind, 'v', 1)?;
                    }
                    None => self.pad(b"<nil>")?,
                }
                self.erroring = false;
                self.push(b")")
            }
        }
    }
}

/// Whether the value is a pointer, a map or a list, which have a place in memory, and whether there is anything.
fn pointed(value: &Value) -> Option<bool> {
    match value {
        Value::List(list) => Some(!list.nil),
        Value::Dict(dict) => Some(!dict.is_nil()),
        Value::Version(version) => version.pointer.then_some(true),
        Value::Strings(_) | Value::Location(_) | Value::Error { .. } => Some(true),
        _ => None,
    }
}

/// Where everything is that Go would show the address of: templates render the same everywhere.
const PLACE: i64 = 0xC0_0012_3450;
