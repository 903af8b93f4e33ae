//! What is told of templates that fail: everything that can be seen, for two values of one length.

use std::collections::BTreeSet;
use std::sync::Arc;

use sealer_core::{Label, Plaintext, Scope, seal};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{KEY, SECRETS, Script, Timestamp, live, object, told};
use crate::error::{Class, Reason};
use crate::telemetry::captured::Captured;

fn with_templates(value: &str, templates: Value) -> Value {
    let label = Label::new(Scope::Strict, "ns", "a").unwrap();
    let sealed = seal(&Plaintext::new(value.as_bytes().to_vec()), &label, KEY.sealing_key()).unwrap();
    let mut object = object(1, None);
    object["spec"] = json!({ "encryptedData": { "password": sealed.to_base64() }, "template": { "data": templates } });
    object
}

/// All that can be seen of one object: requests without the object's own spec, log, metrics.
async fn seen(object: &Value) -> String {
    let mut script = Script::new(told(object.clone()).into());
    let reconciler = Arc::get_mut(&mut script.reconciler).unwrap();
    Arc::get_mut(&mut reconciler.context).unwrap().clock = Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap());
    let log = Captured::default();
    let (writer, layer) = (log.clone(), tracing_subscriber::fmt::layer().without_time().with_ansi(false));
    let subscriber = tracing_subscriber::registry().with(layer.with_writer(move || writer.clone()));
    let guard = tracing::subscriber::set_default(subscriber);
    let failure = script.process(object).await.unwrap_err();
    super::retry::settle_failure(&script.reconciler, &super::Key::new("ns", "a"), &failure);
    drop(guard);
    assert_eq!((failure.reason, failure.class), (Reason::Unseal, Class::Permanent));
    let (event, mut status) = (script.body(0), script.body(1));
    status["spec"] = Value::Null;
    let metrics = script.reconciler.context.metrics.text();
    let metrics: Vec<_> = metrics.lines().filter(|line| !line.starts_with("process_")).collect();
    let log = log.text();
    assert!(log.contains("Error updating, giving up"), "{log}");
    // The client's own task wakes up beside this one, now sooner and now later: what it says counts, not how often.
    let (own, of_libraries): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.contains("sealer_"));
    let of_libraries: BTreeSet<_> = of_libraries.into_iter().collect();
    format!("{event}\n{status}\n{}\n{}\n{of_libraries:#?}", metrics.join("\n"), own.join("\n"))
}

/// Ways to fail, each with another class, line, length or duration.
const WAYS: [&str; 8] = [
    "{{ fail \"\" }}",
    "\n\n{{ index .password 9999 }}",
    "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}",
    "{{ repeat 900000 \"a\" }}{{ repeat 900000 \"a\" }}",
    "\n{{ template \"nowhere\" . }}",
    "{{ genCA \"a\" 1 }}",
    "{{ atoi (list) }}",
    "{{ .password | fail }}",
];

#[tokio::test]
async fn two_values_look_the_same_whatever_their_templates_do() {
    let values = ["correct horse battery", "tr0ub4dor and others.."];
    for (at, way) in WAYS.iter().enumerate() {
        let other = WAYS[(at + 1) % WAYS.len()];
        // Each value takes another branch, in another template, on another line, in another way.
        let templates = json!({
            "one": format!("{{{{ if eq .password {:?} }}}}{way}{{{{ end }}}}", values[0]),
            "three": "{{ .password }}",
            "two": format!("\n\n\n{{{{ if eq .password {:?} }}}}{other}{{{{ end }}}}", values[1]),
        });
        let [first, second] = values.map(|value| with_templates(value, templates.clone()));
        let (first, second) = (seen(&first).await, seen(&second).await);
        assert_eq!(first, second);
        assert!(first.contains("template execution error (one, three, two): where and why is not told"), "{first}");
        assert!(!first.contains("line ") && !first.contains("limit") && !first.contains("correct"), "{first}");
    }
}

#[tokio::test]
async fn one_template_a_byte_tells_no_byte() {
    // The template for each byte fails on a line of its own, as do those for all others.
    let templates = |position: usize| {
        let one = |byte: u8| {
            let lines = "\n".repeat(byte.into());
            let text =
                format!("{lines}{{{{ if eq (index .password {position}) {byte} }}}}{{{{ fail \"\" }}}}{{{{ end }}}}");
            (format!("t{byte}"), Value::String(text))
        };
        Value::Object((b'a'..=b'z').map(one).collect())
    };
    let first = seen(&with_templates("azimuth", templates(0))).await;
    for value in ["bzimuth", "zzimuth", "mzimuth"] {
        assert_eq!(seen(&with_templates(value, templates(0))).await, first);
    }
    assert!(first.contains("(t100, t101, t102, t103, t104 and 21 more)"), "{first}");
}

#[tokio::test]
async fn texts_that_do_not_parse_are_named_with_their_lines() {
    let templates = json!({ "a": "{{ fail .password }}", "b": "x\n{{ nofunction }}", "c": "{{ if }}" });
    let seen = seen(&with_templates("value", templates)).await;
    let expected = "template parse error at line 1, column 7: a value is missing (c)\\ntemplate parse error at line 2, \
                    column 4: there is no such function (b)";
    assert!(seen.contains(expected), "{seen}");
}

#[tokio::test]
async fn templates_render_over_the_items_which_win() {
    let templates = json!({ "out": "{{ .password }}!", "password": "{{ .password }}?" });
    let object = with_templates("value", templates);
    let created = (http::Method::POST, SECRETS, 201, live("u1", "dg==", "5"));
    let script = Script::new([vec![created], told(object.clone()).into()].concat());
    script.process(&object).await.unwrap();
    let encoded = |text: &str| sealer_encoding::base64::encode(text);
    assert_eq!(script.body(0)["data"], json!({ "out": encoded("value!"), "password": encoded("value") }));
}

#[tokio::test]
async fn an_item_that_does_not_open_runs_no_template() {
    let mut object = with_templates("value", json!({ "a": "{{ fail \"\" }}", "b": "{{ nofunction }}" }));
    object["spec"]["encryptedData"]["password"] = json!("AgAAAA==");
    let seen = seen(&object).await;
    assert!(seen.contains("no key could decrypt secret (password)"), "{seen}");
    assert!(seen.contains("there is no such function (b)") && !seen.contains("execution error"), "{seen}");
}
