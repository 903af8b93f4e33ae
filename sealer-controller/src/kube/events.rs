//! Events as existing dashboards read them: core/v1, written with `create` alone, one for each change of state.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ObjectMeta;
use kube::{Client, Resource as _};

use crate::kube::client::write_params;
use crate::kube::collection::Collection;
use crate::kube::refusal;

/// What an event says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// `Normal` or `Warning`.
    pub(crate) type_: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) text: &'a str,
}

/// Writes an event about an object. One that cannot be written is no reason to fail.
pub(crate) async fn write(client: &Client, now: Timestamp, subject: ObjectReference, message: Message<'_>) {
    let events = Collection::new(client.clone(), Event::url_path(&(), subject.namespace.as_deref()));
    if let Err(error) = events.create(&write_params(), &event(now, subject, message)).await {
        tracing::debug!(error = refusal::answer(&error), "cannot write an event");
    }
}

fn event(now: Timestamp, subject: ObjectReference, message: Message<'_>) -> Event {
    let time = Some(Time(now));
    let name = subject.name.as_deref().unwrap_or_default();
    // As other writers of events name them: the object, and the time in hexadecimal nanoseconds.
    let unique = format!("{}.{:x}", name.chars().take(LONGEST_NAME).collect::<String>(), now.as_nanosecond());
    Event {
        metadata: ObjectMeta { name: Some(unique), namespace: subject.namespace.clone(), ..ObjectMeta::default() },
        involved_object: subject,
        type_: Some(message.type_.to_owned()),
        reason: Some(message.reason.to_owned()),
        message: Some(message.text.chars().take(LONGEST_MESSAGE).collect()),
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
