//! One installation on a control plane of its own: there when the first of its tests needs it, and gone after the last.

use std::sync::Arc;

use libtest_mimic::Failed;
use sealer_tests::product::Product;
use tokio::sync::{Mutex, OnceCell, watch};

use crate::installation::Installation;
use crate::suite::Suite;

/// A suite, or why there is none.
type Started = Result<Arc<Suite>, String>;

/// Where the tests of one installation run.
pub(crate) struct Cluster {
    pub(crate) installation: &'static Installation,
    /// Nothing after the last test.
    suite: parking_lot::Mutex<Option<Arc<OnceCell<Started>>>>,
    /// Tests that have not ended.
    left: watch::Sender<usize>,
}

impl Cluster {
    pub(crate) fn new(installation: &'static Installation) -> Self {
        let suite = parking_lot::Mutex::new(Some(Arc::default()));
        Self { installation, suite, left: watch::Sender::new(0) }
    }

    /// So many tests will have their turn.
    pub(crate) fn expect(&self, tests: usize) {
        self.left.send_replace(tests);
    }

    /// One test's turn, which ends when it is dropped.
    pub(crate) fn turn(self: &Arc<Self>, closes: bool) -> Turn {
        Turn { cluster: self.clone(), closes }
    }
}

/// A test that runs or waits for its cluster.
pub(crate) struct Turn {
    cluster: Arc<Cluster>,
    /// Whether it comes after all others.
    closes: bool,
}

impl Turn {
    /// The running product, as soon as it is this test's turn.
    pub(crate) async fn suite(&self) -> Result<Arc<Suite>, Failed> {
        if self.closes {
            let mut left = self.cluster.left.subscribe();
            left.wait_for(|left| *left <= 1).await.map_err(|_| "the other tests are gone")?;
        }
        let cell = self.cluster.suite.lock().clone().ok_or("the control plane is gone")?;
        let started = cell.get_or_init(|| started(self.cluster.installation)).await;
        started.clone().map_err(Failed::from)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.cluster.left.send_modify(|left| *left = left.saturating_sub(1));
        if *self.cluster.left.borrow() == 0 {
            // Its processes end with it.
            drop(self.cluster.suite.lock().take());
        }
    }
}

/// Starts one after another: the first tests begin while the others start.
async fn started(installation: &'static Installation) -> Started {
    static STARTING: Mutex<Option<Product>> = Mutex::const_new(None);
    let mut product = STARTING.lock().await;
    if product.is_none() {
        let built =
            tokio::task::spawn_blocking(Product::build_as_for_tests).await.map_err(|error| error.to_string())?;
        *product = Some(built.map_err(|error| format!("{error:#}"))?);
    }
    let product = product.as_ref().ok_or("there is no product")?;
    let suite = Suite::start(installation, product).await;
    suite.map(Arc::new).map_err(|error| format!("{error:#}"))
}
