#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::sync::LazyLock;

use axum::body::to_bytes;
use jiff::Timestamp;
use kube::Client;
use sealer_core::{Certificate, KeyEntry, Keyring, Label, Plaintext, Scope, SealedValue, UnsealingKey, seal, unseal};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::args::{self, Request as Asked};

static KEY: LazyLock<Arc<UnsealingKey>> = LazyLock::new(|| Arc::new(UnsealingKey::generate(2048).unwrap()));

fn ring() -> Keyring {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let certificate = Certificate::self_signed(&KEY, "", now, Duration::from_secs(86_400)).unwrap();
    Keyring::new(vec![KeyEntry { name: "k".into(), key: KEY.clone(), certificate: Some(certificate), ordered_at: now }])
}

fn app(args: &[&str]) -> Router {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&args, |_| None) else { panic!("arguments") };
    // No test here comes near the API server.
    let client = Client::new(
        tower::service_fn(async |_| Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("closed"))),
        "default",
    );
    let context = Context::new(client, *config);
    context.keys.replace(ring());
    router(Arc::new(context))
}

async fn ask(app: &Router, path: &str, body: String, caller: &str) -> (StatusCode, HeaderMap, String) {
    let request = http::Request::post(path).header("x-forwarded-for", caller).body(Body::from(body)).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
}

fn sealed_object(scope: Scope, template: &Value) -> Value {
    let label = Label::new(scope, "ns", "name").unwrap();
    let value = seal(&Plaintext::new(b"value".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64();
    let annotations = scope.annotation().map_or_else(|| json!({}), |annotation| json!({annotation: "true"}));
    json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "name", "namespace": "ns", "annotations": annotations, "uid": "u"},
        "spec": {"template": template, "encryptedData": {"k": value}}})
}

#[tokio::test]
async fn healthz_and_the_certificate_are_served() {
    let app = app(&[]);
    assert_eq!(ask(&app, "/healthz", String::new(), "").await.2, "ok\n");
    let (status, headers, body) = ask(&app, "/v1/cert.pem", String::new(), "").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/x-pem-file"));
    assert_eq!(Certificate::first_from_pem(body.as_bytes()).unwrap().key().fingerprint(), KEY.fingerprint());
    assert_eq!(ask(&app, "/other", String::new(), "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn verify_says_yes_or_no_and_never_looks_at_templates() {
    let app = app(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
    let good = sealed_object(Scope::Strict, &json!({"data": {"x": "{{ fail \"boom\" }}"}}));
    assert_eq!(ask(&app, "/v1/verify", good.to_string(), "").await.0, StatusCode::OK);
    let mut answers = Vec::new();
    for (field, value) in [
        ("metadata/name", json!("other")),
        ("spec/encryptedData/k", json!("AAAA")),
        ("spec/encryptedData/k", json!("no base64")),
        ("spec/encryptedData/k", json!(7)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&format!("/{field}")).unwrap() = value;
        answers.push(ask(&app, "/v1/verify", bad.to_string(), "").await);
    }
    assert!(answers.iter().all(|(status, headers, body)| *status == StatusCode::CONFLICT
        && body.is_empty()
        && without_limits(headers) == without_limits(&answers[0].1)));
}

#[tokio::test]
async fn what_is_no_sealed_secret_is_refused_before_any_key_is_used() {
    let app = app(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"kind\":\"ConfigMap\"}",
        "{\"metadata\":{\"name\":\"a/b\",\"namespace\":\"ns\"},\"spec\":{}}",
        "a: *b",
    ] {
        for path in ["/v1/verify", "/v1/rotate"] {
            assert_eq!(
                ask(&app, path, body.to_owned(), "").await.0,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{path} {body}"
            );
        }
    }
    let huge = " ".repeat(2 * 1024 * 1024 + 1);
    assert_eq!(ask(&app, "/v1/verify", huge, "").await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn rotate_keeps_label_items_and_template_and_forces_the_scope() {
    let app = app(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
    for scope in Scope::ALL {
        let template = json!({"type": "Opaque", "data": {"x": "{{ .k }}"}, "metadata": {"labels": {"a": "b"}, "uid": "u",
            "annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true", "keep": "1"}}});
        let mut object = sealed_object(scope, &template);
        object["metadata"]["labels"] = json!({"own": "1"});
        object["metadata"]["annotations"]["wave"] = json!("3");
        let (status, _, body) = ask(&app, "/v1/rotate", object.to_string(), "").await;
        assert_eq!(status, StatusCode::OK);
        let rotated: Value = serde_json::from_str(&body).unwrap();
        let value = SealedValue::from_base64(rotated["spec"]["encryptedData"]["k"].as_str().unwrap()).unwrap();
        let label = Label::new(scope, "ns", "name").unwrap();
        assert_eq!(unseal(&value, &label, &ring()).unwrap().plaintext.expose(), b"value");
        let mut annotations = json!({"keep": "1"});
        if let Some(annotation) = scope.annotation() {
            annotations[annotation] = json!("true");
        }
        let expected = json!({"type": "Opaque", "data": {"x": "{{ .k }}"}, "metadata": {"labels": {"a": "b"}, "annotations": annotations}});
        assert_eq!(rotated["spec"]["template"], expected);
        object["metadata"].as_object_mut().unwrap().remove("uid");
        assert_eq!(rotated["metadata"], object["metadata"]);
    }
}

/// What is left of the limit differs from answer to answer.
fn without_limits(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove("x-ratelimit-remaining");
    headers.remove("x-ratelimit-reset");
    headers
}

#[tokio::test]
async fn every_answer_says_what_is_left_of_the_limit() {
    let app = app(&[]);
    for path in ["/v1/verify", "/v1/rotate"] {
        for (limit, remaining, reset) in [("3", "2", "1"), ("3", "1", "1"), ("3", "0", "2"), ("3", "0", "2")] {
            let (status, headers, _) = ask(&app, path, "{}".to_owned(), "a").await;
            let told = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| &headers[name]);
            assert_eq!(told, [limit, remaining, reset]);
            assert_eq!(headers.contains_key("retry-after"), status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(ask(&app, path, "{}".to_owned(), "b").await.1["x-ratelimit-remaining"], "2");
    }
}

#[tokio::test]
async fn a_header_does_not_dodge_the_limits() {
    let app = app(&[]);
    let mut accepted = 0;
    for caller in 0..100 {
        if ask(&app, "/v1/verify", "{}".to_owned(), &caller.to_string()).await.0 != StatusCode::TOO_MANY_REQUESTS {
            accepted += 1;
        }
    }
    // The burst of all callers, and a little of the rate.
    assert!((3..=40).contains(&accepted), "{accepted} accepted");
    let (status, headers, body) = ask(&app, "/v1/verify", "{}".to_owned(), "x").await;
    assert_eq!((status, body.as_str()), (StatusCode::TOO_MANY_REQUESTS, "limit exceeded\n"));
    assert!(headers.contains_key("retry-after"));
}

#[tokio::test]
async fn slow_and_silent_connections_are_dropped_and_do_not_hold_up_the_end() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let ended = stop.clone();
    let timeout = Some(Duration::from_millis(300));
    let server = tokio::spawn(async move { server::serve(listener, app(&[]), timeout, &ended).await });
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nX: ").await.unwrap();
    let mut quick = tokio::net::TcpStream::connect(address).await.unwrap();
    quick.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    quick.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
    let dropped = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut Vec::new())).await;
    assert!(dropped.is_ok(), "the slow one is still open");
    stop.cancel();
    assert!(tokio::time::timeout(Duration::from_secs(20), server).await.is_ok(), "the server does not end");
}
