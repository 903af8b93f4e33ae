//! Functions that take one value where another is empty.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::error::Fault;
use super::super::value::{DEEPEST, HeldVersion, Kind, ListKind, Value, Version, Zone, kind_name};
use super::versions::VERSION_SIZE;
use super::{Function, OVERHEAD, Outcome, Runtime};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("default", &[Kind::Any], Kind::Any, |_, arguments| {
        let given = arguments.any(1);
        Ok(if is_empty(given) { arguments.any(0).clone() } else { given.clone() })
    })
    .reading(0),
    Function::new("empty", &[Kind::Any], |_, arguments| Ok(Value::Bool(is_empty(arguments.any(0))))).reading(0),
    Function::variadic("coalesce", &[], Kind::Any, |_, arguments| {
        Ok(arguments.0.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::Nil))
    })
    .reading(0),
    Function::variadic("all", &[], Kind::Any, |_, arguments| Ok(Value::Bool(!arguments.0.iter().any(is_empty))))
        .reading(0),
    Function::variadic("any", &[], Kind::Any, |_, arguments| {
        Ok(Value::Bool(arguments.0.iter().any(|value| !is_empty(value))))
    })
    .reading(0),
    Function::new("ternary", &[Kind::Any, Kind::Any, Kind::Bool], |_, arguments| {
        Ok(arguments.any(if arguments.truth(2) { 0 } else { 1 }).clone())
    })
    .reading(0),
    Function::new("compact", &[Kind::Any], |runtime, arguments| compact(runtime, arguments.any(0))),
    Function::new("mustCompact", &[Kind::Any], |runtime, arguments| compact(runtime, arguments.any(0))),
    Function::new("deepCopy", &[Kind::Any], |runtime, arguments| copy(runtime, arguments.any(0))),
    Function::new("mustDeepCopy", &[Kind::Any], |runtime, arguments| copy(runtime, arguments.any(0))),
];

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Time(_) | Value::Certificate(_) => false,
        other => !other.truth(),
    }
}

fn compact(runtime: &mut Runtime<'_, '_>, value: &Value) -> Outcome {
    match value {
        Value::List(list) => {
            let kept = || list.items.iter().filter(|item| !is_empty(item)).cloned();
            runtime.list_of(ListKind::Any, kept().count(), kept())
        }
        other => {
            let text = if other.is_nil() {
                super::lists::NIL_POINTER.to_owned()
            } else {
                format!("Cannot compact on type {}", kind_name(other))
            };
            Err(Fault::new("the argument must be a list", text))
        }
    }
}

fn copy(runtime: &mut Runtime<'_, '_>, value: &Value) -> Outcome {
    if value.is_nil() {
        return Err(Fault::new("nothing cannot be copied", "reflect: call of reflect.Value.Type on zero Value"));
    }
    copy_deep(runtime, value, 0)
}

/// A copy of the value and of all that it holds. What a type keeps to itself is not copied.
pub(super) fn copy_deep(runtime: &mut Runtime<'_, '_>, value: &Value, depth: u8) -> Outcome {
    if depth > DEEPEST {
        return Err(Fault::Limit("a value nested too deep"));
    }
    runtime.budget.step()?;
    match value {
        Value::List(list) if list.nil => Ok(value.clone()),
        Value::List(list) => {
            let count = list.items.len();
            runtime.budget.allocate(count.saturating_mul(size_of::<Value>()).saturating_add(OVERHEAD))?;
            let mut items = Vec::with_capacity(count);
            for item in list.items.iter() {
                items.push(copy_deep(runtime, item, depth + 1)?);
            }
            runtime.counted_list(list.kind, items)
        }
        Value::Dict(dict) => {
            let mut entries = BTreeMap::new();
            for (key, item) in runtime.snapshot(dict)? {
                entries.insert(key, copy_deep(runtime, &item, depth + 1)?);
            }
            runtime.dict(entries)
        }
        Value::Version(version) => {
            runtime.budget.allocate(VERSION_SIZE)?;
            Ok(Value::Version(HeldVersion::new(Version::default(), version.pointer)))
        }
        Value::Location(_) => Ok(Value::Location(Zone::fixed(0, ""))),
        Value::Error { problem, .. } => {
            Ok(Value::Error { problem: Rc::new(problem.without_hidden()), is_interface: false })
        }
        other => Ok(other.clone()),
    }
}
