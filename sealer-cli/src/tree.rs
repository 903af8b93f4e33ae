//! SealedSecrets in files: which files there are, which objects in them, and where each sealed value stands.

mod applied;
mod bindings;
mod effort;
mod exclude;
mod file;
mod known;
pub(crate) mod loose;
mod names;
mod values;
mod walk;

use std::collections::BTreeMap;

use sealer_core::{Label, Scope};
use sealer_resource::KIND;

use crate::manifest::patch::{EditableText, Scalar, Step, Tree};

pub(crate) use applied::{kustomized, rename_candidates};
pub(crate) use bindings::{Binding, Bindings};
pub(crate) use effort::Effort;
pub(crate) use exclude::check_globs;
pub(crate) use file::{in_binary, in_large, may_hold_sealed, sealed};
pub(crate) use names::Given;
pub(crate) use values::{Reference, chart, references};
pub(crate) use walk::{Content, Found, OUTSIDE, PassedOver, Reach, content, find, is_manifest};

/// Where sealed values are looked for, and how far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// Files and folders.
    pub(crate) paths: Vec<String>,
    /// Globs of what is left out of them.
    pub(crate) exclude: Vec<String>,
    /// What values are sealed for that do not say so.
    pub(crate) given: Given,
    /// Tries that may be spent on names which are guessed; nothing for the usual number.
    pub(crate) most_tries: Option<u32>,
}

/// A SealedSecret in a text.
#[derive(Clone)]
pub(crate) struct SealedObject {
    /// Counted from 1.
    pub(crate) document: usize,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) scope: Scope,
    /// Name or namespace come from a template, and the values are bound to them.
    pub(crate) templated: bool,
    /// Of the two, the name.
    pub(crate) name_is_templated: bool,
    pub(crate) items: Vec<SealedItem>,
    /// Where it stands.
    pub(crate) path: Vec<Step>,
}

/// A sealed value in a text.
#[derive(Clone)]
pub(crate) struct SealedItem {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) path: Vec<Step>,
    /// A template writes its value, or its name.
    pub(crate) templated: bool,
}

impl SealedItem {
    /// Whether it is one of `spec.encryptedData`, and not the deprecated single value.
    pub(crate) fn is_entry(&self) -> bool {
        let above = self.path.iter().rev().nth(1);
        matches!(above, Some(Step::Name(name)) if name == "encryptedData")
    }
}

impl SealedObject {
    /// What its values are bound to.
    pub(crate) fn label(&self) -> Label {
        Label::new_unchecked(self.scope, &self.namespace, &self.name)
    }

    /// Where its items stand, or would stand.
    pub(crate) fn entries(&self) -> Vec<Step> {
        below(&self.path, &["spec", "encryptedData"])
    }

    /// Whether all that its values are bound to stands in it.
    pub(crate) fn is_whole(&self) -> bool {
        !self.templated && !self.lacks_namespace()
    }

    /// Whether it is bound to a namespace and does not say to which.
    pub(crate) fn lacks_namespace(&self) -> bool {
        self.scope.binds_namespace() && self.namespace.is_empty()
    }
}

/// All SealedSecrets of a text, those of Lists among them.
pub(crate) fn objects(edited: &EditableText<'_>) -> Vec<SealedObject> {
    let mut found = Vec::new();
    for (number, document) in edited.documents().iter().enumerate() {
        collect(edited, document, &mut vec![Step::Number(number)], &mut found);
    }
    found
}

fn collect(edited: &EditableText<'_>, tree: &Tree, path: &mut Vec<Step>, found: &mut Vec<SealedObject>) {
    let kind = tree.field("kind").and_then(Tree::text).unwrap_or_default();
    if kind == KIND {
        found.push(object(edited, tree, path));
    }
    if let (true, Some(Tree::List(items, _))) = (kind.ends_with("List"), tree.field("items")) {
        for (number, item) in items.iter().enumerate() {
            path.extend([Step::Name("items".to_owned()), Step::Number(number)]);
            collect(edited, item, path, found);
            path.truncate(path.len() - 2);
        }
    }
}

fn object(edited: &EditableText<'_>, tree: &Tree, path: &[Step]) -> SealedObject {
    let metadata = tree.field("metadata");
    let field = |name: &str| metadata.and_then(|metadata| metadata.field(name));
    let text = |name: &str| field(name).and_then(Tree::scalar).map(Scalar::as_read).unwrap_or_default();
    let is_templated = |tree: Option<&Tree>| tree.and_then(Tree::scalar).is_some_and(|it| is_templated(edited, it));
    let annotations: BTreeMap<String, String> = match field("annotations") {
        Some(Tree::Map(fields, _)) => {
            fields.iter().map(|(key, value)| (key.text.clone(), value.text().unwrap_or_default().to_owned())).collect()
        }
        _ => BTreeMap::new(),
    };
    let scope = Scope::from_annotations(&annotations);
    let name_is_templated = scope.binds_name() && is_templated(field("name"));
    let templated = name_is_templated || scope.binds_namespace() && is_templated(field("namespace"));
    let document = match path.first() {
        Some(Step::Number(number)) => number + 1,
        _ => 1,
    };
    SealedObject {
        document,
        name: text("name"),
        namespace: text("namespace"),
        scope,
        templated,
        name_is_templated,
        items: items(edited, tree, path),
        path: path.to_vec(),
    }
}

/// Whether a template writes it. In quotes, a template reads as any other text.
fn is_templated(edited: &EditableText<'_>, scalar: &Scalar) -> bool {
    edited.is_templated(scalar.range.clone()) || scalar.text.contains("{{")
}

fn items(edited: &EditableText<'_>, tree: &Tree, path: &[Step]) -> Vec<SealedItem> {
    let spec = tree.field("spec");
    let mut items = Vec::new();
    let sealed = spec.and_then(|spec| spec.field("encryptedData"));
    for (key, value) in sealed.map(Tree::fields).unwrap_or_default() {
        let templated = |scalar| is_templated(edited, scalar);
        let name = key.as_read();
        let path = below(path, &["spec", "encryptedData", &name]);
        items.push(SealedItem {
            name,
            value: value.text().unwrap_or_default().to_owned(),
            path,
            templated: templated(key) || value.scalar().is_some_and(templated),
        });
    }
    // The deprecated form: one sealed value, bound to the same label.
    if let Some(blob) = spec.and_then(|spec| spec.field("data")).and_then(Tree::text) {
        items.push(SealedItem {
            name: "spec.data".to_owned(),
            value: blob.to_owned(),
            path: below(path, &["spec", "data"]),
            templated: blob.contains("{{"),
        });
    }
    // All items come from a template, which is left out of a text where it has a line of its own.
    if items.is_empty()
        && (edited.has_templates() || sealed.and_then(Tree::scalar).is_some_and(|it| is_templated(edited, it)))
    {
        let path = below(path, &["spec", "encryptedData"]);
        items.push(SealedItem { name: "spec.encryptedData".to_owned(), value: String::new(), path, templated: true });
    }
    items
}

fn below(path: &[Step], names: &[&str]) -> Vec<Step> {
    path.iter().cloned().chain(names.iter().copied().map(Step::name)).collect()
}
