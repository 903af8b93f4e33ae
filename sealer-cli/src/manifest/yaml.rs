//! YAML as kubectl writes it: keys in natural order, every node where go-yaml's emitter puts it.

use serde_json::{Map, Number, Value};

use crate::manifest::scalar;

mod order;
mod style;
mod writer;

use style::Style;
use writer::Writer;

/// One document, without the line that separates it from others.
pub(crate) fn document(value: &Value) -> String {
    let mut writer = Writer::default();
    put(&mut writer, value, Place::Alone);
    writer.finish()
}

/// Whether a text of one line is a text without quotes, too.
pub(crate) fn is_plain(text: &str) -> bool {
    style::of(text, true) == Style::Plain
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the top, or in a list.
    Alone,
    /// As a key on the line of its value: never broken over lines.
    SimpleKey,
    /// As a value, or as a key on a line of its own.
    InMap,
}

fn put(writer: &mut Writer, value: &Value, place: Place) {
    match value {
        Value::Null => writer.put_word("null"),
        Value::Bool(true) => writer.put_word("true"),
        Value::Bool(false) => writer.put_word("false"),
        Value::Number(number) => writer.put_word(&number_text(number)),
        Value::String(text) => put_text(writer, text, place),
        Value::Array(items) if items.is_empty() => writer.put_word("[]"),
        Value::Object(fields) if fields.is_empty() => writer.put_word("{}"),
        Value::Array(items) => put_list(writer, items, place),
        Value::Object(fields) => put_map(writer, fields),
    }
}

fn put_list(writer: &mut Writer, items: &[Value], place: Place) {
    // A list stands under its key, not to the right of it, unless something precedes it on its line.
    let indentless = place == Place::InMap && !writer.indention();
    let outer = if indentless { writer.keep_indent() } else { writer.increase_indent(false) };
    for item in items {
        writer.put_indent();
        writer.put_indicator("-", true, true);
        put(writer, item, Place::Alone);
    }
    writer.restore_indent(outer);
}

fn put_map(writer: &mut Writer, fields: &Map<String, Value>) {
    let outer = writer.increase_indent(false);
    for (key, value) in order::sorted(fields) {
        writer.put_indent();
        if is_simple(key) {
            put_text(writer, key, Place::SimpleKey);
            writer.put_indicator(":", false, false);
        } else {
            writer.put_indicator("?", true, true);
            put_text(writer, key, Place::InMap);
            writer.put_indent();
            writer.put_indicator(":", true, true);
        }
        put(writer, value, Place::InMap);
    }
    writer.restore_indent(outer);
}

fn put_text(writer: &mut Writer, text: &str, place: Place) {
    let key = place == Place::SimpleKey;
    let outer = writer.increase_indent(true);
    match style::of(text, key) {
        Style::Plain => writer.put_plain(text, !key),
        Style::Single => writer.put_single(text, !key),
        Style::Double => writer.put_double(text, !key),
        Style::Literal => writer.put_literal(text),
    }
    writer.restore_indent(outer);
}

/// Whether a key fits on the line of its value.
fn is_simple(key: &str) -> bool {
    key.len() <= LONGEST_SIMPLE_KEY && !key.chars().any(style::is_break)
}

/// Whole numbers as they are, others in Go's shortest form.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => scalar::float_text(value),
        _ => number.to_string(),
    }
}

/// In bytes, as in go-yaml.
const LONGEST_SIMPLE_KEY: usize = 128;

#[cfg(test)]
mod tests;
