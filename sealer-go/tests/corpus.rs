//! Does what the fuzzers start from, and what they found, pass without a panic? `fuzz/corpus` holds the inputs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sealer_go::template::{Budget, Context, Environment, Functions, Limits, parse_check, render};

#[test]
fn every_template_of_the_corpus_ends_in_a_result_or_an_error() {
    let inputs = corpus("templates");
    for (name, input) in &inputs {
        let text = String::from_utf8_lossy(input).into_owned();
        let (parsed, rendered) = outcome(&text, b"value".to_vec(), vec![0xff, 0, b'x'], name);
        assert!(parsed || !rendered, "{name} renders without being a template");
    }
    assert!(inputs.len() > 20);
}

#[test]
fn every_value_of_the_corpus_ends_in_a_result_or_an_error() {
    let forms = fs::read_to_string(folder().join("forms.txt")).unwrap();
    let forms: Vec<&str> = forms.lines().collect();
    let inputs = corpus("functions");
    for (name, input) in &inputs {
        let Some((form, values)) = input.split_first() else { continue };
        let at = values.iter().rposition(|byte| *byte == 0).unwrap_or(values.len());
        let (a, b) = (values[..at].to_vec(), values.get(at + 1..).unwrap_or_default().to_vec());
        let (parsed, _) = outcome(forms[usize::from(*form) % forms.len()], a, b, name);
        assert!(parsed, "{name}");
    }
    assert!(inputs.len() > 20);
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// Whether the text is a template, and whether it renders; counted steps alone end it.
fn outcome(text: &str, a: Vec<u8>, b: Vec<u8>, name: &str) -> (bool, bool) {
    let items = BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
    let context = Context::new(items, &BTreeMap::from([("out".to_owned(), text.to_owned())]));
    let environment =
        Environment { now: "2026-11-24T12:00:00Z".parse().unwrap(), functions: Functions { expensive: false } };
    let clock = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &clock);
    let parsed = parse_check("out", text, &mut budget).is_ok();
    let rendered = render("out", text, &context, &environment, &mut budget);
    assert!(budget.steps_taken() <= Limits::default().steps, "{name}");
    assert!(rendered.as_ref().map_or(0, Vec::len) <= 1 << 20, "{name}");
    (parsed, rendered.is_ok())
}
