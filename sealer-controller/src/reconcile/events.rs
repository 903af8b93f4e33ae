//! The event that tells what came of an object.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use kube::api::ObjectMeta;
use sealer_resource::SealedSecret;

use crate::context::Context;
use crate::error::Failure;
use crate::kube::events::{self, Message};
use crate::reconcile::apply::Applied;

/// Tells what came of an object. An event that cannot be written is no reason to fail.
pub(super) async fn emit(context: &Context, object: &ObjectMeta, outcome: &Result<Applied, Failure>) {
    let (type_, reason, text) = match outcome {
        Ok(_) => ("Normal", "Unsealed", "SealedSecret unsealed successfully"),
        Err(failure) => ("Warning", failure.reason.event(), failure.event.as_str()),
    };
    let subject = ObjectReference {
        api_version: Some(SealedSecret::api_version(&()).into_owned()),
        kind: Some(SealedSecret::kind(&()).into_owned()),
        name: object.name.clone(),
        namespace: object.namespace.clone(),
        uid: object.uid.clone(),
        resource_version: object.resource_version.clone(),
        field_path: None,
    };
    events::write(&context.client, context.now(), subject, Message { type_, reason, text }).await;
}
