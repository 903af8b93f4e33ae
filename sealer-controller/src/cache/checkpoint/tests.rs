#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::api::ObjectMeta;
use kube::client::Body;
use sealer_core::Fingerprint;
use serde_json::{Value, json};

use super::*;
use crate::args::{self, Request as Asked};
use crate::cache::object_state::SyncedSecret;
use crate::cache::store::Outcome;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;
use crate::reserved::CHECKPOINT_TYPE;

/// An API server that keeps Secrets by their names, and counts what is asked of them.
#[derive(Clone, Default)]
struct Cluster {
    secrets: Arc<Mutex<BTreeMap<String, Value>>>,
    version: Arc<Mutex<u32>>,
    calls: Arc<Mutex<Vec<String>>>,
    /// A verb that RBAC does not allow.
    denied: Arc<Mutex<&'static str>>,
    /// Methods that fail, with their code.
    failing: Arc<Mutex<Option<(Method, u16)>>>,
}

impl Cluster {
    fn client(&self) -> Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let (code, answer) = cluster.answer(&method, &path, serde_json::from_slice(&body).unwrap_or_default());
                let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, std::convert::Infallible>(answer.unwrap())
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, method: &Method, path: &str, mut body: Value) -> (u16, Value) {
        let refusal = |code: u16, reason: &str| {
            let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                "reason": reason, "message": "no" });
            (code, status)
        };
        let last = path.rsplit('/').next().unwrap();
        if last == "selfsubjectaccessreviews" {
            body["status"] =
                json!({ "allowed": body["spec"]["resourceAttributes"]["verb"] != *self.denied.lock().unwrap() });
            return (201, body);
        }
        assert!(path.starts_with("/api/v1/namespaces/default/secrets"), "{path}");
        self.calls.lock().unwrap().push(format!("{method} {last}"));
        if let Some((failing, code)) = &*self.failing.lock().unwrap()
            && failing == method
        {
            return refusal(*code, "InternalError");
        }
        let name = body["metadata"]["name"].as_str().unwrap_or(last).to_owned();
        let there = self.secrets.lock().unwrap().get(&name).cloned();
        match (method.as_str(), there) {
            ("GET", Some(there)) => (200, there),
            ("POST", Some(_)) => refusal(409, "AlreadyExists"),
            ("PUT", Some(there)) if there["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] => {
                refusal(409, "Conflict")
            }
            ("POST", None) | ("PUT", Some(_)) => (201, self.put(&name, body)),
            _ => refusal(404, "NotFound"),
        }
    }

    fn put(&self, name: &str, mut secret: Value) -> Value {
        let mut version = self.version.lock().unwrap();
        *version += 1;
        secret["metadata"]["name"] = json!(name);
        secret["metadata"]["resourceVersion"] = json!(version.to_string());
        self.secrets.lock().unwrap().insert(name.to_owned(), secret.clone());
        secret
    }

    fn secret(&self, number: usize) -> Value {
        self.secrets.lock().unwrap().get(&name(number)).cloned().unwrap_or_default()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

fn name(number: usize) -> String {
    format!("sealed-secrets-checkpoint-{number}")
}

fn checkpoint(cluster: &Cluster) -> Checkpoint {
    let Ok(Asked::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
    Checkpoint::new(Arc::new(Context::new(cluster.client(), *config)), Arc::default())
}

/// A controller that may keep a checkpoint, and has these many objects in order.
async fn with_objects(cluster: &Cluster, count: usize) -> Checkpoint {
    let checkpoint = checkpoint(cluster);
    recall(&checkpoint, &Keyring::default()).await;
    (0..count).for_each(|number| in_order(&checkpoint, number, "5"));
    checkpoint
}

fn key(number: usize) -> Key {
    Key::new("ns", format!("a{number}"))
}

fn sighting(number: usize) -> Sighting {
    let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": {},
        "metadata": { "name": key(number).name, "namespace": "ns", "uid": "u", "generation": 1 },
        "status": { "observedGeneration": 1, "conditions": [{ "type": "Synced", "status": "True" }] } });
    Sighting::read(&object.to_string()).unwrap()
}

fn in_order(checkpoint: &Checkpoint, number: usize, version: &str) {
    let secret = ObjectMeta { uid: Some("s".into()), resource_version: Some(version.into()), ..ObjectMeta::default() };
    let none: Arc<[Fingerprint]> = [].into();
    checkpoint.cache.observe(sighting(number));
    checkpoint.cache.settle(&key(number), Ok(SyncedSecret::new(&secret, none)));
}

/// Which of the objects another start finds in the checkpoint.
async fn recalled(cluster: &Cluster, count: usize) -> usize {
    let checkpoint = checkpoint(cluster);
    recall(&checkpoint, &Keyring::default()).await;
    (0..count)
        .filter(|number| {
            checkpoint.cache.observe(sighting(*number));
            checkpoint.cache.begun(&key(*number)).recalled.is_some_and(|secret| &*secret.version == "5")
        })
        .count()
}

#[tokio::test]
async fn the_next_start_finds_what_was_in_order() {
    for count in [1, 2001] {
        let cluster = Cluster::default();
        let checkpoint = with_objects(&cluster, count).await;
        assert_eq!(cluster.calls(), [format!("GET {}", name(0))], "none is there yet");
        write(&checkpoint).await;
        let pieces = cluster.secrets.lock().unwrap().len();
        assert_eq!((pieces, cluster.calls().len()), (if count == 1 { 1 } else { 2 }, pieces));
        for number in 0..pieces {
            let secret = cluster.secret(number);
            assert_eq!(secret["type"], CHECKPOINT_TYPE);
            assert!(secret["data"]["checkpoint"].is_string());
        }
        assert_eq!(recalled(&cluster, count).await, count);
        assert_eq!(cluster.calls().len(), pieces, "each piece is read once");
        // A piece that is missing costs its own objects and no others.
        if count > 1 {
            cluster.secrets.lock().unwrap().remove(&name(1));
            assert!((1..count).contains(&recalled(&cluster, count).await));
        }
    }
}

#[tokio::test]
async fn what_is_unchanged_is_not_written_again() {
    let cluster = Cluster::default();
    let checkpoint = with_objects(&cluster, 2001).await;
    write(&checkpoint).await;
    cluster.calls();
    write(&checkpoint).await;
    assert!(cluster.calls().is_empty());
    in_order(&checkpoint, 7, "6");
    write(&checkpoint).await;
    assert_eq!(cluster.calls().len(), 1, "of two pieces one changed");
    // Nor is what was read at the start.
    let again = with_objects(&cluster, 0).await;
    cluster.calls();
    write(&again).await;
    assert!(cluster.calls().is_empty());
}

/// Pieces that are there stay in use: what is gone leaves each of them.
#[tokio::test]
async fn objects_that_are_gone_leave_every_piece() {
    let cluster = Cluster::default();
    let checkpoint = with_objects(&cluster, 2001).await;
    write(&checkpoint).await;
    for number in 1..2001 {
        checkpoint.cache.mark_deleted(&key(number));
        checkpoint.cache.finish(&key(number), Outcome::Gone, None, tokio::time::Instant::now());
    }
    write(&checkpoint).await;
    for number in 0..2 {
        let size = cluster.secret(number)["data"]["checkpoint"].as_str().unwrap().len();
        assert!(size < 2000, "{size} bytes in piece {number}");
    }
    assert_eq!(recalled(&cluster, 2001).await, 1);
}

#[tokio::test]
async fn nothing_is_kept_without_the_rights_to_it() {
    for verb in ["get", "create", "update"] {
        let cluster = Cluster::default();
        *cluster.denied.lock().unwrap() = verb;
        let checkpoint = with_objects(&cluster, 1).await;
        write(&checkpoint).await;
        assert!(cluster.calls().is_empty(), "{verb}");
    }
}

#[tokio::test]
async fn a_secret_of_somebody_else_under_the_name_is_left_alone() {
    for type_ in [json!("Opaque"), Value::Null] {
        let cluster = Cluster::default();
        let foreign = cluster.put(&name(0), json!({ "type": type_, "metadata": {}, "data": { "checkpoint": "eA==" } }));
        let checkpoint = with_objects(&cluster, 1).await;
        write(&checkpoint).await;
        assert_eq!(cluster.secret(0), foreign);
        assert_eq!(cluster.calls(), [format!("GET {}", name(0))]);
    }
    // Nor is one that comes later.
    let cluster = Cluster::default();
    let checkpoint = with_objects(&cluster, 1).await;
    let foreign = cluster.put(&name(0), json!({ "type": "Opaque", "metadata": {} }));
    write(&checkpoint).await;
    assert_eq!(cluster.secret(0), foreign);
}

#[tokio::test]
async fn what_a_sealed_secret_made_is_not_believed_and_written_over() {
    let cluster = Cluster::default();
    let checkpoint = with_objects(&cluster, 1).await;
    write(&checkpoint).await;
    let mut forged = cluster.secret(0);
    forged["metadata"]["ownerReferences"] = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "name": "sealed-secrets-checkpoint-0", "uid": "x", "controller": true }]);
    cluster.put(&name(0), forged);
    assert_eq!(recalled(&cluster, 1).await, 0);
    let again = with_objects(&cluster, 1).await;
    write(&again).await;
    assert!(cluster.secret(0)["metadata"]["ownerReferences"].is_null());
    assert_eq!(recalled(&cluster, 1).await, 1);
}

/// Another controller writes the same Secret, or somebody cleans up: the next write finds that out and goes through.
#[tokio::test]
async fn checkpoint_changed_by_others_is_written_over() {
    for others in ["wrote", "deleted", "made"] {
        let cluster = Cluster::default();
        let checkpoint = with_objects(&cluster, 1).await;
        if others == "made" {
            cluster.put(&name(0), json!({ "type": CHECKPOINT_TYPE, "metadata": {}, "data": {} }));
        } else {
            write(&checkpoint).await;
            let there = cluster.secret(0);
            match others {
                "wrote" => drop(cluster.put(&name(0), there)),
                _ => drop(cluster.secrets.lock().unwrap().remove(&name(0))),
            }
        }
        in_order(&checkpoint, 1, "5");
        cluster.calls();
        write(&checkpoint).await;
        assert_eq!(cluster.calls().len(), 3, "{others}: an attempt, a look, a write");
        assert_eq!(recalled(&cluster, 2).await, 2, "{others}");
        // From then on it knows the version.
        in_order(&checkpoint, 2, "5");
        cluster.calls();
        write(&checkpoint).await;
        assert_eq!(cluster.calls(), [format!("PUT {}", name(0))], "{others}");
    }
}

#[tokio::test]
async fn failed_write_is_retried_and_failed_read_ends_nothing() {
    let cluster = Cluster::default();
    let checkpoint = with_objects(&cluster, 1).await;
    *cluster.failing.lock().unwrap() = Some((Method::POST, 500));
    cluster.calls();
    write(&checkpoint).await;
    assert_eq!(cluster.calls(), ["POST secrets"], "it is not tried again at once");
    *cluster.failing.lock().unwrap() = None;
    write(&checkpoint).await;
    assert_eq!(recalled(&cluster, 1).await, 1);
    *cluster.failing.lock().unwrap() = Some((Method::GET, 500));
    assert_eq!(recalled(&cluster, 1).await, 0);
}

#[tokio::test(start_paused = true)]
async fn checkpoint_is_written_each_minute_until_stopped() {
    let cluster = Cluster::default();
    let checkpoint = Arc::new(with_objects(&cluster, 1).await);
    let stop = CancellationToken::new();
    let began = tokio::time::Instant::now();
    let keeping = tokio::spawn(keep(checkpoint.clone(), stop.clone()));
    while cluster.secrets.lock().unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(120));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(began.elapsed() >= Duration::from_secs(59));
    stop.cancel();
    assert!(keeping.await.unwrap().is_ok());
}
