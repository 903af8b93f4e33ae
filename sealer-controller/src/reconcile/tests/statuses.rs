//! Statuses, and events where none is written.

use super::*;

#[tokio::test]
async fn a_status_conflict_is_written_over_the_newer_object() {
    let mut newer = object(1, None);
    newer["metadata"]["resourceVersion"] = json!("9");
    let script = Script::new(vec![
        (Method::POST, SECRETS, 201, live("u1", "dg==", "5")),
        (Method::POST, EVENTS, 403, refusal(403, "Forbidden", "no events")),
        (Method::PUT, STATUS, 409, refusal(409, "Conflict", "changed")),
        (Method::GET, SEALED, 200, newer.clone()),
        (Method::PUT, STATUS, 200, newer),
    ]);
    script.process(&object(1, None)).await.unwrap();
    assert_eq!(script.body(4)["metadata"]["resourceVersion"], "9");
}

/// The requests of a look whose Secret is new, up to the write of the status.
fn up_to_status() -> Vec<Exchange> {
    let event = (Method::POST, EVENTS, 201, json!({ "metadata": {}, "involvedObject": {} }));
    vec![(Method::POST, SECRETS, 201, live("u1", "dg==", "5")), event]
}

#[tokio::test]
async fn a_status_of_an_object_that_is_gone_is_not_asked_for_again() {
    let mut exchanges = up_to_status();
    exchanges.push((Method::PUT, STATUS, 404, refusal(404, "NotFound", "not found")));
    Script::new(exchanges).process(&object(1, None)).await.unwrap();
}

#[tokio::test]
async fn a_status_that_is_refused_is_tried_again_later_and_not_at_once() {
    for (code, reason) in [(422, "Invalid"), (500, "InternalError"), (403, "Forbidden")] {
        let mut exchanges = up_to_status();
        exchanges.push((Method::PUT, STATUS, code, refusal(code, reason, "no")));
        let failure = Script::new(exchanges).process(&object(1, None)).await.unwrap_err();
        assert_eq!((failure.reason, failure.class), (Reason::Status, Class::Transient), "{code}");
    }
}

/// The status belongs to the spec that was looked at: not to a newer one, and not to another object of that name.
#[tokio::test]
async fn a_status_is_not_written_on_another_object_or_a_newer_spec() {
    for (uid, generation) in [("u2", 1), ("u1", 2)] {
        let mut other = object(generation, None);
        other["metadata"]["uid"] = json!(uid);
        other["metadata"]["resourceVersion"] = json!("9");
        let mut exchanges = up_to_status();
        exchanges.push((Method::PUT, STATUS, 409, refusal(409, "Conflict", "changed")));
        exchanges.push((Method::GET, SEALED, 200, other));
        Script::new(exchanges).process(&object(1, None)).await.unwrap();
    }
}

#[tokio::test]
async fn a_status_names_uid_and_version() {
    let mut exchanges = up_to_status();
    exchanges.push((Method::PUT, STATUS, 200, object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&object(1, None)).await.unwrap();
    let metadata = json!({ "name": "a", "namespace": "ns", "uid": "u1", "resourceVersion": "1" });
    assert_eq!(script.body(2)["metadata"], metadata);
}

#[tokio::test]
async fn writers_that_never_rest_are_waited_for() {
    let mut exchanges = vec![(Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists"))];
    for version in 0..8 {
        exchanges.push((Method::GET, SECRET, 200, live("u1", "b2xk", &version.to_string())));
        exchanges.push((Method::PUT, SECRET, 409, refusal(409, "Conflict", "changed")));
    }
    exchanges.pop();
    exchanges.extend(told(object(1, Some(1))));
    let failure = Script::new(exchanges).process(&object(1, None)).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Update, Class::Transient));
}

/// Without a status to write, an event tells of what is new, once, and of what was written.
#[tokio::test]
async fn without_a_status_events_tell_what_is_new() {
    let event = (Method::POST, EVENTS, 201, json!({ "metadata": {}, "involvedObject": {} }));
    let args = ["--update-status=false"];
    let script = Script::with_args(vec![(Method::GET, SECRET, 200, live("u1", "dg==", "5"))], &args);
    script.process(&object(2, Some(2))).await.unwrap();
    let refused = (Method::GET, SECRET, 500, refusal(500, "InternalError", "no"));
    let script =
        Script::with_args(vec![refused.clone(), event, (Method::GET, SEALED, 200, object(2, Some(1))), refused], &args);
    let key = Key::new("ns", "a");
    script.reconciler.cache.observe(Sighting::read(&object(2, Some(1)).to_string()).unwrap());
    look_once(&script.reconciler, &key).await.unwrap_err();
    script.reconciler.cache.observe(Sighting::read(&object(2, Some(1)).to_string()).unwrap());
    look_once(&script.reconciler, &key).await.unwrap_err();
    assert!(script.left.lock().unwrap().is_empty());
}
