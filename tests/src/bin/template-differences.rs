//! Do made-up templates render as Go and sprig render them? A Go toolchain answers beside this engine.
//!
//! `template-differences [CASES] [SEED]` makes up templates (a million with seed 1 if nothing else is said) and ends
//! with status 1 if any is rendered otherwise. `template-differences record` writes the answers that
//! tests/tests/templates.rs holds this engine against where there is no Go.
#![expect(clippy::print_stdout, reason = "the differences are what is asked for")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitCode, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, bail};
use sealer_encoding::base64;
use sealer_tests::template_differences::{Answer, Comparison, compare, items};
use sealer_tests::template_maker::Maker;
use serde_json::{Value, json};

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "record") {
        record()?;
        return Ok(ExitCode::SUCCESS);
    }
    let numbers: Vec<u64> =
        words.iter().map(|word| word.parse().context("CASES and SEED are numbers")).collect::<Result<_>>()?;
    let (cases, seed) = (numbers.first().copied().unwrap_or(1_000_000), numbers.get(1).copied().unwrap_or(1));
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut different = 0_u64;
    let mut made = Maker::new(seed);
    let mut sent = Maker::new(seed);
    ask_go(
        cases,
        move || sent.template(),
        |answer| {
            let template = made.template();
            match compare(&template, &items(), answer) {
                Comparison::Same => *counts.entry("the same").or_default() += 1,
                Comparison::Bounded => *counts.entry("stopped at a bound").or_default() += 1,
                Comparison::OnPurpose(reason) => *counts.entry(reason).or_default() += 1,
                Comparison::Different(why) => {
                    different += 1;
                    println!("{template}\n{why}\n");
                }
            }
        },
    )?;
    println!("{cases} templates of seed {seed}, {different} rendered otherwise; {counts:?}");
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes what Go makes of the templates of each kind, and of some of each function and method.
fn record() -> Result<()> {
    let folder = folder();
    let kinds = std::fs::read_to_string(folder.join("kinds.txt"))?;
    let mut templates: Vec<String> =
        kinds.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    templates.extend(Maker::new(RECORDED_SEED).of_each(CALLS_OF_EACH));
    let mut lines = String::new();
    let mut asked = templates.clone().into_iter();
    let mut answered = templates.iter();
    let mut left_out = 0_u64;
    ask_go(
        templates.len() as u64,
        move || asked.next().unwrap_or_default(),
        |answer| {
            let template = answered.next().map(String::as_str).unwrap_or_default();
            if matches!(compare(template, &items(), answer), Comparison::Bounded | Comparison::OnPurpose(_)) {
                left_out += 1;
                return;
            }
            lines.push_str(&answer.to_json(template).to_string());
            lines.push('\n');
        },
    )?;
    std::fs::write(folder.join("recorded.jsonl"), &lines)?;
    println!("{} answers recorded, {left_out} bounded or other on purpose", lines.lines().count());
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("template-oracle")
}

/// Has Go answer so many templates, one after the other.
fn ask_go(
    cases: u64,
    mut template: impl FnMut() -> String + Send + 'static,
    mut each: impl FnMut(&Answer),
) -> Result<()> {
    let mut go = Command::new("go")
        .args(["run", "."])
        .current_dir(folder())
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("a Go toolchain is needed on the PATH")?;
    let data: BTreeMap<String, String> =
        items().into_iter().map(|(name, value)| (name, base64::encode(&value))).collect();
    let mut input = go.stdin.take().context("go has an input")?;
    let writer: JoinHandle<std::io::Result<()>> = std::thread::spawn(move || {
        for case in 0..cases {
            // The data is sent once, and holds for what follows.
            let mut question = json!({"template": template()});
            if let (0, Some(question)) = (case, question.as_object_mut()) {
                question.insert("data".to_owned(), json!(data));
            }
            writeln!(input, "{question}")?;
        }
        Ok(())
    });
    let output: BufReader<ChildStdout> = BufReader::new(go.stdout.take().context("go has an output")?);
    let mut answers = 0_u64;
    for line in output.lines() {
        let answer: Value = serde_json::from_str(&line?)?;
        each(&Answer::from_json(&answer));
        answers += 1;
    }
    if !matches!(writer.join(), Ok(Ok(()))) || !go.wait()?.success() || answers != cases {
        bail!("Go answered {answers} of {cases} templates");
    }
    Ok(())
}

/// Of the recorded templates.
const RECORDED_SEED: u64 = 18;
const CALLS_OF_EACH: usize = 8;
