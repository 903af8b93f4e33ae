//! Functions that tell of types, and compare values deeply (`reflect`).

use super::super::budget::Budget;
use super::super::error::Fault;
use super::super::value::{DEEPEST, Kind, Text, Value, kind_name, type_name};
use super::{ENTRY, FAST, Function};

const NAMED: &[Kind] = &[Kind::Text, Kind::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("typeOf", &[Kind::Any], |runtime, arguments| runtime.text(type_name(arguments.any(0)))).reading(0),
    Function::new("typeIs", NAMED, |_, arguments| {
        Ok(Value::Bool(arguments.bytes(0) == type_name(arguments.any(1)).as_bytes()))
    })
    .reading(0),
    Function::new("typeIsLike", NAMED, |_, arguments| {
        let (name, wanted) = (type_name(arguments.any(1)).as_bytes(), arguments.bytes(0));
        Ok(Value::Bool(wanted == name || name.strip_prefix(b"*") == Some(wanted)))
    })
    .reading(0),
    Function::new("kindOf", &[Kind::Any], |runtime, arguments| runtime.text(kind_name(arguments.any(0)))).reading(0),
    Function::new("kindIs", NAMED, |_, arguments| {
        Ok(Value::Bool(arguments.bytes(0) == kind_name(arguments.any(1)).as_bytes()))
    })
    .reading(0),
    Function::new("deepEqual", &[Kind::Any, Kind::Any], |runtime, arguments| {
        deep_equal(runtime.budget, arguments.any(0), arguments.any(1), 0).map(Value::Bool)
    })
    .reading(0),
];

/// Equal in type and content.
pub(super) fn deep_equal(budget: &mut Budget<'_>, first: &Value, other: &Value, depth: u8) -> Result<bool, Fault> {
    if depth > DEEPEST {
        return Err(Fault::Limit("a value nested too deep"));
    }
    budget.step()?;
    Ok(match (first, other) {
        (Value::Nil | Value::NilInterface, Value::Nil | Value::NilInterface) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Text(a), Value::Text(b)) => same(budget, a, b)?,
        (Value::List(a), Value::List(b)) => {
            if a.kind != b.kind || a.nil != b.nil || a.items.len() != b.items.len() {
                return Ok(false);
            }
            for (a, b) in a.items.iter().zip(b.items.iter()) {
                if !deep_equal(budget, a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if a.same(b) {
                return Ok(true);
            }
            if a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            let room = a.len() * 2 * ENTRY;
            budget.allocate(room)?;
            let mut equal = true;
            for ((key, a), (other_key, b)) in a.snapshot().iter().zip(&b.snapshot()) {
                equal = equal && same(budget, key, other_key)? && deep_equal(budget, a, b, depth + 1)?;
            }
            budget.release(room);
            equal
        }
        (Value::Strings(a), Value::Strings(b)) => {
            let mut equal = a.entries().len() == b.entries().len();
            for ((key, a), (other_key, b)) in a.entries().iter().zip(b.entries()) {
                budget.step()?;
                equal = equal && same(budget, key, other_key)? && same(budget, a, b)?;
            }
            equal
        }
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Location(a), Value::Location(b)) => a == b,
        (Value::Version(a), Value::Version(b)) => a.pointer == b.pointer && (a.same(b) || a.get() == b.get()),
        (Value::Error { problem: a, .. }, Value::Error { problem: b, .. }) => a == b,
        (Value::Certificate(a), Value::Certificate(b)) => a == b,
        _ => false,
    })
}

/// Whether two texts are equal, counted before they are compared.
pub(super) fn same(budget: &mut Budget<'_>, first: &Text, other: &Text) -> Result<bool, Fault> {
    if first.len() != other.len() {
        return Ok(false);
    }
    budget.read(first.len(), FAST)?;
    Ok(first.same(other))
}
