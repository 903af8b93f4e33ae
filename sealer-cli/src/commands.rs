//! One verb a file: its arguments, their checks, and what is done.

use clap::{Command, CommandFactory as _, Parser, Subcommand};

use crate::args::{self, Parsed, Variable};
use crate::diagnostics::CliError;
use crate::ui::Ui;

mod edit;
mod explain;
pub(crate) mod fetch_certificate;
mod keys;
pub(crate) mod merge_into;
mod moving;
pub(crate) mod online;
pub(crate) mod overwritten;
mod plaintext_leak;
pub(crate) mod raw;
pub(crate) mod recovery_unseal;
mod reseal;
pub(crate) mod rewrite;
pub(crate) mod seal;
mod set;
pub(crate) mod target;
mod template_check;
mod unseal_raw;
mod unset;
mod value;
mod view;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use edit::reads_back;

/// Turns Kubernetes Secrets into SealedSecrets that are safe to keep in Git.
#[derive(Debug, Parser)]
#[command(name = "sealer", version, disable_version_flag = true, subcommand_required = true)]
struct Sealer {
    #[command(subcommand)]
    verb: Verb,
}

/// A verb, which stands before all flags: `sealer keys rotate --context staging`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Work(Work),
    /// Print a completion script.
    #[command(override_usage = "sealer completions SHELL", after_help = COMPLETIONS)]
    Completions {
        /// bash, zsh, fish or powershell.
        #[arg(value_name = "SHELL")]
        words: Vec<String>,
    },
    /// Print the manual page.
    #[command(override_usage = "sealer man", after_help = MAN)]
    Man {
        #[arg(hide = true)]
        words: Vec<String>,
    },
}

/// A verb that works on files or on a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Work {
    Set(Box<set::Args>),
    Unset(unset::Args),
    Edit(Box<edit::Args>),
    View(view::Args),
    Explain(Box<explain::Args>),
    #[command(subcommand)]
    Template(template_check::Verb),
    Unseal(unseal_raw::Args),
    Reseal(Box<reseal::Args>),
    Move(Box<moving::Args>),
    #[command(subcommand)]
    Keys(Box<keys::Verb>),
}

/// Whether a word is a verb.
pub(crate) fn is_verb(word: &str) -> bool {
    names().any(|name| name == word)
}

/// The names of all verbs.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TASKS.iter().flat_map(|(_, names)| *names).copied()
}

/// The names of the verbs of `sealer keys`.
pub(crate) fn keys_names() -> impl Iterator<Item = &'static str> {
    keys::NAMES.into_iter()
}

/// Reads a command line that begins with a verb.
pub(crate) fn read(words: &[String], variable: Variable<'_>) -> Result<Parsed<Verb>, CliError> {
    args::parse::<Sealer>(&command(), words, variable).map(|parsed| match parsed {
        Parsed::Verb(sealer) => Parsed::Verb(sealer.verb),
        Parsed::Help(text) => Parsed::Help(text),
    })
}

/// All verbs as clap knows them.
pub(crate) fn command() -> Command {
    Sealer::command()
}

/// Carries a verb out.
pub(crate) fn run(work: Work, variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    match work {
        Work::Set(args) => set::run(*args, ui),
        Work::Unset(args) => unset::run(args, ui),
        Work::Edit(args) => edit::run(*args, variable, ui),
        Work::View(args) => view::run(args, ui),
        Work::Explain(args) => explain::run(*args, ui),
        Work::Template(verb) => template_check::run(verb, ui),
        Work::Unseal(args) => unseal_raw::run(args, ui),
        Work::Reseal(args) => reseal::run(*args, variable, ui),
        Work::Move(args) => moving::run(*args, variable, ui),
        Work::Keys(verb) => keys::run(*verb, variable, ui),
    }
}

/// All verbs by what they are for.
pub(crate) const TASKS: [(&str, &[&str]); 5] = [
    ("Seal", &["seal", "set", "unset", "edit"]),
    ("Look", &["view", "explain", "template", "unseal"]),
    ("Follow a new key or cluster", &["reseal", "move"]),
    ("Keys of a cluster", &["keys"]),
    ("Help", &["completions", "man"]),
];
const COMPLETIONS: &str = "Examples:\n  sealer completions bash > /etc/bash_completion.d/sealer";
const MAN: &str = "Examples:\n  sealer man | man -l -; sealer COMMAND --help lists the flags of one command";
