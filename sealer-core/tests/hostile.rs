//! Can a template hurt the process that renders it? `templates/hostile.txt` holds those that try.
//!
//! `cargo test -p sealer-core --test hostile -- --nocapture` prints the table with time and memory.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and the table is what is asked for")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use sealer_core::template::{Budget, Context, Environment, ErrorClass, Functions, Limits, TemplateError, render};

const HOSTILE: &str = include_str!("templates/hostile.txt");

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = HOSTILE.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_at(line.find("{{").unwrap()))
}

fn rendered(template: &str) -> (Result<Vec<u8>, TemplateError>, Duration) {
    let items = BTreeMap::from([("value".to_owned(), vec![b'v'; 100_000])]);
    let context = Context::new(items, &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment =
        Environment { now: "2026-11-24T12:00:00Z".parse().unwrap(), functions: Functions { expensive: false } };
    let started = Instant::now();
    let clock = move || started.elapsed();
    let mut budget = Budget::new(Limits::default(), &clock);
    let result = render("out", template, &context, &environment, &mut budget);
    (result, started.elapsed())
}

/// Kilobytes of one line of /proc/self/status.
fn memory(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn every_hostile_template_stops_within_its_bounds() {
    assert!(cases().count() >= 40);
    let mut wrong = Vec::new();
    for (name, template) in cases() {
        // Resets the peak that the next line is measured against; without it nothing is measured.
        let measured = fs::write("/proc/self/clear_refs", "5").is_ok();
        let before = memory("VmRSS").unwrap_or_default();
        let (result, time) = rendered(template);
        let grown = memory("VmHWM").unwrap_or_default().saturating_sub(before);
        let outcome = result.as_ref().map_or_else(ToString::to_string, |bytes| format!("{} bytes", bytes.len()));
        println!("{name:<22} {:>6.1} ms {:>6} KiB  {outcome}", time.as_secs_f64() * 1000.0, grown);
        let ends = HARMLESS.contains(&name.trim_end()) && result.is_ok();
        if !ends && !result.is_err_and(|error| error.class() == ErrorClass::Limit) {
            wrong.push(format!("{name}: {outcome}"));
        }
        if measured && grown > MOST_KIBIBYTES {
            wrong.push(format!("{name}: {grown} KiB"));
        }
        let (next, _) = rendered("{{ len .value }}");
        assert_eq!(next.unwrap(), b"100000", "what is rendered next is not harmed");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// They look dangerous and end by themselves.
const HARMLESS: [&str; 4] = ["doubling html", "doubling url", "dict in itself", "regex backtracking"];
/// 16 MiB beside what the process had.
const MOST_KIBIBYTES: u64 = 16 << 10;
