//! Secrets, by their metadata alone: who changed or deleted one that belongs to a SealedSecret in view?

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher;
use sealer_core::scope::MANAGED_ANNOTATION;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::watch_answer;
use crate::queue::Line;
use crate::watch::{access, key_of, stream};

/// Follows Secrets for as long as that is allowed, and says once if it is not. `looked` is told when all were seen
/// once, or will not be.
pub(super) async fn follow(context: Arc<Context>, namespace: Option<String>, looked: CancellationToken) {
    let mut warned = false;
    loop {
        if access::may(&context, "watch", namespace.as_deref()).await {
            context.sight.begins(namespace.as_deref());
            watch(&context, namespace.as_deref(), &looked).await;
            context.sight.ends(namespace.as_deref());
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
    let all = || Api::all(context.client.clone());
    let api: Api<PartialObjectMeta<Secret>> =
        namespace.map_or_else(all, |namespace| Api::namespaced(context.client.clone(), namespace));
    let mut events = stream::events(api, None);
    let (mut listed, mut began) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                listed.clear();
                began = context.index.changes();
            }
            // What was done while nobody watched shows in a fresh list.
            Ok(watcher::Event::InitApply(secret)) => {
                changed(context, &secret, Line::Backlog);
                listed.extend(Some(key_of(&secret)).filter(|key| context.index.knows(key)));
            }
            Ok(watcher::Event::InitDone) => {
                let missing = context.index.without_secret(namespace, &std::mem::take(&mut listed), began);
                missing.into_iter().for_each(|key| context.queue.add(key, Line::Backlog));
                looked.cancel();
            }
            Ok(watcher::Event::Apply(secret)) => changed(context, &secret, Line::News),
            Ok(watcher::Event::Delete(secret)) => deleted(context, &secret),
            Err(error) if access::is_refused(&error) => return,
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
fn changed(context: &Context, secret: &PartialObjectMeta<Secret>, line: Line) {
    let key = key_of(secret);
    if context.index.secret_changed(&key, &secret.metadata) && !context.queue.is_running(&key) {
        context.queue.add(key, line);
    }
}

/// A Secret that was ours is made again, and one that was in the way no longer is. One that was only patched belonged to
/// somebody else, who took it away.
fn deleted(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let key = key_of(secret);
    context.index.secret_deleted(&key);
    let controller = secret.owner_references().iter().find(|owner| owner.controller == Some(true));
    let owned = controller.is_some_and(|owner| owner.kind == "SealedSecret" && owner.name == key.name);
    let managed = secret.annotations().get(MANAGED_ANNOTATION).is_some_and(|value| value == "true");
    if context.index.knows(&key) && (owned || managed || context.index.has_failed(&key)) {
        context.queue.add(key, Line::News);
    }
}

/// Without the right it stays refused until somebody changes RBAC; ask seldom.
const REFUSED: Duration = Duration::from_secs(600);
