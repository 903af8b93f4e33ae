//! `--raw`: one value, sealed, and nothing around it.

use std::fs;
use std::io::{self, IsTerminal as _};

use sealer_core::error::NameError;
use sealer_core::{Label, seal};

use crate::commands::value::{self, Origin};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::request::{Compat, RawValue};
use crate::ui::{Ui, Weight};
use crate::{certificate, cluster, names};

pub(crate) fn run(request: &Compat, from: &RawValue, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let (label, refused) = label(request)?;
    let (bytes, origin) = read(from, request.has_old_name, ui)?;
    let (value, told) = value::taken(bytes, request.trim);
    let encrypted = value::encrypted(&value, request.allow_encrypted_values)?;
    // Nothing is told of what is not sealed. Existing scripts may seal for any name.
    if let Some(refused) = refused {
        let told = format!("warning: {}; no cluster will accept an object of that name", names::refused(&refused));
        ui.tell(Weight::Loss, request.has_old_name, &told);
    }
    if let Some(told) = told {
        warn(request.has_old_name, ui, told);
    }
    if let Some(encrypted) = encrypted {
        ui.tell(Weight::Loss, request.has_old_name, &format!("warning: {encrypted}"));
    }
    for oddity in value::oddities(&value, origin) {
        warn(request.has_old_name, ui, &oddity);
    }
    let sealed = seal(&value, &label, certificate.key()).map_err(|error| CliError::new(error.to_string()))?;
    ui.write(sealed.to_base64());
    Ok(())
}

/// The value as it is, and how it came.
fn read(from: &RawValue, has_old_name: bool, ui: &Ui) -> Result<(Vec<u8>, Origin), CliError> {
    let piped = || input::read(None, Input::Value);
    match from {
        RawValue::Stdin => {
            ui.notice_terminal("(tty detected: expecting a secret to encrypt in stdin)");
            Ok((piped()?, Origin::Piped))
        }
        RawValue::File(path) => Ok((input::read(Some(path), Input::Value)?, Origin::File)),
        RawValue::Given { path, is_pair } => match input::read(Some(path), Input::Value) {
            Err(_) if fs::metadata(path).is_err() && !is_shown(path, *is_pair) => Err(missing()),
            read => Ok((read?, Origin::File)),
        },
        RawValue::PipedOr(path) => {
            let bytes = if io::stdin().is_terminal() { Vec::new() } else { piped()? };
            if bytes.is_empty() {
                return Ok((input::read(Some(path), Input::Value)?, Origin::File));
            }
            let told = format!("the value is standard input, not {path}; for the file use --from-file {path}");
            warn(has_old_name, ui, &told);
            Ok((bytes, Origin::Piped))
        }
    }
}

/// Whether the name of a file that is not there is no value: of letters alone, unless it stands behind another name.
fn is_shown(path: &str, is_pair: bool) -> bool {
    let is_word = path.chars().all(|letter| letter.is_ascii_alphabetic() || matches!(letter, '-' | '_'));
    names::is_file_name(path) || path.is_empty() || is_word && !is_pair
}

/// A file that is not there may be the value itself.
fn missing() -> CliError {
    CliError::new("open the file that --from-file names: no such file or directory").hint(
        "its name is not shown, since it may be the value itself; a value is piped in: printf %s \"$VALUE\" | sealer --raw …",
    )
}

/// Scripts that call it by the old name hear nothing new.
fn warn(has_old_name: bool, ui: &Ui, told: &str) {
    ui.tell(Weight::Slip, has_old_name, &format!("warning: {told}"));
}

/// What the value is bound to, and why no cluster takes an object of that name.
fn label(request: &Compat) -> Result<(Label, Option<NameError>), CliError> {
    let scope = request.scope.of_bare_value();
    if !scope.binds_namespace() {
        return Ok((Label::new_unchecked(scope, "", ""), None));
    }
    let (namespace, _) = cluster::namespace(&request.cluster).map_err(|error| {
        let what = if scope.binds_name() { "namespace and name" } else { "namespace" };
        error.into_error().hint(format!("a {scope} value is bound to its {what}; give it with -n/--namespace"))
    })?;
    if namespace.is_empty() {
        return Err(CliError::new(format!("must provide the --namespace flag with --raw and --scope {scope}")));
    }
    if scope.binds_name() && request.name.is_empty() {
        return Err(CliError::new(format!("must provide the --name flag with --raw and --scope {scope}")).hint(
            "a strict value opens under one name only; give it with --name, or widen with --scope namespace-wide",
        ));
    }
    let refused = Label::new(scope, &namespace, &request.name).err();
    Ok((Label::new_unchecked(scope, &namespace, &request.name), refused))
}
