//! Does what the fuzzers start from, and what they found, pass without a panic? `fuzz/corpus` holds the inputs.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sealer_core::template::{Budget, Context, Environment, Functions, Limits, parse_check, render};

#[test]
fn every_template_of_the_corpus_ends_in_a_result_or_an_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/templates");
    let mut count = 0;
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let items = BTreeMap::from([("a".to_owned(), b"value".to_vec()), ("b".to_owned(), vec![0xff, 0, b'x'])]);
        let context = Context::new(items, &BTreeMap::from([("out".to_owned(), text.clone())]));
        let environment =
            Environment { now: "2026-11-24T12:00:00Z".parse().unwrap(), functions: Functions { expensive: false } };
        let started = Instant::now();
        let clock = move || started.elapsed();
        let mut budget = Budget::new(Limits { time: Duration::from_secs(10), ..Limits::default() }, &clock);
        let parsed = parse_check("out", &text, &mut budget).is_ok();
        let rendered = render("out", &text, &context, &environment, &mut budget);
        assert!(parsed || rendered.is_err(), "{} renders without being a template", path.display());
        assert!(rendered.map_or(0, |bytes| bytes.len()) <= 1 << 20, "{}", path.display());
        count += 1;
    }
    assert!(count > 20);
}
