//! Replays every recorded run of `tests/golden/cli.json` against the built program: does it answer scripts as before?
//!
//! `REPLAY_ONLY=text` runs the cases whose name holds that text and prints how they differ.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]
#![expect(clippy::print_stdout, reason = "the figures are what a reader of the test's output wants")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

mod compare;
mod mask;
mod run;
mod server;

/// Where the recorded runs and their fixtures lie.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn cases() -> Vec<Value> {
    let text = fs::read_to_string(golden().join("cli.json")).unwrap();
    let mut recorded: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(recorded["cases"].take()).unwrap()
}

/// Cases that are answered otherwise on purpose: id to `reason`, and what is expected instead.
fn deliberate() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("differences.json")).unwrap()
}

/// Cases that are not answered as recorded yet, one id a line.
fn open() -> Vec<&'static str> {
    include_str!("open.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn recorded_runs_are_answered_as_before() {
    let only = std::env::var("REPLAY_ONLY").unwrap_or_default();
    let deliberate = deliberate();
    let open = open();
    let stage = run::Stage::new();
    let cases: Vec<Value> = cases().into_iter().filter(|case| case["id"].as_str().unwrap().contains(&only)).collect();
    let skipped = cases.iter().filter(|case| case["needs"] == "cluster").count();
    let outcomes: Vec<(String, Vec<String>)> = cases
        .par_iter()
        .filter(|case| case["needs"] != "cluster")
        .map(|case| {
            let id = case["id"].as_str().unwrap().to_owned();
            let mut case = case.clone();
            if let Some(instead) = deliberate.get(&id) {
                case["instead"] = instead.clone();
            }
            let differences = compare::differences(&case, &stage.run(&case));
            (id, differences)
        })
        .collect();
    let failed: Vec<&(String, Vec<String>)> = outcomes.iter().filter(|(_, found)| !found.is_empty()).collect();
    println!(
        "replay: {} runs, {} as recorded or as listed, {} different, {} need a cluster",
        outcomes.len() + skipped,
        outcomes.len() - failed.len(),
        failed.len(),
        skipped
    );
    println!("replay: {} are answered otherwise on purpose (differences.json)", deliberate.len());
    let unexpected: Vec<String> = failed
        .iter()
        .filter(|(id, _)| !only.is_empty() || !open.contains(&id.as_str()))
        .map(|(id, found)| format!("## {id}\n{}", found.join("\n")))
        .collect();
    let answered: Vec<&String> = outcomes
        .iter()
        .filter(|(id, found)| found.is_empty() && open.contains(&id.as_str()))
        .map(|(id, _)| id)
        .collect();
    assert!(unexpected.is_empty(), "{} runs differ:\n{}", unexpected.len(), unexpected.join("\n"));
    assert!(answered.is_empty() || !only.is_empty(), "answered now, take them out of open.txt: {answered:?}");
}
