#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::json;

use super::*;
use sealer_core::key::private::UnsealingKey;
use sealer_core::scope::Scope;
use sealer_core::seal::seal;
use sealer_go::template::{Environment, Functions, Limits};

static RING: LazyLock<Keyring> = LazyLock::new(|| Keyring::from_keys(vec![UnsealingKey::generate(1024).unwrap()]));
const NO_TIME: fn() -> Duration = || Duration::ZERO;

fn label() -> Label {
    Label::new(Scope::Strict, "ns", "n").unwrap()
}

fn sealed(value: &str) -> String {
    let key = RING.entries().first().unwrap().key.sealing_key();
    seal(&Plaintext::new(value.as_bytes().to_vec()), &label(), key).unwrap().to_base64()
}

fn opened(spec: &Value, accept_v1_data: bool) -> Result<UnsealedSecret, OpenError> {
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions::default() };
    let rendering = Some(Rendering { environment, limits: Limits::default(), clock: &NO_TIME });
    let spec: SealedSecretSpec = serde_json::from_value(spec.clone()).unwrap();
    open(&label(), &spec, &RING, &OpenOptions { accept_v1_data, rendering })
}

fn texts(secret: &UnsealedSecret) -> Vec<(&str, &[u8])> {
    secret.data.iter().map(|(item, value)| (item.as_str(), value.expose())).collect()
}

#[test]
fn deprecated_blob_is_opened_where_accepted_and_alone() {
    let blob =
        sealed(r#"{"metadata":{"labels":{"a":"b"}},"type":"Opaque","immutable":true,"data":{"k":"dg==","none":null}}"#);
    let secret = opened(&json!({ "data": blob }), true).unwrap();
    assert_eq!(texts(&secret), [("k", &b"v"[..]), ("none", b"")]);
    assert_eq!((secret.type_.as_deref(), secret.immutable), (Some("Opaque"), Some(true)));
    assert_eq!(Value::Object(secret.metadata), json!({ "labels": { "a": "b" } }));
    assert_eq!(secret.keys.len(), 1);
    assert_eq!(opened(&json!({ "data": blob }), false).unwrap_err(), OpenError::V1Refused);
    let both = json!({ "data": blob, "encryptedData": { "k": sealed("v") } });
    assert_eq!(opened(&both, true).unwrap_err(), OpenError::V1AndItems);
    for odd in ["x", "7", r#"{"data":{"k":"no base64"}}"#] {
        assert_eq!(opened(&json!({ "data": sealed(odd) }), true).unwrap_err(), OpenError::V1Malformed, "{odd}");
    }
}

/// A name stands in a status, which terminals show.
#[test]
fn names_in_messages_command_no_terminal() {
    let spec = json!({ "encryptedData": { "a\u{1b}[2J\nb\u{202e}c": "AgA=" } });
    let told = opened(&spec, false).unwrap_err().to_string();
    assert!(told.ends_with("(a?[2J?b?c)"), "{told:?}");
}

#[test]
fn templates_run_over_the_items_and_an_item_wins() {
    let templates = json!({ "made": "{{ .k }}!", "k": "{{ .k }} from a template" });
    let spec = json!({ "encryptedData": { "k": sealed("v") }, "template": { "data": templates } });
    assert_eq!(texts(&opened(&spec, false).unwrap()), [("k", &b"v"[..]), ("made", b"v!")]);
    let without = json!({ "encryptedData": { "k": sealed("v") }, "template": { "data": {} } });
    assert_eq!(texts(&opened(&without, false).unwrap()), [("k", &b"v"[..])]);
}

/// Whoever holds the keys is told what Go would say; everybody else that a template failed.
#[test]
fn failing_template_is_told_in_full_to_the_key_holder_alone() {
    let tried = |text: &str| {
        let spec = json!({ "encryptedData": { "k": sealed("canary") }, "template": { "data": { "made": text } } });
        opened(&spec, false).err()
    };
    let failing = |text: &str| tried(text).unwrap_or_else(|| panic!("{text} does not fail"));
    let error = failing("{{ fail .k }}");
    assert!(matches!(error, OpenError::Templates(_)));
    assert!(error.go_text().contains("canary"), "{}", error.go_text());
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(shown.contains("made") && !shown.contains("canary"), "{shown}");
    }
    let mut failed = 0;
    for text in [
        "{{ fail .k }}",
        "{{ .k | fail }}",
        "{{ fail (printf \"no %s\" .k) }}",
        "{{ range .k }}{{ end }}",
        "{{ mustToDate \"2006\" .k }}",
        "{{ mustToDate .k \"x\" }}",
        "{{ mustRegexMatch (printf \"(%s\" .k) \"x\" }}",
        "{{ regexMatch (printf \"(%s\" .k) \"x\" }}",
        "{{ mustRegexFindAll (printf \"%s)\" .k) \"x\" 1 }}",
        "{{ urlParse (printf \"http://%s:x/\" .k) }}",
        "{{ urlJoin (dict \"userinfo\" (printf \"%s\\x00\" .k)) }}",
        "{{ urlJoin (dict \"host\" (list .k)) }}",
        "{{ semver .k }}",
        "{{ semverCompare .k \"1.2.3\" }}",
        "{{ semverCompare \"^1\" .k }}",
        "{{ mustFromJson .k }}",
        "{{ index .k .k }}",
        "{{ substr 9 1 .k }}",
        "{{ decryptAES .k .k }}",
        "{{ buildCustomCert .k .k }}",
        "{{ genSignedCert .k (list .k) nil 1 .k }}",
        "{{ genPrivateKey .k | fail }}",
        "{{ .k.canary }}",
        "{{ mustFirst .k }}",
        "{{ $x := .k }}{{ template \"inner\" $x }}{{ define \"inner\" }}{{ fail . }}{{ end }}",
        "{{ mustDateModify .k now }}",
        "{{ toJson (dict \"a\" .k) | mustFromJson | join .k | fail }}",
    ] {
        let Some(error) = tried(text) else { continue };
        failed += 1;
        let shown = error.public_text();
        // A part of it would be enough. Of the template everything may be told.
        let parts = ["cana", "nary"].iter().filter(|part| !text.contains(**part));
        assert_eq!(parts.filter(|part| shown.contains(**part)).count(), 0, "{text}: {shown}");
    }
    assert!(failed >= 20, "{failed} of them fail");
    let error = failing("{{ fail \"stop here\" }}");
    assert!(error.public_text().ends_with("at <fail \"stop here\">: error calling fail: stop here (made)"));
    assert_eq!(error.public_text(), error.go_text(), "the template says it itself");
    let error = failing("{{ if }}");
    assert!(matches!(error, OpenError::Items(_)));
    assert!(error.go_text().contains("template: made:1"), "{}", error.go_text());
    // One that nobody ran says the same both ways.
    let templates = [("made".to_owned(), "{{ fail .k }}".to_owned())].into();
    let unrun = OpenError::Templates(Unrendered::new(&templates, Functions::default()));
    assert_eq!(unrun.go_text(), unrun.to_string());
}
