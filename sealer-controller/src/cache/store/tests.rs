#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;

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
    let cache = Cache::default();
    let key = Key::new("ns", "a");
    let none = json!({});
    assert_eq!(cache.observe(object("1", 1, None, &none)), WatchOutcome::New);
    assert!(cache.take(&key).is_some());
    cache.settled(&key, Ok(in_order("7")));
    assert_eq!(cache.observe(object("1", 1, Some(1), &none)), WatchOutcome::Same, "own status write");
    assert_eq!(
        cache.observe(object("1", 1, Some(1), &json!({"other": "x"}))),
        WatchOutcome::Same,
        "foreign annotation"
    );
    assert_eq!(cache.observe(object("1", 2, Some(1), &none)), WatchOutcome::New, "new spec");
    cache.take(&key);
    let cluster_wide = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
    assert_eq!(cache.observe(object("1", 2, Some(2), &cluster_wide)), WatchOutcome::New, "new scope");
    cache.take(&key);
    let leave = json!({"sealedsecrets.bitnami.com/replace-immutable": "true"});
    assert_eq!(cache.observe(object("1", 2, Some(2), &leave)), WatchOutcome::New, "leave to make the Secret again");
    cache.take(&key);
    assert_eq!(cache.observe(object("2", 2, Some(2), &cluster_wide)), WatchOutcome::New, "made anew");
    assert!(!cache.secret_changed(&key, &secret("8")), "it is looked at anyway");
    cache.take(&key);
    cache.settled(&key, Ok(in_order("8")));
    assert!(!cache.secret_changed(&key, &secret("8")), "own write");
    assert!(!cache.changed_meanwhile(&key));
    assert!(cache.secret_changed(&key, &secret("9")), "somebody else's");
    assert!(cache.changed_meanwhile(&key));
    cache.take(&key);
    assert!(!cache.changed_meanwhile(&key), "the next look sees it");
    assert_eq!(cache.prune_missing(Some("other"), &[]), []);
    assert_eq!(cache.prune_missing(None, &[]), std::slice::from_ref(&key));
    assert!(cache.uid_of_gone(&key).is_some() && !cache.knows(&key));
}

#[test]
fn a_failure_and_a_missing_secret_are_remembered() {
    let cache = Cache::default();
    let key = Key::new("ns", "a");
    assert_eq!(cache.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    cache.take(&key);
    let failure = Failure::unmanaged("a");
    assert!(cache.settled(&key, Err(&failure)), "news");
    assert!(!cache.settled(&key, Err(&failure)), "known");
    assert!(cache.has_failed(&key));
    assert_eq!(cache.without_secret(None, &[], cache.changes()), [], "it had none");
    assert!(cache.settled(&key, Ok(in_order("7"))));
    assert!(!cache.has_failed(&key));
    assert_eq!(cache.without_secret(Some("ns"), &[], cache.changes()), std::slice::from_ref(&key));
    assert_eq!(cache.without_secret(None, &[], cache.changes() - 1), [], "it was made while the list was read");
    assert_eq!(cache.without_secret(Some("other"), &[], cache.changes()), []);
    assert_eq!(cache.without_secret(None, std::slice::from_ref(&key), cache.changes()), []);
}

#[test]
fn without_a_status_the_look_itself_is_what_was_observed() {
    let key = Key::new("ns", "a");
    for (cache, again) in [(Cache::default(), true), (Cache::without_status(), false)] {
        assert_eq!(cache.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
        cache.take(&key);
        cache.settled(&key, Ok(in_order("7")));
        let seen = if again { WatchOutcome::New } else { WatchOutcome::Same };
        assert_eq!(cache.observe(object("1", 1, None, &json!({}))), seen);
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
        let cache = Cache::default();
        cache.recall([(key.clone(), Record { sealed: sealed.clone(), secret: in_order("7") })]);
        assert!(cache.recalls());
        assert!(seen.is_none_or(|version| !cache.secret_changed(&key, &secret(version))));
        assert_eq!(cache.observe(object), expected, "case {at}");
        assert!(!cache.recalls());
        let trusted = expected == WatchOutcome::Synced;
        assert_eq!(cache.secret_changed(&key, &secret("9")), trusted, "from then on it is as any other");
        let mut records = 0;
        cache.records(|_, _| records += 1);
        assert_eq!(records, usize::from(trusted));
        // Where the Secret was not seen, the worker looks at it before it opens anything.
        assert_eq!(cache.unproven(&key).is_some(), matches!(at, 1 | 2), "case {at}");
        assert_eq!(cache.unproven(&key), None);
    }
    let cache = Cache::default();
    cache.recall([(key.clone(), Record { sealed, secret: in_order("7") })]);
    cache.secret_changed(&key, &secret("7"));
    cache.secret_deleted(&key, "s");
    assert_eq!(cache.observe(synced("1", 1)), WatchOutcome::New, "deleted before the object was seen");
}

#[test]
fn only_the_secret_that_is_deleted_on_behalf_of_an_object_is_expected_to_go() {
    let (cache, key) = (Cache::default(), Key::new("ns", "a"));
    assert!(!cache.secret_deleted(&key, "s"));
    cache.observe(synced("1", 1));
    assert!(!cache.was_synced(&key));
    cache.settled(&key, Ok(in_order("7")));
    assert!(cache.was_synced(&key));
    cache.expect_deletion(&key, "s");
    assert!(cache.secret_deleted(&key, "s"));
    assert!(!cache.secret_deleted(&key, "s"), "once");
    cache.expect_deletion(&key, "s");
    assert!(!cache.secret_deleted(&key, "t"), "another one");
    cache.expect_deletion(&key, "s");
    cache.expect_deletion(&key, "");
    assert!(!cache.secret_deleted(&key, "s") && !cache.secret_deleted(&key, ""), "taken back");
}

#[test]
fn only_so_many_objects_are_held_whole() {
    let cache = Cache::default();
    let keys: Vec<Key> = (0..10).map(|at| Key::new("ns", format!("{at}"))).collect();
    let large = |key: &Key, uid: &str| {
        let mut object = value(uid, 1, None, &json!({}));
        object["metadata"]["name"] = json!(key.name);
        object["spec"]["encryptedData"] = json!({"k": "x".repeat(MOST_WEIGHT / 8)});
        sighting(&object)
    };
    for key in &keys {
        assert_eq!(cache.observe(large(key, "1")), WatchOutcome::New);
        assert_eq!(cache.observe(large(key, "1")), WatchOutcome::Same);
    }
    cache.observe(large(&keys[0], "2"));
    assert_eq!(keys.iter().filter(|key| cache.take(key).is_some()).count(), 7);
    assert_eq!(cache.lock().weight, 0);
    cache.observe(large(&keys[0], "3"));
    cache.mark_gone(&keys[0]);
    assert_eq!(cache.lock().weight, 0);
}

fn named(namespace: &str, name: &str) -> (Key, Sighting) {
    let mut object = value("1", 1, None, &json!({}));
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!(namespace);
    (Key::new(namespace, name), sighting(&object))
}

#[test]
fn names_are_those_of_a_namespace_without_the_deleted_ones() {
    let cache = Cache::default();
    for (namespace, name) in [("ns", "b"), ("ns", "a"), ("ns", "gone"), ("other", "c")] {
        cache.observe(named(namespace, name).1);
    }
    let gone = Key::new("ns", "gone");
    cache.mark_gone(&gone);
    assert_eq!(cache.names("ns"), ["a", "b"]);
    assert!(cache.knows(&Key::new("ns", "a")) && !cache.knows(&gone) && !cache.knows(&Key::new("ns", "c")));
    assert!(cache.has_any_in("ns") && cache.has_any_in("other") && !cache.has_any_in("nowhere"));
    cache.mark_gone(&Key::new("other", "c"));
    assert!(!cache.has_any_in("other"));
    cache.forget(&Key::new("ns", "a"));
    assert!(cache.knows(&Key::new("ns", "a")), "only what is gone is forgotten");
    cache.forget(&gone);
    assert!(cache.uid_of_gone(&gone).is_none());
}

/// The checkpoint is written when this count moved.
#[test]
fn every_change_of_a_record_is_counted() {
    let cache = Cache::default();
    let (key, object) = named("ns", "a");
    let mut before = cache.changes();
    let mut moved = |what: &str| {
        let now = cache.changes();
        assert!(now > before, "{what}");
        before = now;
    };
    cache.observe(object);
    moved("it was seen");
    cache.settled(&key, Ok(in_order("7")));
    moved("it was settled");
    cache.mark_gone(&key);
    moved("it went");
    cache.forget(&key);
    moved("it was forgotten");
}

#[test]
fn only_what_is_in_order_now_is_recorded() {
    let cache = Cache::default();
    let names = ["order", "waits", "gone", "failed", "never"];
    for name in names {
        let (key, object) = named("ns", name);
        cache.observe(object);
        cache.take(&key);
        if name != "never" {
            cache.settled(&key, Ok(in_order("7")));
        }
    }
    let mut changed = value("1", 2, Some(1), &json!({}));
    changed["metadata"]["name"] = json!("waits");
    cache.observe(sighting(&changed));
    cache.mark_gone(&Key::new("ns", "gone"));
    cache.settled(&Key::new("ns", "failed"), Err(&Failure::unmanaged("failed")));
    let mut recorded = Vec::new();
    cache.records(|key, record| recorded.push((key.name.clone(), record.secret)));
    assert_eq!(recorded, [("order".to_owned(), in_order("7"))]);
}

#[test]
fn a_list_ends_what_it_does_not_show_in_its_namespace_alone() {
    let cache = Cache::default();
    let record = |name: &str| (Key::new(name, "a"), Record { sealed: Identity::default(), secret: in_order("7") });
    cache.recall([record("one"), record("other")]);
    cache.prune_missing(Some("one"), &[]);
    let mut left = Vec::new();
    cache.records(|key, _| left.push(key.namespace.clone()));
    assert_eq!(left, ["other"]);
    cache.prune_missing(None, &[]);
    assert!(!cache.recalls());
}

#[test]
fn unopened_are_those_that_no_key_opened() {
    let cache = Cache::default();
    for (name, reason) in [("sealed", Reason::Unseal), ("foreign", Reason::Unmanaged), ("refused", Reason::Update)] {
        let (key, object) = named("ns", name);
        cache.observe(object);
        cache.settled(&key, Err(&Failure { reason, ..Failure::unmanaged(name) }));
    }
    assert_eq!(cache.unopened(), [Key::new("ns", "sealed")]);
}

#[test]
fn a_cause_is_looked_for_once_a_generation_and_the_keys_are_remembered_beyond() {
    let cache = Cache::default();
    let key = Key::new("ns", "a");
    let keys: std::sync::Arc<[_]> = [sealer_core::UnsealingKey::generate(1024).unwrap().fingerprint().clone()].into();
    cache.observe(object("1", 1, None, &json!({})));
    let generation = |generation| object("1", generation, None, &json!({})).identity;
    assert_eq!(cache.explanation(&key, &generation(1)), None);
    cache.explained(&key, generation(1), None);
    cache.take(&key);
    cache.settled(&key, Ok(SyncedSecret::new(&secret("7"), keys.clone())));
    // The status was not written: it is looked at again, and is the same.
    assert_eq!(cache.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    assert_eq!((cache.explanation(&key, &generation(1)), cache.hints(&key).keys), (Some(None), keys.clone()));
    assert_eq!(cache.observe(object("1", 2, None, &json!({}))), WatchOutcome::New);
    assert_eq!((cache.explanation(&key, &generation(2)), cache.hints(&key).keys), (None, keys));
}
