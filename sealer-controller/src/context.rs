//! What every task shares: the client, the keys, the objects in view, the metrics, the clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::PostParams;
use kube::client::ClientBuilder;
use sealer_core::Keyring;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tower::timeout::TimeoutLayer;

use crate::args::Config;
use crate::checkpoint::Checkpoint;
use crate::cluster::sealed_secret::SealedSecrets;
use crate::cluster::secret::Secrets;
use crate::error::StartError;
use crate::keys::Keys;
use crate::keys::predictor::KeyPredictor;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::readiness::Readiness;
use crate::sandbox::Pool as Templates;
use crate::throttle::Throttle;
use crate::watch::index::Index;
use crate::watch::progress::Progress;
use crate::watch::rbac::WatchedNamespaces;

/// The one injected value.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) metrics: Metrics,
    pub(crate) queue: Queue,
    pub(crate) index: Index,
    pub(crate) sight: WatchedNamespaces,
    /// When each watch last got an answer.
    pub(crate) progress: Progress,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) readiness: Readiness,
    /// What opened other objects.
    pub(crate) predictor: Arc<KeyPredictor>,
    /// What time it is.
    pub(crate) clock: Clock,
    /// Where templates are rendered.
    pub(crate) templates: Templates,
    reconcile_threads: Arc<Semaphore>,
    http_threads: Arc<Semaphore>,
    overflow: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whose arithmetic it is: requests from outside must not keep the cluster's own work waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pool {
    Reconcile,
    Http,
}

impl Context {
    /// Finds the cluster: inside a Pod, or through KUBECONFIG.
    pub(crate) async fn connect(config: Config) -> Result<Self, StartError> {
        let mut cluster = kube::Config::infer().await.map_err(|error| StartError::Cluster(error.to_string()))?;
        // Minutes of silent attempts inside one call would keep others waiting, and nobody would learn why.
        cluster.default_retry = false;
        cluster.read_timeout = Some(IDLE_TIMEOUT);
        let builder = ClientBuilder::try_from(cluster).map_err(|error| StartError::Cluster(error.to_string()))?;
        let builder = builder.with_layer(&TimeoutLayer::new(REQUEST_TIMEOUT));
        let client = match config.client_limit {
            Some(limit) => builder.with_layer(&Throttle::new(limit)).build(),
            None => builder.build(),
        };
        Ok(Self::new(client, config))
    }

    pub(crate) fn new(client: Client, config: Config) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let index = if config.update_status { Index::default() } else { Index::without_status() };
        Self {
            client,
            config,
            keys: Keys::default(),
            metrics: Metrics::default(),
            queue: Queue::default(),
            index,
            sight: WatchedNamespaces::default(),
            progress: Progress::default(),
            checkpoint: Checkpoint::default(),
            readiness: Readiness::default(),
            predictor: Arc::default(),
            clock: Arc::new(machine_clock),
            templates: Templates::default(),
            reconcile_threads: Arc::new(Semaphore::new(workers)),
            http_threads: Arc::new(Semaphore::new((workers / 2).max(1))),
            overflow: Arc::new(Semaphore::new(OVERFLOW_SLOTS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn secrets(&self, namespace: &str) -> Secrets {
        Secrets::of(self.client.clone(), Some(namespace))
    }

    pub(crate) fn sealed_secrets(&self, namespace: &str) -> SealedSecrets {
        SealedSecrets::of(self.client.clone(), Some(namespace))
    }

    /// What every write says of its writer; the name is the one that existing installations show.
    #[expect(clippy::unused_self, reason = "all writes go through the context")]
    pub(crate) fn write(&self) -> PostParams {
        PostParams { field_manager: Some("controller".to_owned()), ..PostParams::default() }
    }

    /// Runs arithmetic on a bounded set of threads beside the async workers: one private-key operation takes
    /// milliseconds. `None` if it panicked.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        pool: Pool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let threads = match pool {
            Pool::Reconcile => &self.reconcile_threads,
            Pool::Http => &self.http_threads,
        };
        let permit = threads.clone().acquire_owned().await.ok()?;
        let task = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        task.await.ok()
    }

    /// A place for an object with very much to open, if there is one.
    pub(crate) fn overflow(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.overflow.clone().try_acquire_owned()
    }

    /// A place for an object whose call the API server leaves unanswered, if there is one.
    pub(crate) fn waiting(&self) -> Option<OwnedSemaphorePermit> {
        self.waiting.clone().try_acquire_owned().ok()
    }

    /// The ring as it is now.
    pub(crate) fn ring(&self) -> Keyring {
        self.keys.ring()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the clock enters")]
fn machine_clock() -> Timestamp {
    Timestamp::now()
}

/// Objects with very much to open that are worked on beside the others: each has its slice in turn.
const OVERFLOW_SLOTS: usize = 4;
/// Objects that wait for slow answers beside the others: each holds one Secret.
const WAITING: usize = 256;

/// The API server itself gives a call up after a minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);
/// A connection that says nothing for that long is dead: watches end before, after 290 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(295);
