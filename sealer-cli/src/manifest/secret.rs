//! A Secret as it came, checked field by field: what sealing starts from.

use std::collections::BTreeMap;

use sealer_core::{Plaintext, base64};
use serde_json::{Map, Value};

use crate::diagnostics::CliError;
use crate::manifest::read::Document;

/// One Secret of the input.
#[derive(Debug)]
pub(crate) struct SecretInput {
    pub(crate) metadata: Map<String, Value>,
    pub(crate) type_: Option<String>,
    pub(crate) immutable: Option<bool>,
    /// `data` decoded, overlaid by `stringData`.
    pub(crate) items: BTreeMap<String, Plaintext>,
}

impl SecretInput {
    /// A text of the metadata; empty where it is missing.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.metadata.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The annotations.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let all = self.metadata.get("annotations").and_then(Value::as_object).into_iter().flatten();
        all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }

    /// Sets a text of the metadata.
    pub(crate) fn set(&mut self, field: &str, text: &str) {
        self.metadata.insert(field.to_owned(), Value::String(text.to_owned()));
    }

    /// Sets or removes annotations.
    pub(crate) fn set_annotations(&mut self, annotations: BTreeMap<String, String>) {
        if annotations.is_empty() {
            self.metadata.remove("annotations");
        } else {
            let all = annotations.into_iter().map(|(name, value)| (name, Value::String(value)));
            self.metadata.insert("annotations".to_owned(), Value::Object(all.collect()));
        }
    }
}

/// Reads the Secrets of a stream; a List is taken apart.
pub(crate) fn secrets(documents: Vec<Document>) -> Result<Vec<SecretInput>, CliError> {
    let mut found = Vec::new();
    for document in documents {
        let Document { number, is_yaml, value } = document;
        let reader = Reader { number, is_yaml };
        match reader.list_items(&value) {
            Some(items) => {
                for item in items {
                    found.push(reader.secret(item)?);
                }
            }
            None => found.push(reader.secret(&value)?),
        }
    }
    Ok(found)
}

/// Reads one document; messages name it and the field, never a value.
struct Reader {
    number: usize,
    is_yaml: bool,
}

impl Reader {
    fn list_items<'a>(&self, value: &'a Value) -> Option<&'a Vec<Value>> {
        let kind = field(value, "kind").and_then(Value::as_str)?;
        if matches!(kind, "List" | "SecretList") { field(value, "items").and_then(Value::as_array) } else { None }
    }

    fn secret(&self, value: &Value) -> Result<SecretInput, CliError> {
        self.check_kind(value)?;
        let mut metadata = match field(value, "metadata") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(metadata)) => metadata.clone(),
            Some(_) => return Err(self.wrong("metadata", "an object")),
        };
        for name in ["name", "namespace", "generateName"] {
            self.normalize_text(&mut metadata, name)?;
        }
        for name in ["labels", "annotations"] {
            self.normalize_texts(&mut metadata, name)?;
        }
        let type_ = field(value, "type").and_then(|value| self.text(value));
        let immutable = field(value, "immutable").and_then(Value::as_bool);
        let mut items = self.data(value)?;
        items.extend(self.string_data(value)?);
        Ok(SecretInput { metadata, type_: type_.filter(|text| !text.is_empty()), immutable, items })
    }

    fn check_kind(&self, value: &Value) -> Result<(), CliError> {
        match field(value, "kind").and_then(Value::as_str) {
            None | Some("" | "Secret") => Ok(()),
            Some("SealedSecret") => Err(self
                .error("is a SealedSecret already")
                .hint("pipe in the Secret; to seal it anew under the newest key use --re-encrypt")),
            Some(kind) => Err(self
                .error(&format!("is a {kind}, not a Secret"))
                .hint("only Secrets can be sealed; leave the others out of the input")),
        }
    }

    fn data(&self, value: &Value) -> Result<BTreeMap<String, Plaintext>, CliError> {
        let Some(data) = self.object(value, "data")? else { return Ok(BTreeMap::new()) };
        let item = |(name, value): (&String, &Value)| {
            let bytes = match value {
                Value::Null => Vec::new(),
                Value::String(text) => base64::decode(text).map_err(|error| {
                    CliError::new(error.to_string()).hint(format!(
                        "data.{name} of document {} must be base64; put plain text under stringData",
                        self.number
                    ))
                })?,
                _ => return Err(self.wrong(&format!("data.{name}"), "text in base64")),
            };
            Ok((name.clone(), Plaintext::new(bytes)))
        };
        data.iter().map(item).collect()
    }

    fn string_data(&self, value: &Value) -> Result<BTreeMap<String, Plaintext>, CliError> {
        let Some(data) = self.object(value, "stringData")? else { return Ok(BTreeMap::new()) };
        let item = |(name, value): (&String, &Value)| {
            let text = if value.is_null() { Some(String::new()) } else { self.text(value) };
            let text = text.ok_or_else(|| self.wrong(&format!("stringData.{name}"), "text"))?;
            Ok((name.clone(), Plaintext::new(text.into_bytes())))
        };
        data.iter().map(item).collect()
    }

    fn object<'a>(&self, value: &'a Value, name: &str) -> Result<Option<&'a Map<String, Value>>, CliError> {
        match field(value, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.wrong(name, "a map")),
        }
    }

    /// Text as it is; in YAML bare numbers and words stand for their text, as kubectl takes them.
    fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) if self.is_yaml => Some(value.to_string()),
            _ => None,
        }
    }

    fn normalize_text(&self, metadata: &mut Map<String, Value>, name: &str) -> Result<(), CliError> {
        let Some(value) = metadata.remove(name).filter(|value| !value.is_null()) else { return Ok(()) };
        let text = self.text(&value).ok_or_else(|| self.wrong(&format!("metadata.{name}"), "text"))?;
        if !text.is_empty() {
            metadata.insert(name.to_owned(), Value::String(text));
        }
        Ok(())
    }

    fn normalize_texts(&self, metadata: &mut Map<String, Value>, name: &str) -> Result<(), CliError> {
        let Some(value) = metadata.remove(name).filter(|value| !value.is_null()) else { return Ok(()) };
        let Value::Object(map) = value else { return Err(self.wrong(&format!("metadata.{name}"), "a map")) };
        let entry = |(key, value): (String, Value)| {
            let text = if value.is_null() { Some(String::new()) } else { self.text(&value) };
            let text = text.ok_or_else(|| self.wrong(&format!("metadata.{name}.{key}"), "text"))?;
            Ok((key, Value::String(text)))
        };
        let map: Map<String, Value> = map.into_iter().map(entry).collect::<Result<_, CliError>>()?;
        if !map.is_empty() {
            metadata.insert(name.to_owned(), Value::Object(map));
        }
        Ok(())
    }

    fn wrong(&self, field: &str, expected: &str) -> CliError {
        self.error(&format!("has a {field} that is not {expected}")).hint("quote the value if it is meant as text")
    }

    fn error(&self, what: &str) -> CliError {
        CliError::new(format!("document {} of the input {what}", self.number))
    }
}

/// A field by its name, or by its name in other letters' case, as Go reads it.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
