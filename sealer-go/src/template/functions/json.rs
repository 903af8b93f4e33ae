//! Functions that turn values into JSON and back.

mod read;
mod write;

use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::value::{Kind, Problem, Text, Value};
use super::{Function, Outcome, Plain, Runtime, SLOW};
use write::{Style, write};

const ANY: &[Kind] = &[Kind::Any];
const TEXT: &[Kind] = &[Kind::Text];

/// What becomes of a value that JSON cannot hold.
type Settle = fn(Result<Buffer, Fault>) -> Result<Buffer, Fault>;

const FORGIVING: Settle = |result| match result {
    Err(Fault::Failed(..)) => Ok(Buffer::default()),
    other => other,
};
const RAW: Plain = |runtime, arguments| encode(runtime, arguments.any(0), Style::Raw, STRICT);
const STRICT: Settle = |result| result;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("toJson", ANY, |runtime, arguments| encode(runtime, arguments.any(0), Style::Compact, FORGIVING))
        .reading(0),
    Function::new("mustToJson", ANY, |runtime, arguments| encode(runtime, arguments.any(0), Style::Compact, STRICT))
        .reading(0),
    Function::new("toPrettyJson", ANY, |runtime, arguments| {
        encode(runtime, arguments.any(0), Style::Pretty, FORGIVING)
    })
    .reading(0),
    Function::new("mustToPrettyJson", ANY, |runtime, arguments| {
        encode(runtime, arguments.any(0), Style::Pretty, STRICT)
    })
    .reading(0),
    Function::new("toRawJson", ANY, RAW).reading(0),
    Function::new("mustToRawJson", ANY, RAW).reading(0),
    Function::new("fromJson", TEXT, |runtime, arguments| match read::read(runtime, arguments.bytes(0)) {
        Ok((value, _)) => Ok(value),
        Err(Fault::Failed(..)) => Ok(Value::Nil),
        Err(other) => Err(other),
    })
    .reading(SLOW),
    Function::new("mustFromJson", TEXT, |runtime, arguments| match read::read(runtime, arguments.bytes(0))? {
        (value, None) => Ok(value),
        (_, Some(fault)) => Err(fault),
    })
    .reading(SLOW),
];

/// A text that is a JSON string, or Go's error for what it is instead.
pub(super) fn string(runtime: &mut Runtime<'_, '_>, text: &[u8]) -> Result<Result<Text, Problem>, Fault> {
    let (result, end) = read::read_to(runtime, text);
    let start = text.iter().position(|byte| !b" \t\r\n".contains(byte)).unwrap_or(0);
    let position = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    let literal = text.trim_ascii_end().len();
    let (found, offset) = match result {
        Ok((Value::Text(text), _)) => return Ok(Ok(text)),
        // Nothing is read from nothing.
        Ok((Value::Nil, None)) => return Ok(Ok(Text::from(""))),
        Ok((Value::Bool(_), _)) => ("bool", literal),
        Ok((Value::List(_), _)) => ("array", start + 1),
        Ok((Value::Dict(_), _)) => ("object", start + 1),
        Ok(_) => ("number", literal),
        Err(Fault::Failed(_, go_text)) => {
            let offset = position((end + 1).min(text.len()));
            return Ok(Err(Problem::Syntax { text: go_text.text, offset }));
        }
        Err(other) => return Err(other),
    };
    Ok(Err(Problem::WrongType { found, offset: position(offset) }))
}

fn encode(runtime: &mut Runtime<'_, '_>, value: &Value, style: Style, settle: Settle) -> Outcome {
    let text = settle(write(runtime.budget, value, style))?;
    runtime.written(text)
}
