//! `sealer unseal --raw`: one sealed value, opened offline, and nothing around it.

use sealer_core::unseal::{Trials, unseal_counted};
use sealer_core::{Keyring, Label, Plaintext, Scope, SealedValue};

use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::key_files;
use crate::manifest;
use crate::request::items::Unseal;
use crate::ui::Ui;

pub(crate) fn run(request: &Unseal, ui: &mut Ui) -> Result<(), CliError> {
    let keyring = key_files::load(&request.keys, ui)?;
    let sealed = sealed(request, ui)?;
    let value = opened(&sealed, request, request.scope, &keyring).ok_or_else(|| closed(&sealed, request, &keyring))?;
    // It stays in memory until it is written.
    ui.write(value.expose());
    Ok(())
}

/// The sealed value, as it was copied from wherever it stood.
fn sealed(request: &Unseal, ui: &Ui) -> Result<SealedValue, CliError> {
    if request.file.is_none() {
        ui.notice_terminal("(tty detected: expecting a sealed value in stdin)");
    }
    let bytes = input::read_text(request.file.as_deref(), Input::Sealed)?;
    let source = request.file.as_deref().unwrap_or("stdin");
    let whole = "a whole SealedSecret: sealer --recovery-unseal --recovery-private-key FILE -f sealed.yaml";
    if manifest::holds(&bytes, "encryptedData") {
        return Err(CliError::new(format!("{source} is a manifest, not one sealed value"))
            .hint("give the text of one item alone, without its name")
            .hint(whole));
    }
    let is_around = |letter: &char| letter.is_whitespace() || matches!(letter, '"' | '\'');
    let text: String = String::from_utf8_lossy(&bytes).chars().filter(|letter| !is_around(letter)).collect();
    if text.is_empty() {
        return Err(CliError::new(format!("{source} is empty")).hint("pipe in the sealed value, as --raw writes it"));
    }
    SealedValue::from_base64(&text).map_err(|error| {
        CliError::new(format!("{source} is no sealed value: {error}"))
            .hint("give the text of one item, whole and without its name; it begins with Ag, or AQ for small keys")
            .hint(whole)
    })
}

/// What to look at where no scope opens it: only what the value is bound to under that scope.
fn unopened(scope: Scope, error: CliError) -> CliError {
    let right_key = "is it the key of the cluster that it was sealed for";
    match scope {
        Scope::Strict => error
            .hint(format!("{right_key}, and were namespace and name the same?"))
            .hint("a value opens under the name of its SealedSecret, not of the item"),
        Scope::NamespaceWide => error.hint(format!("{right_key}, and was the namespace the same?")),
        Scope::ClusterWide => error
            .hint(format!("{right_key}?"))
            .hint("one that was sealed for another scope opens with --scope, and the names of that scope"),
    }
}

fn opened(sealed: &SealedValue, request: &Unseal, scope: Scope, keyring: &Keyring) -> Option<Plaintext> {
    let label = Label::as_given(scope, &request.namespace, &request.name);
    unseal_counted(sealed, &label, keyring, &mut Trials::default()).ok().map(|opened| opened.plaintext)
}

/// Why it does not open, as far as the scopes of the same names tell.
fn closed(sealed: &SealedValue, request: &Unseal, keyring: &Keyring) -> CliError {
    let Unseal { scope, namespace, name, .. } = request;
    let bound = match scope {
        Scope::Strict => format!(" for {namespace}/{name}"),
        Scope::NamespaceWide => format!(" for namespace {namespace}"),
        Scope::ClusterWide => String::new(),
    };
    let error = CliError::new(format!("no key at hand opens the value as {scope}{bound}"));
    let can_be = |other: &Scope| {
        (!other.binds_namespace() || !namespace.is_empty()) && (!other.binds_name() || !name.is_empty())
    };
    let mut others = Scope::ALL.into_iter().filter(|other| other != scope && can_be(other));
    match others.find(|other| opened(sealed, request, *other, keyring).is_some()) {
        Some(other) => error.hint(format!("it opens with --scope {other}")),
        None => unopened(*scope, error),
    }
}
