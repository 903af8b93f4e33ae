//! Asks what RBAC allows: older installations grant less than newer ones, and asking first makes no refused request.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Client, Resource as _};
use sealer_resource::SealedSecret;
use serde::Deserialize;

use crate::kube::client::write_params;
use crate::kube::collection::Collection;

/// Asks whether a verb is allowed on Secrets of a namespace (or of all). If the
/// SelfSubjectAccessReview fails, it counts as allowed: the request itself shows a 403.
pub(crate) async fn can_i(client: &Client, verb: &str, namespace: Option<&str>) -> bool {
    ask(client, ["", "v1", "secrets", verb], namespace).await
}

/// Asks whether SealedSecrets of a namespace (or of all) may be watched.
pub(crate) async fn may_watch_sealed_secrets(client: &Client, namespace: Option<&str>) -> bool {
    let (group, version) = (SealedSecret::group(&()), SealedSecret::version(&()));
    ask(client, [&group, &version, &SealedSecret::plural(&()), "watch"], namespace).await
}

/// Asks whether events may be written in a namespace.
pub(crate) async fn can_create_events(client: &Client, namespace: &str) -> bool {
    ask(client, ["", "v1", "events", "create"], Some(namespace)).await
}

async fn ask(client: &Client, [group, version, resource, verb]: [&str; 4], namespace: Option<&str>) -> bool {
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
    let questions = Collection::new(client.clone(), SelfSubjectAccessReview::url_path(&(), None));
    let answer = questions.create(&write_params(), &question).await;
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
