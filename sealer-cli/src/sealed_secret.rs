//! A SealedSecret as it came: known fields only, typed as the API types them, ready to be changed and written.

use sealer_resource::{API_VERSION, KIND};
use serde_json::{Map, Value};

use crate::diagnostics::CliError;
use crate::manifest::node::Node;
use crate::manifest::read::{Document, NO_KIND, Syntax};
use crate::manifest::schema;
use crate::manifest::twice;
use crate::manifest::typed::{Rules, TypeMismatch, typed};
use crate::names;
use crate::request::Compat;
use crate::spelling::is_near;
use crate::ui::{Ui, Weight};

/// Where a SealedSecret stands, which decides how closely its fields must be kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leniency {
    /// One of a stream for the controller: read like the Secrets that are sealed.
    Stream,
    /// On its own: numbers are no text, and nothing is looked up in other letters' case.
    Alone,
}

/// Refuses a document of which something would be lost: two objects that were joined without `---`, a block that is there
/// twice. Under the program's old name it is told, and what names are read as is told to whoever listens.
pub(crate) fn check_whole(document: &Document, request: &Compat, ui: &Ui) -> Result<(), CliError> {
    let number = document.number;
    if let Some(lost) = twice::loss(&document.doubled) {
        if !request.allow_unknown_fields {
            return Err(CliError::new(format!("document {number}: {lost}"))
                .hint("put a line `---` between objects; nothing was written"));
        }
        ui.notice(&format!("warning: document {number}: {lost}"));
    }
    for misread in &document.misread {
        ui.tell(Weight::Slip, request.has_old_name, &format!("warning: document {number}: {misread}"));
    }
    Ok(())
}

/// Checks what a document says it is and drops what no SealedSecret has.
pub(crate) fn read(document: &Document, leniency: Leniency) -> Result<Map<String, Value>, CliError> {
    let Document { node, syntax, .. } = document;
    check_kind(node)?;
    let strict = Rules { coerces: false, any_case: leniency == Leniency::Stream, yaml: *syntax == Syntax::Yaml };
    let lenient = Rules { coerces: true, yaml: true, ..strict };
    let sealed_secret = |rules| typed(node, &schema::SEALED_SECRET, rules);
    let object = match (leniency, syntax) {
        (Leniency::Stream, Syntax::Yaml) => sealed_secret(lenient),
        (Leniency::Stream, Syntax::EarlyJson) => {
            sealed_secret(strict).or_else(|wrong| sealed_secret(lenient).map_err(|_| wrong))
        }
        _ => sealed_secret(strict),
    };
    let object = object.map_err(|wrong| CliError::new(&wrong.message).hint(hint(&wrong, document.number)))?;
    let Some(Value::Object(mut object)) = object.to_value() else {
        return Err(CliError::new("json: unsupported value").hint("the document has a number that JSON cannot write"));
    };
    object.insert("kind".to_owned(), Value::String(KIND.to_owned()));
    object.insert("apiVersion".to_owned(), Value::String(API_VERSION.to_owned()));
    Ok(object)
}

/// Refuses items that stand where nobody reads them: nothing would come of them. Under the program's old name it is told.
pub(crate) fn check_items(document: &Document, request: &Compat, ui: &Ui) -> Result<(), CliError> {
    let spec = exact(&document.node, "spec");
    let items = spec.and_then(|spec| exact(spec, "encryptedData"));
    let lost = match items {
        Some(Node::Map(items)) if !items.is_empty() => return Ok(()),
        Some(Node::Map(_) | Node::Null) | None => misplaced(&document.node).map(|place| {
            CliError::new(format!("the items stand below `{place}`, where no controller looks"))
                .hint("move them to spec.encryptedData")
        }),
        Some(other) => Some(
            CliError::new(format!(
                "json: cannot unmarshal {} into Go struct field SealedSecretSpec.spec.encryptedData of type map[string]string",
                other.type_word()
            ))
            .hint("spec.encryptedData must be a map of names to sealed values"),
        ),
    };
    let number = document.number;
    match lost {
        Some(error) if !request.allow_unknown_fields => Err(error),
        Some(error) => {
            ui.notice(&format!("warning: document {number}: {}; no item is read", error.message()));
            Ok(())
        }
        None => {
            let has = |field: &str| spec.and_then(|spec| exact(spec, field)).is_some_and(|value| !value.is_nothing());
            let of_template = spec.and_then(|spec| exact(exact(spec, "template")?, "data"));
            if !has("data") && of_template.is_none_or(Node::is_nothing) {
                let told = format!("warning: document {number}: there is no item below spec.encryptedData");
                ui.tell(Weight::Slip, request.has_old_name, &told);
            }
            Ok(())
        }
    }
}

/// Where items stand that nobody reads.
fn misplaced(node: &Node) -> Option<String> {
    let spec = fields(node).iter().find(|(name, _)| name.eq_ignore_ascii_case("spec")).map(|(_, spec)| spec);
    let template = spec.and_then(|spec| exact(spec, "template"));
    [(spec, "spec."), (Some(node), ""), (template, "spec.template.")].into_iter().find_map(|(node, place)| {
        let mut all = fields(node?).iter();
        let (name, _) = all.find(|(name, value)| is_meant_as_items(name) && !value.is_nothing())?;
        Some(format!("{place}{}", names::name(name)))
    })
}

/// The field in those letters: one on its own is looked up in no others.
fn exact<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    fields(node).iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn fields(node: &Node) -> &[(String, Node)] {
    if let Node::Map(fields) = node { fields } else { &[] }
}

/// Whether a field is meant to hold sealed values: `encryptedData`, in whatever spelling.
pub(crate) fn is_meant_as_items(field: &str) -> bool {
    let bare: String = field.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let bare = bare.to_lowercase();
    is_near("encrypteddata", &bare) || is_near("sealeddata", &bare)
}

/// What is no Secret has no `stringData`.
fn hint(wrong: &TypeMismatch, document: usize) -> String {
    if wrong.place.starts_with("spec.data") {
        return format!(
            "sealed values stand below spec.encryptedData; spec.data of document {document} is the old form, one sealed value for all items"
        );
    }
    wrong.hint(document)
}

fn check_kind(node: &Node) -> Result<(), CliError> {
    for field in ["apiVersion", "kind"] {
        let wrong = node.field(field).filter(|value| !matches!(value, Node::Null | Node::Text(_)));
        if let Some(value) = wrong {
            let found = value.type_word();
            return Err(CliError::new(format!(
                "{NO_KIND}json: cannot unmarshal {found} into Go struct field .{field} of type string"
            ))
            .hint(format!("the {field} must be a text")));
        }
    }
    let text = |field: &str| node.field(field).and_then(Node::as_text).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("" | API_VERSION, "" | KIND) => Ok(()),
        ("" | "v1", "Secret") => {
            Err(CliError::new("converting (v1.Secret) to (v1alpha1.SealedSecret): unknown conversion")
                .hint("a SealedSecret is wanted here; this is the Secret itself"))
        }
        (version, kind) => {
            let version = if version.is_empty() { API_VERSION } else { version };
            let (kind, version) = (names::name(kind), names::name(version));
            let message = format!("no kind \"{kind}\" is registered for version \"{version}\" in scheme \"sealer\"");
            Err(CliError::new(message).hint("a SealedSecret of bitnami.com/v1alpha1 is wanted here"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;
    use crate::manifest::read::{Wanted, documents};

    fn read_text(text: &str, leniency: Leniency) -> Result<Value, String> {
        let documents = documents(text.as_bytes(), "stdin", Wanted::SealedSecret).unwrap();
        read(documents.first().unwrap(), leniency).map(Value::Object).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn unknown_fields_and_unset_ones_are_dropped() {
        let text = "extra: 1\nmetadata: {name: a, creationTimestamp: null, x: 2}\nspec: {encryptedData: {a: b, c: 1}, template: null}\n";
        let expected = json!({"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {}}, "encryptedData": {"a": "b", "c": ""}}});
        assert_eq!(read_text(text, Leniency::Alone).unwrap(), expected);
    }

    #[test]
    fn only_a_stream_takes_bare_words_and_other_letters() {
        let text = "Spec: {Template: {Metadata: {Labels: {a: yes}}}}\n";
        let labels = |leniency| read_text(text, leniency).unwrap().pointer("/spec/template/metadata/labels/a").cloned();
        assert_eq!(labels(Leniency::Stream), Some(json!("true")));
        assert_eq!(labels(Leniency::Alone), None);
    }

    #[test]
    fn other_kinds_and_types_are_refused_by_name() {
        for (text, message) in [
            (
                "{\"kind\": \"Secret\", \"apiVersion\": \"v1\"}",
                "converting (v1.Secret) to (v1alpha1.SealedSecret): unknown conversion",
            ),
            (
                "{kind: Widget, apiVersion: example.com/v1}",
                "no kind \"Widget\" is registered for version \"example.com/v1\" in scheme \"sealer\"",
            ),
            (
                "kind: 5\n",
                "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string",
            ),
            (
                "spec: {template: {metadata: {labels: {a: 1}}}}\n",
                "json: cannot unmarshal number into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
            ),
            (
                "spec: {template: []}\n",
                "json: cannot unmarshal array into Go struct field SealedSecretSpec.spec.template of type v1alpha1.SecretTemplateSpec",
            ),
        ] {
            assert_eq!(read_text(text, Leniency::Alone).unwrap_err(), message);
        }
    }
}
