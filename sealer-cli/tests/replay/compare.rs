//! How a run differs from its recording: exact in status, results, files and requests; errors may gain hints.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use sealer_core::{Keyring, Label, Scope, SealedValue, UnsealingKey, unseal};
use sealer_encoding::base64;
use serde_json::Value;

use crate::mask::mask;
use crate::run::Outcome;
use crate::server::Asked;

/// One line a difference; none if the run is as recorded, or as listed.
pub(crate) fn differences(case: &Value, outcome: &Outcome) -> Vec<String> {
    if let Some(instead) = case.get("instead") {
        return otherwise(instead, outcome);
    }
    if case["hangs"] == true || case["crash"] == true {
        return defect(outcome);
    }
    let mut sealed = BTreeMap::new();
    let mut found = Vec::new();
    let status = outcome.status.map(i64::from);
    if status != case["status"].as_i64() {
        found.push(format!("status: {status:?}, recorded {}", case["status"]));
    }
    compare_output(case, outcome, &mut sealed, &mut found);
    compare_errors(case, outcome, &mut found);
    compare_files(case, outcome, &mut sealed, &mut found);
    compare_requests(case, outcome, &mut found);
    if found.is_empty() {
        case["opens"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|opens| opened(opens, &sealed))
            .for_each(|it| found.push(it));
    }
    found
}

type Sealed = BTreeMap<String, Vec<String>>;

fn compare_output(case: &Value, outcome: &Outcome, sealed: &mut Sealed, found: &mut Vec<String>) {
    let mut masked = text(&outcome.stdout, outcome, sealed.entry("stdout".to_owned()).or_default());
    let recorded = expected(case, "stdout");
    if case["any_order"] == true {
        masked = sorted(&masked);
    }
    let recorded = if case["any_order"] == true { sorted(&recorded) } else { recorded };
    if masked != recorded {
        found.push(format!("stdout: {masked:?}\nrecorded {recorded:?}"));
    }
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// The recorded error stays, word for word; hints may follow it. A run that succeeds may warn.
fn compare_errors(case: &Value, outcome: &Outcome, found: &mut Vec<String>) {
    let masked = text(&outcome.stderr, outcome, &mut Vec::new());
    let (mut recorded, mut got) = (expected(case, "stderr"), masked.clone());
    if case["unordered"] == true {
        (recorded, got) = (unordered(&recorded), unordered(&got));
    }
    let extra = got.strip_prefix(&recorded);
    let is_comfort = |line: &str| line.starts_with("hint: ") || line.starts_with("warning: ");
    if !extra.is_some_and(|extra| extra.lines().all(is_comfort)) {
        found.push(format!("stderr: {masked:?}\nrecorded {recorded:?}"));
    }
}

fn unordered(text: &str) -> String {
    let names = |line: &str| match line.rsplit_once('(') {
        Some((before, names)) => {
            let mut names: Vec<&str> = names.trim_end_matches(')').split(", ").collect();
            names.sort_unstable();
            format!("{before}({})", names.join(", "))
        }
        None => line.to_owned(),
    };
    let mut lines: Vec<String> = text.trim_start_matches("error: ").lines().map(names).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn compare_files(case: &Value, outcome: &Outcome, sealed: &mut Sealed, found: &mut Vec<String>) {
    let recorded = case["files_after"].as_object().unwrap();
    for (name, content) in &outcome.changed {
        let runs = sealed.entry(name.clone()).or_default();
        let got = content.as_ref().map(|bytes| text(bytes, outcome, runs));
        match (recorded.get(name), got) {
            (None, got) => found.push(format!("file {name} changed: {got:?}")),
            (Some(Value::String(want)), Some(got)) if *want == got => {}
            (Some(Value::Null), None) => {}
            (Some(want), got) => found.push(format!("file {name}: {got:?}\nrecorded {want}")),
        }
    }
    for (name, _) in recorded.iter().filter(|(name, _)| !outcome.changed.contains_key(*name)) {
        found.push(format!("file {name} is unchanged"));
    }
    for (name, mode) in case["modes_after"].as_object().into_iter().flatten() {
        if outcome.modes.get(name).map(String::as_str) != mode.as_str() {
            found.push(format!("mode of {name}: {:?}, recorded {mode}", outcome.modes.get(name)));
        }
    }
}

fn compare_requests(case: &Value, outcome: &Outcome, found: &mut Vec<String>) {
    let Some(recorded) = case["requests"].as_array() else { return };
    let asked = &outcome.requests;
    let line = |asked: &Asked| format!("{} {}", asked.method, asked.path);
    let want =
        |request: &Value| format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    let (got, wanted): (Vec<_>, Vec<_>) = (asked.iter().map(line).collect(), recorded.iter().map(want).collect());
    if got != wanted {
        found.push(format!("requests: {got:?}\nrecorded {wanted:?}"));
        return;
    }
    for (asked, recorded) in asked.iter().zip(recorded) {
        let body = text(&asked.body, outcome, &mut Vec::new());
        let same = recorded["body"].as_str().is_none_or(|want| json(want) == json(&body));
        if !same {
            found.push(format!("body: {body}\nrecorded {}", recorded["body"]));
        }
        for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
            let wanted = match value.as_array() {
                Some(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
                None => value.as_str().unwrap_or_default().to_owned(),
            };
            if asked.headers.get(&name.to_lowercase()) != Some(&wanted) {
                found.push(format!("header {name}: {:?}, recorded {value}", asked.headers.get(&name.to_lowercase())));
            }
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn expected(case: &Value, stream: &str) -> String {
    match case[format!("{stream}_b64")].as_str() {
        Some(encoded) => String::from_utf8_lossy(&base64::decode(encoded).unwrap()).into_owned(),
        None => case[stream].as_str().unwrap_or_default().to_owned(),
    }
}

fn text(bytes: &[u8], outcome: &Outcome, sealed: &mut Vec<String>) -> String {
    mask(&String::from_utf8_lossy(bytes), &outcome.places, sealed)
}

/// Where the recorded program hung or crashed: an answer, or an error that left everything as it was.
fn defect(outcome: &Outcome) -> Vec<String> {
    let refused = outcome.stderr.starts_with(b"error: ") && outcome.stdout.is_empty() && outcome.changed.is_empty();
    match outcome.status {
        Some(0) => Vec::new(),
        Some(1) if refused => Vec::new(),
        status => vec![format!("status {status:?}, {}", String::from_utf8_lossy(&outcome.stderr))],
    }
}

/// The table's own expectation: the status, how the errors begin, no results unless it says so.
fn otherwise(instead: &Value, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    if outcome.status.map(i64::from) != instead["status"].as_i64() {
        found.push(format!("status: {:?}, listed {}", outcome.status, instead["status"]));
    }
    for stream in ["stdout", "stderr"] {
        let bytes = if stream == "stdout" { &outcome.stdout } else { &outcome.stderr };
        let got = text(bytes, outcome, &mut Vec::new());
        let wanted = instead[stream].as_str().unwrap_or_default();
        let fits = if stream == "stderr" { got.starts_with(wanted) } else { got == wanted };
        if !fits {
            found.push(format!("{stream}: {got:?}\nlisted {wanted:?}"));
        }
    }
    let none = serde_json::Map::new();
    let listed = instead["files_after"].as_object().unwrap_or(&none);
    for (name, content) in &outcome.changed {
        let got = content.as_ref().map(|bytes| text(bytes, outcome, &mut Vec::new()));
        if listed.get(name).and_then(Value::as_str) != got.as_deref() {
            found.push(format!("file {name}: {got:?}, listed {:?}", listed.get(name)));
        }
    }
    found
}

static KEYS: LazyLock<Mutex<BTreeMap<String, Keyring>>> = LazyLock::new(Mutex::default);

fn keyring(name: &str) -> Keyring {
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || {
        let pem = std::fs::read(crate::golden().join("fixtures").join(name)).unwrap();
        Keyring::from_keys(vec![UnsealingKey::from_pem(&pem).unwrap()])
    };
    keys.entry(name.to_owned()).or_insert_with(read).clone()
}

/// Opens one sealed value of the output; a line if it does not hold what it should.
fn opened(opens: &Value, sealed: &Sealed) -> Option<String> {
    let word = |field: &str| opens[field].as_str().unwrap_or_default();
    let item = format!("{} {} ({})", word("from"), opens["index"], word("item"));
    let index = usize::try_from(opens["index"].as_u64().unwrap()).unwrap();
    let Some(run) = sealed.get(word("from")).and_then(|runs| runs.get(index)) else {
        return Some(format!("no sealed value {item}"));
    };
    let scope: Scope = word("scope").parse().unwrap();
    let label = Label::new_unchecked(scope, word("namespace"), word("name"));
    let value = SealedValue::from_base64(run).unwrap();
    match unseal(&value, &label, &keyring(word("key"))) {
        Err(error) => Some(format!("{item}: {error}")),
        Ok(opened) if holds(opens, opened.plaintext.expose()) => None,
        Ok(opened) => Some(format!("{item} holds {:?}", String::from_utf8_lossy(opened.plaintext.expose()))),
    }
}

fn holds(opens: &Value, value: &[u8]) -> bool {
    if let Some(encoded) = opens["value_b64"].as_str() {
        return base64::decode(encoded).unwrap() == value;
    }
    opens["value_len"].as_u64() == u64::try_from(value.len()).ok() && opens["value_sha256"] == sha256(value).as_str()
}

/// The TLS library has a hash at hand.
fn sha256(value: &[u8]) -> String {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().unwrap().common.hash_provider.hash(value);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
