//! `sealer move`: a tree of files sealed for the old cluster is sealed for the new one.

use crate::commands::reseal;
use crate::diagnostics::CliError;
use crate::request::Reseal;
use crate::ui::Ui;

pub(crate) fn run(request: &Reseal, ui: &mut Ui) -> Result<(), CliError> {
    reseal::run(request, ui)?;
    if request.writes() && !request.json {
        ui.notice("The new cluster opens them as soon as they are applied there; the old one no longer does.");
    }
    Ok(())
}
