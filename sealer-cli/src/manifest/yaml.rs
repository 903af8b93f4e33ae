//! YAML as kubectl writes it: keys in natural order, strings quoted only where they would read as something else.

use std::fmt::Write as _;

use serde_json::{Map, Value};

mod order;
mod style;

use style::Style;

/// One document, without the line that separates it from others.
pub(crate) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => put_map(&mut text, fields, 0, false),
        Value::Array(items) if !items.is_empty() => put_list(&mut text, items, 0),
        other => {
            put_scalar(&mut text, other, 0, 0);
            text.push('\n');
        }
    }
    text
}

/// `hangs`: the first key stands behind a `- ` that is written already.
fn put_map(text: &mut String, fields: &Map<String, Value>, indent: usize, hangs: bool) {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| order::natural(one, other));
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        if at > 0 || !hangs {
            put_indent(text, indent);
        }
        put_key(text, key, indent);
        put_value(text, value, indent);
    }
}

fn put_list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        put_indent(text, indent);
        text.push('-');
        match item {
            Value::Object(fields) if !fields.is_empty() => {
                text.push(' ');
                put_map(text, fields, indent + STEP, true);
            }
            Value::Array(inner) if !inner.is_empty() => {
                // A list in a list hangs behind its dash.
                let mut nested = String::new();
                put_list(&mut nested, inner, indent + STEP);
                text.push(' ');
                text.push_str(nested.trim_start());
            }
            scalar => {
                text.push(' ');
                put_scalar(text, scalar, indent, column(text));
                text.push('\n');
            }
        }
    }
}

/// A key longer than 128 characters needs the explicit form.
fn put_key(text: &mut String, key: &str, indent: usize) {
    let mut written = String::new();
    style::put_key(&mut written, key);
    if key.chars().count() > LONGEST_SIMPLE_KEY {
        text.push_str("? ");
        text.push_str(&written);
        text.push('\n');
        put_indent(text, indent);
        text.push(':');
    } else {
        text.push_str(&written);
        text.push(':');
    }
}

fn put_value(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            put_map(text, fields, indent + STEP, false);
        }
        // Lists stand at the indentation of their key.
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            put_list(text, items, indent);
        }
        scalar => {
            text.push(' ');
            put_scalar(text, scalar, indent, column(text));
            text.push('\n');
        }
    }
}

fn put_scalar(text: &mut String, value: &Value, indent: usize, column: usize) {
    match value {
        Value::String(string) => match style::of(string) {
            Style::Literal => put_literal(text, string, indent + STEP),
            Style::Plain => style::put_folded(text, string, indent + STEP, column),
            Style::Single => style::put_single(text, string, indent + STEP, column),
            Style::Double => style::put_double(text, string, indent + STEP, column),
        },
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        other => {
            // Writing into a String does not fail.
            let _ = write!(text, "{other}");
        }
    }
}

/// A block that keeps its line breaks. The final line break is the caller's to write.
fn put_literal(text: &mut String, string: &str, indent: usize) {
    text.push('|');
    if string.starts_with([' ', '\n']) {
        let _ = write!(text, "{STEP}");
    }
    if !string.ends_with('\n') {
        text.push('-');
    } else if string.ends_with("\n\n") || string == "\n" {
        text.push('+');
    }
    let body = string.strip_suffix('\n').unwrap_or(string);
    for line in body.split('\n') {
        text.push('\n');
        if !line.is_empty() {
            put_indent(text, indent);
            text.push_str(line);
        }
    }
}

fn put_indent(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// How far the current line is written.
fn column(text: &str) -> usize {
    text.rsplit('\n').next().map_or(0, |line| line.chars().count())
}

const STEP: usize = 2;
const LONGEST_SIMPLE_KEY: usize = 128;

#[cfg(test)]
mod tests;
