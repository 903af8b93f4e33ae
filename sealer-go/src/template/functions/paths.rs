//! Functions that take paths apart (`path`, `path/filepath`).

use super::super::buffer::Buffer;
use super::super::value::{Kind, Value};
use super::{Function, Outcome, PLAIN, Plain, Runtime, SLOW};

const ONE: &[Kind] = &[Kind::Text];
const BASE: Plain = |runtime, arguments| runtime.text(base(arguments.bytes(0)));
const DIR: Plain = |runtime, arguments| {
    let path = arguments.bytes(0);
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    cleaned(runtime, path.get(..end).unwrap_or_default())
};
const CLEAN: Plain = |runtime, arguments| cleaned(runtime, arguments.bytes(0));
const EXT: Plain = |runtime, arguments| {
    let path = arguments.bytes(0);
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let dot = path.iter().rposition(|byte| *byte == b'.').filter(|at| *at >= name);
    runtime.text(dot.and_then(|at| path.get(at..)).unwrap_or_default())
};
const IS_ABSOLUTE: Plain = |_, arguments| Ok(Value::Bool(arguments.bytes(0).starts_with(b"/")));

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("base", ONE, BASE).reading(PLAIN),
    Function::new("osBase", ONE, BASE).reading(PLAIN),
    Function::new("dir", ONE, DIR).reading(SLOW),
    Function::new("osDir", ONE, DIR).reading(SLOW),
    Function::new("clean", ONE, CLEAN).reading(SLOW),
    Function::new("osClean", ONE, CLEAN).reading(SLOW),
    Function::new("ext", ONE, EXT).reading(PLAIN),
    Function::new("osExt", ONE, EXT).reading(PLAIN),
    Function::new("isAbs", ONE, IS_ABSOLUTE).reading(0),
    Function::new("osIsAbs", ONE, IS_ABSOLUTE).reading(0),
];

fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let path = path.get(..end).unwrap_or_default();
    if path.is_empty() {
        return b"/";
    }
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// The shortest path of the same meaning.
fn cleaned(runtime: &mut Runtime<'_, '_>, path: &[u8]) -> Outcome {
    let rooted = path.starts_with(b"/");
    // A part takes two bytes at least.
    let room = (path.len() / 2 + 1).saturating_mul(size_of::<&[u8]>());
    runtime.for_a_moment(room, |runtime| {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(path.len() / 2 + 1);
        for part in path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
            match (part, parts.last()) {
                (b"..", Some(last)) if *last != b".." => {
                    parts.pop();
                }
                (b"..", _) if rooted => {}
                _ => parts.push(part),
            }
        }
        let mut text = Buffer::with_room(path.len() + 1, runtime.budget)?;
        text.push(if rooted { b"/" } else { b"" }, runtime.budget)?;
        for (index, part) in parts.iter().enumerate() {
            text.push(if index > 0 { b"/" } else { b"" }, runtime.budget)?;
            text.push(part, runtime.budget)?;
        }
        if text.is_empty() {
            text.push(b".", runtime.budget)?;
        }
        runtime.written(text)
    })
}
