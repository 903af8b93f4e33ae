//! Do made-up templates render as Go and sprig render them? A Go toolchain answers beside this engine.
//!
//! `cargo run -p sealer-tests --bin template-differences -- [CASES] [SEED]`; ends with status 1 if any differs.
#![expect(clippy::print_stdout, reason = "the differences are what is asked for")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sealer_core::base64;
use sealer_core::template::{Budget, Context, Environment, ErrorClass, Functions, Limits, render};
use sealer_tests::template_maker::Maker;
use serde_json::{Value, json};

fn main() -> Result<ExitCode> {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|word| word.parse().context("CASES and SEED are numbers"))
        .collect::<Result<_>>()?;
    let (cases, seed) = (numbers.first().copied().unwrap_or(20_000), numbers.get(1).copied().unwrap_or(1));
    let mut maker = Maker::new(seed);
    let templates: Vec<String> = (0..cases).map(|_| maker.template()).collect();
    let items = items();
    let answers = ask_go(&templates, &items)?;
    let mut different = 0_u64;
    for (template, answer) in templates.iter().zip(&answers) {
        if let Some(why) = difference(template, &items, answer) {
            different += 1;
            println!("{template}\n{why}\n");
        }
    }
    println!("{} templates of seed {seed}, {different} rendered otherwise", answers.len());
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the templates see: text, numbers, bytes that are no text, and nothing.
fn items() -> BTreeMap<String, Vec<u8>> {
    let items: [(&str, &[u8]); 6] = [
        ("a", b"Hello, World"),
        ("n", b"42"),
        ("u", "stra\u{df}e \u{e4}\u{f6}\u{20ac}".as_bytes()),
        ("b", b"\xff\x00z\xc3"),
        ("e", b""),
        ("j", br#"{"k":[1,2.5,"x",null,true]}"#),
    ];
    items.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

#[expect(clippy::disallowed_methods, reason = "Go reads its clock, too")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn ask_go(templates: &[String], items: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("template-oracle");
    let mut go = Command::new("go")
        .args(["run", "."])
        .current_dir(folder)
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("a Go toolchain is needed on the PATH")?;
    let data: BTreeMap<&String, String> = items.iter().map(|(name, value)| (name, base64::encode(value))).collect();
    let lines: Vec<String> =
        templates.iter().map(|template| json!({"template": template, "data": data}).to_string()).collect();
    let mut input = go.stdin.take().context("go has an input")?;
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(input, "{line}")));
    let output = BufReader::new(go.stdout.take().context("go has an output")?);
    let answers = output.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<Vec<Value>>>()?;
    if writer.join().is_err() || !go.wait()?.success() || answers.len() != templates.len() {
        bail!("Go answered {} of {} templates", answers.len(), templates.len());
    }
    Ok(answers)
}

fn difference(template: &str, items: &BTreeMap<String, Vec<u8>>, answer: &Value) -> Option<String> {
    let context = Context::new(items.clone(), &BTreeMap::from([("out".to_owned(), template.to_owned())]));
    let environment = Environment { now: now(), functions: Functions { expensive: true } };
    let clock = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &clock);
    let rendered = render("out", template, &context, &environment, &mut budget);
    let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default();
    match rendered {
        Err(error) if error.class() == ErrorClass::Limit => None,
        Ok(bytes) if text("class").is_empty() => {
            let wanted = base64::decode(text("result")).unwrap_or_default();
            let shown = |bytes: &[u8]| format!("{:?}", String::from_utf8_lossy(bytes));
            (bytes != wanted).then(|| format!("  Go   {}\n  here {}", shown(&wanted), shown(&bytes)))
        }
        Ok(bytes) => Some(format!("  Go   {}\n  here {:?}", text("error"), String::from_utf8_lossy(&bytes))),
        Err(error) if error.class().reason() == text("class") => {
            (error.go_text() != text("error")).then(|| format!("  Go   {}\n  here {}", text("error"), error.go_text()))
        }
        Err(error) => Some(format!("  Go   {} {:?}\n  here {}", text("error"), text("result"), error.go_text())),
    }
}
