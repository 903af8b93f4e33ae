//! Functions that make one type of another (`spf13/cast`).

use std::collections::BTreeMap;
use std::rc::Rc;

use memchr::memmem::Finder;

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::format;
use super::super::number::{go_parse_float, go_parse_int};
use super::super::value::{IntegerKind, Kind, ListKind, Strings, Text, Value, rune_at};
use super::{Arguments, ENTRY, FAST, Function, OVERHEAD, Outcome, PLAIN, Runtime, SLOW, sorting};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("atoi", &[Kind::Text], |_, arguments| Ok(Value::int(atoi(arguments.bytes(0))))).reading(SLOW),
    Function::new("int64", &[Kind::Any], |_, arguments| Ok(Value::int64(to_int(arguments.any(0))))).reading(SLOW),
    Function::new("int", &[Kind::Any], |_, arguments| Ok(Value::int(to_int(arguments.any(0))))).reading(SLOW),
    Function::new("float64", &[Kind::Any], |_, arguments| Ok(Value::Float(to_float(arguments.any(0))))).reading(SLOW),
    Function::new("toDecimal", &[Kind::Any], |runtime, arguments| {
        let text = format::sprint(arguments.0, runtime.budget)?;
        let octal = std::str::from_utf8(text.as_slice()).ok().and_then(|text| i64::from_str_radix(text, 8).ok());
        text.give_back(runtime.budget);
        Ok(Value::int64(octal.unwrap_or(0)))
    }),
    Function::new("toString", &[Kind::Any], |runtime, arguments| {
        let text = to_text(runtime, arguments.any(0))?;
        Ok(Value::Text(text))
    })
    .reading(0),
    Function::new("toStrings", &[Kind::Any], |runtime, arguments| {
        if let Value::List(list) = arguments.any(0)
            && list.kind == ListKind::Text
        {
            return Ok(arguments.any(0).clone());
        }
        let texts = to_texts(runtime, arguments.any(0))?;
        listed(runtime, texts)
    })
    .reading(FAST),
    Function::new("sortAlpha", &[Kind::Any], |runtime, arguments| {
        let texts = match arguments.any(0) {
            list @ Value::List(_) => to_texts(runtime, list)?,
            other => vec![to_text(runtime, other)?],
        };
        if matches!(arguments.any(0), Value::List(list) if list.kind == ListKind::Text && list.nil) {
            return Ok(arguments.any(0).clone());
        }
        let room = texts.len().saturating_mul(size_of::<Text>());
        let sorted = runtime.for_a_moment(room, |runtime| sorting::sorted(runtime.budget, texts))?;
        listed(runtime, sorted)
    })
    .reading(FAST),
    Function::new("join", &[Kind::Text, Kind::Any], join).reading(FAST),
    Function::new("split", TEXTS, |runtime, arguments| {
        numbered(runtime, &Split::new(arguments.bytes(1), arguments.bytes(0), -1))
    })
    .reading(PLAIN),
    Function::new("splitList", TEXTS, |runtime, arguments| {
        let split = Split::new(arguments.bytes(1), arguments.bytes(0), -1);
        let count = split.parts(runtime.budget)?;
        runtime.texts(count, split)
    })
    .reading(PLAIN),
    Function::new("splitn", &[Kind::Text, Kind::Int, Kind::Text], |runtime, arguments| {
        numbered(runtime, &Split::new(arguments.bytes(2), arguments.bytes(0), arguments.int(1)))
    })
    .reading(PLAIN),
    Function::new("until", &[Kind::Int], |runtime, arguments| {
        let end = arguments.int(0);
        steps(runtime, 0, end, if end < 0 { -1 } else { 1 })
    }),
    Function::new("untilStep", &[Kind::Int, Kind::Int, Kind::Int], |runtime, arguments| {
        steps(runtime, arguments.int(0), arguments.int(1), arguments.int(2))
    }),
    Function::variadic("seq", &[], Kind::Int, sequence),
];

const TEXTS: &[Kind] = &[Kind::Text, Kind::Text];

/// A decimal number. What is out of range becomes the nearest one, as Go has it beside its error; what follows on
/// digits that are too many does not matter.
pub(super) fn atoi(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut size: Option<u64> = None;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return 0;
        }
        let longer = size.unwrap_or(0).checked_mul(10).and_then(|size| size.checked_add(u64::from(byte - b'0')));
        let Some(longer) = longer else {
            size = Some(u64::MAX);
            break;
        };
        size = Some(longer);
    }
    match size {
        None => 0,
        Some(size) if negative => 0_i64.checked_sub_unsigned(size).unwrap_or(i64::MIN),
        Some(size) => i64::try_from(size).unwrap_or(i64::MAX),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "numbers are cut off at the point")]
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(integer) if integer.kind == IntegerKind::Duration => 0,
        Value::Int(integer) => integer.bits,
        // What is too large, or no number, becomes the smallest one.
        Value::Float(float) if float.abs() < 9_223_372_036_854_775_808.0 => *float as i64,
        Value::Float(_) => i64::MIN,
        Value::Bool(truth) => i64::from(*truth),
        Value::Text(text) => {
            let text = std::str::from_utf8(text).unwrap_or("");
            go_parse_int(without_zero_decimals(text)).unwrap_or(0)
        }
        _ => 0,
    }
}

/// The text before a point with zeros behind it. Points that have none are passed over, as cast does it.
fn without_zero_decimals(text: &str) -> &str {
    let mut zeros = false;
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b'.' if zeros => return text.get(..at).unwrap_or(text),
            b'.' => {}
            b'0' => zeros = true,
            _ => break,
        }
    }
    text
}

pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(integer) if integer.kind == IntegerKind::Duration => 0.0,
        Value::Int(integer) => integer.wide() as f64,
        Value::Float(float) => *float,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Text(text) => std::str::from_utf8(text).ok().and_then(|text| go_parse_float(text).ok()).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// A list of texts that are counted already.
fn listed(runtime: &mut Runtime<'_, '_>, texts: Vec<Text>) -> Outcome {
    runtime.list_of(ListKind::Text, texts.len(), texts.into_iter().map(Value::Text))
}

/// The value as a text of its own.
pub(super) fn to_text(runtime: &mut Runtime<'_, '_>, value: &Value) -> Result<Text, Fault> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::List(list) if list.kind == ListKind::Byte => {
            runtime.budget.allocate(list.items.len().saturating_add(OVERHEAD))?;
            let byte = |item: &Value| if let Value::Int(integer) = item { integer.bits.to_le_bytes()[0] } else { 0 };
            Ok(list.items.iter().map(byte).collect::<Vec<u8>>().into())
        }
        other => {
            let shown = format::shown(other, runtime.budget)?;
            runtime.budget.allocate(OVERHEAD)?;
            Ok(shown.into_text())
        }
    }
}

/// The elements as texts, those without a value left out. A single value is a list of one.
pub(super) fn to_texts(runtime: &mut Runtime<'_, '_>, value: &Value) -> Result<Vec<Text>, Fault> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let count = list.items.len();
            runtime.budget.allocate(count.saturating_mul(size_of::<Text>()))?;
            let mut texts = Vec::with_capacity(count);
            for item in list.items.iter().filter(|item| !item.is_nil()) {
                runtime.budget.step()?;
                texts.push(to_text(runtime, item)?);
            }
            Ok(texts)
        }
        other => Ok(vec![to_text(runtime, other)?]),
    }
}

fn join(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let separator = arguments.bytes(0);
    let texts = to_texts(runtime, arguments.any(1))?;
    let text = joined(runtime, texts.iter().map(|text| &**text), separator)?;
    runtime.written(text)
}

/// Parts put together.
pub(super) fn joined<'t>(
    runtime: &mut Runtime<'_, '_>,
    parts: impl Iterator<Item = &'t [u8]> + Clone,
    separator: &[u8],
) -> Result<Buffer, Fault> {
    let total = parts.clone().map(|part| part.len() + separator.len()).fold(0, usize::saturating_add);
    let mut text = Buffer::with_room(total, runtime.budget)?;
    for (index, part) in parts.enumerate() {
        text.push(if index > 0 { separator } else { b"" }, runtime.budget)?;
        text.push(part, runtime.budget)?;
        runtime.budget.step()?;
    }
    Ok(text)
}

/// The parts of a text that Go's `SplitN` gives.
#[derive(Clone)]
struct Split<'t> {
    /// Nothing after the last part.
    rest: Option<&'t [u8]>,
    separator: &'t [u8],
    finder: Rc<Finder<'t>>,
    left: usize,
}

impl<'t> Split<'t> {
    fn new(text: &'t [u8], separator: &'t [u8], limit: i64) -> Self {
        let left = usize::try_from(limit).unwrap_or(usize::MAX);
        let rest = (left > 0 && !(separator.is_empty() && text.is_empty())).then_some(text);
        Self { rest, separator, finder: Rc::new(Finder::new(separator)), left }
    }

    fn parts(&self, budget: &mut Budget<'_>) -> Result<usize, Fault> {
        let mut count = 0;
        for _ in self.clone() {
            count += 1;
            budget.step()?;
        }
        Ok(count)
    }
}

impl<'t> Iterator for Split<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest.take()?;
        self.left -= 1;
        let found = if self.left == 0 {
            None
        } else if self.separator.is_empty() {
            rune_at(rest).map(|(_, width)| width).filter(|width| *width < rest.len())
        } else {
            self.finder.find(rest)
        };
        let Some(at) = found else { return Some(rest) };
        self.rest = rest.get(at + self.separator.len()..);
        rest.get(..at)
    }
}

/// Where `part` first is in `text`.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

fn numbered(runtime: &mut Runtime<'_, '_>, split: &Split<'_>) -> Outcome {
    let count = split.parts(runtime.budget)?;
    runtime.budget.allocate(count.saturating_mul(ENTRY + NUMBERED_KEY))?;
    let mut entries = BTreeMap::new();
    for (index, part) in split.clone().enumerate() {
        runtime.budget.allocate(part.len() + OVERHEAD)?;
        entries.insert(format!("_{index}").as_str().into(), part.into());
    }
    Ok(Value::Strings(Strings::new(entries)))
}

fn steps(runtime: &mut Runtime<'_, '_>, start: i64, end: i64, step: i64) -> Outcome {
    let forward = step != 0 && (end > start) == (step > 0) && end != start;
    let span = (i128::from(end) - i128::from(start)).unsigned_abs();
    let count = if forward { span.div_ceil(u128::from(step.unsigned_abs())) } else { 0 };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let numbers = std::iter::successors(Some(start), |number| number.checked_add(step));
    runtime.list_of(ListKind::Int, count, numbers.map(Value::int))
}

fn sequence(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match arguments.0.len() {
        1 => (1, direction(1, arguments.int(0)), arguments.int(0)),
        2 => (arguments.int(0), direction(arguments.int(0), arguments.int(1)), arguments.int(1)),
        3 => (arguments.int(0), arguments.int(1), arguments.int(2)),
        _ => return runtime.text(""),
    };
    if arguments.0.len() == 3 && (step == 0 || direction(start, end) != step.signum()) {
        return runtime.text("");
    }
    let mut text = Buffer::default();
    let mut number = start;
    while if step > 0 { number <= end } else { number >= end } {
        runtime.budget.step()?;
        if !text.is_empty() {
            text.push(b" ", runtime.budget)?;
        }
        text.push(number.to_string().as_bytes(), runtime.budget)?;
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    runtime.written(text)
}

/// The key of a part that only has a number.
const NUMBERED_KEY: usize = OVERHEAD + 8;
