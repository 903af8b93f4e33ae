//! What a look does when a write does not go through, and whom it writes for.

use super::*;

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

#[tokio::test]
async fn an_orphan_that_somebody_else_deleted_is_done_and_a_changed_one_is_looked_at_again() {
    for (code, reason, passes) in [(404, "NotFound", true), (409, "Conflict", false), (500, "InternalError", false)] {
        let script = Script::with_args(
            vec![
                (Method::GET, SEALED, 404, refusal(404, "NotFound", "not found")),
                (Method::GET, SECRET, 200, live("u1", "dg==", "5")),
                (Method::DELETE, SECRET, code, refusal(code, reason, "no")),
            ],
            &["--old-gc-behavior"],
        );
        let key = Key::new("ns", "a");
        script.reconciler.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
        script.reconciler.cache.mark_gone(&key);
        let outcome = reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await;
        assert_eq!(outcome.is_ok(), passes, "{code}");
        assert_eq!(
            script.reconciler.cache.uid_of_gone(&key).is_none(),
            passes,
            "{code}: the uid is kept for the next try"
        );
    }
}

/// A Secret built from a template with these owners, which asks for no owner of the controller's.
fn with_template_owners(owners: Option<Value>) -> Result<k8s_openapi::api::core::v1::Secret, Failure> {
    let mut object = object(1, None);
    object["spec"]["template"] =
        json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/skip-set-owner-references": "true" } } });
    if let Some(owners) = owners {
        object["spec"]["template"]["metadata"]["ownerReferences"] = owners;
    }
    let Object { state, spec } = Object::read(&object.to_string()).unwrap();
    let sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    let metadata = sealed.spec.template.metadata.clone().unwrap();
    desired::secret(&sealed, UnsealedSecret { metadata, ..UnsealedSecret::default() })
}

#[test]
fn what_is_empty_is_not_sent() {
    let Object { state, spec } = Object::read(&object(1, None).to_string()).unwrap();
    let sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    for (type_, expected) in [(None, None), (Some(""), None), (Some("Opaque"), Some("Opaque"))] {
        let unsealed = UnsealedSecret { type_: type_.map(str::to_owned), ..UnsealedSecret::default() };
        let made = desired::secret(&sealed, unsealed).unwrap();
        assert_eq!((made.type_.as_deref(), made.data), (expected, None));
    }
}

#[test]
fn owners_of_a_template_are_set_without_power_over_the_secret() {
    let owner = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "x", "controller": true,
        "blockOwnerDeletion": true });
    let made = with_template_owners(Some(json!([owner]))).unwrap();
    let expected = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "x" }]);
    assert_eq!(serde_json::to_value(made.metadata.owner_references).unwrap(), expected);
    for none in [None, Some(Value::Null)] {
        assert_eq!(with_template_owners(none).unwrap().metadata.owner_references, None);
    }
}

#[test]
fn a_template_names_no_sealed_secret_as_owner_and_nothing_that_is_no_owner() {
    let sealed = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "b", "uid": "x" });
    let other = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "y" });
    for owners in [json!([sealed.clone()]), json!([other, sealed]), json!("x"), json!([{ "name": 5 }])] {
        let failure = with_template_owners(Some(owners.clone())).unwrap_err();
        assert_eq!((failure.reason, failure.class), (Reason::Unseal, Class::Permanent), "{owners}");
        assert!(failure.message.starts_with("spec.template.metadata.ownerReferences"), "{}", failure.message);
    }
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
    reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap_err();
    script.reconciler.cache.observe(Sighting::read(&object(2, Some(1)).to_string()).unwrap());
    reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap_err();
    assert!(script.left.lock().unwrap().is_empty());
}

/// A Secret in the way comes back to be looked at where nobody sees what happens to Secrets.
#[tokio::test]
async fn what_is_in_the_way_is_looked_at_again_where_nobody_sees_it_go() {
    for (reason, comes_back) in [(Reason::Unmanaged, true), (Reason::Unseal, false)] {
        let script = Script::new(Vec::new());
        let key = Key::new("ns", "a");
        script.reconciler.queue.add(key.clone(), Priority::High);
        assert_eq!(script.reconciler.queue.next().await, key);
        settle_failure(&script.reconciler, &key, &Failure { reason, ..Failure::unmanaged("a") });
        assert_eq!(script.reconciler.queue.len(), usize::from(comes_back), "{reason:?}");
    }
}

/// A key that comes while an object is being looked at brings it back: nobody else would.
#[tokio::test]
async fn a_key_that_comes_during_a_look_that_fails_brings_the_object_back() {
    for comes in [true, false] {
        let model = Script::new(Vec::new()).reconciler;
        let ring = model.ring.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let is_secret = request.uri().path().ends_with("/secrets");
            if comes && is_secret {
                ring.replace(Keyring::new(Vec::new()));
            }
            let code = if is_secret { 500 } else { 201 };
            let answer = refusal(code, "InternalError", "no").to_string();
            async move {
                let answer = Response::builder().status(code).body(Body::from(answer.into_bytes()));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        let context = Context::new(Client::new(service, "default"), model.context.config.clone());
        let built = reconciler(context, model.ring.clone());
        built.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
        reconcile(&built, &Key::new("ns", "a"), &mut Slots::default().extra()).await.unwrap_err();
        assert_eq!(built.queue.len(), usize::from(comes), "{comes}");
    }
}

/// Errors of a namespace are counted for as long as it has a SealedSecret.
#[tokio::test]
async fn errors_of_a_namespace_are_counted_while_another_object_is_there() {
    let script = Script::new(Vec::new());
    let key = Key::new("ns", "a");
    let mut other = object(1, None);
    other["metadata"]["name"] = json!("b");
    for object in [object(1, None), other] {
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
    }
    script.reconciler.context.metrics.count_error(Reason::Unseal, "ns");
    for (gone, is_counted) in [(key, true), (Key::new("ns", "b"), false)] {
        script.reconciler.cache.mark_gone(&gone);
        drop_series(&script.reconciler, &gone);
        assert_eq!(script.reconciler.context.metrics.counts_errors_of("ns"), is_counted);
    }
}

#[tokio::test]
async fn the_work_goes_on_until_it_is_told_to_stop_and_ends_what_is_under_way() {
    let mut exchanges = vec![(Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.reconciler.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
    let stop = CancellationToken::new();
    let working = tokio::spawn(work(script.reconciler.clone(), stop.clone()));
    script.reconciler.queue.add(Key::new("ns", "a"), Priority::High);
    let done = async {
        while !script.left.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), done).await.unwrap();
    assert!(!working.is_finished());
    stop.cancel();
    assert!(working.await.unwrap().is_ok());
}

#[test]
fn quick_retries_double_and_slow_ones_begin_at_a_second() {
    let within = |failures, least: u64| {
        let wait = backoff(failures, 5);
        let least = Duration::from_millis(least);
        assert!(wait >= least && wait <= least.mul_f64(1.25), "{failures}: {wait:?}");
    };
    for (failures, least) in [(0, 50), (1, 100), (4, 800), (5, 1000), (6, 2000), (8, 8000), (13, 256_000)] {
        within(failures, least);
    }
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
async fn a_secret_that_was_in_sync_once_is_not_made_again_for_the_same_object() {
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
    script.reconciler.cache.take(&key);
    script.reconciler.cache.settled(&key, Ok(SyncedSecret::new(&ObjectMeta::default(), [].into())));
    let outcome = reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await;
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
async fn with_leave_it_stays_where_the_cluster_would_not_take_the_new_one() {
    for (code, reason) in [(422, "Invalid"), (403, "Forbidden"), (500, "InternalError")] {
        let (sealed, secret) = frozen(true);
        let mut exchanges =
            vec![(Method::GET, SECRET, 200, secret), (Method::POST, SECRETS, code, refusal(code, reason, "no"))];
        exchanges.extend(told(object(2, Some(2))));
        Script::new(exchanges).process(&sealed).await.unwrap_err();
    }
}
