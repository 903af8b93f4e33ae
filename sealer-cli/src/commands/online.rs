//! `--validate` and `--re-encrypt`: the controller opens, and answers.

use std::convert::identity;

use sealer_resource::{API_VERSION, KIND, api};
use serde_json::{Map, Value, json};

use crate::cluster::{self, Answer, Cluster};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest::read::{self, Wanted};
use crate::manifest::{self, json as text};
use crate::request::Compat;
use crate::sealed_secret::{self, Leniency};
use crate::ui::Ui;

/// Asks whether every SealedSecret of the input opens; stops at the first that does not.
pub(crate) fn validate(request: &Compat, ui: &Ui) -> Result<(), CliError> {
    let cluster = connect(request)?;
    let path = cluster.path(api::VERIFY)?;
    // Scripts know this line for whatever cannot be read.
    let unreadable = |error: CliError| error.beneath("unable to decrypt sealed secret");
    for document in sealed_secrets(request, unreadable, ui)? {
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        match cluster.post(&path, text::compact(&document)) {
            Ok(Answer::Ok(_)) => {}
            Ok(Answer::Conflict) => {
                return Err(CliError::new(format!("unable to decrypt sealed secret: {name}")));
            }
            Err(cause) => return Err(explained(cause.beneath("cannot validate sealed secret").into_error())),
        }
    }
    Ok(())
}

/// Has every SealedSecret of the input sealed anew under the newest key.
pub(crate) fn re_encrypt(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
    let cluster = connect(request)?;
    let path = cluster.path(api::ROTATE)?;
    let format = request.format()?;
    for document in sealed_secrets(request, identity, ui)? {
        let answer = match cluster.post(&path, text::compact(&document)) {
            Ok(Answer::Ok(text)) => text,
            Ok(Answer::Conflict) => return Err(CliError::new("unable to rotate secret").hint(EXPLAIN)),
            Err(cause) => return Err(explained(cause.beneath("cannot re-encrypt secret").into_error())),
        };
        ui.write(manifest::encode(&resealed(&answer)?, format));
    }
    Ok(())
}

/// The cluster; without one, a certificate would not help.
fn connect(request: &Compat) -> Result<Cluster, CliError> {
    Cluster::connect(&request.cluster).map_err(|error| match cluster::is_unconfigured(&error) {
        true => CliError::new(error.message()).hint(
            "the controller of a cluster is asked, so point --kubeconfig or KUBECONFIG at a kubeconfig; without a cluster: \
             sealer explain --private-key FILE sealed.yaml",
        ),
        false => error,
    })
}

/// The controller says of a value that does not open that it failed, and no more.
fn explained(error: CliError) -> CliError {
    if error.message().contains("an error on the server") { error.hint(EXPLAIN) } else { error }
}

const EXPLAIN: &str = "a value may not open; why: sealer explain sealed.yaml";

/// The documents of the input; what cannot be read of it fails as `unreadable` says.
fn sealed_secrets(request: &Compat, unreadable: fn(CliError) -> CliError, ui: &Ui) -> Result<Vec<Value>, CliError> {
    let input = input::read(request.input.as_deref(), Input::Manifests)?;
    let documents = read::documents(&input, request.input.as_deref().unwrap_or("stdin"), Wanted::SealedSecrets)
        .map_err(unreadable)?;
    if documents.is_empty() {
        return Err(
            CliError::new("no sealed secrets found in the input").hint("pipe in the SealedSecret, in JSON or YAML")
        );
    }
    documents.iter().try_for_each(|document| sealed_secret::check_whole(document, request, ui))?;
    let object = |document| sealed_secret::read(document, Leniency::Stream).map(Value::Object).map_err(unreadable);
    documents.iter().map(object).collect()
}

/// Gives a field that the type always has.
fn fill(fields: &mut Map<String, Value>, name: &str, value: Value) {
    fields.entry(name.to_owned()).or_insert(value);
}

/// The controller's answer, without what a server would have set.
fn resealed(answer: &str) -> Result<Value, CliError> {
    let unreadable = || CliError::new("cannot re-encrypt secret: the controller's answer is no SealedSecret");
    let mut document: Value = serde_json::from_str(answer).map_err(|_| unreadable())?;
    let fields = document.as_object_mut().ok_or_else(unreadable)?;
    fill(fields, "metadata", Value::Object(Map::new()));
    fill(fields, "spec", Value::Object(Map::new()));
    if let Some(Value::Object(spec)) = fields.get_mut("spec") {
        fill(spec, "template", json!({}));
        fill(spec, "encryptedData", Value::Null);
        if let Some(Value::Object(template)) = spec.get_mut("template") {
            fill(template, "metadata", json!({}));
        }
    }
    fields.insert("kind".to_owned(), Value::String(KIND.to_owned()));
    fields.insert("apiVersion".to_owned(), Value::String(API_VERSION.to_owned()));
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        for field in ["creationTimestamp", "deletionTimestamp", "generation"] {
            metadata.remove(field);
        }
    }
    Ok(document)
}
