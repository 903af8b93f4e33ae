//! Private keys in files: PEM, key Secrets and Lists of them, and encrypted backups. Whoever opens values starts here.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sealer_core::error::BackupError;
use sealer_core::{Backup, Certificate, Keyring, Passphrase, StoredKey, UnsealingKey};
use sealer_encoding::base64;
use sealer_resource::key_secret;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::diagnostics::CliError;
use crate::input::encoding;
use crate::input::{self, Input};
use crate::manifest::read::{self, Wanted};
use crate::prompt;
use crate::ui::{self, Ui};

/// Where private keys are to come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySources {
    /// Files of any kind; what each one is shows itself.
    pub(crate) files: Vec<String>,
    /// For those among them that are encrypted; without it the terminal asks.
    pub(crate) passphrase_file: Option<String>,
}

impl KeySources {
    /// Whether no file is named at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// All keys of all files as one ring, newest first. A file without a usable key is an error; a broken Secret among
/// others is told. Of no files it is the empty ring.
pub(crate) fn load(sources: &KeySources, ui: &Ui) -> Result<Keyring, CliError> {
    let keys = stored(sources, ui)?;
    Ok(Keyring::new(keys.iter().map(StoredKey::entry).collect()))
}

/// The same keys with what is known about each.
pub(crate) fn stored(sources: &KeySources, ui: &Ui) -> Result<Vec<StoredKey>, CliError> {
    let (mut keys, mut failed) = (Vec::new(), Vec::new());
    for path in &sources.files {
        match named(path, sources, ui) {
            Ok(found) => keys.extend(found),
            Err(error) => failed.push(error),
        }
    }
    match failed.len() {
        0 => Ok(keys),
        1 => Err(failed.remove(0)),
        // Whoever names several wants to know of each.
        several => {
            failed.iter().for_each(|error| ui.notice(error.message()));
            Err(CliError::new(format!("{several} of the files that were named for keys cannot be used")))
        }
    }
}

fn named(path: &str, sources: &KeySources, ui: &Ui) -> Result<Vec<StoredKey>, CliError> {
    let bytes = Zeroizing::new(input::read_text(Some(path).filter(|path| *path != ui::STREAM), Input::Keys)?);
    of_file(path, &bytes, sources.passphrase_file.as_deref(), ui)
}

fn of_file(path: &str, bytes: &[u8], passphrase_file: Option<&str>, ui: &Ui) -> Result<Vec<StoredKey>, CliError> {
    if Backup::looks_like_backup(bytes) {
        return Ok(open(path, bytes, &passphrase(passphrase_file, path)?)?.keys);
    }
    if let Ok(key) = UnsealingKey::from_pem(bytes) {
        return Ok(vec![bare(path, key, bytes)]);
    }
    let secrets = secrets(bytes, path)?;
    let keys: Vec<StoredKey> = secrets.iter().filter_map(|secret| key_secret::read(secret).ok()).collect();
    if keys.is_empty() {
        let error = CliError::new(format!("no private key in {path}"));
        let error = match encoding::text(bytes) {
            Ok(_) => error,
            Err(reason) => error.hint(format!("it {reason}")).hint(reason.remedy()),
        };
        return Err(error
            .hint("it takes a PEM file, a key Secret, a List of them as kubectl get -o yaml prints it, or a backup"));
    }
    let broken = secrets.len() - keys.len();
    if broken > 0 {
        ui.notice(&format!("warning: {broken} Secrets in {path} hold no private key that can be used"));
    }
    Ok(keys)
}

/// Opens an encrypted backup.
pub(crate) fn open(path: &str, bytes: &[u8], passphrase: &Passphrase) -> Result<Backup, CliError> {
    Backup::decrypt(bytes, passphrase).map_err(|error| {
        let hint = match error {
            BackupError::Passphrase => "nothing was done; try again with the passphrase that the backup was made with",
            BackupError::Truncated | BackupError::Changed => "nothing was done; use another copy of the file",
            BackupError::Foreign(_) => "it was not made by `sealer keys backup`; openssl pkey -in FILE decrypts a key",
            _ => "sealer keys backup -o FILE makes a backup",
        };
        CliError::new(format!("cannot read the backup {path}: {error}")).hint(hint)
    })
}

/// The passphrase from its file, or from the terminal. It never stands on a command line or in a variable.
pub(crate) fn passphrase(file: Option<&str>, of: &str) -> Result<Passphrase, CliError> {
    passphrase_text(file, of).map(|text| Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())))
}

/// The same as text, for whoever has to judge it.
pub(crate) fn passphrase_text(file: Option<&str>, of: &str) -> Result<Zeroizing<String>, CliError> {
    let text = match file {
        Some(path) => only_line(path)?,
        None => prompt::secret(&format!("passphrase of {of}: ")).ok_or_else(|| {
            CliError::new(format!("the passphrase of {of} is needed, and there is no terminal to ask at"))
                .hint("write it into a file that only you can read, and name that with --passphrase-file")
        })?,
    };
    if text.is_empty() {
        return Err(CliError::new(format!("the passphrase of {of} is empty"))
            .hint("it stands on the only line of the file that --passphrase-file names, or is typed"));
    }
    Ok(text)
}

fn only_line(path: &str) -> Result<Zeroizing<String>, CliError> {
    let bytes = Zeroizing::new(input::read_text(Some(path), Input::Passphrase)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        CliError::new(format!("the passphrase file {path} is no text in UTF-8"))
            .hint("is it the right file? a passphrase stands alone in it")
    })?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(CliError::new(format!("the passphrase file {path} has more than one line"))
            .hint("is it the right file? a passphrase stands alone in it"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// A key in PEM, with the certificates that may stand beside it.
fn bare(path: &str, key: UnsealingKey, bytes: &[u8]) -> StoredKey {
    StoredKey {
        name: path.to_owned(),
        created: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        key: Arc::new(key),
        certificates: Certificate::bundle_from_pem(bytes).unwrap_or_default(),
    }
}

/// The Secrets of a file, those of Lists among them; none if it cannot be read.
fn secrets(bytes: &[u8], path: &str) -> Result<Vec<Secret>, CliError> {
    let Ok(documents) = read::documents(bytes, path, Wanted::Secrets) else { return Ok(Vec::new()) };
    let mut secrets = Vec::new();
    for document in documents {
        let document = document.value()?;
        match document.get("items").and_then(Value::as_array) {
            Some(items) => secrets.extend(items.iter().map(secret)),
            None => secrets.push(secret(&document)),
        }
    }
    Ok(secrets)
}

/// What of an object makes a key Secret, whatever else is wrong with it.
fn secret(object: &Value) -> Secret {
    let metadata = object.get("metadata").cloned().and_then(|metadata| serde_json::from_value(metadata).ok());
    let items = object.get("data").and_then(Value::as_object).into_iter().flatten();
    let decoded = items.filter_map(|(name, value)| Some((name.clone(), base64::decode(value.as_str()?).ok()?)));
    let data = decoded.map(|(name, bytes)| (name, ByteString(bytes))).collect();
    Secret { metadata: metadata.unwrap_or_default(), data: Some(data), ..Secret::default() }
}
