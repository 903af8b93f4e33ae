//! The flags that name private keys, alike in every verb that opens values.

use clap::{ArgMatches, Command, Error};
use sealer_go::pflag::{Flag, Kind, Values};

use super::flags::{Given, argument};
use crate::key_files::KeySources;

/// The private keys that a verb is given.
#[derive(Debug)]
pub(crate) struct KeyArgs(pub(crate) KeySources);

impl clap::Args for KeyArgs {
    fn augment_args(command: Command) -> Command {
        command.args(TABLE.iter().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for KeyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = Given(matches);
        let files = [given.list("private-key"), given.list("backup")].concat();
        Ok(Self(KeySources { files, passphrase_file: given.text("passphrase-file") }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The file with a passphrase, of a verb that is given no other keys.
#[derive(Debug)]
pub(crate) struct PassphraseArgs(pub(crate) Option<String>);

impl clap::Args for PassphraseArgs {
    fn augment_args(command: Command) -> Command {
        command.args(argument(&PASSPHRASE_FILE))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for PassphraseArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self(Given(matches).text(PASSPHRASE_FILE.name)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The rows that all commands with private keys share.
pub(crate) const TABLE: &[Flag] = &[
    Flag::new("backup", Kind::List, "", "Files that `sealer keys backup` wrote, with private keys that open values.")
        .without_variable(),
    PASSPHRASE_FILE,
    Flag::new(
        "private-key",
        Kind::List,
        "",
        "Files with private keys (PEM, key Secrets or Lists of them) that open values.",
    )
    .without_variable(),
];

/// The row of commands with an encrypted file.
const PASSPHRASE_FILE: Flag = Flag::new(
    "passphrase-file",
    Kind::Text,
    "",
    "File with the passphrase of a backup on its only line; without it the terminal asks.",
)
.without_variable();

/// What the flags name.
pub(crate) fn sources(values: &Values) -> KeySources {
    KeySources {
        files: [values.list("private-key"), values.list("backup")].concat(),
        passphrase_file: passphrase_file(values),
    }
}

fn passphrase_file(values: &Values) -> Option<String> {
    Some(values.text("passphrase-file").to_owned()).filter(|path| !path.is_empty())
}
