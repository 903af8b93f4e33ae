//! What is opened, what of it is sent, and what is told where no key opens it.

use sealer_core::SealedValue;

use super::*;
use crate::cache::record::Record;

#[tokio::test]
async fn what_does_not_open_says_why_and_is_explained_once() {
    let label = sealer_core::Label::new_unchecked(sealer_core::Scope::NamespaceWide, "ns", "");
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64();
    let mut object = object(1, None);
    object["spec"]["encryptedData"]["k"] = json!(value);
    let script = Script::new([told(object.clone()), told(object.clone())].concat());
    let expected = "no key could decrypt secret (k): is sealed with scope namespace-wide, not strict; the annotation \
                    sealedsecrets.bitnami.com/namespace-wide: \"true\" is missing";
    let key = Key::new("ns", "a");
    for _ in 0..2 {
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
        let failure = look_once(&script.reconciler, &key).await.unwrap_err();
        assert_eq!((failure.reason, failure.message.as_str()), (Reason::Unseal, expected));
        // The second look tries the value once more and does not ask again.
    }
    assert_eq!(script.body(0)["message"], format!("Failed to unseal: {expected}"));
    assert_eq!(script.body(1)["status"]["conditions"][0]["message"], expected);
    let operations = script.reconciler.context.metrics.operations.get();
    assert!((3..=5).contains(&operations), "{operations}");
}

/// A worker may have a newer generation than the watch brought, and that one has another cause.
#[tokio::test]
async fn newer_generation_than_the_watched_one_is_explained_by_itself() {
    let seal_as = |namespace: &str| {
        let label = sealer_core::Label::new_unchecked(sealer_core::Scope::NamespaceWide, namespace, "");
        seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64()
    };
    let (mut first, mut second) = (object(1, None), object(2, None));
    first["spec"]["encryptedData"]["k"] = json!(seal_as("elsewhere"));
    second["spec"]["encryptedData"]["k"] = json!(seal_as("ns"));
    let mut exchanges = Vec::from(told(first.clone()));
    exchanges.push((Method::GET, SEALED, 200, second.clone()));
    exchanges.extend(told(second));
    let script = Script::new(exchanges);
    script.reconciler.cache.observe(Sighting::read(&first.to_string()).unwrap());
    look_once(&script.reconciler, &Key::new("ns", "a")).await.unwrap_err();
    let failure = look_once(&script.reconciler, &Key::new("ns", "a")).await.unwrap_err();
    assert!(failure.message.contains("is sealed with scope namespace-wide"), "{}", failure.message);
}

/// What a checkpoint says of [`object`] in its second generation.
fn recorded(version: &str) -> Record {
    let sealed = Sighting::read(&object(2, Some(2)).to_string()).unwrap();
    let meta = ObjectMeta { uid: Some("s".into()), resource_version: Some(version.into()), ..ObjectMeta::default() };
    let keys = [KEY.fingerprint().clone()].into();
    Record { sealed: sealed.identity, secret: SyncedSecret::new(&meta, keys) }
}

#[tokio::test]
async fn synced_object_costs_no_key_operation_after_restart() {
    let mut synced = object(2, Some(2));
    synced["status"]["conditions"] = json!([{ "type": "Synced", "status": "True" }]);
    for (version, operations) in [("5", 0), ("4", 1)] {
        // Without a watch on Secrets the Secret itself is looked at; if it is another one, all is done again.
        let looks = 1 + operations;
        let script = Script::new((0..looks).map(|_| (Method::GET, SECRET, 200, live("u1", "dg==", "5"))).collect());
        script.reconciler.cache.recall([(Key::new("ns", "a"), recorded(version))]);
        script.process(&synced).await.unwrap();
        assert_eq!(script.reconciler.context.metrics.operations.get(), operations);
    }
}

/// What a record from another cluster, or a forged one, says of the key is tried first and decides nothing.
#[tokio::test]
async fn a_hint_of_the_key_costs_no_look_more_than_without_it_and_is_never_believed() {
    let entry = |key: &Arc<UnsealingKey>, second| KeyEntry {
        name: format!("k{second}"),
        key: key.clone(),
        certificate: None,
        ordered_at: Timestamp::from_second(second).unwrap(),
    };
    let label = sealer_core::Label::new(sealer_core::Scope::Strict, "ns", "a").unwrap();
    let mut cold = object(1, None);
    for item in ["k", "l"] {
        // Small enough a number for each key, so that every trial counts.
        let counts =
            |value: &SealedValue| NEWER.iter().all(|key| Keyring::new(vec![entry(key, 1)]).may_have_sealed(value));
        let sealed = || seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap();
        let value = std::iter::repeat_with(sealed).find(counts).unwrap();
        cold["spec"]["encryptedData"][item] = json!(value.to_base64());
    }
    let [right, wrong] = [KEY.fingerprint(), NEWER[0].fingerprint()].map(Clone::clone);
    let gone = UnsealingKey::generate(1024).unwrap().fingerprint().clone();
    // The first value costs a search, and the second one operation.
    for (hint, operations) in [
        (vec![], 4),
        (vec![right.clone()], 2),
        (vec![wrong.clone()], 4),
        (vec![gone.clone()], 4),
        (vec![wrong, gone, right], 3),
    ] {
        let secret = json!({ "metadata": { "name": "a", "namespace": "ns", "uid": "s", "resourceVersion": "5" } });
        let mut exchanges = vec![(Method::POST, SECRETS, 201, secret)];
        exchanges.extend(told(object(1, Some(1))));
        let script = Script::new(exchanges);
        let ring = [&*KEY, &NEWER[1], &NEWER[0]].into_iter().zip(1..).map(|(key, second)| entry(key, second));
        script.reconciler.ring.replace(Keyring::new(ring.collect()));
        script.reconciler.cache.recall([(Key::new("ns", "a"), Record::hint(hint.into()))]);
        script.process(&cold).await.unwrap();
        assert_eq!(script.reconciler.context.metrics.operations.get(), operations);
        assert_eq!(script.body(0)["data"], json!({ "k": "dg==", "l": "dg==" }), "whatever the hint");
    }
}

static NEWER: LazyLock<[Arc<UnsealingKey>; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Arc::new(UnsealingKey::generate(2048).unwrap())));

/// T-P6: everything of the server's own in a template's metadata stays behind.
#[tokio::test]
async fn of_a_templates_metadata_only_labels_and_annotations_are_sent() {
    let mut hostile = object(1, None);
    hostile["spec"]["template"] = json!({ "metadata": {
        "name": "other", "namespace": "other", "generateName": "x", "uid": "u9", "resourceVersion": "9", "generation": 9,
        "finalizers": ["example.com/hold"], "creationTimestamp": "2020-01-01T00:00:00Z", "selfLink": "/x",
        "deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 1, "managedFields": [{ "manager": "x" }],
        "ownerReferences": [{ "apiVersion": "v1", "kind": "Namespace", "name": "ns", "uid": "n" }],
        "labels": { "l": "1" }, "annotations": { "a": "2" } } });
    let mut exchanges = vec![(Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&hostile).await.unwrap();
    let owner = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": "u1", "controller": true }]);
    let expected = json!({ "name": "a", "namespace": "ns", "labels": { "l": "1" }, "annotations": { "a": "2" }, "ownerReferences": owner });
    assert_eq!(script.body(0)["metadata"], expected);
}

/// A Secret built from a template with these owners, which asks for no owner of the controller's.
fn with_template_owners(owners: Option<Value>) -> Result<k8s_openapi::api::core::v1::Secret, Failure> {
    let mut object = object(1, None);
    object["spec"]["template"] =
        json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/skip-set-owner-references": "true" } } });
    if let Some(owners) = owners {
        object["spec"]["template"]["metadata"]["ownerReferences"] = owners;
    }
    let Object { state, spec } = Object::read(&object.to_string()).unwrap();
    let sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    let metadata = sealed.spec.template.metadata.clone().unwrap();
    UnsealedSecret { metadata, ..UnsealedSecret::default() }.into_secret(&sealed).map_err(Failure::unseal)
}

#[test]
fn what_is_empty_is_not_sent() {
    let Object { state, spec } = Object::read(&object(1, None).to_string()).unwrap();
    let sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    for (type_, expected) in [(None, None), (Some(""), None), (Some("Opaque"), Some("Opaque"))] {
        let unsealed = UnsealedSecret { type_: type_.map(str::to_owned), ..UnsealedSecret::default() };
        let made = unsealed.into_secret(&sealed).unwrap();
        assert_eq!((made.type_.as_deref(), made.data), (expected, None));
    }
}

#[test]
fn owners_of_a_template_are_set_without_power_over_the_secret() {
    let owner = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "x", "controller": true,
        "blockOwnerDeletion": true });
    let made = with_template_owners(Some(json!([owner]))).unwrap();
    let expected = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "x" }]);
    assert_eq!(serde_json::to_value(made.metadata.owner_references).unwrap(), expected);
    for none in [None, Some(Value::Null)] {
        assert_eq!(with_template_owners(none).unwrap().metadata.owner_references, None);
    }
}

#[test]
fn template_cannot_name_a_sealed_secret_as_owner() {
    let sealed = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "b", "uid": "x" });
    let other = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "y" });
    for owners in [json!([sealed.clone()]), json!([other, sealed]), json!("x"), json!([{ "name": 5 }])] {
        let failure = with_template_owners(Some(owners.clone())).unwrap_err();
        assert_eq!((failure.reason, failure.class), (Reason::Unseal, Class::Permanent), "{owners}");
        assert!(failure.message.starts_with("spec.template.metadata.ownerReferences"), "{}", failure.message);
    }
}
