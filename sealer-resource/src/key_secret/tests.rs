#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};

use super::*;

const THROWAWAY: &str = include_str!("../../../sealer-core/tests/keys/throwaway.pkcs1.pem");
const OTHER: &str = include_str!("../../../sealer-core/tests/keys/other.pkcs8.pem");
const THROWAWAY_CERTIFICATE: &str = include_str!("../../../sealer-core/tests/keys/throwaway.crt");
const OTHER_CERTIFICATE: &str = include_str!("../../../sealer-core/tests/keys/other.crt");
const ELLIPTIC_CERTIFICATE: &str = include_str!("../../../sealer-core/tests/keys/ec.crt");
/// What `ssh-keygen -l` says.
const THROWAWAY_NAME: &str = "SHA256:jDnjo11OMMDup0JfG7MNvvaT8IE9oqZaTAN8U54GlIc";

fn key(pem: &str) -> UnsealingKey {
    UnsealingKey::from_pem(pem.as_bytes()).unwrap()
}

fn certificate(pem: &str) -> Certificate {
    Certificate::first_from_pem(pem.as_bytes()).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A key Secret as it lies in a cluster.
fn secret(pem: &str, certificates: &str) -> Secret {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    Secret {
        metadata: ObjectMeta {
            name: Some("key".to_owned()),
            creation_timestamp: Some(Time(moment("2026-05-01T00:00:00Z"))),
            ..ObjectMeta::default()
        },
        data: Some([(KEY_ITEM.to_owned(), bytes(pem)), (CERTIFICATE_ITEM.to_owned(), bytes(certificates))].into()),
        ..Secret::default()
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_key_secret_is_read_with_all_that_belongs_to_the_key() {
    let mut secret = secret(THROWAWAY, THROWAWAY_CERTIFICATE);
    secret.metadata.labels = Some(texts(&[(KEY_LABEL, "active"), ("team", "a")]));
    secret.metadata.annotations = Some(texts(&[
        ("kept", "1"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
        ("sealedsecrets.bitnami.com/backed-up-at", "x"),
        ("sealedsecrets.bitnami.com/backed-up-fingerprint", "x"),
        ("sealedsecrets.bitnami.com/rotation", "x"),
    ]));
    let stored = read(&secret).unwrap();
    assert_eq!((stored.name.as_str(), stored.created), ("key", Some(moment("2026-05-01T00:00:00Z"))));
    assert_eq!(stored.labels, texts(&[(KEY_LABEL, "active"), ("team", "a")]));
    assert_eq!(stored.annotations, texts(&[("kept", "1")]));
    assert_eq!(stored.key.fingerprint().as_str(), THROWAWAY_NAME);
    assert_eq!(stored.certificates.len(), 1);
    let entry = stored.entry();
    assert_eq!((entry.name.as_str(), entry.ordered_at), ("key", stored.certificates[0].not_before()));
    assert_eq!(entry.certificate.unwrap().key().fingerprint(), entry.key.fingerprint());
    // And back.
    let again = restored(&stored);
    assert_eq!(again.data, secret.data);
    assert_eq!((again.metadata.labels, again.metadata.name.as_deref()), (secret.metadata.labels, Some("key")));
    assert_eq!(again.metadata.annotations, Some(texts(&[("kept", "1")])));
    assert_eq!((again.type_.as_deref(), again.metadata.generate_name), (Some("kubernetes.io/tls"), None));
}

#[test]
fn what_came_out_of_a_sealed_secret_is_no_key() {
    let mut secret = secret(THROWAWAY, THROWAWAY_CERTIFICATE);
    let owner = |kind: &str| OwnerReference {
        api_version: "bitnami.com/v1".to_owned(),
        kind: kind.to_owned(),
        ..OwnerReference::default()
    };
    secret.metadata.owner_references = Some(vec![owner("Deployment")]);
    assert!(read(&secret).is_ok());
    secret.metadata.owner_references = Some(vec![owner("Deployment"), owner("SealedSecret")]);
    assert_eq!(read(&secret).unwrap_err(), KeySecretError::Owned);
    assert_eq!(read(&Secret::default()).unwrap_err(), KeySecretError::Key(KeyError::NotAKey));
    assert_eq!(item(&Secret::default(), KEY_ITEM), b"");
}

#[test]
fn a_restored_secret_is_marked_unless_it_bears_a_mark() {
    let mut stored = read(&secret(OTHER, OTHER_CERTIFICATE)).unwrap();
    assert!(!is_labelled_active(&stored));
    assert_eq!(restored(&stored).metadata.labels, Some(texts(&[(KEY_LABEL, "active")])));
    assert_eq!(restored(&stored).metadata.annotations, None);
    stored.labels = texts(&[(KEY_LABEL, "retired")]);
    assert!(!is_labelled_active(&stored));
    assert_eq!(restored(&stored).metadata.labels, Some(texts(&[(KEY_LABEL, "retired")])));
    stored.labels = texts(&[(KEY_LABEL, "active")]);
    assert!(is_labelled_active(&stored));
}

#[test]
fn the_secret_of_a_new_key_has_its_name_labels_and_both_items() {
    let naming = Naming {
        prefix: "sealed-secrets-key".to_owned(),
        labels: texts(&[("team", "a"), (KEY_LABEL, "mine")]),
        annotations: BTreeMap::new(),
    };
    let made = new(&key(THROWAWAY), &certificate(THROWAWAY_CERTIFICATE), &naming);
    assert_eq!(made.metadata.generate_name.as_deref(), Some("sealed-secrets-key"));
    assert_eq!(made.metadata.labels, Some(texts(&[("team", "a"), (KEY_LABEL, "active")])), "the mark always wins");
    assert_eq!((made.metadata.annotations.as_ref(), made.type_.as_deref()), (None, Some("kubernetes.io/tls")));
    assert_eq!(item(&made, KEY_ITEM), THROWAWAY.as_bytes());
    assert_eq!(item(&made, CERTIFICATE_ITEM), THROWAWAY_CERTIFICATE.as_bytes());
    let annotated = Naming { annotations: texts(&[("a", "b")]), ..naming };
    let made = new(&key(THROWAWAY), &certificate(THROWAWAY_CERTIFICATE), &annotated);
    assert_eq!(made.metadata.annotations, Some(texts(&[("a", "b")])));
}

#[test]
fn a_stored_key_has_what_can_be_read_of_its_bundle() {
    let certificates = |pem: &[&str]| read(&secret(THROWAWAY, &pem.concat())).unwrap().certificates.len();
    let (one, elliptic) = (THROWAWAY_CERTIFICATE, ELLIPTIC_CERTIFICATE);
    assert_eq!(certificates(&[one, one]), 2);
    assert_eq!(certificates(&[one, elliptic]), 1, "what is sealed with");
    assert_eq!(certificates(&[elliptic, one]), 0);
    assert_eq!(certificates(&[]), 0);
}
