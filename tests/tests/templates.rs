//! Do templates render as Go and sprig rendered them? Held against recorded answers, so that no Go is needed here.
//!
//! `template-differences record` writes the answers anew, and `template-differences CASES SEED` asks Go for as many
//! others as one likes.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;

use sealer_tests::template_differences::{Answer, Comparison, compare, items};
use serde_json::Value;

const RECORDED: &str = include_str!("../template-oracle/recorded.jsonl");
const METHODS: &str = include_str!("../template-oracle/methods.txt");
const KINDS: &str = include_str!("../template-oracle/kinds.txt");

/// The recorded templates with their answers.
fn recorded() -> Vec<(String, Answer)> {
    let read = |line: &str| {
        let case: Value = serde_json::from_str(line).unwrap();
        let template = case.get("template").and_then(Value::as_str).unwrap().to_owned();
        (template, Answer::from_json(&case))
    };
    RECORDED.lines().map(read).collect()
}

#[test]
fn recorded_answers_of_go_and_sprig_are_given_here() {
    let cases = recorded();
    assert!(cases.len() > 3_000, "{} cases are recorded", cases.len());
    let items = items();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(template, answer)| match compare(template, &items, answer) {
            Comparison::Same => None,
            other => Some(format!("{template}\n{other:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} rendered otherwise\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn every_function_method_and_kind_is_recorded() {
    let cases = recorded();
    let templates: BTreeSet<&str> = cases.iter().map(|(template, _)| template.as_str()).collect();
    let words: BTreeSet<&str> = templates
        .iter()
        .flat_map(|template| template.split(|character: char| !character.is_ascii_alphanumeric() && character != '_'))
        .collect();
    let of_methods = METHODS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').nth(1));
    let expensive = sealer_go::template::expensive_function_names();
    let functions = sealer_go::template::function_names()
        .into_iter()
        .filter(|name| !UNREPEATABLE.contains(name) && !expensive.contains(name));
    let missing: Vec<&str> = functions.chain(of_methods).filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "not recorded: {missing:?}");
    let kinds = KINDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let missing: Vec<&str> = kinds.filter(|template| !templates.contains(template)).collect();
    assert!(missing.is_empty(), "not recorded: {missing:?}");
}

/// Functions that give something else each time, beside the expensive ones.
const UNREPEATABLE: &[&str] =
    &["randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4"];
