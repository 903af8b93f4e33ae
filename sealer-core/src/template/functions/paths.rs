//! What are the parts of a path?

use super::super::value::{Kind, Value};
use super::{Function, Plain};

const ONE: &[Kind] = &[Kind::Text];
const BASE: Plain = |runtime, arguments| runtime.text(base(arguments.bytes(0)));
const DIR: Plain = |runtime, arguments| {
    let path = arguments.bytes(0);
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    runtime.text(clean(path.get(..end).unwrap_or_default()))
};
const CLEAN: Plain = |runtime, arguments| runtime.text(clean(arguments.bytes(0)));
const EXT: Plain = |runtime, arguments| {
    let path = arguments.bytes(0);
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let dot = path.iter().rposition(|byte| *byte == b'.').filter(|at| *at >= name);
    runtime.text(dot.and_then(|at| path.get(at..)).unwrap_or_default())
};
const IS_ABSOLUTE: Plain = |_, arguments| Ok(Value::Bool(arguments.bytes(0).starts_with(b"/")));

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("base", ONE, BASE),
    Function::new("osBase", ONE, BASE),
    Function::new("dir", ONE, DIR),
    Function::new("osDir", ONE, DIR),
    Function::new("clean", ONE, CLEAN),
    Function::new("osClean", ONE, CLEAN),
    Function::new("ext", ONE, EXT),
    Function::new("osExt", ONE, EXT),
    Function::new("isAbs", ONE, IS_ABSOLUTE),
    Function::new("osIsAbs", ONE, IS_ABSOLUTE),
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

fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join(b"/".as_slice());
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
