//! Secrets that Kubernetes does not let anybody change.

use super::*;

#[tokio::test]
async fn an_immutable_secret_is_explained() {
    let text = "Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    let mut exchanges = vec![
        (Method::GET, SECRET, 200, live("u1", "b2xk", "5")),
        (Method::PUT, SECRET, 422, refusal(422, "Invalid", text)),
    ];
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    assert_eq!(script.process(&object(2, Some(1))).await.unwrap_err().class, Class::Permanent);
    assert!(
        script.body(2)["message"].as_str().unwrap().starts_with("Error updating ns/a: the target Secret is immutable.")
    );
    assert_eq!(script.body(3)["status"]["conditions"][0]["message"], text);
}

/// A SealedSecret whose Secret cannot be changed, and the Secret.
fn frozen(leave: bool) -> (Value, Value) {
    let (mut sealed, mut secret) = (object(2, Some(1)), live("u1", "b2xk", "5"));
    secret["immutable"] = json!(true);
    if leave {
        sealed["metadata"]["annotations"] = json!({ "sealedsecrets.bitnami.com/replace-immutable": "true" });
    }
    (sealed, secret)
}

#[tokio::test]
async fn a_secret_that_cannot_be_changed_is_told_with_the_way_out() {
    let (sealed, secret) = frozen(false);
    let message = "Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    let mut exchanges =
        vec![(Method::GET, SECRET, 200, secret), (Method::PUT, SECRET, 422, refusal(422, "Invalid", message))];
    exchanges.extend(told(object(2, Some(2))));
    let failure = Script::new(exchanges).process(&sealed).await.unwrap_err();
    assert!(failure.message.starts_with(message) && failure.message.ends_with("on the SealedSecret"), "{failure:?}");
}

#[tokio::test]
async fn with_leave_it_is_deleted_as_it_was_seen_and_made_again() {
    let (sealed, secret) = frozen(true);
    let exists = refusal(409, "AlreadyExists", "exists");
    let mut exchanges = vec![
        (Method::GET, SECRET, 200, secret.clone()),
        (Method::POST, SECRETS, 409, exists.clone()),
        // Somebody changed it meanwhile.
        (Method::DELETE, SECRET, 409, refusal(409, "Conflict", "changed")),
        (Method::GET, SECRET, 200, secret),
        (Method::POST, SECRETS, 409, exists),
        (Method::DELETE, SECRET, 200, json!({ "kind": "Status", "status": "Success" })),
        (Method::POST, SECRETS, 201, live("u1", "dg==", "6")),
    ];
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    script.process(&sealed).await.unwrap();
    assert_eq!(script.body(5)["preconditions"], json!({ "uid": "s", "resourceVersion": "5" }));
    assert_eq!(script.body(6)["data"], json!({ "k": "dg==" }));
}

/// A template that gives something else each time would have it made again for ever.
#[tokio::test]
async fn synced_secret_is_not_made_again_for_the_same_object() {
    let (sealed, secret) = frozen(true);
    let message = "Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    let mut exchanges = vec![
        (Method::GET, SEALED, 200, sealed.clone()),
        (Method::GET, SECRET, 200, secret),
        (Method::PUT, SECRET, 422, refusal(422, "Invalid", message)),
    ];
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    let key = Key::new("ns", "a");
    script.reconciler.cache.observe(Sighting::read(&sealed.to_string()).unwrap());
    script.reconciler.cache.look(&key);
    script.reconciler.cache.settle(&key, Ok(SyncedSecret::new(&ObjectMeta::default(), [].into())));
    let outcome = look_once(&script.reconciler, &key).await;
    let told = outcome.unwrap_err().message;
    assert!(told.ends_with("delete the Secret, and it is made again"), "{told}");
}

/// A dry run says nothing of storage.
#[tokio::test]
async fn the_old_one_is_put_back_where_the_new_one_cannot_be_stored() {
    let (sealed, mut secret) = frozen(true);
    secret["metadata"]["labels"] = json!({ "of": "others" });
    let mut exchanges = vec![
        (Method::GET, SECRET, 200, secret.clone()),
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::DELETE, SECRET, 200, json!({ "kind": "Status", "status": "Success" })),
        (Method::POST, SECRETS, 500, refusal(500, "", "etcdserver: request is too large")),
        (Method::POST, SECRETS, 201, secret.clone()),
    ];
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    let failure = script.process(&sealed).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    let back = script.body(4);
    assert_eq!((&back["data"], &back["immutable"]), (&secret["data"], &json!(true)));
    assert_eq!(back["metadata"]["labels"], secret["metadata"]["labels"]);
    assert_eq!(back["metadata"]["ownerReferences"], secret["metadata"]["ownerReferences"]);
}

#[tokio::test]
async fn one_that_is_being_deleted_is_waited_for() {
    let (sealed, mut secret) = frozen(true);
    secret["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    secret["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let mut exchanges = vec![(Method::GET, SECRET, 200, secret)];
    exchanges.extend(told(object(2, Some(2))));
    let failure = Script::new(exchanges).process(&sealed).await.unwrap_err();
    assert_eq!((failure.class, failure.message.contains("finalizers")), (Class::Transient, true));
}

/// What the cluster would not take costs nobody the Secret that is there.
#[tokio::test]
async fn leave_keeps_the_secret_where_the_new_one_is_refused() {
    for (code, reason) in [(422, "Invalid"), (403, "Forbidden"), (500, "InternalError")] {
        let (sealed, secret) = frozen(true);
        let mut exchanges =
            vec![(Method::GET, SECRET, 200, secret), (Method::POST, SECRETS, code, refusal(code, reason, "no"))];
        exchanges.extend(told(object(2, Some(2))));
        Script::new(exchanges).process(&sealed).await.unwrap_err();
    }
}
