//! Checks the certificate that was sealed with: whether it is the right one, and still good.

use sealer_core::Certificate;

use super::Explain;
use super::Finding;
use super::cluster::Controller;
use super::diagnoser::Diagnoser;
use crate::certificate;
use crate::diagnostics::CliError;
use crate::ui;

/// Of the one that was given, or else of the one that the controller serves.
pub(super) fn mistakes(request: &Explain, diagnoser: &Diagnoser) -> Result<Vec<Finding>, CliError> {
    let served = diagnoser.controller().and_then(Controller::certificate);
    let given = match &request.certificate {
        Some(source) => {
            let bytes = certificate::fetch(Some(source), &request.cluster)?;
            let given =
                Certificate::first_from_pem(&bytes).map_err(|error| CliError::new(format!("{source}: {error}")))?;
            Some((source, given))
        }
        None => None,
    };
    let mut found = Vec::new();
    if let Some((source, given)) = &given {
        found.extend(foreign(source, given, served.as_ref(), diagnoser));
    }
    let name = given.as_ref().map_or("that the controller serves", |(source, _)| source);
    if let Some(expired) = given.as_ref().map(|(_, given)| given).or(served.as_ref()).and_then(expired) {
        found.push(Finding::new(
            format!("{name} {expired}; what it sealed still opens, but nothing new is sealed with it"),
            "make a new key: sealer keys rotate; then fetch its certificate: sealer --fetch-cert > cert.pem",
        ));
    }
    Ok(found)
}

fn foreign(source: &str, given: &Certificate, served: Option<&Certificate>, diagnoser: &Diagnoser) -> Option<Finding> {
    let fingerprint = given.key().fingerprint();
    let known = diagnoser.holds(fingerprint) || served.is_some_and(|served| served.key().fingerprint() == fingerprint);
    if known || !(diagnoser.has_keys() || served.is_some()) {
        return None;
    }
    let here = if diagnoser.has_keys() { "none of the keys at hand" } else { "not the key of the cluster" };
    Some(Finding::new(
        format!("{source} is of key {fingerprint}, {here}: what it sealed is for another cluster"),
        "seal again with this cluster's: sealer --fetch-cert > cert.pem; or restore that key",
    ))
}

fn expired(certificate: &Certificate) -> Option<String> {
    certificate.check_validity(ui::now()).err()?;
    Some(format!("expired on {}", certificate.not_after().strftime("%B %-d, %Y")))
}
