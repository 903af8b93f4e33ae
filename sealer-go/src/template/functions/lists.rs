//! Functions for lists.

use super::super::error::Fault;
use super::super::value::{Kind, List, ListKind, Value, kind_name};
use super::convert::to_int;
use super::reflection::deep_equal;
use super::{Arguments, FAST, Function, OVERHEAD, Outcome, Plain, Runtime};

const ONE: &[Kind] = &[Kind::Any];
const TWO: &[Kind] = &[Kind::Any, Kind::Any];

const LIST: Plain = |runtime, arguments| runtime.list_of(ListKind::Any, arguments.0.len(), arguments.0.iter().cloned());
const FIRST: Plain = |_, arguments| {
    let list = need(arguments.any(0), "Cannot find first on type")?;
    Ok(list.items.first().cloned().unwrap_or(Value::Nil))
};
const LAST: Plain = |_, arguments| {
    let list = need(arguments.any(0), "Cannot find last on type")?;
    Ok(list.items.last().cloned().unwrap_or(Value::Nil))
};
const REST: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find rest on type")?;
    part(runtime, list.items.get(1..))
};
const INITIAL: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find initial on type")?;
    part(runtime, list.items.len().checked_sub(1).and_then(|end| list.items.get(..end)))
};
const PUSH: Plain = |runtime, arguments| {
    let items = &need(arguments.any(0), "Cannot push on type")?.items;
    runtime.list_of(ListKind::Any, items.len() + 1, items.iter().chain([arguments.any(1)]).cloned())
};
const PREPEND: Plain = |runtime, arguments| {
    let items = &need(arguments.any(0), "Cannot prepend on type")?.items;
    runtime.list_of(ListKind::Any, items.len() + 1, [arguments.any(1)].into_iter().chain(items.iter()).cloned())
};
const REVERSE: Plain = |runtime, arguments| {
    let items = &need(arguments.any(0), "Cannot find reverse on type")?.items;
    runtime.list_of(ListKind::Any, items.len(), items.iter().rev().cloned())
};
const UNIQ: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find uniq on type")?;
    let mut kept = room(runtime, list)?;
    for item in list.items.iter() {
        if !contains(runtime, &kept, item)? {
            kept.push(item.clone());
        }
    }
    runtime.counted_list(ListKind::Any, kept)
};
const WITHOUT: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find without on type")?;
    let mut kept = room(runtime, list)?;
    for item in list.items.iter() {
        if !contains(runtime, arguments.from(1), item)? {
            kept.push(item.clone());
        }
    }
    runtime.counted_list(ListKind::Any, kept)
};
const HAS: Plain = |runtime, arguments| {
    if arguments.any(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = need(arguments.any(1), "Cannot find has on type")?;
    contains(runtime, &list.items, arguments.any(0)).map(Value::Bool)
};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[], Kind::Any, LIST).reading(0),
    Function::variadic("tuple", &[], Kind::Any, LIST).reading(0),
    Function::new("first", ONE, FIRST).reading(0),
    Function::new("mustFirst", ONE, FIRST).reading(0),
    Function::new("last", ONE, LAST).reading(0),
    Function::new("mustLast", ONE, LAST).reading(0),
    Function::new("rest", ONE, REST).reading(FAST),
    Function::new("mustRest", ONE, REST).reading(FAST),
    Function::new("initial", ONE, INITIAL).reading(FAST),
    Function::new("mustInitial", ONE, INITIAL).reading(FAST),
    Function::new("append", TWO, PUSH).reading(0),
    Function::new("push", TWO, PUSH).reading(0),
    Function::new("mustAppend", TWO, PUSH).reading(0),
    Function::new("mustPush", TWO, PUSH).reading(0),
    Function::new("prepend", TWO, PREPEND).reading(0),
    Function::new("mustPrepend", TWO, PREPEND).reading(0),
    Function::new("reverse", ONE, REVERSE).reading(FAST),
    Function::new("mustReverse", ONE, REVERSE).reading(FAST),
    Function::new("uniq", ONE, UNIQ).reading(FAST),
    Function::new("mustUniq", ONE, UNIQ).reading(FAST),
    Function::variadic("without", ONE, Kind::Any, WITHOUT).reading(0),
    Function::variadic("mustWithout", ONE, Kind::Any, WITHOUT).reading(0),
    Function::new("has", TWO, HAS).reading(0),
    Function::new("mustHas", TWO, HAS).reading(0),
    Function::variadic("slice", ONE, Kind::Any, slice).reading(0),
    Function::variadic("mustSlice", ONE, Kind::Any, slice).reading(0),
    Function::variadic("concat", &[], Kind::Any, concat).reading(FAST),
    Function::new("chunk", &[Kind::Int, Kind::Any], chunk).reading(FAST),
    Function::new("mustChunk", &[Kind::Int, Kind::Any], chunk).reading(FAST),
];

pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

fn need<'a>(value: &'a Value, text: &str) -> Result<&'a List, Fault> {
    match value {
        Value::List(list) => Ok(list),
        other if other.is_nil() => Err(Fault::public("the argument must be a list", NIL_POINTER)),
        other => Err(Fault::public("the argument must be a list", format!("{text} {}", kind_name(other)))),
    }
}

/// Room for as many elements as the list has.
fn room(runtime: &mut Runtime<'_, '_>, list: &List) -> Result<Vec<Value>, Fault> {
    runtime.budget.allocate(list.items.len().saturating_mul(size_of::<Value>()).saturating_add(OVERHEAD))?;
    Ok(Vec::with_capacity(list.items.len()))
}

fn part(runtime: &mut Runtime<'_, '_>, items: Option<&[Value]>) -> Outcome {
    match items {
        Some(items) => runtime.list_of(ListKind::Any, items.len(), items.iter().cloned()),
        None => Ok(Value::nil_list(ListKind::Any)),
    }
}

fn contains(runtime: &mut Runtime<'_, '_>, items: &[Value], wanted: &Value) -> Result<bool, Fault> {
    for item in items {
        if deep_equal(runtime.budget, item, wanted, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn slice(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let list = need(arguments.any(0), "list should be type of slice or array but")?;
    let length = list.items.len();
    if length == 0 {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| match arguments.0.get(index) {
        Some(value) => usize::try_from(to_int(value)).ok(),
        None => Some(default),
    };
    let part = bound(1, 0).zip(bound(2, length)).and_then(|(start, end)| list.items.get(start..end));
    match part {
        Some(part) => runtime.list_of(list.kind, part.len(), part.iter().cloned()),
        None => Err(Fault::public("out of the list's bounds", "reflect.Value.Slice: slice index out of bounds")),
    }
}

fn concat(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let mut lists = Vec::new();
    for value in arguments.0 {
        match value {
            Value::List(list) => lists.push(list),
            other if other.is_nil() => return Err(Fault::public("the argument must be a list", NIL_POINTER)),
            other => {
                let text = format!("Cannot concat type {} as list", kind_name(other));
                return Err(Fault::public("the argument must be a list", text));
            }
        }
    }
    match lists.iter().map(|list| list.items.len()).fold(0, usize::saturating_add) {
        0 => Ok(Value::nil_list(ListKind::Any)),
        count => runtime.list_of(ListKind::Any, count, lists.iter().flat_map(|list| list.items.iter().cloned())),
    }
}

fn chunk(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let size = arguments.int(0);
    let list = need(arguments.any(1), "Cannot chunk type")?;
    let outside = || Fault::public("wrong size of chunks", "runtime error: makeslice: len out of range");
    let length = i64::try_from(list.items.len()).unwrap_or(i64::MAX);
    if size == 0 {
        return Err(outside());
    }
    let count = (length - 1).div_euclid(size) + 1;
    if size < 0 {
        let exact = ((length - 1) as f64 / size as f64).floor() + 1.0;
        return match list.items.len() {
            // Go's remainder has the sign of the length.
            1 if size < -1 => {
                let only = runtime.list_of(ListKind::Any, 1, list.items.iter().cloned())?;
                runtime.list_of(ListKind::Lists, 1, [only])
            }
            _ if exact == 0.0 => runtime.list_of(ListKind::Lists, 0, []),
            _ => Err(outside()),
        };
    }
    let count = usize::try_from(count).unwrap_or(0).min(list.items.len());
    runtime.budget.allocate(count.saturating_mul(size_of::<Value>()).saturating_add(OVERHEAD))?;
    let mut chunks = Vec::with_capacity(count);
    for items in list.items.chunks(usize::try_from(size).unwrap_or(usize::MAX)) {
        chunks.push(runtime.list_of(ListKind::Any, items.len(), items.iter().cloned())?);
    }
    runtime.counted_list(ListKind::Lists, chunks)
}
