//! SealedSecrets: as text while they wait, and read once a worker has one. What a tenant puts into an object costs no
//! more than its text before it is known to be of a size that makes sense.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, PostParams};
use kube::{Client, Resource as _};
use sealer_resource::SealedSecret;
use sealer_resource::SealedSecretSpec;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kube::collection::Collection;
use crate::kube::identity::Identity;
use crate::kube::json::{self, Shape};
use crate::kube::metadata::{Metadata, strict};
use crate::kube::object_key::Key;
use crate::kube::unreadable::{Unreadable, unreadable_answer};

/// The SealedSecrets of a namespace.
pub(crate) struct SealedSecrets(Collection);

impl SealedSecrets {
    pub(crate) fn of(client: Client, namespace: Option<&str>) -> Self {
        Self(Collection::new(client, SealedSecret::url_path(&(), namespace)))
    }

    pub(crate) fn collection(self) -> Collection {
        self.0
    }

    pub(crate) async fn get_opt(&self, name: &str) -> Result<Option<Object>, kube::Error> {
        let text = self.0.get_opt(name).await?;
        text.map(|text| Object::read(&text).map_err(|_| unreadable_answer())).transpose()
    }

    /// Writes a status. The server takes nothing else from what it is given.
    pub(crate) async fn replace_status(
        &self,
        name: &str,
        params: &PostParams,
        object: &Value,
    ) -> Result<(), kube::Error> {
        self.0.replace_status(name, params, object).await.map(drop)
    }
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

/// One as the watch brought it.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) key: Key,
    pub(crate) identity: Identity,
    pub(crate) instance: Box<str>,
    /// When its spec was written last.
    pub(crate) written: Option<Timestamp>,
    /// The generation that its status speaks of.
    pub(crate) observed: Option<i64>,
    /// All of it.
    pub(crate) text: Box<str>,
}

impl Sighting {
    /// Reads what decides whether it is to be looked at. All else is left to whoever does.
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        let parts: Option<Parts<'_>> = serde_json::from_str(text).ok();
        let Some(parts) = parts else { return Err(Metadata::of(text).unreadable()) };
        let metadata = Metadata::read(parts.metadata);
        let key = metadata.key().ok_or_else(|| metadata.unreadable())?;
        let instance = json::picked(metadata.labels, &|name| name == INSTANCE_LABEL).remove(INSTANCE_LABEL);
        Ok(Self {
            key,
            identity: Identity::of(&own_fields(&metadata)),
            instance: instance.unwrap_or_default().into(),
            written: metadata.written(),
            observed: observed(parts.status),
            text: text.into(),
        })
    }

    /// Its status, where that is of a size that makes sense.
    pub(crate) fn status(&self) -> Option<Value> {
        let parts: Parts<'_> = serde_json::from_str(&self.text).ok()?;
        status(parts.status)
    }
}

/// What of the metadata decides something.
fn own_fields(metadata: &Metadata<'_>) -> ObjectMeta {
    ObjectMeta {
        name: json::read(metadata.name),
        namespace: json::read(metadata.namespace),
        uid: json::read(metadata.uid),
        resource_version: json::read(metadata.resource_version),
        generation: json::read(metadata.generation),
        annotations: Some(json::picked(metadata.annotations, &|name| name.starts_with(OWN_ANNOTATIONS))),
        ..ObjectMeta::default()
    }
}

fn observed(status: Option<&RawValue>) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Observed<'a> {
        #[serde(borrow)]
        observed_generation: Option<&'a RawValue>,
    }
    json::read(json::read::<Observed<'_>>(status)?.observed_generation)
}

fn status(status: Option<&RawValue>) -> Option<Value> {
    strict(status.filter(|status| Shape::of(status.get()).fits(LARGEST_STATUS)))?
}

/// One that a worker has.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) state: State,
    /// What does not fit is this object's failure alone.
    pub(crate) spec: Result<SealedSecretSpec, MalformedSpec>,
}

/// A spec that says nothing: which rule it breaks, and none of its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedSpec {
    #[error("{0}")]
    Malformed(String),
    /// So large that a write of the object's status is a burden to the API server.
    #[error("{0}")]
    Oversized(String),
}

/// All of it but its spec.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Name, uid, versions, and the annotations that mean something here.
    pub(crate) metadata: ObjectMeta,
    pub(crate) status: Option<Value>,
}

impl State {
    /// The generation that the status speaks of.
    pub(crate) fn observed_generation(&self) -> Option<i64> {
        self.status.as_ref()?.get("observedGeneration")?.as_i64()
    }
}

impl Object {
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        let parts: Option<Parts<'_>> = serde_json::from_str(text).ok();
        let Some(parts) = parts else { return Err(Metadata::of(text).unreadable()) };
        let fields = Metadata::read(parts.metadata);
        let mut metadata = own_fields(&fields);
        // When does not matter.
        metadata.deletion_timestamp = fields.deletion_timestamp.map(|_| Time(Timestamp::UNIX_EPOCH));
        let is_whole = metadata.uid.is_some() && metadata.resource_version.is_some() && fields.key().is_some();
        // Without its annotations it would be of another scope.
        let has_scope = fields.annotations.is_none_or(|annotations| annotations.get().starts_with('{'));
        if !is_whole || !has_scope {
            return Err(fields.unreadable());
        }
        Ok(Self { state: State { metadata, status: status(parts.status) }, spec: spec(parts.spec) })
    }
}

fn spec(spec: Option<&RawValue>) -> Result<SealedSecretSpec, MalformedSpec> {
    // No such object can be stored: an empty Secret must not come of an answer that lost its content.
    let Some(spec) = spec else {
        return Err(MalformedSpec::Malformed(
            "the spec is missing; a SealedSecret has its sealed values in spec.encryptedData".to_owned(),
        ));
    };
    let shape = Shape::of(spec.get());
    if shape.depth > LARGEST_SPEC.depth {
        return Err(MalformedSpec::Malformed(format!(
            "the spec is nested {} levels deep; at most {} are read: look for lists or maps inside of each other in \
             spec.template.metadata",
            shape.depth, LARGEST_SPEC.depth
        )));
    }
    if shape.nodes > LARGEST_SPEC.nodes {
        let message = format!(
            "the spec holds {} values; at most {} are read: make several SealedSecrets of it",
            shape.nodes, LARGEST_SPEC.nodes
        );
        let is_oversized = shape.nodes > OVERSIZED;
        return Err(if is_oversized { MalformedSpec::Oversized(message) } else { MalformedSpec::Malformed(message) });
    }
    // serde's text may quote the field, which may hold anything.
    serde_json::from_str(spec.get()).map_err(|_| {
        MalformedSpec::Malformed(
            "the spec is malformed: spec.template or spec.data has a field of the wrong type".to_owned(),
        )
    })
}

const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Annotations that mean something on a SealedSecret begin so.
const OWN_ANNOTATIONS: &str = "sealedsecrets.bitnami.com/";
/// An object has room for about two thousand sealed values.
const LARGEST_SPEC: Shape = Shape { depth: 64, nodes: 10_000 };
/// Beyond that many values a write of the status keeps the API server busy for seconds.
const OVERSIZED: usize = 50_000;
/// Conditions of several writers; a larger one is nobody's, and is written anew.
const LARGEST_STATUS: Shape = Shape { depth: 16, nodes: 2_000 };

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5", "generation": 3,
                "labels": { "app.kubernetes.io/instance": "i", "x": "y" },
                "annotations": { "sealedsecrets.bitnami.com/cluster-wide": "true", "x": "y" } },
            "spec": { "encryptedData": { "k": "v" } },
            "status": { "observedGeneration": 2, "conditions": [{ "type": "Synced" }] } })
    }

    /// The object with a text where its spec is.
    fn with_spec(spec: &str) -> String {
        object().to_string().replace(r#"{"encryptedData":{"k":"v"}}"#, spec)
    }

    #[test]
    fn what_decides_is_read_at_first_sight_and_the_rest_by_a_worker() {
        let text = object().to_string();
        let seen = Sighting::read(&text).unwrap();
        assert_eq!((seen.key, &*seen.instance, seen.observed), (Key::new("ns", "a"), "i", Some(2)));
        assert_eq!((&*seen.identity.uid, seen.identity.generation), ("u", 3));
        assert_eq!(seen.identity.scope, sealer_core::Scope::ClusterWide);
        let read = Object::read(&seen.text).unwrap();
        assert_eq!(read.state.observed_generation(), Some(2));
        assert_eq!(read.state.metadata.annotations.as_ref().unwrap().len(), 1);
        assert_eq!(read.spec.unwrap().encrypted_data.len(), 1);
    }

    #[test]
    fn too_deep_and_too_much_is_the_objects_failure_alone() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let maps = vec!["{}"; 190_000].join(",");
        for (spec, told) in [
            (format!(r#"{{"template":{{"metadata":{{"a":{}}}}}}}"#, deep(150)), "153 levels deep"),
            (format!(r#"{{"x":{}}}"#, deep(100_000)), "100001 levels deep"),
            (format!(r#"{{"template":{{"metadata":{{"a":[{maps}]}}}}}}"#), "380004 values"),
            (r#"{"template":5}"#.to_owned(), "malformed"),
        ] {
            let text = with_spec(&spec);
            assert_eq!(Sighting::read(&text).unwrap().key.name, "a");
            let failure = Object::read(&text).unwrap().spec.unwrap_err();
            assert!(failure.to_string().contains(told), "{failure}");
        }
        let fits = format!(r#"{{"template":{{"metadata":{{"a":{}}}}}}}"#, deep(60));
        assert!(Object::read(&with_spec(&fits)).unwrap().spec.is_ok());
    }

    #[test]
    fn an_object_that_cannot_be_told_is_no_object() {
        for (pointer, value) in [
            ("/metadata/uid", json!(5)),
            ("/metadata/resourceVersion", json!(null)),
            ("/metadata/annotations", json!([])),
            ("/metadata/name", json!(null)),
        ] {
            let mut object = object();
            *object.pointer_mut(pointer).unwrap() = value;
            assert!(Object::read(&object.to_string()).is_err(), "{pointer}");
        }
        for text in ["null", "[]", "{}", r#"{"metadata":{"name":"a","namespace":"ns"},"spec":{},"spec":{}}"#] {
            assert!(Sighting::read(text).is_err() && Object::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_status_that_is_too_large_is_none() {
        let mut object = object();
        object["status"]["conditions"] = vec![json!({}); 2000].into();
        let text = object.to_string();
        assert_eq!(Sighting::read(&text).unwrap().observed, Some(2));
        assert_eq!(Object::read(&text).unwrap().state.status, None);
    }
}
