#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::args::{self, Request as Asked};
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;

mod changes;

fn informers(context: Context) -> Informers {
    Informers {
        context: Arc::new(context),
        cache: Arc::default(),
        queue: Arc::default(),
        watched: Arc::default(),
        progress: Arc::default(),
        readiness: Arc::default(),
    }
}

/// A controller whose API server streams no lists, and ends each watch at once. SealedSecrets are listed as `items`, and
/// the right to watch them is granted or not.
fn listing(items: &'static str, allowed: bool) -> Arc<Informers> {
    let service = tower::service_fn(move |request: Request<Body>| {
        let query = request.uri().query().unwrap_or_default();
        let (code, text) = if request.uri().path().ends_with("/selfsubjectaccessreviews") {
            (201, json!({ "status": { "allowed": allowed } }).to_string())
        } else if query.contains("sendInitialEvents=true") {
            (422, json!({ "kind": "Status", "code": 422, "reason": "Invalid" }).to_string())
        } else if query.contains("watch=true") {
            (200, String::new())
        } else {
            (200, format!(r#"{{"metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#))
        };
        let answer = Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap();
        futures::future::ready(Ok::<_, std::convert::Infallible>(answer))
    });
    let Ok(Asked::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
    Arc::new(informers(Context::new(Client::new(service, "default"), *config)))
}

/// Has the watch of SealedSecrets run for a while.
async fn watch_for(informers: &Arc<Informers>, time: Duration) {
    let watch = sealed_secrets::follow(informers.clone(), None, CancellationToken::new());
    assert!(tokio::time::timeout(time, watch).await.is_err(), "the watch ends");
}

#[tokio::test(start_paused = true)]
async fn listed_object_with_a_name_alone_is_counted_queued_and_not_gone() {
    // Twice a spec: only its metadata can be read.
    let informers = listing(r#"{"metadata":{"name":"bad","namespace":"ns","uid":"u"},"spec":{},"spec":{}}"#, true);
    for name in ["bad", "deleted"] {
        let seen = json!({ "metadata": { "name": name, "namespace": "ns", "uid": "u", "resourceVersion": "1" } });
        informers.cache.observe(Sighting::read(&seen.to_string()).unwrap());
        informers.cache.look(&Key::new("ns", name));
    }
    watch_for(&informers, Duration::from_secs(5)).await;
    let (bad, deleted) = (Key::new("ns", "bad"), Key::new("ns", "deleted"));
    assert!(informers.cache.knows(&bad), "it counts as deleted");
    assert!(!informers.cache.knows(&deleted), "the list shows that it went");
    // A worker asks for it by its name, and for the other one as well.
    assert_eq!([informers.queue.next().await, informers.queue.next().await], [bad, deleted]);
    assert_eq!(informers.queue.len(), 0);
    let metrics = informers.context.metrics.text();
    assert!(metrics.contains("unreadable_objects_total{kind=\"sealedsecret\"} 1\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_watch_sealed_secrets_it_is_not_ready() {
    for (allowed, failures) in [(true, &["no sealing key"][..]), (false, &NOT_READY)] {
        let informers = listing("", allowed);
        watch_for(&informers, Duration::from_secs(605)).await;
        informers.progress.report(&informers.readiness);
        assert_eq!(informers.readiness.failures(), failures, "allowed: {allowed}");
    }
}

const NOT_READY: [&str; 2] = ["no sealing key", "the watch of SealedSecrets does not progress"];
