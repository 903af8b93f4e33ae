#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::Client;
use kube::api::ObjectMeta;
use kube::client::Body;
use sealer_core::resource::assemble::UnsealedSecret;
use sealer_core::{Certificate, KeyEntry, Keyring, Plaintext, UnsealingKey, seal};
use serde_json::{Value, json};

use super::*;
use crate::args::{self, Request as Asked};
use crate::cache::object_state::SyncedSecret;
use crate::kube::sealed_secret::Sighting;
use crate::telemetry::captured::Captured;
use crate::workers::slot::Slots;

mod templates;
mod writes;

static KEY: LazyLock<Arc<UnsealingKey>> = LazyLock::new(|| Arc::new(UnsealingKey::generate(2048).unwrap()));

/// One request that must come, and its answer.
type Exchange = (Method, &'static str, u16, Value);

fn reconciler(context: Context, ring: Arc<SharedRing>) -> Arc<Reconciler> {
    Arc::new(Reconciler {
        cache: Arc::new(Cache::new(&context.config)),
        context: Arc::new(context),
        ring,
        queue: Arc::default(),
        watched: Arc::default(),
        threads: Threads::all_cores(),
        predictor: Arc::default(),
        templates: Templates::default(),
    })
}

/// A scripted API server: requests must come in the order of the script, and all of them.
struct Script {
    left: Arc<Mutex<VecDeque<Exchange>>>,
    bodies: Arc<Mutex<Vec<Value>>>,
    reconciler: Arc<Reconciler>,
}

impl Script {
    fn new(exchanges: Vec<Exchange>) -> Self {
        let left = Arc::new(Mutex::new(VecDeque::from(exchanges)));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (script, sent) = (left.clone(), bodies.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (script, sent) = (script.clone(), sent.clone());
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                check_request(&method, &path, &body);
                sent.lock().unwrap().push(body);
                let Some((expected, end, status, answer)) = script.lock().unwrap().pop_front() else {
                    panic!("{method} {path} is not in the script");
                };
                assert!(method == expected && path.ends_with(end), "{method} {path} instead of {expected} {end}");
                let answer = Response::builder().status(status).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        let Ok(Asked::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
        let reconciler = reconciler(Context::new(Client::new(service, "default"), *config), Arc::default());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let certificate = Certificate::self_signed(&KEY, "", now, Duration::from_secs(86_400)).unwrap();
        let entry = KeyEntry { name: "k".into(), key: KEY.clone(), certificate: Some(certificate), ordered_at: now };
        reconciler.ring.replace(Keyring::new(vec![entry]));
        Self { left, bodies, reconciler }
    }

    /// One with other arguments.
    fn with_args(exchanges: Vec<Exchange>, given: &[&str]) -> Self {
        let script = Self::new(exchanges);
        let given: Vec<String> = given.iter().map(|arg| (*arg).to_owned()).collect();
        let Ok(Asked::Run(config)) = args::read(&given, |_| None) else { panic!("arguments") };
        let context = Context::new(script.reconciler.context.client.clone(), *config);
        Self { reconciler: reconciler(context, script.reconciler.ring.clone()), ..script }
    }

    /// Runs one look at the object; the script must be used up.
    async fn process(&self, object: &Value) -> Result<(), Failure> {
        let key = Key::new("ns", "a");
        self.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
        let outcome = reconcile(&self.reconciler, &key, &mut Slots::default().extra()).await;
        let left: Vec<_> =
            self.left.lock().unwrap().iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
        assert_eq!(left, Vec::<String>::new(), "requests that did not come");
        outcome
    }

    fn body(&self, at: usize) -> Value {
        self.bodies.lock().unwrap()[at].clone()
    }
}

/// What holds for every request of the suite. T-P7: its namespace is the object's own. T-P6: of a template's metadata
/// labels, annotations and owners arrive, and nothing else. T-P5: what exists is changed and deleted under the uid and
/// the version that were seen.
fn check_request(method: &Method, path: &str, body: &Value) {
    assert!(path.contains("/namespaces/ns/"), "{method} {path}");
    let metadata = &body["metadata"];
    if !body.is_null() && *method != Method::DELETE {
        assert_eq!(metadata["namespace"], "ns", "{method} {path}: {body}");
    }
    let texts =
        |value: &Value| value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if path.contains("/secrets") && [Method::POST, Method::PUT].contains(method) {
        let fields = ["apiVersion", "kind", "metadata", "type", "immutable", "data"];
        assert!(texts(body).iter().all(|field| fields.contains(&field.as_str())), "{method} {path}: {body}");
    }
    if path.ends_with("/secrets") && *method == Method::POST {
        let fields = ["name", "namespace", "labels", "annotations", "ownerReferences"];
        assert!(texts(metadata).iter().all(|field| fields.contains(&field.as_str())), "{method} {path}: {body}");
        assert_eq!(metadata["name"], "a", "{method} {path}: {body}");
    }
    let named = |part: &Value| part["uid"].is_string() && part["resourceVersion"].is_string();
    if path.contains("/secrets/") && *method == Method::PUT {
        assert!(named(metadata), "{method} {path}: {body}");
        assert!(["finalizers", "generateName"].iter().all(|field| metadata[*field].is_null()), "{body}");
    }
    if *method == Method::DELETE {
        assert!(named(&body["preconditions"]), "{method} {path}: {body}");
    }
}

/// A SealedSecret with one item, `k`.
fn object(generation: i64, observed: Option<i64>) -> Value {
    let label = sealer_core::Label::new(sealer_core::Scope::Strict, "ns", "a").unwrap();
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64();
    json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "a", "namespace": "ns", "uid": "u1", "generation": generation, "resourceVersion": "1" },
        "spec": { "encryptedData": { "k": value } }, "status": { "observedGeneration": observed } })
}

fn live(uid: &str, value: &str, version: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": { "k": value },
        "metadata": { "name": "a", "namespace": "ns", "uid": "s", "resourceVersion": version, "ownerReferences": [
            { "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": uid, "controller": true }] } })
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message })
}

const SECRETS: &str = "/namespaces/ns/secrets";
const SECRET: &str = "/namespaces/ns/secrets/a";
const EVENTS: &str = "/namespaces/ns/events";
const STATUS: &str = "/sealedsecrets/a/status";
const SEALED: &str = "/sealedsecrets/a";

fn told(status: Value) -> [Exchange; 2] {
    [(Method::POST, EVENTS, 201, json!({ "metadata": {}, "involvedObject": {} })), (Method::PUT, STATUS, 200, status)]
}

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
async fn lost_races_are_planned_anew_on_what_the_winner_wrote() {
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, live("u1", "b2xk", "5")),
        (Method::PUT, SECRET, 409, refusal(409, "Conflict", "changed")),
        (Method::GET, SECRET, 200, live("u1", "b2xkZXI=", "6")),
        (Method::PUT, SECRET, 200, live("u1", "dg==", "7")),
    ];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&object(1, None)).await.unwrap();
    assert_eq!(script.body(4)["metadata"]["resourceVersion"], "6");
}

#[tokio::test]
async fn a_foreign_secret_made_between_look_and_write_is_not_touched() {
    let mut foreign = live("somebody", "eA==", "5");
    foreign["metadata"]["ownerReferences"] = json!([]);
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, foreign),
    ];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    let failure = script.process(&object(1, None)).await.unwrap_err();
    assert_eq!((failure.reason, failure.class), (Reason::Unmanaged, Class::Permanent));
    assert_eq!(script.body(2)["reason"], "ErrUpdateFailed");
    assert_eq!(script.body(3)["status"]["conditions"][0]["status"], "False");
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

#[tokio::test]
async fn what_does_not_open_says_why_and_is_explained_once() {
    let label = sealer_core::Label::as_given(sealer_core::Scope::NamespaceWide, "ns", "");
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64();
    let mut object = object(1, None);
    object["spec"]["encryptedData"]["k"] = json!(value);
    let script = Script::new([told(object.clone()), told(object.clone())].concat());
    let expected = "no key could decrypt secret (k): is sealed with scope namespace-wide, not strict; the annotation \
                    sealedsecrets.bitnami.com/namespace-wide: \"true\" is missing";
    let key = Key::new("ns", "a");
    for _ in 0..2 {
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
        let failure = reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap_err();
        assert_eq!((failure.reason, failure.message.as_str()), (Reason::Unseal, expected));
        // The second look tries the value once more and does not ask again.
        script.reconciler.cache.unopened();
    }
    assert_eq!(script.body(0)["message"], format!("Failed to unseal: {expected}"));
    assert_eq!(script.body(1)["status"]["conditions"][0]["message"], expected);
    let operations = script.reconciler.context.metrics.operations.get();
    assert!((3..=5).contains(&operations), "{operations}");
}

/// A worker may have a newer generation than the watch brought, and that one has another cause.
#[tokio::test]
async fn newer_generation_than_the_watched_one_is_explained_by_itself() {
    let seal_as = |namespace: &str| {
        let label = sealer_core::Label::as_given(sealer_core::Scope::NamespaceWide, namespace, "");
        seal(&Plaintext::new(b"v".to_vec()), &label, KEY.sealing_key()).unwrap().to_base64()
    };
    let (mut first, mut second) = (object(1, None), object(2, None));
    first["spec"]["encryptedData"]["k"] = json!(seal_as("elsewhere"));
    second["spec"]["encryptedData"]["k"] = json!(seal_as("ns"));
    let mut exchanges = Vec::from(told(first.clone()));
    exchanges.push((Method::GET, SEALED, 200, second.clone()));
    exchanges.extend(told(second));
    let script = Script::new(exchanges);
    script.reconciler.cache.observe(Sighting::read(&first.to_string()).unwrap());
    reconcile(&script.reconciler, &Key::new("ns", "a"), &mut Slots::default().extra()).await.unwrap_err();
    let failure = reconcile(&script.reconciler, &Key::new("ns", "a"), &mut Slots::default().extra()).await.unwrap_err();
    assert!(failure.message.contains("is sealed with scope namespace-wide"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn slow_attempts_are_counted_as_errors_only_when_they_fail_otherwise() {
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
    script.reconciler.cache.take(&key);
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
    script.reconciler.cache.take(&key);
    let begin = Instant::now();
    while !script.left.lock().unwrap().is_empty() {
        // It was deleted: somebody says so at once, and is told to wait.
        let waits = script.reconciler.cache.pause(&key, Instant::now()).is_some();
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
    assert_eq!(script.reconciler.cache.pause(&key, Instant::now()), None);
}

#[test]
fn waits_grow_and_end_at_five_minutes() {
    assert!(backoff(0, 5) < Duration::from_millis(100));
    assert!(backoff(4, 5) < Duration::from_secs(2));
    for failures in [20, 1000, u32::MAX] {
        assert!((Duration::from_secs(300)..Duration::from_secs(376)).contains(&backoff(failures, 5)));
        let brief = Failure { class: Class::SoonCapped, ..Failure::unmanaged("a") };
        assert_eq!(pause(&brief, failures, 5), BRIEF_WAIT, "what is left of an object that was made anew");
        let asked = Failure { wait: Duration::from_secs(20), ..brief };
        assert_eq!(pause(&asked, failures, 5), Duration::from_secs(20), "the API server says when");
    }
}

/// What a checkpoint says of [`object`] in its second generation.
fn recorded(version: &str) -> crate::cache::object_state::Record {
    let sealed = Sighting::read(&object(2, Some(2)).to_string()).unwrap();
    let meta = ObjectMeta { uid: Some("s".into()), resource_version: Some(version.into()), ..ObjectMeta::default() };
    let keys = [KEY.fingerprint().clone()].into();
    crate::cache::object_state::Record { sealed: sealed.identity, secret: SyncedSecret::new(&meta, keys) }
}

#[tokio::test]
async fn what_was_in_order_before_a_restart_and_still_is_costs_no_private_key_operation() {
    let mut synced = object(2, Some(2));
    synced["status"]["conditions"] = json!([{ "type": "Synced", "status": "True" }]);
    for (version, operations) in [("5", 0), ("4", 1)] {
        // Without a watch on Secrets the Secret itself is looked at; if it is another one, all is done again.
        let looks = 1 + operations;
        let script = Script::new((0..looks).map(|_| (Method::GET, SECRET, 200, live("u1", "dg==", "5"))).collect());
        script.reconciler.cache.recall([(Key::new("ns", "a"), recorded(version))]);
        script.process(&synced).await.unwrap();
        assert_eq!(script.reconciler.context.metrics.operations.get(), operations);
    }
}

/// T-P6: everything of the server's own in a template's metadata stays behind.
#[tokio::test]
async fn of_a_templates_metadata_only_labels_and_annotations_are_sent() {
    let mut hostile = object(1, None);
    hostile["spec"]["template"] = json!({ "metadata": {
        "name": "other", "namespace": "other", "generateName": "x", "uid": "u9", "resourceVersion": "9", "generation": 9,
        "finalizers": ["example.com/hold"], "creationTimestamp": "2020-01-01T00:00:00Z", "selfLink": "/x",
        "deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 1, "managedFields": [{ "manager": "x" }],
        "ownerReferences": [{ "apiVersion": "v1", "kind": "Namespace", "name": "ns", "uid": "n" }],
        "labels": { "l": "1" }, "annotations": { "a": "2" } } });
    let mut exchanges = vec![(Method::POST, SECRETS, 201, live("u1", "dg==", "5"))];
    exchanges.extend(told(object(1, Some(1))));
    let script = Script::new(exchanges);
    script.process(&hostile).await.unwrap();
    let owner = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": "u1", "controller": true }]);
    let expected = json!({ "name": "a", "namespace": "ns", "labels": { "l": "1" }, "annotations": { "a": "2" }, "ownerReferences": owner });
    assert_eq!(script.body(0)["metadata"], expected);
}

/// A SealedSecret whose template asks for everything that it must not have on a foreign Secret.
fn grasping() -> Value {
    let mut object = object(1, None);
    object["spec"]["template"] = json!({ "immutable": true, "metadata": { "annotations": {
        "sealedsecrets.bitnami.com/managed": "true", "sealedsecrets.bitnami.com/patch": "true" } } });
    object
}

#[tokio::test]
async fn two_looks_at_a_patched_secret_take_neither_owner_nor_freedom() {
    let foreign = json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": { "own": "eA==" }, "metadata": {
        "name": "a", "namespace": "ns", "uid": "s", "resourceVersion": "5",
        "annotations": { "sealedsecrets.bitnami.com/patch": "true" } } });
    let mut patched = foreign.clone();
    patched["data"]["k"] = json!("dg==");
    patched["metadata"]["resourceVersion"] = json!("6");
    let mut exchanges = vec![
        (Method::POST, SECRETS, 409, refusal(409, "AlreadyExists", "exists")),
        (Method::GET, SECRET, 200, foreign.clone()),
        (Method::PUT, SECRET, 200, patched.clone()),
    ];
    exchanges.extend(told(object(1, Some(1))));
    // The second look is at the Secret as the first one left it.
    exchanges.push((Method::GET, SECRET, 200, patched));
    exchanges.extend(told(object(2, Some(2))));
    let script = Script::new(exchanges);
    let key = Key::new("ns", "a");
    for generation in [1, 2] {
        let mut object = grasping();
        object["metadata"]["generation"] = json!(generation);
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
        reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap();
    }
    assert!(script.left.lock().unwrap().is_empty());
    let mut expected = foreign;
    expected["data"]["k"] = json!("dg==");
    assert_eq!(script.body(2), expected, "items alone are added");
}

/// One Secret in an API server that keeps to versions and uids, and other writers between any two calls.
struct Contested {
    secret: Option<Value>,
    version: u64,
    seed: u64,
    writes: u32,
}

impl Contested {
    /// Of the numbers below `below`, one by chance (Knuth's MMIX constants).
    fn chance(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn put(&mut self, mut secret: Value, uid: Option<String>) -> Value {
        self.version += 1;
        let uid = uid.unwrap_or_else(|| format!("s{}", self.version));
        secret["metadata"]["uid"] = json!(uid);
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.secret = Some(secret.clone());
        secret
    }

    /// Somebody else makes, marks, unmarks, edits or deletes it, or does nothing.
    fn others_act(&mut self) {
        let mut secret = live("foreign", "b2xk", "0");
        secret["metadata"]["ownerReferences"] = json!([]);
        match self.chance(8) {
            0 if self.secret.is_none() => drop(self.put(secret, None)),
            1 => self.secret = None,
            2 => {
                self.secret = None;
                self.put(secret, None);
            }
            at @ (3 | 4) => {
                let mark =
                    ["sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"][usize::from(at == 4)];
                if let Some(mut there) = self.secret.clone() {
                    there["metadata"]["annotations"] = json!({ mark: "true" });
                    let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                    self.put(there, uid);
                }
            }
            5 => {
                if let Some(mut there) = self.secret.clone() {
                    there["metadata"]["annotations"] = json!({});
                    there["metadata"]["ownerReferences"] = json!([]);
                    let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                    self.put(there, uid);
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        if !path.contains("/secrets") {
            return (
                201,
                if path.ends_with("/status") { body } else { json!({ "metadata": {}, "involvedObject": {} }) },
            );
        }
        self.others_act();
        let there = self.secret.clone();
        match (method.as_str(), there) {
            ("GET", Some(there)) => (200, there),
            ("POST", None) => {
                self.writes += 1;
                (201, self.put(body, None))
            }
            ("POST", Some(_)) => (409, refusal(409, "AlreadyExists", "exists")),
            ("PUT", Some(there)) => {
                let same =
                    ["uid", "resourceVersion"].iter().all(|part| body["metadata"][*part] == there["metadata"][*part]);
                if !same {
                    return (409, refusal(409, "Conflict", "changed"));
                }
                // T-P3, T-P4: what is written over was ours, or its writer had handed it over.
                let marked = |mark: &str| {
                    there["metadata"]["annotations"][format!("sealedsecrets.bitnami.com/{mark}")] == "true"
                };
                let ours = there["metadata"]["ownerReferences"][0]["uid"] == "u1";
                assert!(ours || marked("managed") || marked("patch"), "an unowned Secret was modified: {there}");
                if !ours && !marked("managed") {
                    assert_eq!(body["metadata"]["ownerReferences"], there["metadata"]["ownerReferences"], "{body}");
                    assert!(
                        body["immutable"].is_null()
                            && body["metadata"]["annotations"]["sealedsecrets.bitnami.com/managed"].is_null(),
                        "{body}"
                    );
                }
                self.writes += 1;
                let uid = there["metadata"]["uid"].as_str().map(str::to_owned);
                (200, self.put(body, uid))
            }
            _ => (404, refusal(404, "NotFound", "not found")),
        }
    }
}

/// T-P3: whatever others do between our calls, no unowned Secret is ever modified.
#[tokio::test]
async fn no_interleaving_modifies_an_unowned_secret() {
    let (mut writes, mut refused) = (0, 0);
    let script = Script::new(Vec::new());
    let Object { state, spec } = Object::read(&grasping().to_string()).unwrap();
    let mut sealed = SealedSecret { metadata: state.metadata, spec: spec.unwrap(), status: None };
    let metadata = sealed.spec.template.metadata.clone().unwrap();
    let data = [("k".to_owned(), Plaintext::new(b"v".to_vec()))].into();
    let opened = UnsealedSecret { metadata, data, immutable: Some(true), ..UnsealedSecret::default() };
    let desired = desired::secret(&sealed, opened).unwrap();
    for seed in 0..1000 {
        let state = Arc::new(Mutex::new(Contested { secret: None, version: 0, seed, writes: 0 }));
        let server = state.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                check_request(&method, &path, &body);
                let (code, answer) = server.lock().unwrap().answer(&method, &path, body);
                let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        let context = Context::new(Client::new(service, "default"), script.reconciler.context.config.clone());
        let reconciler = reconciler(context, Arc::default());
        let policy = Policy {
            own: reconciler.context.config.own_namespace(),
            allowed_types: &[],
            spec_is_new: true,
            replaces_immutable: false,
        };
        for generation in [1, 2] {
            sealed.metadata.generation = Some(generation);
            let applied = apply::apply(&reconciler, &sealed, &desired, &policy, Arc::from([])).await;
            refused += u32::from(applied.is_err());
        }
        writes += state.lock().unwrap().writes;
    }
    assert!(writes > 500 && refused > 50, "{writes} writes, {refused} refusals: the others must meet both");
}

/// T-P5: a Secret that was made anew under the same name outlives the object that owned the one before.
#[tokio::test]
async fn an_orphan_is_deleted_only_as_it_was_seen_and_by_uid() {
    let gone = (Method::GET, SEALED, 404, refusal(404, "NotFound", "not found"));
    let of_another = |uid: &str| (Method::GET, SECRET, 200, live(uid, "dg==", "5"));
    let deleted = (Method::DELETE, SECRET, 200, json!({ "kind": "Status", "status": "Success" }));
    for (exchanges, args) in [
        (vec![gone.clone(), of_another("u1"), deleted], vec!["--old-gc-behavior"]),
        (vec![gone.clone(), of_another("u0")], vec!["--old-gc-behavior"]),
        (vec![gone.clone()], vec![]),
    ] {
        let script = Script::with_args(exchanges, &args);
        let key = Key::new("ns", "a");
        script.reconciler.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
        script.reconciler.cache.mark_gone(&key);
        reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap();
        assert!(script.left.lock().unwrap().is_empty(), "{args:?}");
        assert!(script.reconciler.cache.uid_of_gone(&key).is_none(), "it is forgotten");
    }
}

#[tokio::test]
async fn what_is_gone_or_out_of_view_leaves_no_series_behind() {
    let not_found = refusal(404, "NotFound", "not found");
    for (code, answer) in [(404, not_found), (200, object(1, Some(1)))] {
        let mut exchanges = vec![(Method::POST, SECRETS, 500, refusal(500, "InternalError", "no"))];
        exchanges.extend(told(object(1, Some(1))));
        exchanges.push((Method::GET, SEALED, code, answer));
        let script = Script::new(exchanges);
        let key = Key::new("ns", "a");
        script.reconciler.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
        reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap_err();
        let shown = || {
            let text = script.reconciler.context.metrics.text();
            text.lines().filter(|line| line.contains("namespace=\"ns\"")).count()
        };
        assert_eq!(shown(), 2, "its condition and its error");
        script.reconciler.cache.mark_gone(&key);
        reconcile(&script.reconciler, &key, &mut Slots::default().extra()).await.unwrap();
        assert_eq!(shown(), 0, "{code}");
        assert!(script.left.lock().unwrap().is_empty());
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
async fn an_object_that_is_too_deep_is_told_in_its_status_without_its_body() {
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
async fn nothing_of_an_answer_that_cannot_be_read_is_logged_at_any_level() {
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
