#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::pin::pin;

use futures::FutureExt as _;

use super::*;

#[tokio::test]
async fn one_namespace_leaves_a_slot_for_others() {
    let queue = FairQueue::new(2);
    let held = queue.enter("a").await.unwrap();
    let mut second = pin!(queue.enter("a"));
    assert!(second.as_mut().now_or_never().is_none(), "the last slot is not theirs");
    let other = queue.enter("b").await.unwrap();
    assert!(second.as_mut().now_or_never().is_none());
    drop(held);
    assert!(second.await.is_ok());
    drop(other);
}

#[tokio::test]
async fn namespaces_take_turns() {
    let queue = FairQueue::new(1);
    let held = queue.enter("a").await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let enter = |namespace: &'static str| {
        let (queue, order) = (queue.clone(), order.clone());
        async move {
            let _slot = queue.enter(namespace).await.unwrap();
            order.lock().push(namespace);
        }
    };
    let mut all = pin!(futures::future::join_all(["a", "a", "a", "a", "b", "c", "b"].map(enter)));
    assert!(all.as_mut().now_or_never().is_none(), "all of them wait");
    drop(held);
    all.await;
    assert_eq!(*order.lock(), ["a", "b", "c", "a", "b", "a", "a"]);
}

#[tokio::test]
async fn abandoned_waiters_lose_no_slot() {
    let queue = FairQueue::new(1);
    let held = queue.enter("a").await.unwrap();
    for _ in 0..10 {
        let mut waiter = Box::pin(queue.enter("a"));
        assert!(waiter.as_mut().now_or_never().is_none());
    }
    let mut last = pin!(queue.enter("a"));
    assert!(last.as_mut().now_or_never().is_none());
    let abandoned = {
        // Its slot is handed out and never looked at.
        let mut waiter = Box::pin(queue.enter("b"));
        assert!(waiter.as_mut().now_or_never().is_none());
        drop(held);
        waiter
    };
    drop(abandoned);
    assert!(last.await.is_ok());
    assert_eq!(queue.lock().free, 1);
    assert!(queue.lock().held.is_empty() && queue.lock().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_costly_namespace_comes_back_later_and_is_forgiven() {
    let queue = FairQueue::new(2);
    let slot = queue.enter("a").await.unwrap();
    slot.spent(MUCH * 2);
    let mut waiting = pin!(queue.enter("a"));
    assert!(waiting.as_mut().now_or_never().is_none(), "one may wait");
    assert!(queue.enter("a").await.is_err(), "more may not");
    assert!(queue.enter("b").await.is_ok(), "others are not affected");
    tokio::time::advance(WINDOW).await;
    let mut forgiven = pin!(queue.enter("a"));
    assert!(forgiven.as_mut().now_or_never().is_none(), "it waits as before");
    drop(slot);
    assert!(waiting.await.is_ok());
    assert!(forgiven.await.is_ok());
}
