#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::time::Duration;

use jiff::Timestamp;
use sealer_core::UnsealingKey;
use sealer_go::template::{Environment, Functions, Limits};
use serde_json::json;

use super::*;

fn no_time() -> Duration {
    Duration::ZERO
}

fn rendering() -> Rendering<'static> {
    let environment = Environment { now: Timestamp::UNIX_EPOCH, functions: Functions::default() };
    Rendering { environment, limits: Limits::default(), clock: &no_time }
}

fn secret() -> Secret {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
        "metadata": {
            "name": "db", "namespace": "shop", "labels": { "app": "x" }, "uid": "u", "resourceVersion": "7",
            "annotations": { "team": "a", "kubectl.kubernetes.io/last-applied-configuration": "hunter2" },
        },
        "data": { "user": "YW5u", "password": "b2xk", "empty": "" },
        "stringData": { "password": "hunter2" },
    }))
    .unwrap()
}

fn values(secret: &Secret) -> BTreeMap<&str, &[u8]> {
    secret.data.iter().flatten().map(|(item, value)| (item.as_str(), value.0.as_slice())).collect()
}

#[test]
fn a_secret_comes_back_as_it_was_sealed_for_each_scope() {
    let key = UnsealingKey::generate(2048).unwrap();
    let public = key.sealing_key().clone();
    let ring = Keyring::from_keys(vec![key]);
    for scope in Scope::ALL {
        let sealed = SealedSecret::seal(&secret(), scope, &public).unwrap();
        assert_eq!((sealed.scope(), sealed.status.as_ref()), (scope, None));
        let text = serde_json::to_string(&sealed).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("resourceVersion") && !text.contains("uid"), "{text}");
        let again: SealedSecret = serde_json::from_str(&text).unwrap();
        let made = again.unseal(&ring, rendering()).unwrap().into_secret(&again).unwrap();
        assert_eq!(values(&made), BTreeMap::from([("empty", &b""[..]), ("password", b"hunter2"), ("user", b"ann")]));
        assert_eq!((made.type_.as_deref(), made.immutable), (Some("Opaque"), Some(true)));
        let metadata = serde_json::to_value(&made.metadata).unwrap();
        let mut annotations = json!({ "team": "a" });
        if let Some(name) = scope.annotation() {
            annotations[name] = json!("true");
        }
        assert_eq!((&metadata["labels"], &metadata["annotations"]), (&json!({ "app": "x" }), &annotations));
    }
}

#[test]
fn owner_is_named_only_where_it_has_a_uid() {
    let key = UnsealingKey::generate(2048).unwrap();
    let sealed = SealedSecret::seal(&secret(), Scope::Strict, key.sealing_key()).unwrap();
    let ring = Keyring::from_keys(vec![key]);
    for (uid, owners) in [(None, None), (Some(""), None), (Some("u1"), Some("u1"))] {
        let mut of = sealed.clone();
        of.metadata.uid = uid.map(ToOwned::to_owned);
        let made = of.unseal(&ring, rendering()).unwrap().into_secret(&of).unwrap();
        let named = made.metadata.owner_references.as_ref().map(|owners| (owners.len(), owners[0].uid.as_str()));
        assert_eq!(named, owners.map(|uid| (1, uid)), "{uid:?}");
        assert_eq!(of.owner_reference().name, "db");
    }
}

#[test]
fn what_cannot_be_sealed_is_refused_by_name() {
    let key = UnsealingKey::generate(2048).unwrap();
    let mut nameless = secret();
    nameless.metadata.name = None;
    let refused = SealedSecret::seal(&nameless, Scope::Strict, key.sealing_key()).unwrap_err();
    assert!(matches!(refused, SealObjectError::Name(_)));
    assert!(SealedSecret::seal(&nameless, Scope::NamespaceWide, key.sealing_key()).is_ok(), "no label holds the name");
}

#[test]
fn resealing_changes_the_sealed_values_and_nothing_else() {
    let (old, new) = (UnsealingKey::generate(2048).unwrap(), UnsealingKey::generate(2048).unwrap());
    let mut sealed = SealedSecret::seal(&secret(), Scope::Strict, old.sealing_key()).unwrap();
    sealed.spec.template.data = Some(BTreeMap::from([("url".to_owned(), "{{ .user }}:{{ .password }}".to_owned())]));
    let (old, public) = (Keyring::from_keys(vec![old]), new.sealing_key().clone());
    let new = Keyring::from_keys(vec![new]);
    let mut again = sealed.reseal(&old, &public).unwrap();
    let made = again.unseal(&new, rendering()).unwrap().into_secret(&again).unwrap();
    assert_eq!(values(&made)["url"], b"ann:hunter2");
    assert!(again.unseal(&old, rendering()).is_err() && sealed.unseal(&new, rendering()).is_err());
    again.spec.encrypted_data.clone_from(&sealed.spec.encrypted_data);
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&sealed).unwrap());
}

#[test]
fn what_does_not_open_is_named_item_by_item() {
    let key = UnsealingKey::generate(2048).unwrap();
    let sealed = SealedSecret::seal(&secret(), Scope::Strict, key.sealing_key()).unwrap();
    let other = Keyring::from_keys(vec![UnsealingKey::generate(2048).unwrap()]);
    let expected = "no key could decrypt secret (empty, password, user)";
    assert_eq!(sealed.unseal(&other, rendering()).unwrap_err().to_string(), expected);
    assert_eq!(sealed.reseal(&other, key.sealing_key()).unwrap_err().to_string(), expected);
    let mut blob = sealed;
    blob.spec.data = Some(String::new());
    let ring = Keyring::from_keys(vec![key]);
    let refused = OpenError::V1Refused.to_string();
    assert_eq!(blob.unseal(&ring, rendering()).unwrap_err().to_string(), refused);
    let public = ring.entries()[0].key.sealing_key();
    assert_eq!(blob.reseal(&ring, public).unwrap_err().to_string(), refused);
}

#[test]
fn only_a_sealed_secret_counts_as_one() {
    for (version, kind, expected) in [
        ("bitnami.com/v1alpha1", "SealedSecret", true),
        ("bitnami.com/v2", "SealedSecret", true),
        ("example.com/v1", "SealedSecret", false),
        ("v1", "SealedSecret", false),
        ("bitnami.com/v1alpha1", "Secret", false),
    ] {
        let owner =
            OwnerReference { api_version: version.to_owned(), kind: kind.to_owned(), ..OwnerReference::default() };
        assert_eq!(is_sealed_secret(&owner), expected, "{version} {kind}");
    }
}
