//! What is to be done about SealedSecrets and Secrets that the watches bring.

use futures::FutureExt as _;
use kube::Client;
use kube::api::ObjectMeta;
use serde_json::json;

use super::*;
use crate::args::{self, Request as Asked};
use crate::cache::object_state::SyncedSecret;
use crate::cache::record::Record;
use crate::error::Failure;
use crate::kube::identity::Identity;
use crate::kube::object_key::Key;
use crate::kube::sealed_secret::Sighting;
use crate::kube::secret::Seen as SecretSeen;
use crate::workers::queue::Priority;

fn nothing_known() -> Informers {
    let Ok(Asked::Run(config)) = args::read(&[], |_| None) else { panic!("arguments") };
    // Nothing here comes near the API server.
    let service = tower::service_fn(async |_: Request<Body>| Err::<Response<Body>, _>(std::io::Error::other("closed")));
    informers(Context::new(Client::new(service, "default"), *config))
}

fn sighting(generation: i64, is_synced: bool) -> Sighting {
    let conditions = if is_synced { json!([{ "type": "Synced", "status": "True" }]) } else { json!([]) };
    let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": {},
        "metadata": { "name": "a", "namespace": "ns", "uid": "u", "generation": generation },
        "status": { "observedGeneration": generation, "conditions": conditions } });
    Sighting::read(&object.to_string()).unwrap()
}

fn secret(version: &str) -> ObjectMeta {
    ObjectMeta { uid: Some("s".into()), resource_version: Some(version.into()), ..ObjectMeta::default() }
}

fn seen(version: &str, controlled_by: Option<&str>, is_managed: bool) -> SecretSeen {
    let controlled_by = controlled_by.map(str::to_owned);
    SecretSeen { key: Key::new("ns", "a"), metadata: secret(version), controlled_by, is_managed }
}

/// A controller with one object whose Secret is in order at version 5.
fn in_order() -> Informers {
    let informers = nothing_known();
    let key = Key::new("ns", "a");
    informers.cache.observe(sighting(1, true));
    informers.cache.settle(&key, Ok(SyncedSecret::new(&secret("5"), [].into())));
    informers
}

#[tokio::test]
async fn a_secret_that_somebody_else_changed_is_looked_at() {
    let informers = in_order();
    secrets::changed(&informers, &seen("5", None, false), Priority::High);
    assert_eq!(informers.queue.len(), 0, "our own write");
    secrets::changed(&informers, &seen("6", None, false), Priority::High);
    assert_eq!(informers.queue.len(), 1);
    let key = informers.queue.next().now_or_never().unwrap();
    informers.cache.begun(&key);
    secrets::changed(&informers, &seen("7", None, false), Priority::High);
    informers.queue.done(&key);
    assert_eq!(informers.queue.len(), 0, "the worker that has it sees that");
    let mut foreign = seen("6", None, false);
    foreign.key.name = "other".to_owned();
    secrets::changed(&informers, &foreign, Priority::High);
    assert_eq!(informers.queue.len(), 0, "it belongs to no SealedSecret");
}

#[tokio::test]
async fn a_deleted_secret_is_made_again_if_it_was_ours_or_in_the_way() {
    for (controlled_by, is_managed, has_failed, expected) in [
        (Some("a"), false, false, 1),
        (Some("b"), false, false, 0),
        (None, true, false, 1),
        (None, false, true, 1),
        (None, false, false, 0),
    ] {
        let informers = in_order();
        if has_failed {
            informers.cache.settle(&Key::new("ns", "a"), Err(&Failure::unmanaged("a")));
        }
        secrets::deleted(&informers, seen("5", controlled_by, is_managed));
        assert_eq!(informers.queue.len(), expected, "{controlled_by:?} {is_managed} {has_failed}");
    }
    let nothing = nothing_known();
    secrets::deleted(&nothing, seen("5", Some("a"), true));
    assert_eq!(nothing.queue.len(), 0, "its SealedSecret is gone");
}

#[tokio::test]
async fn object_is_queued_unless_unchanged_or_synced_before_restart() {
    let shown =
        |informers: &Informers| informers.context.metrics.text().lines().any(|line| line.contains("name=\"a\""));
    let informers = in_order();
    sealed_secrets::appeared(&informers, sighting(1, true), Priority::High);
    assert_eq!(informers.queue.len(), 0);
    sealed_secrets::appeared(&informers, sighting(2, false), Priority::High);
    assert_eq!((informers.queue.len(), shown(&informers)), (1, false));
    for omit in [false, true] {
        let mut informers = nothing_known();
        Arc::get_mut(&mut informers.context).unwrap().config.omit_secret_labels = omit;
        let sealed = Identity { uid: "u".into(), generation: 1, ..Identity::default() };
        let record = Record { sealed, secret: SyncedSecret::new(&secret("5"), [].into()) };
        informers.cache.recall([(Key::new("ns", "a"), record)]);
        informers.cache.secret_changed(&Key::new("ns", "a"), &secret("5"));
        sealed_secrets::appeared(&informers, sighting(1, true), Priority::Low);
        assert_eq!((informers.queue.len(), shown(&informers)), (0, !omit), "its metric is there without a look");
    }
}

#[test]
fn each_namespace_is_watched_or_all_at_once() {
    assert_eq!(namespaces(&Watched::All), [None]);
    let these = Watched::These(["a".to_owned(), "b".to_owned()].into());
    assert_eq!(namespaces(&these), [Some("a".to_owned()), Some("b".to_owned())]);
}
