//! Bytes that times and versions become.

use super::super::super::error::Fault;
use super::super::super::value::time::to_bytes;
use super::super::super::value::{IntegerKind, ListKind, Value};
use super::super::{Outcome, Plain, Runtime};
use super::{Arguments, of};

/// Go's `MarshalBinary` and `GobEncode`.
pub(super) const BINARY: Plain = |runtime, a| match of(a, 0).binary() {
    Ok(made) => bytes(runtime, &[], &made),
    Err(why) => Err(unwritable("", why)),
};

pub(super) fn time_json(runtime: &mut Runtime<'_, '_>, a: Arguments<'_>) -> Outcome {
    let text = of(a, 0).rfc3339().map_err(|why| unwritable("Time.MarshalJSON: ", why))?;
    bytes(runtime, &[], format!("\"{text}\"").as_bytes())
}

pub(super) fn time_text(runtime: &mut Runtime<'_, '_>, a: Arguments<'_>) -> Outcome {
    let text = of(a, 0).rfc3339().map_err(|why| unwritable("Time.MarshalText: ", why))?;
    bytes(runtime, &[], text.as_bytes())
}

pub(super) fn append_text(runtime: &mut Runtime<'_, '_>, a: Arguments<'_>) -> Outcome {
    let text = of(a, 0).rfc3339().map_err(|why| unwritable("Time.AppendText: ", why))?;
    bytes(runtime, elements(a, 1), text.as_bytes())
}

pub(super) fn append_binary(runtime: &mut Runtime<'_, '_>, a: Arguments<'_>) -> Outcome {
    let made = of(a, 0).binary().map_err(|why| unwritable("", why))?;
    bytes(runtime, elements(a, 1), &made)
}

pub(super) fn append_format(runtime: &mut Runtime<'_, '_>, a: Arguments<'_>) -> Outcome {
    let time = of(a, 0);
    let layout = a.by_bytes(2);
    Runtime::short(a.bytes(2))?;
    runtime.budget.steps(layout.len() as u64)?;
    let mut made = Vec::new();
    for part in time.parts(&layout) {
        runtime.budget.allocate(part.len())?;
        made.extend(to_bytes(&part));
    }
    match a.any(1) {
        Value::List(before) if before.nil && made.is_empty() => Ok(a.any(1).clone()),
        _ => bytes(runtime, elements(a, 1), &made),
    }
}

fn unwritable(method: &str, why: &str) -> Fault {
    Fault::new("a time that cannot be written like this", format!("{method}{why}"))
}

fn elements(arguments: Arguments<'_>, index: usize) -> &[Value] {
    match arguments.any(index) {
        Value::List(list) => &list.items,
        _ => &[],
    }
}

/// A list of bytes, after those that are there already.
pub(super) fn bytes(runtime: &mut Runtime<'_, '_>, before: &[Value], made: &[u8]) -> Outcome {
    let count = before.len().saturating_add(made.len());
    let made = made.iter().map(|byte| Value::of_kind(i64::from(*byte), IntegerKind::Uint8));
    runtime.list_of(ListKind::Byte, count, before.iter().cloned().chain(made))
}

/// The bytes of a list of them.
pub(super) fn bytes_of(
    runtime: &mut Runtime<'_, '_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<Vec<u8>, Fault> {
    let elements = elements(arguments, index);
    runtime.budget.allocate(elements.len())?;
    Ok(elements
        .iter()
        .map(|item| if let Value::Int(integer) = item { integer.bits.to_le_bytes()[0] } else { 0 })
        .collect())
}
