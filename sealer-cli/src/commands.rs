//! One verb a file.

use crate::diagnostics::{CliError, os_text};
use crate::names;
use crate::reference;
use crate::request::{Compat, Mode, Request};
use crate::ui::{Readers, Ui};

mod chosen;
mod edit;
mod explain;
mod fetch_certificate;
mod in_clear;
mod keys;
mod merge_into;
mod moving;
mod online;
mod raw;
mod recovery_unseal;
mod reseal;
mod rewrite;
mod seal;
mod set;
mod template_check;
mod unseal_raw;
mod value;
mod view;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use edit::reads_back;

/// Carries a request out.
pub(crate) fn run(request: Request, ui: &mut Ui) -> Result<(), CliError> {
    match request {
        Request::Print(text) => {
            ui.write(text);
            Ok(())
        }
        Request::Usage { text, verbs } => {
            ui.write(text);
            if verbs {
                ui.write(reference::verbs());
            }
            Ok(())
        }
        Request::Completions { shell } => {
            ui.write(reference::completions(&shell));
            Ok(())
        }
        Request::Man => {
            ui.write(reference::man());
            Ok(())
        }
        Request::Keys(verb) => keys::run(&verb, ui),
        Request::Reseal(reseal) => reseal::run(&reseal, ui),
        Request::Move(reseal) => moving::run(&reseal, ui),
        Request::Set(set) => set::set(&set, ui),
        Request::Unset(unset) => set::unset(&unset, ui),
        Request::Edit(edit) => edit::run(&edit, ui),
        Request::Unseal(unseal) => unseal_raw::run(&unseal, ui),
        Request::View(view) => view::run(&view, ui),
        Request::Explain(explain) => explain::run(&explain, ui),
        Request::TemplateCheck(check) => template_check::run(&check, ui),
        Request::Compat(request) => compat(&request, ui),
    }
}

/// A command of the surface without verbs, which says first what it may have to wait for or cannot write.
fn compat(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
    for warning in &request.warnings {
        ui.notice(warning);
    }
    // Before anything is waited for. Scripts hear of it if the command fails.
    for told in passed_over(request).map(|(warning, _)| warning) {
        ui.notice_reader(&format!("warning: {told}"));
    }
    in_mode(request, ui).map_err(|error| passed_over(request).map(|(_, hint)| hint).fold(error, CliError::hint))
}

/// What of the command line was passed over: a warning for whoever waits, and a hint for whom it failed.
fn passed_over(request: &Compat) -> impl Iterator<Item = (String, String)> {
    let words = request.words.iter().map(|word| (word.told(), word.told()));
    let keys = request.ignores_keys.then(|| (IGNORED_KEYS.to_owned(), FORGOTTEN_UNSEAL.to_owned()));
    words.chain(keys)
}

fn in_mode(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
    if let Some(path) = &request.input {
        let missing = "Could not read file specified with --secret-file";
        std::fs::File::open(path)
            .map_err(|error| CliError::new(missing).hint(format!("`{}`: {}", names::path(path), os_text(&error))))?;
    } else if !matches!(request.mode, Mode::Raw { .. } | Mode::FetchCertificate) {
        ui.notice_terminal("(tty detected: expecting json/yaml k8s resource in stdin)");
    }
    if let Some(path) =
        request.output.as_deref().filter(|_| !matches!(request.mode, Mode::Validate | Mode::MergeInto { .. }))
    {
        let in_clear = matches!(request.mode, Mode::Unseal { .. });
        ui.write_to_file(path, if in_clear { Readers::Owner } else { Readers::AsBefore })?;
    }
    match &request.mode {
        Mode::Unseal { key_files } => recovery_unseal::run(request, key_files, ui),
        Mode::MergeInto { path } => merge_into::run(request, path, ui),
        Mode::Seal => seal::run(request, ui),
        Mode::Raw { value } => raw::run(request, value, ui),
        Mode::FetchCertificate => fetch_certificate::run(request, ui),
        Mode::Validate => online::validate(request),
        Mode::ReEncrypt => online::re_encrypt(request, ui),
    }
}

/// The words that scripts know.
const IGNORED_KEYS: &str = "ignoring --recovery-private-key because unseal command not chosen with --recovery-unseal";
const FORGOTTEN_UNSEAL: &str =
    "--recovery-private-key was given without --recovery-unseal, which opens the input with it";
