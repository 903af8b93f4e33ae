//! Works the queue off, some objects side by side.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kube::object_key::Key;
use crate::workers::queue::Queue;
use crate::workers::slot::{Slots, WorkerSlot};

/// Hands each object of the queue to `process` until told to stop; what is under way then is finished first.
pub(crate) async fn run<F>(queue: &Queue, process: impl Fn(Key, WorkerSlot) -> F, stop: CancellationToken)
where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Slots::default();
    let mut under_way = JoinSet::new();
    loop {
        // The place comes first: who is next is decided when there is room, so that news overtakes.
        let next = async { (slots.take().await, queue.next().await) };
        let (slot, key) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        under_way.spawn(process(key, slot));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}
