//! What an outcome costs, and how it is told.

use super::*;

#[tokio::test]
async fn a_new_object_costs_three_requests() {
    let mut exchanges = vec![(Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&object(1, None)).await.unwrap();
    assert_eq!(script.body(0)["data"], json!({ "k": "dg==" }));
    assert_eq!(script.body(2)["status"]["conditions"][0]["status"], "True");
}

#[tokio::test]
async fn an_object_that_is_in_sync_costs_one_look_and_no_write() {
    let mut synced = object(2, Some(2));
    synced["status"]["conditions"] = json!([{ "type": "Synced", "status": "True" }]);
    let script = Script::new(vec![(Method::GET, SECRET, 200, live("u1", "dg==", "5"))]);
    script.process(&synced).await.unwrap();
}

#[tokio::test]
async fn trouble_of_the_api_server_is_told_and_tried_again() {
    for (code, reason, class, message) in [
        (500, "InternalError", Class::Transient, "the API server answers InternalError (500)"),
        (403, "Forbidden", Class::Transient, "the API server answers Forbidden (403)"),
        (422, "Invalid", Class::Permanent, "the API server answers Invalid (422)"),
    ] {
        let mut exchanges = vec![(Method::POST, SECRETS, code, refusal(code, reason, "no"))];
        exchanges.extend(told(object(1, Some(1))));
        let failure = Script::new(exchanges).process(&object(1, None)).await.unwrap_err();
        assert_eq!((failure.reason, failure.class, failure.message.as_str()), (Reason::Update, class, message));
    }
}

#[test]
fn what_the_api_server_says_of_when_to_come_back_is_kept_to() {
    let mut answer = refusal(429, "TooManyRequests", "busy");
    answer["details"] = json!({ "retryAfterSeconds": 7 });
    let error = kube::Error::Api(Box::new(serde_json::from_value(answer).unwrap()));
    let failure = Failure::api(Reason::Update, "ns", "a", &error);
    assert_eq!((failure.class, failure.wait), (Class::Transient, Duration::from_secs(7)));
}

#[test]
fn a_policy_may_change_and_a_rule_of_the_api_server_does_not() {
    for (message, class) in [
        (
            "secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            Class::Transient,
        ),
        ("admission webhook \"w\" denied the request: no", Class::Transient),
        ("Secret \"a\" is invalid: data: Required value", Class::Permanent),
    ] {
        let error = kube::Error::Api(Box::new(serde_json::from_value(refusal(422, "Invalid", message)).unwrap()));
        assert_eq!(Failure::api(Reason::Update, "ns", "a", &error).class, class, "{message}");
    }
}

#[tokio::test]
async fn what_the_api_server_says_of_a_docker_config_goes_nowhere() {
    let text = "Secret \"a\" is invalid: data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid \
                character 'T' looking for beginning of value";
    let mut refused = refusal(422, "Invalid", text);
    refused["details"] = json!({ "name": "a", "kind": "Secret", "causes": [{ "reason": "FieldValueInvalid",
        "message": "invalid character 'T'", "field": "data[.dockerconfigjson]" }] });
    let mut exchanges = vec![(Method::POST, SECRETS, 422, refused)];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    let failure = script.process(&object(1, None)).await.unwrap_err();
    let expected = "the API server answers Invalid (422): data[.dockerconfigjson]: invalid value";
    assert_eq!(
        (failure.message.as_str(), failure.event.as_str(), failure.class),
        (expected, expected, Class::Permanent)
    );
    assert_eq!(script.body(1)["message"], expected);
    assert_eq!(script.body(2)["status"]["conditions"][0]["message"], expected);
}

#[tokio::test]
async fn too_deep_object_is_told_in_its_status_without_its_body() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let mut object = object(1, None);
    object["spec"]["template"] = json!({ "metadata": { "a": deep } });
    let mut exchanges = vec![(Method::GET, SEALED, 200, object.clone())];
    exchanges.extend(told(object.clone()));
    let script = Script::new(exchanges);
    let failure = script.process(&object).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Unseal, Class::Permanent));
    let written = script.body(2);
    assert!(written.get("spec").is_none());
    assert_eq!(written["metadata"], json!({ "name": "a", "namespace": "ns", "uid": "u1", "resourceVersion": "1" }));
    let message = written["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("the spec is nested 103 levels deep; at most 64 are read"), "{message}");
}

#[tokio::test]
async fn an_oversized_object_costs_the_api_server_an_event_alone() {
    let mut exchanges = Vec::from(told(object(1, None)));
    exchanges.truncate(1);
    let script = Script::new(exchanges);
    let mut object = object(1, None);
    object["spec"]["template"] = json!({ "data": vec![1; 50_001] });
    let failure = script.process(&object).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Unseal, Class::Oversized));
    let message = script.body(0)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Failed to unseal: the spec holds 50") && message.contains("at most 10000 are read"));
}

#[tokio::test]
async fn a_spec_that_one_answer_alone_has_malformed_counts_as_sound() {
    for spec in [json!(5), json!({ "template": 5 }), json!({ "data": [1, 2] })] {
        let mut spoilt = object(1, None);
        spoilt["spec"] = spec;
        let mut exchanges =
            vec![(Method::GET, SEALED, 200, object(1, None)), (Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
        exchanges.extend(told(object(1, Some(1))));
        Script::new(exchanges).process(&spoilt).await.unwrap();
    }
}

#[tokio::test]
async fn an_object_that_was_spoilt_on_the_way_is_asked_for_by_its_name() {
    let mut spoilt = object(1, None);
    spoilt["metadata"]["uid"] = json!(5);
    let mut exchanges =
        vec![(Method::GET, SEALED, 200, object(1, None)), (Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
    exchanges.extend(told(object(1, Some(1))));
    Script::new(exchanges).process(&spoilt).await.unwrap();
    let failure = Script::new(vec![(Method::GET, SEALED, 200, spoilt.clone())]).process(&spoilt).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Fetch, Class::Transient));
    assert_eq!(failure.message, "the API server's answer cannot be read");
}

#[tokio::test]
async fn unreadable_answer_is_logged_at_no_level() {
    const CANARY: &str = "Y2FuYXJ5LTdkMWY";
    let log = Captured::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut odd = live("u1", CANARY, "5");
    odd["metadata"]["labels"] = json!({ "l": 5 });
    let mut refused = refusal(422, "Invalid", CANARY);
    refused["details"] = json!({ "causes": [{ "field": CANARY, "message": CANARY, "reason": CANARY }] });
    for (code, answer) in
        [(200, odd), (200, json!([CANARY])), (200, json!(CANARY)), (422, refused), (500, json!([CANARY]))]
    {
        let script = Script::new([vec![(Method::GET, SECRET, code, answer)], told(object(2, Some(2))).into()].concat());
        let failure = script.process(&object(2, Some(1))).await.unwrap_err();
        for text in [&failure.message, &failure.event, &script.body(1).to_string(), &script.body(2).to_string()] {
            assert!(!text.contains(CANARY), "{text}");
        }
    }
    let logged = log.text();
    assert!(logged.contains("Updating"), "the log is heard: {logged}");
    assert!(!logged.contains(CANARY), "{logged}");
}
