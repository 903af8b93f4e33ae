//! How a sealing key lies in a cluster: the Secret that every reader of existing installations knows.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::{KEY_LABEL, KEY_LABEL_ACTIVE};
use crate::key::certificate::Certificate;
use crate::key::private::UnsealingKey;

/// Item that holds the private key, in PEM.
pub const KEY_ITEM: &str = "tls.key";
/// Item that holds the certificate, in PEM.
pub const CERTIFICATE_ITEM: &str = "tls.crt";

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

/// The Secret of a new, active key (docs/format.md, "Keys").
pub fn to_secret(key: &UnsealingKey, certificate: &Certificate, naming: &Naming) -> Secret {
    let mut labels = naming.labels.clone();
    labels.insert(KEY_LABEL.to_owned(), KEY_LABEL_ACTIVE.to_owned());
    let metadata = ObjectMeta {
        generate_name: Some(naming.prefix.clone()),
        labels: Some(labels),
        annotations: (!naming.annotations.is_empty()).then(|| naming.annotations.clone()),
        ..ObjectMeta::default()
    };
    let data = BTreeMap::from([
        (KEY_ITEM.to_owned(), ByteString(key.secret_pkcs1_pem().as_bytes().to_vec())),
        (CERTIFICATE_ITEM.to_owned(), ByteString(certificate.to_pem().into_bytes())),
    ]);
    Secret { metadata, type_: Some("kubernetes.io/tls".to_owned()), data: Some(data), ..Secret::default() }
}
