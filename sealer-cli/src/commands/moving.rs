//! `sealer move`: a tree of files that is sealed for the old cluster opens in the new one.

use crate::commands::{keys, reseal};
use crate::diagnostics::CliError;
use crate::request::Move;
use crate::ui::Ui;

pub(crate) fn run(request: &Move, ui: &mut Ui) -> Result<(), CliError> {
    match request {
        Move::Reseal(request) => {
            reseal::run(request, ui)?;
            if request.writes() && !request.json {
                ui.notice("The new cluster opens them as soon as they are applied there; the old one no longer does.");
            }
        }
        Move::RestoreKeys { keys: request, paths } => {
            keys::restore::run(request, ui)?;
            if !request.json {
                let paths = if paths.is_empty() { "PATH".to_owned() } else { paths.join(" --in ") };
                let files = request.keys.files.join(" ");
                ui.notice("The files stay as they are. Whether these keys open all of them shows:");
                ui.notice(&format!("sealer keys check {files} --in {paths}"));
            }
        }
    }
    Ok(())
}
