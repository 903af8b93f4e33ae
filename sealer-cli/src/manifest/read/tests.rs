#![expect(clippy::unwrap_used, reason = "tests may panic")]

use serde_json::json;

use super::*;

fn read(text: impl AsRef<[u8]>) -> Result<Vec<Value>, CliError> {
    let documents = documents(text.as_ref(), "stdin", Wanted::Secrets)?;
    documents.iter().map(Document::value).collect()
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    format!("{:?}", read(text).unwrap_err())
}

#[test]
fn streams_of_json_and_yaml_are_read_whole() {
    for text in [
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1}\n---\na: 2\n",
        "---\na: 1\n---\n# nothing\n---\n{}\n---\nnull\n---\n~\n---\na: 2\n",
        "a: 1\r\n--- # next\r\na: 2\r\n",
        "a: 1\n...\na: 2\n",
        "\u{feff}a: 1\n---\na: 2",
        "\u{a0}\n{\"a\":1}\n{\"a\":2}\n",
        "{a: 1}\n---\n{'a': 2}\n",
        "%YAML 1.1\n---\na: 1\n---   \n%YAML 1.1\n---\na: 2\n",
        "{\"a\":1}\n# comment\n---\na: 2\n",
        "# one\ra: 1\r\n---\n# two\ra: 2\n",
        "a: 1\r--- \ra: 2\n".replace("\r--- \r", "\n---\n").as_str(),
    ] {
        assert_eq!(read(text).unwrap(), [json!({"a": 1}), json!({"a": 2})], "{text:?}");
    }
    for nothing in ["", " \n\t\n", "# only\n", "---\n---\n", "{}", "null\n", "%YAML 1.1\n"] {
        assert_eq!(read(nothing).unwrap(), Vec::<Value>::new(), "{nothing:?}");
    }
}

#[test]
fn utf16_is_read() {
    let text = "{\"a\":\"é\"}";
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    assert_eq!(read(little).unwrap(), read(text).unwrap());
    assert_eq!(read(big).unwrap(), read(text).unwrap());
}

#[test]
fn json_is_read_as_go_reads_it() {
    for (text, value) in [
        ("{\"a\":\"\\ud83d\\ude00 \\ud83d \\ude00x\"}", json!({"a": "😀 \u{fffd} \u{fffd}x"})),
        ("{\"a\":\"\\u00e9\\/\\b\\f\"}", json!({"a": "é/\u{8}\u{c}"})),
        ("{\"a\":[1,-2.5,true,false,null,{}]}", json!({"a": [1, -2.5, true, false, null, {}]})),
        ("{\"a\":18446744073709551615}", json!({"a": u64::MAX})),
        // The last of several wins.
        ("{\"a\":1,\"a\":2}", json!({"a": 2})),
    ] {
        assert_eq!(read(text).unwrap(), [value], "{text}");
    }
    assert_eq!(read(b"{\"a\":\"x\xff\xfey\"}").unwrap(), [json!({"a": "x\u{fffd}\u{fffd}y"})]);
    // What is no JSON may be YAML.
    assert_eq!(read("{\"a\":\"one\ttwo\"}").unwrap(), [json!({"a": "one\ttwo"})]);
    assert_eq!(read("{\"a\":01}").unwrap(), [json!({"a": 1})]);
    assert_eq!(read("{\"a\":1, # comment\n}").unwrap(), [json!({"a": 1})]);
}

#[test]
fn values_are_typed_as_yaml_1_1_does() {
    for (text, value) in [
        ("[yes, On, y, tRUE, NO]", json!([true, true, true, "tRUE", false])),
        ("[010, 1_000, 0x1F, 0b11, 0o7, -0, +1, 09, 0777_7]", json!([8, 1000, 31, 3, 7, 0, 1, 9, 4095])),
        ("[~, null, NULL, nULL]", json!([null, null, null, "nULL"])),
        ("[1.5, 1., .5, 1e3, 1e400, 1e+, .1e1]", json!([1.5, 1, 0.5, 1000, "1e400", "1e+", 1])),
        (
            "[12:30, 190:20:30, 2020-01-01, 1.2.3, 1d, _1, 0x, '1', \"2\"]",
            json!(["12:30", "190:20:30", "2020-01-01", "1.2.3", "1d", "_1", "0x", "1", "2"]),
        ),
        ("[!!str 1, !!int '12', !!float 3, !!binary aGk=, !foo 1]", json!(["1", 12, 3, "hi", "1"])),
        ("[18446744073709551615, 18446744073709551616]", json!([u64::MAX, 18446744073709551616.0])),
    ] {
        assert_eq!(yaml(text), Some(value), "{text}");
    }
}

#[test]
fn keys_become_text() {
    assert_eq!(
        yaml("{yes: 1, 010: 2, 1.50: 3, .inf: 4, 1.5e300: 5, -0.0: 6, nULL: 7, 0x1F: 8}"),
        Some(json!({"true": 1, "8": 2, "1.5": 3, ".inf": 4, "1.5e+300": 5, "-0": 6, "nULL": 7, "31": 8}))
    );
    for text in ["~: 1\n", "? [a]\n: 1\n", "18446744073709551615: 1\n"] {
        assert_eq!(yaml(text), None, "{text}");
    }
}

#[test]
fn anchors_and_merges_are_resolved() {
    for (text, value) in [
        ("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]})),
        (
            "x: &p {a: 1}\nz: &q {a: 2, c: 3}\nd:\n  <<: [*p, *q]\n",
            json!({"x": {"a": 1}, "z": {"a": 2, "c": 3}, "d": {"a": 1, "c": 3}}),
        ),
        // Later entries win, merged or not.
        ("x: &p {a: 1}\nd: {a: 0, <<: *p}\ne: {<<: *p, a: 0}\n", json!({"x": {"a": 1}, "d": {"a": 1}, "e": {"a": 0}})),
        ("a: 1\na: 2\n", json!({"a": 2})),
        ("'<<': 1\n", json!({"<<": 1})),
    ] {
        assert_eq!(yaml(text), Some(value), "{text}");
    }
    for text in ["a: &x:y 1\n", "a: *x\n", "a: &x [*x]\n", "<<: 1\n", "<<: [1]\n"] {
        assert_eq!(yaml(text), None, "{text}");
    }
}

#[test]
fn blocks_and_comments_are_read() {
    assert_eq!(
        yaml("l: |\n  a\n   b\n\nf: >-\n  a\n  b\nk: |+\n  a\n\ni: |2\n    a\nq: 'x'#tight\nr: \"y\" # wide\n"),
        Some(json!({"l": "a\n b\n", "f": "a b", "k": "a\n\n", "i": "  a\n", "q": "x", "r": "y"}))
    );
}

#[test]
fn aliases_cannot_fill_the_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(refusal(&text).contains("aliases that repeat too much"));
}

#[test]
fn depth_is_bounded() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "- ".repeat(100_000)] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn what_does_not_parse_is_named_and_never_quoted() {
    for (text, message) in [
        ("{\"a\":1}{\"a\":2}x", "document 3 of stdin cannot be read: it is not valid JSON at line 1, column 15"),
        ("{\"a\":1}\ngarbage\n", "document 2 of stdin cannot be read: it is no object"),
        (
            "a: 1\n---\nb: 1\na: hunter2: x\n",
            "document 2 of stdin cannot be read: it is not valid YAML at line 4, column 11",
        ),
        ("a: 1\n---hunter2\na: 2\n", "invalid Yaml document separator at line 2"),
        ("a: 1\n-----BEGIN X-----\na: 2\n", "invalid Yaml document separator at line 2"),
        (
            "a: 1\n---\na: hunter2\u{1}\n",
            "document 2 of stdin cannot be read: it has a control character at line 3, column 11",
        ),
        ("# two in one\n{\"a\":1}\n{\"a\":2}\n", "is not valid YAML at line 3, column 1"),
        ("- a\n", "document 1 of stdin cannot be read: it is no object"),
        ("hello", "document 1 of stdin cannot be read: it is no object"),
        ("a:\n\tb: 1\n", "at line 2, column 2"),
        ("a:\n  \tb: 1\n", "document 1 of stdin cannot be read: it is indented by a tab at line 2, column 4"),
        ("a: \"x\\/y\"\n", "document 1 of stdin cannot be read: it has an unknown escape at line 1, column 4"),
        ("a: \"\\q\"\n", "document 1 of stdin cannot be read: it is not valid YAML at line 1"),
        (
            "a: !!int x\n",
            "document 1 of stdin cannot be read: it has a value that is not of the type that its tag says",
        ),
        ("{\"a\":1", "document 1 of stdin cannot be read: it is not valid YAML"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(message), "{text:?}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn scripts_know_the_line_for_streams_without_any_good_document() {
    for text in ["hello", "kind: Secret\n  bad: indent\n", "[1]", "{\"a\":"] {
        assert_eq!(read(text).unwrap_err().message(), NOTHING_FOUND);
    }
    assert_eq!(read([0xc3, 0x28]).unwrap_err().message(), NOTHING_FOUND);
    let alone = documents(b"hello\n", "t.json", Wanted::SealedSecret).unwrap_err();
    assert_eq!(
        alone.message(),
        "couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"
    );
}

#[test]
fn nodes_do_not_show_what_they_hold() {
    let documents = documents(b"a: hunter2\n", "stdin", Wanted::Secrets).unwrap();
    assert!(!format!("{documents:?}").contains("hunter2"));
}
