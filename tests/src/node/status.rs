//! What the node tells the cluster about a Pod.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

/// Where a Pod stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Something is missing.
    Waiting(String),
    /// Running, not ready; started again that often.
    Starting(i32),
    /// Running and ready.
    Ready(i32),
    /// Ended; about to be started again.
    Stopped(i32),
}

/// The Pod's status.
pub(crate) fn status(pod: &Pod, address: &str, state: &State) -> Value {
    #[expect(clippy::disallowed_methods, reason = "a node tells the time")]
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = matches!(state, State::Ready(_));
    let condition = |type_: &str, holds: bool| {
        let word = if holds { "True" } else { "False" };
        json!({ "type": type_, "status": word, "lastTransitionTime": now })
    };
    let (phase, container, restarts) = match state {
        State::Waiting(why) => ("Pending", json!({ "waiting": { "reason": "ContainerCreating", "message": why } }), 0),
        State::Starting(restarts) | State::Ready(restarts) => {
            ("Running", json!({ "running": { "startedAt": now } }), *restarts)
        }
        State::Stopped(restarts) => (
            "Running",
            json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "the process ended" } }),
            *restarts,
        ),
    };
    let first = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    let (name, image) = first.map(|first| (first.name.clone(), first.image.clone())).unwrap_or_default();
    json!({
        "phase": phase,
        "podIP": address,
        "podIPs": [{ "ip": address }],
        "hostIP": "10.98.0.1",
        "startTime": now,
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
        "containerStatuses": [{
            "name": name, "image": image, "imageID": image, "ready": ready, "started": ready,
            "restartCount": restarts, "state": container,
        }],
    })
}
