//! Functions for dicts.

use std::collections::BTreeMap;

use super::super::error::Fault;
use super::super::value::{DEEPEST, Dict, Kind, ListKind, Value, type_name};
use super::convert::to_text;
use super::defaults::is_empty;
use super::{Arguments, ENTRY, Function, Outcome, Plain, Runtime, SLOW};

const DICT: &[Kind] = &[Kind::Dict];
const KEYED: &[Kind] = &[Kind::Dict, Kind::Text];

const MERGE: Plain = |runtime, arguments| merge_all(runtime, arguments, false);
const OVERWRITE: Plain = |runtime, arguments| merge_all(runtime, arguments, true);

pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("dict", &[], Kind::Any, dict).reading(0),
    Function::new("get", KEYED, |runtime, arguments| {
        runtime.search(arguments.dict(0).len(), arguments.bytes(1))?;
        let found = arguments.dict(0).get(arguments.bytes(1));
        Ok(found.unwrap_or_else(|| Value::Text(Vec::new().into())))
    })
    .reading(0),
    Function::new("set", &[Kind::Dict, Kind::Text, Kind::Any], |runtime, arguments| {
        put(runtime, &arguments.dict(0), arguments, 1, arguments.any(2).clone())?;
        Ok(arguments.any(0).clone())
    })
    .reading(0),
    Function::new("unset", KEYED, |runtime, arguments| {
        runtime.search(arguments.dict(0).len(), arguments.bytes(1))?;
        arguments.dict(0).remove(arguments.bytes(1));
        Ok(arguments.any(0).clone())
    })
    .reading(0),
    Function::new("hasKey", KEYED, |runtime, arguments| {
        runtime.search(arguments.dict(0).len(), arguments.bytes(1))?;
        Ok(Value::Bool(arguments.dict(0).has(arguments.bytes(1))))
    })
    .reading(0),
    Function::variadic("pluck", &[Kind::Text], Kind::Dict, |runtime, arguments| {
        let mut found = Vec::new();
        for index in 1..arguments.0.len() {
            runtime.search(arguments.dict(index).len(), arguments.bytes(0))?;
            runtime.budget.allocate(size_of::<Value>() * GROWTH)?;
            found.extend(arguments.dict(index).get(arguments.bytes(0)));
        }
        runtime.counted_list(ListKind::Any, found)
    })
    .reading(0),
    Function::variadic("keys", &[], Kind::Dict, |runtime, arguments| {
        let mut keys = Vec::new();
        for index in 0..arguments.0.len() {
            runtime.budget.allocate(arguments.dict(index).len() * size_of::<Value>() * GROWTH)?;
            keys.extend(runtime.snapshot(&arguments.dict(index))?.into_iter().map(|(key, _)| Value::Text(key)));
        }
        runtime.counted_list(ListKind::Text, keys)
    }),
    Function::new("values", DICT, |runtime, arguments| {
        let entries = runtime.snapshot(&arguments.dict(0))?;
        runtime.list_of(ListKind::Any, entries.len(), entries.into_iter().map(|(_, value)| value))
    }),
    Function::variadic("pick", DICT, Kind::Text, |runtime, arguments| {
        let dict = arguments.dict(0);
        let mut picked = BTreeMap::new();
        for index in 1..arguments.0.len() {
            runtime.search(dict.len(), arguments.bytes(index))?;
            runtime.search(picked.len(), arguments.bytes(index))?;
            if let Some(value) = dict.get(arguments.bytes(index)) {
                picked.insert(arguments.text(index), value);
            }
        }
        runtime.dict(picked)
    })
    .reading(0),
    Function::variadic("omit", DICT, Kind::Text, |runtime, arguments| {
        let mut entries: BTreeMap<_, _> = runtime.snapshot(&arguments.dict(0))?.into_iter().collect();
        for index in 1..arguments.0.len() {
            runtime.search(entries.len(), arguments.bytes(index))?;
            entries.remove(arguments.bytes(index));
        }
        runtime.dict(entries)
    })
    .reading(SLOW),
    Function::variadic("merge", DICT, Kind::Dict, MERGE),
    Function::variadic("mustMerge", DICT, Kind::Dict, MERGE),
    Function::variadic("mergeOverwrite", DICT, Kind::Dict, OVERWRITE),
    Function::variadic("mustMergeOverwrite", DICT, Kind::Dict, OVERWRITE),
    Function::variadic("dig", &[], Kind::Any, dig).reading(0),
];

fn dict(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let mut entries = BTreeMap::new();
    for pair in arguments.0.chunks(2) {
        let key = to_text(runtime, pair.first().unwrap_or(&Value::Nil))?;
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::Text(Vec::new().into()));
        runtime.search(entries.len(), &key)?;
        entries.insert(key, value);
    }
    runtime.dict(entries)
}

fn put(
    runtime: &mut Runtime<'_, '_>,
    dict: &Dict,
    arguments: Arguments<'_>,
    key: usize,
    value: Value,
) -> Result<(), Fault> {
    if dict.is_nil() {
        return Err(Fault::plain("assignment to entry in nil map"));
    }
    runtime.search(dict.len(), arguments.bytes(key))?;
    runtime.budget.allocate(ENTRY)?;
    dict.insert(arguments.text(key), value);
    Ok(())
}

fn merge_all(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, overwrite: bool) -> Outcome {
    let mut target = arguments.dict(0);
    // Nothing becomes a dict as soon as one is merged into it.
    if target.is_nil()
        && (1..arguments.0.len()).any(|index| !arguments.dict(index).is_nil())
        && let Value::Dict(made) = runtime.dict(BTreeMap::new())?
    {
        target = made;
    }
    for index in 1..arguments.0.len() {
        merge(runtime, &target, &arguments.dict(index), overwrite, 0)?;
    }
    Ok(Value::Dict(target))
}

fn merge(runtime: &mut Runtime<'_, '_>, target: &Dict, source: &Dict, overwrite: bool, depth: u8) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::Limit("a value nested too deep"));
    }
    if target.same(source) {
        return Ok(());
    }
    for (key, value) in runtime.snapshot(source)? {
        runtime.budget.step()?;
        runtime.search(target.len(), &key)?;
        match (target.get(&key), value) {
            (Some(Value::Dict(inner)), Value::Dict(other)) => merge(runtime, &inner, &other, overwrite, depth + 1)?,
            // Nothing is merged in where there is nothing, unless it may replace.
            (_, value) if value.is_nil() && !overwrite => {}
            (None, value) => {
                runtime.budget.allocate(ENTRY)?;
                target.insert(key, value);
            }
            (Some(known), value) if overwrite || is_empty(&known) => target.insert(key, value),
            _ => {}
        }
    }
    Ok(())
}

fn dig(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let [keys @ .., default, last] = arguments.0 else {
        return Err(Fault::plain("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Fault::plain("dig needs at least three arguments"));
    }
    let mut dict = as_dict(last)?.clone();
    let mut names: Vec<&[u8]> = Vec::new();
    for key in keys {
        match key {
            Value::Text(text) => names.push(text),
            other => return Err(conversion(other, "string")),
        }
    }
    let Some((last, before)) = names.split_last() else {
        return Ok(default.clone());
    };
    for name in before {
        runtime.search(dict.len(), name)?;
        let Some(inner) = dict.get(name) else {
            return Ok(default.clone());
        };
        dict = as_dict(&inner)?.clone();
    }
    runtime.search(dict.len(), last)?;
    Ok(dict.get(last).unwrap_or_else(|| default.clone()))
}

fn as_dict(value: &Value) -> Result<&Dict, Fault> {
    match value {
        Value::Dict(dict) => Ok(dict),
        other => Err(conversion(other, "map[string]interface {}")),
    }
}

fn conversion(value: &Value, wanted: &str) -> Fault {
    let found = if value.is_nil() { "nil" } else { type_name(value) };
    Fault::public(
        "a value has the wrong type",
        format!("interface conversion: interface {{}} is {found}, not {wanted}"),
    )
}

/// A list whose length is not known takes up to so many times its elements while it grows.
const GROWTH: usize = 3;
