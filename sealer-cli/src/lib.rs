//! Turns files into sealed files: `compat` and `cli` read the command line into a `request`, `commands` carry it out,
//! `manifest` reads and writes documents, `cluster` talks to the API server, `ui` is the only writer.

use std::process::ExitCode;

use crate::diagnostics::{CliError, quiet_panics};
use crate::ui::Ui;

mod certificate;
mod cli;
mod cluster;
mod commands;
mod compat;
mod diagnostics;
mod encrypted;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod in_place;
mod input;
mod key_files;
mod key_flags;
mod kubernetes_flags;
mod leak;
mod manifest;
mod names;
mod network;
mod placeholder;
mod process;
mod prompt;
mod record;
mod reference;
mod request;
mod sealed_secret;
mod spelling;
mod tree;
mod ui;
mod unchanged;

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

fn run(args: &[String], variable: &dyn Fn(&str) -> Option<String>, ui: &mut Ui) -> Result<(), CliError> {
    let (program, rest) = args.split_first().map_or(("sealer", args), |(program, rest)| (program.as_str(), rest));
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let request = match cli::verb(program, rest) {
        Some((verb, rest)) => cli::read(verb, rest, variable)?,
        None => compat::read(program, rest, variable)?,
    };
    commands::run(request, ui)
}
