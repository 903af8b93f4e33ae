//! JSON as Go's encoder writes it: fields of known objects in their own order, maps sorted, HTML characters escaped.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::manifest::scalar;

/// Two spaces a level and a final line break.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, Room::Object, Some(0));
    text.push('\n');
    text
}

/// Everything on one line.
pub(crate) fn compact(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, Room::Object, None);
    text
}

/// Which object a value stands in: known ones have an order of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Object,
    Metadata,
    Spec,
    Template,
    Owner,
    ManagedFields,
    Status,
    Condition,
    Free,
}

impl Room {
    /// The order of this room's fields; what is not listed follows, sorted.
    fn order(self) -> &'static [&'static str] {
        match self {
            Self::Object => {
                &["kind", "apiVersion", "metadata", "spec", "status", "immutable", "data", "stringData", "type"]
            }
            Self::Metadata => &METADATA,
            Self::Spec => &["template", "data", "encryptedData"],
            Self::Template => &["metadata", "type", "immutable", "data"],
            Self::Owner => &["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"],
            Self::ManagedFields => {
                &["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"]
            }
            Self::Status => &["observedGeneration", "conditions"],
            Self::Condition => &["type", "status", "lastUpdateTime", "lastTransitionTime", "reason", "message"],
            Self::Free => &[],
        }
    }

    /// The room that a field opens.
    fn inside(self, field: &str) -> Self {
        match (self, field) {
            (Self::Object | Self::Template, "metadata") => Self::Metadata,
            (Self::Object, "spec") => Self::Spec,
            (Self::Object, "status") => Self::Status,
            (Self::Spec, "template") => Self::Template,
            (Self::Metadata, "ownerReferences") => Self::Owner,
            (Self::Metadata, "managedFields") => Self::ManagedFields,
            (Self::Status, "conditions") => Self::Condition,
            _ => Self::Free,
        }
    }
}

fn put(text: &mut String, value: &Value, room: Room, depth: Option<usize>) {
    match value {
        Value::Object(fields) => put_object(text, fields, room, depth),
        Value::Array(items) => {
            let put_item = |text: &mut String, item: &Value, depth| put(text, item, room, depth);
            put_all(text, ('[', ']'), items, depth, put_item);
        }
        Value::String(string) => put_string(text, string),
        Value::Number(number) if number.is_f64() => {
            text.push_str(&scalar::json_float_text(number.as_f64().unwrap_or_default()));
        }
        other => text.push_str(&other.to_string()),
    }
}

fn put_object(text: &mut String, fields: &Map<String, Value>, room: Room, depth: Option<usize>) {
    let rank = |name: &str| room.order().iter().position(|known| *known == name).unwrap_or(usize::MAX);
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    sorted.sort_by_key(|(name, _)| (rank(name), name.as_str()));
    put_all(text, ('{', '}'), &sorted, depth, |text, (name, value), depth| {
        put_string(text, name);
        text.push_str(if depth.is_some() { ": " } else { ":" });
        put(text, value, room.inside(name), depth);
    });
}

/// A bracketed list; an empty one stays on its line.
fn put_all<T>(
    text: &mut String,
    (open, close): (char, char),
    items: &[T],
    depth: Option<usize>,
    put_item: impl Fn(&mut String, &T, Option<usize>),
) {
    text.push(open);
    let inner = depth.map(|depth| depth + 1);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        new_line(text, inner);
        put_item(text, item, inner);
    }
    if !items.is_empty() {
        new_line(text, depth);
    }
    text.push(close);
}

fn new_line(text: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    }
}

fn put_string(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing into a String does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

const METADATA: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_objects_keep_their_order_and_maps_are_sorted() {
        let object = json!({"spec": {"encryptedData": {"b": "1", "a": "2"}, "template": {"type": "Opaque", "metadata": {"namespace": "n", "name": "m"}}},
            "apiVersion": "v", "kind": "k", "metadata": {}});
        assert_eq!(
            compact(&object),
            r#"{"kind":"k","apiVersion":"v","metadata":{},"spec":{"template":{"metadata":{"name":"m","namespace":"n"},"type":"Opaque"},"encryptedData":{"a":"2","b":"1"}}}"#
        );
        assert_eq!(pretty(&json!({"a": [1, {}], "b": []})), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n");
    }

    #[test]
    fn numbers_are_written_as_go_does() {
        assert_eq!(
            compact(&json!([1.0, 1.5, 1e20, 1e21, 1e-6, 1e-7, 0.0, -3])),
            "[1,1.5,100000000000000000000,1e+21,0.000001,1e-7,0,-3]"
        );
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        assert_eq!(
            compact(&json!("<a>&\u{2028}\u{1}\u{7f}é\t\"\\")),
            "\"\\u003ca\\u003e\\u0026\\u2028\\u0001\u{7f}é\\t\\\"\\\\\""
        );
    }
}
