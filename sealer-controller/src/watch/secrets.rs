//! Secrets, by their metadata alone: who changed or deleted one that belongs to a SealedSecret in view?

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::cluster::secret::{Secrets, Seen, glance};
use crate::context::Context;
use crate::error::watch_answer;
use crate::queue::Priority;
use crate::watch::progress::Watcher;
use crate::watch::stream::{Event, Source};
use crate::watch::{Kind, rbac, stream, unreadable};

/// Follows Secrets for as long as that is allowed, and says once if it is not. `looked` is told when all were seen
/// once, or will not be.
pub(super) async fn follow(context: Arc<Context>, namespace: Option<String>, looked: CancellationToken) {
    let mut warned = false;
    loop {
        if rbac::can_i(&context, "watch", namespace.as_deref()).await {
            context.sight.begins(namespace.as_deref());
            watch(&context, namespace.as_deref(), &looked).await;
            context.sight.ends(namespace.as_deref());
            context.progress.ended(Watcher::Secrets, namespace.as_deref());
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

async fn watch(context: &Context, namespace: Option<&str>, looked: &CancellationToken) {
    let mut events = stream::events(Source {
        collection: Secrets::of(context.client.clone(), namespace).collection(),
        selector: None,
        metadata_only: true,
        read: glance,
    });
    context.progress.heard(Watcher::Secrets, namespace);
    let (mut listed, mut began) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        if let Ok(event) = &event {
            context.progress.told(Watcher::Secrets, namespace, event);
        }
        match event {
            Ok(Event::Begin) => {
                listed.clear();
                began = context.index.changes();
            }
            // What was done while nobody watched shows in a fresh list.
            Ok(Event::Listed(secret)) => {
                changed(context, &secret, Priority::Low);
                listed.extend(Some(secret.key).filter(|key| context.index.knows(key)));
            }
            Ok(Event::Complete { whole }) => {
                let listed = std::mem::take(&mut listed);
                // One that could not be read is looked at needlessly, and found in order.
                let missing = context.index.without_secret(namespace, &listed, began);
                missing.into_iter().for_each(|key| context.queue.add(key, Priority::Low));
                tracing::debug!(whole, "Secrets are listed");
                looked.cancel();
            }
            Ok(Event::Applied(secret)) => changed(context, &secret, Priority::High),
            Ok(Event::Deleted(secret)) => deleted(context, secret),
            Ok(Event::Unreadable(secret)) => {
                unreadable(context, Kind::Secret, &secret);
                let known = secret.key().filter(|key| context.index.knows(key));
                known.into_iter().for_each(|key| context.queue.add(key, Priority::Low));
            }
            Ok(Event::Quiet) => {}
            Err(error) if rbac::is_refused(&error) => return,
            Err(error) => {
                // Nobody waits for a list that may fail for long.
                looked.cancel();
                tracing::error!(error = watch_answer(&error), "cannot watch Secrets; trying again");
            }
        }
    }
}

/// A Secret that somebody else changed is looked at again, if it belongs to a SealedSecret in view or may now be
/// taken over.
pub(super) fn changed(context: &Context, secret: &Seen, priority: Priority) {
    if context.index.secret_changed(&secret.key, &secret.metadata) && !context.queue.is_running(&secret.key) {
        context.queue.add(secret.key.clone(), priority);
    }
}

/// Recreates a deleted Secret that was ours, and retries where a conflicting one was deleted. One that was only patched belonged
/// to somebody else, who took it away.
pub(super) fn deleted(context: &Context, secret: Seen) {
    let key = secret.key;
    if context.index.secret_deleted(&key, secret.metadata.uid.as_deref().unwrap_or_default()) {
        return;
    }
    let owned = secret.controlled_by.as_ref() == Some(&key.name);
    if context.index.knows(&key) && (owned || secret.is_managed || context.index.has_failed(&key)) {
        context.queue.add(key, Priority::High);
    }
}

/// Without the right it stays refused until somebody changes RBAC; ask seldom.
const REFUSED: Duration = Duration::from_secs(600);
