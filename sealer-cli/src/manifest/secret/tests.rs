#![expect(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use crate::manifest::read::{Wanted, documents};

fn read(text: &str) -> Result<Vec<SecretInput>, CliError> {
    secrets(documents(text.as_bytes(), "stdin", Wanted::Secrets)?, true)
}

fn one(text: &str) -> SecretInput {
    read(text).unwrap().pop().unwrap()
}

fn items(text: &str) -> Vec<(String, String)> {
    let items = one(text).items.into_iter();
    items.map(|(item, value)| (item, String::from_utf8_lossy(value.expose()).into_owned())).collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(item, value)| ((*item).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn data_and_string_data_become_items() {
    let text = "kind: Secret\ndata: {a: ZnJvbSBkYXRh, b: 'eA==', x: null}\nstringData: {a: from stringData, e: ''}\n";
    assert_eq!(items(text), pairs(&[("a", "from stringData"), ("b", "x"), ("e", ""), ("x", "")]));
}

#[test]
fn names_that_stand_in_a_map_twice_are_told() {
    let told = |text: &str| one(text).strays.lost;
    let lost = |line| {
        format!("`stringData.b` is there twice (again in line {line}), and what stands there first would be lost")
    };
    assert_eq!(told("kind: Secret\nstringData: {b: hunter2, b: x}\n"), [lost(2)]);
    assert_eq!(told("kind: Secret\nstringData:\n  b: hunter2\n  c: y\n  b: x\n"), [lost(5)]);
    for (text, place) in [
        ("metadata: {labels: {a: b, a: c}}", "`metadata.labels.a` is there twice (again in line 2), and what"),
        (
            "metadata: {labels: {a: b}, labels: {c: d}}",
            "`metadata.labels` is there twice (again in line 2), and the first one, with `a`,",
        ),
        ("metadata: {name: a, name: b}", "`metadata.name` is there twice"),
        ("metadata: {name: a, Name: b}", "`metadata.name` is there twice"),
        ("x-base: &b {a: v, a: x}", "`x-base.a` is there twice"),
        ("type: a\nType: b", "`type` is there twice"),
    ] {
        let told = told(&format!("kind: Secret\n{text}\nstringData: {{b: x}}\n"));
        assert!(told.len() == 1 && told.iter().all(|told| told.starts_with(place)), "{text}: {told:?}");
    }
    // What servers write counts for nothing.
    for field in [
        "uid: a, uid: b",
        "creationTimestamp: 2020-01-01T00:00:00Z, creationTimestamp: null",
        "labels: {}, labels: {a: b}",
    ] {
        assert!(told(&format!("kind: Secret\nmetadata: {{{field}}}\nstringData: {{b: x}}\n")).is_empty(), "{field}");
    }
    // What is merged is there to be written over.
    assert!(
        told("kind: Secret\nx-base: &base {b: y}\nstringData: {<<: *base, b: x}\n")
            .iter()
            .all(|told| !told.contains("twice"))
    );
    assert!(told("kind: Secret\ndata: {b: eA==}\nstringData: {b: x}\n").is_empty());
}

#[test]
fn names_that_stand_in_json_twice_are_told() {
    for (fields, lost) in [
        (r#""stringData":{"a":"1","a":"2"}"#, Some("`stringData.a` is there twice, and what stands there first")),
        (r#""stringData":{"a":"1"},"stringData":{"a":"2"}"#, Some("`stringData.a` is there twice, and what")),
        (r#""stringData":{"a":"1"},"stringdata":{"a":"2"}"#, Some("`stringdata.a` is there twice, and what")),
        (r#""metadata":{"name":"a"},"metadata":{"name":"b"}"#, Some("`metadata.name` is there twice, and what")),
        (r#""metadata":{"labels":{"a":"b"},"labels":{"a":"c"}}"#, Some("`metadata.labels.a` is there twice, and what")),
        (r#""type":"a","type":"b""#, Some("`type` is there twice, and what")),
        (r#""stringData":{"a":"1"},"stringData":{"b":"2"}"#, None),
        (r#""stringData":{"a":"1","A":"2"}"#, None),
        (r#""metadata":{"labels":{"a":"b"},"labels":{"c":"d"}}"#, None),
        (r#""type":"a","type":"a""#, None),
    ] {
        for text in [
            format!("{{\"kind\":\"Secret\",{fields}}}"),
            format!("{{\"kind\":\"List\",\"items\":[{{\"kind\":\"Secret\",{fields}}}]}}"),
        ] {
            let told: Vec<String> = read(&text).unwrap().into_iter().flat_map(|secret| secret.strays.lost).collect();
            assert_eq!(told.len(), usize::from(lost.is_some()), "{text}: {told:?}");
            let lost = lost.unwrap_or_default().trim_start_matches('`');
            assert!(
                told.iter().all(|told| told.trim_start_matches("`items.").trim_start_matches('`').starts_with(lost)),
                "{told:?}"
            );
        }
    }
}

#[test]
fn items_without_a_value_are_told_in_every_form() {
    let empty = |item: &str| format!("item `{item}` is sealed empty: nothing,");
    for (text, odd) in [
        ("stringData:\n  a:\n  b: ~\n  c: null\n  d: ''\n  e: x\n", vec![empty("a"), empty("b"), empty("c")]),
        ("stringData:\n  a: #hunter2\n", vec![empty("a")]),
        ("data: {a: null, b: '', c: eA==}\n", vec![empty("a")]),
        ("{\"stringData\":{\"a\":null}}", vec![empty("a")]),
        ("data: {a: eA==}\nstringData: {a: w}\n", vec!["`stringData.a` is sealed, and not what".to_owned()]),
        ("data: {a: eA==}\nstringData: {a: x}\n", vec![]),
    ] {
        let strays = one(text).strays;
        assert!(strays.lost.is_empty() && strays.odd.len() == odd.len(), "{text}: {strays:?}");
        assert!(strays.odd.iter().zip(&odd).all(|(told, odd)| told.starts_with(odd.as_str())), "{text}: {strays:?}");
    }
    for value in ["~", "null", "", "\"\""] {
        let lost = one(&format!("data:\n  a: eA==\nstringData:\n  a: {value}\n")).strays.lost;
        let wanted = "`stringData.a` is empty, and the value of `data.a`, which it stands for, would be lost";
        assert_eq!(lost, [wanted], "{value}");
    }
    let many: String = (0..13).map(|number| format!("  k{number}:\n")).collect();
    let odd = one(&format!("stringData:\n{many}")).strays.odd;
    assert_eq!((odd.len(), odd.last().map(String::as_str)), (11, Some("3 more items are sealed empty")));
}

#[test]
fn what_a_list_has_beside_its_items_is_told() {
    let item = "- kind: Secret\n  stringData: {k: v}\n";
    for (beside, lost, odd) in [
        ("metadata: {resourceVersion: \"\", selfLink: \"\"}", None, None),
        (
            "Items: [{kind: Secret, stringData: {k: w}}]",
            Some("`items` is there twice, and what stands there first"),
            Some("`Items` is read as `items`"),
        ),
        (
            "item: [{kind: Secret, stringData: {k: w}}]",
            Some("`item` is no field of a List, and what stands there would be lost; is `items` meant?"),
            None,
        ),
        (
            "stringData: {a: b}",
            Some(
                "`stringData` is no field of a List, and what stands there would be lost; it belongs into each Secret",
            ),
            None,
        ),
        (
            "metadata: {namespace: b}",
            Some(
                "`metadata.namespace` is no field of a List, and what stands there would be lost; it belongs into each Secret",
            ),
            None,
        ),
        ("password: hunter2", Some("`password` is no field of a List"), None),
        ("status: {a: b}", None, Some("`status` is no field of a List and is left out")),
    ] {
        let strays = read(&format!("kind: List\n{beside}\nitems:\n{item}")).unwrap().pop().unwrap().strays;
        for (told, wanted) in [(&strays.lost, lost), (&strays.odd, odd)] {
            assert_eq!(told.len(), usize::from(wanted.is_some()), "{beside}: {strays:?}");
            assert!(told.iter().all(|told| wanted.is_some_and(|wanted| told.starts_with(wanted))), "{strays:?}");
        }
    }
    let twice = format!("kind: List\nitems:\n{item}  stringData: {{a: b}}\n");
    let strays = read(&twice).unwrap().pop().unwrap().strays;
    assert!(
        strays.lost.iter().all(|told| told
            .starts_with("`items.stringData` is there twice (again in line 5), and the first one, with `k`,")),
        "{strays:?}"
    );
    assert_eq!(strays.lost.len(), 1);
    let joined = format!(
        "kind: List\nitems:\n{item}  kind: Secret\n  apiVersion: v1\n  metadata: {{name: x}}\n  apiVersion: v1\n  metadata: {{name: y}}\n"
    );
    let strays = read(&joined).unwrap().pop().unwrap().strays;
    assert!(strays.lost.iter().any(|told| told.starts_with("a second object begins at line 5")), "{strays:?}");
}

#[test]
fn bare_words_of_yaml_stand_for_text() {
    let text = "stringData: {a: yes, b: 010, c: 1.10, d: 1e7, e: .inf, f: 123456789.5, g: 3.14159265358979, h: ~}\n";
    let wanted = [
        ("a", "true"),
        ("b", "8"),
        ("c", "1.1"),
        ("d", "1e+07"),
        ("e", "+Inf"),
        ("f", "1.234567895e+08"),
        ("g", "3.14159265358979"),
        ("h", ""),
    ];
    assert_eq!(items(text), pairs(&wanted));
}

#[test]
fn the_first_json_documents_may_have_bare_words_too() {
    let text = "{\"metadata\":{\"name\":12,\"namespace\":true,\"labels\":{\"a\":1.50}},\"data\":{\"k\":\"YQ==\"}}";
    let secret = one(text);
    assert_eq!((secret.text("name"), secret.text("namespace")), ("12", "true"));
    assert_eq!(Value::Object(secret.metadata.clone()).pointer("/labels/a"), Some(&Value::from("1.5")));
    let third = format!("{{\"kind\":\"Secret\"}}{{\"kind\":\"Secret\"}}{text}");
    assert_eq!(
        read(&third).unwrap_err().message(),
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string"
    );
}

#[test]
fn fields_are_found_in_any_case_and_unknown_ones_dropped() {
    let secret = one("Kind: Secret\nMETADATA: {Name: a, junk: [1]}\nType: t\nimmutable: no\nData: {Foo: YmFy}\nx: 1\n");
    assert_eq!(secret.text("name"), "a");
    assert_eq!((secret.type_.as_deref(), secret.immutable), (Some("t"), Some(false)));
    assert_eq!(secret.metadata.len(), 1);
    assert_eq!(secret.items.len(), 1);
}

#[test]
fn data_that_occurs_twice_in_json_is_joined() {
    let text = "{\"data\":{\"a\":\"YQ==\",\"b\":\"YQ==\"},\"data\":{\"b\":\"eA==\"},\"Data\":{\"c\":\"Yw==\"}}";
    assert_eq!(items(text), pairs(&[("a", "a"), ("b", "x"), ("c", "c")]));
}

#[test]
fn a_list_is_taken_apart() {
    let text = "kind: List\napiVersion: v1\nitems:\n- kind: Secret\n  stringData: {a: b}\n- stringData: {c: d}\n";
    assert_eq!(read(text).unwrap().len(), 2);
    assert_eq!(read("kind: List\nitems: []\n").unwrap_err().message(), NO_DATA);
    let nested = "kind: List\nitems:\n- kind: SecretList\n  items:\n  - {kind: Secret, stringData: {a: b}}\n  - kind: List\n    items: [{stringData: {c: d}}]\n- stringData: {e: f}\n";
    assert_eq!(read(nested).unwrap().len(), 3);
    for (text, told) in [
        ("kind: List\nitems: []\n", "document 1 of the input is a List with nothing under `items`"),
        ("kind: List\nitems: [{kind: List}]\n", "document 1 of the input is a List with nothing under `items`"),
        ("kind: List\nitem: [{}]\n", "document 1 of the input is a List with nothing under `items`"),
        ("kind: List\nitems: [a]\n", "document 1 of the input is a List with something in it that is no object"),
        (
            "kind: Secret\nstringData: {a: b}\n---\nkind: ConfigMap\n",
            "document 2 of the input is a ConfigMap, not a Secret",
        ),
        ("error: no such thing\n", "document 1 of the input is no Secret"),
    ] {
        let documents = documents(text.as_bytes(), "stdin", Wanted::Secrets).unwrap();
        assert_eq!(secrets(documents, false).unwrap_err().message(), told, "{text}");
    }
}

#[test]
fn other_kinds_are_refused() {
    let config = read("kind: ConfigMap\ndata: {a: YmFy}\n").unwrap_err();
    assert_eq!(config.message(), "document 1 of the input is a ConfigMap, not a Secret");
    for text in ["kind: Deployment\nspec: {}\n", "kind: SealedSecret\nspec: {encryptedData: {a: b}}\n"] {
        assert_eq!(read(text).unwrap_err().message(), NO_DATA);
    }
}

#[test]
fn errors_of_json_are_those_that_scripts_know() {
    for (text, message) in [
        (
            "{\"kind\":\"Secret\",\"data\":5}",
            "json: cannot unmarshal number into Go struct field Secret.data of type map[string][]uint8",
        ),
        ("{\"kind\":\"Secret\",\"data\":{\"k\":\"YQ=!\"}}", "illegal base64 data at input byte 2"),
        (
            "{\"kind\":\"Secret\",\"type\":[]}",
            "json: cannot unmarshal array into Go struct field Secret.type of type v1.SecretType",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":5}",
            "json: cannot unmarshal number into Go struct field Secret.metadata of type v1.ObjectMeta",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"labels\":[1]}}",
            "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"uid\":{}}}",
            "json: cannot unmarshal object into Go struct field ObjectMeta.metadata.uid of type types.UID",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"generation\":\"3\"}}",
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"generation\":1.5}}",
            "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"creationTimestamp\":\"yesterday\"}}",
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"creationTimestamp\":\"2020-13-01T00:00:00Z\"}}",
            "parsing time \"2020-13-01T00:00:00Z\": month out of range",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"creationTimestamp\":\"2020-02-30T00:00:00Z\"}}",
            "parsing time \"2020-02-30T00:00:00Z\": day out of range",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"creationTimestamp\":5}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"ownerReferences\":[{\"name\":[]}]}}",
            "json: cannot unmarshal array into Go struct field OwnerReference.metadata.ownerReferences.name of type string",
        ),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"managedFields\":{}}}",
            "json: cannot unmarshal object into Go struct field ObjectMeta.metadata.managedFields of type []v1.ManagedFieldsEntry",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().message(), message, "{text}");
    }
}

#[test]
fn errors_of_yaml_are_those_that_scripts_know() {
    let yaml = "error unmarshaling JSON: while decoding JSON: ";
    for (text, message) in [
        (
            "kind: Secret\ndata: {k: yes}\n",
            "json: cannot unmarshal bool into Go struct field Secret.data of type []uint8",
        ),
        ("kind: Secret\ndata: {k: 2020-01-01}\n", "illegal base64 data at input byte 4"),
        (
            "kind: Secret\napiVersion: 1\n",
            "json: cannot unmarshal number into Go struct field Secret.TypeMeta.apiVersion of type string",
        ),
        (
            "kind: Secret\nstringData: {a: [hunter2]}\n",
            "json: cannot unmarshal array into Go struct field Secret.stringData of type string",
        ),
        (
            "kind: Secret\nimmutable: \"true\"\n",
            "json: cannot unmarshal string into Go struct field Secret.immutable of type bool",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().message(), format!("{yaml}{message}"), "{text}");
    }
}

#[test]
fn times_are_normalised() {
    let text = "metadata: {creationTimestamp: 2020-01-01T00:00:00.5+02:00, generation: 1e3}\nstringData: {a: b}\n";
    let metadata = Value::Object(one(text).metadata);
    assert_eq!(metadata, serde_json::json!({"creationTimestamp": "2019-12-31T22:00:00Z", "generation": 1000}));
}
