#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use kube::Client;
use sealer_core::Scope;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::http::tests::{context_with, router, sealed_object};
use crate::telemetry::captured::Captured;

/// An API server that knows one token and one right, and counts questions.
fn api_server(asked: Arc<AtomicUsize>, status: StatusCode) -> Client {
    let answer = move |request: http::Request<kube::client::Body>| {
        let asked = asked.clone();
        async move {
            asked.fetch_add(1, Ordering::Relaxed);
            if status != StatusCode::OK {
                let failure = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "CANARY", "code": status.as_u16()});
                return Ok::<_, std::io::Error>((status, failure.to_string()).into_response());
            }
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut question: Value = serde_json::from_slice(&body).unwrap();
            question["status"] = if path.ends_with("tokenreviews") {
                match question["spec"]["token"].as_str() {
                    Some("good") => {
                        json!({"authenticated": true, "user": {"username": "u", "uid": "1", "groups": ["g"], "extra": {"e": ["x"]}}})
                    }
                    _ => json!({"authenticated": false}),
                }
            } else {
                let attributes = &question["spec"]["resourceAttributes"];
                let right = ["verb", "group", "version", "resource", "namespace"]
                    .map(|field| attributes[field].as_str().unwrap_or(""));
                let who = &question["spec"];
                let is_known = who["user"] == "u"
                    && who["uid"] == "1"
                    && who["groups"] == json!(["g"])
                    && who["extra"] == json!({"e": ["x"]});
                json!({"allowed": is_known && right == ["update", "bitnami.com", "v1alpha1", "sealedsecrets", "ns"]})
            };
            Ok((StatusCode::CREATED, question.to_string()).into_response())
        }
    };
    Client::new(tower::service_fn(answer), "default")
}

const ARGS: &[&str] =
    &["--verify-api=authorized", "--rotate-api=authorized", "--rate-limit=1000", "--rate-limit-burst=1000"];

async fn ask(app: &axum::Router, path: &str, authorization: &str, object: &Value) -> (u16, String) {
    let mut request = http::Request::post(path);
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    let request = request.body(axum::body::Body::from(object.to_string())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn authorized_endpoints_answer_those_who_may_update_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let app = router(context_with(api_server(asked.clone(), StatusCode::OK), ARGS));
    let own = sealed_object(Scope::Strict, &json!({}));
    let mut foreign = own.clone();
    foreign["metadata"]["namespace"] = json!("other");
    for path in ["/v1/verify", "/v1/rotate"] {
        for (authorization, object, expected) in [
            ("", &own, 401),
            ("Basic good", &own, 401),
            ("Bearer ", &own, 401),
            ("Bearer bad", &own, 401),
            ("Bearer good", &own, 200),
            ("bearer good", &own, 200),
            ("Bearer good", &foreign, 403),
        ] {
            let (status, text) = ask(&app, path, authorization, object).await;
            assert_eq!(status, expected, "{path} {authorization} {text}");
            assert!(!text.contains("Bearer bad") && !text.contains(" bad"), "{text}");
            assert!(status == 200 || text.ends_with('\n') && text.len() > 60, "{text}");
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 4, "two tokens and two rights, each asked about once");
}

#[tokio::test]
async fn unchecked_caller_is_refused_without_repeating_anything() {
    for status in [StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR] {
        let app = router(context_with(api_server(Arc::default(), status), ARGS));
        let (code, text) = ask(&app, "/v1/verify", "Bearer good", &sealed_object(Scope::Strict, &json!({}))).await;
        assert_eq!(code, 503);
        assert!(!text.contains("CANARY") && !text.contains("good"), "{text}");
    }
}

#[tokio::test]
async fn endpoint_that_is_off_is_not_there() {
    let app =
        router(context_with(api_server(Arc::default(), StatusCode::OK), &["--verify-api=off", "--rotate-api=off"]));
    for path in ["/v1/verify", "/v1/rotate"] {
        assert_eq!(ask(&app, path, "", &json!({})).await, (404, "404 page not found\n".to_owned()));
    }
    let app = router(context_with(api_server(Arc::default(), StatusCode::OK), &["--verify-api=off"]));
    let own = sealed_object(Scope::Strict, &json!({}));
    assert_eq!(ask(&app, "/v1/rotate", "", &own).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn caller_is_not_kept_waiting_for_an_api_server_that_is_silent() {
    let silent = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, std::io::Error>>()
    });
    let app = router(context_with(Client::new(silent, "default"), ARGS));
    let before = Instant::now();
    let (code, _) = ask(&app, "/v1/verify", "Bearer good", &sealed_object(Scope::Strict, &json!({}))).await;
    assert_eq!((code, before.elapsed().as_secs()), (503, 5));
}

#[tokio::test(start_paused = true)]
async fn answers_expire_and_their_number_is_bounded() {
    let digest = |number: usize| [u64::try_from(number).unwrap(), 0];
    let answers = Answers::default();
    answers.put(digest(0), true);
    tokio::time::advance(REMEMBERED_FOR - Duration::from_millis(1)).await;
    assert_eq!(answers.get(digest(0)), Some(true));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(answers.get(digest(0)), None, "a right that was taken away counts no longer");

    let answers = Answers::default();
    let half = REMEMBERED / 2;
    (0..half).for_each(|number| answers.put(digest(number), number));
    tokio::time::advance(REMEMBERED_FOR / 2).await;
    (half..REMEMBERED).for_each(|number| answers.put(digest(number), number));
    answers.put(digest(REMEMBERED), 0);
    assert_eq!((answers.get(digest(REMEMBERED)), answers.lock().len()), (None, REMEMBERED), "there is no more room");
    tokio::time::advance(REMEMBERED_FOR / 2).await;
    answers.put(digest(REMEMBERED), 7);
    assert_eq!(answers.get(digest(REMEMBERED)), Some(7), "old ones make room");
    assert_eq!(answers.get(digest(half)), Some(half), "those that still count stay");
    assert_eq!(answers.lock().len(), half + 1);
}

#[test]
fn a_missing_right_of_the_controller_is_told_as_such() {
    for (code, is_told) in [(403, true), (401, false), (500, false)] {
        let log = Captured::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let status =
            serde_json::from_value(json!({ "status": "Failure", "reason": if code == 403 { "Forbidden" } else { "" },
            "code": code, "message": "CANARY" }));
        let error = kube::Error::Api(Box::new(status.unwrap()));
        let refusal = tracing::subscriber::with_default(subscriber, || unanswered(&error));
        assert_eq!(refusal, Refusal::Unverifiable);
        let text = log.text();
        assert!(text.contains("callers cannot be checked") && !text.contains("CANARY"), "{text}");
        assert_eq!(text.contains("lacks a right"), is_told, "{code}: {text}");
    }
}

/// Each endpoint has its own switch.
#[tokio::test]
async fn one_endpoint_asks_who_it_is_and_the_other_answers_everybody() {
    let own = sealed_object(Scope::Strict, &json!({}));
    for (args, verify, rotate) in [
        (["--verify-api=authorized", "--rotate-api=on"], 401, 200),
        (["--verify-api=on", "--rotate-api=authorized"], 200, 401),
    ] {
        let app = router(context_with(api_server(Arc::default(), StatusCode::OK), &args));
        assert_eq!(ask(&app, "/v1/verify", "", &own).await.0, verify, "{args:?}");
        assert_eq!(ask(&app, "/v1/rotate", "", &own).await.0, rotate, "{args:?}");
    }
}
