//! `--merge-into`: seals the input for an existing SealedSecret and puts the items into its file.

use std::fs::OpenOptions;
use std::io::Write as _;

use sealer_core::scope::{CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION};
use serde_json::{Map, Value};

use crate::certificate;
use crate::commands::seal;
use crate::diagnostics::CliError;
use crate::in_place::write_over::WriteOver;
use crate::input::{self, Input};
use crate::manifest;
use crate::manifest::node::Node;
use crate::manifest::read::{self, Wanted};
use crate::request::Compat;
use crate::sealed_secret::{self, Place};
use crate::ui::Ui;
use crate::unchanged::Unchanged;

pub(crate) fn run(request: &Compat, path: &str, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let mut file =
        OpenOptions::new().read(true).write(true).open(path).map_err(|error| CliError::file("open", path, &error))?;
    let bytes = input::read_from(&mut file, path, Input::Manifests)?;
    let mut target = target(&bytes, path)?;
    let kept = seal::kept(request, path, &bytes, ui)?;
    let sealed = sealed_for(&target, request, &certificate, kept, ui)?;
    refuse_other_scope(&target, &sealed, path)?;
    merge(&mut target, sealed);
    let items = target.get("spec").and_then(|spec| spec.get("encryptedData")).and_then(Value::as_object);
    if let Some(warning) = items.and_then(seal::usable::sealed_warnings) {
        ui.notice(&format!("warning: {path}: {warning}"));
    }
    let text = manifest::encode(&Value::Object(target), request.format()?);
    // In place: links, owner and mode stay as they are.
    WriteOver::of(file, bytes)
        .write(|file| file.write_all(text.as_bytes()))
        .map_err(|error| CliError::new(format!("write {path}: {error}")))
}

/// The one SealedSecret of the file.
fn target(bytes: &[u8], path: &str) -> Result<Map<String, Value>, CliError> {
    let mut documents = read::documents(bytes, path, Wanted::SealedSecret)?;
    if documents.len() > 1 {
        return Err(CliError::new(format!("{path} holds {} documents; one is wanted to merge into", documents.len()))
            .hint("keep the SealedSecret in a file of its own; nothing was written"));
    }
    match documents.pop() {
        Some(document) => {
            refuse_items_without_text(&document, path)?;
            sealed_secret::read(&document, Place::Alone)
        }
        None => Err(CliError::new(format!("{path} holds no SealedSecret to merge into"))
            .hint(format!("write a first one with: sealer -w {path}"))),
    }
}

/// An item that is no text would be written back as an empty one.
fn refuse_items_without_text(document: &read::Document, path: &str) -> Result<(), CliError> {
    let items = document.node.field("spec").and_then(|spec| spec.field("encryptedData"));
    let Some(Node::Map(items)) = items else { return Ok(()) };
    match items.iter().find(|(_, value)| value.as_text().is_none()) {
        None => Ok(()),
        Some((item, value)) => {
            let message = format!("item `{item}` of {path} is no sealed value but of type {}", value.type_word());
            Err(CliError::new(message).hint("seal the item anew, or take it out; nothing was written"))
        }
    }
}

/// The input, sealed under the name and namespace of the target.
fn sealed_for(
    target: &Map<String, Value>,
    request: &Compat,
    certificate: &sealer_core::Certificate,
    kept: Option<Unchanged>,
    ui: &Ui,
) -> Result<Value, CliError> {
    let metadata = target.get("metadata").and_then(Value::as_object);
    let text = |field: &str| {
        let value = metadata.and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let bound = seal::Bound { name: text("name"), namespace: text("namespace"), kept };
    let mut sealed = seal::documents(request, &bound, certificate, ui)?;
    if sealed.len() > 1 {
        return Err(CliError::new(format!("the input holds {} Secrets; one is wanted to merge", sealed.len()))
            .hint("merge them one by one; nothing was written"));
    }
    sealed.pop().ok_or_else(|| CliError::new("no secrets found. Ensure the input is valid and UTF-8 encoded"))
}

/// An item that is sealed for another scope than its object announces could never be opened.
fn refuse_other_scope(target: &Map<String, Value>, sealed: &Value, path: &str) -> Result<(), CliError> {
    let scope = |metadata: Option<&Value>| {
        let set = |name: &str| metadata.and_then(|it| it.get("annotations")?.get(name)?.as_str()) == Some("true");
        if set(CLUSTER_WIDE_ANNOTATION) {
            "cluster-wide"
        } else if set(NAMESPACE_WIDE_ANNOTATION) {
            "namespace-wide"
        } else {
            "strict"
        }
    };
    let (old, new) = (scope(target.get("metadata")), scope(sealed.get("metadata")));
    if old == new {
        return Ok(());
    }
    Err(CliError::new(format!("scope mismatch: {path} is {old} but the input is sealed {new}"))
        .hint(format!("add --scope {old}; an item of another scope than its object could never be opened")))
}

/// Items, and the template's annotations, labels and templates: the new value wins, nothing is removed.
fn merge(target: &mut Map<String, Value>, sealed: Value) {
    for path in PLACES {
        let new = path.iter().try_fold(&sealed, |value, field| value.get(*field)).and_then(Value::as_object);
        let Some(new) = new.filter(|new| !new.is_empty()) else { continue };
        let mut place = &mut *target;
        for field in path {
            let inner = place.entry(*field).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Value::Object(inner) = inner else { return };
            place = inner;
        }
        place.extend(new.clone());
    }
}

const PLACES: [&[&str]; 4] = [
    &["spec", "encryptedData"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "template", "data"],
];
