//! Keys of others: when they are told of, and when they are sealed with.

use super::*;

fn vouch(key: &UnsealingKey) -> Value {
    json!({ "annotations": { TRUSTED_KEY_ANNOTATION: key.fingerprint().as_str() } })
}

/// T-K2: a key that appears while no controller runs is counted and told as one that appears before its eyes.
#[tokio::test]
async fn foreign_key_is_told_at_the_first_load_with_a_record() {
    let cluster = Cluster::default();
    let [stranger, other] = &*STRANGERS;
    drop(started(&cluster, &[]).await);
    assert_eq!(cluster.count(), 1);
    cluster.bring(stranger, 30, &json!({}));
    let again = started(&cluster, &[]).await;
    assert_eq!((again.context.metrics.foreign_keys.get(), again.ring().entries().len()), (1, 2));
    let events = lock(&cluster.events).clone();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["involvedObject"]["name"], &events[0]["reason"]),
        (&json!("brought"), &json!("UnknownSealingKey"))
    );
    assert!(events[0]["message"].as_str().unwrap().contains(stranger.fingerprint().as_str()));
    // It is no news at the next start; what comes live is.
    let third = started(&cluster, &[]).await;
    assert_eq!(third.context.metrics.foreign_keys.get(), 0);
    cluster.bring(other, 30, &json!({ "name": "brought-2" }));
    store::load(&third).await.unwrap();
    store::load(&third).await.unwrap();
    assert_eq!((third.context.metrics.foreign_keys.get(), lock(&cluster.events).len()), (1, 2));
}

#[tokio::test]
async fn first_start_takes_keys_of_an_earlier_controller_as_known() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 1, &json!({}));
    let keys = started(&cluster, &[]).await;
    assert_eq!((keys.context.metrics.foreign_keys.get(), lock(&cluster.events).len(), cluster.count()), (0, 0, 1));
    assert_eq!(keys.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
    let record = cluster.record();
    assert!(record.is_known(stranger.fingerprint()) && !record.is_made(stranger.fingerprint()));
}

/// T-K2: what is told to be trusted is sealed with, and everything opens.
#[tokio::test]
async fn a_key_of_others_seals_only_where_it_is_trusted() {
    let [stranger, other] = &*STRANGERS;
    for (mode, metadata, seals) in [
        ("always", json!({}), true),
        ("annotated", json!({}), false),
        ("annotated", vouch(other), false),
        ("annotated", vouch(stranger), true),
        ("never", json!({}), false),
        ("never", vouch(stranger), false),
    ] {
        for is_first_start in [true, false] {
            let flag = format!("--trust-new-keys={mode}");
            let cluster = Cluster::default();
            let own = if is_first_start { None } else { started(&cluster, &[&flag]).await.ring().active().cloned() };
            // Its first day is later than that of the own key, but not in the future.
            let before = cluster.count();
            cluster.bring(stranger, 0, &metadata);
            let keys = started(&cluster, &[&flag]).await;
            let ring = keys.ring();
            let active = ring.active().unwrap();
            let case = format!("{mode} {metadata} {is_first_start}");
            assert!(ring.get(stranger.fingerprint()).is_some(), "{case}: it opens");
            let is_active = active.key.fingerprint() == stranger.fingerprint();
            if let Some(own) = own {
                // Of two keys of one second the first one made stays active.
                assert!(
                    seals || active.key.fingerprint() == own.key.fingerprint(),
                    "{case}: the own key is sealed with"
                );
                assert_eq!(cluster.count(), before + 1, "{case}: no key is made for it");
            } else {
                assert_eq!(is_active, seals, "{case}");
                assert_eq!(cluster.count(), before + 1 + usize::from(!seals), "{case}: an own key is made");
            }
            let has_certificate = ring.get(stranger.fingerprint()).unwrap().certificate.is_some();
            assert_eq!(
                (has_certificate, keys.context.metrics.untrusted_keys.get()),
                (seals, i64::from(!seals)),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_record_that_somebody_deletes_makes_no_stranger_trusted() {
    let flag = ["--trust-new-keys=annotated"];
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    let first = started(&cluster, &flag).await.ring().active().unwrap().key.fingerprint().clone();
    assert!(cluster.record().is_made(&first));
    lock(&cluster.named).clear();
    cluster.bring(stranger, 0, &json!({}));
    let keys = started(&cluster, &flag).await;
    let active = keys.ring().active().unwrap().key.fingerprint().clone();
    assert!(active != first && active != *stranger.fingerprint(), "a new key is made");
    assert_eq!((keys.ring().entries().len(), keys.context.metrics.untrusted_keys.get()), (3, 2));
    // Vouching for the old one brings it back, live.
    {
        let mut secrets = lock(&cluster.secrets);
        let metadata = secrets[0]["metadata"].as_object_mut().unwrap();
        metadata.insert("resourceVersion".to_owned(), json!("2"));
        metadata.insert("annotations".to_owned(), json!({ TRUSTED_KEY_ANNOTATION: first.as_str() }));
    }
    store::load(&keys).await.unwrap();
    assert_eq!(keys.context.metrics.untrusted_keys.get(), 1);
    assert!(keys.ring().get(&first).unwrap().certificate.is_some());
}

#[tokio::test]
async fn where_no_record_may_be_kept_only_strict_trust_is_refused() {
    for (verb, what) in [("update", None), ("", Some("Opaque"))] {
        for (mode, starts) in [("always", true), ("annotated", false), ("never", false)] {
            let cluster = Cluster::default();
            *lock(&cluster.denied) = verb;
            if let Some(type_) = what {
                let foreign =
                    json!({ "metadata": { "name": KEY_RECORD_SECRET, "resourceVersion": "1" }, "type": type_ });
                lock(&cluster.named).insert(KEY_RECORD_SECRET.to_owned(), foreign);
            }
            let keys = keys_of(&cluster, &[&format!("--trust-new-keys={mode}")]);
            let outcome = start(&keys).await;
            assert_eq!(outcome.is_ok(), starts, "{mode} without {verb}");
            assert_eq!(cluster.count(), usize::from(starts), "{mode} without {verb}");
            if let Err(error) = outcome {
                assert!(error.to_string().contains("--trust-new-keys=always"), "{error}");
            }
        }
    }
}

/// T-K2: what came out of a SealedSecret is neither a key nor a record, whatever its name and labels are.
#[tokio::test]
async fn what_a_sealed_secret_made_is_no_key_and_no_record() {
    let cluster = Cluster::default();
    let [labelled, legacy] = &*STRANGERS;
    let owner = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": "u", "controller": true }]);
    cluster.bring(labelled, 0, &json!({ "ownerReferences": owner }));
    let prefix = "sealed-secrets-key";
    let by_name = key_secret(legacy, 0, &json!({ "name": prefix, "labels": {}, "ownerReferences": owner }));
    lock(&cluster.named).insert(prefix.to_owned(), by_name);
    let mut forged = KeyRecord::default();
    STRANGERS.iter().for_each(|key| forged.add_made(key.fingerprint()));
    let record = json!({ "metadata": { "name": KEY_RECORD_SECRET, "resourceVersion": "1", "ownerReferences": owner },
        "type": "sealedsecrets.bitnami.com/checkpoint", "data": { "keys": base64::encode(forged.to_json()) } });
    lock(&cluster.named).insert(KEY_RECORD_SECRET.to_owned(), record);
    let keys = started(&cluster, &["--trust-new-keys=annotated"]).await;
    let ring = keys.ring();
    assert_eq!((ring.entries().len(), keys.context.metrics.broken_keys.get()), (1, 2));
    assert!(STRANGERS.iter().all(|key| ring.get(key.fingerprint()).is_none()));
    assert!(STRANGERS.iter().all(|key| !cluster.record().is_known(key.fingerprint())), "the forged record is replaced");
    assert!(cluster.record().is_made(ring.active().unwrap().key.fingerprint()));
    // Without the owner the same Secrets are keys: the test looks at the owner alone.
    let loose = Cluster::default();
    loose.bring(labelled, 0, &json!({}));
    lock(&loose.named).insert(prefix.to_owned(), key_secret(legacy, 0, &json!({ "name": prefix, "labels": {} })));
    assert_eq!(started(&loose, &[]).await.ring().entries().len(), 2);
}

/// T-K2: a first day in the future does not make a key the active one.
#[tokio::test]
async fn a_first_day_in_the_future_does_not_win() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    let own = started(&cluster, &[]).await.ring().active().unwrap().key.fingerprint().clone();
    cluster.bring(stranger, -365, &json!({}));
    let keys = started(&cluster, &[]).await;
    assert_eq!(*keys.ring().active().unwrap().key.fingerprint(), own);
    assert!(keys.ring().get(stranger.fingerprint()).is_some());
}

/// Two controllers: what the one makes is no stranger to the other, which trusts it as its own.
#[tokio::test]
async fn a_key_of_the_other_replica_is_known_by_the_record() {
    let flag = ["--trust-new-keys=never"];
    let cluster = Cluster::default();
    let one = started(&cluster, &flag).await;
    let other = started(&cluster, &flag).await;
    bring_new_key(&one, Cause::Asked).await;
    store::load(&other).await.unwrap();
    assert_eq!(other.ring().entries().len(), 2);
    assert_eq!((other.context.metrics.foreign_keys.get(), other.context.metrics.untrusted_keys.get()), (0, 0));
    assert!(other.ring().entries().iter().all(|entry| entry.certificate.is_some()));
    assert_eq!(lock(&cluster.events).len(), 0);
    let label = lock(&cluster.secrets)[0]["metadata"]["labels"][KEY_LABEL].clone();
    assert_eq!(label, "active");
}

/// T-K2: a record whose answers are spoilt is read again before a key counts as known.
#[tokio::test(start_paused = true)]
async fn record_unreadable_at_first_still_tells_foreign_keys() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    drop(started(&cluster, &[]).await);
    cluster.bring(stranger, 30, &json!({}));
    (*lock(&cluster.records_to_cut), *lock(&cluster.records_to_hollow)) = (1, 1);
    let again = started(&cluster, &[]).await;
    assert_eq!(again.context.metrics.foreign_keys.get(), 1);
    assert_eq!((*lock(&cluster.records_to_cut), *lock(&cluster.records_to_hollow)), (0, 0));
}

/// A key that is told of once is no news at the next look.
#[tokio::test]
async fn a_key_of_others_is_counted_once() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    cluster.bring(&STRANGERS[0], 0, &json!({}));
    for _ in 0..2 {
        store::load(&keys).await.unwrap();
        assert_eq!(keys.context.metrics.foreign_keys.get(), 1);
    }
}

/// Two controllers write the record at once: neither forgets what the other made.
#[tokio::test]
async fn records_that_are_written_at_once_lose_nothing() {
    let flag = ["--trust-new-keys=never"];
    let cluster = Cluster::default();
    let one = started(&cluster, &flag).await;
    let other = started(&cluster, &flag).await;
    // Each of them has met the version before the other's write.
    for keys in [&one, &other, &one] {
        bring_new_key(keys, Cause::Asked).await;
    }
    assert_eq!(cluster.count(), 4);
    for keys in [&one, &other] {
        store::load(keys).await.unwrap();
        let ring = keys.ring();
        assert_eq!((ring.entries().len(), keys.context.metrics.untrusted_keys.get()), (4, 0));
        assert!(ring.entries().iter().all(|entry| cluster.record().is_made(entry.key.fingerprint())));
    }
}
