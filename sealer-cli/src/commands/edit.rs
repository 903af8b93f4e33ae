//! edit
use crate::{diagnostics::CliError, request::items::Edit, ui::Ui};
pub(crate) fn run(request: &Edit, ui: &mut Ui) -> Result<(), CliError> {
    let _ = (request, ui);
    Ok(())
}
