//! `sealer keys`: the life of a cluster's sealing keys, one verb a file.

use clap::Subcommand;

use crate::args::Variable;
use crate::args::files::refuse_empty;
use crate::args::keys::PassphraseArgs;
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::ui::Ui;

mod backup;
mod check;
mod cluster_keys;
mod list;
pub(super) mod restore;
mod retire;
mod rotate;
mod survey;

/// Sealing keys of a cluster.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    List(list::Args),
    Rotate(rotate::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Check(check::Args),
    Retire(retire::Args),
}

pub(super) fn run(verb: Verb, variable: Variable<'_>, ui: &mut Ui) -> Result<(), CliError> {
    let (name, outcome) = match verb {
        Verb::List(args) => ("list", args.checked().map(|list| list::run(&list, ui))),
        Verb::Rotate(args) => ("rotate", args.checked(variable).map(|rotate| rotate::run(&rotate, ui))),
        Verb::Backup(args) => ("backup", args.checked().map(|backup| backup::run(&backup, ui))),
        Verb::Restore(args) => ("restore", args.checked().map(|keys| restore::restore(&keys, ui))),
        Verb::Check(args) => ("check", args.checked().map(|check| check::run(&check, ui))),
        Verb::Retire(args) => ("retire", args.checked().map(|retire| retire::run(&retire, ui))),
    };
    outcome.map_err(|error| error.hint(format!("sealer keys {name} --help")))?
}

/// The files with keys that a verb is given.
fn key_sources(verb: &str, files: Vec<String>, passphrase: PassphraseArgs) -> Result<KeySources, CliError> {
    refuse_empty(&files)?;
    if files.is_empty() {
        return Err(CliError::command_line(format!(
            "`sealer keys {verb}` needs a file that `sealer keys backup` wrote"
        )));
    }
    Ok(KeySources { files, passphrase_file: passphrase.0 })
}

/// In the order of a key's life.
pub(super) const NAMES: [&str; 6] = ["list", "rotate", "backup", "restore", "check", "retire"];
const EXAMPLES: &str = "Examples:
  sealer keys list
  sealer keys backup -o sealing-keys-2026-01
  sealer keys rotate --reseal deploy/";
