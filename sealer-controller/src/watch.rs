//! What happens in the cluster: SealedSecrets come, change and go; their Secrets are changed or deleted by others.
//!
//! SealedSecrets are watched as texts that are read one by one, so that one malformed object never stalls the others.
//! Secrets are watched by their metadata only: no Secret's content is kept.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Watched;
use crate::cluster::sealed_secret::{SealedSecrets, Sighting};
use crate::cluster::unreadable::Unreadable;
use crate::context::Context;
use crate::error::{StartError, watch_answer};
use crate::queue::Priority;
use crate::watch::index::WatchOutcome;
use crate::watch::progress::Watcher;
use crate::watch::stream::{Event, Source};

pub(crate) mod index;
pub(crate) mod object_state;
mod pace;
pub(crate) mod progress;
pub(crate) mod rbac;
mod secrets;
pub(crate) mod stream;

/// Watches until told to stop.
pub(crate) async fn run(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let mut watches = JoinSet::new();
    for namespace in namespaces(&context.config.watched) {
        if let Some(namespace) = &namespace {
            tracing::info!(namespace, "Starting informer");
        }
        let looked = CancellationToken::new();
        if context.config.recreate {
            watches.spawn(secrets::follow(context.clone(), namespace.clone(), looked.clone()));
        } else {
            looked.cancel();
        }
        watches.spawn(sealed_secrets(context.clone(), namespace, looked));
    }
    while tokio::time::timeout(BETWEEN_REPORTS, stop.cancelled()).await.is_err() {
        context.progress.report(&context.readiness);
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

async fn sealed_secrets(context: Arc<Context>, namespace: Option<String>, secrets_seen: CancellationToken) {
    if context.index.recalls() {
        // What was in order before a restart is, if its Secret is the same.
        let _ = tokio::time::timeout(PATIENCE, secrets_seen.cancelled()).await;
    }
    let mut warned = false;
    // Without this watch the controller does nothing: a missing right counts as silence, unlike for Secrets and keys.
    context.progress.heard(Watcher::SealedSecrets, namespace.as_deref());
    loop {
        if rbac::may_watch_sealed_secrets(&context, namespace.as_deref()).await {
            follow(&context, namespace.as_deref()).await;
        }
        if !std::mem::replace(&mut warned, true) {
            let namespace = namespace.as_deref().unwrap_or_default();
            tracing::error!(namespace, "no right to watch SealedSecrets; asking every 15 seconds whether there is one");
        }
        tokio::time::sleep(REFUSED).await;
    }
}

/// Follows SealedSecrets for as long as that is allowed.
async fn follow(context: &Context, namespace: Option<&str>) {
    let mut events = stream::events(Source {
        collection: SealedSecrets::of(context.client.clone(), namespace).collection(),
        selector: context.config.label_selector.clone(),
        metadata_only: false,
        read: Sighting::read,
    });
    let (mut listed, mut is_listing) = (Vec::new(), false);
    while let Some(event) = events.next().await {
        if let Ok(event) = &event {
            context.progress.told(Watcher::SealedSecrets, namespace, event);
        }
        match event {
            Ok(Event::Begin) => {
                listed.clear();
                is_listing = true;
            }
            Ok(Event::Listed(object)) => {
                listed.push(object.key.clone());
                appeared(context, object, Priority::Low);
            }
            Ok(Event::Complete { whole }) => {
                is_listing = false;
                let listed = std::mem::take(&mut listed);
                // What seems to be missing may be what could not be read.
                let gone = if whole { context.index.prune_missing(namespace, &listed) } else { Vec::new() };
                gone.into_iter().for_each(|key| context.queue.add(key, Priority::Low));
            }
            Ok(Event::Applied(object)) => appeared(context, object, Priority::High),
            Ok(Event::Deleted(object)) => {
                context.index.mark_gone(&object.key);
                context.queue.add(object.key, Priority::High);
            }
            Ok(Event::Unreadable(object)) => {
                unreadable(context, Kind::SealedSecret, &object);
                // It is there, whatever it says.
                listed.extend(object.key().filter(|_| is_listing));
                // A worker asks for it by its name.
                object.key().into_iter().for_each(|key| context.queue.add(key, Priority::Low));
            }
            Ok(Event::Quiet) => {}
            Err(error) if rbac::is_refused(&error) => return,
            Err(error) => tracing::error!(error = watch_answer(&error), "cannot watch SealedSecrets; trying again"),
        }
    }
}

/// Says and counts that an object cannot be read, and nothing of what it holds.
pub(crate) fn unreadable(context: &Context, kind: Kind, object: &Unreadable) {
    context.metrics.count_unreadable(kind);
    tracing::error!(
        kind = kind.as_str(),
        object = object.to_string(),
        "an object from the API server cannot be read; object skipped"
    );
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SealedSecret,
    Secret,
    Key,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SealedSecret => "sealedsecret",
            Self::Secret => "secret",
            Self::Key => "key",
        }
    }
}

fn appeared(context: &Context, object: Sighting, priority: Priority) {
    let key = object.key.clone();
    match context.index.observe(object) {
        WatchOutcome::New => context.queue.add(key, priority),
        WatchOutcome::Same => tracing::debug!(sealed_secret = key.to_string(), "update suppressed, no changes in spec"),
        WatchOutcome::Synced if context.config.omit_secret_labels => {}
        WatchOutcome::Synced => context.metrics.show_condition(&context.index.series(&key), true),
    }
}

/// How often it is looked whether the watches progress.
const BETWEEN_REPORTS: Duration = Duration::from_secs(10);
/// A list of very many Secrets takes seconds; without it, or when it fails, the worker looks at each Secret by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a right that is missing is asked for: an error in the log may make somebody grant it.
const REFUSED: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
