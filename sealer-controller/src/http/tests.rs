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
    router(context(args))
}

/// All routes, over one key.
pub(super) fn router(context: Arc<Context>) -> Router {
    let shared = Arc::new(SharedRing::default());
    shared.replace(ring());
    super::router(context, shared)
}

pub(super) fn context(args: &[&str]) -> Arc<Context> {
    // No test here comes near the API server.
    let client = Client::new(
        tower::service_fn(async |_| Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("closed"))),
        "default",
    );
    context_with(client, args)
}

pub(super) fn context_with(client: Client, args: &[&str]) -> Arc<Context> {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&args, |_| None) else { panic!("arguments") };
    Arc::new(Context::new(client, *config))
}

async fn ask(app: &Router, path: &str, body: String, caller: &str) -> (StatusCode, HeaderMap, String) {
    let request = http::Request::post(path).header("x-forwarded-for", caller).body(Body::from(body)).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
}

pub(super) fn sealed_object(scope: Scope, template: &Value) -> Value {
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

/// Rotate and verify with a deprecated blob, whose content is what somebody wants to know.
#[tokio::test]
async fn blob_is_opened_and_sealed_anew_and_never_interpreted() {
    let app = app(UNLIMITED);
    let label = Label::new(Scope::Strict, "ns", "name").unwrap();
    let canary = json!({"metadata": {"labels": {"CANARY": "CANARY"}}, "type": "CANARY", "immutable": true,
        "data": {"CANARY": "Q0FOQVJZ"}, "kind": "Secret"});
    for plaintext in [canary.to_string(), "no JSON: CANARY".to_owned(), "{\"metadata\":".to_owned(), String::new()] {
        let value =
            seal(&Plaintext::new(plaintext.clone().into_bytes()), &label, KEY.sealing_key()).unwrap().to_base64();
        let template = json!({"metadata": {"labels": {"own": "1"}}});
        let object =
            json!({"metadata": {"name": "name", "namespace": "ns"}, "spec": {"data": value, "template": template}});
        let (status, _, body) = ask(&app, "/v1/verify", object.to_string(), "").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
        let (status, _, body) = ask(&app, "/v1/rotate", object.to_string(), "").await;
        assert_eq!(status, StatusCode::OK);
        assert!(!body.contains("CANARY") && !body.contains("Q0FOQVJZ"), "{body}");
        let rotated: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(rotated["spec"]["template"], template);
        assert_eq!(rotated["spec"].get("encryptedData"), None);
        let sealed_anew = rotated["spec"]["data"].as_str().unwrap();
        assert_ne!(sealed_anew, value);
        let sealed_anew = SealedValue::from_base64(sealed_anew).unwrap();
        assert_eq!(unseal(&sealed_anew, &label, &ring()).unwrap().plaintext.expose(), plaintext.as_bytes());
    }
    let both = json!({"metadata": {"name": "name", "namespace": "ns"}, "spec": {"data": "AAAA", "encryptedData": {"a": "AAAA"}}});
    assert_eq!(ask(&app, "/v1/verify", both.to_string(), "").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn blob_is_refused_where_the_controller_refuses_it() {
    let app = app(&[UNLIMITED, &["--accept-deprecated-v1-data=false"]].concat());
    let label = Label::new(Scope::Strict, "ns", "name").unwrap();
    let value = seal(&Plaintext::new(b"{}".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64();
    let object = json!({"metadata": {"name": "name", "namespace": "ns"}, "spec": {"data": value}});
    assert_eq!(ask(&app, "/v1/verify", object.to_string(), "").await.0, StatusCode::CONFLICT);
    assert_eq!(ask(&app, "/v1/rotate", object.to_string(), "").await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

/// T-O1: no template changes the answer. That none runs is held by `the_endpoints_reach_no_template_engine`.
#[tokio::test]
async fn five_hundred_hostile_templates_change_no_answer() {
    let app = app(UNLIMITED);
    let bodies = [
        "{{ fail \"x\" }}",
        "{{ range until 100000000 }}x{{ end }}",
        "{{ index .k 99 }}",
        "{{",
        "{{ template \"x\" . }}",
        "{{ printf \"%999999999d\" 1 }}",
        "{{ .k | repeat 1000000 }}",
        "{{ regexMatch \"(a*)*b\" .k }}",
        "{{/**/}}",
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}",
    ];
    for count in 1..=50 {
        for body in bodies {
            let template = json!({"data": {"a": body.repeat(count * 7), format!("b{count}"): body}});
            let object = sealed_object(Scope::Strict, &template);
            assert_eq!(ask(&app, "/v1/verify", object.to_string(), "").await.0, StatusCode::OK, "{count} times {body}");
        }
    }
}

/// T-O2: whatever is changed around a value, it is sealed for the label that opened it, and the template goes back.
#[tokio::test]
async fn mutated_objects_keep_label_items_and_template_in_rotation() {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};
    let app = app(UNLIMITED);
    let mut random = StdRng::seed_from_u64(13);
    let mut rotated_count = 0;
    let words = [
        "true",
        "false",
        "",
        "sealedsecrets.bitnami.com/cluster-wide",
        "sealedsecrets.bitnami.com/namespace-wide",
        "{{ fail }}",
        "ns",
        "name",
        "\u{0}é",
    ];
    for _ in 0..MUTATIONS {
        let mut word = || json!(words[random.random_range(0..words.len())]);
        let template = json!({"metadata": {"annotations": {word().as_str().unwrap(): word(), "b": word()}, "namespace": word(), "uid": word()},
            "data": {word().as_str().unwrap(): word()}, "type": word()});
        let scope = Scope::ALL[random.random_range(0..3)];
        let mut object = sealed_object(scope, &template);
        let mut word = || words[random.random_range(0..words.len())];
        let fields = [("/metadata/name", word()), ("/metadata/namespace", word())];
        for (field, value) in fields {
            if random.random_bool(0.2) {
                *object.pointer_mut(field).unwrap() = json!(value);
            }
        }
        if random.random_bool(0.3) {
            let name = words[random.random_range(0..words.len())];
            object["metadata"]["annotations"][name] = json!(words[random.random_range(0..words.len())]);
        }
        let (status, _, body) = ask(&app, "/v1/rotate", object.to_string(), "").await;
        if status != StatusCode::OK {
            continue;
        }
        rotated_count += 1;
        let rotated: Value = serde_json::from_str(&body).unwrap();
        // The label under which the original opened is the one under which the new value does.
        let label = Label::new(scope, "ns", "name").unwrap();
        let value = SealedValue::from_base64(rotated["spec"]["encryptedData"]["k"].as_str().unwrap()).unwrap();
        assert_eq!(unseal(&value, &label, &ring()).unwrap().plaintext.expose(), b"value");
        assert_eq!(rotated["spec"]["encryptedData"].as_object().unwrap().len(), 1);
        assert_eq!(
            rotated["spec"]["encryptedData"]["k"].as_str().unwrap().len(),
            object["spec"]["encryptedData"]["k"].as_str().unwrap().len()
        );
        assert_eq!(
            (&rotated["spec"]["template"]["data"], &rotated["spec"]["template"]["type"]),
            (&template["data"], &template["type"])
        );
        let announced: std::collections::BTreeMap<String, String> =
            serde_json::from_value(rotated["spec"]["template"]["metadata"]["annotations"].clone()).unwrap();
        assert_eq!(Scope::from_annotations(&announced), scope);
    }
    assert!(rotated_count > MUTATIONS / 5, "only {rotated_count} were rotated");
}

/// T-S3: names that cannot exist cost no private-key operation: the ring of this app has a key, and the answer is that to
/// malformed input.
#[tokio::test]
async fn names_that_cannot_exist_are_refused_before_any_key_is_used() {
    let app = app(UNLIMITED);
    let long = "a".repeat(254);
    for (namespace, name) in [
        ("n/s", "name"),
        ("ns", "na/me"),
        ("", "name"),
        ("ns", ""),
        ("NS", "name"),
        ("ns", "Name"),
        ("ns", long.as_str()),
        ("nä", "name"),
        ("ns", "nämé"),
    ] {
        let mut object = sealed_object(Scope::Strict, &json!({}));
        object["metadata"]["namespace"] = json!(namespace);
        object["metadata"]["name"] = json!(name);
        for path in ["/v1/verify", "/v1/rotate"] {
            assert_eq!(
                ask(&app, path, object.to_string(), "").await.0,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{namespace} {name}"
            );
        }
    }
}

const UNLIMITED: &[&str] = &["--rate-limit=100000", "--rate-limit-burst=100000"];
const MUTATIONS: usize = 500;

#[tokio::test]
async fn requests_are_counted_by_path_and_method() {
    let context = context(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
    let app = router(context.clone());
    let methods = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "BREW"];
    for method in methods {
        for path in ["/v1/cert.pem", "/v1/verify", "/v1/rotate"] {
            let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap();
        }
    }
    let text = context.metrics.text();
    for method in methods {
        let method = if method == "BREW" { "unknown".to_owned() } else { method.to_ascii_lowercase() };
        for path in ["/v1/cert.pem", "/v1/verify", "/v1/rotate"] {
            let count = text.lines().filter(|line| {
                line.starts_with("sealed_secrets_controller_http_requests_total{")
                    && line.contains(&format!("method=\"{method}\",path=\"{path}\""))
                    && line.ends_with(" 1")
            });
            assert_eq!(count.count(), 1, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn an_address_is_bound_as_go_writes_it_and_never_twice() {
    for given in [":0", "127.0.0.1:0"] {
        let listener = listen(given).await.unwrap();
        let bound = address(&listener);
        let port = bound.rsplit(':').next().unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0, "{bound}");
        let again = given.replace(":0", &format!(":{port}"));
        let Err(StartError::Listen { address, .. }) = listen(&again).await else { panic!("{again} is bound twice") };
        assert_eq!(address, again);
    }
}
