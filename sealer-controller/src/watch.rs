//! What happens in the cluster: SealedSecrets come, change and go; their Secrets are changed or deleted by others.
//!
//! SealedSecrets are watched as objects that always decode, so that one malformed object never stalls the others.
//! Secrets are watched by their metadata only: no Secret's content is kept.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt};
use sealer_core::scope::MANAGED_ANNOTATION;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Watched;
use crate::context::{Context, sealed_secret_resource};
use crate::error::{StartError, watch_answer};
use crate::queue::Key;

pub(crate) mod access;
pub(crate) mod index;

/// Watches until told to stop.
pub(crate) async fn run(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let mut watches = JoinSet::new();
    for namespace in namespaces(&context.config.watched) {
        if let Some(namespace) = &namespace {
            tracing::info!(namespace, "Starting informer");
        }
        watches.spawn(sealed_secrets(context.clone(), namespace.clone()));
        if context.config.recreate {
            watches.spawn(secrets(context.clone(), namespace));
        }
    }
    stop.cancelled().await;
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

async fn sealed_secrets(context: Arc<Context>, namespace: Option<String>) {
    let resource = sealed_secret_resource();
    let api: Api<DynamicObject> = match &namespace {
        Some(namespace) => Api::namespaced_with(context.client.clone(), namespace, &resource),
        None => Api::all_with(context.client.clone(), &resource),
    };
    let mut config = watcher::Config::default();
    config.label_selector.clone_from(&context.config.label_selector);
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                listed.push(key_of(&object));
                appeared(&context, object);
            }
            Ok(watcher::Event::InitDone) => {
                let gone = context.index.keep_only(namespace.as_deref(), &std::mem::take(&mut listed));
                gone.into_iter().for_each(|key| context.queue.add(key));
            }
            Ok(watcher::Event::Apply(object)) => appeared(&context, object),
            Ok(watcher::Event::Delete(object)) => {
                let key = key_of(&object);
                context.index.mark_gone(&key);
                context.queue.add(key);
            }
            Err(error) => tracing::error!(error = watch_answer(&error), "cannot watch SealedSecrets; trying again"),
        }
    }
}

fn appeared(context: &Context, object: DynamicObject) {
    let key = key_of(&object);
    if context.index.saw(&key, object) {
        context.queue.add(key);
    } else {
        tracing::debug!(sealed_secret = key.to_string(), "update suppressed, no changes in spec");
    }
}

fn key_of(object: &impl ResourceExt) -> Key {
    Key::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// Follows Secrets for as long as that is allowed, and says once if it is not.
async fn secrets(context: Arc<Context>, namespace: Option<String>) {
    let mut warned = false;
    loop {
        if access::may_watch_secrets(&context, namespace.as_deref()).await {
            follow_secrets(&context, namespace.as_deref()).await;
        }
        if !std::mem::replace(&mut warned, true) {
            tracing::warn!(
                "no right to watch Secrets; what is done to them is noticed only when their SealedSecret changes"
            );
        }
        tokio::time::sleep(REFUSED).await;
    }
}

async fn follow_secrets(context: &Context, namespace: Option<&str>) {
    let api: Api<PartialObjectMeta<Secret>> = metadata_api(context.client.clone(), namespace);
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            // What was done while nobody watched shows in a fresh list.
            Ok(watcher::Event::InitApply(secret)) => {
                changed(context, &secret);
                listed.extend(Some(key_of(&secret)).filter(|key| context.index.knows(key)));
            }
            Ok(watcher::Event::InitDone) => {
                let missing = context.index.without_secret(namespace, &std::mem::take(&mut listed));
                missing.into_iter().for_each(|key| context.queue.add(key));
            }
            Ok(watcher::Event::Apply(secret)) => changed(context, &secret),
            Ok(watcher::Event::Delete(secret)) => deleted(context, &secret),
            Err(error) if access::is_refused(&error) => return,
            Err(error) => tracing::error!(error = watch_answer(&error), "cannot watch Secrets; trying again"),
        }
    }
}

fn metadata_api(client: Client, namespace: Option<&str>) -> Api<PartialObjectMeta<Secret>> {
    namespace.map_or_else(|| Api::all(client.clone()), |namespace| Api::namespaced(client.clone(), namespace))
}

/// A Secret that somebody else changed is looked at again, if it belongs to a SealedSecret in view or may now be
/// taken over.
fn changed(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let key = key_of(secret);
    let version = secret.resource_version().unwrap_or_default();
    if context.index.secret_changed(&key, &version) && !context.queue.is_running(&key) {
        context.queue.add(key);
    }
}

/// A Secret that was ours is made again, and one that was in the way no longer is. One that was only patched belonged to
/// somebody else, who took it away.
fn deleted(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let key = key_of(secret);
    let controller = secret.owner_references().iter().find(|owner| owner.controller == Some(true));
    let owned = controller.is_some_and(|owner| owner.kind == "SealedSecret" && owner.name == key.name);
    let managed = secret.annotations().get(MANAGED_ANNOTATION).is_some_and(|value| value == "true");
    if context.index.knows(&key) && (owned || managed || context.index.has_failed(&key)) {
        context.queue.add(key);
    }
}

/// Without the right it stays refused until somebody changes RBAC; ask seldom.
const REFUSED: Duration = Duration::from_secs(600);
