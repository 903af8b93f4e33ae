//! What an object says of itself, read field by field. Times are hints: one that no calendar has counts as none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use kube::api::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::kube::json::{self, Shape};
use crate::kube::object_key::Key;
use crate::kube::unreadable::Unreadable;

/// The fields of `metadata`, unread. What is not named here is passed over.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) namespace: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) uid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) resource_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) generation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) generate_name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) owner_references: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) finalizers: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) creation_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) deletion_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) managed_fields: Option<&'a RawValue>,
}

/// An object of any kind.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) metadata: Option<&'a RawValue>,
}

impl<'a> Metadata<'a> {
    /// That of an object.
    pub(crate) fn of(object: &'a str) -> Self {
        let head: Option<Head<'_>> = serde_json::from_str(object).ok();
        Self::read(head.and_then(|head| head.metadata))
    }

    pub(crate) fn read(metadata: Option<&'a RawValue>) -> Self {
        json::read(metadata).unwrap_or_default()
    }

    /// Which object it is; nothing if that cannot be told.
    pub(crate) fn key(&self) -> Option<Key> {
        let key = Key::new(json::text(self.namespace), json::text(self.name));
        (!key.name.is_empty() && !key.namespace.is_empty()).then_some(key)
    }

    /// As much of its name as can be read.
    pub(crate) fn unreadable(&self) -> Unreadable {
        Unreadable { namespace: json::text(self.namespace), name: json::text(self.name) }
    }

    pub(crate) fn version(&self) -> Option<String> {
        json::read::<String>(self.resource_version).filter(|version| !version.is_empty())
    }

    /// When somebody last wrote more than the status.
    pub(crate) fn written(&self) -> Option<Timestamp> {
        #[derive(Deserialize)]
        struct Entry<'a> {
            #[serde(borrow)]
            time: Option<&'a RawValue>,
            #[serde(borrow)]
            subresource: Option<&'a RawValue>,
        }
        let mut last = time(self.creation_timestamp);
        let mut take = |entry| {
            let Some(entry) = json::read::<Entry<'_>>(Some(entry)) else { return };
            if json::text(entry.subresource).is_empty() {
                last = last.max(time(entry.time));
            }
        };
        if let Some(entries) = self.managed_fields {
            json::each(entries, &mut take);
        }
        last
    }

    /// Everything but `managedFields`. `None` where a field is what it cannot be, or there is too much.
    pub(crate) fn whole(&self) -> Option<ObjectMeta> {
        Some(ObjectMeta {
            name: strict(self.name)?,
            namespace: strict(self.namespace)?,
            uid: strict(self.uid)?,
            resource_version: strict(self.resource_version)?,
            generation: strict(self.generation)?,
            generate_name: strict(self.generate_name)?,
            labels: strict::<BTreeMap<String, String>>(self.labels)?,
            annotations: strict::<BTreeMap<String, String>>(self.annotations)?,
            owner_references: strict::<Vec<OwnerReference>>(self.owner_references)?,
            finalizers: strict::<Vec<String>>(self.finalizers)?,
            creation_timestamp: time(self.creation_timestamp).map(Time),
            // Only the server sets it: whatever it says, the object is on its way out.
            deletion_timestamp: self
                .deletion_timestamp
                .map(|_| Time(time(self.deletion_timestamp).unwrap_or_default())),
            ..ObjectMeta::default()
        })
    }
}

/// A field that may be missing, and may not be of another type.
pub(crate) fn strict<T: DeserializeOwned>(part: Option<&RawValue>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(part) if !Shape::of(part.get()).fits(MOST) => None,
        Some(part) => json::read(Some(part)).map(Some),
    }
}

fn time(part: Option<&RawValue>) -> Option<Timestamp> {
    json::read::<String>(part)?.parse().ok()
}

/// Labels and annotations have one level; nobody has so many.
const MOST: Shape = Shape { depth: 8, nodes: 65_536 };

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn with(metadata: &serde_json::Value) -> String {
        json!({ "metadata": metadata }).to_string()
    }

    #[test]
    fn odd_times_count_as_none() {
        for odd in [json!("9999-12-31T23:59:59Z"), json!("-0001-01-01T00:00:00Z"), json!("soon"), json!(5), json!({})] {
            let text =
                with(&json!({ "name": "a", "namespace": "ns", "creationTimestamp": odd, "deletionTimestamp": odd,
                "managedFields": [{ "time": odd }, { "time": "2026-01-01T00:00:00Z" }, 5, null,
                    { "time": "2027-01-01T00:00:00Z", "subresource": "status" }] }));
            let metadata = Metadata::of(&text);
            assert_eq!(metadata.written(), Some("2026-01-01T00:00:00Z".parse().unwrap()), "{odd}");
            let whole = metadata.whole().unwrap();
            assert_eq!(whole.creation_timestamp, None);
            assert!(whole.deletion_timestamp.is_some() && whole.managed_fields.is_none());
        }
    }

    #[test]
    fn nameless_object_has_no_key_and_odd_types_are_unreadable() {
        for metadata in [json!({}), json!({"name": 5, "namespace": "ns"}), json!({"name": "a"}), json!([]), json!(null)]
        {
            assert!(Metadata::of(&with(&metadata)).key().is_none(), "{metadata}");
        }
        for (field, value) in [
            ("uid", json!(5)),
            ("labels", json!({"a": null})),
            ("ownerReferences", json!({})),
            ("finalizers", json!([1])),
        ] {
            let mut metadata = json!({ "name": "a", "namespace": "ns" });
            metadata.as_object_mut().unwrap().insert(field.to_owned(), value);
            let text = with(&metadata);
            let metadata = Metadata::of(&text);
            assert_eq!(metadata.key(), Some(Key::new("ns", "a")));
            assert_eq!(metadata.unreadable().to_string(), "ns/a");
            assert!(metadata.whole().is_none(), "{field}");
        }
        let twice = r#"{"metadata":{"name":"a","name":"b","namespace":"ns"}}"#;
        assert!(Metadata::of(twice).key().is_none());
    }
}
