//! Shows values as Go's `fmt` does.

mod float;
mod integer;
mod printer;
mod printf;
mod shape;
mod text;

use super::budget::Budget;
use super::buffer::Buffer;
use super::error::Fault;
use super::value::Value;
use super::value::quote::excerpt as excerpt_of;

pub(crate) use float::go_float;
use printer::Printer;
pub(crate) use printf::sprintf;

/// What `%v` shows.
pub(crate) fn shown(value: &Value, budget: &mut Budget<'_>) -> Result<Buffer, Fault> {
    let mut printer = Printer::new(budget);
    printer.print_argument(value, 'v')?;
    Ok(printer.out)
}

/// The beginning of what `%v` shows, for messages.
pub(crate) fn excerpt(value: &Value, budget: &mut Budget<'_>) -> Result<String, Fault> {
    let shown = shown(value, budget)?;
    let text = crate::template::value::lossy(excerpt_of(shown.as_slice())).into_owned();
    shown.give_back(budget);
    Ok(text)
}

/// The same of what a pointer points to.
pub(crate) fn excerpt_behind(value: &Value, budget: &mut Budget<'_>) -> Result<String, Fault> {
    if !matches!(value, Value::Location(_) | Value::Error { .. }) {
        return excerpt(value, budget);
    }
    let mut printer = Printer::new(budget);
    printer.print_behind(value)?;
    let out = printer.out;
    let text = crate::template::value::lossy(excerpt_of(out.as_slice())).into_owned();
    out.give_back(budget);
    Ok(text)
}

/// Go's `Sprint`: a space between two values that are no texts.
pub(crate) fn sprint(values: &[Value], budget: &mut Budget<'_>) -> Result<Buffer, Fault> {
    let mut printer = Printer::new(budget);
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !after_text {
            printer.push(b" ")?;
        }
        printer.print_argument(value, 'v')?;
        after_text = is_text;
    }
    Ok(printer.out)
}

/// Go's `Sprintln`: spaces between all, and a line's end.
pub(crate) fn sprintln(values: &[Value], budget: &mut Budget<'_>) -> Result<Buffer, Fault> {
    let mut printer = Printer::new(budget);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.push(b" ")?;
        }
        printer.print_argument(value, 'v')?;
    }
    printer.push(b"\n")?;
    Ok(printer.out)
}
