//! The one list of names, types, labels and annotations that mean something in the controller's own namespace. No
//! SealedSecret writes a Secret there that carries one of them; in other namespaces they mean nothing. Pure.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use sealer_resource::is_sealed_secret;
use sealer_resource::key_secret::{
    BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION, DEFAULT_KEY_PREFIX, KEY_LABEL, RETIRED_AT_ANNOTATION,
    ROTATION_ANNOTATION, TRUSTED_KEY_ANNOTATION,
};

use crate::args::Config;

/// The controller's own namespace, and how key Secrets are named there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnNamespace<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) key_prefix: &'a str,
}

/// What a Secret would mean to the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// The label marks sealing keys, whatever its value.
    KeyLabel,
    /// A key of this name is loaded without a label (Sealed Secrets before 0.9).
    LegacyKeyName(String),
    /// A TLS Secret named as the API server names new keys.
    GeneratedKeyName(String),
    /// Only key Secrets carry this annotation.
    KeyAnnotation(&'static str),
    /// The checkpoint's Secrets.
    CheckpointName(String),
    /// A type of the controller's own.
    OwnType(String),
    /// Helm's record of a release, the controller's own among them.
    HelmRelease,
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyLabel => write!(f, "the label {KEY_LABEL} marks sealing keys"),
            Self::LegacyKeyName(name) => write!(f, "the name {name} is that of a sealing key without a label"),
            Self::GeneratedKeyName(name) => write!(f, "a TLS Secret of the name {name} looks like a sealing key"),
            Self::KeyAnnotation(name) => write!(f, "the annotation {name} is kept for sealing keys"),
            Self::CheckpointName(name) => write!(f, "the name {name} is kept for the controller's checkpoint"),
            Self::OwnType(type_) => write!(f, "the type {type_} is the controller's own"),
            Self::HelmRelease => write!(f, "it would be the record of a Helm release"),
        }
    }
}

impl Config {
    /// Where names, types and labels of Secrets mean something to the controller.
    pub(crate) fn own_namespace(&self) -> OwnNamespace<'_> {
        OwnNamespace { namespace: &self.namespace, key_prefix: &self.keys.naming.prefix }
    }
}

impl OwnNamespace<'_> {
    /// What the Secret would mean to the controller; nothing outside its own namespace.
    pub(crate) fn means_something_here(&self, secret: &Secret) -> Option<Reserved> {
        if secret.metadata.namespace.as_deref() != Some(self.namespace) {
            return None;
        }
        let name = secret.metadata.name.as_deref().unwrap_or_default();
        let type_ = secret.type_.as_deref().unwrap_or_default();
        if secret.labels().contains_key(KEY_LABEL) {
            return Some(Reserved::KeyLabel);
        }
        if name == self.key_prefix || name == DEFAULT_KEY_PREFIX {
            return Some(Reserved::LegacyKeyName(name.to_owned()));
        }
        if type_ == TLS_TYPE && [self.key_prefix, DEFAULT_KEY_PREFIX].iter().any(|prefix| is_generated(name, prefix)) {
            return Some(Reserved::GeneratedKeyName(name.to_owned()));
        }
        if name.starts_with(CHECKPOINT_PREFIX) {
            return Some(Reserved::CheckpointName(name.to_owned()));
        }
        if type_.starts_with(OWN_TYPES) {
            return Some(Reserved::OwnType(type_.to_owned()));
        }
        if type_ == HELM_TYPE || name.starts_with(HELM_PREFIX) {
            return Some(Reserved::HelmRelease);
        }
        let annotation = KEY_ANNOTATIONS.into_iter().find(|annotation| secret.annotations().contains_key(*annotation));
        annotation.map(Reserved::KeyAnnotation)
    }
}

/// Whether a Secret came out of a SealedSecret, in whatever version of the resource. Such a one is no state of ours.
pub(crate) fn comes_from_sealed_secret(metadata: &ObjectMeta) -> bool {
    metadata.owner_references.iter().flatten().any(is_sealed_secret)
}

/// Whether the API server may have made the name from the prefix: it adds five characters.
fn is_generated(name: &str, prefix: &str) -> bool {
    let suffix = name.strip_prefix(prefix).unwrap_or_default();
    suffix.len() == GENERATED && suffix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Annotations that the command line and the controller read from key Secrets.
const KEY_ANNOTATIONS: [&str; 5] = [
    BACKED_UP_AT_ANNOTATION,
    BACKED_UP_FINGERPRINT_ANNOTATION,
    RETIRED_AT_ANNOTATION,
    ROTATION_ANNOTATION,
    TRUSTED_KEY_ANNOTATION,
];
/// Names of the checkpoint's Secrets begin with this.
pub(crate) const CHECKPOINT_PREFIX: &str = "sealed-secrets-checkpoint-";
/// Type of the checkpoint's Secrets.
pub(crate) const CHECKPOINT_TYPE: &str = "sealedsecrets.bitnami.com/checkpoint";
/// Prefix of every type of ours.
const OWN_TYPES: &str = "sealedsecrets.bitnami.com/";
const TLS_TYPE: &str = "kubernetes.io/tls";
const HELM_TYPE: &str = "helm.sh/release.v1";
const HELM_PREFIX: &str = "sh.helm.release.v1.";
/// Characters behind a `generateName` (k8s.io/apiserver/pkg/storage/names).
const GENERATED: usize = 5;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
    use sealer_resource::key_record::KEY_RECORD_SECRET;
    use serde_json::{Value, json};

    use super::*;

    const OWN: OwnNamespace<'_> = OwnNamespace { namespace: "kube-system", key_prefix: "team-key" };

    fn secret(namespace: &str, name: &str, type_: &str, labels: &Value, annotations: &Value) -> Secret {
        let metadata = json!({ "namespace": namespace, "name": name, "labels": labels, "annotations": annotations });
        serde_json::from_value(json!({ "metadata": metadata, "type": type_ })).unwrap()
    }

    #[test]
    fn every_reserved_name_is_listed_and_means_nothing_elsewhere() {
        let none = json!({});
        let annotated = |name: &str| json!({ name: "x" });
        for (name, type_, labels, annotations) in [
            ("a", "", json!({ KEY_LABEL: "active" }), none.clone()),
            ("a", "Opaque", json!({ KEY_LABEL: "" }), none.clone()),
            ("team-key", "", none.clone(), none.clone()),
            (DEFAULT_KEY_PREFIX, "kubernetes.io/tls", none.clone(), none.clone()),
            ("team-keyx7k2p", "kubernetes.io/tls", none.clone(), none.clone()),
            ("sealed-secrets-keyx7k2p", "kubernetes.io/tls", none.clone(), none.clone()),
            ("sealed-secrets-checkpoint-0", "Opaque", none.clone(), none.clone()),
            ("sealed-secrets-checkpoint-keys", "", none.clone(), none.clone()),
            ("a", CHECKPOINT_TYPE, none.clone(), none.clone()),
            ("a", "sealedsecrets.bitnami.com/next", none.clone(), none.clone()),
            ("a", "helm.sh/release.v1", none.clone(), none.clone()),
            ("sh.helm.release.v1.sealed-secrets.v9", "", none.clone(), none.clone()),
            ("a", "", none.clone(), annotated(BACKED_UP_AT_ANNOTATION)),
            ("a", "", none.clone(), annotated(BACKED_UP_FINGERPRINT_ANNOTATION)),
            ("a", "", none.clone(), annotated(RETIRED_AT_ANNOTATION)),
            ("a", "", none.clone(), annotated(ROTATION_ANNOTATION)),
            ("a", "", none.clone(), annotated(TRUSTED_KEY_ANNOTATION)),
        ] {
            let here = secret("kube-system", name, type_, &labels, &annotations);
            let found = OWN.means_something_here(&here);
            assert!(found.is_some(), "{name} {type_} {labels} {annotations}");
            assert!(!found.unwrap().to_string().is_empty());
            let elsewhere = secret("default", name, type_, &labels, &annotations);
            assert_eq!(OWN.means_something_here(&elsewhere), None, "{name} {type_} {labels} {annotations}");
        }
    }

    #[test]
    fn the_record_of_keys_is_among_the_reserved_names() {
        assert!(KEY_RECORD_SECRET.starts_with(CHECKPOINT_PREFIX));
    }

    #[test]
    fn ordinary_secrets_of_the_own_namespace_mean_nothing() {
        let none = json!({});
        for (name, type_, annotations) in [
            ("a", "Opaque", none.clone()),
            ("team-key-ingress", "kubernetes.io/tls", none.clone()),
            ("team-keyx7k2p", "Opaque", none.clone()),
            ("sealed-secrets-checkpoints", "", none.clone()),
            ("a", "", json!({ "sealedsecrets.bitnami.com/managed": "true" })),
            ("a", "", json!({ "sealedsecrets.bitnami.com/cluster-wide": "true" })),
        ] {
            let secret = secret("kube-system", name, type_, &none, &annotations);
            assert_eq!(OWN.means_something_here(&secret), None, "{name} {type_} {annotations}");
        }
    }

    #[test]
    fn any_owner_that_is_a_sealed_secret_counts() {
        let owner = |version: &str, kind: &str| OwnerReference {
            api_version: version.to_owned(),
            kind: kind.to_owned(),
            ..OwnerReference::default()
        };
        let owned =
            |owners| comes_from_sealed_secret(&ObjectMeta { owner_references: owners, ..ObjectMeta::default() });
        let (other, sealed) = (owner("apps/v1", "Deployment"), owner("bitnami.com/v1alpha1", "SealedSecret"));
        assert!(owned(Some(vec![other.clone(), sealed])), "whoever controls the Secret");
        assert!(!owned(Some(vec![other])) && !owned(None));
    }
}
