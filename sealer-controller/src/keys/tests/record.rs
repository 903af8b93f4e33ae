//! The record of keys: when it is read, and when it is written.

use super::*;

/// Reads and writes of the record since the last question.
fn calls(cluster: &Cluster) -> (u32, u32) {
    (std::mem::take(&mut *lock(&cluster.record_reads)), std::mem::take(&mut *lock(&cluster.record_writes)))
}

#[tokio::test]
async fn it_is_read_for_keys_that_are_news_and_written_when_it_changes() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    let (reads, writes) = calls(&cluster);
    assert!(reads > 0 && writes > 0, "{reads} {writes}");
    store::load(&keys).await.unwrap();
    assert_eq!(calls(&cluster), (0, 0), "all keys are known, and nothing is new");
    cluster.bring(&STRANGERS[0], 0, &json!({}));
    store::load(&keys).await.unwrap();
    assert_eq!(calls(&cluster), (1, 1), "another controller may have made it");
    assert!(cluster.record().is_known(STRANGERS[0].fingerprint()));
    store::load(&keys).await.unwrap();
    assert_eq!(calls(&cluster), (0, 0), "it is no news any longer");
}

#[tokio::test]
async fn where_none_may_be_kept_it_is_neither_read_nor_written() {
    let foreign = json!({ "metadata": { "name": KEY_RECORD_SECRET, "resourceVersion": "1" }, "type": "Opaque" });
    for there in [None, Some(foreign)] {
        let cluster = Cluster::default();
        match &there {
            Some(foreign) => drop(lock(&cluster.named).insert(KEY_RECORD_SECRET.to_owned(), foreign.clone())),
            None => *lock(&cluster.denied) = "update",
        }
        let keys = started(&cluster, &[]).await;
        assert_eq!(calls(&cluster), (u32::from(there.is_some()), 0));
        cluster.bring(&STRANGERS[0], 0, &json!({}));
        store::load(&keys).await.unwrap();
        bring_new_key(&keys, Cause::Asked).await;
        assert_eq!(calls(&cluster), (0, 0));
        assert_eq!((keys.ring().entries().len(), lock(&cluster.named).get(KEY_RECORD_SECRET)), (3, there.as_ref()));
    }
}

#[tokio::test]
async fn one_that_is_deleted_while_a_key_is_made_is_made_again() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &["--trust-new-keys=never"]).await;
    lock(&cluster.named).clear();
    bring_new_key(&keys, Cause::Asked).await;
    assert_eq!(keys.ring().entries().len(), 2);
    assert!(keys.ring().entries().iter().all(|entry| cluster.record().is_made(entry.key.fingerprint())));
}

/// A refusal that is no lost race is not asked for again at once.
#[tokio::test]
async fn refusal_is_told_after_one_attempt_and_a_race_after_eight() {
    for ((code, reason), attempts) in
        [((500, "InternalError"), 1), ((403, "Forbidden"), 1), ((409, "Conflict"), 8), ((409, "AlreadyExists"), 8)]
    {
        let cluster = Cluster::default();
        let keys = started(&cluster, &["--trust-new-keys=never"]).await;
        calls(&cluster);
        *lock(&cluster.record_refusal) = Some((code, reason));
        assert!(crate::keys::record::note_made(&keys, STRANGERS[0].fingerprint()).await.is_err(), "{code} {reason}");
        assert_eq!(calls(&cluster).1, attempts, "{code} {reason}");
    }
}
