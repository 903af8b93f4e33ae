//! `--raw`: one value, sealed, and nothing around it.

use sealer_core::{Label, Plaintext, Scope, seal};

use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::request::Compat;
use crate::ui::Ui;
use crate::{certificate, cluster};

pub(crate) fn run(request: &Compat, from_file: Option<&str>, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let label = label(request)?;
    if from_file.is_none() {
        ui.notice_terminal("(tty detected: expecting a secret to encrypt in stdin)");
    }
    let value = Plaintext::new(input::read(from_file, Input::Value)?);
    let sealed = seal(&value, &label, certificate.key()).map_err(|error| CliError::new(error.to_string()))?;
    ui.write(sealed.to_base64());
    Ok(())
}

fn label(request: &Compat) -> Result<Label, CliError> {
    let scope = request.scope.of_bare_value();
    if scope == Scope::ClusterWide {
        return Ok(Label::as_given(scope, "", ""));
    }
    let (namespace, _) = cluster::namespace(&request.cluster)?;
    if namespace.is_empty() {
        return Err(CliError::new(format!("must provide the --namespace flag with --raw and --scope {scope}")));
    }
    if scope == Scope::Strict && request.name.is_empty() {
        return Err(CliError::new(format!("must provide the --name flag with --raw and --scope {scope}")).hint(
            "a strict value opens under one name only; give it with --name, or widen with --scope namespace-wide",
        ));
    }
    Ok(Label::as_given(scope, &namespace, &request.name))
}
