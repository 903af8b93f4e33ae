//! Key Secrets that are read, in part or wrongly, and in which order they rank.

use super::*;

#[tokio::test]
async fn one_answer_without_keys_is_not_believed() {
    let cluster = Cluster::default();
    let keys = keys_of(&cluster, &[]);
    start(&keys).await.unwrap();
    for answers in [&cluster.lists_to_empty, &cluster.lists_to_hollow] {
        *lock(answers) = 1;
        store::load(&keys).await.unwrap();
        assert!(keys.ring().active().is_some());
        assert_eq!((keys.context.metrics.keys_gone.get(), *lock(answers)), (0, 0));
        assert_eq!(keys.context.metrics.broken_keys.get(), 0);
    }
}

#[tokio::test]
async fn metrics_tell_age_and_backup_of_the_active_key() {
    let cluster = Cluster::default();
    let keys = keys_of(&cluster, &[]);
    start(&keys).await.unwrap();
    let shown = || {
        let metrics = &keys.context.metrics;
        [metrics.keys_without_backup.get(), metrics.active_key_created.get(), metrics.active_key_backup.get()]
    };
    let ring = keys.ring();
    let active = ring.active().unwrap();
    let created = active.certificate.as_ref().unwrap().not_before().as_second();
    assert_eq!(shown(), [1, created, 0]);
    // A record of another key under the same name counts for nothing.
    for (version, fingerprint, expected) in
        [("2", "SHA256:other", [1, created, 0]), ("3", active.key.fingerprint().as_str(), [0, created, 1_800_000_000])]
    {
        let recorded = json!({ "sealedsecrets.bitnami.com/backed-up-at": "2027-01-15T08:00:00Z",
            "sealedsecrets.bitnami.com/backed-up-fingerprint": fingerprint });
        {
            let mut secrets = lock(&cluster.secrets);
            let metadata = secrets.first_mut().unwrap().pointer_mut("/metadata").unwrap().as_object_mut().unwrap();
            metadata.insert("annotations".to_owned(), recorded);
            metadata.insert("resourceVersion".to_owned(), json!(version));
        }
        store::load(&keys).await.unwrap();
        assert_eq!(shown(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_key_secret_hides_no_other_and_known_keys_stay() {
    let cluster = Cluster::default();
    let keys = keys_of(&cluster, &[]);
    start(&keys).await.unwrap();
    attempt(&keys, Cause::Asked, &mut None).await.unwrap();
    assert_eq!(keys.ring().entries().len(), 2);
    let spoil = |pointer: &str, value: Value| {
        *lock(&cluster.secrets).first_mut().unwrap().pointer_mut(pointer).unwrap() = value;
    };
    let first = lock(&cluster.secrets).first().unwrap().clone();
    for (pointer, odd, broken, count) in [
        ("/metadata/creationTimestamp", json!("9999-12-31T23:59:59Z"), 0, 2),
        ("/metadata/creationTimestamp", json!(5), 0, 2),
        ("/metadata/labels", json!([]), 1, 2),
        ("/metadata/name", json!(5), 1, 2),
        ("/data", json!({ "tls.key": 5 }), 1, 2),
        ("", json!(null), 1, 2),
    ] {
        spoil(pointer, odd);
        store::load(&keys).await.unwrap();
        assert_eq!((keys.context.metrics.broken_keys.get(), keys.ring().entries().len()), (broken, count), "{pointer}");
        *lock(&cluster.secrets).first_mut().unwrap() = first.clone();
    }
    // One that was never read is counted, and the other serves.
    spoil("/data", json!([]));
    let again = keys_of(&cluster, &[]);
    start(&again).await.unwrap();
    assert_eq!((again.context.metrics.broken_keys.get(), again.ring().entries().len()), (1, 1));
    assert_eq!(cluster.count(), 2, "no key was made for it");
}

/// At start nothing is known that an empty answer could be held against.
#[tokio::test(start_paused = true)]
async fn an_answer_without_keys_at_start_does_not_end_in_one_too_many() {
    let cluster = Cluster::default();
    drop(started(&cluster, &[]).await);
    for spoilt in [&cluster.lists_to_empty, &cluster.lists_to_hollow] {
        *lock(spoilt) = 1;
        let again = started(&cluster, &[]).await;
        assert_eq!((cluster.count(), again.ring().entries().len(), again.context.metrics.broken_keys.get()), (1, 1, 0));
    }
}

/// At start the newest key may be the one that cannot be read, and an older one would be served.
#[tokio::test(start_paused = true)]
async fn start_waits_a_little_for_a_list_that_can_be_read_whole() {
    let cluster = Cluster::default();
    drop(started(&cluster, &[]).await);
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    let own = lock(&cluster.secrets).first().cloned().unwrap();
    *lock(&cluster.secrets).first_mut().unwrap() = json!(null);
    let keys = keys_of(&cluster, &[]);
    let mend = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(keys.ring().is_empty(), "a part of the keys is in use");
        *lock(&cluster.secrets).first_mut().unwrap() = own;
    };
    let (began, ()) = tokio::join!(start(&keys), mend);
    began.unwrap();
    assert_eq!(keys.ring().entries().len(), 2);
}

/// T-K2: the label makes a key, with the value that Bitnami's controller looks for.
#[tokio::test]
async fn a_secret_without_the_label_is_no_key_whatever_it_holds() {
    let cluster = Cluster::default();
    let [one, other] = &*STRANGERS;
    cluster.bring(one, 0, &json!({ "name": "unmarked", "labels": {} }));
    cluster.bring(other, 0, &json!({ "name": "retired", "labels": { KEY_LABEL: "compromised" } }));
    let keys = started(&cluster, &[]).await;
    let ring = keys.ring();
    assert_eq!((ring.entries().len(), cluster.count()), (1, 3), "a key of its own is made");
    assert!(STRANGERS.iter().all(|key| ring.get(key.fingerprint()).is_none()));
}

#[tokio::test]
async fn a_small_key_opens_and_does_not_seal() {
    let cluster = Cluster::default();
    let small = UnsealingKey::generate(1024).unwrap();
    cluster.bring(&small, 0, &json!({}));
    let keys = started(&cluster, &[]).await;
    let ring = keys.ring();
    assert!(ring.get(small.fingerprint()).is_some(), "it opens");
    assert_ne!(ring.active().unwrap().key.fingerprint(), small.fingerprint());
    assert_eq!(cluster.count(), 2, "a key to seal with is made");
}

#[tokio::test]
async fn a_key_of_tomorrow_becomes_the_active_one_tomorrow() {
    let cluster = Cluster::default();
    let mut keys = keys_of(&cluster, &[]);
    let time = set_by_hand(&mut keys);
    start(&keys).await.unwrap();
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, -1, &json!({}));
    store::load(&keys).await.unwrap();
    assert_ne!(keys.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
    {
        let mut time = lock(&time);
        *time += SignedDuration::from_hours(48);
    }
    store::load(&keys).await.unwrap();
    assert_eq!(keys.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
}

#[tokio::test]
async fn keys_are_ordered_by_their_certificate_or_by_their_secret() {
    let [one, other] = &*STRANGERS;
    for (order, active) in [("CertNotBefore", one), ("SecretCreationTimestamp", other)] {
        let cluster = Cluster::default();
        cluster.bring(one, 1, &json!({ "name": "one", "creationTimestamp": "2021-01-01T00:00:00Z" }));
        cluster.bring(other, 2, &json!({ "name": "other", "creationTimestamp": "2022-01-01T00:00:00Z" }));
        let keys = started(&cluster, &[&format!("--key-order-priority={order}")]).await;
        assert_eq!(keys.ring().active().unwrap().key.fingerprint(), active.fingerprint(), "{order}");
    }
}
