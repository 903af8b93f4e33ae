#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use sealer_core::api::{KEY_LABEL, KEY_RECORD_SECRET, TRUSTED_KEY_ANNOTATION};
use sealer_core::key::record::KeyRecord;
use sealer_core::key::stored::{Naming, to_secret};
use sealer_core::{Certificate, UnsealingKey, base64};
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
    /// Secrets that are no keys, and keys that are found by their name.
    named: Arc<Mutex<BTreeMap<String, Value>>>,
    events: Arc<Mutex<Vec<Value>>>,
    /// So many lists of Secrets to come are cut off.
    lists_to_cut: Arc<Mutex<u32>>,
    /// So many lists of Secrets to come have lost all of theirs.
    lists_to_empty: Arc<Mutex<u32>>,
    /// So many lists of Secrets to come show them at a newer version and without data.
    lists_to_hollow: Arc<Mutex<u32>>,
    /// So many answers to come that hold the record of keys are cut off.
    records_to_cut: Arc<Mutex<u32>>,
    /// So many answers to come that hold the record of keys have lost its data.
    records_to_hollow: Arc<Mutex<u32>>,
    /// A verb that RBAC does not allow.
    denied: Arc<Mutex<&'static str>>,
    /// What watches are answered with, in turn; after that they hear nothing.
    watches: Arc<Mutex<std::collections::VecDeque<(u16, String)>>>,
}

impl Cluster {
    fn client(&self) -> Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move {
                let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
                let told = if is_watch { lock(&cluster.watches).pop_front() } else { None };
                let answer = match told {
                    Some((code, text)) => {
                        let answer = Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap();
                        answer.map(BodyExt::boxed_unsync)
                    }
                    None if is_watch => watch(),
                    None => cluster.answer(request).await.map(BodyExt::boxed_unsync),
                };
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (folder, name) = path.rsplit_once('/').unwrap();
        let (code, answer) = match (method, name) {
            (Method::POST, "selfsubjectaccessreviews") => self.review(body),
            (Method::POST, "events") => {
                lock(&self.events).push(body.clone());
                (201, body)
            }
            (Method::POST, "secrets") if body["metadata"]["name"].is_null() => self.create(body),
            (Method::POST, "secrets") => self.put(None, body),
            (Method::PUT, name) if folder.ends_with("/secrets") => self.put(Some(name), body),
            (_, "secrets") => {
                let mut left = lock(&self.lists_to_cut);
                if *left > 0 {
                    *left -= 1;
                    return Response::new(Body::from(b"{\"kind\":\"SecretLi".to_vec()));
                }
                (200, json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": self.listed(&query) }))
            }
            (_, name) => {
                let mut left = lock(&self.records_to_cut);
                if *left > 0 && name == KEY_RECORD_SECRET {
                    *left -= 1;
                    return Response::new(Body::from(b"{\"kind\":\"Sec".to_vec()));
                }
                let mut found = lock(&self.named).get(name).cloned();
                let mut left = lock(&self.records_to_hollow);
                if *left > 0 && name == KEY_RECORD_SECRET {
                    *left -= 1;
                    found.iter_mut().for_each(|record| record["data"] = Value::Null);
                }
                found.map_or_else(|| (404, refusal(404, "NotFound")), |found| (200, found))
            }
        };
        Response::builder().status(code).body(Body::from(answer.to_string().into_bytes())).unwrap()
    }

    /// The Secrets that a selector chooses, as far as the answer holds them.
    fn listed(&self, query: &str) -> Vec<Value> {
        let mut empty = lock(&self.lists_to_empty);
        let wanted = form(query, "labelSelector");
        let has_label = |secret: &&Value| match wanted.split_once('=') {
            Some((name, value)) => {
                let labels = secret.pointer("/metadata/labels").and_then(Value::as_object);
                labels.is_none_or(|all| all.get(name).is_some_and(|given| given == value))
            }
            None => wanted.is_empty(),
        };
        let mut items: Vec<Value> = lock(&self.secrets).iter().filter(has_label).cloned().collect();
        if *empty > 0 {
            *empty -= 1;
            items.clear();
        }
        let mut hollow = lock(&self.lists_to_hollow);
        if *hollow > 0 {
            *hollow -= 1;
            for item in &mut items {
                item["data"] = Value::Null;
                item["metadata"]["resourceVersion"] = json!("99");
            }
        }
        items
    }

    fn create(&self, mut secret: Value) -> (u16, Value) {
        let mut secrets = lock(&self.secrets);
        let name = format!("key-{}", secrets.len());
        let created = lock(&self.time).map_or_else(|| "2020-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        let set =
            json!({ "name": name, "namespace": "kube-system", "resourceVersion": "1", "creationTimestamp": created });
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

    fn review(&self, mut question: Value) -> (u16, Value) {
        let verb = question["spec"]["resourceAttributes"]["verb"].clone();
        question["status"] = json!({ "allowed": verb != *lock(&self.denied) });
        (201, question)
    }

    /// Stores a Secret that is given its name, as an API server does.
    fn put(&self, over: Option<&str>, mut secret: Value) -> (u16, Value) {
        let mut named = lock(&self.named);
        let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
        let there = named.get(&name);
        let version = there.map_or(0, |there| there["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap());
        match (over, there) {
            (None, Some(_)) => return (409, refusal(409, "AlreadyExists")),
            (Some(_), None) => return (404, refusal(404, "NotFound")),
            (Some(_), Some(there)) if there["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"] => {
                return (409, refusal(409, "Conflict"));
            }
            _ => {}
        }
        secret["metadata"]["resourceVersion"] = json!((version + 1_u32).to_string());
        named.insert(name, secret.clone());
        (200, secret)
    }

    /// What the controllers recorded.
    fn record(&self) -> KeyRecord {
        let stored = lock(&self.named).get(KEY_RECORD_SECRET).cloned().unwrap_or_default();
        let text = base64::decode(stored["data"]["keys"].as_str().unwrap_or_default()).unwrap();
        KeyRecord::from_json(&text).unwrap_or_default()
    }

    /// Somebody brings a key.
    fn bring(&self, key: &UnsealingKey, days_old: i64, metadata: &Value) {
        lock(&self.secrets).push(key_secret(key, days_old, metadata));
    }
}

/// A watch whose list is through at once, and that tells nothing afterwards.
fn watch() -> Response<UnsyncBoxBody<Bytes, kube::Error>> {
    let listed = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9",
        "annotations": {"k8s.io/initial-events-end": "true"}}}});
    let first = futures::stream::iter([Ok(Frame::data(Bytes::from(format!("{listed}\n"))))]);
    Response::new(StreamBody::new(first.chain(futures::stream::pending())).boxed_unsync())
}

/// A value of a query, decoded as far as label selectors need.
fn form(query: &str, name: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value).next().unwrap_or_default();
    value.replace("%2F", "/").replace("%3D", "=")
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

#[tokio::test]
async fn one_answer_without_keys_is_not_believed() {
    let cluster = Cluster::default();
    let context = context(&cluster, &[]);
    start(&context).await.unwrap();
    for answers in [&cluster.lists_to_empty, &cluster.lists_to_hollow] {
        *lock(answers) = 1;
        store::load(&context).await.unwrap();
        assert!(context.ring().active().is_some());
        assert_eq!((context.metrics.keys_gone.get(), *lock(answers)), (0, 0));
        assert_eq!(context.metrics.broken_keys.get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_whose_secrets_are_all_gone_open_and_do_not_seal_and_one_follows() {
    let cluster = Cluster::default();
    let context = Arc::new(context(&cluster, &[]));
    start(&context).await.unwrap();
    let old = context.ring().active().unwrap().key.fingerprint().clone();
    let removed = std::mem::take(&mut *lock(&cluster.secrets));
    // However often it is listed, it is told once.
    for _ in 0..3 {
        store::load(&context).await.unwrap();
        assert!(context.ring().active().is_none(), "a certificate is served whose key nobody can load again");
        assert!(context.ring().get(&old).is_some(), "what is sealed opens still");
    }
    assert_eq!(context.metrics.keys_gone.get(), 1);
    let reasons: Vec<_> = lock(&cluster.events).iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(reasons, ["SealingKeyGone"]);
    let renewing = tokio::spawn(renew(context.clone(), CancellationToken::new()));
    while cluster.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store::load(&context).await.unwrap();
    renewing.abort();
    let ring = context.ring();
    assert!(ring.active().is_some_and(|entry| entry.key.fingerprint() != &old));
    assert!(ring.get(&old).is_some() && ring.entries().len() == 2 && cluster.count() == 1);
    // The next one goes as well: another follows at once, and both open values.
    lock(&cluster.secrets).clear();
    store::load(&context).await.unwrap();
    assert!(context.ring().active().is_none());
    assert!(until_due(&context).is_zero(), "no key is made for a month");
    bring_new_key(&context, Cause::Due).await;
    assert!(context.ring().active().is_some() && context.ring().entries().len() == 3);
    // It comes back, from a backup.
    lock(&cluster.secrets).extend(removed.into_iter().map(|mut secret| {
        secret["metadata"]["name"] = json!("restored");
        secret
    }));
    store::load(&context).await.unwrap();
    assert_eq!(context.ring().entries().iter().filter(|entry| entry.certificate.is_some()).count(), 2);
    assert_eq!(context.metrics.keys_gone.get(), 2);
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

/// Keys that others bring.
static STRANGERS: std::sync::LazyLock<[UnsealingKey; 2]> =
    std::sync::LazyLock::new(|| std::array::from_fn(|_| UnsealingKey::generate(2048).unwrap()));

fn key_secret(key: &UnsealingKey, days_old: i64, metadata: &Value) -> Value {
    let now = Context::new(Cluster::default().client(), config(&[])).now();
    let begin = now - SignedDuration::from_hours(24 * days_old);
    let certificate = Certificate::self_signed(key, "", begin, Duration::from_secs(10 * 365 * 86_400)).unwrap();
    let mut secret = serde_json::to_value(to_secret(key, &certificate, &Naming::default())).unwrap();
    let set = json!({ "name": "brought", "resourceVersion": "1", "creationTimestamp": "2020-01-01T00:00:00Z" });
    let fields = secret["metadata"].as_object_mut().unwrap();
    fields.remove("generateName");
    for part in [&set, metadata] {
        fields.extend(part.as_object().unwrap().clone());
    }
    secret
}

fn config(given: &[&str]) -> args::Config {
    let given: Vec<_> = given.iter().chain(&["--key-size=2048"]).map(|arg| (*arg).to_owned()).collect();
    let Ok(Asked::Run(config)) = args::read(&given, |_| None) else { panic!("arguments") };
    *config
}

fn vouch(key: &UnsealingKey) -> Value {
    json!({ "annotations": { TRUSTED_KEY_ANNOTATION: key.fingerprint().as_str() } })
}

async fn started(cluster: &Cluster, given: &[&str]) -> Context {
    let context = context(cluster, given);
    start(&context).await.unwrap();
    context
}

/// T-K2: a key that appears while no controller runs is counted and told as one that appears before its eyes.
#[tokio::test]
async fn a_key_of_others_is_told_at_the_first_load_once_there_is_a_record() {
    let cluster = Cluster::default();
    let [stranger, other] = &*STRANGERS;
    drop(started(&cluster, &[]).await);
    assert_eq!(cluster.count(), 1);
    cluster.bring(stranger, 30, &json!({}));
    let again = started(&cluster, &[]).await;
    assert_eq!((again.metrics.foreign_keys.get(), again.ring().entries().len()), (1, 2));
    let events = lock(&cluster.events).clone();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["involvedObject"]["name"], &events[0]["reason"]),
        (&json!("brought"), &json!("UnknownSealingKey"))
    );
    assert!(events[0]["message"].as_str().unwrap().contains(stranger.fingerprint().as_str()));
    // It is no news at the next start; what comes live is.
    let third = started(&cluster, &[]).await;
    assert_eq!(third.metrics.foreign_keys.get(), 0);
    cluster.bring(other, 30, &json!({ "name": "brought-2" }));
    store::load(&third).await.unwrap();
    store::load(&third).await.unwrap();
    assert_eq!((third.metrics.foreign_keys.get(), lock(&cluster.events).len()), (1, 2));
}

#[tokio::test]
async fn keys_of_an_earlier_controller_are_taken_as_known_at_the_very_first_start() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 1, &json!({}));
    let context = started(&cluster, &[]).await;
    assert_eq!((context.metrics.foreign_keys.get(), lock(&cluster.events).len(), cluster.count()), (0, 0, 1));
    assert_eq!(context.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
    let record = cluster.record();
    assert!(record.is_known(stranger.fingerprint()) && !record.is_made(stranger.fingerprint()));
}

/// T-K2: what is told to be trusted is sealed with, and everything opens.
#[tokio::test]
async fn a_key_of_others_seals_only_where_it_is_trusted() {
    let [stranger, other] = &*STRANGERS;
    for (mode, metadata, seals) in [
        ("always", json!({}), true),
        ("annotated", json!({}), false),
        ("annotated", vouch(other), false),
        ("annotated", vouch(stranger), true),
        ("never", json!({}), false),
        ("never", vouch(stranger), false),
    ] {
        for is_first_start in [true, false] {
            let flag = format!("--trust-new-keys={mode}");
            let cluster = Cluster::default();
            let own = if is_first_start { None } else { started(&cluster, &[&flag]).await.ring().active().cloned() };
            // Its first day is later than that of the own key, but not in the future.
            let before = cluster.count();
            cluster.bring(stranger, 0, &metadata);
            let context = started(&cluster, &[&flag]).await;
            let ring = context.ring();
            let active = ring.active().unwrap();
            let case = format!("{mode} {metadata} {is_first_start}");
            assert!(ring.get(stranger.fingerprint()).is_some(), "{case}: it opens");
            let is_active = active.key.fingerprint() == stranger.fingerprint();
            if let Some(own) = own {
                // Of two keys of one second the first one made stays active.
                assert!(
                    seals || active.key.fingerprint() == own.key.fingerprint(),
                    "{case}: the own key is sealed with"
                );
                assert_eq!(cluster.count(), before + 1, "{case}: no key is made for it");
            } else {
                assert_eq!(is_active, seals, "{case}");
                assert_eq!(cluster.count(), before + 1 + usize::from(!seals), "{case}: an own key is made");
            }
            let has_certificate = ring.get(stranger.fingerprint()).unwrap().certificate.is_some();
            assert_eq!((has_certificate, context.metrics.untrusted_keys.get()), (seals, i64::from(!seals)), "{case}");
        }
    }
}

#[tokio::test]
async fn a_record_that_somebody_deletes_makes_no_stranger_trusted() {
    let flag = ["--trust-new-keys=annotated"];
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    let first = started(&cluster, &flag).await.ring().active().unwrap().key.fingerprint().clone();
    assert!(cluster.record().is_made(&first));
    lock(&cluster.named).clear();
    cluster.bring(stranger, 0, &json!({}));
    let context = started(&cluster, &flag).await;
    let active = context.ring().active().unwrap().key.fingerprint().clone();
    assert!(active != first && active != *stranger.fingerprint(), "a new key is made");
    assert_eq!((context.ring().entries().len(), context.metrics.untrusted_keys.get()), (3, 2));
    // Vouching for the old one brings it back, live.
    {
        let mut secrets = lock(&cluster.secrets);
        let metadata = secrets[0]["metadata"].as_object_mut().unwrap();
        metadata.insert("resourceVersion".to_owned(), json!("2"));
        metadata.insert("annotations".to_owned(), json!({ TRUSTED_KEY_ANNOTATION: first.as_str() }));
    }
    store::load(&context).await.unwrap();
    assert_eq!(context.metrics.untrusted_keys.get(), 1);
    assert!(context.ring().get(&first).unwrap().certificate.is_some());
}

#[tokio::test]
async fn where_no_record_may_be_kept_only_strict_trust_is_refused() {
    for (verb, what) in [("update", None), ("", Some("Opaque"))] {
        for (mode, starts) in [("always", true), ("annotated", false), ("never", false)] {
            let cluster = Cluster::default();
            *lock(&cluster.denied) = verb;
            if let Some(type_) = what {
                let foreign =
                    json!({ "metadata": { "name": KEY_RECORD_SECRET, "resourceVersion": "1" }, "type": type_ });
                lock(&cluster.named).insert(KEY_RECORD_SECRET.to_owned(), foreign);
            }
            let context = context(&cluster, &[&format!("--trust-new-keys={mode}")]);
            let outcome = start(&context).await;
            assert_eq!(outcome.is_ok(), starts, "{mode} without {verb}");
            assert_eq!(cluster.count(), usize::from(starts), "{mode} without {verb}");
            if let Err(error) = outcome {
                assert!(error.to_string().contains("--trust-new-keys=always"), "{error}");
            }
        }
    }
}

/// T-K2: what came out of a SealedSecret is neither a key nor a record, whatever its name and labels are.
#[tokio::test]
async fn what_a_sealed_secret_made_is_no_key_and_no_record() {
    let cluster = Cluster::default();
    let [labelled, legacy] = &*STRANGERS;
    let owner = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": "u", "controller": true }]);
    cluster.bring(labelled, 0, &json!({ "ownerReferences": owner }));
    let prefix = "sealed-secrets-key";
    let by_name = key_secret(legacy, 0, &json!({ "name": prefix, "labels": {}, "ownerReferences": owner }));
    lock(&cluster.named).insert(prefix.to_owned(), by_name);
    let mut forged = KeyRecord::default();
    STRANGERS.iter().for_each(|key| forged.add_made(key.fingerprint()));
    let record = json!({ "metadata": { "name": KEY_RECORD_SECRET, "resourceVersion": "1", "ownerReferences": owner },
        "type": "sealedsecrets.bitnami.com/checkpoint", "data": { "keys": base64::encode(forged.to_json()) } });
    lock(&cluster.named).insert(KEY_RECORD_SECRET.to_owned(), record);
    let context = started(&cluster, &["--trust-new-keys=annotated"]).await;
    let ring = context.ring();
    assert_eq!((ring.entries().len(), context.metrics.broken_keys.get()), (1, 2));
    assert!(STRANGERS.iter().all(|key| ring.get(key.fingerprint()).is_none()));
    assert!(STRANGERS.iter().all(|key| !cluster.record().is_known(key.fingerprint())), "the forged record is replaced");
    assert!(cluster.record().is_made(ring.active().unwrap().key.fingerprint()));
    // Without the owner the same Secrets are keys: the test looks at the owner alone.
    let loose = Cluster::default();
    loose.bring(labelled, 0, &json!({}));
    lock(&loose.named).insert(prefix.to_owned(), key_secret(legacy, 0, &json!({ "name": prefix, "labels": {} })));
    assert_eq!(started(&loose, &[]).await.ring().entries().len(), 2);
}

/// T-K2: a first day in the future does not make a key the active one.
#[tokio::test]
async fn a_first_day_in_the_future_does_not_win() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    let own = started(&cluster, &[]).await.ring().active().unwrap().key.fingerprint().clone();
    cluster.bring(stranger, -365, &json!({}));
    let context = started(&cluster, &[]).await;
    assert_eq!(*context.ring().active().unwrap().key.fingerprint(), own);
    assert!(context.ring().get(stranger.fingerprint()).is_some());
}

/// Two controllers: what the one makes is no stranger to the other, which trusts it as its own.
#[tokio::test]
async fn a_key_of_the_other_replica_is_known_by_the_record() {
    let flag = ["--trust-new-keys=never"];
    let cluster = Cluster::default();
    let one = started(&cluster, &flag).await;
    let other = started(&cluster, &flag).await;
    bring_new_key(&one, Cause::Asked).await;
    store::load(&other).await.unwrap();
    assert_eq!(other.ring().entries().len(), 2);
    assert_eq!((other.metrics.foreign_keys.get(), other.metrics.untrusted_keys.get()), (0, 0));
    assert!(other.ring().entries().iter().all(|entry| entry.certificate.is_some()));
    assert_eq!(lock(&cluster.events).len(), 0);
    let label = lock(&cluster.secrets)[0]["metadata"]["labels"][KEY_LABEL].clone();
    assert_eq!(label, "active");
}

#[tokio::test(start_paused = true)]
async fn a_key_secret_that_cannot_be_read_hides_no_other_and_a_known_key_stays() {
    let cluster = Cluster::default();
    let context = context(&cluster, &[]);
    start(&context).await.unwrap();
    attempt(&context, Cause::Asked, &mut None).await.unwrap();
    assert_eq!(context.ring().entries().len(), 2);
    let spoil = |pointer: &str, value: Value| {
        *lock(&cluster.secrets).first_mut().unwrap().pointer_mut(pointer).unwrap() = value;
    };
    let first = lock(&cluster.secrets).first().unwrap().clone();
    for (pointer, odd, broken, keys) in [
        ("/metadata/creationTimestamp", json!("9999-12-31T23:59:59Z"), 0, 2),
        ("/metadata/creationTimestamp", json!(5), 0, 2),
        ("/metadata/labels", json!([]), 1, 2),
        ("/metadata/name", json!(5), 1, 2),
        ("/data", json!({ "tls.key": 5 }), 1, 2),
        ("", json!(null), 1, 2),
    ] {
        spoil(pointer, odd);
        store::load(&context).await.unwrap();
        assert_eq!((context.metrics.broken_keys.get(), context.ring().entries().len()), (broken, keys), "{pointer}");
        *lock(&cluster.secrets).first_mut().unwrap() = first.clone();
    }
    // One that was never read is counted, and the other serves.
    spoil("/data", json!([]));
    let again = self::context(&cluster, &[]);
    start(&again).await.unwrap();
    assert_eq!((again.metrics.broken_keys.get(), again.ring().entries().len()), (1, 1));
    assert_eq!(cluster.count(), 2, "no key was made for it");
}

/// A change of the keys is told once; the list that it asks for is asked for again until it can be read.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_again_until_the_answer_can_be_read() {
    let cluster = Cluster::default();
    let context = started(&cluster, &[]).await;
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    *lock(&cluster.lists_to_cut) = 4;
    let followed = tokio::time::timeout(Duration::from_secs(120), store::follow(&context)).await;
    assert!(followed.is_err(), "the watch ends");
    assert_eq!((context.ring().entries().len(), *lock(&cluster.lists_to_cut)), (2, 0));
}

/// The same where one key Secret of the list cannot be read.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_again_while_one_cannot_be_read() {
    let cluster = Cluster::default();
    let context = started(&cluster, &[]).await;
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    let good = lock(&cluster.secrets).last().cloned().unwrap();
    *lock(&cluster.secrets).last_mut().unwrap() = json!(null);
    let follow = store::follow(&context);
    let mend = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(context.ring().entries().len(), 1);
        *lock(&cluster.secrets).last_mut().unwrap() = good;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(context.ring().entries().len(), 2);
    };
    tokio::select! {
        () = follow => panic!("the watch ends"),
        () = mend => {}
    }
}

/// T-K2: a record whose answers are spoilt is read again before a key counts as known.
#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_at_first_still_tells_a_strangers_key() {
    let cluster = Cluster::default();
    let [stranger, _] = &*STRANGERS;
    drop(started(&cluster, &[]).await);
    cluster.bring(stranger, 30, &json!({}));
    (*lock(&cluster.records_to_cut), *lock(&cluster.records_to_hollow)) = (1, 1);
    let again = started(&cluster, &[]).await;
    assert_eq!(again.metrics.foreign_keys.get(), 1);
    assert_eq!((*lock(&cluster.records_to_cut), *lock(&cluster.records_to_hollow)), (0, 0));
}

/// At start nothing is known that an empty answer could be held against.
#[tokio::test(start_paused = true)]
async fn an_answer_without_keys_at_start_does_not_end_in_one_too_many() {
    let cluster = Cluster::default();
    drop(started(&cluster, &[]).await);
    for spoilt in [&cluster.lists_to_empty, &cluster.lists_to_hollow] {
        *lock(spoilt) = 1;
        let again = started(&cluster, &[]).await;
        assert_eq!((cluster.count(), again.ring().entries().len(), again.metrics.broken_keys.get()), (1, 1, 0));
    }
}

/// At start the newest key may be the one that cannot be read, and an older one would be served.
#[tokio::test(start_paused = true)]
async fn start_waits_a_little_for_a_list_that_can_be_read_whole() {
    let cluster = Cluster::default();
    drop(started(&cluster, &[]).await);
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, 30, &json!({}));
    let own = lock(&cluster.secrets).first().cloned().unwrap();
    *lock(&cluster.secrets).first_mut().unwrap() = json!(null);
    let context = context(&cluster, &[]);
    let mend = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(context.ring().is_empty(), "a part of the keys is in use");
        *lock(&cluster.secrets).first_mut().unwrap() = own;
    };
    let (began, ()) = tokio::join!(start(&context), mend);
    began.unwrap();
    assert_eq!(context.ring().entries().len(), 2);
}

/// T-K2: the label makes a key, with the value that Bitnami's controller looks for.
#[tokio::test]
async fn a_secret_without_the_label_is_no_key_whatever_it_holds() {
    let cluster = Cluster::default();
    let [one, other] = &*STRANGERS;
    cluster.bring(one, 0, &json!({ "name": "unmarked", "labels": {} }));
    cluster.bring(other, 0, &json!({ "name": "retired", "labels": { KEY_LABEL: "compromised" } }));
    let context = started(&cluster, &[]).await;
    let ring = context.ring();
    assert_eq!((ring.entries().len(), cluster.count()), (1, 3), "a key of its own is made");
    assert!(STRANGERS.iter().all(|key| ring.get(key.fingerprint()).is_none()));
}

/// Follows the keys until a condition holds; the clock runs by itself while nothing else happens.
async fn follow_until(context: &Context, what: &str, mut holds: impl FnMut() -> bool) {
    let condition = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(3600), async {
        tokio::select! {
            () = store::follow(context) => panic!("it ends"),
            () = condition => {}
        }
    });
    assert!(outcome.await.is_ok(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn keys_are_followed_by_a_watch() {
    let cluster = Cluster::default();
    let context = started(&cluster, &[]).await;
    let event = json!({ "type": "ADDED", "object": { "metadata": { "name": "brought", "namespace": "kube-system",
        "resourceVersion": "8" } } });
    let listed = json!({ "type": "BOOKMARK", "object": { "metadata": { "resourceVersion": "7",
        "annotations": { "k8s.io/initial-events-end": "true" } } } });
    cluster.bring(&STRANGERS[0], 0, &json!({}));
    let began = Instant::now();
    lock(&cluster.watches).push_back((200, format!("{listed}\n{event}\n")));
    follow_until(&context, "the event is not heard", || context.ring().entries().len() == 2).await;
    assert!(began.elapsed() < Duration::from_secs(15), "it was not the event that brought it");
}

/// Without the right to watch, and with a watch that is refused in spite of the right, keys are listed now and then.
#[tokio::test(start_paused = true)]
async fn keys_are_listed_where_they_cannot_be_watched() {
    for is_told in [true, false] {
        let cluster = Cluster::default();
        let context = started(&cluster, &[]).await;
        if is_told {
            *lock(&cluster.denied) = "watch";
        } else {
            lock(&cluster.watches).push_back((403, refusal(403, "Forbidden").to_string()));
        }
        cluster.bring(&STRANGERS[0], 0, &json!({}));
        follow_until(&context, "lists", || context.ring().entries().len() == 2).await;
    }
}

/// A watch that breaks for another reason goes on, and is not given up for lists.
#[tokio::test(start_paused = true)]
async fn a_watch_of_keys_that_breaks_goes_on() {
    let cluster = Cluster::default();
    let context = started(&cluster, &[]).await;
    for _ in 0..2 {
        lock(&cluster.watches).push_back((500, refusal(500, "InternalError").to_string()));
    }
    follow_until(&context, "the watch is not asked for again", || lock(&cluster.watches).is_empty()).await;
}

/// A key that is told of once is no news at the next look.
#[tokio::test]
async fn a_key_of_others_is_counted_once() {
    let cluster = Cluster::default();
    let context = started(&cluster, &[]).await;
    cluster.bring(&STRANGERS[0], 0, &json!({}));
    for _ in 0..2 {
        store::load(&context).await.unwrap();
        assert_eq!(context.metrics.foreign_keys.get(), 1);
    }
}

#[tokio::test]
async fn a_small_key_opens_and_does_not_seal() {
    let cluster = Cluster::default();
    let small = UnsealingKey::generate(1024).unwrap();
    cluster.bring(&small, 0, &json!({}));
    let context = started(&cluster, &[]).await;
    let ring = context.ring();
    assert!(ring.get(small.fingerprint()).is_some(), "it opens");
    assert_ne!(ring.active().unwrap().key.fingerprint(), small.fingerprint());
    assert_eq!(cluster.count(), 2, "a key to seal with is made");
}

#[tokio::test]
async fn a_key_of_tomorrow_becomes_the_active_one_tomorrow() {
    let cluster = Cluster::default();
    let mut context = context(&cluster, &[]);
    let time = set_by_hand(&mut context);
    start(&context).await.unwrap();
    let [stranger, _] = &*STRANGERS;
    cluster.bring(stranger, -1, &json!({}));
    store::load(&context).await.unwrap();
    assert_ne!(context.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
    {
        let mut time = lock(&time);
        *time += SignedDuration::from_hours(48);
    }
    store::load(&context).await.unwrap();
    assert_eq!(context.ring().active().unwrap().key.fingerprint(), stranger.fingerprint());
}

#[tokio::test]
async fn keys_are_ordered_by_their_certificate_or_by_their_secret() {
    let [one, other] = &*STRANGERS;
    for (order, active) in [("CertNotBefore", one), ("SecretCreationTimestamp", other)] {
        let cluster = Cluster::default();
        cluster.bring(one, 1, &json!({ "name": "one", "creationTimestamp": "2021-01-01T00:00:00Z" }));
        cluster.bring(other, 2, &json!({ "name": "other", "creationTimestamp": "2022-01-01T00:00:00Z" }));
        let context = started(&cluster, &[&format!("--key-order-priority={order}")]).await;
        assert_eq!(context.ring().active().unwrap().key.fingerprint(), active.fingerprint(), "{order}");
    }
}

/// Two controllers write the record at once: neither forgets what the other made.
#[tokio::test]
async fn records_that_are_written_at_once_lose_nothing() {
    let flag = ["--trust-new-keys=never"];
    let cluster = Cluster::default();
    let one = started(&cluster, &flag).await;
    let other = started(&cluster, &flag).await;
    // Each of them has met the version before the other's write.
    for context in [&one, &other, &one] {
        bring_new_key(context, Cause::Asked).await;
    }
    assert_eq!(cluster.count(), 4);
    for context in [&one, &other] {
        store::load(context).await.unwrap();
        let ring = context.ring();
        assert_eq!((ring.entries().len(), context.metrics.untrusted_keys.get()), (4, 0));
        assert!(ring.entries().iter().all(|entry| cluster.record().is_made(entry.key.fingerprint())));
    }
}

#[tokio::test]
async fn a_new_key_comes_when_it_is_asked_for() {
    let cluster = Cluster::default();
    let context = Arc::new(started(&cluster, &[]).await);
    let stop = CancellationToken::new();
    let renewing = tokio::spawn(renew(context.clone(), stop.clone()));
    context.keys.ask_for_new_key();
    let mut version = context.keys.version.subscribe();
    tokio::time::timeout(Duration::from_secs(60), version.changed()).await.unwrap().unwrap();
    assert_eq!((cluster.count(), context.ring().entries().len()), (2, 2));
    stop.cancel();
    assert!(renewing.await.unwrap().is_ok());
}

/// At start the cutoff alone is judged: a key that is old is renewed afterwards.
#[tokio::test]
async fn an_old_key_is_enough_to_start_with() {
    let cluster = Cluster::default();
    cluster.bring(&STRANGERS[0], 60, &json!({}));
    let context = started(&cluster, &["--key-renew-period=720h"]).await;
    assert_eq!(cluster.count(), 1);
    assert!(until_due(&context).is_zero(), "it is renewed then");
}

#[tokio::test]
async fn a_ring_that_is_the_same_wakes_nobody() {
    let context = started(&Cluster::default(), &[]).await;
    let before = context.keys.version();
    assert!(!context.keys.replace(context.ring()));
    assert_eq!(context.keys.version(), before);
    context.keys.replace(Keyring::new(Vec::new()));
    assert_ne!(context.keys.version(), before);
}

#[tokio::test]
async fn keys_are_followed_until_it_is_told_to_stop() {
    let context = Arc::new(started(&Cluster::default(), &[]).await);
    let stop = CancellationToken::new();
    let following = tokio::spawn(follow(context, stop.clone()));
    tokio::task::yield_now().await;
    assert!(!following.is_finished());
    stop.cancel();
    assert!(following.await.unwrap().is_ok());
}

#[test]
fn attempts_wait_longer_each_time_up_to_five_minutes() {
    let waits: Vec<u64> = [0, 1, 2, 8, 9, 100, u32::MAX].map(|failures| retry_after(failures).as_secs()).into();
    assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300]);
}
