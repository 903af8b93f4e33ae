//! What may be done with Secrets and SealedSecrets? Older installations grant less than newer ones; asking first makes no refused request.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Resource as _;
use sealer_core::SealedSecret;
use serde::Deserialize;

use crate::cluster::Collection;
use crate::context::Context;
use crate::watch::stream::WatchError;

/// In which namespaces (or in all) Secrets are watched now.
#[derive(Debug, Default)]
pub(crate) struct WatchedNamespaces(Mutex<BTreeSet<Option<String>>>);

impl WatchedNamespaces {
    /// Whether what happens to Secrets of a namespace is seen.
    pub(crate) fn reaches(&self, namespace: &str) -> bool {
        let watched = self.lock();
        watched.contains(&None) || watched.contains(&Some(namespace.to_owned()))
    }

    pub(super) fn begins(&self, namespace: Option<&str>) {
        self.lock().insert(namespace.map(str::to_owned));
    }

    pub(super) fn ends(&self, namespace: Option<&str>) {
        self.lock().remove(&namespace.map(str::to_owned));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Option<String>>> {
        // Nothing panics while it holds the lock; a poisoned one is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks whether a verb is allowed on Secrets of a namespace (or of all). If the
/// SelfSubjectAccessReview fails, it counts as allowed: the request itself shows a 403.
pub(crate) async fn can_i(context: &Context, verb: &str, namespace: Option<&str>) -> bool {
    ask(context, ["", "v1", "secrets", verb], namespace).await
}

/// Asks whether SealedSecrets of a namespace (or of all) may be watched.
pub(crate) async fn may_watch_sealed_secrets(context: &Context, namespace: Option<&str>) -> bool {
    let (group, version) = (SealedSecret::group(&()), SealedSecret::version(&()));
    ask(context, [&group, &version, &SealedSecret::plural(&()), "watch"], namespace).await
}

/// Asks whether events may be written in a namespace.
pub(crate) async fn can_create_events(context: &Context, namespace: &str) -> bool {
    ask(context, ["", "v1", "events", "create"], Some(namespace)).await
}

async fn ask(context: &Context, [group, version, resource, verb]: [&str; 4], namespace: Option<&str>) -> bool {
    let wanted = ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        group: Some(group.to_owned()),
        version: Some(version.to_owned()),
        resource: Some(resource.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(wanted), ..Default::default() };
    let question = SelfSubjectAccessReview { spec, ..Default::default() };
    let questions = Collection::new(context.client.clone(), SelfSubjectAccessReview::url_path(&(), None));
    let answer = questions.create(&context.write(), &question).await;
    answer.ok().and_then(|text| serde_json::from_str::<Answer>(&text).ok()).is_none_or(|answer| answer.status.allowed)
}

#[derive(Deserialize)]
struct Answer {
    status: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    allowed: bool,
}

/// Whether a watch ended because the right to it is missing.
pub(crate) fn is_refused(error: &WatchError) -> bool {
    matches!(error, WatchError::Refused(kube::Error::Api(status)) if status.is_forbidden())
}
