#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;

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
fn more_values_than_an_object_has_are_refused_before_anything_is_built() {
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
fn nested_template_is_the_text_that_came() {
    let template = r#"{"data": {"x":   "{{ .a }}"}, "metadata": {"odd": [1, 2.50, {"b":0, "a":0}]}}"#;
    let text = format!(r#"{{"metadata":{{"name":"n","namespace":"ns"}},"spec":{{"template":{template}}}}}"#);
    assert_eq!(Posted::read(text.as_bytes()).unwrap().template.unwrap().get(), template);
}
