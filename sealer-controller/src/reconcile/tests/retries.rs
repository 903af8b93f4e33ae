//! When an object comes back.

use super::*;

#[tokio::test(start_paused = true)]
async fn slow_attempts_are_errors_only_when_they_fail_otherwise() {
    let refused = |code, message| {
        let status =
            json!({"kind": "Status", "status": "Failure", "code": code, "reason": "InternalError", "message": message});
        (Method::GET, "/secrets/a", code, status)
    };
    let key = Key::new("ns", "a");
    let mut object = object(2, Some(2));
    object["status"]["conditions"] = json!([{ "type": "Synced", "status": "False",
                 "message": "the API server answers InternalError (500)", "lastUpdateTime": "2026-01-01T00:00:00Z",
                 "lastTransitionTime": "2026-01-01T00:00:00Z" }]);
    let gets = |count: usize| {
        let look = [(Method::GET, "/sealedsecrets/a", 200, object.clone()), refused(500, "no")];
        std::iter::repeat_n(look, count).flatten().collect::<Vec<_>>()
    };
    let script = Script::new(gets(9));
    let counted = || {
        let text = script.reconciler.context.metrics.text();
        let line = text.lines().find(|line| line.contains("unseal_errors_total{") && line.contains("update"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_default()
    };
    script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
    script.reconciler.cache.look(&key);
    script.reconciler.queue.add(key.clone(), Priority::High);
    for _ in 0..9 {
        let next = script.reconciler.queue.next().await;
        process(script.reconciler.clone(), next, Slots::default().extra()).await;
    }
    assert_eq!(counted(), 6, "the first attempt and its quick retries");
}

/// A template can name an owner that does not exist: Kubernetes deletes such a Secret as soon as it is there.
#[tokio::test(start_paused = true)]
async fn a_secret_that_is_deleted_each_time_is_made_ever_more_slowly() {
    let mut object = object(2, Some(2));
    object["status"]["conditions"] = json!([{ "type": "Synced", "status": "True" }]);
    let remade = [
        (Method::GET, SEALED, 200, object.clone()),
        (Method::GET, SECRET, 404, refusal(404, "NotFound", "no")),
        (Method::POST, SECRETS, 201, live("u1", "dg==", "5")),
        (Method::POST, EVENTS, 201, json!({ "metadata": {}, "involvedObject": {} })),
    ];
    let script = Script::new(std::iter::repeat_n(remade, 10).flatten().collect());
    let key = Key::new("ns", "a");
    script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
    script.reconciler.cache.look(&key);
    let begin = Instant::now();
    while !script.left.lock().unwrap().is_empty() {
        // It was deleted: somebody says so at once, and is told to wait.
        let waits = is_paused(&script.reconciler, &key);
        script.reconciler.queue.add(key.clone(), Priority::High);
        for _ in 0..=usize::from(waits) {
            let next = script.reconciler.queue.next().await;
            process(script.reconciler.clone(), next, Slots::default().extra()).await;
        }
    }
    assert!(begin.elapsed() >= Duration::from_secs(1 + 2 + 4 + 8), "{:?}", begin.elapsed());
    // What its owner writes is not kept waiting.
    let mut edited = object.clone();
    edited["metadata"]["generation"] = json!(3);
    script.reconciler.cache.observe(Sighting::read(&edited.to_string()).unwrap());
    assert!(!is_paused(&script.reconciler, &key));
}

/// A Secret in the way comes back to be looked at where nobody sees what happens to Secrets.
#[tokio::test]
async fn what_is_in_the_way_is_looked_at_again_where_nobody_sees_it_go() {
    for (reason, comes_back) in [(Reason::Unmanaged, true), (Reason::Unseal, false)] {
        let script = Script::new(Vec::new());
        let key = Key::new("ns", "a");
        script.reconciler.queue.add(key.clone(), Priority::High);
        assert_eq!(script.reconciler.queue.next().await, key);
        retry::settle_failure(&script.reconciler, &key, &Failure { reason, ..Failure::unmanaged("a") });
        assert_eq!(script.reconciler.queue.len(), usize::from(comes_back), "{reason:?}");
    }
}

/// A key that comes while an object is being looked at brings it back: nobody else would.
#[tokio::test]
async fn key_that_comes_during_a_failing_look_brings_the_object_back() {
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
        look_once(&built, &Key::new("ns", "a")).await.unwrap_err();
        assert_eq!(built.queue.len(), usize::from(comes), "{comes}");
    }
}

#[tokio::test]
async fn workers_stop_when_told_and_end_what_is_under_way() {
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
