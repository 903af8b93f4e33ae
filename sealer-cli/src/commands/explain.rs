//! explain
use crate::{diagnostics::CliError, request::items::Explain, ui::Ui};
pub(crate) fn run(request: &Explain, ui: &mut Ui) -> Result<(), CliError> {
    let _ = (request, ui);
    Ok(())
}
