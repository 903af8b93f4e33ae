//! Gives whatever comes to the functions that read something: patterns, JSON, dates, durations, URLs, versions, numbers.
//! No panic, no bound exceeded. The corpus is also an ordinary test (tests/corpus.rs).
#![no_main]

use std::collections::BTreeMap;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use sealer_go::template::{Budget, Context, Environment, Functions, Limits, render};

/// One form a line, of which the first byte picks one; the rest is `.a` and, after the last zero byte, `.b`.
const FORMS: &str = include_str!("../corpus/forms.txt");

fuzz_target!(|input: &[u8]| {
    let Some((form, values)) = input.split_first() else { return };
    let forms: Vec<&str> = FORMS.lines().collect();
    let template = forms[usize::from(*form) % forms.len()];
    let at = values.iter().rposition(|byte| *byte == 0).unwrap_or(values.len());
    let (a, b) = (&values[..at], values.get(at + 1..).unwrap_or_default());
    let items = BTreeMap::from([("a".to_owned(), a.to_vec()), ("b".to_owned(), b.to_vec())]);
    let context = Context::new(items, &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions { expensive: false } };
    let started = Instant::now();
    let clock = move || started.elapsed();
    let mut budget = Budget::new(Limits::default(), &clock);
    let rendered = render("out", template, &context, &environment, &mut budget);
    assert!(rendered.map_or(0, |bytes| bytes.len()) <= 1 << 20);
    assert!(budget.steps_taken() <= Limits::default().steps);
});
