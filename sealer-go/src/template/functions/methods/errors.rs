//! Methods of errors that a method returned.

use super::super::super::value::{Kind, Problem, Value};
use super::{Arguments, Function};

const NONE: &[Kind] = &[];

/// Of errors with nothing inside.
pub(super) static PLAIN: &[Function] =
    &[Function::new("Error", NONE, |runtime, a| runtime.text(problem(a).map_or_else(String::new, Problem::text)))];

/// Of errors with another one inside.
pub(super) static NESTED: &[Function] = &[
    Function::new("Error", NONE, |runtime, a| runtime.text(problem(a).map_or_else(String::new, Problem::text))),
    Function::new("Unwrap", NONE, |_, a| Ok(problem(a).and_then(Problem::inner).map_or(Value::NoError, Value::error))),
];

fn problem(arguments: Arguments<'_>) -> Option<&Problem> {
    match arguments.any(0) {
        Value::Error { problem, .. } => Some(problem),
        _ => None,
    }
}
