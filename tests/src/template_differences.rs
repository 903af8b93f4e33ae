//! Compares what a template renders to with what Go and sprig rendered.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sealer_encoding::base64;
use sealer_go::template::{Budget, Context, Environment, ErrorClass, Functions, Limits, render};
use serde_json::Value;

/// What Go made of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What it rendered to.
    Rendered(Vec<u8>),
    /// The class of the failure, `parse` or `execution`, and its text.
    Failed {
        /// The class.
        class: String,
        /// The whole message.
        text: String,
    },
}

impl Answer {
    /// Reads an answer of the oracle, or a recorded one.
    pub fn from_json(answer: &Value) -> Self {
        let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default();
        if !text("class").is_empty() {
            return Self::Failed { class: text("class").to_owned(), text: text("error").to_owned() };
        }
        match answer.get("text").and_then(Value::as_str) {
            Some(text) => Self::Rendered(text.as_bytes().to_vec()),
            None => Self::Rendered(base64::decode(text("result")).unwrap_or_default()),
        }
    }

    /// The answer as it is recorded: readable, where it is text.
    pub fn to_json(&self, template: &str) -> Value {
        match self {
            Self::Failed { class, text } => serde_json::json!({"template": template, "error": text, "class": class}),
            Self::Rendered(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serde_json::json!({"template": template, "text": text}),
                Err(_) => serde_json::json!({"template": template, "result": base64::encode(bytes)}),
            },
        }
    }
}

/// How this engine's answer stands to Go's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Byte for byte the same, messages of errors too.
    Same,
    /// This engine or the oracle stopped at a bound.
    Bounded,
    /// Other on purpose; docs/differences.md names the reason.
    OnPurpose(&'static str),
    /// Both answers.
    Different(String),
}

/// What the templates see: text, numbers, bytes that are no text, and nothing.
pub fn items() -> BTreeMap<String, Vec<u8>> {
    let items: [(&str, &[u8]); 6] = [
        ("a", b"Hello, World"),
        ("n", b"42"),
        ("u", "stra\u{df}e \u{e4}\u{f6}\u{20ac}".as_bytes()),
        ("b", b"\xff\x00z\xc3"),
        ("e", b""),
        ("j", br#"{"k":[1,2.5,"x",null,true]}"#),
    ];
    items.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

/// The moment at which the oracle's clock stands.
fn now() -> Timestamp {
    Timestamp::new(1_795_521_600, 123_456_789).unwrap_or_default()
}

/// Renders the template and holds the result against Go's answer.
pub fn compare(template: &str, items: &BTreeMap<String, Vec<u8>>, answer: &Answer) -> Comparison {
    let context = Context::new(items.clone(), &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment = Environment { now: now(), functions: Functions { expensive: true } };
    let clock = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &clock);
    let rendered = render("out", template, &context, &environment, &mut budget);
    let (same, here) = match (&rendered, answer) {
        (Err(error), _) if error.class() == ErrorClass::Limit => return Comparison::Bounded,
        (_, Answer::Failed { text, .. }) if text.contains(TOO_LONG) => return Comparison::Bounded,
        (Ok(bytes), Answer::Rendered(wanted)) => (bytes == wanted, shown(bytes)),
        (Ok(bytes), Answer::Failed { .. }) => (false, shown(bytes)),
        (Err(error), Answer::Failed { class, text }) => {
            (error.class().reason() == class && error.go_text() == text, error.go_text().to_owned())
        }
        (Err(error), Answer::Rendered(_)) => (false, error.go_text().to_owned()),
    };
    if same {
        return Comparison::Same;
    }
    if budget.showed_unrepeatable() {
        return Comparison::OnPurpose("addresses and readings of a second clock");
    }
    if here.contains(BEYOND) {
        return Comparison::OnPurpose("the spare room behind a list");
    }
    let go = match answer {
        Answer::Rendered(bytes) => shown(bytes),
        Answer::Failed { text, .. } => text.clone(),
    };
    Comparison::Different(format!("  Go   {go}\n  here {here}"))
}

fn shown(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// The oracle's message for lists that no memory holds.
const TOO_LONG: &str = "longer than the oracle's memory";
/// What this engine says about places in the spare room that Go's lists have behind their end.
const BEYOND: &str = "reflect.Value.Slice: slice index out of bounds";
