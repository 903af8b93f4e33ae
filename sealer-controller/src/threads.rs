//! A bounded set of threads for arithmetic: one private-key operation takes milliseconds, and would keep async workers
//! from their work.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Threads beside the async workers. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Arc<Semaphore>);

impl Threads {
    /// One for each core.
    pub(crate) fn all_cores() -> Self {
        Self(Arc::new(Semaphore::new(cores())))
    }

    /// One for every second core: requests from outside must not keep the cluster's own work waiting.
    pub(crate) fn half_the_cores() -> Self {
        Self(Arc::new(Semaphore::new((cores() / 2).max(1))))
    }

    /// Runs `work` on a thread once one is free. `None` if it panicked.
    pub(crate) async fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = self.0.clone().acquire_owned().await.ok()?;
        let task = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        task.await.ok()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
