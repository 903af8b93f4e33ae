#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;
use crate::http::body::LARGEST;

fn object(spec: &Value) -> String {
    json!({"kind": "SealedSecret", "metadata": {"name": "n", "namespace": "ns"}, "spec": spec}).to_string()
}

fn items(text: &str) -> Vec<(String, String)> {
    let Sealed::Items(items) = Posted::read(text.as_bytes()).unwrap().sealed else { panic!("no items in {text}") };
    items
}

#[test]
fn sealed_values_are_read_however_malformed() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (items_, expected) in [
        (
            json!({"a": "x", "b": 5, "c": null, "d": {"deep": [1]}}),
            vec![pair("a", "x"), pair("b", ""), pair("c", ""), pair("d", "")],
        ),
        (json!(null), vec![]),
        (json!(["a"]), vec![]),
        (json!(7), vec![]),
    ] {
        assert_eq!(items(&object(&json!({"encryptedData": items_}))), expected);
    }
    assert_eq!(items(&object(&json!({}))), []);
    let twice =
        r#"{"metadata":{"name":"n","namespace":"ns"},"spec":{},"spec":{"encryptedData":{"a":"1","a":"\u0032"}}}"#;
    assert_eq!(items(twice), [pair("a", "2")], "of equal names the last one wins");
}

#[test]
fn yaml_is_read_as_json_is() {
    let text = "kind: SealedSecret\nmetadata:\n  name: name\n  namespace: ns\nspec:\n  encryptedData:\n    a: &v x\n    b: *v\n";
    let pair = |name: &str| (name.to_owned(), "x".to_owned());
    assert_eq!(items(text), [pair("a"), pair("b")]);
}

#[test]
fn what_is_no_sealed_secret_is_malformed() {
    let deep = |count: usize| format!("{{\"spec\":{}{}}}", "[".repeat(count), "]".repeat(count));
    for text in [
        r#"{"kind":"Secret","metadata":{"name":"n","namespace":"ns"},"spec":{}}"#.to_owned(),
        r#"{"metadata":{"name":"n","namespace":"ns"}}"#.to_owned(),
        r#"{"metadata":5,"spec":{}}"#.to_owned(),
        r#"{"metadata":{"name":"n","namespace":"ns","labels":{"a":5}},"spec":{}}"#.to_owned(),
        r#"{"metadata":{"name":"n","namespace":"ns","annotations":[]},"spec":{}}"#.to_owned(),
        object(&json!({"data": 5})),
        object(&json!({"template": "text"})),
        object(&json!({"template": {"type": ["x"]}})),
        object(&json!({"template": {"immutable": "true"}})),
        object(&json!({"template": {"metadata": []}})),
        object(&json!({"template": {"data": {"a": 5}}})),
        deep(126),
        deep(100_000),
        "{".repeat(100_000),
        "[".repeat(100_000),
        "---\na: b\n---\nc: d\n".to_owned(),
        "a: 1\na: 2\n".to_owned(),
        (0..9).fold("a: &a0 [x]\n".to_owned(), |text, at| {
            let aliases = vec![format!("*a{at}"); 9].join(",");
            format!("{text}b{at}: &a{} [{aliases}]\n", at + 1)
        }),
        format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a,".repeat(60)),
        format!("a: [{}]\n", "x,".repeat(20_000)),
        format!("{}kind: SealedSecret\nmetadata:\n  name: name\n  namespace: ns\nspec: {{}}\n", "#\n".repeat(70_000)),
    ] {
        let shown = text.get(..text.len().min(60)).unwrap_or_default();
        assert_eq!(Posted::read(text.as_bytes()).err(), Some(Refusal::Malformed), "{shown}");
    }
}

#[test]
fn too_many_values_are_refused_before_they_are_built() {
    let fill = |part: &str| {
        format!("{{\"spec\":{{\"template\":{{\"metadata\":[{}0]}}}}}}", part.repeat((2 << 20) / part.len() - 30))
    };
    for part in ["0,", "{},", "[],", "\"\",", "{\"a\":{}},", "[[0]],"] {
        let text = fill(part);
        assert_eq!(Posted::read(text.as_bytes()).err(), Some(Refusal::TooCostly), "{part}");
    }
    // Commas and brackets in texts are no values.
    let text = object(&json!({"encryptedData": {"a": ",[{\"\\".repeat(100_000)}}));
    assert_eq!(items(&text).len(), 1);
}

#[test]
fn largest_honest_object_is_taken() {
    // More items than an object in a cluster can hold: the smallest sealed value has 372 characters.
    let values: BTreeMap<String, String> = (0..4096).map(|at| (format!("item{at}"), "A".repeat(372))).collect();
    assert_eq!(items(&object(&json!({"encryptedData": values}))).len(), 4096);
}

#[test]
fn more_items_than_a_body_has_room_for_never_open() {
    let read = |count: usize| {
        let values: BTreeMap<String, String> = (0..count).map(|at| (at.to_string(), "A".to_owned())).collect();
        Posted::read(object(&json!({"encryptedData": values})).as_bytes()).unwrap().sealed
    };
    assert!(matches!(read(MOST_ITEMS), Sealed::Items(items) if items.len() == MOST_ITEMS));
    assert!(matches!(read(MOST_ITEMS + 1), Sealed::Never));
    // The smallest value there can be: a length, a session key sealed with 1024 bits, and the tag of an empty text.
    let smallest = (2_usize + 128 + 16).div_ceil(3) * 4;
    assert!(MOST_ITEMS * smallest > LARGEST - smallest, "an honest body is refused");
}

#[test]
fn nested_template_is_the_text_that_came() {
    let template = r#"{"data": {"x":   "{{ .a }}"}, "metadata": {"odd": [1, 2.50, {"b":0, "a":0}]}}"#;
    let text = format!(r#"{{"metadata":{{"name":"n","namespace":"ns"}},"spec":{{"template":{template}}}}}"#);
    assert_eq!(Posted::read(text.as_bytes()).unwrap().template.unwrap().get(), template);
}

#[test]
fn values_in_both_forms_at_once_open_nothing() {
    let read = |spec: &Value| Posted::read(object(spec).as_bytes()).unwrap().sealed;
    assert!(matches!(read(&json!({"data": "x", "encryptedData": {"a": "b"}})), Sealed::Never));
    for spec in
        [json!({"data": "x"}), json!({"data": "x", "encryptedData": {}}), json!({"data": "x", "encryptedData": null})]
    {
        assert!(matches!(read(&spec), Sealed::Blob(blob) if blob == "x"), "{spec}");
    }
}

/// The least that is refused, and the most that is taken.
#[test]
fn depth_and_number_of_values_are_counted_to_the_last_one() {
    let arrays = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!((check_size(&arrays(DEEPEST)), check_size(&arrays(DEEPEST + 1))), (Ok(()), Err(Refusal::Malformed)));
    let objects = |depth: usize| format!("{}0{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!((check_size(&objects(DEEPEST)), check_size(&objects(DEEPEST + 1))), (Ok(()), Err(Refusal::Malformed)));
    // One for the whole, one for the list, and one for each comma.
    let list = |commas: usize| format!("[0{}]", ",0".repeat(commas));
    let most = MOST_VALUES - 2;
    assert_eq!((check_size(&list(most)), check_size(&list(most + 1))), (Ok(()), Err(Refusal::TooCostly)));
    let beside = |lists: usize| "[]".repeat(lists);
    let most = MOST_VALUES - 1;
    assert_eq!((check_size(&beside(most)), check_size(&beside(most + 1))), (Ok(()), Err(Refusal::TooCostly)));
    // Texts do not count, and end where they end: not at an escaped quote, and behind an escaped backslash.
    for (text, is_taken) in [
        (format!("\"{}\"", ",[".repeat(MOST_VALUES)), true),
        (format!("\"\\\"{}\"", ",".repeat(MOST_VALUES)), true),
        (format!("\"\\\\\"{}", ",".repeat(MOST_VALUES)), false),
        (format!("\"a\"{}", ",".repeat(MOST_VALUES)), false),
        (format!("\\\"{}\"", ",".repeat(MOST_VALUES)), true),
    ] {
        assert_eq!(check_size(&text).is_ok(), is_taken, "{text:.20}");
    }
}

#[test]
fn each_field_of_a_template_has_its_types() {
    let takes = |text: &str| is_template(serde_json::from_str(text).unwrap());
    for right in [
        "null",
        "{}",
        r#"{"metadata":{}}"#,
        r#"{"metadata":null,"type":null,"immutable":null,"data":null}"#,
        r#"{"type":"x","immutable":true,"data":{"a":"b","c":null}}"#,
        r#"{"immutable":false,"other":5}"#,
    ] {
        assert!(takes(right), "{right}");
    }
    for wrong in [
        "5",
        "[]",
        "\"x\"",
        r#"{"metadata":5}"#,
        r#"{"metadata":[]}"#,
        r#"{"type":5}"#,
        r#"{"immutable":"true"}"#,
        r#"{"data":"x"}"#,
        r#"{"data":{"a":5}}"#,
        r#"{"data":{"a":"b","c":{}}}"#,
    ] {
        assert!(!takes(wrong), "{wrong}");
    }
}
