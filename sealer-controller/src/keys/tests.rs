#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::args::{self, Request as Asked};

/// An API server that keeps key Secrets, under a clock of its own, and may lose the answers to the first creations.
#[derive(Clone, Default)]
struct Cluster {
    secrets: Arc<Mutex<Vec<Value>>>,
    answers_to_lose: Arc<Mutex<u32>>,
    /// Its own clock; years behind if nobody sets it.
    time: Arc<Mutex<Option<Timestamp>>>,
}

impl Cluster {
    fn client(&self) -> Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move { Ok::<_, std::convert::Infallible>(cluster.answer(request).await) }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let (code, answer) = match method {
            Method::POST => self.create(serde_json::from_slice(&body).unwrap()),
            _ if path.ends_with("/secrets") => {
                let items = lock(&self.secrets).clone();
                (200, json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items }))
            }
            _ => (404, refusal(404, "NotFound")),
        };
        Response::builder().status(code).body(Body::from(answer.to_string().into_bytes())).unwrap()
    }

    fn create(&self, mut secret: Value) -> (u16, Value) {
        let mut secrets = lock(&self.secrets);
        let name = format!("key-{}", secrets.len());
        let created = lock(&self.time).map_or_else(|| "2020-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        let set = json!({ "name": name, "resourceVersion": "1", "creationTimestamp": created });
        secret.pointer_mut("/metadata").unwrap().as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
        secrets.push(secret.clone());
        let mut left = lock(&self.answers_to_lose);
        if *left > 0 {
            *left -= 1;
            return (500, refusal(500, "InternalError"));
        }
        (201, secret)
    }

    fn count(&self) -> usize {
        lock(&self.secrets).len()
    }
}

fn refusal(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "no" })
}

fn context(cluster: &Cluster, args: &[&str]) -> Context {
    let args: Vec<_> = args.iter().chain(&["--key-size=2048"]).map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&args, |_| None) else { panic!("arguments") };
    Context::new(cluster.client(), *config)
}

#[tokio::test]
async fn a_cutoff_in_the_future_asks_for_one_key_a_start() {
    let cluster = Cluster::default();
    let context = context(&cluster, &["--key-cutoff-time", "Tue, 14 Oct 2200 21:45:30 +0200"]);
    start(&context).await.unwrap();
    assert_eq!(cluster.count(), 1);
    assert!(until_due(&context) > Duration::from_secs(3600));
}

#[tokio::test]
async fn clocks_that_disagree_do_not_ask_for_key_after_key() {
    let cluster = Cluster::default();
    // The Secret was made years ago, as the API server's clock has it.
    let context = context(&cluster, &["--key-order-priority=SecretCreationTimestamp"]);
    start(&context).await.unwrap();
    assert!(until_due(&context) > Duration::from_secs(3600));
    attempt(&context, Cause::Due, &mut None).await.unwrap();
    assert_eq!(cluster.count(), 1);
    attempt(&context, Cause::Asked, &mut None).await.unwrap();
    assert_eq!(cluster.count(), 2, "whoever asks gets one");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_first_key_that_was_lost_does_not_end_in_two_keys() {
    for cutoff in [&[][..], &["--key-cutoff-time", "Tue, 14 Oct 2200 21:45:30 +0200"]] {
        let cluster = Cluster::default();
        let context = context(&cluster, cutoff);
        *lock(&cluster.answers_to_lose) = 1;
        start(&context).await.unwrap();
        assert_eq!(cluster.count(), 1);
        assert!(context.ring().active().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_does_not_end_in_two_keys() {
    let cluster = Cluster::default();
    let context = context(&cluster, &[]);
    start(&context).await.unwrap();
    *lock(&cluster.answers_to_lose) = 1;
    bring_new_key(&context, Cause::Asked).await;
    assert_eq!(cluster.count(), 2);
    assert_eq!(context.ring().entries().len(), 2);
    assert_eq!(context.metrics.foreign_keys.get(), 0);
}

/// A clock that is set by hand.
fn set_by_hand(context: &mut Context) -> Arc<Mutex<Timestamp>> {
    let time = Arc::new(Mutex::new(context.now()));
    let clock = time.clone();
    context.clock = Arc::new(move || *lock(&clock));
    time
}

#[tokio::test]
async fn a_clock_that_jumps_asks_for_one_key_at_most() {
    let cluster = Cluster::default();
    let mut context = context(&cluster, &["--key-renew-period=720h"]);
    let time = set_by_hand(&mut context);
    start(&context).await.unwrap();
    let begin = *lock(&time);
    let days = |days: i64| begin + SignedDuration::from_hours(24 * days);
    for jump in [3650, -1, 0, 3650, -3650, 31, 0] {
        *lock(&time) = days(jump);
        attempt(&context, Cause::Due, &mut None).await.unwrap();
        store::load(&context).await.unwrap();
        assert!(context.ring().active().is_some(), "nothing to seal with at day {jump}");
        assert_eq!(cluster.count(), 1, "a key was made at day {jump}, although this process made one just now");
    }
}

#[tokio::test]
async fn after_a_restart_under_a_clock_that_jumped_there_is_one_new_key() {
    let cluster = Cluster::default();
    let first = context(&cluster, &[]);
    *lock(&cluster.time) = Some(first.now());
    start(&first).await.unwrap();
    for (jump, keys) in [(-1, 1), (3650, 2), (-3650, 2), (3650, 2), (0, 2)] {
        let mut context = context(&cluster, &["--key-renew-period=720h"]);
        let time = set_by_hand(&mut context);
        let now = *lock(&time) + SignedDuration::from_hours(24 * jump);
        *lock(&time) = now;
        start(&context).await.unwrap();
        attempt(&context, Cause::Due, &mut None).await.unwrap();
        attempt(&context, Cause::Due, &mut None).await.unwrap();
        assert_eq!(cluster.count(), keys, "day {jump}");
        assert!(context.ring().active().is_some(), "day {jump}");
    }
}

#[tokio::test]
async fn metrics_tell_how_old_the_active_key_is_and_whether_a_backup_holds_it() {
    let cluster = Cluster::default();
    let context = context(&cluster, &[]);
    start(&context).await.unwrap();
    let shown = || {
        let metrics = &context.metrics;
        [metrics.keys_without_backup.get(), metrics.active_key_created.get(), metrics.active_key_backup.get()]
    };
    let ring = context.ring();
    let active = ring.active().unwrap();
    let created = active.certificate.as_ref().unwrap().not_before().as_second();
    assert_eq!(shown(), [1, created, 0]);
    // A record of another key under the same name counts for nothing.
    for (version, fingerprint, expected) in
        [("2", "SHA256:other", [1, created, 0]), ("3", active.key.fingerprint().as_str(), [0, created, 1_800_000_000])]
    {
        let recorded = json!({ "sealedsecrets.bitnami.com/backed-up-at": "2027-01-15T08:00:00Z",
            "sealedsecrets.bitnami.com/backed-up-fingerprint": fingerprint });
        {
            let mut secrets = lock(&cluster.secrets);
            let metadata = secrets.first_mut().unwrap().pointer_mut("/metadata").unwrap().as_object_mut().unwrap();
            metadata.insert("annotations".to_owned(), recorded);
            metadata.insert("resourceVersion".to_owned(), json!(version));
        }
        store::load(&context).await.unwrap();
        assert_eq!(shown(), expected);
    }
}
