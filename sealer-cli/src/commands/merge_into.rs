//! `--merge-into`: seals the input for an existing SealedSecret and puts the items into its file.

mod keep;

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};

use sealer_core::Scope;
use sealer_resource::KIND;
use serde_json::{Map, Value};

use crate::certificate;
use crate::commands::{seal, target};
use crate::diagnostics::CliError;
use crate::in_place::write_over::WriteOver;
use crate::input::{self, Input, encoding};
use crate::manifest;
use crate::manifest::Format;
use crate::manifest::node::Node;
use crate::manifest::read::{self, Document, Syntax, Wanted};
use crate::names;
use crate::previous_ciphertexts::PreviousCiphertexts;
use crate::request::Compat;
use crate::sealed_secret::{self, Leniency};
use crate::ui::{self, Ui, Weight};

pub(crate) fn run(request: &Compat, path: &str, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let mut file = open(path)?;
    let bytes = input::read_from(&mut file, path, Input::Manifests)?;
    let documents = read::documents(&bytes, path, Wanted::SealedSecret)?;
    let is_alone = documents.len() < 2;
    let (format, keeps) = format(request, &documents)?;
    let (mut target, input) = if is_alone {
        let target = target(documents.first(), path, request, ui)?;
        (target, seal::input(request)?)
    } else {
        let input = seal::input(request)?;
        (target(Some(among(&documents, &input, path)?), path, request, ui)?, input)
    };
    let kept = seal::kept(request, path, &bytes, ui)?;
    let sealed = sealed_for(&target, input, request, &certificate, kept, ui)?;
    refuse_other_scope(&target, &sealed, path)?;
    for told in left_out(&target, &sealed) {
        ui.tell(Weight::Loss, request.has_old_name, &format!("warning: {path}: {told}"));
    }
    let text = if keeps { edited(&bytes, &target, &sealed, (path, is_alone), ui)? } else { None };
    if text.is_none() && !is_alone {
        return Err(CliError::new(format!("{path} holds {} documents; one is wanted to merge into", documents.len()))
            .hint("keep the SealedSecret in a file of its own; nothing was written"));
    }
    merge(&mut target, sealed);
    let items = target.get("spec").and_then(|spec| spec.get("encryptedData")).and_then(Value::as_object);
    let values = items.into_iter().flat_map(Map::values).filter_map(Value::as_str);
    if let Some(warning) = seal::usable::sealed_warning(values, 0) {
        ui.tell(Weight::Loss, request.has_old_name, &format!("warning: {path}: {warning}"));
    }
    let text = text.unwrap_or_else(|| manifest::encode(&Value::Object(target), format));
    // In place: links, owner and mode stay as they are.
    WriteOver::of(file, bytes)
        .write(|file| file.write_all(text.as_bytes()))
        .map_err(|error| CliError::new(format!("write {path}: {error}")))
}

/// The file, behind a link if that was named. Nothing is read from a device or pipe, which could not be written back.
fn open(path: &str) -> Result<File, CliError> {
    if path == ui::STREAM {
        return Err(CliError::new("--merge-into changes a file in place; standard input is none")
            .hint("the Secret is read from standard input, and the SealedSecret from the file that is named"));
    }
    let failed = |error: io::Error| CliError::file("open", path, &error);
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() && !found.is_dir() {
        return Err(CliError::new(format!("{path} is no file; --merge-into changes one in place"))
            .hint("to write a new one: sealer -w FILE"));
    }
    OpenOptions::new().read(true).write(true).open(path).map_err(failed)
}

/// How the file is written, and whether that is how it is written already. Scripts know the old name to write JSON anew,
/// and all that they did not ask YAML for as JSON.
fn format(request: &Compat, documents: &[Document]) -> Result<(Format, bool), CliError> {
    let asked = request.format()?;
    let is_yaml = documents.iter().all(|document| document.syntax == Syntax::Yaml);
    let own = if is_yaml { Format::Yaml } else { Format::Json };
    if request.has_old_name {
        return Ok((asked, is_yaml && asked == Format::Yaml));
    }
    let is_named = request.is_format_named || asked == Format::Yaml;
    Ok(if is_named { (asked, asked == own) } else { (own, true) })
}

/// The text of the file with what was sealed; none where it has to be written anew, without its comments.
fn edited(
    bytes: &[u8],
    target: &Map<String, Value>,
    sealed: &Value,
    (path, is_alone): (&str, bool),
    ui: &Ui,
) -> Result<Option<String>, CliError> {
    let Ok(decoded) = encoding::document(bytes) else { return Ok(None) };
    let is_wide = matches!(decoded, Cow::Owned(_));
    // A mark of UTF-8 stays.
    let Ok(text) = std::str::from_utf8(if is_wide { &decoded } else { bytes }) else { return Ok(None) };
    if is_wide {
        ui.notice(&format!("warning: {path} was UTF-16, and is written as UTF-8"));
    }
    match keep::merged(text, target, sealed) {
        Ok(text) => Ok(text),
        Err(error) if is_alone => {
            if manifest::holds(bytes, "#") {
                ui.notice(&format!("warning: {path} is written anew, and its comments are lost: {error}"));
            }
            Ok(None)
        }
        Err(error) => Err(target::refused(path, &error)),
    }
}

/// The SealedSecret among several documents: the only one, or the one of the Secret's name.
fn among<'d>(documents: &'d [Document], input: &[Document], path: &str) -> Result<&'d Document, CliError> {
    let text = |node: &Node, field: &str| {
        let metadata = node.field("metadata").and_then(|metadata| metadata.field(field));
        metadata.and_then(Node::as_text).unwrap_or_default().to_owned()
    };
    let is_sealed = |document: &&Document| document.node.field("kind").and_then(Node::as_text) == Some(KIND);
    let sealed: Vec<&Document> = documents.iter().filter(is_sealed).collect();
    let fits = |document: &&&Document| {
        input.first().is_some_and(|secret| {
            let of_secret = |field: &str| text(&secret.node, field);
            text(&document.node, "name") == of_secret("name")
                && (of_secret("namespace").is_empty() || text(&document.node, "namespace") == of_secret("namespace"))
        })
    };
    let mut fitting = sealed.iter().filter(fits);
    match (sealed.as_slice(), fitting.next(), fitting.next()) {
        ([], ..) => Err(CliError::new(format!("{path} holds no SealedSecret to merge into"))
            .hint("write a first one with -w, into a file of its own")),
        ([only], ..) => Ok(only),
        (_, Some(one), None) => Ok(one),
        _ => {
            let all: Vec<String> = sealed.iter().map(|document| names::name(&text(&document.node, "name"))).collect();
            Err(CliError::new(format!(
                "{path} holds {} SealedSecrets, and none alone has the name of the Secret",
                sealed.len()
            ))
            .hint(format!("they are {}; nothing was written", all.join(", "))))
        }
    }
}

/// The one SealedSecret of the file.
fn target(document: Option<&Document>, path: &str, request: &Compat, ui: &Ui) -> Result<Map<String, Value>, CliError> {
    match document {
        Some(document) => {
            sealed_secret::check_whole(document, request, ui)?;
            refuse_items_without_text(document, path)?;
            sealed_secret::read(document, Leniency::Alone)
        }
        None => Err(CliError::new(format!("{path} holds no SealedSecret to merge into"))
            .hint(format!("write a first one with: sealer -w {path}"))),
    }
}

/// An item that is no text would be written back as an empty one.
fn refuse_items_without_text(document: &Document, path: &str) -> Result<(), CliError> {
    let items = document.node.field("spec").and_then(|spec| spec.field("encryptedData"));
    let items = match items {
        None | Some(Node::Null) => return Ok(()),
        Some(Node::Map(items)) => items,
        Some(other) => {
            let message = format!("spec.encryptedData of {path} is no map of items but of type {}", other.type_word());
            return Err(CliError::new(message).hint("correct it, or take it out; nothing was written"));
        }
    };
    match items.iter().find(|(_, value)| value.as_text().is_none()) {
        None => Ok(()),
        Some((item, value)) => {
            let message =
                format!("item `{}` of {path} is no sealed value but of type {}", names::name(item), value.type_word());
            Err(CliError::new(message).hint("seal the item anew, or take it out; nothing was written"))
        }
    }
}

/// The input, sealed under the name and namespace of the target.
fn sealed_for(
    target: &Map<String, Value>,
    input: Vec<Document>,
    request: &Compat,
    certificate: &sealer_core::Certificate,
    kept: Option<PreviousCiphertexts>,
    ui: &Ui,
) -> Result<Value, CliError> {
    let metadata = target.get("metadata").and_then(Value::as_object);
    let text = |field: &str| {
        let value = metadata.and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let bound = seal::Bound { name: text("name"), namespace: text("namespace"), kept };
    let mut sealed = seal::documents(input, request, &bound, certificate, ui)?;
    if sealed.len() > 1 {
        return Err(CliError::new(format!("the input holds {} Secrets; one is wanted to merge", sealed.len()))
            .hint("merge them one by one; nothing was written"));
    }
    sealed.pop().ok_or_else(|| CliError::new("no secrets found. Ensure the input is valid and UTF-8 encoded"))
}

/// An item that is sealed for another scope than its object announces could never be opened.
fn refuse_other_scope(target: &Map<String, Value>, sealed: &Value, path: &str) -> Result<(), CliError> {
    let scope = |metadata: Option<&Value>| {
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        Scope::announced(|name| annotations?.get(name)?.as_str())
    };
    let (old, new) = (scope(target.get("metadata")), scope(sealed.get("metadata")));
    if old == new {
        return Ok(());
    }
    Err(CliError::new(format!("scope mismatch: {path} is {old} but the input is sealed {new}"))
        .hint(format!("add --scope {old}; an item of another scope than its object could never be opened")))
}

/// What of the input is not merged: the file keeps its own type, and whether it is immutable.
fn left_out(target: &Map<String, Value>, sealed: &Value) -> Vec<String> {
    let of_target = target.get("spec").and_then(|spec| spec.get("template"));
    let of_sealed = sealed.get("spec").and_then(|spec| spec.get("template"));
    let field = |template: Option<&Value>, name: &str, default: &str| match template.and_then(|it| it.get(name)) {
        None | Some(Value::Null) => default.to_owned(),
        Some(Value::String(text)) if text.is_empty() => default.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let differing = [("type", "Opaque"), ("immutable", "false")].into_iter().filter_map(|(name, default)| {
        let (old, new) = (field(of_target, name, default), field(of_sealed, name, default));
        // What the input leaves open is the file's to say.
        let is_named = of_sealed.and_then(|it| it.get(name)).is_some_and(|value| !value.is_null());
        (is_named && old != new).then(|| {
            format!("its `{name}` stays {old}; the input has {new}, which is changed under spec.template by hand")
        })
    });
    differing.collect()
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
