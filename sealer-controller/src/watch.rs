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
use kube::{Client, ResourceExt as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Watched;
use crate::context::{Context, sealed_secret_resource};
use crate::error::{StartError, watch_answer};
use crate::queue::Key;

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

fn key_of(object: &DynamicObject) -> Key {
    Key::new(object.namespace().unwrap_or_default(), object.name_any())
}

async fn secrets(context: Arc<Context>, namespace: Option<String>) {
    let api: Api<PartialObjectMeta<Secret>> = metadata_api(context.client.clone(), namespace.as_deref());
    let mut events = watcher(api, watcher::Config::default()).boxed();
    let mut warned = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(secret)) => changed(&context, &secret),
            Ok(watcher::Event::Delete(secret)) => deleted(&context, &secret),
            Ok(_) => {}
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(
                        error = watch_answer(&error),
                        "cannot watch Secrets; deleted ones come back only when their SealedSecret changes"
                    );
                }
                // Without the right it stays refused until somebody changes RBAC; ask seldom.
                tokio::time::sleep(if is_refused(&error) { REFUSED } else { BROKEN }).await;
            }
        }
    }
}

fn metadata_api(client: Client, namespace: Option<&str>) -> Api<PartialObjectMeta<Secret>> {
    namespace.map_or_else(|| Api::all(client.clone()), |namespace| Api::namespaced(client.clone(), namespace))
}

fn is_refused(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.is_forbidden(),
        _ => false,
    }
}

/// A Secret that somebody else changed is looked at again, if it belongs to a SealedSecret in view or may now be
/// taken over.
fn changed(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let key = Key::new(secret.namespace().unwrap_or_default(), secret.name_any());
    let version = secret.resource_version().unwrap_or_default();
    if context.index.secret_changed(&key, &version) && !context.queue.is_running(&key) {
        context.queue.add(key);
    }
}

fn deleted(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let key = Key::new(secret.namespace().unwrap_or_default(), secret.name_any());
    if context.index.knows(&key) {
        context.queue.add(key);
    }
}

const REFUSED: Duration = Duration::from_secs(600);
const BROKEN: Duration = Duration::from_secs(2);
