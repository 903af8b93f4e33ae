//! What do the functions for lists do?

use super::super::error::Fault;
use super::super::value::{Kind, List, ListKind, Value, kind_name};
use super::convert::to_int;
use super::reflection::deep_equal;
use super::{Arguments, Function, Outcome, Plain, Runtime};

const ONE: &[Kind] = &[Kind::Any];
const TWO: &[Kind] = &[Kind::Any, Kind::Any];

const LIST: Plain = |runtime, arguments| runtime.list(ListKind::Any, arguments.0.to_vec());
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
    let list = need(arguments.any(0), "Cannot push on type")?;
    let mut items = items(runtime, list)?;
    items.push(arguments.any(1).clone());
    runtime.list(ListKind::Any, items)
};
const PREPEND: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot prepend on type")?;
    let mut items = items(runtime, list)?;
    items.insert(0, arguments.any(1).clone());
    runtime.list(ListKind::Any, items)
};
const REVERSE: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find reverse on type")?;
    let mut items = items(runtime, list)?;
    items.reverse();
    runtime.list(ListKind::Any, items)
};
const UNIQ: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find uniq on type")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.items.iter() {
        if !contains(runtime, &kept, item)? {
            kept.push(item.clone());
        }
    }
    runtime.list(ListKind::Any, kept)
};
const WITHOUT: Plain = |runtime, arguments| {
    let list = need(arguments.any(0), "Cannot find without on type")?;
    let mut kept = Vec::new();
    for item in list.items.iter() {
        if !contains(runtime, arguments.from(1), item)? {
            kept.push(item.clone());
        }
    }
    runtime.list(ListKind::Any, kept)
};
const HAS: Plain = |runtime, arguments| {
    if arguments.any(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = need(arguments.any(1), "Cannot find has on type")?;
    contains(runtime, &list.items, arguments.any(0)).map(Value::Bool)
};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[], Kind::Any, LIST),
    Function::variadic("tuple", &[], Kind::Any, LIST),
    Function::new("first", ONE, FIRST),
    Function::new("mustFirst", ONE, FIRST),
    Function::new("last", ONE, LAST),
    Function::new("mustLast", ONE, LAST),
    Function::new("rest", ONE, REST),
    Function::new("mustRest", ONE, REST),
    Function::new("initial", ONE, INITIAL),
    Function::new("mustInitial", ONE, INITIAL),
    Function::new("append", TWO, PUSH),
    Function::new("push", TWO, PUSH),
    Function::new("mustAppend", TWO, PUSH),
    Function::new("mustPush", TWO, PUSH),
    Function::new("prepend", TWO, PREPEND),
    Function::new("mustPrepend", TWO, PREPEND),
    Function::new("reverse", ONE, REVERSE),
    Function::new("mustReverse", ONE, REVERSE),
    Function::new("uniq", ONE, UNIQ),
    Function::new("mustUniq", ONE, UNIQ),
    Function::variadic("without", ONE, Kind::Any, WITHOUT),
    Function::variadic("mustWithout", ONE, Kind::Any, WITHOUT),
    Function::new("has", TWO, HAS),
    Function::new("mustHas", TWO, HAS),
    Function::variadic("slice", ONE, Kind::Any, slice),
    Function::variadic("mustSlice", ONE, Kind::Any, slice),
    Function::variadic("concat", &[], Kind::Any, concat),
    Function::new("chunk", &[Kind::Int, Kind::Any], chunk),
    Function::new("mustChunk", &[Kind::Int, Kind::Any], chunk),
];

pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

fn need<'a>(value: &'a Value, text: &str) -> Result<&'a List, Fault> {
    match value {
        Value::List(list) => Ok(list),
        other if other.is_nil() => Err(Fault::new("the argument must be a list", NIL_POINTER)),
        other => Err(Fault::new("the argument must be a list", format!("{text} {}", kind_name(other)))),
    }
}

/// A copy of the elements, counted.
fn items(runtime: &mut Runtime<'_, '_>, list: &List) -> Result<Vec<Value>, Fault> {
    runtime.budget.steps(list.items.len() as u64 / 8)?;
    if list.items.len() * size_of::<Value>() > runtime.budget.allocation_left() {
        return Err(Fault::Limit("too much memory"));
    }
    Ok(list.items.to_vec())
}

fn part(runtime: &mut Runtime<'_, '_>, items: Option<&[Value]>) -> Outcome {
    match items {
        Some(items) => {
            runtime.budget.steps(items.len() as u64 / 8)?;
            runtime.list(ListKind::Any, items.to_vec())
        }
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
        Some(part) => {
            runtime.budget.steps(part.len() as u64 / 8)?;
            runtime.list(list.kind, part.to_vec())
        }
        None => Err(Fault::new("out of the list's bounds", "reflect.Value.Slice: slice index out of bounds")),
    }
}

fn concat(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let mut all = Vec::new();
    for value in arguments.0 {
        let list = match value {
            Value::List(list) => list,
            other if other.is_nil() => return Err(Fault::new("the argument must be a list", NIL_POINTER)),
            other => {
                let text = format!("Cannot concat type {} as list", kind_name(other));
                return Err(Fault::new("the argument must be a list", text));
            }
        };
        all.extend(items(runtime, list)?);
        if all.len() * size_of::<Value>() > runtime.budget.allocation_left() {
            return Err(Fault::Limit("too much memory"));
        }
    }
    if all.is_empty() { Ok(Value::nil_list(ListKind::Any)) } else { runtime.list(ListKind::Any, all) }
}

fn chunk(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let size = arguments.int(0);
    let list = need(arguments.any(1), "Cannot chunk type")?;
    let outside = || Fault::new("wrong size of chunks", "runtime error: makeslice: len out of range");
    let length = i64::try_from(list.items.len()).unwrap_or(i64::MAX);
    if size == 0 {
        return Err(outside());
    }
    let count = (length - 1).div_euclid(size) + 1;
    if size < 0 {
        let exact = ((length - 1) as f64 / size as f64).floor() + 1.0;
        return if exact == 0.0 { runtime.list(ListKind::Lists, Vec::new()) } else { Err(outside()) };
    }
    let mut chunks = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(list.items.len()));
    for items in list.items.chunks(usize::try_from(size).unwrap_or(1)) {
        chunks.push(runtime.list(ListKind::Any, items.to_vec())?);
    }
    runtime.list(ListKind::Lists, chunks)
}
