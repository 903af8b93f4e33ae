//! Secrets that others change or delete, by their metadata alone.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::informers::Informers;
use crate::kube::secret::{Secrets, Seen, glance};
use crate::kube::stream::{Event, Source};
use crate::kube::{rbac, stream};
use crate::metrics::labels::Kind;
use crate::readiness::progress::Watcher;
use crate::workers::queue::Priority;

/// Follows Secrets for as long as that is allowed, and says once if it is not. `looked` is told when all were seen
/// once, or will not be.
pub(super) async fn follow(informers: Arc<Informers>, namespace: Option<String>, looked: CancellationToken) {
    let mut warned = false;
    loop {
        if rbac::can_i(&informers.context.client, "watch", namespace.as_deref()).await {
            informers.watched.begins(namespace.as_deref());
            watch(&informers, namespace.as_deref(), &looked).await;
            informers.watched.ends(namespace.as_deref());
            informers.progress.ended(Watcher::Secrets, namespace.as_deref());
        }
        looked.cancel();
        if !std::mem::replace(&mut warned, true) {
            tracing::warn!(
                "no right to watch Secrets; what is done to them is noticed only when their SealedSecret changes"
            );
        }
        tokio::time::sleep(REFUSED).await;
    }
}

async fn watch(informers: &Informers, namespace: Option<&str>, looked: &CancellationToken) {
    let mut events = stream::events(Source {
        collection: Secrets::of(informers.context.client.clone(), namespace).collection(),
        selector: None,
        metadata_only: true,
        read: glance,
    });
    informers.progress.heard(Watcher::Secrets, namespace);
    let (mut listed, mut began) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        if let Ok(event) = &event {
            informers.progress.told(Watcher::Secrets, namespace, event);
        }
        match event {
            Ok(Event::Begin) => {
                listed.clear();
                began = informers.cache.changes();
            }
            // What was done while nobody watched shows in a fresh list.
            Ok(Event::Listed(secret)) => {
                changed(informers, &secret, Priority::Low);
                listed.extend(Some(secret.key).filter(|key| informers.cache.knows(key)));
            }
            Ok(Event::Complete { whole }) => {
                let listed = std::mem::take(&mut listed);
                // One that could not be read is looked at needlessly, and found in order.
                let missing = informers.cache.without_secret(namespace, &listed, began);
                missing.into_iter().for_each(|key| informers.queue.add(key, Priority::Low));
                tracing::debug!(whole, "Secrets are listed");
                looked.cancel();
            }
            Ok(Event::Applied(secret)) => changed(informers, &secret, Priority::High),
            Ok(Event::Deleted(secret)) => deleted(informers, secret),
            Ok(Event::Unreadable(secret)) => {
                informers.context.unreadable(Kind::Secret, &secret);
                let known = secret.key().filter(|key| informers.cache.knows(key));
                known.into_iter().for_each(|key| informers.queue.add(key, Priority::Low));
            }
            Ok(Event::Quiet) => {}
            Err(error) if error.is_forbidden() => return,
            Err(error) => {
                // Nobody waits for a list that may fail for long.
                looked.cancel();
                tracing::error!(error = error.answer(), "cannot watch Secrets; trying again");
            }
        }
    }
}

/// A Secret that somebody else changed is looked at again, if it belongs to a SealedSecret in view or may now be
/// taken over.
pub(super) fn changed(informers: &Informers, secret: &Seen, priority: Priority) {
    if informers.cache.secret_changed(&secret.key, &secret.metadata) {
        informers.queue.add(secret.key.clone(), priority);
    }
}

/// Recreates a deleted Secret that was ours, and retries where a conflicting one was deleted. One that was only patched belonged
/// to somebody else, who took it away.
pub(super) fn deleted(informers: &Informers, secret: Seen) {
    let key = secret.key;
    if informers.cache.secret_deleted(&key, secret.metadata.uid.as_deref().unwrap_or_default()) {
        return;
    }
    let owned = secret.controlled_by.as_ref() == Some(&key.name);
    if informers.cache.knows(&key) && (owned || secret.is_managed || informers.cache.has_failed(&key)) {
        informers.queue.add(key, Priority::High);
    }
}

/// Without the right it stays refused until somebody changes RBAC; ask seldom.
const REFUSED: Duration = Duration::from_secs(600);
