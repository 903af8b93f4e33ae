//! `sealer keys backup`: all keys of a cluster in a file that is proven to open before it counts as a backup.

use std::fs;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sealer_core::{Backup, Label, Passphrase, Plaintext, Scope, StoredKey, seal, unseal};
use sealer_resource::key_secret::{self, BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cluster_keys::{ClusterKey, ClusterKeys};
use crate::cluster::Cluster;
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::key_files::{self, KeySources};
use crate::request::Format;
use crate::request::keys::{Backup as Wanted, Protection};
use crate::ui::{self, Ui};
use crate::{manifest, prompt};

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
        let label = Label::as_given(Scope::Strict, "backup", &key.name);
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
