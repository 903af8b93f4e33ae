#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::Client;
use kube::api::ObjectMeta;
use kube::client::Body;
use sealer_core::{Certificate, KeyEntry, Keyring, Plaintext, UnsealingKey, seal};
use sealer_resource::unseal::UnsealedSecret;
use serde_json::{Value, json};

use super::*;
use crate::args::{self, Request as Asked};
use crate::cache::object_state::SyncedSecret;
use crate::kube::sealed_secret::Sighting;
use crate::telemetry::captured::Captured;
use crate::workers::slot::Slots;

mod deleted;
mod foreign;
mod immutable;
mod opened;
mod outcomes;
mod retries;
mod statuses;
mod templates;

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
        let outcome = look_once(&self.reconciler, &key).await;
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

/// Has a worker look at an object.
async fn look_once(reconciler: &Reconciler, key: &Key) -> Result<(), Failure> {
    let begun = reconciler.cache.begun(key);
    reconcile(reconciler, key, begun, &mut Slots::default().extra()).await
}

/// Whether an object is to be left alone, because something undoes each write to its Secret.
fn is_paused(reconciler: &Reconciler, key: &Key) -> bool {
    matches!(reconciler.cache.begin(key, Instant::now()), Begin::Pause(_))
}
