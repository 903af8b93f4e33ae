//! SealedSecrets that come, change and go.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::cache::store::WatchOutcome;
use crate::informers::Informers;
use crate::kube::sealed_secret::{SealedSecrets, Sighting};
use crate::kube::stream::{Event, Source};
use crate::kube::{rbac, stream};
use crate::metrics::labels::Kind;
use crate::readiness::progress::Watcher;
use crate::workers::queue::Priority;

/// Follows SealedSecrets for ever. `secrets_seen` is cancelled when all Secrets were seen once, or will not be.
pub(super) async fn follow(informers: Arc<Informers>, namespace: Option<String>, secrets_seen: CancellationToken) {
    if informers.cache.recalls() {
        // What was in order before a restart is, if its Secret is the same.
        let _ = tokio::time::timeout(SECRETS_TIMEOUT, secrets_seen.cancelled()).await;
    }
    let mut warned = false;
    // Without this watch the controller does nothing: a missing right counts as silence, unlike for Secrets and keys.
    informers.progress.heard(Watcher::SealedSecrets, namespace.as_deref());
    loop {
        if rbac::may_watch_sealed_secrets(&informers.context.client, namespace.as_deref()).await {
            watch(&informers, namespace.as_deref()).await;
        }
        if !std::mem::replace(&mut warned, true) {
            let namespace = namespace.as_deref().unwrap_or_default();
            tracing::error!(namespace, "no right to watch SealedSecrets; asking every 15 seconds whether there is one");
        }
        tokio::time::sleep(REFUSED).await;
    }
}

/// Follows SealedSecrets for as long as that is allowed.
async fn watch(informers: &Informers, namespace: Option<&str>) {
    let mut events = stream::events(Source {
        collection: SealedSecrets::of(informers.context.client.clone(), namespace).collection(),
        selector: informers.context.config.label_selector.clone(),
        metadata_only: false,
        read: Sighting::read,
    });
    let (mut listed, mut is_listing) = (Vec::new(), false);
    while let Some(event) = events.next().await {
        if let Ok(event) = &event {
            informers.progress.told(Watcher::SealedSecrets, namespace, event);
        }
        match event {
            Ok(Event::Begin) => {
                listed.clear();
                is_listing = true;
            }
            Ok(Event::Listed(object)) => {
                listed.push(object.key.clone());
                appeared(informers, object, Priority::Low);
            }
            Ok(Event::Complete { whole }) => {
                is_listing = false;
                let listed = std::mem::take(&mut listed);
                // What seems to be missing may be what could not be read.
                let gone = if whole { informers.cache.prune_missing(namespace, &listed) } else { Vec::new() };
                gone.into_iter().for_each(|key| informers.queue.add(key, Priority::Low));
            }
            Ok(Event::Applied(object)) => appeared(informers, object, Priority::High),
            Ok(Event::Deleted(object)) => {
                informers.cache.mark_deleted(&object.key);
                informers.queue.add(object.key, Priority::High);
            }
            Ok(Event::Unreadable(object)) => {
                informers.context.unreadable(Kind::SealedSecret, &object);
                // It is there, whatever it says.
                listed.extend(object.key().filter(|_| is_listing));
                // A worker asks for it by its name.
                object.key().into_iter().for_each(|key| informers.queue.add(key, Priority::Low));
            }
            Ok(Event::Quiet) => {}
            Err(error) if error.is_forbidden() => return,
            Err(error) => tracing::error!(error = error.answer(), "cannot watch SealedSecrets; trying again"),
        }
    }
}

pub(super) fn appeared(informers: &Informers, object: Sighting, priority: Priority) {
    let key = object.key.clone();
    match informers.cache.observe(object) {
        WatchOutcome::New => informers.queue.add(key, priority),
        WatchOutcome::Same => tracing::debug!(sealed_secret = key.to_string(), "update suppressed, no changes in spec"),
        WatchOutcome::Synced(_) if informers.context.config.omit_secret_labels => {}
        WatchOutcome::Synced(series) => informers.context.metrics.show_condition(&series, true),
    }
}

/// A list of very many Secrets takes seconds; without it, or when it fails, the worker looks at each Secret by itself.
const SECRETS_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a right that is missing is asked for: an error in the log may make somebody grant it.
const REFUSED: Duration = Duration::from_secs(15);
