//! Parses and renders whatever comes: no panic, no bound exceeded. The corpus is also an ordinary test (tests/corpus.rs).
#![no_main]

use std::collections::BTreeMap;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use sealer_go::template::{Budget, Context, Environment, Functions, Limits, parse_check, render};

fuzz_target!(|text: &str| {
    let items = BTreeMap::from([("a".to_owned(), b"value".to_vec()), ("b".to_owned(), vec![0xff, 0, b'x'])]);
    let context = Context::new(items, &BTreeMap::from([("out".to_owned(), text.to_owned())]));
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions { expensive: false } };
    let started = Instant::now();
    let clock = move || started.elapsed();
    let mut budget = Budget::new(Limits::default(), &clock);
    let parsed = parse_check("out", text, &mut budget).is_ok();
    let rendered = render("out", text, &context, &environment, &mut budget);
    assert!(parsed || rendered.is_err(), "what does not parse does not render");
    assert!(rendered.map_or(0, |bytes| bytes.len()) <= 1 << 20);
    assert!(budget.steps_taken() <= Limits::default().steps);
});
