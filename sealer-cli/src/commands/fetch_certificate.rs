//! `--fetch-cert`: the certificate as its source gives it, unchecked.

use crate::certificate;
use crate::diagnostics::CliError;
use crate::request::Compat;
use crate::ui::Ui;

pub(crate) fn run(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
    ui.write(certificate::fetch(request.certificate.as_deref(), &request.cluster)?);
    Ok(())
}
