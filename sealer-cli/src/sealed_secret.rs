//! A SealedSecret as it came: known fields only, typed as the API types them, ready to be changed and written.

use serde_json::{Map, Value};

use crate::diagnostics::CliError;

/// Checks what a document says it is and drops what no SealedSecret has. Nothing is looked up in other letters' case.
pub(crate) fn typed(document: Value) -> Result<Map<String, Value>, CliError> {
    let Value::Object(mut from) = document else {
        return Err(CliError::new("the input is no object").hint("a SealedSecret in JSON or YAML is wanted"));
    };
    check_kind(&from)?;
    let mut object = Map::new();
    object.insert("kind".to_owned(), Value::String("SealedSecret".to_owned()));
    object.insert("apiVersion".to_owned(), Value::String("bitnami.com/v1alpha1".to_owned()));
    object.insert("metadata".to_owned(), Value::Object(metadata(from.remove("metadata"), "metadata")?));
    object.insert("spec".to_owned(), Value::Object(spec(from.remove("spec"))?));
    if let Some(status) = from.remove("status").filter(|status| !status.is_null()) {
        object.insert("status".to_owned(), status);
    }
    Ok(object)
}

fn check_kind(object: &Map<String, Value>) -> Result<(), CliError> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("" | "bitnami.com/v1alpha1", "" | "SealedSecret") => Ok(()),
        ("" | "v1", "Secret") => {
            Err(CliError::new("converting (v1.Secret) to (v1alpha1.SealedSecret): unknown conversion")
                .hint("a SealedSecret is wanted here; this is the Secret itself"))
        }
        (version, kind) => {
            let version = if version.is_empty() { "bitnami.com/v1alpha1" } else { version };
            let message = format!("no kind \"{kind}\" is registered for version \"{version}\" in scheme \"sealer\"");
            Err(CliError::new(message).hint("a SealedSecret of bitnami.com/v1alpha1 is wanted here"))
        }
    }
}

fn spec(value: Option<Value>) -> Result<Map<String, Value>, CliError> {
    let mut from = object(value, "SealedSecret.spec", "v1alpha1.SealedSecretSpec")?;
    let mut spec = Map::new();
    spec.insert("template".to_owned(), Value::Object(template(from.remove("template"))?));
    if let Some(data) = from.remove("data").filter(|data| !data.is_null()) {
        spec.insert("data".to_owned(), data);
    }
    spec.insert("encryptedData".to_owned(), Value::Object(items(from.remove("encryptedData"))));
    Ok(spec)
}

/// Whatever is no text becomes a value that does not open, as the controller reads it.
fn items(value: Option<Value>) -> Map<String, Value> {
    let Some(Value::Object(items)) = value else { return Map::new() };
    let text = |value: Value| if value.is_string() { value } else { Value::String(String::new()) };
    items.into_iter().map(|(item, value)| (item, text(value))).collect()
}

fn template(value: Option<Value>) -> Result<Map<String, Value>, CliError> {
    let mut from = object(value, "SealedSecretSpec.spec.template", "v1alpha1.SecretTemplateSpec")?;
    let mut template = Map::new();
    let inner = metadata(from.remove("metadata"), "spec.template.metadata")?;
    template.insert("metadata".to_owned(), Value::Object(inner));
    if let Some(text) = from.remove("type").filter(|text| !text.is_null() && text != "") {
        let text = string(text, "SecretTemplateSpec.spec.template.type")?;
        template.insert("type".to_owned(), text);
    }
    if let Some(immutable) = from.remove("immutable").filter(Value::is_boolean) {
        template.insert("immutable".to_owned(), immutable);
    }
    let data = texts(from.remove("data"), "SecretTemplateSpec.spec.template.data")?;
    if !data.is_empty() {
        template.insert("data".to_owned(), Value::Object(data));
    }
    Ok(template)
}

fn metadata(value: Option<Value>, place: &str) -> Result<Map<String, Value>, CliError> {
    let from = object(value, place, "v1.ObjectMeta")?;
    let mut kept = Map::new();
    for (field, value) in from {
        let place = format!("ObjectMeta.{place}.{field}");
        let value = match field.as_str() {
            "name" | "namespace" | "generateName" | "uid" | "resourceVersion" | "selfLink" => string(value, &place)?,
            "labels" | "annotations" => Value::Object(texts(Some(value), &place)?),
            "generation"
            | "creationTimestamp"
            | "deletionTimestamp"
            | "deletionGracePeriodSeconds"
            | "ownerReferences"
            | "finalizers"
            | "managedFields" => value,
            _ => continue,
        };
        if !is_empty(&value) {
            kept.insert(field, value);
        }
    }
    Ok(kept)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

fn object(value: Option<Value>, place: &str, type_: &str) -> Result<Map<String, Value>, CliError> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(other) => Err(mismatch(&other, place, type_)),
    }
}

fn texts(value: Option<Value>, place: &str) -> Result<Map<String, Value>, CliError> {
    let map = object(value, place, "map[string]string")?;
    map.into_iter().map(|(name, value)| Ok((name, string(value, place)?))).collect()
}

fn string(value: Value, place: &str) -> Result<Value, CliError> {
    match value {
        Value::String(_) => Ok(value),
        Value::Null => Ok(Value::String(String::new())),
        other => Err(mismatch(&other, place, "string")),
    }
}

/// Names the place and the two types, never the value.
fn mismatch(value: &Value, place: &str, type_: &str) -> CliError {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::Array(_) => "array",
        _ => "object",
    };
    let found = if value.is_string() { "string" } else { found };
    CliError::new(format!("json: cannot unmarshal {found} into Go struct field {place} of type {type_}"))
        .hint("quote the value if it is meant as text")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_and_unset_ones_are_dropped() {
        let document = json!({"extra": 1, "metadata": {"name": "a", "creationTimestamp": null, "x": 2},
            "spec": {"encryptedData": {"a": "b", "n": 1}, "template": null}});
        let expected = json!({"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {}}, "encryptedData": {"a": "b", "n": ""}}});
        assert_eq!(Value::Object(typed(document).unwrap()), expected);
    }

    #[test]
    fn other_kinds_and_types_are_refused_by_name() {
        for (document, message) in [
            (
                json!({"kind": "Secret", "apiVersion": "v1"}),
                "converting (v1.Secret) to (v1alpha1.SealedSecret): unknown conversion",
            ),
            (
                json!({"kind": "Widget", "apiVersion": "example.com/v1"}),
                "no kind \"Widget\" is registered for version \"example.com/v1\" in scheme \"sealer\"",
            ),
            (
                json!({"spec": {"template": {"metadata": {"labels": {"a": 1}}}}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
            ),
        ] {
            assert_eq!(typed(document).unwrap_err().message(), message);
        }
    }
}
