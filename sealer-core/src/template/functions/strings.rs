//! What do the functions for texts do?

use super::super::error::Fault;
use super::super::syntax::go_quote;
use super::super::value::{Kind, Value, chars, to_lower, to_upper};
use super::convert::{find, to_text};
use super::{Arguments, Function, Outcome, Runtime};

const ONE: &[Kind] = &[Kind::Text];
const TWO: &[Kind] = &[Kind::Text, Kind::Text];
const THREE: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];
const NUMBER: &[Kind] = &[Kind::Int, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("abbrev", NUMBER, |runtime, arguments| {
        let (width, text) = (arguments.int(0), arguments.bytes(1));
        if width < 4 { Ok(arguments.any(1).clone()) } else { runtime.text(abbreviate(text, 0, to_size(width))) }
    }),
    Function::new("abbrevboth", &[Kind::Int, Kind::Int, Kind::Text], |runtime, arguments| {
        let (left, right, text) = (arguments.int(0), arguments.int(1), arguments.bytes(2));
        if right < 4 || left > 0 && right < 7 {
            return Ok(arguments.any(2).clone());
        }
        runtime.text(abbreviate(text, to_size(left), to_size(right)))
    }),
    Function::new("trunc", NUMBER, |runtime, arguments| {
        let (count, text) = (arguments.int(0), arguments.bytes(1));
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
        let part = if count < 0 { text.get(text.len() - size..) } else { text.get(..size) };
        runtime.text(part.unwrap_or_default())
    }),
    Function::new("trim", ONE, |runtime, arguments| {
        let text = super::words::trim_space(arguments.bytes(0));
        runtime.text(text)
    }),
    Function::new("trimAll", TWO, trim_all),
    Function::new("trimall", TWO, trim_all),
    Function::new("trimSuffix", TWO, |runtime, arguments| {
        let text = arguments.bytes(1);
        runtime.text(text.strip_suffix(arguments.bytes(0)).unwrap_or(text))
    }),
    Function::new("trimPrefix", TWO, |runtime, arguments| {
        let text = arguments.bytes(1);
        runtime.text(text.strip_prefix(arguments.bytes(0)).unwrap_or(text))
    }),
    Function::new("upper", ONE, |runtime, arguments| map(runtime, arguments, to_upper)),
    Function::new("lower", ONE, |runtime, arguments| map(runtime, arguments, to_lower)),
    Function::new("substr", &[Kind::Int, Kind::Int, Kind::Text], substring),
    Function::new("repeat", NUMBER, |runtime, arguments| {
        let text = repeat(runtime, arguments.bytes(1), arguments.int(0))?;
        runtime.text(text)
    }),
    Function::new("contains", TWO, |runtime, arguments| {
        runtime.budget.steps(arguments.bytes(1).len() as u64 / 256)?;
        Ok(Value::Bool(find(arguments.bytes(1), arguments.bytes(0)).is_some()))
    }),
    Function::new("hasPrefix", TWO, |_, arguments| Ok(Value::Bool(arguments.bytes(1).starts_with(arguments.bytes(0))))),
    Function::new("hasSuffix", TWO, |_, arguments| Ok(Value::Bool(arguments.bytes(1).ends_with(arguments.bytes(0))))),
    Function::variadic("quote", &[], Kind::Any, |runtime, arguments| quoted(runtime, arguments, go_quote_bytes)),
    Function::variadic("squote", &[], Kind::Any, |runtime, arguments| {
        quoted(runtime, arguments, |text| [b"'", text, b"'"].concat())
    }),
    Function::variadic("cat", &[], Kind::Any, |runtime, arguments| {
        let mut parts = Vec::new();
        for value in arguments.0.iter().filter(|value| !value.is_nil()) {
            parts.push(to_text(runtime, value)?);
        }
        let parts: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
        runtime.budget.allocate(parts.iter().map(|part| part.len()).sum())?;
        runtime.text(parts.join(b" ".as_slice()))
    }),
    Function::new("indent", NUMBER, |runtime, arguments| {
        let text = indent(runtime, arguments.int(0), arguments.bytes(1))?;
        runtime.text(text)
    }),
    Function::new("nindent", NUMBER, |runtime, arguments| {
        let mut text = indent(runtime, arguments.int(0), arguments.bytes(1))?;
        text.insert(0, b'\n');
        runtime.text(text)
    }),
    Function::new("replace", THREE, |runtime, arguments| {
        let text = replace(runtime, arguments.bytes(2), arguments.bytes(0), arguments.bytes(1))?;
        runtime.text(text)
    }),
    Function::new("plural", &[Kind::Text, Kind::Text, Kind::Int], |_, arguments| {
        Ok(arguments.any(if arguments.int(2) == 1 { 0 } else { 1 }).clone())
    }),
];

pub(super) fn to_size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn go_quote_bytes(text: &[u8]) -> Vec<u8> {
    go_quote(text).into_bytes()
}

fn abbreviate(text: &[u8], offset: usize, width: usize) -> Vec<u8> {
    let dots = b"...".as_slice();
    if text.len() <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(text.len());
    if text.len() - offset < width - 3 {
        offset = text.len() - (width - 3);
    }
    if offset <= 4 {
        return [text.get(..width - 3).unwrap_or_default(), dots].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < text.len() {
        let rest = abbreviate(text.get(offset..).unwrap_or_default(), 0, width - 3);
        return [dots, &rest].concat();
    }
    [dots, text.get(text.len() - (width - 3)..).unwrap_or_default()].concat()
}

/// Each character changed; what is no UTF-8 is replaced.
pub(super) fn map(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    mut change: impl FnMut(char) -> char,
) -> Outcome {
    let bytes = arguments.bytes(0);
    runtime.budget.steps(bytes.len() as u64 / 64)?;
    let text: String = chars(bytes).map(|(_, character, _)| change(character.unwrap_or('\u{FFFD}'))).collect();
    runtime.text(text)
}

fn trim_all(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let wanted: Vec<Option<char>> = chars(arguments.bytes(0)).map(|(_, character, _)| character).collect();
    let text = arguments.bytes(1);
    runtime.budget.steps(text.len() as u64 * (1 + wanted.len() as u64) / 256)?;
    let kept = |(_, character, _): &(usize, Option<char>, usize)| !wanted.contains(character);
    let Some((start, ..)) = chars(text).find(kept) else {
        return runtime.text("");
    };
    let end = chars(text).filter(kept).last().map_or(text.len(), |(at, _, width)| at + width);
    runtime.text(text.get(start..end).unwrap_or_default())
}

fn substring(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let (start, end, text) = (arguments.int(0), arguments.int(1), arguments.bytes(2));
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let outside = |shown: String| {
        Err(Fault::new("out of the text's bounds", format!("runtime error: slice bounds out of range {shown}")))
    };
    if start < 0 {
        return match text.get(..usize::try_from(end).unwrap_or(usize::MAX)) {
            Some(part) => runtime.text(part),
            None if end < 0 => outside(format!("[:{end}]")),
            None => outside(format!("[:{end}] with length {length}")),
        };
    }
    let end = if end < 0 || end > length { length } else { end };
    if start > end {
        return outside(format!("[{start}:{end}]"));
    }
    runtime.text(text.get(to_size(start)..to_size(end)).unwrap_or_default())
}

pub(super) fn repeat(runtime: &mut Runtime<'_, '_>, text: &[u8], count: i64) -> Result<Vec<u8>, Fault> {
    let Ok(count) = usize::try_from(count) else {
        return Err(Fault::plain("strings: negative Repeat count"));
    };
    let Some(total) = i64::try_from(text.len()).ok().and_then(|length| length.checked_mul(i64::try_from(count).ok()?))
    else {
        return Err(Fault::plain("strings: Repeat output length overflow"));
    };
    runtime.budget.allocate(to_size(total))?;
    Ok(text.repeat(count))
}

fn indent(runtime: &mut Runtime<'_, '_>, count: i64, text: &[u8]) -> Result<Vec<u8>, Fault> {
    let pad = repeat(runtime, b" ", count)?;
    let lines = text.split(|byte| *byte == b'\n').count();
    runtime.budget.allocate(pad.len().saturating_mul(lines).saturating_add(text.len()))?;
    let mut out = Vec::with_capacity(pad.len() * lines + text.len() + 1);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(out)
}

fn replace(runtime: &mut Runtime<'_, '_>, text: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut add = |runtime: &mut Runtime<'_, '_>, part: &[u8]| {
        runtime.budget.allocate(part.len())?;
        out.extend_from_slice(part);
        Ok(())
    };
    if old == new {
        add(runtime, text)?;
        return Ok(out);
    }
    if old.is_empty() {
        add(runtime, new)?;
        for (at, _, width) in chars(text) {
            add(runtime, text.get(at..at + width).unwrap_or_default())?;
            add(runtime, new)?;
        }
        return Ok(out);
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        add(runtime, rest.get(..at).unwrap_or_default())?;
        add(runtime, new)?;
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    add(runtime, rest)?;
    Ok(out)
}

fn quoted(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, how: fn(&[u8]) -> Vec<u8>) -> Outcome {
    let mut parts = Vec::new();
    for value in arguments.0.iter().filter(|value| !value.is_nil()) {
        let text = to_text(runtime, value)?;
        if text.len() > runtime.budget.allocation_left() / 5 {
            return Err(Fault::Limit("too much memory"));
        }
        let part = how(&text);
        runtime.budget.allocate(part.len())?;
        parts.push(part);
    }
    runtime.text(parts.join(b" ".as_slice()))
}
