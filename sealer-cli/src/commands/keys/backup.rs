//! `sealer keys backup`: all keys of a cluster in a file that is proven to open before it counts as a backup.

use std::fs;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealer_core::{Backup, Label, Passphrase, Plaintext, Scope, StoredKey, seal, unseal};
use sealer_resource::key_secret::{self, BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cluster_keys::{ClusterKey, ClusterKeys};
use crate::args::cluster::ClusterArgs;
use crate::args::files::refuse_empty;
use crate::args::keys::PassphraseArgs;
use crate::args::output::Output;
use crate::cluster::{Choice, Cluster};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::key_files::{self, KeySources};
use crate::manifest::{self, Format};
use crate::ui::{self, Ui};
use crate::{names, prompt};

/// Write all sealing keys of a cluster into a file that a passphrase protects.
///
/// Writes all sealing keys, retired ones among them, into a new file of mode 0600 (docs/format.md, "Backup"), opens it again to prove
/// it, and only then records the backup on the key Secrets. No file is ever overwritten. `--plain` writes a Secret List without
/// protection, as `kubectl get -o yaml` does, after a confirmation.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer keys backup [FLAGS] -o FILE", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Change nothing; say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Output,
    /// Do not mark the key Secrets as backed up.
    #[arg(long)]
    no_record: bool,
    /// File to write; with --plain also - for standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Write a List of Secrets that nothing protects.
    #[arg(long)]
    plain: bool,
    /// Confirm --plain where no terminal asks.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Which keys are written where, and what protects them.
#[derive(Debug)]
pub(super) struct Wanted {
    cluster: Choice,
    file: String,
    protection: Protection,
    /// Whether the key Secrets are marked as backed up.
    record: bool,
    dry_run: bool,
    json: bool,
}

/// What keeps others from reading a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Protection {
    /// A passphrase, from a file or the terminal.
    Passphrase { file: Option<String> },
    /// Nothing; whether that was confirmed on the command line.
    Nothing { confirmed: bool },
}

impl Args {
    pub(super) fn checked(self) -> Result<Wanted, CliError> {
        refuse_empty(&self.words)?;
        if let Some(word) = self.words.first() {
            // It may be the passphrase.
            let file = names::file(word).unwrap_or_else(|| "FILE".to_owned());
            return Err(CliError::command_line(format!(
                "`sealer keys backup` takes no argument; name the file with -o {file}"
            )));
        }
        let file = self.output.unwrap_or_default();
        if file.is_empty() {
            return Err(CliError::command_line("`sealer keys backup` needs the name of the file to write: -o FILE"));
        }
        // Of every other verb it is the form of the answer.
        if matches!(file.as_str(), "json" | "text") {
            return Err(CliError::command_line(format!(
                "-o {file} would name the backup `{file}`; for the form of the answer there is --format {file}, and -o ./{file} names that file"
            )));
        }
        let protection = match (self.plain, self.passphrase.0) {
            (true, Some(_)) => {
                return Err(CliError::command_line(
                    "--plain writes without a passphrase; it does not go with --passphrase-file",
                ));
            }
            (true, None) => Protection::Nothing { confirmed: self.yes },
            (false, file) => Protection::Passphrase { file },
        };
        Ok(Wanted {
            cluster: self.cluster.choice,
            file,
            protection,
            record: !self.no_record,
            dry_run: self.dry_run,
            json: self.format.is_json(),
        })
    }
}

pub(super) fn run(request: &Wanted, ui: &mut Ui) -> Result<(), CliError> {
    may_be_written(&request.file)?;
    let cluster = Cluster::connect(&request.cluster)?;
    let keys = ClusterKeys::load(&cluster, ui::now())?.required()?;
    for broken in &keys.broken {
        ui.notice(&format!("warning: left out: Secret {broken}"));
    }
    if keys.keys.is_empty() {
        return Err(CliError::new(format!(
            "there is no sealing key in namespace `{}`",
            cluster.controller_namespace()
        ))
        .hint("is the controller elsewhere? name its namespace with --controller-namespace"));
    }
    if request.dry_run {
        return answer(request, &keys, ui);
    }
    let made = ui::now();
    let stored: Vec<StoredKey> = keys.keys.iter().map(|key| key.stored.clone()).collect();
    match &request.protection {
        Protection::Passphrase { file } => encrypted(request, file.as_deref(), Backup { made, keys: stored })?,
        Protection::Nothing { confirmed } if request.file == ui::STREAM => {
            confirm(*confirmed)?;
            return streamed(&cluster, &stored, ui);
        }
        Protection::Nothing { confirmed } => plain(request, *confirmed, &cluster, &stored, ui)?,
    }
    if request.record {
        for key in &keys.keys {
            record(&cluster, key, made)?;
        }
    }
    answer(request, &keys, ui)
}

/// Found before anybody types a passphrase. Only the writing itself decides.
fn may_be_written(path: &str) -> Result<(), CliError> {
    if path == ui::STREAM {
        return Ok(());
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            Err(CliError::new(format!("{path} is a link; a backup is never written through one"))
                .hint("name the file itself, in a folder that only you can write to"))
        }
        Ok(_) => Err(CliError::new(format!("{path} exists; a backup never replaces another file"))
            .hint("name a new file, with the date in it")),
        Err(_) => Ok(()),
    }
}

fn encrypted(request: &Wanted, passphrase_file: Option<&str>, backup: Backup) -> Result<(), CliError> {
    let path = &request.file;
    if path == ui::STREAM {
        return Err(CliError::new("standard output cannot be opened again to prove a backup; nothing was written")
            .hint(
                "name a file; or let another program encrypt: sealer keys backup --plain --yes -o - | age -r RECIPIENT",
            ));
    }
    let passphrase = new_passphrase(passphrase_file, path)?;
    let text = backup.encrypt(&passphrase).map_err(|error| CliError::new(format!("cannot make a backup: {error}")))?;
    ui::create_private(path, text.as_bytes())?;
    let read = key_files::open(path, &input::read(Some(path), Input::Keys)?, &passphrase)?;
    prove(path, &backup.keys, &read.keys)
}

/// From its file, or typed twice.
fn new_passphrase(file: Option<&str>, of: &str) -> Result<Passphrase, CliError> {
    let text = key_files::passphrase_text(file, of)?;
    if text.chars().count() < SHORTEST_PASSPHRASE {
        return Err(CliError::new(format!("the passphrase is shorter than {SHORTEST_PASSPHRASE} characters"))
            .hint("whoever finds the file can try passphrases as fast as they like; use several words"));
    }
    if file.is_none() && prompt::secret("once more: ").as_deref() != Some(&*text) {
        return Err(CliError::new("the two passphrases differ; nothing was written")
            .hint("try again, or write it into a file and name that with --passphrase-file"));
    }
    Ok(Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())))
}

/// Nothing protects what is written then.
fn confirm(confirmed: bool) -> Result<(), CliError> {
    let question =
        "whoever can read the file can open everything that was ever sealed for this cluster; write it? (yes/no) ";
    if confirmed || prompt::word(question).as_deref() == Some("yes") {
        return Ok(());
    }
    Err(CliError::new("--plain was not confirmed; nothing was written")
        .hint("type yes when asked, or give --yes; without --plain a passphrase protects the file"))
}

/// For another program that encrypts. What it makes of it is not known here: nothing is recorded.
fn streamed(cluster: &Cluster, keys: &[StoredKey], ui: &mut Ui) -> Result<(), CliError> {
    ui.write(manifest::encode(&secret_list(keys, cluster.controller_namespace())?, Format::Yaml));
    ui.notice("neither proven nor recorded: pipe what was kept into `sealer keys check -` to prove it");
    Ok(())
}

fn plain(request: &Wanted, confirmed: bool, cluster: &Cluster, keys: &[StoredKey], ui: &Ui) -> Result<(), CliError> {
    confirm(confirmed)?;
    let list = Zeroizing::new(manifest::encode(&secret_list(keys, cluster.controller_namespace())?, Format::Yaml));
    ui::create_private(&request.file, list.as_bytes())?;
    let sources = KeySources { files: vec![request.file.clone()], passphrase_file: None };
    prove(&request.file, keys, &key_files::stored(&sources, ui)?)
}

/// As `kubectl get secrets -o yaml` prints them.
fn secret_list(keys: &[StoredKey], namespace: &str) -> Result<Value, CliError> {
    let item = |key: &StoredKey| {
        let mut secret = key_secret::restored(key);
        secret.metadata.namespace = Some(namespace.to_owned());
        secret.metadata.creation_timestamp = key.created.map(Time);
        serde_json::to_value(secret)
            .map_err(|error| CliError::new(format!("cannot write Secret `{}`: {error}", key.name)))
    };
    let items: Result<Vec<Value>, CliError> = keys.iter().map(item).collect();
    Ok(json!({ "apiVersion": "v1", "kind": "List", "items": items? }))
}

/// A backup counts once what was read from it again opens what the cluster's keys seal.
fn prove(path: &str, written: &[StoredKey], read: &[StoredKey]) -> Result<(), CliError> {
    let opens = |key: &StoredKey| {
        let label = Label::new_unchecked(Scope::Strict, "backup", &key.name);
        let sealed = seal(&Plaintext::new(PROOF.to_vec()), &label, key.key.sealing_key()).ok();
        let again =
            read.iter().find(|again| again.name == key.name && again.key.fingerprint() == key.key.fingerprint());
        let (Some(sealed), Some(again)) = (sealed, again) else { return false };
        let ring = sealer_core::Keyring::new(vec![again.entry()]);
        unseal(&sealed, &label, &ring).is_ok_and(|opened| opened.plaintext.expose() == PROOF)
    };
    match written.iter().find(|key| !opens(key)) {
        None => Ok(()),
        Some(key) => {
            Err(CliError::new(format!("{path} was written, but key `{}` in it does not open what it should", key.name))
                .hint("nothing was recorded; is the disk sound? try another one"))
        }
    }
}

fn record(cluster: &Cluster, key: &ClusterKey, made: Timestamp) -> Result<(), CliError> {
    let annotations = json!({ BACKED_UP_AT_ANNOTATION: made.to_string(),
        BACKED_UP_FINGERPRINT_ANNOTATION: key.fingerprint().as_str() });
    cluster.mark_secret(&key.secret, &json!({ "annotations": annotations })).map_err(|error| {
        error.hint("the backup itself is written and proven; --no-record leaves the mark out, and rotate then needs --no-backup-check")
    })
}

fn answer(request: &Wanted, keys: &ClusterKeys, ui: &mut Ui) -> Result<(), CliError> {
    if request.json {
        let key = |key: &ClusterKey| json!({ "fingerprint": key.fingerprint().as_str(), "secret": key.name() });
        let keys: Vec<Value> = keys.keys.iter().map(key).collect();
        ui.write(format!("{}\n", json!({ "file": request.file, "keys": keys, "recorded": request.record && !request.dry_run, "written": !request.dry_run })));
        return Ok(());
    }
    for key in &keys.keys {
        ui.say(format!("{}  {}  {}\n", key.fingerprint(), key.name(), keys.state(key).word()));
    }
    let file = &request.file;
    ui.say(match (request.dry_run, request.record) {
        (true, _) => format!("{file} would hold these keys; nothing was written\n"),
        (false, true) => format!("{file} holds these keys; it was opened again, and recorded in the cluster\n"),
        (false, false) => format!("{file} holds these keys; it was opened again, and not recorded in the cluster\n"),
    });
    Ok(())
}

/// NIST SP 800-63B, 5.1.1.2.
const SHORTEST_PASSPHRASE: usize = 8;
const PROOF: &[u8] = b"a value that only the right key opens";
const EXAMPLES: &str = "Examples:
  sealer keys backup -o sealing-keys-2026-01
  sealer keys backup --plain --yes -o - | age -r RECIPIENT > sealing-keys.age";
