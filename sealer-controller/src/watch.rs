//! What happens in the cluster: SealedSecrets come, change and go; their Secrets are changed or deleted by others.
//!
//! SealedSecrets are watched as objects that always decode, so that one malformed object never stalls the others.
//! Secrets are watched by their metadata only: no Secret's content is kept.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::Watched;
use crate::context::{Context, sealed_secret_resource};
use crate::error::{StartError, watch_answer};
use crate::queue::{Key, Line};
use crate::watch::index::Seen;

pub(crate) mod access;
pub(crate) mod index;
pub(crate) mod known;
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

async fn sealed_secrets(context: Arc<Context>, namespace: Option<String>, secrets_seen: CancellationToken) {
    if context.index.recalls() {
        // What was in order before a restart is, if its Secret is the same.
        let _ = tokio::time::timeout(PATIENCE, secrets_seen.cancelled()).await;
    }
    let mut warned = false;
    loop {
        if access::may_watch_sealed_secrets(&context, namespace.as_deref()).await {
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
    let resource = sealed_secret_resource();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(context.client.clone(), namespace, &resource),
        None => Api::all_with(context.client.clone(), &resource),
    };
    let mut events = stream::events(api, context.config.label_selector.as_deref());
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                listed.push(key_of(&object));
                appeared(context, object, Line::Backlog);
            }
            Ok(watcher::Event::InitDone) => {
                let gone = context.index.keep_only(namespace, &std::mem::take(&mut listed));
                gone.into_iter().for_each(|key| context.queue.add(key, Line::Backlog));
            }
            Ok(watcher::Event::Apply(object)) => appeared(context, object, Line::News),
            Ok(watcher::Event::Delete(object)) => {
                let key = key_of(&object);
                context.index.mark_gone(&key);
                context.queue.add(key, Line::News);
            }
            Err(error) if access::is_refused(&error) => return,
            Err(error) => tracing::error!(error = watch_answer(&error), "cannot watch SealedSecrets; trying again"),
        }
    }
}

fn appeared(context: &Context, object: DynamicObject, line: Line) {
    let key = key_of(&object);
    match context.index.saw(&key, object) {
        Seen::New => context.queue.add(key, line),
        Seen::Same => tracing::debug!(sealed_secret = key.to_string(), "update suppressed, no changes in spec"),
        Seen::InOrder if context.config.omit_secret_labels => {}
        Seen::InOrder => context.metrics.show_condition(&context.index.series(&key), true),
    }
}

fn key_of(object: &impl ResourceExt) -> Key {
    Key::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// A list of very many Secrets takes seconds; without it, or when it fails, the worker looks at each Secret by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a right that is missing is asked for: an error in the log may make somebody grant it.
const REFUSED: Duration = Duration::from_secs(15);
