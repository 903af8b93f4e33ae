#![expect(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scalar(text: &str) -> String {
    document(&json!({ "k": text })).trim_start_matches("k: ").trim_end_matches('\n').to_owned()
}

#[test]
fn keys_are_in_natural_order() {
    let keys = [
        ".dockerconfigjson",
        "1",
        "2",
        "10",
        "A_B",
        "AB",
        "TRUE",
        "Z",
        "a",
        "a-b",
        "a.b",
        "a_b",
        "a1",
        "a01",
        "a2",
        "a10",
        "ab",
        "b",
        "null",
        "tls.crt",
        "tls.key",
        "yes",
    ];
    let mut sorted = keys;
    sorted.sort_by(|one, other| order::natural(one, other));
    assert_eq!(sorted, keys);
}

#[test]
fn plain_where_it_reads_back_and_quoted_where_not() {
    for plain in [
        "abc", "a:b", "a#b", "1e", "e1", "0x", "0b2", "1.2.3", "1,000", "_1", "nan", "inf", "=", "<<", ".", "..", "--",
        "-a", "?a", ":a", "a]", "http://x", "tRUE", "nULL",
    ] {
        assert_eq!(scalar(plain), plain);
    }
    for typed in [
        "yes",
        "Y",
        "On",
        "TRUE",
        "Null",
        "~",
        "123",
        "-0",
        "08",
        "0x10",
        "0o7",
        "0b1",
        "1_",
        "1__0",
        "1e5",
        "1.",
        ".5",
        "+1",
        ".inf",
        "+.inf",
        ".NaN",
        "12:30",
        "190:20:30",
        "2020-01-01",
        "2001-1-1",
        "2001-01-01 00:00:00",
        "2020-01-01T00:00:00Z",
        "",
    ] {
        assert_eq!(scalar(typed), format!("\"{typed}\""));
    }
    for quoted in [
        "#a", ", a", "[a", "]a", "{a", "}a", "&a", "*a", "!a", "|a", ">a", "\"a", "%a", "@a", "`a", "-", "?", "- a",
        "? a", "---", "...x", "a: b", "a #b", "a:", " a", "a ",
    ] {
        assert_eq!(scalar(quoted), format!("'{quoted}'"));
    }
    assert_eq!(scalar("'a"), "'''a'");
    assert_eq!(scalar("a\tb"), "\"a\\tb\"");
    assert_eq!(scalar("\u{1}"), "\"\\x01\"");
    assert_eq!(scalar("\u{1f600}"), "\"\\U0001F600\"");
    assert_eq!(scalar("\u{7f}"), "\"\\x7F\"");
}

#[test]
fn several_lines_become_a_block() {
    assert_eq!(scalar("a\nb\n"), "|\n  a\n  b");
    assert_eq!(scalar("a\nb"), "|-\n  a\n  b");
    assert_eq!(document(&json!({ "k": "a\n\n" })), "k: |+\n  a\n\n");
    assert_eq!(scalar(" a\n"), "|2\n   a");
    assert_eq!(scalar("a \nb"), "\"a \\nb\"");
}

#[test]
fn structures_are_laid_out_as_kubectl_does() {
    let value = json!({"a": {}, "b": [], "c": ["x", {"d": 1, "e": [true, null]}, ["y"]], "f": {"g": "h"}});
    assert_eq!(document(&value), "a: {}\nb: []\nc:\n- x\n- d: 1\n  e:\n  - true\n  - null\n- - \"y\"\nf:\n  g: h\n");
}

#[test]
fn long_text_breaks_behind_column_eighty() {
    let words = vec!["word"; 30].join(" ");
    let written = document(&json!({ "k": words }));
    assert!(written.lines().all(|line| line.len() <= 86), "{written}");
    assert_eq!(read(&written), json!({ "k": words }));
}

fn read(text: &str) -> Value {
    crate::manifest::read::yaml(text).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_reads_back(key in "\\PC{0,12}|[ -~\\n\\t]{0,40}", value in "\\PC{0,30}|[ -~\\n\\t]{0,200}|.{0,20}") {
        // Keys that YAML 1.1 reads as another type are quoted; a reader still names them as text.
        let object = json!({ key: [value.clone(), { "nested": value }] });
        prop_assert_eq!(read(&document(&object)), object);
    }
}
