//! What happens in the cluster: SealedSecrets come, change and go; their Secrets are changed or deleted by others.
//!
//! SealedSecrets are watched as texts that are read one by one, so that one malformed object never stalls the others.
//! Secrets are watched by their metadata only: no Secret's content is kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Watched;
use crate::cache::store::Cache;
use crate::cache::watched_namespaces::WatchedNamespaces;
use crate::context::Context;
use crate::error::StartError;
use crate::readiness::Readiness;
use crate::readiness::progress::Progress;
use crate::workers::queue::Queue;

mod sealed_secrets;
mod secrets;

/// What the watches share with others.
pub(crate) struct Informers {
    pub(crate) context: Arc<Context>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) queue: Arc<Queue>,
    /// The namespaces whose Secrets are watched, for those who do not see them otherwise.
    pub(crate) watched: Arc<WatchedNamespaces>,
    /// When each watch last got an answer.
    pub(crate) progress: Arc<Progress>,
    pub(crate) readiness: Arc<Readiness>,
}

/// Watches until told to stop.
pub(crate) async fn run(informers: Arc<Informers>, stop: CancellationToken) -> Result<(), StartError> {
    let mut watches = JoinSet::new();
    for namespace in namespaces(&informers.context.config.watched) {
        if let Some(namespace) = &namespace {
            tracing::info!(namespace, "Starting informer");
        }
        let looked = CancellationToken::new();
        if informers.context.config.recreate {
            watches.spawn(secrets::follow(informers.clone(), namespace.clone(), looked.clone()));
        } else {
            looked.cancel();
        }
        watches.spawn(sealed_secrets::follow(informers.clone(), namespace, looked));
    }
    while tokio::time::timeout(BETWEEN_REPORTS, stop.cancelled()).await.is_err() {
        informers.progress.report(&informers.readiness);
    }
    watches.shutdown().await;
    Ok(())
}

/// `None` is the whole cluster.
fn namespaces(watched: &Watched) -> Vec<Option<String>> {
    match watched {
        Watched::All => vec![None],
        Watched::These(names) => names.iter().cloned().map(Some).collect(),
    }
}

/// How often it is looked whether the watches progress.
const BETWEEN_REPORTS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
