//! Turns files into sealed files: `commands` has one verb a file, read with `args`; `kubeseal` is the surface without verbs;
//! `manifest` reads and writes documents, `cluster` talks to the API server, `ui` is the only writer.

use std::process::ExitCode;

use crate::args::{Parsed, Variable};
use crate::cluster::Asking;
use crate::commands::Verb;
use crate::diagnostics::{CliError, quiet_panics};
use crate::kubeseal::Asked;
use crate::ui::Ui;

mod args;
mod certificate;
mod cluster;
mod commands;
mod diagnostics;
mod encrypted;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod in_place;
mod input;
mod key_files;
mod kubeseal;
mod leak;
mod manifest;
mod names;
mod network;
mod placeholder;
mod previous_ciphertexts;
mod process;
mod prompt;
mod reference;
mod request;
mod reseal_cache;
mod sealed_secret;
mod spelling;
mod tree;
mod ui;

/// Runs one command line (the program's name first).
pub fn main(args: Vec<String>, variable: impl Fn(&str) -> Option<String>) -> ExitCode {
    process::protect();
    quiet_panics();
    if args.get(1).is_some_and(|word| word == cluster::RUN_PLUGIN) {
        return cluster::become_plugin(std::env::args_os().skip(2));
    }
    let mut ui = Ui::new();
    let outcome = run(&args, &variable, &mut ui);
    let finished = outcome.and_then(|()| ui.finish());
    finished.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

fn run(args: &[String], variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    let (program, rest) = args.split_first().map_or(("sealer", args), |(program, rest)| (program.as_str(), rest));
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let has_verbs = !kubeseal::is_old_name(program);
    match rest.split_first().filter(|_| has_verbs) {
        Some((word, rest)) if word == SEAL => without_verb(program, rest, variable, ui, Asking::Shortest),
        Some((word, _)) if commands::is_verb(word) => verb(rest, variable, ui),
        // What watches scripts (a proxy, an audit) knows the requests.
        _ => without_verb(program, rest, variable, ui, Asking::AsRecorded),
    }
}

fn verb(words: &[String], variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    match commands::read(words, variable)? {
        Parsed::Help(text) => ui.write(text),
        Parsed::Verb(Verb::Work(work)) => commands::run(work, variable, ui)?,
        Parsed::Verb(Verb::Completions { words }) => ui.write(reference::completions(&words)?),
        Parsed::Verb(Verb::Man { words }) => ui.write(reference::man(&words)?),
    }
    Ok(())
}

fn without_verb(
    program: &str,
    words: &[String],
    variable: Variable<'_>,
    ui: &mut Ui,
    asking: Asking,
) -> Result<(), CliError> {
    match kubeseal::read(program, words, variable)? {
        Asked::Command(mut command) => {
            command.cluster.asking = asking;
            return kubeseal::run(&command, ui);
        }
        Asked::Version(text) => ui.write(text),
        Asked::Usage(text) => {
            ui.write(text);
            if !kubeseal::is_old_name(program) {
                ui.write(reference::verbs());
            }
        }
    }
    Ok(())
}

/// The name of what is done without a verb.
const SEAL: &str = "seal";
