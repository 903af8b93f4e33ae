//! A Secret as it came, checked field by field: what sealing starts from.

use std::collections::BTreeMap;

use sealer_core::Plaintext;
use serde_json::{Map, Value};

use crate::diagnostics::CliError;
use crate::encrypted::{self, Encrypted};
use crate::manifest::node::Node;
use crate::manifest::read::{self, Document, Syntax};
use crate::manifest::schema;
use crate::manifest::stray::{self, Strays, strays};
use crate::manifest::twice;
use crate::manifest::typed::{Rules, TypeMismatch, typed};
use crate::names;
use crate::spelling::is_near;

/// One Secret of the input.
#[derive(Debug)]
pub(crate) struct SecretInput {
    pub(crate) metadata: Map<String, Value>,
    pub(crate) type_: Option<String>,
    pub(crate) immutable: Option<bool>,
    /// `data` decoded, overlaid by `stringData`.
    pub(crate) items: BTreeMap<String, Plaintext>,
    /// What it has beside the fields of a Secret.
    pub(crate) strays: Strays,
}

impl SecretInput {
    /// A text of the metadata; empty where it is missing.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.metadata.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The annotations.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        self.texts("annotations")
    }

    /// The labels.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.texts("labels")
    }

    /// Says that another tool encrypted an item, whose base64 does not show it.
    fn encrypted(&self) -> Option<String> {
        self.items.iter().find_map(|(item, value)| match encrypted::value(value.expose())? {
            Encrypted::Certain(tool) => Some(stray::encrypted_item(item, tool)),
            Encrypted::Possible(_) => None,
        })
    }

    fn texts(&self, field: &str) -> BTreeMap<String, String> {
        let all = self.metadata.get(field).and_then(Value::as_object).into_iter().flatten();
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

/// Reads the Secrets of a stream; a List is taken apart. Under its old name the program begins with the line that scripts know
/// wherever there are no values.
pub(crate) fn secrets(documents: Vec<Document>, has_old_name: bool) -> Result<Vec<SecretInput>, CliError> {
    let mut found = Vec::new();
    for document in documents {
        let Document { number, syntax, node, doubled, misread } = document;
        let before = found.len();
        let reader = Reader { number, syntax, has_old_name };
        let mut of_lists = Strays::default();
        reader.take_apart(&node, &mut of_lists, &mut found)?;
        if let Some(first) = found.get_mut(before) {
            first.strays.extend(of_lists);
            first.strays.odd.extend(misread);
            twice::strays(&doubled, &mut first.strays);
        }
    }
    Ok(found)
}

/// What stands in a List, if it is one with something in it.
fn list_items(node: &Node) -> Option<&Vec<Node>> {
    match node.field("items")? {
        Node::List(items) if is_list(node) && !items.is_empty() => Some(items),
        _ => None,
    }
}

fn is_list(node: &Node) -> bool {
    let kind = node.field("kind").and_then(Node::as_text).unwrap_or_default();
    ["List", "SecretList"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// Reads one document; messages name it and the field, never a value.
struct Reader {
    number: usize,
    syntax: Syntax,
    has_old_name: bool,
}

impl Reader {
    /// Reads a Secret, or those of a List, which may hold Lists itself.
    fn take_apart(&self, node: &Node, of_lists: &mut Strays, found: &mut Vec<SecretInput>) -> Result<(), CliError> {
        let Some(items) = list_items(node) else {
            found.push(self.secret(node)?);
            return Ok(());
        };
        of_lists.extend(stray::of_list(node));
        for item in items {
            if !matches!(item, Node::Map(_)) {
                return Err(self.error("is a List with something in it that is no object"));
            }
            self.take_apart(item, of_lists, found)?;
        }
        Ok(())
    }

    fn secret(&self, node: &Node) -> Result<SecretInput, CliError> {
        if let Some(told) = read::output_of_command(node) {
            return Err(self.without_data(self.error("is no Secret").hint(told)));
        }
        // A ConfigMap's texts are no base64, and need not be.
        let odd_kind = self.check_kind(node)?;
        let object = self.typed(node)?;
        let mut secret = SecretInput {
            metadata: Map::new(),
            type_: None,
            immutable: None,
            items: BTreeMap::new(),
            strays: strays(node),
        };
        secret.strays.odd.extend(odd_kind);
        let Node::Map(fields) = object else { return Ok(secret) };
        // `data` stands before `stringData`, so that the latter wins.
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("metadata", metadata) => secret.metadata = self.metadata(&metadata)?,
                ("immutable", Node::Bool(immutable)) => secret.immutable = Some(immutable),
                ("type", Node::Text(text)) => secret.type_ = Some(text.to_string()),
                ("data" | "stringData", Node::Map(items)) => {
                    secret.items.extend(items.into_iter().filter_map(|(item, value)| Some((item, plaintext(value)?))));
                }
                _ => {}
            }
        }
        let encrypted = secret.strays.encrypted.take().or_else(|| secret.encrypted());
        secret.strays.encrypted = encrypted;
        Ok(secret)
    }

    /// Text near the beginning of a stream of JSON may be bare, as in YAML; the error is that of JSON.
    fn typed(&self, node: &Node) -> Result<Node, CliError> {
        let yaml = self.syntax == Syntax::Yaml;
        let rules = |coerces| Rules { coerces, any_case: true, yaml: coerces };
        let result = match self.syntax {
            Syntax::Yaml => typed(node, &schema::SECRET, rules(true)),
            Syntax::Json => typed(node, &schema::SECRET, rules(false)),
            Syntax::EarlyJson => typed(node, &schema::SECRET, rules(false))
                .or_else(|wrong| typed(node, &schema::SECRET, rules(true)).map_err(|_| wrong)),
        };
        result.map_err(|wrong| {
            let error = self.wrong(&wrong, yaml, stray::encrypted(node));
            // A name and its value are one text then.
            let text = wrong.place.split('.').try_fold(node, Node::field).and_then(Node::as_text);
            text.and_then(stray::odd_space).map(|(_, told)| told).into_iter().fold(error, CliError::hint)
        })
    }

    fn metadata(&self, metadata: &Node) -> Result<Map<String, Value>, CliError> {
        match metadata.to_value() {
            Some(Value::Object(metadata)) => Ok(metadata),
            _ => Err(self.error("has a number in its metadata that JSON cannot write")),
        }
    }

    /// Refuses what is something else than a Secret; one whose kind is written in other letters is told of.
    fn check_kind(&self, object: &Node) -> Result<Option<String>, CliError> {
        let Some(kind) = object.field("kind").and_then(Node::as_text) else { return Ok(None) };
        if kind == "Secret" {
            return Ok(None);
        }
        if kind.trim().eq_ignore_ascii_case("Secret") {
            let kind = names::name(kind);
            return Ok(Some(format!("`kind: {kind}` is sealed as a Secret; a cluster takes `kind: Secret` alone")));
        }
        let has_items =
            ["data", "stringData"].iter().any(|name| !matches!(object.field(name), None | Some(Node::Null)));
        if is_list(object) {
            let strays = stray::of_list(object);
            let error = self.without_data(self.error("is a List with nothing under `items`"));
            return Err(strays.lost.into_iter().chain(strays.odd).fold(error, CliError::hint));
        }
        let hint = if kind.eq_ignore_ascii_case("SealedSecret") {
            "it is sealed already; to seal it anew under the newest key use --re-encrypt, to open it --recovery-unseal"
        } else if is_near("secret", &kind.to_lowercase()) {
            "did you mean `kind: Secret`?"
        } else {
            "only Secrets can be sealed; leave the others out of the input, as with: yq 'select(.kind == \"Secret\")'"
        };
        let kind = names::name(kind);
        let article = if kind.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
        let error = self.error(&format!("is {article} {kind}, not a Secret")).hint(hint);
        Err(if has_items { error } else { self.without_data(error) })
    }

    /// Where nothing can be sealed anyway, scripts know the line.
    fn without_data(&self, error: CliError) -> CliError {
        if self.has_old_name { error.beneath(NO_DATA) } else { error }
    }

    /// A text that is encrypted is why it is of another type.
    fn wrong(&self, wrong: &TypeMismatch, yaml: bool, encrypted: Option<String>) -> CliError {
        let prefix = if yaml { "error unmarshaling JSON: while decoding JSON: " } else { "" };
        CliError::new(format!("{prefix}{}", wrong.message)).hint(encrypted.unwrap_or_else(|| wrong.hint(self.number)))
    }

    fn error(&self, what: &str) -> CliError {
        CliError::new(format!("document {} of the input {what}", self.number))
    }
}

fn plaintext(value: Node) -> Option<Plaintext> {
    match value {
        Node::Bytes(mut bytes) => Some(Plaintext::new(std::mem::take(&mut *bytes))),
        Node::Text(mut text) => Some(Plaintext::new(std::mem::take(&mut *text).into_bytes())),
        _ => None,
    }
}

/// What scripts know for a Secret without values.
pub(crate) const NO_DATA: &str = "secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, --allow-empty-data can be used";

#[cfg(test)]
mod tests;
