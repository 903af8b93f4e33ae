#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;
use crate::watch::object_state::Identity;

fn object(uid: &str, generation: i64, observed: Option<i64>, annotations: &Value) -> Sighting {
    sighting(&value(uid, generation, observed, annotations))
}

fn sighting(object: &Value) -> Sighting {
    Sighting::read(&object.to_string()).unwrap()
}

fn value(uid: &str, generation: i64, observed: Option<i64>, annotations: &Value) -> Value {
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "a", "namespace": "ns", "uid": uid, "generation": generation, "annotations": annotations},
        "spec": {}, "status": {"observedGeneration": observed},
    })
}

fn secret(version: &str) -> ObjectMeta {
    ObjectMeta { uid: Some("s".into()), resource_version: Some(version.into()), ..ObjectMeta::default() }
}

fn in_order(version: &str) -> SyncedSecret {
    SyncedSecret::new(&secret(version), [].into())
}

fn synced(uid: &str, generation: i64) -> Sighting {
    let mut object = value(uid, generation, Some(generation), &json!({}));
    object["status"]["conditions"] = json!([{"type": "Synced", "status": "True"}]);
    sighting(&object)
}

#[test]
fn only_what_changes_the_outcome_is_looked_at_again() {
    let index = Index::default();
    let key = Key::new("ns", "a");
    let none = json!({});
    assert_eq!(index.observe(object("1", 1, None, &none)), WatchOutcome::New);
    assert!(index.take(&key).is_some());
    index.settled(&key, Ok(in_order("7")));
    assert_eq!(index.observe(object("1", 1, Some(1), &none)), WatchOutcome::Same, "own status write");
    assert_eq!(
        index.observe(object("1", 1, Some(1), &json!({"other": "x"}))),
        WatchOutcome::Same,
        "foreign annotation"
    );
    assert_eq!(index.observe(object("1", 2, Some(1), &none)), WatchOutcome::New, "new spec");
    index.take(&key);
    let cluster_wide = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
    assert_eq!(index.observe(object("1", 2, Some(2), &cluster_wide)), WatchOutcome::New, "new scope");
    index.take(&key);
    let leave = json!({"sealedsecrets.bitnami.com/replace-immutable": "true"});
    assert_eq!(index.observe(object("1", 2, Some(2), &leave)), WatchOutcome::New, "leave to make the Secret again");
    index.take(&key);
    assert_eq!(index.observe(object("2", 2, Some(2), &cluster_wide)), WatchOutcome::New, "made anew");
    assert!(!index.secret_changed(&key, &secret("8")), "it is looked at anyway");
    index.take(&key);
    index.settled(&key, Ok(in_order("8")));
    assert!(!index.secret_changed(&key, &secret("8")), "own write");
    assert!(!index.changed_meanwhile(&key));
    assert!(index.secret_changed(&key, &secret("9")), "somebody else's");
    assert!(index.changed_meanwhile(&key));
    index.take(&key);
    assert!(!index.changed_meanwhile(&key), "the next look sees it");
    assert_eq!(index.prune_missing(Some("other"), &[]), []);
    assert_eq!(index.prune_missing(None, &[]), std::slice::from_ref(&key));
    assert!(index.uid_of_gone(&key).is_some() && !index.knows(&key));
}

#[test]
fn a_failure_and_a_missing_secret_are_remembered() {
    let index = Index::default();
    let key = Key::new("ns", "a");
    assert_eq!(index.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    index.take(&key);
    let failure = Failure::unmanaged("a");
    assert!(index.settled(&key, Err(&failure)), "news");
    assert!(!index.settled(&key, Err(&failure)), "known");
    assert!(index.has_failed(&key));
    assert_eq!(index.without_secret(None, &[], index.changes()), [], "it had none");
    assert!(index.settled(&key, Ok(in_order("7"))));
    assert!(!index.has_failed(&key));
    assert_eq!(index.without_secret(Some("ns"), &[], index.changes()), std::slice::from_ref(&key));
    assert_eq!(index.without_secret(None, &[], index.changes() - 1), [], "it was made while the list was read");
    assert_eq!(index.without_secret(Some("other"), &[], index.changes()), []);
    assert_eq!(index.without_secret(None, std::slice::from_ref(&key), index.changes()), []);
}

#[test]
fn without_a_status_the_look_itself_is_what_was_observed() {
    let key = Key::new("ns", "a");
    for (index, again) in [(Index::default(), true), (Index::without_status(), false)] {
        assert_eq!(index.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
        index.take(&key);
        index.settled(&key, Ok(in_order("7")));
        let seen = if again { WatchOutcome::New } else { WatchOutcome::Same };
        assert_eq!(index.observe(object("1", 1, None, &json!({}))), seen);
    }
}

#[test]
fn what_was_in_order_before_a_restart_is_trusted_only_at_the_same_versions() {
    let key = Key::new("ns", "a");
    let sealed = synced("1", 1).identity;
    // The Secret as it is seen before the object, the object, and what becomes of it.
    let cases = [
        (Some("7"), synced("1", 1), WatchOutcome::Synced),
        (Some("8"), synced("1", 1), WatchOutcome::New),
        (None, synced("1", 1), WatchOutcome::New),
        (Some("7"), synced("1", 2), WatchOutcome::New),
        (Some("7"), synced("2", 1), WatchOutcome::New),
        (Some("7"), object("1", 1, Some(1), &json!({})), WatchOutcome::New),
    ];
    for (at, (seen, object, expected)) in cases.into_iter().enumerate() {
        let index = Index::default();
        index.recall([(key.clone(), Record { sealed: sealed.clone(), secret: in_order("7") })]);
        assert!(index.recalls());
        assert!(seen.is_none_or(|version| !index.secret_changed(&key, &secret(version))));
        assert_eq!(index.observe(object), expected, "case {at}");
        assert!(!index.recalls());
        let trusted = expected == WatchOutcome::Synced;
        assert_eq!(index.secret_changed(&key, &secret("9")), trusted, "from then on it is as any other");
        let mut records = 0;
        index.records(|_, _| records += 1);
        assert_eq!(records, usize::from(trusted));
        // Where the Secret was not seen, the worker looks at it before it opens anything.
        assert_eq!(index.unproven(&key).is_some(), matches!(at, 1 | 2), "case {at}");
        assert_eq!(index.unproven(&key), None);
    }
    let index = Index::default();
    index.recall([(key.clone(), Record { sealed, secret: in_order("7") })]);
    index.secret_changed(&key, &secret("7"));
    index.secret_deleted(&key, "s");
    assert_eq!(index.observe(synced("1", 1)), WatchOutcome::New, "deleted before the object was seen");
}

#[test]
fn only_the_secret_that_is_deleted_on_behalf_of_an_object_is_expected_to_go() {
    let (index, key) = (Index::default(), Key::new("ns", "a"));
    assert!(!index.secret_deleted(&key, "s"));
    index.observe(synced("1", 1));
    assert!(!index.was_synced(&key));
    index.settled(&key, Ok(in_order("7")));
    assert!(index.was_synced(&key));
    index.expect_deletion(&key, "s");
    assert!(index.secret_deleted(&key, "s"));
    assert!(!index.secret_deleted(&key, "s"), "once");
    index.expect_deletion(&key, "s");
    assert!(!index.secret_deleted(&key, "t"), "another one");
    index.expect_deletion(&key, "s");
    index.expect_deletion(&key, "");
    assert!(!index.secret_deleted(&key, "s") && !index.secret_deleted(&key, ""), "taken back");
}

#[test]
fn only_so_many_objects_are_held_whole() {
    let index = Index::default();
    let keys: Vec<Key> = (0..10).map(|at| Key::new("ns", format!("{at}"))).collect();
    let large = |key: &Key, uid: &str| {
        let mut object = value(uid, 1, None, &json!({}));
        object["metadata"]["name"] = json!(key.name);
        object["spec"]["encryptedData"] = json!({"k": "x".repeat(MOST_WEIGHT / 8)});
        sighting(&object)
    };
    for key in &keys {
        assert_eq!(index.observe(large(key, "1")), WatchOutcome::New);
        assert_eq!(index.observe(large(key, "1")), WatchOutcome::Same);
    }
    index.observe(large(&keys[0], "2"));
    assert_eq!(keys.iter().filter(|key| index.take(key).is_some()).count(), 7);
    assert_eq!(index.lock().weight, 0);
    index.observe(large(&keys[0], "3"));
    index.mark_gone(&keys[0]);
    assert_eq!(index.lock().weight, 0);
}

fn named(namespace: &str, name: &str) -> (Key, Sighting) {
    let mut object = value("1", 1, None, &json!({}));
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!(namespace);
    (Key::new(namespace, name), sighting(&object))
}

#[test]
fn names_are_those_of_a_namespace_without_the_deleted_ones() {
    let index = Index::default();
    for (namespace, name) in [("ns", "b"), ("ns", "a"), ("ns", "gone"), ("other", "c")] {
        index.observe(named(namespace, name).1);
    }
    let gone = Key::new("ns", "gone");
    index.mark_gone(&gone);
    assert_eq!(index.names("ns"), ["a", "b"]);
    assert!(index.knows(&Key::new("ns", "a")) && !index.knows(&gone) && !index.knows(&Key::new("ns", "c")));
    assert!(index.has_any_in("ns") && index.has_any_in("other") && !index.has_any_in("nowhere"));
    index.mark_gone(&Key::new("other", "c"));
    assert!(!index.has_any_in("other"));
    index.forget(&Key::new("ns", "a"));
    assert!(index.knows(&Key::new("ns", "a")), "only what is gone is forgotten");
    index.forget(&gone);
    assert!(index.uid_of_gone(&gone).is_none());
}

/// The checkpoint is written when this count moved.
#[test]
fn every_change_of_a_record_is_counted() {
    let index = Index::default();
    let (key, object) = named("ns", "a");
    let mut before = index.changes();
    let mut moved = |what: &str| {
        let now = index.changes();
        assert!(now > before, "{what}");
        before = now;
    };
    index.observe(object);
    moved("it was seen");
    index.settled(&key, Ok(in_order("7")));
    moved("it was settled");
    index.mark_gone(&key);
    moved("it went");
    index.forget(&key);
    moved("it was forgotten");
}

#[test]
fn only_what_is_in_order_now_is_recorded() {
    let index = Index::default();
    let names = ["order", "waits", "gone", "failed", "never"];
    for name in names {
        let (key, object) = named("ns", name);
        index.observe(object);
        index.take(&key);
        if name != "never" {
            index.settled(&key, Ok(in_order("7")));
        }
    }
    let mut changed = value("1", 2, Some(1), &json!({}));
    changed["metadata"]["name"] = json!("waits");
    index.observe(sighting(&changed));
    index.mark_gone(&Key::new("ns", "gone"));
    index.settled(&Key::new("ns", "failed"), Err(&Failure::unmanaged("failed")));
    let mut recorded = Vec::new();
    index.records(|key, record| recorded.push((key.name.clone(), record.secret)));
    assert_eq!(recorded, [("order".to_owned(), in_order("7"))]);
}

#[test]
fn a_list_ends_what_it_does_not_show_in_its_namespace_alone() {
    let index = Index::default();
    let record = |name: &str| (Key::new(name, "a"), Record { sealed: Identity::default(), secret: in_order("7") });
    index.recall([record("one"), record("other")]);
    index.prune_missing(Some("one"), &[]);
    let mut left = Vec::new();
    index.records(|key, _| left.push(key.namespace.clone()));
    assert_eq!(left, ["other"]);
    index.prune_missing(None, &[]);
    assert!(!index.recalls());
}

#[test]
fn a_new_key_brings_back_what_no_key_opened_and_nothing_else() {
    let (index, queue) = (Index::default(), Queue::default());
    for (name, reason) in [("sealed", Reason::Unseal), ("foreign", Reason::Unmanaged), ("refused", Reason::Update)] {
        let (key, object) = named("ns", name);
        index.observe(object);
        index.settled(&key, Err(&Failure { reason, ..Failure::unmanaged(name) }));
    }
    index.requeue_unopened(&queue);
    assert_eq!(queue.len(), 1);
    assert_eq!(futures::FutureExt::now_or_never(queue.next()), Some(Key::new("ns", "sealed")));
}

#[test]
fn a_cause_is_looked_for_once_a_generation_and_the_keys_are_remembered_beyond() {
    let index = Index::default();
    let key = Key::new("ns", "a");
    let keys: std::sync::Arc<[_]> = [sealer_core::UnsealingKey::generate(1024).unwrap().fingerprint().clone()].into();
    index.observe(object("1", 1, None, &json!({})));
    let generation = |generation| object("1", generation, None, &json!({})).identity;
    assert_eq!(index.explanation(&key, &generation(1)), None);
    index.explained(&key, generation(1), None);
    index.take(&key);
    index.settled(&key, Ok(SyncedSecret::new(&secret("7"), keys.clone())));
    // The status was not written: it is looked at again, and is the same.
    assert_eq!(index.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    assert_eq!((index.explanation(&key, &generation(1)), index.hints(&key).keys), (Some(None), keys.clone()));
    assert_eq!(index.observe(object("1", 2, None, &json!({}))), WatchOutcome::New);
    assert_eq!((index.explanation(&key, &generation(2)), index.hints(&key).keys), (None, keys));
}
