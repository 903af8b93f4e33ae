//! `sealer keys rotate`: a new active sealing key, stored with the user's own rights and served by the controller; then
//! files that follow it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use sealer_core::{Certificate, Fingerprint, UnsealingKey};
use sealer_go::pflag::{self, duration};
use sealer_resource::api;
use sealer_resource::key_secret::{self, Naming, ROTATION_ANNOTATION, ROTATION_UNFINISHED, TRUSTED_KEY_ANNOTATION};
use serde_json::json;

use super::cluster_keys::{ClusterKey, ClusterKeys};
use crate::args::Variable;
use crate::args::cluster::ClusterArgs;
use crate::args::files::refuse_empty;
use crate::args::output::Output;
use crate::args::search::SearchArgs;
use crate::cluster::objects::Access;
use crate::cluster::{Choice, Cluster};
use crate::commands::reseal::{self, Reseal};
use crate::diagnostics::CliError;
use crate::key_files::KeySources;
use crate::reseal_cache;
use crate::tree::Search;
use crate::ui::{self, Ui};

/// Make a new active sealing key, and wait until the controller serves it.
///
/// Makes a new active sealing key with your own rights, waits until the controller serves its certificate, and prints both
/// fingerprints. What was sealed before still opens; `--reseal PATH` has files follow at once. It refuses while the newest key has no
/// recorded backup. A run that was interrupted is resumed by the next one: no second key is made. In JSON the
/// rotation is one line and what was sealed anew another.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys rotate [FLAGS]", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print the lines of --reseal that change.
    #[arg(long)]
    diff: bool,
    /// Change nothing; say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Prefix of the new key Secret's name.
    #[arg(long, value_name = "TEXT", default_value = key_secret::DEFAULT_KEY_PREFIX)]
    key_prefix: String,
    /// Bits of the new key.
    #[arg(long, value_name = "BITS", default_value = "4096", value_parser = pflag::integer)]
    key_size: i64,
    /// Validity of the new certificate.
    #[arg(long, value_name = "DURATION", default_value = "87600h", value_parser = Length::parse)]
    key_ttl: Length,
    /// Rotate even if the newest key has no recorded backup.
    #[arg(long)]
    no_backup_check: bool,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// File or folder to seal anew for the new key afterwards; may be given again.
    #[arg(long, value_name = "PATH")]
    reseal: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// How long to wait until the controller serves the new certificate.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = Length::parse)]
    timeout: Length,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// What key is made, for which cluster, and what follows it.
#[derive(Debug)]
pub(super) struct Rotate {
    cluster: Choice,
    prefix: String,
    bits: usize,
    validity: Duration,
    timeout: Duration,
    /// Whether the newest key must have a recorded backup.
    backup_check: bool,
    /// Files to seal anew afterwards.
    reseal: Search,
    diff: bool,
    /// Where it is written down which values are sealed for which key.
    cache: Option<PathBuf>,
    dry_run: bool,
    json: bool,
}

impl Args {
    pub(super) fn checked(self, variable: Variable<'_>) -> Result<Rotate, CliError> {
        refuse_empty(&self.words)?;
        if self.reseal.is_empty() && !self.words.is_empty() {
            return Err(CliError::command_line(
                "`sealer keys rotate` takes no argument; files that follow are named with --reseal",
            ));
        }
        let bits =
            usize::try_from(self.key_size).ok().filter(|bits| (2048..=8192).contains(bits)).ok_or_else(|| {
                CliError::command_line(format!("--key-size {} is out of range; use 2048 to 8192 bits", self.key_size))
            })?;
        let cluster = self.cluster.choice;
        Ok(Rotate {
            reseal: self.search.search([self.reseal, self.words].concat(), &cluster)?,
            cluster,
            prefix: self.key_prefix,
            bits,
            validity: self.key_ttl.above_zero("key-ttl")?,
            timeout: self.timeout.above_zero("timeout")?,
            backup_check: !self.no_backup_check,
            diff: self.diff,
            cache: reseal_cache::place(variable),
            dry_run: self.dry_run,
            json: self.output.is_json(),
        })
    }
}

impl Rotate {
    /// What follows: files for the cluster's newest key, opened and sealed by its controller.
    fn followers(&self) -> Reseal {
        Reseal {
            search: self.reseal.clone(),
            certificate: None,
            keys: KeySources::default(),
            keys_in: None,
            check: false,
            dry_run: self.dry_run,
            diff: self.diff,
            json: self.json,
            cache: self.cache.clone(),
            cluster: self.cluster.clone(),
        }
    }
}

/// A length of time as it was written.
#[derive(Clone, Debug)]
struct Length {
    text: String,
    nanoseconds: i64,
}

impl Length {
    fn parse(text: &str) -> Result<Self, String> {
        duration::parse(text).map(|nanoseconds| Self { text: text.to_owned(), nanoseconds })
    }

    fn above_zero(self, flag: &str) -> Result<Duration, CliError> {
        let Self { text, nanoseconds } = self;
        if nanoseconds > 0 {
            return Ok(Duration::from_nanos(nanoseconds.unsigned_abs()));
        }
        Err(CliError::command_line(format!("--{flag} {text} is no length of time above zero, such as 30s")))
    }
}

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
    let other = wait(&cluster, &path, [&before, &new.fingerprint], request.timeout).map_err(|error| {
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
        reseal::reseal(&request.followers(), ui)?;
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
        Access::Granted(keys) => Ok(Some(keys)),
        Access::Forbidden(_) if !request.backup_check => Ok(None),
        Access::Forbidden(error) => {
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
    reseal::reseal(&request.followers(), ui)
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
    timeout: Duration,
) -> Result<Option<Fingerprint>, CliError> {
    let deadline = Instant::now() + timeout;
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
                    timeout.as_secs()
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

const EXAMPLES: &str = "Examples:
  sealer keys rotate
  sealer keys rotate --reseal deploy/ --diff";
