//! What the endpoints read of a posted SealedSecret: names, scope, and sealed values. The template is checked for its outer
//! shape and stays the text that it is; nothing becomes a tree.

use std::collections::BTreeMap;

use sealer_core::{Label, Scope};
use sealer_resource::KIND;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::http::refusal::Refusal;
use crate::http::yaml;
use crate::kube::json::Shape;

/// A posted SealedSecret.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) metadata: Metadata,
    pub(crate) scope: Scope,
    pub(crate) label: Label,
    pub(crate) template: Option<Box<RawValue>>,
    pub(crate) sealed: Sealed,
}

/// Its sealed values.
#[derive(Debug)]
pub(crate) enum Sealed {
    Items(Vec<(String, String)>),
    /// The deprecated form: one value.
    Blob(String),
    /// What opens under no key: both forms at once, or more items than a body has room for.
    Never,
}

/// What of an object's metadata is its author's. Fields in the order of the alphabet, as Go writes maps.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
}

/// A JSON object whose values are texts still. Of equal names the last one wins.
pub(crate) type Fields<'a> = BTreeMap<String, &'a RawValue>;

impl Posted {
    /// Reads a body, in JSON or YAML.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::Malformed)?;
        if text.trim_start().starts_with('{') {
            return Self::from_json(text);
        }
        Self::from_json(&yaml::to_json(text).ok_or(Refusal::Malformed)?)
    }

    fn from_json(text: &str) -> Result<Self, Refusal> {
        check_size(text)?;
        Self::parse(text).ok_or(Refusal::Malformed)
    }

    fn parse(text: &str) -> Option<Self> {
        let document: Fields<'_> = serde_json::from_str(text).ok()?;
        let kind = document.get("kind").and_then(|kind| text_of(kind));
        if kind.is_some_and(|kind| kind != KIND) {
            return None;
        }
        let metadata = metadata(document.get("metadata").copied())?;
        let spec: Fields<'_> = serde_json::from_str(document.get("spec")?.get()).ok()?;
        let scope = metadata.annotations.as_ref().map_or(Scope::Strict, Scope::from_annotations);
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let label = Label::new(scope, &part(&metadata.namespace), &part(&metadata.name)).ok()?;
        let template = spec.get("template").copied();
        if !template.is_none_or(is_template) {
            return None;
        }
        let template = template.map(ToOwned::to_owned);
        Some(Self { metadata, scope, label, template, sealed: sealed(&spec)? })
    }
}

fn metadata(text: Option<&RawValue>) -> Option<Metadata> {
    let fields: Fields<'_> = optional(text)?.unwrap_or_default();
    Some(Metadata {
        annotations: optional(fields.get("annotations").copied())?,
        labels: optional(fields.get("labels").copied())?,
        name: optional(fields.get("name").copied())?,
        namespace: optional(fields.get("namespace").copied())?,
    })
}

/// Sealed values, however malformed: what is no text becomes an empty value, which does not open.
fn sealed(spec: &Fields<'_>) -> Option<Sealed> {
    let items = spec.get("encryptedData").copied().filter(|items| items.get().starts_with('{'));
    let items: Fields<'_> = optional(items)?.unwrap_or_default();
    let blob: Option<String> = optional(spec.get("data").copied())?;
    match blob {
        Some(blob) if items.is_empty() => Some(Sealed::Blob(blob)),
        Some(_) => Some(Sealed::Never),
        None if items.len() > MOST_ITEMS => Some(Sealed::Never),
        None => {
            let item = |(name, value): (String, &RawValue)| (name, text_of(value).unwrap_or_default());
            Some(Sealed::Items(items.into_iter().map(item).collect()))
        }
    }
}

/// Whether a template has the fields of one, of the types that they have. What is in them does not matter here.
fn is_template(template: &RawValue) -> bool {
    if template.get() == "null" {
        return true;
    }
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(template.get()) else { return false };
    let begins = |value: &RawValue, beginnings: &[&str]| {
        value.get() == "null" || beginnings.iter().any(|beginning| value.get().starts_with(beginning))
    };
    let is_right = |name, beginnings| fields.get(name).is_none_or(|value| begins(value, beginnings));
    let has_texts = |data: &RawValue| {
        let texts: Option<Fields<'_>> = optional(Some(data)).unwrap_or_default();
        texts.is_none_or(|texts| texts.values().all(|text| begins(text, &["\""])))
    };
    is_right("metadata", &["{"])
        && is_right("type", &["\""])
        && is_right("immutable", &["true", "false"])
        && is_right("data", &["{"])
        && fields.get("data").copied().is_none_or(has_texts)
}

/// Reads what may be null or missing; `None` if it is something else.
#[expect(clippy::option_option, reason = "malformed, missing and present are three answers")]
fn optional<'a, T: Deserialize<'a>>(text: Option<&'a RawValue>) -> Option<Option<T>> {
    text.map_or(Some(None), |text| serde_json::from_str(text.get()).ok())
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// Judges what the text would become, before anything of it does.
fn check_size(text: &str) -> Result<(), Refusal> {
    let shape = Shape::of(text);
    if shape.depth > DEEPEST {
        return Err(Refusal::Malformed);
    }
    if shape.nodes > MOST_VALUES { Err(Refusal::TooCostly) } else { Ok(()) }
}

/// serde's own limit, so that what it takes can be read everywhere.
const DEEPEST: usize = 127;
/// Sixteen times the items that an object may have.
const MOST_VALUES: usize = 65_536;
/// An item is a name and at least 195 characters of base64: a key of 1024 bits and an empty value. The largest body holds fewer.
const MOST_ITEMS: usize = 10_752;

#[cfg(test)]
mod tests;
