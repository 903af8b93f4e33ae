//! How is one type made of another?

use super::super::error::Fault;
use super::super::format;
use super::super::syntax::{go_parse_float, go_parse_int};
use super::super::value::{IntegerKind, Kind, ListKind, Strings, Text, Value};
use super::{Arguments, ENTRY, Function, Outcome, Runtime};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("atoi", &[Kind::Text], |_, arguments| Ok(Value::int(atoi(arguments.bytes(0))))),
    Function::new("int64", &[Kind::Any], |_, arguments| Ok(Value::int64(to_int(arguments.any(0))))),
    Function::new("int", &[Kind::Any], |_, arguments| Ok(Value::int(to_int(arguments.any(0))))),
    Function::new("float64", &[Kind::Any], |_, arguments| Ok(Value::Float(to_float(arguments.any(0))))),
    Function::new("toDecimal", &[Kind::Any], |runtime, arguments| {
        let text = format::sprint(arguments.0, runtime.budget)?;
        let octal = std::str::from_utf8(&text).ok().and_then(|text| i64::from_str_radix(text, 8).ok());
        Ok(Value::int64(octal.unwrap_or(0)))
    }),
    Function::new("toString", &[Kind::Any], |runtime, arguments| {
        let text = to_text(runtime, arguments.any(0))?;
        Ok(Value::Text(text))
    }),
    Function::new("toStrings", &[Kind::Any], |runtime, arguments| {
        let texts = to_texts(runtime, arguments.any(0), false)?;
        runtime.texts(texts)
    }),
    Function::new("sortAlpha", &[Kind::Any], |runtime, arguments| {
        let mut texts = match arguments.any(0) {
            list @ Value::List(_) => to_texts(runtime, list, true)?,
            other => vec![to_text(runtime, other)?],
        };
        runtime.budget.steps(texts.len() as u64 * 4)?;
        texts.sort();
        runtime.texts(texts)
    }),
    Function::new("join", &[Kind::Text, Kind::Any], join),
    Function::new("split", TEXTS, |runtime, arguments| {
        let parts = split(runtime, arguments.bytes(0), arguments.bytes(1), -1)?;
        numbered(runtime, parts)
    }),
    Function::new("splitList", TEXTS, |runtime, arguments| {
        let parts = split(runtime, arguments.bytes(0), arguments.bytes(1), -1)?;
        runtime.texts(parts)
    }),
    Function::new("splitn", &[Kind::Text, Kind::Int, Kind::Text], |runtime, arguments| {
        let parts = split(runtime, arguments.bytes(0), arguments.bytes(2), arguments.int(1))?;
        numbered(runtime, parts)
    }),
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

fn atoi(text: &[u8]) -> i64 {
    let text = std::str::from_utf8(text).unwrap_or("");
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    // What is out of range becomes the nearest number, as Go's Atoi has it beside its error.
    text.parse().unwrap_or_else(|_| if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

#[expect(clippy::cast_possible_truncation, reason = "numbers are cut off at the point")]
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(integer) if integer.kind == IntegerKind::Duration => 0,
        Value::Int(integer) => integer.bits,
        Value::Float(float) if float.is_finite() && float.abs() < 9.3e18 => *float as i64,
        Value::Float(_) => i64::MIN,
        Value::Bool(truth) => i64::from(*truth),
        Value::Text(text) => {
            let text = std::str::from_utf8(text).unwrap_or("");
            go_parse_int(without_zero_decimals(text)).unwrap_or(0)
        }
        _ => 0,
    }
}

fn without_zero_decimals(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
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

/// The value as a text of its own.
pub(super) fn to_text(runtime: &mut Runtime<'_, '_>, value: &Value) -> Result<Text, Fault> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        other => {
            let shown = format::shown(other, runtime.budget)?;
            runtime.budget.allocate(shown.len())?;
            Ok(shown.into())
        }
    }
}

/// The elements as texts, those without a value left out. A single value is a list of one.
pub(super) fn to_texts(runtime: &mut Runtime<'_, '_>, value: &Value, _sorted: bool) -> Result<Vec<Text>, Fault> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            runtime.budget.steps(list.items.len() as u64)?;
            let items = list.items.clone();
            items.iter().filter(|item| !item.is_nil()).map(|item| to_text(runtime, item)).collect()
        }
        other => Ok(vec![to_text(runtime, other)?]),
    }
}

fn join(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let separator = arguments.bytes(0);
    let texts = to_texts(runtime, arguments.any(1), false)?;
    let total = texts.iter().map(|text| text.len() + separator.len()).sum::<usize>();
    runtime.budget.allocate(total)?;
    let parts: Vec<&[u8]> = texts.iter().map(|text| &**text).collect();
    Ok(Value::Text(parts.join(separator).into()))
}

/// Go's `SplitN`.
pub(super) fn split(
    runtime: &mut Runtime<'_, '_>,
    separator: &[u8],
    text: &[u8],
    limit: i64,
) -> Result<Vec<Vec<u8>>, Fault> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    if limit == 0 {
        return Ok(parts);
    }
    runtime.budget.allocate(text.len())?;
    while parts.len() + 1 < limit {
        let found = if separator.is_empty() {
            super::super::value::rune_at(rest).map(|(_, width)| width).filter(|width| *width < rest.len())
        } else {
            find(rest, separator)
        };
        let Some(at) = found else { break };
        runtime.budget.allocate(ENTRY)?;
        parts.push(rest.get(..at).unwrap_or_default().to_vec());
        rest = rest.get(at + separator.len()..).unwrap_or_default();
    }
    if !(separator.is_empty() && rest.is_empty()) {
        parts.push(rest.to_vec());
    }
    Ok(parts)
}

/// Where `part` first is in `text`.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => Some(0),
        [first, rest @ ..] => {
            let mut offset = 0;
            loop {
                let at = text.get(offset..)?.iter().position(|byte| byte == first)? + offset;
                if text.get(at + 1..)?.starts_with(rest) {
                    return Some(at);
                }
                offset = at + 1;
            }
        }
    }
}

fn numbered(runtime: &mut Runtime<'_, '_>, parts: Vec<Vec<u8>>) -> Outcome {
    runtime.budget.allocate(parts.len() * ENTRY)?;
    let entries = parts.into_iter().enumerate();
    let entries = entries.map(|(index, part)| (format!("_{index}").as_str().into(), part.into())).collect();
    Ok(Value::Strings(Strings::new(entries)))
}

fn steps(runtime: &mut Runtime<'_, '_>, start: i64, end: i64, step: i64) -> Outcome {
    let mut numbers = Vec::new();
    let mut number = start;
    if step != 0 && (end > start) == (step > 0) {
        while if step > 0 { number < end } else { number > end } {
            runtime.budget.allocate(size_of::<Value>())?;
            numbers.push(Value::int(number));
            let Some(next) = number.checked_add(step) else { break };
            number = next;
        }
    }
    runtime.list(ListKind::Int, numbers)
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
    let mut text = String::new();
    let mut number = start;
    while if step > 0 { number <= end } else { number >= end } {
        runtime.budget.step()?;
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&number.to_string());
        if text.len() > runtime.budget.allocation_left() {
            return Err(Fault::Limit("too much memory"));
        }
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    runtime.text(text)
}
