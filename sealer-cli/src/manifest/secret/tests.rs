#![expect(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use crate::manifest::read::{Wanted, documents};

fn read(text: &str) -> Result<Vec<SecretInput>, CliError> {
    secrets(documents(text.as_bytes(), "stdin", Wanted::Secrets)?)
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
    let told = |text: &str| {
        let strays = one(text).strays;
        [strays.lost, strays.doubled].concat()
    };
    let lost = |line| {
        format!("`stringData.b` is there twice (again in line {line}), and what stands there first would be lost")
    };
    assert_eq!(told("kind: Secret\nstringData: {b: hunter2, b: x}\n"), [lost(2)]);
    assert_eq!(told("kind: Secret\nstringData:\n  b: hunter2\n  c: y\n  b: x\n"), [lost(5)]);
    assert_eq!(
        told("kind: Secret\nmetadata: {labels: {a: b, a: c}}\nstringData: {b: x}\n"),
        ["`metadata.labels.a` is there twice in one map; the last one counts"]
    );
    // What is merged is there to be written over.
    assert!(
        told("kind: Secret\nx-base: &base {b: y}\nstringData: {<<: *base, b: x}\n")
            .iter()
            .all(|told| !told.contains("twice"))
    );
    assert!(told("kind: Secret\ndata: {b: eA==}\nstringData: {b: x}\n").is_empty());
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
