//! `--recovery-unseal`: opens SealedSecrets offline with private keys at hand.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use sealer_core::{Keyring, Label, Scope, UnsealingKey};
use sealer_encoding::base64;
use sealer_go::template::{Environment, Functions, Limits};
use sealer_resource::annotations::SKIP_OWNER_ANNOTATION;
use sealer_resource::render::Rendering;
use sealer_resource::unseal::{OpenOptions, open};
use sealer_resource::{SealedSecret, SealedSecretSpec};
use serde_json::{Map, Value};

use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest;
use crate::manifest::read::{self, Document, Wanted};
use crate::request::Compat;
use crate::sealed_secret::{self, Leniency};
use crate::ui::Ui;

pub(crate) fn run(request: &Compat, key_files: &[String], ui: &mut Ui) -> Result<(), CliError> {
    let keyring = keyring(key_files)?;
    let format = request.format()?;
    let input = input::read(request.input.as_deref(), Input::Manifests)?;
    let documents = read::documents(&input, request.input.as_deref().unwrap_or("stdin"), Wanted::SealedSecret)?;
    if documents.is_empty() {
        return Err(
            CliError::new("no sealed secrets found in the input").hint("pipe in the SealedSecret, in JSON or YAML")
        );
    }
    let several = documents.len() > 1;
    for document in documents {
        let number = document.number;
        sealed_secret::check_whole(&document, request, ui)?;
        let secret = unseal(&document, &keyring, key_files, request, ui).map_err(|error| match several {
            true => error.hint(format!("this is document {number} of the input; nothing was written")),
            false => error,
        })?;
        ui.write(manifest::encode(&secret, format));
    }
    Ok(())
}

fn unseal(
    document: &Document,
    keyring: &Keyring,
    key_files: &[String],
    request: &Compat,
    ui: &Ui,
) -> Result<Value, CliError> {
    let object = sealed_secret::read(document, Leniency::Alone)?;
    sealed_secret::check_items(document, request, ui)?;
    let field = |name: &str| object.get(name).cloned().unwrap_or_default();
    let (metadata, spec) = (field("metadata"), field("spec"));
    let spec: SealedSecretSpec = serde_json::from_value(spec)
        .map_err(|_| CliError::new("the input is no SealedSecret").hint("its spec has fields of other types"))?;
    let annotations: BTreeMap<String, String> =
        metadata.get("annotations").cloned().map(serde_json::from_value).and_then(Result::ok).unwrap_or_default();
    let text = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or_default();
    let label = Label::new_unchecked(Scope::from_annotations(&annotations), text("namespace"), text("name"));
    let started = Instant::now();
    let clock = move || started.elapsed();
    let options = OpenOptions { accept_v1_data: false, rendering: Some(rendering(&clock)) };
    let opened = open(&label, &spec, keyring, &options).map_err(|error| {
        // Whoever has the private keys may see values, and whoever reads a log may not.
        let text = error.public_text();
        let is_old_form = text.starts_with(OLD_FORM);
        let is_closed = text.starts_with(NO_KEY);
        let failed = CliError::new(text);
        let failed = if is_old_form { failed.hint(SEAL_ANEW) } else { failed };
        let without_key = without_key(key_files);
        let failed =
            if is_closed && without_key.is_empty() && !request.has_old_name { failed.hint(WHY) } else { failed };
        without_key.into_iter().fold(failed, CliError::hint)
    })?;
    let own = |name: &str| Some(text(name).to_owned()).filter(|text| !text.is_empty());
    let metadata = ObjectMeta { name: own("name"), namespace: own("namespace"), uid: own("uid"), ..Default::default() };
    let of_template = opened.metadata.clone();
    let sealed = SealedSecret { metadata, spec, status: None };
    let secret = opened.into_secret(&sealed);
    let mut secret = secret.map_err(|error| CliError::new(error.to_string()).hint("no cluster takes such a Secret"))?;
    if !sealed.spec.template.has_true_annotation(SKIP_OWNER_ANNOTATION) {
        // kubeseal names the owner of one that no cluster has seen, too: with an empty uid.
        secret.metadata.owner_references.get_or_insert_with(|| vec![sealed.owner_reference()]);
    }
    written(&secret, of_template)
}

/// Templates run here with all functions, and with time for slow machines: nobody else waits for them.
#[expect(clippy::disallowed_methods, reason = "`now` of a template is the time of the run")]
fn rendering(clock: &dyn Fn() -> Duration) -> Rendering<'_> {
    let environment = Environment { now: Timestamp::now(), functions: Functions { expensive: true } };
    Rendering { environment, limits: Limits { time: RENDER_TIMEOUT, ..Limits::default() }, clock }
}

/// The Secret as kubeseal writes it: with what a server would set where the template has it, and null for an item without
/// bytes.
fn written(secret: &Secret, of_template: Map<String, Value>) -> Result<Value, CliError> {
    let mut secret = serde_json::to_value(secret).map_err(|error| CliError::new(error.to_string()))?;
    if let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) {
        for (field, value) in of_template.into_iter().filter(|(field, _)| field != "name" && field != "namespace") {
            metadata.entry(field).or_insert(value);
        }
    }
    for value in secret.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten().map(|(_, value)| value) {
        if value == "" {
            *value = Value::Null;
        }
    }
    Ok(secret)
}

/// What is wrong with the files that were to bring keys and brought none.
fn without_key(key_files: &[String]) -> Vec<String> {
    if key_files.is_empty() {
        return vec!["no private key was given; name its file with --recovery-private-key".to_owned()];
    }
    let has_none = |path: &&String| keyring(std::slice::from_ref(path)).is_ok_and(|keyring| keyring.is_empty());
    let told = |path: &String| {
        format!("{path} holds no private key that can be used: RSA in PEM, not encrypted, or key Secrets")
    };
    key_files.iter().filter(has_none).map(told).collect()
}

/// All keys of all files: PEM, a key Secret, several of them, or a List as `kubectl get` prints it.
fn keyring(paths: &[String]) -> Result<Keyring, CliError> {
    let mut keys = Vec::new();
    for path in paths {
        let bytes = input::read_text(Some(path), Input::Keys)?;
        match UnsealingKey::from_pem(&bytes) {
            Ok(key) => keys.push(key),
            Err(_) if manifest::holds(&bytes, "-----BEGIN ") && !manifest::holds(&bytes, "kind") => {}
            Err(_) => keys.extend(keys_of_secrets(&bytes, path)?),
        }
    }
    Ok(Keyring::from_keys(keys))
}

fn keys_of_secrets(bytes: &[u8], path: &str) -> Result<Vec<UnsealingKey>, CliError> {
    key_secrets(bytes, path)?.iter().map(|secret| key_of_secret(secret, path)).collect()
}

/// The Secrets of a file, those of Lists among them; none if it cannot be read.
fn key_secrets(bytes: &[u8], path: &str) -> Result<Vec<Value>, CliError> {
    let Ok(documents) = read::documents(bytes, path, Wanted::Secrets) else { return Ok(Vec::new()) };
    let mut secrets = Vec::new();
    for document in documents {
        let document = document.value()?;
        match document.get("items").and_then(Value::as_array) {
            Some(items) => secrets.extend(items.iter().cloned()),
            None => secrets.push(document),
        }
    }
    Ok(secrets)
}

fn key_of_secret(secret: &Value, path: &str) -> Result<UnsealingKey, CliError> {
    let encoded = secret.pointer("/data/tls.key").and_then(Value::as_str);
    let encoded = encoded.ok_or_else(|| {
        CliError::new("secret must contain a 'tls.data' key")
            .hint(format!("a Secret in {path} has no data.tls.key; is it a sealing key's Secret?"))
    })?;
    let pem = base64::decode(encoded).map_err(|error| CliError::new(error.to_string()))?;
    UnsealingKey::from_pem(&pem)
        .map_err(|error| CliError::new(error.to_string()).hint(format!("data.tls.key of a Secret in {path}")))
}

const NO_KEY: &str = "no key could decrypt secret";
const WHY: &str = "sealer explain --private-key FILE sealed.yaml says why: another key, name, namespace or scope";
/// How Go's error begins about a SealedSecret whose items are one value.
const OLD_FORM: &str = "using deprecated 'data' field";
const SEAL_ANEW: &str = "spec.data is the old form, one sealed value for all items, and no flag here opens it: seal the Secret anew; \
                         a controller that runs with --accept-deprecated-v1-data still makes it";
/// For all templates of one object.
const RENDER_TIMEOUT: Duration = Duration::from_secs(10);
