//! Functions of the language itself (`text/template`'s `funcs.go`).

use super::super::error::Fault;
use super::super::format;
use super::super::value::{Kind, Value, chars, is_printable, type_name};
use super::{Arguments, Body, Function, Outcome, Runtime, SLOW};

pub(super) static FUNCTIONS: &[Function] = &[
    Function { body: Body::ShortCircuit(false), ..Function::variadic("and", &[Kind::Reflect], Kind::Reflect, not) },
    Function { body: Body::ShortCircuit(true), ..Function::variadic("or", &[Kind::Reflect], Kind::Reflect, not) },
    Function { body: Body::Call, ..Function::variadic("call", &[Kind::Reflect], Kind::Reflect, not) },
    Function::new("not", &[Kind::Reflect], not).reading(0),
    Function::new("len", &[Kind::Reflect], length).reading(0),
    Function::variadic("index", &[Kind::Reflect], Kind::Reflect, index).reading(0),
    Function::variadic("print", &[], Kind::Any, |runtime, arguments| {
        let text = format::sprint(arguments.0, runtime.budget)?;
        runtime.written(text)
    })
    .reading(0),
    Function::variadic("println", &[], Kind::Any, |runtime, arguments| {
        let text = format::sprintln(arguments.0, runtime.budget)?;
        runtime.written(text)
    })
    .reading(0),
    Function::variadic("printf", &[Kind::Text], Kind::Any, |runtime, arguments| {
        let text = format::sprintf(arguments.bytes(0), arguments.from(1), runtime.budget)?;
        runtime.written(text)
    })
    .reading(0),
    Function::variadic("html", &[], Kind::Any, |runtime, arguments| escape(runtime, arguments, html)).reading(SLOW),
    Function::variadic("js", &[], Kind::Any, |runtime, arguments| escape(runtime, arguments, js)).reading(SLOW),
    Function::variadic("urlquery", &[], Kind::Any, |runtime, arguments| escape(runtime, arguments, query))
        .reading(SLOW),
];

fn not(_: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    Ok(Value::Bool(!arguments.any(0).truth()))
}

fn length(_: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let length = match arguments.any(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Dict(dict) => dict.len(),
        Value::Strings(map) => map.entries().len(),
        Value::NoError => return Err(Fault::plain("len of nil pointer")),
        Value::Nil => {
            return Err(Fault::public("nothing has no length", "reflect: call of reflect.Value.Type on zero Value"));
        }
        other => {
            let text = format!("len of type {}", type_name(other).trim_start_matches('*'));
            return Err(Fault::public("a value of this type has no length", text));
        }
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let mut item = arguments.any(0).clone();
    if item.is_nil() || matches!(item, Value::NoError) {
        return Err(Fault::plain("index of untyped nil"));
    }
    for at in arguments.from(1) {
        item = match &item {
            Value::List(list) => {
                let at = position(at, list.items.len())?;
                list.items.get(at).ok_or_else(|| Fault::plain("reflect: slice index out of range"))?.as_element()
            }
            Value::Text(text) => {
                let at = position(at, text.len())?;
                let byte = text.get(at).ok_or_else(|| Fault::plain("reflect: string index out of range"))?;
                Value::of_kind(i64::from(*byte), super::super::value::IntegerKind::Uint8)
            }
            Value::Dict(dict) => {
                let key = map_key(at)?;
                runtime.search(dict.len(), key)?;
                dict.get(key).map_or(Value::NilInterface, |value| value.as_element())
            }
            Value::Strings(map) => {
                runtime.search(map.entries().len(), map_key(at)?)?;
                let found = map.entries().get(map_key(at)?).cloned();
                Value::Text(found.unwrap_or_else(|| Vec::new().into()))
            }
            Value::NilInterface => return Err(Fault::plain("index of nil pointer")),
            other => {
                let text = format!("can't index item of type {}", type_name(other).trim_start_matches('*'));
                return Err(Fault::public("a value of this type has no elements", text));
            }
        };
    }
    Ok(item)
}

fn position(at: &Value, length: usize) -> Result<usize, Fault> {
    match at {
        Value::Int(integer) => usize::try_from(integer.wide())
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| Fault::new("index out of range", format!("index out of range: {}", integer.wide()))),
        Value::Nil => Err(Fault::plain("cannot index slice/array with nil")),
        other => {
            let text = format!("cannot index slice/array with type {}", type_name(other));
            Err(Fault::public("an index must be an integer", text))
        }
    }
}

fn map_key(at: &Value) -> Result<&[u8], Fault> {
    match at {
        Value::Text(text) => Ok(text),
        Value::Nil => Err(Fault::plain("value is nil; should be of type string")),
        other => {
            let text = format!("value has type {}; should be string", type_name(other));
            Err(Fault::public("a key must be a text", text))
        }
    }
}

type Escape = fn(&[u8], &mut Vec<u8>);

fn escape(runtime: &mut Runtime<'_, '_>, arguments: Arguments<'_>, how: Escape) -> Outcome {
    if let [Value::Text(text)] = arguments.0 {
        return runtime.changed(text, how);
    }
    let room = size_of_val(arguments.0);
    runtime.for_a_moment(room, |runtime| {
        let shown = |value: &Value| if value.is_nil() { Value::Text("<no value>".into()) } else { value.clone() };
        let values: Vec<Value> = arguments.0.iter().map(shown).collect();
        let text = format::sprint(&values, runtime.budget)?;
        let escaped = runtime.changed(text.as_slice(), how)?;
        text.give_back(runtime.budget);
        Ok(escaped)
    })
}

fn html(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(*byte),
        }
    }
}

fn js(bytes: &[u8], out: &mut Vec<u8>) {
    for (offset, character, width) in chars(bytes) {
        match character {
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\'') => out.extend_from_slice(b"\\'"),
            Some('"') => out.extend_from_slice(b"\\\""),
            Some(character @ ('<' | '>' | '&' | '=' | '\0'..' ')) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            Some(character) if !character.is_ascii() && !is_printable(character) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            _ => out.extend_from_slice(bytes.get(offset..offset + width).unwrap_or_default()),
        }
    }
}

pub(super) fn query(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
}
