//! `sealer keys rotate`: a new active sealing key, stored with the user's own rights and served by the controller.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use sealer_core::api;
use sealer_core::key::stored::{Naming, to_secret};
use sealer_core::{Certificate, Fingerprint, UnsealingKey};

use crate::cluster::Cluster;
use crate::diagnostics::CliError;
use crate::request::KeysRotate;
use crate::ui::{self, Ui};

pub(crate) fn run(request: &KeysRotate, ui: &mut Ui) -> Result<(), CliError> {
    let cluster = Cluster::connect(&request.cluster)?;
    let path = cluster.path(api::CERTIFICATE)?;
    let before = served(&cluster, &path)?;
    let (secret, fingerprint) = make(request)?;
    let name = cluster.create_secret(&secret)?;
    wait(&cluster, &path, &fingerprint, request.patience).map_err(|error| {
        error.hint(format!(
            "the key is stored as Secret `{name}`; restart the controller if it does not follow its keys live"
        ))
    })?;
    ui.write(format!(
        "old key  {before}\nnew key  {fingerprint}  (Secret {}/{name})\n",
        request.cluster.controller_namespace
    ));
    ui.write("The controller seals with the new key now. What was sealed before still opens.\n");
    Ok(())
}

fn make(request: &KeysRotate) -> Result<(Secret, Fingerprint), CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(format!("cannot make a sealing key: {error}"));
    let key = UnsealingKey::generate(request.bits).map_err(|error| failed(&error))?;
    let certificate =
        Certificate::self_signed(&key, "", ui::now(), request.validity).map_err(|error| failed(&error))?;
    let naming = Naming { prefix: request.prefix.clone(), ..Naming::default() };
    let secret = to_secret(&key, &certificate, &naming);
    Ok((secret, key.fingerprint().clone()))
}

/// The key that the controller seals with now.
fn served(cluster: &Cluster, path: &str) -> Result<Fingerprint, CliError> {
    let bytes = cluster.certificate_at(path)?;
    let certificate = Certificate::first_from_pem(&bytes)
        .map_err(|error| CliError::new(format!("the controller does not serve a certificate: {error}")))?;
    Ok(certificate.key().fingerprint().clone())
}

fn wait(cluster: &Cluster, path: &str, fingerprint: &Fingerprint, patience: Duration) -> Result<(), CliError> {
    let deadline = Instant::now() + patience;
    loop {
        // While the controller restarts it may not answer; only the deadline decides.
        let now_served = served(cluster, path);
        if now_served.as_ref().is_ok_and(|served| served == fingerprint) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(now_served.err().unwrap_or_else(|| {
                CliError::new(format!(
                    "the controller still serves another certificate after {} seconds",
                    patience.as_secs()
                ))
            }));
        }
        cluster.wait(POLL);
    }
}

const POLL: Duration = Duration::from_millis(200);
