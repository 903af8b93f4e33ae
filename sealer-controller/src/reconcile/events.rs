//! Events as existing dashboards read them: core/v1, written with `create` alone, one for each change of state.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, DynamicObject, ObjectMeta};
use kube::{Resource as _, ResourceExt as _};
use sealer_core::SealedSecret;

use crate::context::Context;
use crate::error::Failure;
use crate::reconcile::apply::Applied;

/// Tells what came of an object. An event that cannot be written is no reason to fail.
pub(crate) async fn emit(context: &Context, object: &DynamicObject, outcome: &Result<Applied, Failure>) {
    let (type_, reason, message) = match outcome {
        Ok(_) => ("Normal", "Unsealed", "SealedSecret unsealed successfully"),
        Err(failure) => ("Warning", failure.reason.event(), failure.event.as_str()),
    };
    let event = event(context, object, type_, reason, message);
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<Event> = Api::namespaced(context.client.clone(), &namespace);
    if let Err(error) = api.create(&context.write(), &event).await {
        tracing::debug!(error = crate::error::answer(&error), "cannot write an event");
    }
}

fn event(context: &Context, object: &DynamicObject, type_: &str, reason: &str, message: &str) -> Event {
    let now = context.now();
    let time = Some(Time(now));
    let name = object.name_any();
    // As other writers of events name them: the object, and the time in hexadecimal nanoseconds.
    let unique = format!("{}.{:x}", name.chars().take(LONGEST_NAME).collect::<String>(), now.as_nanosecond());
    Event {
        metadata: ObjectMeta { name: Some(unique), namespace: object.namespace(), ..ObjectMeta::default() },
        involved_object: ObjectReference {
            api_version: Some(SealedSecret::api_version(&()).into_owned()),
            kind: Some(SealedSecret::kind(&()).into_owned()),
            name: Some(name),
            namespace: object.namespace(),
            uid: object.uid(),
            resource_version: object.resource_version(),
            field_path: None,
        },
        type_: Some(type_.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.chars().take(LONGEST_MESSAGE).collect()),
        source: Some(EventSource { component: Some(COMPONENT.to_owned()), host: None }),
        reporting_component: Some(COMPONENT.to_owned()),
        first_timestamp: time.clone(),
        last_timestamp: time,
        count: Some(1),
        ..Event::default()
    }
}

const COMPONENT: &str = "sealed-secrets";
/// The API server's limit on an event's message.
const LONGEST_MESSAGE: usize = 1024;
/// Leaves room for the time behind the name.
const LONGEST_NAME: usize = 220;
