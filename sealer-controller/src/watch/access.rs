//! What may be done with Secrets? Older installations grant less than newer ones; asking first makes no refused request.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::runtime::watcher;

use crate::context::Context;

/// Asks whether a verb is allowed on Secrets of a namespace (or of all). Where nobody answers, the request itself will
/// tell.
pub(crate) async fn may(context: &Context, verb: &str, namespace: Option<&str>) -> bool {
    let wanted = ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        resource: Some("secrets".to_owned()),
        verb: Some(verb.to_owned()),
        version: Some("v1".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(wanted), ..Default::default() };
    let question = SelfSubjectAccessReview { spec, ..Default::default() };
    let questions: Api<SelfSubjectAccessReview> = Api::all(context.client.clone());
    let answer = questions.create(&context.write(), &question).await;
    answer.ok().and_then(|answer| answer.status).is_none_or(|status| status.allowed)
}

/// Whether a watch ended because the right to it is missing.
pub(crate) fn is_refused(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.is_forbidden(),
        _ => false,
    }
}
