//! `sealer template check`: are the templates of SealedSecrets templates, and do they run? Without any key.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sealer_go::template::{Budget, Context, Environment, ErrorClass, Functions, Limits, TemplateError, render};
use sealer_resource::KIND;
use serde_json::Value;

use crate::args::files::FileArgs;
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest;
use crate::manifest::node::Node;
use crate::manifest::read::{self, Wanted};
use crate::ui::{self, Ui};

/// Templates in SealedSecrets.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    Check(Args),
}

/// Parse and render the templates of SealedSecrets with placeholders, without any key.
///
/// Parses the templates of all SealedSecrets in the files and renders them with a placeholder for every value, without any
/// key: for a pre-commit hook. What is no template, calls a function that does not exist or that controllers refuse, or goes
/// beyond a bound is an error with its place; what fails with placeholders only, or renders `<no value>`, is a warning.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer template check [FLAGS] FILE...", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Accept functions that make keys or are slow on purpose, as the controller's flag of this name does.
    #[arg(long)]
    allow_expensive_template_functions: bool,
    /// Count warnings as errors.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    files: FileArgs,
}

pub(crate) fn run(Verb::Check(args): Verb, ui: &Ui) -> Result<(), CliError> {
    let functions = Functions { expensive: args.allow_expensive_template_functions };
    let files = args.files.all()?;
    if files.is_empty() {
        return Err(CliError::command_line(
            "`sealer template check` needs at least one file, or `-` for standard input",
        )
        .hint("sealer template check deploy/*.yaml"));
    }
    let mut count = Count::default();
    for file in &files {
        let path = Some(file.as_str()).filter(|path| *path != "-");
        let bytes = input::read(path, Input::Manifests)?;
        let documents = read::documents(&bytes, path.unwrap_or("stdin"), Wanted::SealedSecrets)?;
        // What was to make the manifests has failed, most likely.
        if path.is_none() && documents.iter().all(|document| document.node.field("kind").is_none()) {
            return Err(CliError::new("standard input holds no object of Kubernetes; nothing was checked")
                .hint("did the command before the pipe fail? `set -o pipefail` tells"));
        }
        for document in documents {
            if document.node.field("kind").and_then(Node::as_text) == Some(KIND) {
                check(file, &document.value()?, functions, &mut count, ui);
            }
        }
    }
    ui.notice(&format!("{} templates: {} errors, {} warnings", count.templates, count.errors, count.warnings));
    let failed = count.errors + if args.strict { count.warnings } else { 0 };
    match failed {
        0 => Ok(()),
        1 => Err(CliError::new("a template would fail")),
        several => Err(CliError::new(format!("{several} templates would fail"))),
    }
}

#[derive(Default)]
struct Count {
    templates: usize,
    errors: usize,
    warnings: usize,
}

type Texts = BTreeMap<String, String>;

/// Renders every template of one object with placeholders for its values.
fn check(file: &str, object: &Value, functions: Functions, count: &mut Count, ui: &Ui) {
    let texts = |path: &str| -> Texts {
        let entries = object.pointer(path).and_then(Value::as_object).into_iter().flatten();
        entries.map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned())).collect()
    };
    let templates = texts("/spec/template/data");
    let placeholders = texts("/spec/encryptedData").into_keys().map(|item| (item, PLACEHOLDER.to_vec())).collect();
    let context = Context::new(placeholders, &templates);
    let started = Instant::now();
    let clock = move || started.elapsed();
    let limits = Limits { time: RENDER_TIMEOUT, ..Limits::default() };
    let mut budget = Budget::new(limits, &clock);
    let environment = Environment { now: ui::now(), functions };
    for (item, text) in &templates {
        count.templates += 1;
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let place = format!("{file}: SealedSecret `{name}`, item `{item}`");
        let outcome = render(item, text, &context, &environment, &mut budget);
        report(&place, text, outcome, count, ui);
    }
}

/// Tells and counts what came of one template.
fn report(place: &str, text: &str, outcome: Result<Vec<u8>, TemplateError>, count: &mut Count, ui: &Ui) {
    match outcome {
        Ok(rendered) if manifest::holds(&rendered, "<no value>") => {
            count.warnings += 1;
            ui.notice(&format!("warning: {place}: it renders `<no value>`: an item that it asks for does not exist"));
        }
        Ok(_) => {}
        // A placeholder is no number, no JSON and no certificate: the value itself may do.
        Err(error) if error.class() == ErrorClass::Execution => {
            count.warnings += 1;
            ui.notice(&format!(
                "warning: {place}: {error} (with placeholders for all values)\n{}",
                excerpt(text, &error)
            ));
        }
        Err(error) => {
            count.errors += 1;
            ui.notice(&format!("error: {place}: {error}\n{}", excerpt(text, &error)));
        }
    }
}

/// The line that failed, with a mark under the place.
fn excerpt(text: &str, error: &TemplateError) -> String {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.get(..error.column().saturating_sub(1)).unwrap_or_default();
    let indent: String = before.chars().map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    let number = error.line().to_string();
    let margin = " ".repeat(number.len());
    format!("{margin} |\n{number} | {line}\n{margin} | {indent}^")
}

const PLACEHOLDER: &[u8] = b"placeholder";
/// For all templates of one object.
const RENDER_TIMEOUT: Duration = Duration::from_secs(10);
const EXAMPLES: &str = "Examples:
  sealer template check deploy/*.yaml
  helm template chart | sealer template check --strict -";
