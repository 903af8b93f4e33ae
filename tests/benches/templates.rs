//! How long does a template of ten lines take, beside Go and sprig in the same run?
//!
//! `cargo bench -p sealer-tests --bench templates`
#![expect(clippy::print_stdout, reason = "the figures are what is asked for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sealer_go::template::{Budget, Context, Environment, Functions, Limits, render};

const TEMPLATE: &str = include_str!("ten-lines.tmpl");
const RUNS: u32 = 20_000;

fn main() -> Result<()> {
    let own = own()?;
    println!("ten lines, parsed and rendered: {:.1} us", own.as_secs_f64() * 1e6);
    match go() {
        Ok(go) => println!("Go and sprig: {:.1} us, {:.2}x", go, own.as_secs_f64() * 1e6 / go),
        Err(error) => println!("not compared with Go: {error:#}"),
    }
    Ok(())
}

/// The time of one rendering, in the middle of nine rounds.
fn own() -> Result<Duration> {
    let items: BTreeMap<String, Vec<u8>> =
        [("user", "admin"), ("password", "hunter2&<>"), ("host", "db.shop.test"), ("port", "5432")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
    let context = Context::new(items, &BTreeMap::from([("out".to_owned(), TEMPLATE.to_owned())]));
    let environment = Environment { now: jiff::Timestamp::UNIX_EPOCH, functions: Functions { expensive: false } };
    let mut rounds = Vec::new();
    for _ in 0..9 {
        let started = Instant::now();
        for _ in 0..RUNS {
            let clock = move || started.elapsed();
            let mut budget = Budget::new(Limits::default(), &clock);
            render("out", TEMPLATE, &context, &environment, &mut budget)?;
        }
        rounds.push(started.elapsed() / RUNS);
    }
    rounds.sort();
    rounds.get(4).copied().context("there are nine rounds")
}

/// Microseconds of the same in Go.
fn go() -> Result<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("template-oracle");
    let output = Command::new("go").args(["run", ".", "../benches/ten-lines.tmpl"]).current_dir(folder).output();
    let output = output.context("there is no Go toolchain on the PATH")?;
    String::from_utf8_lossy(&output.stdout).trim().parse().context("Go gave no number")
}
