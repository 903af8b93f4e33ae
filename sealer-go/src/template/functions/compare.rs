//! Compares values (`eq`, `lt` and the like of `text/template`).

use std::cmp::Ordering;

use super::super::error::Fault;
use super::super::format;
use super::super::value::quote::excerpt;
use super::super::value::{Kind, Problem, Value, kind_name, type_name};
use super::reflection::same;
use super::{Arguments, FAST, Function, Runtime};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("eq", &[Kind::Reflect], Kind::Reflect, |runtime, arguments| {
        equal_to_any(runtime, arguments).map(Value::Bool)
    })
    .reading(0),
    Function::new("ne", TWO, |runtime, arguments| equal_to_any(runtime, arguments).map(|equal| Value::Bool(!equal)))
        .reading(0),
    Function::new("lt", TWO, |_, arguments| less(arguments).map(Value::Bool)).reading(FAST),
    Function::new("le", TWO, |_, arguments| less_or_equal(arguments).map(Value::Bool)).reading(FAST),
    Function::new("gt", TWO, |_, arguments| less_or_equal(arguments).map(|result| Value::Bool(!result))).reading(FAST),
    Function::new("ge", TWO, |_, arguments| less(arguments).map(|result| Value::Bool(!result))).reading(FAST),
];

const TWO: &[Kind] = &[Kind::Reflect, Kind::Reflect];

fn equal_to_any(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Result<bool, Fault> {
    let first = arguments.any(0);
    if arguments.0.len() < 2 {
        return Err(Fault::plain("missing argument for comparison"));
    }
    for other in arguments.from(1) {
        if equal(runtime, first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(runtime: &mut Runtime<'_, '_>, first: &Value, other: &Value) -> Result<bool, Fault> {
    Ok(match (first, other) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a.wide() == b.wide(),
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(a), Value::Text(b)) => same(runtime.budget, a, b)?,
        (a, b) if is_nothing(a) || is_nothing(b) => is_nil(a) && is_nil(b),
        (a, b) if is_basic(a) || is_basic(b) => return Err(incompatible(a, b)),
        (Value::Time(a), Value::Time(b)) => a.same(b),
        (Value::Location(a), Value::Location(b)) => a.same(b),
        (Value::Version(a), Value::Version(b)) if a.pointer && b.pointer => a.same(b),
        (Value::Version(a), Value::Version(b)) if !a.pointer && !b.pointer => a.get() == b.get(),
        // Errors without anything inside are made once.
        (Value::Error { problem: a, .. }, Value::Error { problem: b, .. }) => {
            std::rc::Rc::ptr_eq(a, b) || a == b && matches!(**a, Problem::Plain(_))
        }
        (Value::Certificate(a), Value::Certificate(b)) => a == b,
        (a, b) => return non_comparable(runtime, a, b),
    })
}

fn non_comparable(runtime: &mut Runtime<'_, '_>, first: &Value, other: &Value) -> Result<bool, Fault> {
    let text = if kind_name(first) != kind_name(other) {
        let (shown, other_shown) = (shown(runtime, first)?, format::excerpt(other, runtime.budget)?);
        format!("non-comparable types {shown}: {}, {}: {other_shown}", type_name(first), type_name(other))
    } else if is_nil(first) || is_nil(other) {
        return Ok(is_nil(first) && is_nil(other));
    } else if matches!(other, Value::List(_) | Value::Dict(_) | Value::Strings(_)) {
        format!("non-comparable type {}: {}", shown(runtime, other)?, type_name(other))
    } else {
        return Ok(false);
    };
    Err(Fault::new("values of this type cannot be compared", text))
}

fn is_nothing(value: &Value) -> bool {
    value.is_nil() || matches!(value, Value::NoError)
}

/// Whether the value is its type's nil.
fn is_nil(value: &Value) -> bool {
    match value {
        Value::List(list) => list.nil,
        Value::Dict(dict) => dict.is_nil(),
        Value::NoError => true,
        other => other.is_nil(),
    }
}

fn shown(runtime: &mut Runtime<'_, '_>, value: &Value) -> Result<String, Fault> {
    let shown = format::sprintf(b"%s", std::slice::from_ref(value), runtime.budget)?;
    let text = crate::template::value::lossy(excerpt(shown.as_slice())).into_owned();
    shown.give_back(runtime.budget);
    Ok(text)
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Complex(..) | Value::Text(_))
}

fn incompatible(first: &Value, other: &Value) -> Fault {
    let text = format!("incompatible types for comparison: {} and {}", type_name(first), type_name(other));
    Fault::public("incompatible types for comparison", text)
}

fn less(arguments: Arguments<'_>) -> Result<bool, Fault> {
    Ok(compare(arguments.any(0), arguments.any(1))? == Some(Ordering::Less))
}

fn less_or_equal(arguments: Arguments<'_>) -> Result<bool, Fault> {
    let order = compare(arguments.any(0), arguments.any(1))?;
    Ok(matches!(order, Some(Ordering::Less | Ordering::Equal)))
}

fn compare(first: &Value, other: &Value) -> Result<Option<Ordering>, Fault> {
    Ok(match (first, other) {
        (a, b) if !is_basic(a) || !is_basic(b) => return Err(Fault::plain("invalid type for comparison")),
        (Value::Int(a), Value::Int(b)) => Some(a.wide().cmp(&b.wide())),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(_), Value::Bool(_)) | (Value::Complex(..), Value::Complex(..)) => {
            return Err(Fault::plain("invalid type for comparison"));
        }
        (a, b) => return Err(incompatible(a, b)),
    })
}
