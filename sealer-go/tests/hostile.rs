//! Can a template hurt the process that renders it? `hostile.txt` holds those that try.
//!
//! Each runs on a small stack and with a clock that stands still: only counted steps and bytes end it.
//! `cargo test -p sealer-go --test hostile -- --nocapture` prints the table with the time that each took.
//! `HOSTILE_ONLY=name` picks cases by their name, `HOSTILE_FROM=100` leaves out the first hundred.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and the table is what is asked for")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use sealer_go::template::{Budget, Context, Environment, ErrorClass, Functions, Limits, TemplateError, render};

#[global_allocator]
static LIVE: PeakAlloc = PeakAlloc;

/// Bytes are counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const HOSTILE: &str = include_str!("hostile.txt");

struct Case {
    ends: &'static str,
    name: &'static str,
    template: String,
}

fn cases() -> Vec<Case> {
    let lines = HOSTILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let case = |line: &'static str| {
        let (ends, rest) = line.split_at(6);
        let begins = ["{{", "<<"].iter().filter_map(|mark| rest.find(mark)).min().unwrap();
        let (name, template) = rest.split_at(begins);
        Case { ends: ends.trim_end(), name: name.trim_end(), template: expanded(template) }
    };
    lines.map(case).collect()
}

/// `<<3|x>>` as `xxx`, from the inside out.
fn expanded(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(end) = text.find(">>") {
        let start = text[..end].rfind("<<").unwrap();
        let (count, part) = text[start + 2..end].split_once('|').unwrap();
        text = format!("{}{}{}", &text[..start], part.repeat(count.parse().unwrap()), &text[end + 2..]);
    }
    text
}

/// How one rendering went, by what was counted.
struct Outcome {
    result: Result<Vec<u8>, TemplateError>,
    steps: u64,
    allocated: u64,
    peak: usize,
    time: Duration,
    /// The longest stretch between two looks at the clock.
    stretch: Duration,
}

fn rendered(template: &str, items: &BTreeMap<String, Vec<u8>>, limits: Limits) -> Outcome {
    let context = Context::new(items.clone(), &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment =
        Environment { now: "2026-11-24T12:00:00Z".parse().unwrap(), functions: Functions { expensive: false } };
    let started = Instant::now();
    let (last, stretch) = (Cell::new(started), Cell::new(Duration::ZERO));
    let clock = || {
        let now = Instant::now();
        stretch.set(stretch.get().max(now - last.replace(now)));
        Duration::ZERO
    };
    let before = LIVE.current_usage();
    LIVE.reset_peak_usage();
    let mut budget = Budget::new(limits, &clock);
    let result = render("out", template, &context, &environment, &mut budget);
    let peak = LIVE.peak_usage().saturating_sub(before);
    clock();
    let (steps, allocated) = (budget.steps_taken(), budget.allocated());
    Outcome { result, steps, allocated, peak, time: started.elapsed(), stretch: stretch.get() }
}

#[test]
fn every_hostile_template_stops_within_its_bounds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let only = std::env::var("HOSTILE_ONLY").unwrap_or_default();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || run_table(&only)).unwrap();
    let wrong = thread.join().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn run_table(only: &str) -> Vec<String> {
    let items = BTreeMap::from([
        ("value".to_owned(), vec![b'v'; 100_000]),
        ("big".to_owned(), vec![b'v'; 2_000_000]),
        ("bytes".to_owned(), vec![0xFF; 100_000]),
    ]);
    let cases = cases();
    assert!(cases.len() >= 120);
    // What is made once in a process and kept does not count for the template that comes first.
    for template in [r#"{{ semverCompare "1 - 2" "1" }}"#, r#"{{ regexMatch "\\pL" "a" }}{{ quote "ä" | kebabcase }}"#]
    {
        rendered(template, &items, Limits::default()).result.unwrap();
    }
    let steps = std::env::var("HOSTILE_STEPS").map_or(STEPS, |steps| steps.parse().unwrap());
    let from: usize = std::env::var("HOSTILE_FROM").map_or(0, |from| from.parse().unwrap());
    let mut wrong = Vec::new();
    for case in cases.iter().skip(from).filter(|case| case.name.contains(only)) {
        let limits = if case.ends == "limit" { Limits { steps, ..Limits::default() } } else { Limits::default() };
        let outcome = rendered(&case.template, &items, limits);
        let told = outcome.result.as_ref().map_or_else(ToString::to_string, |bytes| format!("{} bytes", bytes.len()));
        let line = format!(
            "{:<24} {:>8} steps {:>6} of {:>6} KiB {:>7.1} ms {:>6.1} ms  {told}",
            case.name,
            outcome.steps,
            outcome.peak >> 10,
            outcome.allocated >> 10,
            outcome.time.as_secs_f64() * 1000.0,
            outcome.stretch.as_secs_f64() * 1000.0,
        );
        println!("{line}");
        let ended = match &outcome.result {
            Ok(_) => "ends",
            Err(error) => error.class().reason(),
        };
        let expected = if case.ends == "fails" { "execution" } else { case.ends };
        let texts = outcome.result.as_ref().err().map_or(0, |error| error.go_text().len());
        // What the budget counts is what is taken, but for the output, the message and what is too small to count.
        let uncounted = outcome.peak > usize::try_from(outcome.allocated).unwrap() + UNCOUNTED;
        if ended != expected
            || outcome.steps > limits.steps
            || outcome.peak > MOST
            || uncounted
            || texts > LONGEST_MESSAGE
        {
            wrong.push(line);
        }
        let next = rendered("{{ len .value }}", &items, Limits::default());
        assert_eq!(next.result.unwrap(), b"100000", "what is rendered next is not harmed");
    }
    wrong
}

/// A function that gets one text many times goes through it many times: each of them is counted.
#[test]
fn every_reference_to_a_long_text_is_counted() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = "1".repeat(LONG);
    let steps = |call: &str, count: usize| {
        let items = BTreeMap::from([("x".to_owned(), text.clone().into_bytes())]);
        let template = format!("{{{{ $d := dict .x 1 }}}}{{{{ {} }}}}", call.replace("...", &" $.x".repeat(count)));
        let template = template.replace("DICTS", &" $d".repeat(count));
        let outcome = rendered(&template, &items, Limits::default());
        assert!(outcome.result.is_ok(), "{call}: {:?}", outcome.result);
        outcome.steps
    };
    for call in [
        "add ...",
        "mul ...",
        "max ...",
        "min ...",
        "maxf ...",
        "minf ...",
        "join \"\" (list ...) | len",
        "sortAlpha (list ...) | len",
        "pluck .x DICTS | len",
    ] {
        let more = steps(call, 21) - steps(call, 1);
        let bytes = 20 * LONG as u64;
        assert!(more >= bytes / FASTEST, "{call}: {more} steps for {bytes} bytes");
    }
}

/// The other cases of a class's characters are looked up one by one.
#[test]
fn every_folded_character_is_counted() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let steps = |flags: &str| {
        let template = format!("{{{{ regexMatch \"{flags}[\\\\x{{0}}-\\\\x{{10FFFF}}]\" \"a\" }}}}");
        let outcome = rendered(&template, &BTreeMap::new(), Limits::default());
        assert_eq!(outcome.result.unwrap(), b"true", "{template}");
        outcome.steps
    };
    let more = steps("(?i)") - steps("");
    assert!(more >= 0x11_0000 / FASTEST, "{more} steps");
}

#[test]
fn a_failure_names_its_line_and_shows_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let items = BTreeMap::from([("value".to_owned(), b"hunter2-hunter2".to_vec())]);
    for (template, line, column) in [
        ("a\n{{ fail .value }}", 2, 4),
        ("a\n\n{{ mustToDate \"2006\" .value }}", 3, 4),
        ("{{ index .value 99 }}", 1, 4),
        ("\n{{ repeat 1000000000 .value }}", 2, 4),
    ] {
        let error = rendered(template, &items, Limits::default()).result.unwrap_err();
        assert_eq!((error.line(), error.column()), (line, column), "{template}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(&format!("at line {line}, column {column}")), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let class = |template: &str| rendered(template, &items, Limits::default()).result.unwrap_err().class();
    assert_eq!(class("{{ repeat 1000000000 .value }}"), ErrorClass::Limit);
    assert_eq!(class("{{ genCA .value 1 }}"), ErrorClass::Refused);
}

/// Half of what the smallest thread of the controller has; without optimisation each call takes several times as much.
const STACK: usize = if cfg!(debug_assertions) { 2 << 20 } else { 256 << 10 };
/// A tenth of what templates have: those that end at a bound end at this one, too, and ten times as soon. `HOSTILE_STEPS`
/// sets another number.
const STEPS: u64 = 100_000;
/// Beside what the process had.
const MOST: usize = 16 << 20;
const UNCOUNTED: usize = 2 << 20;
const LONG: usize = 100_000;
/// Bytes that one step goes through at most.
const FASTEST: u64 = 256;
const LONGEST_MESSAGE: usize = 128 << 10;
