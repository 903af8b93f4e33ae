//! Secrets: whole ones that are planned on, and what a watch shows of them.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Client, Resource as _};
use sealer_resource::annotations::MANAGED_ANNOTATION;
use sealer_resource::is_sealed_secret_kind;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kube::collection::Collection;
use crate::kube::json;
use crate::kube::metadata::{Metadata, strict};
use crate::kube::object_key::Key;
use crate::kube::unreadable::{Unreadable, unreadable_answer};

/// The Secrets of a namespace.
pub(crate) struct Secrets(Collection);

impl Secrets {
    pub(crate) fn of(client: Client, namespace: Option<&str>) -> Self {
        Self(Collection::new(client, Secret::url_path(&(), namespace)))
    }

    pub(crate) fn collection(self) -> Collection {
        self.0
    }

    pub(crate) async fn get_opt(&self, name: &str) -> Result<Option<Secret>, kube::Error> {
        self.0.get_opt(name).await?.map(answered).transpose()
    }

    pub(crate) async fn create(&self, params: &PostParams, secret: &Secret) -> Result<Secret, kube::Error> {
        answered(self.0.create(params, secret).await?)
    }

    pub(crate) async fn replace(
        &self,
        name: &str,
        params: &PostParams,
        secret: &Secret,
    ) -> Result<Secret, kube::Error> {
        answered(self.0.replace(name, params, secret).await?)
    }

    pub(crate) async fn delete(&self, name: &str, params: &DeleteParams) -> Result<(), kube::Error> {
        self.0.delete(name, params).await.map(drop)
    }

    /// Each Secret that the selector names, by itself.
    pub(crate) async fn list(&self, selector: &str) -> Result<Vec<Result<Secret, Unreadable>>, kube::Error> {
        let mut secrets = Vec::new();
        self.0.list(selector, |text| secrets.push(read(text))).await?;
        Ok(secrets)
    }
}

fn answered(text: String) -> Result<Secret, kube::Error> {
    read(&text).map_err(|_| unreadable_answer())
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    type_: Option<&'a RawValue>,
    #[serde(borrow)]
    immutable: Option<&'a RawValue>,
}

/// Reads a whole Secret. Of what it says of itself everything is kept but `managedFields`: the server keeps those where
/// an update names none.
pub(crate) fn read(text: &str) -> Result<Secret, Unreadable> {
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|_| Metadata::of(text).unreadable())?;
    let metadata = Metadata::read(parts.metadata);
    let secret = || {
        let data: Option<BTreeMap<String, Option<ByteString>>> = strict(parts.data)?;
        let data = data.map(|data| data.into_iter().map(|(item, value)| (item, value.unwrap_or_default())).collect());
        let (type_, immutable) = (strict(parts.type_)?, strict(parts.immutable)?);
        // Which namespace it is in is known from the request.
        json::read::<String>(metadata.name).filter(|name| !name.is_empty())?;
        Some(Secret { metadata: metadata.whole()?, data, type_, immutable, string_data: None })
    };
    secret().ok_or_else(|| metadata.unreadable())
}

/// What a watch shows of a Secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    /// Its uid and version alone.
    pub(crate) metadata: ObjectMeta,
    /// The name of the SealedSecret that controls it.
    pub(crate) controlled_by: Option<String>,
    /// Whether it was handed over by its annotation.
    pub(crate) is_managed: bool,
}

/// Reads what a watch shows.
pub(crate) fn glance(text: &str) -> Result<Seen, Unreadable> {
    let metadata = Metadata::of(text);
    let key = metadata.key().ok_or_else(|| metadata.unreadable())?;
    let mut controlled_by = None;
    let mut owner = |owner: &RawValue| {
        let owner: Option<Owner> = json::read(Some(owner));
        if let Some(owner) = owner.filter(|owner| owner.controller == Some(true) && owner.is_sealed_secret()) {
            controlled_by.get_or_insert(owner.name);
        }
    };
    if let Some(owners) = metadata.owner_references {
        json::each(owners, &mut owner);
    }
    let annotations = json::picked(metadata.annotations, &|name| name == MANAGED_ANNOTATION);
    let is_managed = annotations.get(MANAGED_ANNOTATION).is_some_and(|value| value == "true");
    let metadata = ObjectMeta {
        uid: json::read(metadata.uid),
        resource_version: json::read(metadata.resource_version),
        ..ObjectMeta::default()
    };
    Ok(Seen { key, metadata, controlled_by, is_managed })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    controller: Option<bool>,
}

impl Owner {
    fn is_sealed_secret(&self) -> bool {
        is_sealed_secret_kind(&self.api_version, &self.kind)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use serde_json::{Value, json};

    use super::*;

    fn secret() -> Value {
        json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
            "data": { "k": "dg==" },
            "metadata": { "name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5", "generation": 3,
                "labels": { "l": "1" }, "annotations": { "n": "2" }, "finalizers": ["f"],
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{ "apiVersion": "v", "kind": "K", "name": "o", "uid": "x", "controller": true }] } })
    }

    #[test]
    fn a_secret_is_written_as_it_was_read() {
        let mut text = secret();
        assert_eq!(serde_json::to_value(read(&text.to_string()).unwrap()).unwrap(), text);
        // As the typed form reads it, but for `managedFields`.
        text["metadata"]["managedFields"] = json!([{ "manager": "m", "time": "9999-12-31T23:59:59Z" }]);
        assert_eq!(serde_json::to_value(read(&text.to_string()).unwrap()).unwrap(), secret());
        assert!(serde_json::from_value::<Secret>(text).is_err());
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_named() {
        let deep = serde_json::from_str::<Box<RawValue>>(&format!("{}{}", "[".repeat(9999), "]".repeat(9999))).unwrap();
        for (pointer, value) in [
            ("/data", json!({ "k": 5 })),
            ("/data", json!({ "k": "no base64" })),
            ("/data", json!([])),
            ("/type", json!(5)),
            ("/immutable", json!("yes")),
            ("/metadata/labels", json!({ "l": 5 })),
        ] {
            let mut text = secret();
            *text.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&text.to_string()).unwrap_err().to_string(), "ns/a", "{pointer}");
        }
        let text = secret().to_string().replace("{\"k\":\"dg==\"}", deep.get());
        assert_eq!(read(&text).unwrap_err().name, "a");
        for text in ["null", "5", "[]", "{", "{\"metadata\":{}}"] {
            assert_eq!(read(text).unwrap_err(), Unreadable::default(), "{text}");
            assert!(glance(text).is_err());
        }
        let mut text = secret();
        text["data"] = json!({ "k": null });
        assert!(read(&text.to_string()).unwrap().data.unwrap().get("k").unwrap().0.is_empty());
    }

    #[test]
    fn a_watch_shows_who_controls_a_secret() {
        let mut text = secret();
        assert_eq!(glance(&text.to_string()).unwrap().controlled_by, None);
        let owner = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "controller": true, "uid": 5 });
        text["metadata"]["ownerReferences"] = json!([null, 5, { "kind": 5 }, owner]);
        text["metadata"]["annotations"] = json!({ "x": 5, "sealedsecrets.bitnami.com/managed": "true" });
        let seen = glance(&text.to_string()).unwrap();
        assert_eq!((seen.controlled_by.as_deref(), seen.is_managed), (Some("a"), true));
    }
}
