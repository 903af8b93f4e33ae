//! The SealedSecret resource, `bitnami.com/v1alpha1`: compatible with objects and CRDs that exist in clusters today.
//!
//! The schema that the API server checks objects against is in `schema`; `deploy/crd.yaml` is generated from both.

use std::collections::BTreeMap;

use kube::{CustomResource, Resource as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use sealer_core::error::NameError;
use sealer_core::scope::{Label, Scope};

/// What a SealedSecret holds: sealed values, and the template of the Secret they become.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "bitnami.com",
    version = "v1alpha1",
    kind = "SealedSecret",
    plural = "sealedsecrets",
    singular = "sealedsecret",
    namespaced,
    status = "SealedSecretStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A Secret that is safe to keep in Git: only the controller of its cluster can open it.",
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[0].message"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[0].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretSpec {
    /// Shape of the Secret that the sealed values become.
    #[serde(default, deserialize_with = "null_as_default")]
    pub template: SecretTemplate,
    /// Deprecated: one sealed blob that holds a whole Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Item name to sealed value, in base64.
    #[serde(default, deserialize_with = "lenient_items")]
    pub encrypted_data: BTreeMap<String, String>,
}

/// Shape of the Secret: metadata, type, and templates over the opened values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecretTemplate {
    /// Metadata of the Secret; fields this crate does not know survive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Type of the Secret; none means `Opaque`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Whether the Secret may not be changed once it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Item name to Go template over the opened values.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "texts")]
    pub data: Option<BTreeMap<String, String>>,
}

impl SecretTemplate {
    /// Whether an annotation of the template has the value `true`.
    pub fn has_true_annotation(&self, name: &str) -> bool {
        let annotations = self.metadata.as_ref().and_then(|metadata| metadata.get("annotations"));
        annotations.and_then(|all| all.get(name)).and_then(Value::as_str) == Some("true")
    }
}

/// What the controller observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretStatus {
    /// Generation of the spec that the conditions speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Synced` first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub conditions: Vec<Condition>,
}

/// One statement about the object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Type of the condition, `Synced`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When the condition was last evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<String>,
    /// When the status last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
    /// One word why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One sentence why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl SealedSecret {
    /// The scope that the object's own annotations announce; the template's do not count.
    pub fn scope(&self) -> Scope {
        self.metadata.annotations.as_ref().map_or(Scope::Strict, Scope::from_annotations)
    }

    /// The label its values are bound to, from its own namespace, name and annotations.
    ///
    /// # Errors
    /// A namespace or name that Kubernetes would refuse.
    pub fn label(&self) -> Result<Label, NameError> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        Label::new(self.scope(), &part(&self.metadata.namespace), &part(&self.metadata.name))
    }
}

/// Kind of the resource.
pub const KIND: &str = "SealedSecret";
/// Group and version of the resource.
pub const API_VERSION: &str = "bitnami.com/v1alpha1";

/// Whether group and kind are those of a SealedSecret, of whatever version.
pub fn is_sealed_secret_kind(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map(|(group, _)| group);
    kind == KIND && group == Some(&*SealedSecret::group(&()))
}

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Option::deserialize(input).map(Option::unwrap_or_default)
}

/// As Go reads a map of texts: null instead of a text is an empty one.
fn texts<'de, D: Deserializer<'de>>(input: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let texts: Option<BTreeMap<String, Option<String>>> = Option::deserialize(input)?;
    Ok(texts.map(|texts| texts.into_iter().map(|(name, text)| (name, text.unwrap_or_default())).collect()))
}

/// Reads `encryptedData` whatever it is: what is no text becomes an empty sealed value, which does not open. So one
/// malformed object never keeps others from being read.
fn lenient_items<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    let Value::Object(items) = Value::deserialize(input)? else { return Ok(BTreeMap::new()) };
    let text = |value| if let Value::String(text) = value { text } else { String::new() };
    Ok(items.into_iter().map(|(item, value)| (item, text(value))).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn object(metadata: &Value, spec: &Value) -> SealedSecret {
        let kind = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"});
        let mut object = kind.as_object().unwrap().clone();
        object.insert("metadata".to_owned(), metadata.clone());
        object.insert("spec".to_owned(), spec.clone());
        serde_json::from_value(Value::Object(object)).unwrap()
    }

    #[test]
    fn kind_and_version_are_those_of_the_schema() {
        assert_eq!((&*SealedSecret::kind(&()), &*SealedSecret::api_version(&())), (KIND, API_VERSION));
        for (version, kind, expected) in [
            (API_VERSION, KIND, true),
            ("bitnami.com/v2", KIND, true),
            ("bitnami.com", KIND, false),
            ("", KIND, false),
            ("example.com/v1alpha1", KIND, false),
            (API_VERSION, "Secret", false),
        ] {
            assert_eq!(is_sealed_secret_kind(version, kind), expected, "{version} {kind}");
        }
    }

    /// T-S4: the object's own metadata counts, the template's never does.
    #[test]
    fn the_label_comes_of_the_objects_own_metadata() {
        let wide = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
        let template = json!({"metadata": {"name": "x", "namespace": "x", "annotations": wide}});
        let spec = json!({"template": template, "encryptedData": {}});
        let strict = object(&json!({"name": "a", "namespace": "ns"}), &spec);
        assert_eq!((strict.scope(), strict.label().unwrap().as_bytes()), (Scope::Strict, &b"ns/a"[..]));
        let annotated = object(&json!({"name": "a", "namespace": "ns", "annotations": wide}), &spec);
        assert_eq!((annotated.scope(), annotated.label().unwrap().as_bytes()), (Scope::ClusterWide, &b""[..]));
        let own = json!({"name": "a", "namespace": "ns", "annotations": {"sealedsecrets.bitnami.com/namespace-wide": "true"}});
        assert_eq!(object(&own, &spec).label().unwrap().as_bytes(), b"ns");
        for metadata in [json!({"name": "a"}), json!({"namespace": "ns"}), json!({"name": "a/b", "namespace": "ns"})] {
            assert!(object(&metadata, &spec).label().is_err(), "{metadata}");
        }
    }

    /// T-D6.
    #[test]
    fn one_odd_field_does_not_keep_the_object_from_being_read() {
        for (items, read) in [
            (json!({"a": "text", "b": 7, "c": null, "d": {}, "e": []}), 5),
            (json!(null), 0),
            (json!([]), 0),
            (json!("text"), 0),
        ] {
            let spec: SealedSecretSpec =
                serde_json::from_value(json!({"template": null, "encryptedData": items})).unwrap();
            assert_eq!(spec.encrypted_data.len(), read);
            assert!(spec.encrypted_data.iter().all(|(name, text)| (name == "a") == (text == "text")));
            assert_eq!(spec.template, SecretTemplate::default());
        }
        let template: SecretTemplate = serde_json::from_value(json!({"data": {"a": null, "b": "x"}})).unwrap();
        assert_eq!(template.data.unwrap(), BTreeMap::from([("a".into(), String::new()), ("b".into(), "x".into())]));
        let template: SecretTemplate = serde_json::from_value(json!({"data": null})).unwrap();
        assert_eq!(template.data, None);
        let status: SealedSecretStatus = serde_json::from_value(json!({"conditions": null})).unwrap();
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn an_annotation_of_the_template_counts_with_the_exact_word_true() {
        for (value, counts) in [(json!("true"), true), (json!("True"), false), (json!(true), false), (json!(""), false)]
        {
            let template: SecretTemplate =
                serde_json::from_value(json!({"metadata": {"annotations": {"a": value}}})).unwrap();
            assert_eq!((template.has_true_annotation("a"), template.has_true_annotation("b")), (counts, false));
        }
        assert!(!SecretTemplate::default().has_true_annotation("a"));
    }
}
