//! Keys that come while the controller runs.

use super::*;

/// A change of the keys is told once; the list that it asks for is asked for again until it can be read.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_again_until_the_answer_can_be_read() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    *lock(&cluster.lists_to_cut) = 4;
    let followed = tokio::time::timeout(Duration::from_secs(120), store::follow(&keys)).await;
    assert!(followed.is_err(), "the watch ends");
    assert_eq!((keys.ring().entries().len(), *lock(&cluster.lists_to_cut)), (2, 0));
}

/// The same where one key Secret of the list cannot be read.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_again_while_one_cannot_be_read() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    let good = lock(&cluster.secrets).last().cloned().unwrap();
    *lock(&cluster.secrets).last_mut().unwrap() = json!(null);
    let follow = store::follow(&keys);
    let mend = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(keys.ring().entries().len(), 1);
        *lock(&cluster.secrets).last_mut().unwrap() = good;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(keys.ring().entries().len(), 2);
    };
    tokio::select! {
        () = follow => panic!("the watch ends"),
        () = mend => {}
    }
}

/// Follows the keys until a condition holds; the clock runs by itself while nothing else happens.
async fn follow_until(keys: &Keys, what: &str, mut holds: impl FnMut() -> bool) {
    let condition = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(3600), async {
        tokio::select! {
            () = store::follow(keys) => panic!("it ends"),
            () = condition => {}
        }
    });
    assert!(outcome.await.is_ok(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn keys_are_followed_by_a_watch() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    let event = json!({ "type": "ADDED", "object": { "metadata": { "name": "brought", "namespace": "kube-system",
        "resourceVersion": "8" } } });
    let listed = json!({ "type": "BOOKMARK", "object": { "metadata": { "resourceVersion": "7",
        "annotations": { "k8s.io/initial-events-end": "true" } } } });
    cluster.bring(&STRANGERS[0], 0, &json!({}));
    let began = Instant::now();
    lock(&cluster.watches).push_back((200, format!("{listed}\n{event}\n")));
    follow_until(&keys, "the event is not heard", || keys.ring().entries().len() == 2).await;
    assert!(began.elapsed() < Duration::from_secs(15), "it was not the event that brought it");
}

/// Without the right to watch, and with a watch that is refused in spite of the right, keys are listed now and then.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_where_they_cannot_be_watched() {
    for is_told in [true, false] {
        let cluster = Cluster::default();
        let keys = started(&cluster, &[]).await;
        if is_told {
            *lock(&cluster.denied) = "watch";
        } else {
            let refused = (403, refusal(403, "Forbidden").to_string());
            lock(&cluster.watches).extend(std::iter::repeat_n(refused, 50));
        }
        cluster.bring(&STRANGERS[0], 0, &json!({}));
        follow_until(&keys, "lists", || keys.ring().entries().len() == 2).await;
        assert_eq!(lock(&cluster.watches).len(), if is_told { 0 } else { 49 }, "it is not asked for again");
    }
}

/// A watch that breaks for another reason goes on, and is not given up for lists.
#[tokio::test(start_paused = true)]
async fn a_watch_of_keys_that_breaks_goes_on() {
    let cluster = Cluster::default();
    let keys = started(&cluster, &[]).await;
    for _ in 0..2 {
        lock(&cluster.watches).push_back((500, refusal(500, "InternalError").to_string()));
    }
    let began = Instant::now();
    follow_until(&keys, "the watch is not asked for again", || lock(&cluster.watches).is_empty()).await;
    assert!(began.elapsed() < Duration::from_secs(60), "it was given up in between");
}

#[tokio::test]
async fn a_ring_that_is_the_same_wakes_nobody() {
    let keys = started(&Cluster::default(), &[]).await;
    let before = keys.ring.version();
    assert!(!keys.ring.replace(keys.ring()));
    assert_eq!(keys.ring.version(), before);
    keys.ring.replace(Keyring::new(Vec::new()));
    assert_ne!(keys.ring.version(), before);
}

#[tokio::test]
async fn keys_are_followed_until_it_is_told_to_stop() {
    let keys = Arc::new(started(&Cluster::default(), &[]).await);
    let stop = CancellationToken::new();
    let following = tokio::spawn(follow(keys, stop.clone()));
    tokio::task::yield_now().await;
    assert!(!following.is_finished());
    stop.cancel();
    assert!(following.await.unwrap().is_ok());
}
