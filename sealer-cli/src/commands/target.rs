//! The SealedSecret of a file that is meant, and what its values are bound to.

use sealer_core::Label;
use sealer_go::pflag;

use crate::args::files::non_empty;
use crate::diagnostics::CliError;
use crate::encrypted::SOPS;
use crate::manifest;
use crate::manifest::patch::{EditableText, PatchError, Scalar, Tree};
use crate::names;
use crate::tree::{self, SealedItem, SealedObject, loose};

/// A file, and which SealedSecret of it.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) document: Option<usize>,
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Which document of the file, counted from 1, if it holds several SealedSecrets.
    #[arg(long, value_name = "NUMBER", value_parser = pflag::integer)]
    document: Option<i64>,
    /// Name of the SealedSecret, if the file holds several.
    #[arg(long)]
    name: Option<String>,
}

impl TargetArgs {
    /// The SealedSecret of that file, in that namespace if one is named.
    pub(crate) fn of(self, file: String, namespace: Option<String>) -> Result<Target, CliError> {
        let counted = |number: i64| {
            usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| {
                CliError::command_line(format!("--document {number} is no document; they are counted from 1"))
            })
        };
        let document = self.document.map(counted).transpose()?;
        Ok(Target { file, document, name: non_empty(self.name), namespace })
    }
}

/// Reads the text of a file as it can be edited.
pub(crate) fn parsed<'t>(file: &str, text: &'t str) -> Result<EditableText<'t>, CliError> {
    EditableText::read(text).map_err(|error| CliError::new(format!("{file}: {error}")).hint(UNTOUCHED))
}

/// The one that the target names, or the only one.
pub(crate) fn object(edited: &EditableText<'_>, text: &str, target: &Target) -> Result<SealedObject, CliError> {
    let file = &target.file;
    let objects = tree::objects(edited);
    if objects.is_empty() {
        return Err(none(edited, text, file));
    }
    let all: Vec<String> = objects.iter().map(shown).collect();
    let fits = |object: &SealedObject| {
        let named = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|wanted| wanted == own);
        target.document.is_none_or(|number| number == object.document)
            && named(&target.name, &object.name)
            && (object.namespace.is_empty() || named(&target.namespace, &object.namespace))
    };
    let mut fitting: Vec<SealedObject> = objects.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.len()) {
        (Some(mut object), 0) => {
            object.items.retain(SealedItem::is_entry);
            Ok(object)
        }
        (None, _) => Err(CliError::new(format!("no SealedSecret of {file} is the one that was named"))
            .hint(format!("it holds {}", all.join(", ")))),
        _ => Err(CliError::new(format!("{file} holds several SealedSecrets: {}", all.join(", ")))
            .hint("name one with --document, or with --name and --namespace")),
    }
}

/// How a SealedSecret is named among others: `document 1 shop/db`.
pub(crate) fn shown(object: &SealedObject) -> String {
    format!("document {} {}", object.document, full_name(object))
}

/// Namespace and name, as far as they are there.
pub(crate) fn full_name(object: &SealedObject) -> String {
    match (object.namespace.as_str(), object.name.as_str()) {
        ("", name) => names::of_object(name),
        (namespace, name) => format!("{}/{}", names::of_object(namespace), names::of_object(name)),
    }
}

/// What new values of it are bound to, under the names that it is applied under; a namespace that neither it nor a
/// kustomization names has to be given.
pub(crate) fn label(object: &SealedObject, given: Option<&str>) -> Result<Label, CliError> {
    let place = shown(object);
    if object.templated {
        return Err(CliError::new(format!(
            "the name or namespace of {place} is a template, and values are bound to them"
        ))
        .hint("seal for the names that it renders: sealer --raw --name NAME --namespace NAMESPACE"));
    }
    let namespace = if object.namespace.is_empty() { given.unwrap_or_default() } else { &object.namespace };
    if namespace.is_empty() && object.scope.binds_namespace() {
        return Err(CliError::new(format!("{place} names no namespace, and values are bound to it"))
            .hint("give the namespace that it is applied to with --namespace"));
    }
    Label::new(object.scope, namespace, &object.name).map_err(|error| {
        CliError::new(format!("{place}: {}", names::refused(&error)))
            .hint("no cluster accepts that name; correct it first")
    })
}

/// How messages call an item: as the object does, or as far as a name goes where the object has no such item.
pub(crate) fn item(object: &SealedObject, item: &str) -> String {
    let is_there = object.items.iter().any(|known| known.name == item);
    if is_there { item.to_owned() } else { names::name(item) }
}

/// What is told of names that kubectl reads as something else than they say: values are sealed for what is read, and items
/// are called by it.
pub(crate) fn misread(edited: &EditableText<'_>, object: &SealedObject) -> Option<String> {
    let tree = edited.at(&object.path)?;
    let told = |place: &str, scalar: &Scalar| {
        let read = scalar.as_read();
        let told = || {
            format!("{place} is read as `{}`, since YAML takes it for no text: put it in quotes", names::name(&read))
        };
        (read != scalar.text).then(told)
    };
    let metadata = tree.field("metadata");
    let of_metadata = ["namespace", "name"]
        .iter()
        .find_map(|field| told(&format!("metadata.{field}"), metadata?.field(field)?.scalar()?));
    let items = tree.field("spec").and_then(|spec| spec.field("encryptedData"));
    let items = items.map(Tree::fields).unwrap_or_default();
    of_metadata.or_else(|| {
        items.iter().find_map(|(key, _)| told(&format!("the name of item `{}`", names::name(&key.text)), key))
    })
}

/// What is told of values that are bound to other names than those in the file.
pub(crate) fn applied(object: &SealedObject, applied: &SealedObject) -> String {
    if (&object.namespace, &object.name) == (&applied.namespace, &applied.name) {
        return String::new();
    }
    let applied = full_name(applied);
    format!("; sealed for {applied}, as the kustomization of the file applies it")
}

/// Refuses a name that no Secret can have as an item.
pub(crate) fn check_item(name: &str) -> Result<(), CliError> {
    if is_item_name(name) {
        return Ok(());
    }
    let error = CliError::new(format!("`{}` is no name of an item", names::name(name))).hint(ITEM_NAMES);
    let is_assigned = names::has_value(name);
    Err(if is_assigned {
        error.hint("the value is piped in: printf %s \"$VALUE\" | sealer set FILE ITEM")
    } else {
        error
    })
}

/// Whether a Secret can have an item of that name: `IsConfigMapKey` of the API server.
pub(crate) fn is_item_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_ITEM).contains(&name.len()) && name.bytes().all(fits) && name != "." && !name.starts_with("..")
}

/// What there is instead of a SealedSecret.
pub(crate) fn none(edited: &EditableText<'_>, text: &str, file: &str) -> CliError {
    let error = CliError::new(format!("{file} holds no SealedSecret"));
    if let Some(loose) = loose::find(text.as_bytes(), &[]).first() {
        return error.hint(format!("line {} holds a sealed value by itself; which key it needs tells: sealer keys list --in {file} --namespace NAMESPACE --name NAME", loose.line));
    }
    let is_of_sops = |tree: &Tree| tree.field("sops").is_some_and(|sops| sops.field("mac").is_some());
    if edited.documents().iter().any(is_of_sops) {
        return CliError::new(format!("{file} {}", SOPS.told())).hint(format!("{file} holds no SealedSecret"));
    }
    let kinds: Vec<&str> =
        edited.documents().iter().filter_map(|tree| tree.field("kind").and_then(Tree::text)).collect();
    if kinds.contains(&"Secret") {
        let file = if file == "stdin" { "-" } else { file };
        return error.hint(format!("it holds the Secret itself; seal it with: sealer -f {file} -w sealed.yaml"));
    }
    if kinds.is_empty() && manifest::holds(text.as_bytes(), "sops") {
        return error.hint("it looks like a file of another tool, sops");
    }
    error.hint("write a first one with: sealer -w FILE")
}

/// Why a text cannot be edited, and what to try.
pub(crate) fn refused(file: &str, error: &PatchError) -> CliError {
    let hint = match error {
        PatchError::NoMap => "add a line `encryptedData: {}` below its `spec:`",
        PatchError::Unsure { .. } => "the file stays as it was; change that place by hand first",
        _ => UNTOUCHED,
    };
    CliError::new(format!("{file}: {error}")).hint(hint)
}

/// What an error means for the file.
pub(crate) const UNTOUCHED: &str = "the file stays as it was";
pub(crate) const ITEM_NAMES: &str = "letters, digits, `-`, `_` and `.` make a name, at most 253 of them";
/// Kubernetes' limit.
const LONGEST_ITEM: usize = 253;
