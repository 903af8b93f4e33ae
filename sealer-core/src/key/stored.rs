//! How a sealing key lies in a cluster: the Secret that every reader of existing installations knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::{
    BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION, KEY_LABEL, KEY_LABEL_ACTIVE, ROTATION_ANNOTATION,
};
use crate::error::StoredKeyError;
use crate::key::certificate::Certificate;
use crate::key::keyring::KeyEntry;
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

/// A key as it lies in a cluster, or in a backup of one.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Name of its Secret.
    pub name: String,
    /// When the Secret was made.
    pub created: Option<Timestamp>,
    /// Labels of the Secret.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Secret that a restored one should have, too.
    pub annotations: BTreeMap<String, String>,
    /// The private key.
    pub key: Arc<UnsealingKey>,
    /// What `tls.crt` holds; the first one is sealed with.
    pub certificates: Vec<Certificate>,
}

impl StoredKey {
    /// Reads a key Secret. One without a certificate that can be read still has its key.
    ///
    /// # Errors
    /// No private key in it, or a Secret that came out of a SealedSecret.
    pub fn from_secret(secret: &Secret) -> Result<Self, StoredKeyError> {
        let metadata = &secret.metadata;
        if metadata.owner_references.iter().flatten().any(|owner| owner.kind == "SealedSecret") {
            return Err(StoredKeyError::Owned);
        }
        let mut annotations = metadata.annotations.clone().unwrap_or_default();
        annotations.retain(|name, _| !FORGOTTEN.contains(&name.as_str()));
        Ok(Self {
            name: metadata.name.clone().unwrap_or_default(),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations,
            key: Arc::new(UnsealingKey::from_pem(item(secret, KEY_ITEM))?),
            certificates: certificates(item(secret, CERTIFICATE_ITEM)),
        })
    }

    /// The Secret to restore it with. What bears no mark at all is marked as a key in use.
    pub fn to_secret(&self) -> Secret {
        let mut labels = self.labels.clone();
        labels.entry(KEY_LABEL.to_owned()).or_insert_with(|| KEY_LABEL_ACTIVE.to_owned());
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            labels: Some(labels),
            annotations: (!self.annotations.is_empty()).then(|| self.annotations.clone()),
            ..ObjectMeta::default()
        };
        let certificates: String = self.certificates.iter().map(Certificate::to_pem).collect();
        secret(metadata, &self.key, certificates)
    }

    /// Whether its label says that the controller uses it.
    pub fn is_labelled_active(&self) -> bool {
        self.labels.get(KEY_LABEL).is_some_and(|value| value == KEY_LABEL_ACTIVE)
    }

    /// The certificate that clients may be given: one that belongs to the key, of a size that protects something.
    pub fn certificate(&self) -> Option<&Certificate> {
        let first = self.certificates.first()?;
        let belongs = first.key().fingerprint() == self.key.fingerprint();
        (belongs && self.key.bits() >= SMALLEST_SEALING_KEY).then_some(first)
    }

    /// What orders it among others: its certificate's first day, or the Secret's creation.
    pub fn ordered_at(&self) -> Timestamp {
        let first_day = self.certificates.first().map(Certificate::not_before);
        first_day.or(self.created).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The same as of now: a first day in the future would keep its key the newest until then.
    pub fn ordered_at_as_of(&self, now: Timestamp) -> Timestamp {
        let in_future = self.ordered_at() > now.saturating_add(CLOCK_SKEW).unwrap_or(now);
        if in_future { self.created.unwrap_or(now) } else { self.ordered_at() }
    }

    /// The key as part of a ring.
    pub fn entry(&self) -> KeyEntry {
        KeyEntry {
            name: self.name.clone(),
            key: self.key.clone(),
            certificate: self.certificate().cloned(),
            ordered_at: self.ordered_at(),
        }
    }
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
pub fn to_secret(key: &UnsealingKey, certificate: &Certificate, naming: &Naming) -> Secret {
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

/// Annotations that do not belong to the key: what kubectl last applied holds the private key itself, and the others
/// speak of this Secret and not of the next one.
const FORGOTTEN: [&str; 4] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    BACKED_UP_AT_ANNOTATION,
    BACKED_UP_FINGERPRINT_ANNOTATION,
    ROTATION_ANNOTATION,
];
/// How far the clock of whoever made a certificate may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Below this many bits a key opens values, and nothing is sealed with it.
pub const SMALLEST_SEALING_KEY: usize = 2048;
