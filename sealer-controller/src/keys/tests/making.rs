//! When a key is made, and when not.

use super::*;

#[tokio::test]
async fn a_cutoff_in_the_future_asks_for_one_key_a_start() {
    let cluster = Cluster::default();
    let keys = keys_of(&cluster, &["--key-cutoff-time", "Tue, 14 Oct 2200 21:45:30 +0200"]);
    start(&keys).await.unwrap();
    assert_eq!(cluster.count(), 1);
    assert!(until_due(&keys) > Duration::from_secs(3600));
}

#[tokio::test]
async fn clocks_that_disagree_do_not_ask_for_key_after_key() {
    let cluster = Cluster::default();
    // The Secret was made years ago, as the API server's clock has it.
    let keys = keys_of(&cluster, &["--key-order-priority=SecretCreationTimestamp"]);
    start(&keys).await.unwrap();
    assert!(until_due(&keys) > Duration::from_secs(3600));
    attempt(&keys, Cause::Due, &mut None).await.unwrap();
    assert_eq!(cluster.count(), 1);
    attempt(&keys, Cause::Asked, &mut None).await.unwrap();
    assert_eq!(cluster.count(), 2, "whoever asks gets one");
}

#[tokio::test(start_paused = true)]
async fn lost_answer_to_the_first_key_makes_no_second_key() {
    for cutoff in [&[][..], &["--key-cutoff-time", "Tue, 14 Oct 2200 21:45:30 +0200"]] {
        let cluster = Cluster::default();
        let keys = keys_of(&cluster, cutoff);
        *lock(&cluster.answers_to_lose) = 1;
        start(&keys).await.unwrap();
        assert_eq!(cluster.count(), 1);
        assert!(keys.ring().active().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_does_not_end_in_two_keys() {
    let cluster = Cluster::default();
    let keys = keys_of(&cluster, &[]);
    start(&keys).await.unwrap();
    *lock(&cluster.answers_to_lose) = 1;
    bring_new_key(&keys, Cause::Asked).await;
    assert_eq!(cluster.count(), 2);
    assert_eq!(keys.ring().entries().len(), 2);
    assert_eq!(keys.context.metrics.foreign_keys.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn keys_without_secrets_open_only_and_a_new_one_follows() {
    let cluster = Cluster::default();
    let keys = Arc::new(keys_of(&cluster, &[]));
    start(&keys).await.unwrap();
    let old = keys.ring().active().unwrap().key.fingerprint().clone();
    let removed = std::mem::take(&mut *lock(&cluster.secrets));
    // However often it is listed, it is told once.
    for _ in 0..3 {
        store::load(&keys).await.unwrap();
        assert!(keys.ring().active().is_none(), "a certificate is served whose key nobody can load again");
        assert!(keys.ring().get(&old).is_some(), "what is sealed opens still");
    }
    assert_eq!(keys.context.metrics.keys_gone.get(), 1);
    let reasons: Vec<_> = lock(&cluster.events).iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(reasons, ["SealingKeyGone"]);
    let renewing = tokio::spawn(renew(keys.clone(), CancellationToken::new()));
    while cluster.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store::load(&keys).await.unwrap();
    renewing.abort();
    let ring = keys.ring();
    assert!(ring.active().is_some_and(|entry| entry.key.fingerprint() != &old));
    assert!(ring.get(&old).is_some() && ring.entries().len() == 2 && cluster.count() == 1);
    // The next one goes as well: another follows at once, and both open values.
    lock(&cluster.secrets).clear();
    store::load(&keys).await.unwrap();
    assert!(keys.ring().active().is_none());
    assert!(until_due(&keys).is_zero(), "no key is made for a month");
    bring_new_key(&keys, Cause::Due).await;
    assert!(keys.ring().active().is_some() && keys.ring().entries().len() == 3);
    // It comes back, from a backup.
    lock(&cluster.secrets).extend(removed.into_iter().map(|mut secret| {
        secret["metadata"]["name"] = json!("restored");
        secret
    }));
    store::load(&keys).await.unwrap();
    assert_eq!(keys.ring().entries().iter().filter(|entry| entry.certificate.is_some()).count(), 2);
    assert_eq!(keys.context.metrics.keys_gone.get(), 2);
}

#[tokio::test]
async fn a_clock_that_jumps_asks_for_one_key_at_most() {
    let cluster = Cluster::default();
    let mut keys = keys_of(&cluster, &["--key-renew-period=720h"]);
    let time = set_by_hand(&mut keys);
    start(&keys).await.unwrap();
    let begin = *lock(&time);
    let days = |days: i64| begin + SignedDuration::from_hours(24 * days);
    for jump in [3650, -1, 0, 3650, -3650, 31, 0] {
        *lock(&time) = days(jump);
        attempt(&keys, Cause::Due, &mut None).await.unwrap();
        store::load(&keys).await.unwrap();
        assert!(keys.ring().active().is_some(), "nothing to seal with at day {jump}");
        assert_eq!(cluster.count(), 1, "a key was made at day {jump}, although this process made one just now");
    }
}

#[tokio::test]
async fn after_a_restart_under_a_clock_that_jumped_there_is_one_new_key() {
    let cluster = Cluster::default();
    let first = keys_of(&cluster, &[]);
    *lock(&cluster.time) = Some(first.context.now());
    start(&first).await.unwrap();
    for (jump, count) in [(-1, 1), (3650, 2), (-3650, 2), (3650, 2), (0, 2)] {
        let mut keys = keys_of(&cluster, &["--key-renew-period=720h"]);
        let time = set_by_hand(&mut keys);
        let now = *lock(&time) + SignedDuration::from_hours(24 * jump);
        *lock(&time) = now;
        start(&keys).await.unwrap();
        attempt(&keys, Cause::Due, &mut None).await.unwrap();
        attempt(&keys, Cause::Due, &mut None).await.unwrap();
        assert_eq!(cluster.count(), count, "day {jump}");
        assert!(keys.ring().active().is_some(), "day {jump}");
    }
}

#[tokio::test]
async fn a_new_key_comes_when_it_is_asked_for() {
    let cluster = Cluster::default();
    let keys = Arc::new(started(&cluster, &[]).await);
    let stop = CancellationToken::new();
    let renewing = tokio::spawn(renew(keys.clone(), stop.clone()));
    keys.ask_for_new_key();
    let mut version = keys.ring.subscribe();
    tokio::time::timeout(Duration::from_secs(60), version.changed()).await.unwrap().unwrap();
    assert_eq!((cluster.count(), keys.ring().entries().len()), (2, 2));
    stop.cancel();
    assert!(renewing.await.unwrap().is_ok());
}

/// At start the cutoff alone is judged: a key that is old is renewed afterwards.
#[tokio::test]
async fn an_old_key_is_enough_to_start_with() {
    let cluster = Cluster::default();
    cluster.bring(&STRANGERS[0], 60, &json!({}));
    let keys = started(&cluster, &["--key-renew-period=720h"]).await;
    assert_eq!(cluster.count(), 1);
    assert!(until_due(&keys).is_zero(), "it is renewed then");
}

#[test]
fn attempts_wait_longer_each_time_up_to_five_minutes() {
    let waits: Vec<u64> = [0, 1, 2, 8, 9, 100, u32::MAX].map(|failures| retry_after(failures).as_secs()).into();
    assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300]);
}
