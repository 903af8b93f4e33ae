//! `sealer move PATH...` on the command line.

use sealer_go::pflag::{Flag, Kind};

use super::{Parsed, given, parsed, reseal};
use crate::cluster::Choice;
use crate::diagnostics::CliError;
use crate::key_flags::PASSPHRASE_FILE;
use crate::kubernetes_flags;
use crate::request::keys::Restore;
use crate::request::{Move, Request, Reseal};

pub(super) fn read(args: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Request, CliError> {
    let values = match parsed("sealer move", &table(), args, variable, wrong)? {
        Parsed::Values(values) => values,
        Parsed::Help(text) => return Ok(Request::Print(text)),
    };
    let chosen = kubernetes_flags::choice(&values);
    let keys_in = given(&values, "from-context").map(|context| Choice { context: Some(context), ..chosen.clone() });
    let cluster = Choice { context: given(&values, "to-context"), ..chosen };
    let mut moved = Reseal { keys_in, ..reseal::request(&values, cluster, variable)? };
    moved.keys.files.extend_from_slice(values.list("from-backup"));
    if values.is_on("restore-keys") {
        return restore_keys(moved).map(Request::Move);
    }
    if !moved.is_offline() {
        return Err(wrong(
            "`sealer move` needs the old cluster's keys: --from-backup FILE or --from-context NAME".to_owned(),
        ));
    }
    if moved.cluster.context.is_none() && moved.certificate.is_none() {
        return Err(wrong("`sealer move` needs the new cluster: --to-context NAME, or --cert FILE of it".to_owned()));
    }
    if moved.search.paths.is_empty() {
        return Err(wrong("`sealer move` needs at least one file or folder".to_owned()));
    }
    Ok(Request::Move(Move::Reseal(Box::new(moved))))
}

fn restore_keys(moved: Reseal) -> Result<Move, CliError> {
    if moved.keys.is_empty() || moved.cluster.context.is_none() {
        return Err(CliError::command_line("`--restore-keys` needs the old keys and the new cluster")
            .hint("sealer move --restore-keys --from-backup old.keys --to-context new"));
    }
    let Reseal { keys, cluster, dry_run, json, search, .. } = moved;
    let paths = search.paths;
    Ok(Move::RestoreKeys { keys: Box::new(Restore { cluster, keys, dry_run, json }), paths })
}

/// The flags of `sealer move`. There are two clusters, and each has a flag of its own.
pub(crate) fn table() -> Vec<Flag> {
    let cluster = kubernetes_flags::TABLE.iter().filter(|flag| flag.name != "context");
    OWN.iter().chain(reseal::SHARED).chain(cluster).copied().collect()
}

fn wrong(message: String) -> CliError {
    CliError::command_line(message).hint("sealer move --from-backup old.keys --to-context new deploy/")
}

const OWN: &[Flag] = &[
    Flag::new(
        "from-backup",
        Kind::List,
        "",
        "Files with the old cluster's private keys: backups, PEM, key Secrets or Lists of them.",
    )
    .without_variable(),
    Flag::new("from-context", Kind::Text, "", "Context of the old cluster, to read its keys with your rights.")
        .without_variable(),
    PASSPHRASE_FILE,
    Flag::new(
        "restore-keys",
        Kind::Switch,
        "",
        "Give the new cluster the old keys instead, beside its own; the files stay as they are.",
    )
    .without_variable(),
    Flag::new("to-context", Kind::Text, "", "Context of the new cluster, whose certificate is sealed for.")
        .without_variable(),
];
