//! Functions for texts.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::format;
use super::super::value::quote::go_quote;
use super::super::value::{Kind, Text, Value, blocks, chars, to_lower, to_upper};
use super::convert::{find, joined, to_text};
use super::{Arguments, FAST, Function, OVERHEAD, Outcome, PLAIN, Runtime, SLOW};

const ONE: &[Kind] = &[Kind::Text];
const TWO: &[Kind] = &[Kind::Text, Kind::Text];
const THREE: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];
const NUMBER: &[Kind] = &[Kind::Int, Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("abbrev", NUMBER, |runtime, arguments| {
        let (width, text) = (arguments.int(0), arguments.bytes(1));
        if width < 4 { Ok(arguments.any(1).clone()) } else { abbreviate(runtime, text, 0, to_size(width)) }
    })
    .reading(0),
    Function::new("abbrevboth", &[Kind::Int, Kind::Int, Kind::Text], |runtime, arguments| {
        let (left, right, text) = (arguments.int(0), arguments.int(1), arguments.bytes(2));
        if right < 4 || left > 0 && right < 7 {
            return Ok(arguments.any(2).clone());
        }
        abbreviate(runtime, text, left, to_size(right))
    })
    .reading(0),
    Function::new("trunc", NUMBER, |runtime, arguments| {
        let (count, text) = (arguments.int(0), arguments.bytes(1));
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
        let part = if count < 0 { text.get(text.len() - size..) } else { text.get(..size) };
        runtime.text(part.unwrap_or_default())
    })
    .reading(0),
    Function::new("trim", ONE, |runtime, arguments| {
        let kept = |character: Option<char>| !character.is_some_and(super::casing::is_space);
        let text = trimmed(runtime, arguments.bytes(0), kept)?;
        runtime.text(text)
    })
    .reading(SLOW),
    Function::new("trimAll", TWO, trim_all).copying(SLOW),
    Function::new("trimall", TWO, trim_all).copying(SLOW),
    Function::new("trimSuffix", TWO, |runtime, arguments| {
        let text = arguments.bytes(1);
        runtime.text(text.strip_suffix(arguments.bytes(0)).unwrap_or(text))
    })
    .reading(FAST),
    Function::new("trimPrefix", TWO, |runtime, arguments| {
        let text = arguments.bytes(1);
        runtime.text(text.strip_prefix(arguments.bytes(0)).unwrap_or(text))
    })
    .reading(FAST),
    Function::new("upper", ONE, |runtime, arguments| map(runtime, arguments, to_upper)).reading(SLOW),
    Function::new("lower", ONE, |runtime, arguments| map(runtime, arguments, to_lower)).reading(SLOW),
    Function::new("substr", &[Kind::Int, Kind::Int, Kind::Text], substring).reading(0),
    Function::new("repeat", NUMBER, |runtime, arguments| {
        let text = repeat(runtime, arguments.bytes(1), arguments.int(0))?;
        runtime.written(text)
    })
    .reading(0),
    Function::new("contains", TWO, |_, arguments| {
        Ok(Value::Bool(find(arguments.bytes(1), arguments.bytes(0)).is_some()))
    })
    .reading(PLAIN),
    Function::new("hasPrefix", TWO, |_, arguments| Ok(Value::Bool(arguments.bytes(1).starts_with(arguments.bytes(0)))))
        .reading(FAST),
    Function::new("hasSuffix", TWO, |_, arguments| Ok(Value::Bool(arguments.bytes(1).ends_with(arguments.bytes(0)))))
        .reading(FAST),
    Function::variadic("quote", &[], Kind::Any, |runtime, arguments| {
        quoted(runtime, arguments, (b"\"", to_text), quote_part)
    })
    .reading(0),
    Function::variadic("squote", &[], Kind::Any, |runtime, arguments| {
        quoted(runtime, arguments, (b"'", plain), |part, out| out.extend_from_slice(part))
    })
    .reading(0),
    Function::variadic("cat", &[], Kind::Any, |runtime, arguments| {
        runtime.budget.allocate(size_of_val(arguments.0))?;
        let mut parts = Vec::with_capacity(arguments.0.len());
        for value in arguments.0.iter().filter(|value| !value.is_nil()) {
            parts.push(plain(runtime, value)?);
        }
        let text = joined(runtime, parts.iter().map(|part| &**part), b" ")?;
        runtime.budget.release(size_of_val(arguments.0));
        runtime.written(text)
    })
    .reading(0),
    Function::new("indent", NUMBER, |runtime, arguments| indent(runtime, arguments, b"")).reading(PLAIN),
    Function::new("nindent", NUMBER, |runtime, arguments| indent(runtime, arguments, b"\n")).reading(PLAIN),
    Function::new("replace", THREE, |runtime, arguments| {
        replace(runtime, arguments.bytes(2), arguments.bytes(0), arguments.bytes(1))
    })
    .reading(PLAIN),
    Function::new("plural", &[Kind::Text, Kind::Text, Kind::Int], |_, arguments| {
        Ok(arguments.any(if arguments.int(2) == 1 { 0 } else { 1 }).clone())
    })
    .reading(0),
];

pub(super) fn to_size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// How a value becomes a text.
type Shown = fn(&mut Runtime<'_, '_>, &Value) -> Result<Text, Fault>;

/// What `%v` shows, in which a list of bytes is one of numbers.
fn plain(runtime: &mut Runtime<'_, '_>, value: &Value) -> Result<Text, Fault> {
    match value {
        Value::List(_) => {
            let shown = format::shown(value, runtime.budget)?;
            runtime.budget.allocate(OVERHEAD)?;
            Ok(shown.into_text())
        }
        other => to_text(runtime, other),
    }
}

/// A part of a text in double quotes.
fn quote_part(part: &[u8], out: &mut Vec<u8>) {
    let quoted = Zeroizing::new(go_quote(part));
    out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default().as_bytes());
}

fn abbreviate(runtime: &mut Runtime<'_, '_>, text: &[u8], offset: i64, width: usize) -> Outcome {
    let dots = b"...".as_slice();
    if text.len() <= width {
        return runtime.text(text);
    }
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let kept = i64::try_from(width - 3).unwrap_or(i64::MAX);
    let offset = offset.min(length);
    // What is too far to the left wraps around in Go.
    let offset = to_size(if length.wrapping_sub(offset) < kept { length - kept } else { offset });
    let (before, part, after) = if offset <= 4 {
        (b"".as_slice(), text.get(..width - 3), dots)
    } else if width < 7 {
        return runtime.text("");
    } else if offset + width - 3 < text.len() {
        match text.get(offset..).unwrap_or_default() {
            rest if rest.len() <= width - 3 => (dots, Some(rest), b"".as_slice()),
            rest => (dots, rest.get(..width - 6), dots),
        }
    } else {
        (dots, text.get(text.len() - (width - 3)..), b"".as_slice())
    };
    let mut short = Buffer::default();
    for part in [before, part.unwrap_or_default(), after] {
        short.push(part, runtime.budget)?;
    }
    runtime.written(short)
}

/// Each character changed; what is no UTF-8 is replaced.
pub(super) fn map(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    mut change: impl FnMut(char) -> char,
) -> Outcome {
    runtime.changed(arguments.bytes(0), |part, out| {
        for (_, character, _) in chars(part) {
            let changed = change(character.unwrap_or('\u{FFFD}'));
            out.extend_from_slice(changed.encode_utf8(&mut [0; 4]).as_bytes());
        }
    })
}

fn trim_all(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let wanted: BTreeSet<Option<char>> = chars(arguments.bytes(0)).map(|(_, character, _)| character).collect();
    let text = arguments.bytes(1);
    let levels = usize::BITS - wanted.len().leading_zeros();
    runtime.budget.read(text.len().saturating_mul(levels as usize), SLOW)?;
    let kept = |character: Option<char>| !wanted.contains(&character);
    let text = trimmed(runtime, text, kept)?;
    runtime.text(text)
}

/// The text from its first character that is kept to its last one.
pub(super) fn trimmed<'t>(
    runtime: &mut Runtime<'_, '_>,
    text: &'t [u8],
    kept: impl Fn(Option<char>) -> bool,
) -> Result<&'t [u8], Fault> {
    let (mut start, mut end, mut offset) = (None, 0, 0);
    for block in blocks(text) {
        runtime.budget.check_clock()?;
        for (at, _, width) in chars(block).filter(|(_, character, _)| kept(*character)) {
            start.get_or_insert(offset + at);
            end = offset + at + width;
        }
        offset += block.len();
    }
    Ok(start.and_then(|start| text.get(start..end)).unwrap_or_default())
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

pub(super) fn repeat(runtime: &mut Runtime<'_, '_>, text: &[u8], count: i64) -> Result<Buffer, Fault> {
    let Ok(count) = usize::try_from(count) else {
        return Err(Fault::plain("strings: negative Repeat count"));
    };
    let Some(total) = i64::try_from(text.len()).ok().and_then(|length| length.checked_mul(i64::try_from(count).ok()?))
    else {
        return Err(Fault::plain("strings: Repeat output length overflow"));
    };
    Buffer::repeated(text, if total == 0 { 0 } else { count }, runtime.budget)
}

fn indent(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, before: &[u8]) -> Outcome {
    let (count, text) = (arguments.int(0), arguments.bytes(1));
    let pad = repeat(runtime, b" ", count)?;
    let lines = memchr::memchr_iter(b'\n', text).count() + 1;
    let room = pad.len().saturating_mul(lines).saturating_add(text.len()).saturating_add(before.len());
    let mut out = Buffer::with_room(room, runtime.budget)?;
    out.push(before, runtime.budget)?;
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        runtime.budget.step()?;
        out.push(if index > 0 { b"\n" } else { b"" }, runtime.budget)?;
        out.push(pad.as_slice(), runtime.budget)?;
        out.push(line, runtime.budget)?;
    }
    pad.give_back(runtime.budget);
    runtime.written(out)
}

fn replace(runtime: &mut Runtime<'_, '_>, text: &[u8], old: &[u8], new: &[u8]) -> Outcome {
    if old == new {
        return runtime.text(text);
    }
    let mut out = Buffer::default();
    if old.is_empty() {
        out.push(new, runtime.budget)?;
        for (at, _, width) in chars(text) {
            runtime.budget.step()?;
            out.push(text.get(at..at + width).unwrap_or_default(), runtime.budget)?;
            out.push(new, runtime.budget)?;
        }
        return runtime.written(out);
    }
    let mut end = 0;
    for at in memchr::memmem::find_iter(text, old) {
        runtime.budget.step()?;
        out.push(text.get(end..at).unwrap_or_default(), runtime.budget)?;
        out.push(new, runtime.budget)?;
        end = at + old.len();
    }
    out.push(text.get(end..).unwrap_or_default(), runtime.budget)?;
    runtime.written(out)
}

fn quoted(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    (mark, shown): (&[u8], Shown),
    mut how: impl FnMut(&[u8], &mut Vec<u8>),
) -> Outcome {
    let mut out = Buffer::default();
    for value in arguments.0.iter().filter(|value| !value.is_nil()) {
        let text = shown(runtime, value)?;
        runtime.budget.read(text.len(), SLOW)?;
        let space: &[u8] = if out.is_empty() { b"" } else { b" " };
        out.push(space, runtime.budget)?;
        out.push(mark, runtime.budget)?;
        runtime.change_into(&mut out, &text, &mut how)?;
        out.push(mark, runtime.budget)?;
    }
    runtime.written(out)
}
