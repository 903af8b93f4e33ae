//! Events as existing dashboards read them: core/v1, written with `create` alone, one for each change of state.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource as _;
use kube::api::ObjectMeta;
use sealer_core::{Fingerprint, SealedSecret};

use crate::cluster::Collection;
use crate::context::Context;
use crate::error::Failure;
use crate::reconcile::apply::Applied;
use crate::watch::rbac;

/// Tells what came of an object. An event that cannot be written is no reason to fail.
pub(crate) async fn emit(context: &Context, object: &ObjectMeta, outcome: &Result<Applied, Failure>) {
    let (type_, reason, message) = match outcome {
        Ok(_) => ("Normal", "Unsealed", "SealedSecret unsealed successfully"),
        Err(failure) => ("Warning", failure.reason.event(), failure.event.as_str()),
    };
    let event = event(context, object, type_, reason, message);
    let api = Collection::new(context.client.clone(), Event::url_path(&(), object.namespace.as_deref()));
    if let Err(error) = api.create(&context.write(), &event).await {
        tracing::debug!(error = crate::error::answer(&error), "cannot write an event");
    }
}

/// Tells of a sealing key that appeared and that no controller of this program made.
pub(crate) async fn unknown_key(context: &Context, secret: &str, key: &Fingerprint) {
    let message = format!("sealing key {key} appeared, which this controller did not make");
    about_key(context, secret, "UnknownSealingKey", &message).await;
}

/// Tells of a sealing key whose Secret was deleted or lost its label.
pub(crate) async fn key_gone(context: &Context, secret: &str, key: &Fingerprint) {
    let message = format!(
        "sealing key {key} is gone from the cluster and is not sealed with any longer; restore its Secret to have what was \
         sealed with it opened"
    );
    about_key(context, secret, "SealingKeyGone", &message).await;
}

/// Charts that give roles in other namespaces alone do not allow it.
async fn about_key(context: &Context, secret: &str, reason: &str, message: &str) {
    let namespace = &context.config.namespace;
    if !rbac::can_create_events(context, namespace).await {
        return;
    }
    let subject = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        name: Some(secret.to_owned()),
        namespace: Some(namespace.clone()),
        ..ObjectReference::default()
    };
    let event = about(context, subject, "Warning", reason, message);
    let api = Collection::new(context.client.clone(), Event::url_path(&(), Some(namespace)));
    if let Err(error) = api.create(&context.write(), &event).await {
        tracing::debug!(error = crate::error::answer(&error), "cannot write an event");
    }
}

fn event(context: &Context, object: &ObjectMeta, type_: &str, reason: &str, message: &str) -> Event {
    let subject = ObjectReference {
        api_version: Some(SealedSecret::api_version(&()).into_owned()),
        kind: Some(SealedSecret::kind(&()).into_owned()),
        name: object.name.clone(),
        namespace: object.namespace.clone(),
        uid: object.uid.clone(),
        resource_version: object.resource_version.clone(),
        field_path: None,
    };
    about(context, subject, type_, reason, message)
}

fn about(context: &Context, subject: ObjectReference, type_: &str, reason: &str, message: &str) -> Event {
    let now = context.now();
    let time = Some(Time(now));
    let name = subject.name.as_deref().unwrap_or_default();
    // As other writers of events name them: the object, and the time in hexadecimal nanoseconds.
    let unique = format!("{}.{:x}", name.chars().take(LONGEST_NAME).collect::<String>(), now.as_nanosecond());
    Event {
        metadata: ObjectMeta { name: Some(unique), namespace: subject.namespace.clone(), ..ObjectMeta::default() },
        involved_object: subject,
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
