//! `sealer keys restore`: the keys of a backup in a cluster, beside those that it has.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use sealer_core::{Certificate, StoredKey};
use sealer_resource::key_secret::{self, DEFAULT_KEY_PREFIX, KEY_LABEL, KEY_LABEL_ACTIVE, TRUSTED_KEY_ANNOTATION};
use serde_json::{Value, json};

use super::cluster_keys::ClusterKeys;
use super::key_sources;
use crate::args::cluster::ClusterArgs;
use crate::args::keys::PassphraseArgs;
use crate::args::output::Output;
use crate::cluster::{Choice, Cluster};
use crate::diagnostics::CliError;
use crate::key_files::{self, KeySources};
use crate::ui::{self, Ui};

/// Put the keys of a backup into a cluster.
///
/// Stores the keys of backups (or of key Secrets and Lists of them) in the controller's namespace, before or after the controller's first
/// start. Keys that are there already stay as they are; a name that another key has is left to it. The newest certificate is the one
/// that is sealed for.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys restore [FLAGS] FILE...", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Change nothing; say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Which keys are put into which cluster.
#[derive(Debug)]
pub(crate) struct Restore {
    pub(crate) cluster: Choice,
    pub(crate) keys: KeySources,
    pub(crate) dry_run: bool,
    pub(crate) json: bool,
}

impl Args {
    pub(super) fn checked(self) -> Result<Restore, CliError> {
        Ok(Restore {
            keys: key_sources("restore", self.words, self.passphrase)?,
            cluster: self.cluster.choice,
            dry_run: self.dry_run,
            json: self.output.is_json(),
        })
    }
}

/// Stores the keys.
pub(crate) fn restore(request: &Restore, ui: &mut Ui) -> Result<(), CliError> {
    let mut backed_up = key_files::stored(&request.keys, ui)?;
    // Oldest first: if it ends half-way, no old key has become the active one.
    backed_up.sort_by_key(StoredKey::ordered_at);
    let cluster = Cluster::connect(&request.cluster)?;
    let there = ClusterKeys::load(&cluster, ui::now())?.required()?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for key in &backed_up {
        let is_met = outcomes.iter().any(|met| met.key.key.fingerprint() == key.key.fingerprint());
        if !is_met {
            outcomes.push(restore_one(&cluster, &there, key, request)?);
        }
    }
    let active = if request.dry_run { None } else { active(&cluster)? };
    report(request, &outcomes, active.as_deref(), ui);
    Ok(())
}

/// What became of one key.
struct Outcome<'a> {
    key: &'a StoredKey,
    done: Done,
}

enum Done {
    /// The same key lies in that Secret, with that label.
    There {
        secret: String,
        label: String,
    },
    Restored {
        secret: String,
    },
    /// It would be, under that name.
    Planned {
        secret: String,
    },
}

fn restore_one<'a>(
    cluster: &Cluster,
    there: &ClusterKeys,
    key: &'a StoredKey,
    request: &Restore,
) -> Result<Outcome<'a>, CliError> {
    if let Some(same) = there.keys.iter().find(|same| same.fingerprint() == key.key.fingerprint()) {
        let label = if same.is_in_use() { KEY_LABEL_ACTIVE } else { same.label() };
        return Ok(Outcome { key, done: Done::There { secret: same.name().to_owned(), label: label.to_owned() } });
    }
    let mut secret = secret(key)?;
    let name = secret.metadata.name.clone().unwrap_or_default();
    let is_free = !name.is_empty() && cluster.secret(&name)?.is_none();
    if request.dry_run {
        let secret = if is_free { name } else { format!("{}…", prefix(&name)) };
        return Ok(Outcome { key, done: Done::Planned { secret } });
    }
    if is_free && let Some(secret) = cluster.store_secret(&secret)? {
        return Ok(Outcome { key, done: Done::Restored { secret } });
    }
    // Another Secret has the name: it is left alone.
    secret.metadata.name = None;
    secret.metadata.generate_name = Some(prefix(&name));
    let secret = cluster.create_secret(&secret)?;
    Ok(Outcome { key, done: Done::Restored { secret } })
}

/// The key's Secret. A bare key gets a certificate, without which controllers do not load it; it is an old one, so that
/// the key opens values and another one is sealed with.
fn secret(key: &StoredKey) -> Result<Secret, CliError> {
    let mut key = key.clone();
    if key.certificates.is_empty() {
        let certificate = Certificate::self_signed(&key.key, "", key.ordered_at(), VALIDITY);
        key.certificates = vec![certificate.map_err(|error| CliError::new(error.to_string()))?];
    }
    // A key from a bare file is named by that file, which is no name for a Secret.
    if !key.labels.contains_key(KEY_LABEL) && key.created.is_none() {
        key.name = String::new();
    }
    // Whoever restores a key vouches for it, unless it is one that was taken out of use.
    if unused(&key).is_empty() {
        key.annotations.insert(TRUSTED_KEY_ANNOTATION.to_owned(), key.key.fingerprint().as_str().to_owned());
    }
    Ok(key_secret::restored(&key))
}

fn prefix(name: &str) -> String {
    if name.is_empty() { DEFAULT_KEY_PREFIX.to_owned() } else { format!("{name}-") }
}

/// The key that is sealed with from now on.
fn active(cluster: &Cluster) -> Result<Option<String>, CliError> {
    let keys = ClusterKeys::load(cluster, ui::now())?.required()?;
    Ok(keys.active().map(|key| key.fingerprint().as_str().to_owned()))
}

fn report(request: &Restore, outcomes: &[Outcome<'_>], active: Option<&str>, ui: &mut Ui) {
    let words = |outcome: &Outcome<'_>| match &outcome.done {
        Done::There { secret, label } if label == KEY_LABEL_ACTIVE => ("there already", secret.clone(), ""),
        Done::There { secret, .. } => ("there already", secret.clone(), ", not in use there"),
        Done::Restored { secret } => ("restored", secret.clone(), unused(outcome.key)),
        Done::Planned { secret } => ("would be restored", secret.clone(), unused(outcome.key)),
    };
    if request.json {
        let key = |outcome: &Outcome<'_>| {
            let (done, secret, _) = words(outcome);
            json!({ "fingerprint": outcome.key.key.fingerprint().as_str(), "secret": secret, "outcome": done })
        };
        let keys: Vec<Value> = outcomes.iter().map(key).collect();
        ui.write(format!("{}\n", json!({ "keys": keys, "active": active })));
        return;
    }
    for outcome in outcomes {
        let (done, secret, more) = words(outcome);
        ui.say(format!("{}  {done} as Secret {secret}{more}\n", outcome.key.key.fingerprint()));
    }
    if let Some(active) = active {
        ui.write(format!("the active key is {active}\n"));
    }
    if outcomes.iter().any(|outcome| matches!(outcome.done, Done::Restored { .. })) {
        ui.write("A controller that follows its keys live uses them within seconds; another one after a restart.\n");
    }
}

/// A key keeps its label: one that was retired stays so.
fn unused(key: &StoredKey) -> &'static str {
    if key_secret::is_labelled_active(key) || !key.labels.contains_key(KEY_LABEL) { "" } else { ", not in use there" }
}

/// As long as the controller's own.
const VALIDITY: Duration = Duration::from_secs(87_600 * 3600);

const EXAMPLES: &str = "Examples:
  sealer keys restore sealing-keys-2026-01 --context new";
