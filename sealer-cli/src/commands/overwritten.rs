//! `-w FILE`, where the file is one that the command reads: its only copy would be replaced.

use std::fs;

use crate::diagnostics::CliError;
use crate::request::{Compat, Mode, RawValue};
use crate::ui::{self, Ui, Weight};

/// Refuses to replace what is read; under the program's old name, which did so, it is told.
pub(crate) fn check(request: &Compat, output: &str, ui: &Ui) -> Result<(), CliError> {
    let Some(what) = replaced(request, output) else { return Ok(()) };
    let told = format!("-w names the file that {what} is read from, which would be replaced: {output}");
    if !request.has_old_name {
        return Err(CliError::new(told).hint("nothing was written; name another file with -w"));
    }
    ui.tell(Weight::Loss, true, &format!("warning: {told}"));
    Ok(())
}

/// What of the command's input the results would replace.
fn replaced(request: &Compat, output: &str) -> Option<&'static str> {
    if output == ui::STREAM || !fs::metadata(output).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let is_it = |path: &str| is_same(path, output);
    let is_stdin = || is_standard_input(output);
    let is_input = || request.input.as_deref().map_or_else(is_stdin, is_it);
    let of_mode = match &request.mode {
        Mode::Seal => is_input().then_some("the Secret"),
        Mode::Unseal { key_files } => {
            let of_keys = || key_files.iter().any(|path| is_it(path)).then_some("the private key");
            is_input().then_some("the SealedSecret").or_else(of_keys)
        }
        Mode::Raw { value } => match value {
            RawValue::Stdin => is_stdin(),
            RawValue::File(path) | RawValue::Given { path, .. } => is_it(path),
            RawValue::PipedOr(path) => is_stdin() || is_it(path),
        }
        .then_some("the value"),
        // A SealedSecret is sealed anew in its place; the others have no such file.
        Mode::ReEncrypt | Mode::FetchCertificate | Mode::Validate | Mode::MergeInto { .. } => None,
    };
    let is_fetched = matches!(request.mode, Mode::FetchCertificate);
    let of_certificate = || request.certificate.as_deref().filter(|path| !is_fetched && is_it(path));
    of_mode.or_else(|| of_certificate().map(|_| "the certificate"))
}

/// Whether both names lead to one file.
#[cfg(unix)]
fn is_same(one: &str, other: &str) -> bool {
    fs::metadata(one).is_ok_and(|found| is_at(&found, other))
}

#[cfg(not(unix))]
fn is_same(one: &str, other: &str) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Whether standard input is that file.
#[cfg(unix)]
fn is_standard_input(path: &str) -> bool {
    use std::os::fd::AsFd as _;
    let copy = std::io::stdin().as_fd().try_clone_to_owned();
    copy.and_then(|copy| fs::File::from(copy).metadata()).is_ok_and(|found| is_at(&found, path))
}

#[cfg(not(unix))]
fn is_standard_input(_: &str) -> bool {
    false
}

#[cfg(unix)]
fn is_at(found: &fs::Metadata, path: &str) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|other| (found.dev(), found.ino()) == (other.dev(), other.ino()))
}
