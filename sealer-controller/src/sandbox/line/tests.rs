#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::pin::pin;

use futures::FutureExt as _;

use super::*;

#[tokio::test]
async fn one_namespace_leaves_a_place_for_others() {
    let line = Line::new(2);
    let held = line.enter("a").await.unwrap();
    let mut second = pin!(line.enter("a"));
    assert!(second.as_mut().now_or_never().is_none(), "the last place is not theirs");
    let other = line.enter("b").await.unwrap();
    assert!(second.as_mut().now_or_never().is_none());
    drop(held);
    assert!(second.await.is_ok());
    drop(other);
}

#[tokio::test]
async fn namespaces_take_turns() {
    let line = Line::new(1);
    let held = line.enter("a").await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let enter = |namespace: &'static str| {
        let (line, order) = (line.clone(), order.clone());
        async move {
            let _place = line.enter(namespace).await.unwrap();
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
async fn abandoned_waiters_lose_no_place() {
    let line = Line::new(1);
    let held = line.enter("a").await.unwrap();
    for _ in 0..10 {
        let mut waiter = Box::pin(line.enter("a"));
        assert!(waiter.as_mut().now_or_never().is_none());
    }
    let mut last = pin!(line.enter("a"));
    assert!(last.as_mut().now_or_never().is_none());
    let abandoned = {
        // Its place is handed out and never looked at.
        let mut waiter = Box::pin(line.enter("b"));
        assert!(waiter.as_mut().now_or_never().is_none());
        drop(held);
        waiter
    };
    drop(abandoned);
    assert!(last.await.is_ok());
    assert_eq!(line.lock().free, 1);
    assert!(line.lock().held.is_empty() && line.lock().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_costly_namespace_comes_back_later_and_is_forgiven() {
    let line = Line::new(2);
    let place = line.enter("a").await.unwrap();
    place.spent(MUCH * 2);
    let mut waiting = pin!(line.enter("a"));
    assert!(waiting.as_mut().now_or_never().is_none(), "one may wait");
    assert!(line.enter("a").await.is_err(), "more may not");
    assert!(line.enter("b").await.is_ok(), "others are not affected");
    tokio::time::advance(WINDOW).await;
    let mut forgiven = pin!(line.enter("a"));
    assert!(forgiven.as_mut().now_or_never().is_none(), "it waits as before");
    drop(place);
    assert!(waiting.await.is_ok());
    assert!(forgiven.await.is_ok());
}
