//! Where the certificate to seal with comes from: a file, or the controller.

use std::borrow::Cow;
use std::fs;

use sealer_core::Certificate;

use crate::cluster::{self, Choice, Cluster};
use crate::diagnostics::CliError;
use crate::input::encoding;
use crate::input::{self, Input};
use crate::ui;

mod url;

/// The bytes of the certificate, as the source gave them.
pub(crate) fn fetch(source: Option<&str>, choice: &Choice) -> Result<Vec<u8>, CliError> {
    match source {
        Some(path) if is_url(path) => url::fetch(path, choice),
        Some(path) => input::read(Some(path), Input::Certificate),
        None => Cluster::connect(choice)?.certificate(),
    }
}

/// The certificate itself, checked for today.
pub(crate) fn load(source: Option<&str>, choice: &Choice) -> Result<Certificate, CliError> {
    let bytes = fetch(source, choice).map_err(offered)?;
    // `--fetch-cert` passes them on as they are; PowerShell's `>` makes UTF-16 of them.
    let text = encoding::text(&bytes).unwrap_or(Cow::Borrowed(&bytes));
    let certificate = Certificate::first_from_pem(&text).map_err(|error| explain(&error.to_string(), &text))?;
    certificate.check_validity(ui::now()).map_err(|error| {
        CliError::new(error.to_string()).hint("fetch a current one: sealer --fetch-cert > cert.pem")
    })?;
    Ok(certificate)
}

/// Where there is no cluster to ask, a certificate at hand does as well.
fn offered(error: CliError) -> CliError {
    if cluster::is_unconfigured(&error) {
        error.hint("a certificate at hand seals without a cluster: --cert cert.pem")
    } else {
        error
    }
}

/// What the bytes are instead. They are never echoed: they may be a private key.
fn explain(message: &str, bytes: &[u8]) -> CliError {
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let error = CliError::new(message);
    if holds("PRIVATE KEY-----") {
        error.hint("this is a private key; a certificate is wanted, and the key belongs in the cluster alone")
    } else if holds("BEGIN PUBLIC KEY") {
        error.hint("this is a bare public key; fetch the certificate: sealer --fetch-cert > cert.pem")
    } else if bytes.starts_with(DER) {
        error.hint("this is DER; make PEM of it: openssl x509 -inform der -in FILE -out cert.pem")
    } else if let Err(reason) = encoding::text(bytes) {
        error.hint(format!("it {reason}")).hint(reason.remedy())
    } else {
        error.hint("a PEM certificate with an RSA key is wanted; fetch it: sealer --fetch-cert > cert.pem")
    }
}

/// A sequence of more than 255 bytes.
const DER: &[u8] = &[0x30, 0x82];

/// A scheme of more than one letter; one letter is a drive. A file of exactly that name is a file.
fn is_url(source: &str) -> bool {
    let scheme = source.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let looks = scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    looks && fs::metadata(source).is_err()
}
