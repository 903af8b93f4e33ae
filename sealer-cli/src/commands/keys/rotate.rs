//! `sealer keys rotate`: a new active sealing key, stored with the user's own rights and served by the controller; then
//! files that follow it.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use sealer_core::{Certificate, Fingerprint, UnsealingKey};
use sealer_resource::api;
use sealer_resource::key_secret::{self, Naming, ROTATION_ANNOTATION, ROTATION_UNFINISHED, TRUSTED_KEY_ANNOTATION};
use serde_json::json;

use super::cluster_keys::{ClusterKey, ClusterKeys};
use crate::cluster::Cluster;
use crate::cluster::objects::Sight;
use crate::commands::reseal;
use crate::diagnostics::CliError;
use crate::request::Reseal;
use crate::request::keys::Rotate;
use crate::ui::{self, Ui};

pub(super) fn run(request: &Rotate, ui: &mut Ui) -> Result<(), CliError> {
    let cluster = Cluster::connect(&request.cluster)?;
    let path = cluster.path(api::CERTIFICATE)?;
    let before = served(&cluster, &path)?;
    let keys = seen(&cluster, request)?;
    let unfinished = keys.as_ref().and_then(unfinished);
    if let (Some(keys), None, true) = (&keys, unfinished, request.backup_check) {
        is_backed_up(keys)?;
    }
    if request.dry_run {
        return plan(request, &before, unfinished, ui);
    }
    let new = match unfinished {
        Some(key) => {
            ui.notice(&format!("going on with key {} of an earlier run that was interrupted", key.fingerprint()));
            New { name: key.name().to_owned(), fingerprint: key.fingerprint().clone() }
        }
        None => make(&cluster, request)?,
    };
    let other = wait(&cluster, &path, [&before, &new.fingerprint], request.patience).map_err(|error| {
        error.hint(format!(
            "the key is stored as Secret `{}`; restart the controller if it does not follow its keys live, and run this again",
            new.name
        ))
    })?;
    if let Some(other) = other {
        finish(&cluster, &new, ui);
        return Err(overtaken(&other, &new));
    }
    report(request, &before, &new, ui);
    if !request.reseal.paths.is_empty() {
        ui.flush()?;
        reseal::run(&Reseal::after(request), ui)?;
    }
    finish(&cluster, &new, ui);
    Ok(())
}

/// The key that a run is about.
struct New {
    name: String,
    fingerprint: Fingerprint,
}

/// The cluster's keys. Whoever may not see them cannot be told whether there is a backup.
fn seen(cluster: &Cluster, request: &Rotate) -> Result<Option<ClusterKeys>, CliError> {
    match ClusterKeys::load(cluster, ui::now())? {
        Sight::Seen(keys) => Ok(Some(keys)),
        Sight::Forbidden(_) if !request.backup_check => Ok(None),
        Sight::Forbidden(error) => {
            Err(error.hint("--no-backup-check rotates without knowing whether the newest key has a backup"))
        }
    }
}

/// The key of a run that did not come to its end. Once it is backed up, or a day old, the next run makes a new one.
fn unfinished(keys: &ClusterKeys) -> Option<&ClusterKey> {
    let yesterday = ui::now().checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::UNIX_EPOCH);
    keys.active().filter(|key| {
        key.annotation(ROTATION_ANNOTATION) == Some(ROTATION_UNFINISHED)
            && key.backed_up_at().is_none()
            && key.stored.created.is_some_and(|created| created > yesterday)
    })
}

/// A key without a backup must not become an old one, which nobody looks after.
fn is_backed_up(keys: &ClusterKeys) -> Result<(), CliError> {
    match keys.active() {
        Some(key) if key.backed_up_at().is_none() => {
            Err(CliError::new(format!("the newest key {} has no recorded backup", key.fingerprint()))
                .hint("back it up first: sealer keys backup -o FILE; or rotate all the same with --no-backup-check"))
        }
        _ => Ok(()),
    }
}

fn plan(request: &Rotate, before: &Fingerprint, unfinished: Option<&ClusterKey>, ui: &mut Ui) -> Result<(), CliError> {
    let new = unfinished.map(|key| key.fingerprint().as_str());
    if request.json {
        ui.write(format!("{}\n", json!({ "oldKey": before.as_str(), "newKey": new, "secret": null })));
    } else {
        let new = new.unwrap_or("would be made; nothing was done");
        ui.write(format!("old key  {before}\nnew key  {new}\n"));
    }
    if request.reseal.paths.is_empty() {
        return Ok(());
    }
    ui.flush()?;
    reseal::run(&Reseal::after(request), ui)
}

fn make(cluster: &Cluster, request: &Rotate) -> Result<New, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(format!("cannot make a sealing key: {error}"));
    let key = UnsealingKey::generate(request.bits).map_err(|error| failed(&error))?;
    let certificate =
        Certificate::self_signed(&key, "", ui::now(), request.validity).map_err(|error| failed(&error))?;
    let trusted = (TRUSTED_KEY_ANNOTATION.to_owned(), key.fingerprint().as_str().to_owned());
    let annotations = [(ROTATION_ANNOTATION.to_owned(), ROTATION_UNFINISHED.to_owned()), trusted].into();
    let naming = Naming { prefix: request.prefix.clone(), annotations, ..Naming::default() };
    let secret: Secret = key_secret::new(&key, &certificate, &naming);
    Ok(New { name: cluster.create_secret(&secret)?, fingerprint: key.fingerprint().clone() })
}

/// The key that the controller seals with now.
fn served(cluster: &Cluster, path: &str) -> Result<Fingerprint, CliError> {
    Ok(cluster.served_at(path)?.key().fingerprint().clone())
}

/// Waits until the key is served, or for some time one that is neither it nor the one before.
fn wait(
    cluster: &Cluster,
    path: &str,
    [before, new]: [&Fingerprint; 2],
    patience: Duration,
) -> Result<Option<Fingerprint>, CliError> {
    let deadline = Instant::now() + patience;
    let mut settles = None;
    loop {
        // While the controller restarts it may not answer; only the deadline decides.
        let now_served = served(cluster, path);
        match &now_served {
            Ok(served) if served == new => return Ok(None),
            Ok(served) if served != before => {
                if Instant::now() >= *settles.get_or_insert_with(|| Instant::now() + SETTLING) {
                    return Ok(Some(served.clone()));
                }
            }
            _ => settles = None,
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

/// Two rotations at once: both keys are stored, and the newer one is sealed with.
fn overtaken(other: &Fingerprint, new: &New) -> CliError {
    CliError::new(format!("another rotation ran at the same time: the controller serves key {other}"))
        .hint(format!(
            "key {} of this one is stored as Secret `{}` and opens values; it may stay",
            new.fingerprint, new.name
        ))
        .hint("back both up: sealer keys backup -o FILE; then have files follow: sealer reseal PATH...")
}

fn report(request: &Rotate, before: &Fingerprint, new: &New, ui: &mut Ui) {
    let New { name, fingerprint } = new;
    if request.json {
        let answer = json!({ "oldKey": before.as_str(), "newKey": fingerprint.as_str(), "secret": name });
        ui.write(format!("{answer}\n"));
        return;
    }
    let namespace = &request.cluster.controller_namespace;
    ui.write(format!("old key  {before}\nnew key  {fingerprint}  (Secret {namespace}/{name})\n"));
    ui.write("The controller seals with the new key now. What was sealed before still opens.\n");
    ui.write("Back the new key up: sealer keys backup -o FILE\n");
}

/// Takes the mark away. Without the right to, it loses its meaning with a backup, or within a day.
fn finish(cluster: &Cluster, new: &New, ui: &Ui) {
    let unmarked = cluster.secret(&new.name).and_then(|secret| match secret {
        Some(secret) => cluster.mark_secret(&secret, &json!({ "annotations": { ROTATION_ANNOTATION: null } })),
        None => Ok(()),
    });
    if let Err(error) = unmarked {
        let what = "until the key is backed up, another rotation goes on with it for a day";
        ui.notice(&format!("warning: {}; {what}", error.message()));
    }
}

/// A controller that follows its keys live has met both within this time.
const SETTLING: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);
