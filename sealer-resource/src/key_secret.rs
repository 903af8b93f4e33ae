//! How a sealing key lies in a cluster: the Secret that every reader of existing installations knows, its items, labels and
//! annotations.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealer_core::error::KeyError;
use sealer_core::{Certificate, StoredKey, UnsealingKey};

use crate::object::is_sealed_secret;

/// Item that holds the private key, in PEM.
pub const KEY_ITEM: &str = "tls.key";
/// Item that holds the certificate, in PEM.
pub const CERTIFICATE_ITEM: &str = "tls.crt";

/// Label that marks a Secret as a sealing key; only the value [`KEY_LABEL_ACTIVE`] counts.
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// Value of [`KEY_LABEL`] on a key in use.
pub const KEY_LABEL_ACTIVE: &str = "active";
/// Value of [`KEY_LABEL`] on a key that was retired: the controller does not use it, and nobody deleted it.
pub const KEY_LABEL_RETIRED: &str = "retired";
/// Annotation of a key Secret: when a backup that holds the key was last proven to open, in RFC 3339.
pub const BACKED_UP_AT_ANNOTATION: &str = "sealedsecrets.bitnami.com/backed-up-at";
/// Annotation of a key Secret: the fingerprint of the key that was in that backup under the Secret's name.
pub const BACKED_UP_FINGERPRINT_ANNOTATION: &str = "sealedsecrets.bitnami.com/backed-up-fingerprint";
/// Annotation of a retired key Secret: since when, in RFC 3339.
pub const RETIRED_AT_ANNOTATION: &str = "sealedsecrets.bitnami.com/retired-at";
/// Annotation of a key Secret that a rotation made and has not finished with yet.
pub const ROTATION_ANNOTATION: &str = "sealedsecrets.bitnami.com/rotation";
/// Value of [`ROTATION_ANNOTATION`].
pub const ROTATION_UNFINISHED: &str = "unfinished";
/// Annotation of a key Secret: the fingerprint of the key in it, which may be sealed with although the controller did not
/// make it.
pub const TRUSTED_KEY_ANNOTATION: &str = "sealedsecrets.bitnami.com/trusted-fingerprint";
/// Prefix of the names of new key Secrets.
pub const DEFAULT_KEY_PREFIX: &str = "sealed-secrets-key";

/// What the Secret of a new key is called and carries besides the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Prefix of its name; the API server adds the rest.
    pub prefix: String,
    /// Labels beside the one that marks it as a key.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Reads a key Secret. One without a certificate that can be read still has its key.
///
/// # Errors
/// No private key in it, or a Secret that came out of a SealedSecret.
pub fn read(secret: &Secret) -> Result<StoredKey, KeySecretError> {
    let metadata = &secret.metadata;
    if metadata.owner_references.iter().flatten().any(is_sealed_secret) {
        return Err(KeySecretError::Owned);
    }
    let mut annotations = metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|name, _| !STRIPPED_ANNOTATIONS.contains(&name.as_str()));
    Ok(StoredKey {
        name: metadata.name.clone().unwrap_or_default(),
        created: metadata.creation_timestamp.as_ref().map(|time| time.0),
        labels: metadata.labels.clone().unwrap_or_default(),
        annotations,
        key: Arc::new(UnsealingKey::from_pem(item(secret, KEY_ITEM))?),
        certificates: certificates(item(secret, CERTIFICATE_ITEM)),
    })
}

/// The Secret to restore it with. What bears no mark at all is marked as a key in use.
pub fn restored(stored: &StoredKey) -> Secret {
    let mut labels = stored.labels.clone();
    labels.entry(KEY_LABEL.to_owned()).or_insert_with(|| KEY_LABEL_ACTIVE.to_owned());
    let metadata = ObjectMeta {
        name: Some(stored.name.clone()),
        labels: Some(labels),
        annotations: (!stored.annotations.is_empty()).then(|| stored.annotations.clone()),
        ..ObjectMeta::default()
    };
    let certificates: String = stored.certificates.iter().map(Certificate::to_pem).collect();
    secret(metadata, &stored.key, certificates)
}

/// Whether its label says that the controller uses it.
pub fn is_labelled_active(stored: &StoredKey) -> bool {
    stored.labels.get(KEY_LABEL).is_some_and(|value| value == KEY_LABEL_ACTIVE)
}

/// An item of a key Secret; nothing for one that it does not have.
pub fn item<'a>(secret: &'a Secret, name: &str) -> &'a [u8] {
    secret.data.as_ref().and_then(|data| data.get(name)).map_or(&[], |bytes| &bytes.0)
}

/// What can be read of a bundle: all of it, or at least what is sealed with.
fn certificates(pem: &[u8]) -> Vec<Certificate> {
    let first = || Certificate::first_from_pem(pem).into_iter().collect();
    Certificate::bundle_from_pem(pem).unwrap_or_else(|_| first())
}

/// The Secret of a new, active key (docs/format.md, "Keys").
pub fn new(key: &UnsealingKey, certificate: &Certificate, naming: &Naming) -> Secret {
    let mut labels = naming.labels.clone();
    labels.insert(KEY_LABEL.to_owned(), KEY_LABEL_ACTIVE.to_owned());
    let metadata = ObjectMeta {
        generate_name: Some(naming.prefix.clone()),
        labels: Some(labels),
        annotations: (!naming.annotations.is_empty()).then(|| naming.annotations.clone()),
        ..ObjectMeta::default()
    };
    secret(metadata, key, certificate.to_pem())
}

fn secret(metadata: ObjectMeta, key: &UnsealingKey, certificates: String) -> Secret {
    let data = BTreeMap::from([
        (KEY_ITEM.to_owned(), ByteString(key.secret_pkcs1_pem().as_bytes().to_vec())),
        (CERTIFICATE_ITEM.to_owned(), ByteString(certificates.into_bytes())),
    ]);
    Secret { metadata, type_: Some("kubernetes.io/tls".to_owned()), data: Some(data), ..Secret::default() }
}

/// A key Secret that holds no key to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySecretError {
    /// It came out of a SealedSecret.
    #[error("it is owned by a SealedSecret: a sealing key that can be opened with a sealing key protects nothing")]
    Owned,
    /// No private key in it.
    #[error("tls.key: {0}")]
    Key(#[from] KeyError),
}

/// Annotations that do not belong to the key: what kubectl last applied holds the private key itself, and the others
/// speak of this Secret and not of the next one.
const STRIPPED_ANNOTATIONS: [&str; 4] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    BACKED_UP_AT_ANNOTATION,
    BACKED_UP_FINGERPRINT_ANNOTATION,
    ROTATION_ANNOTATION,
];

#[cfg(test)]
mod tests;
