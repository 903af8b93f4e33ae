#![expect(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::manifest::Format;
use crate::manifest::read;
use crate::manifest::{encode, json};

fn scalar(text: &str) -> String {
    document(&json!({ "k": text })).trim_start_matches("k: ").trim_end_matches('\n').to_owned()
}

fn check(value: Value, text: &str) {
    assert_eq!(document(&value), text);
    assert_eq!(read::yaml(text).unwrap(), value);
}

#[test]
fn keys_are_in_natural_order() {
    let keys = ".dockerconfigjson 1 2 10 A_B AB TRUE Z a a-b a.b a_b a1 a01 a2 a10 ab b null tls.crt tls.key yes";
    let keys: Vec<&str> = keys.split(' ').collect();
    let map: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
    assert_eq!(order::sorted(&map).into_iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), keys);
}

#[test]
fn digits_and_letters_of_all_scripts_have_their_place() {
    check(json!({"٢": 1, "2": 2, "a٣": 3, "a10": 4, "日": 5, "z": 6}), "\"2\": 2\n٢: 1\na10: 4\na٣: 3\nz: 6\n日: 5\n");
}

#[test]
fn an_order_that_goes_in_circles_does_not_panic() {
    let keys = ["12:30:00", "1e5\n\n3.14", "3.14!", "1_000", "1.", "1.5", "1e5", "1E5", "1e+", "1d", "-", "a- "];
    let map: Map<String, Value> = (0..40).flat_map(|n| keys.map(|key| (format!("{key}{n}"), Value::Null))).collect();
    assert_eq!(order::sorted(&map).len(), map.len());
}

#[test]
fn plain_where_it_reads_back() {
    for plain in [
        "abc",
        "a:b",
        "a#b",
        "1e",
        "e1",
        "0x",
        "0b2",
        "1.2.3",
        "1,000",
        "_1",
        "nan",
        "inf",
        "=",
        "<<",
        ".",
        "..",
        "--",
        "-a",
        "?a",
        ":a",
        "a]",
        "a,",
        "http://x",
        "tRUE",
        "nULL",
        "2020-01-32",
        "2020-13-01",
        "20-01-01",
        "9e999",
        "2020-01-01  1:2:3Z",
        "12:60",
        "\u{a0}",
        "é",
    ] {
        assert_eq!(scalar(plain), plain);
    }
}

#[test]
fn quoted_where_it_would_be_another_type() {
    let typed = "yes Y On TRUE Null ~ 123 -0 08 0x10 0o7 0b1 1_ 1__0 1e5 1. .5 +1 .inf +.inf .NaN 12:30 1:2 190:20:30 \
                 -1:30 2020-01-01 2001-1-1 2020-01-01T00:00:00Z 2001-12-14t21:59:43.10-05:00 18446744073709551616";
    for typed in typed.split(' ').chain(["", "2001-01-01 00:00:00", "2020-01-01  1:2:3"]) {
        assert_eq!(scalar(typed), format!("\"{typed}\""));
    }
}

#[test]
fn quoted_where_characters_have_a_meaning() {
    for quoted in [
        "#a", ", a", "[a", "]a", "{a", "}a", "&a", "*a", "!a", "|a", ">a", "\"a", "%a", "@a", "`a", "-", "?", ":",
        "- a", "? a", "---", "...x", "a: b", "a #b", "a:", " a", "a ",
    ] {
        assert_eq!(scalar(quoted), format!("'{quoted}'"));
    }
    assert_eq!(scalar("'a"), "'''a'");
}

#[test]
fn escaped_where_it_cannot_be_seen() {
    for (text, written) in [
        ("a\tb", "\"a\\tb\""),
        ("\u{1}", "\"\\x01\""),
        ("\u{1f600}", "\"\\U0001F600\""),
        ("\u{7f}", "\"\\x7F\""),
        ("\u{85}", "\"\\N\""),
        ("\u{ffff}", "\"\\uFFFF\""),
        // Behind a byte order mark everything is.
        ("\u{feff}a b", "\"\\uFEFF\\x61\\x20\\x62\""),
        ("a\u{feff}b", "\"a\\uFEFFb\""),
    ] {
        assert_eq!(scalar(text), written);
    }
}

#[test]
fn several_lines_become_a_block() {
    for (text, written) in [
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\n\n", "k: |+\n  a\n\n"),
        ("\n", "k: |2+\n\n"),
        (" a\n", "k: |2\n   a\n"),
        ("a \nb", "k: \"a \\nb\"\n"),
        ("a\tb\nc", "k: \"a\\tb\\nc\"\n"),
        // The separators of YAML 1.1 are lines of their own.
        ("a\u{2028}b", "k: 'a\u{2028}  b'\n"),
        ("x\u{2028}y\n", "k: |\n  x\u{2028}  y\n"),
    ] {
        check(json!({ "k": text }), written);
    }
}

#[test]
fn structures_are_laid_out_as_kubectl_does() {
    check(
        json!({"a": {}, "b": [], "c": ["x", {"d": 1, "e": [true, null]}, ["y"]], "f": {"g": "h"}}),
        "a: {}\nb: []\nc:\n- x\n- d: 1\n  e:\n  - true\n  - null\n- - \"y\"\nf:\n  g: h\n",
    );
    check(json!([[], {}, "x"]), "- []\n- {}\n- x\n");
    check(json!({"a\nb": {"c": ["d"]}, "e\n": ["f"]}), "? |-\n  a\n  b\n: c:\n  - d\n? |\n  e\n: - f\n");
}

#[test]
fn numbers_are_written_as_go_does() {
    for (number, written) in [
        (json!(1.5), "1.5\n"),
        (json!(1e21), "1e+21\n"),
        (json!(1_234_567.5), "1.2345675e+06\n"),
        (json!(0.000_01), "1e-05\n"),
        (json!(u64::MAX), "18446744073709551615\n"),
        (json!(-7), "-7\n"),
    ] {
        assert_eq!(document(&number), written);
    }
}

#[test]
fn long_text_breaks_at_column_eighty_and_long_keys_stand_alone() {
    let words = vec!["word"; 30].join(" ");
    for text in [words.clone(), format!("{words}: "), format!("{words}\u{1}"), words.replace(' ', "  ")] {
        let written = document(&json!({ "k": text }));
        assert!(text.contains("  ") || written.lines().all(|line| line.len() <= 86), "{written}");
        assert_eq!(read::yaml(&written).unwrap(), json!({ "k": text }));
    }
    check(json!({ "k".repeat(128): "v" }), &format!("{}: v\n", "k".repeat(128)));
    // Plain, that key would merge.
    check(json!({ "<<": "<<" }), "\"<<\": <<\n");
    check(json!({ "k".repeat(129): "v" }), &format!("? {}\n: v\n", "k".repeat(129)));
}

/// Outputs of the tool that this one replaces: read and written again, they are the same bytes.
#[test]
fn recorded_outputs_come_out_unchanged() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/cli.json");
    let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut seen = 0;
    for case in recorded.get("cases").and_then(Value::as_array).unwrap() {
        let output = case.get("stdout").and_then(Value::as_str).unwrap_or_default();
        // A mask is no text that would be sealed.
        let output = output.replace("<sealed:", "AgB").replace(">\n", "\n").replace(">\"", "\"");
        let format = match () {
            () if case.get("any_order").is_some() || case.get("status") != Some(&json!(0)) => continue,
            () if output.starts_with("---\n") => Format::Yaml,
            () if output.starts_with("{\n  \"kind\"") => Format::Json,
            () => continue,
        };
        let documents = read::documents(output.as_bytes(), "golden", read::Wanted::Secrets).unwrap();
        let written: String = documents.iter().map(|document| encode(&document.value().unwrap(), format)).collect();
        assert_eq!(written, output, "{:?}", case.get("id"));
        seen += 1;
    }
    assert!(seen > 200, "{seen}");
}

/// What the serde reader of YAML 1.1 takes it for.
fn read_by_serde(text: &str) -> Value {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "[ -~\\n\\t]{0,200}",
        ".{0,20}",
        "[a:#'\" \\n-]{0,12}",
        "[0-9._:xobeETZ+-]{1,12}",
        "(yes|no|null|true|~|y|on|<<|=)",
        "([a-z]{1,12} {1,2}){0,40}",
        proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in value()) {
        let object = json!({ "value": value });
        let written = document(&object);
        prop_assert_eq!(read::yaml(&written), Some(object.clone()));
        // A reader of YAML 1.2 does not know these two line breaks of YAML 1.1.
        if !written.contains(['\u{2028}', '\u{2029}']) {
            prop_assert_eq!(read_by_serde(&written), object);
        }
    }

    #[test]
    fn json_reads_back(value in value()) {
        prop_assert_eq!(serde_json::from_str::<Value>(&json::pretty(&value)).ok(), Some(value));
    }
}
