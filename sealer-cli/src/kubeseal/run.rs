//! What the surface without verbs has done, and what is said of it first.

use crate::commands::{fetch_certificate, merge_into, online, overwritten, raw, recovery_unseal, seal};
use crate::diagnostics::{CliError, os_text};
use crate::names;
use crate::request::{Compat, Mode};
use crate::ui::{Readers, Ui};

/// A command of the surface without verbs, which says first what it may have to wait for or cannot write.
pub(crate) fn run(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
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
            .map_err(|error| CliError::new(missing).hint(format!("`{}`: {}", names::missing(path), os_text(&error))))?;
    } else if !matches!(request.mode, Mode::Raw { .. } | Mode::FetchCertificate) {
        ui.notice_terminal("(tty detected: expecting json/yaml k8s resource in stdin)");
    }
    if let Some(path) =
        request.output.as_deref().filter(|_| !matches!(request.mode, Mode::Validate | Mode::MergeInto { .. }))
    {
        overwritten::check(request, path, ui)?;
        let in_clear = matches!(request.mode, Mode::Unseal { .. });
        ui.write_to_file(path, if in_clear { Readers::Owner } else { Readers::AsBefore })?;
    }
    match &request.mode {
        Mode::Unseal { key_files } => recovery_unseal::run(request, key_files, ui),
        Mode::MergeInto { path } => merge_into::run(request, path, ui),
        Mode::Seal => seal::run(request, ui),
        Mode::Raw { value } => raw::run(request, value, ui),
        Mode::FetchCertificate => fetch_certificate::run(request, ui),
        Mode::Validate => online::validate(request, ui),
        Mode::ReEncrypt => online::re_encrypt(request, ui),
    }
}

/// The words that scripts know.
const IGNORED_KEYS: &str = "ignoring --recovery-private-key because unseal command not chosen with --recovery-unseal";
const FORGOTTEN_UNSEAL: &str =
    "--recovery-private-key was given without --recovery-unseal, which opens the input with it";
