//! What every task is given: the client, the configuration, the clock, the metrics.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use kube::api::PostParams;

use crate::args::Config;
use crate::error::StartError;
use crate::kube::client;
use crate::kube::sealed_secret::SealedSecrets;
use crate::kube::secret::Secrets;
use crate::kube::unreadable::Unreadable;
use crate::metrics::Metrics;
use crate::metrics::labels::Kind;

/// The one injected value.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    /// What time it is.
    pub(crate) clock: Clock,
}

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Context {
    /// Finds the cluster: inside a Pod, or through KUBECONFIG.
    pub(crate) async fn connect(config: Config) -> Result<Self, StartError> {
        let limit = config.client_limit.map(|limit| limit.0);
        let client = client::connect(limit).await.map_err(StartError::Cluster)?;
        Ok(Self::new(client, config))
    }

    pub(crate) fn new(client: Client, config: Config) -> Self {
        Self { client, config, metrics: Metrics::default(), clock: Arc::new(machine_clock) }
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

    /// What every write says of its writer.
    #[expect(clippy::unused_self, reason = "all writes go through the context")]
    pub(crate) fn write(&self) -> PostParams {
        client::write_params()
    }

    /// Says and counts that an object cannot be read, and nothing of what it holds.
    pub(crate) fn unreadable(&self, kind: Kind, object: &Unreadable) {
        self.metrics.count_unreadable(kind);
        tracing::error!(
            kind = kind.as_str(),
            object = object.to_string(),
            "an object from the API server cannot be read; object skipped"
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the clock enters")]
fn machine_clock() -> Timestamp {
    Timestamp::now()
}
