//! `sealer keys`: the life of a cluster's sealing keys, one verb a file.

use crate::diagnostics::CliError;
use crate::request::keys::Keys;
use crate::ui::Ui;

mod backup;
mod check;
mod cluster_keys;
mod list;
pub(super) mod restore;
mod retire;
mod rotate;
mod survey;

pub(super) fn run(verb: &Keys, ui: &mut Ui) -> Result<(), CliError> {
    match verb {
        Keys::List(list) => list::run(list, ui),
        Keys::Rotate(rotate) => rotate::run(rotate, ui),
        Keys::Backup(backup) => backup::run(backup, ui),
        Keys::Restore(restore) => restore::run(restore, ui),
        Keys::Check(check) => check::run(check, ui),
        Keys::Retire(retire) => retire::run(retire, ui),
    }
}
