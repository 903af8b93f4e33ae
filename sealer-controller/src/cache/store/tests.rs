#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::sync::Arc;

use sealer_core::Fingerprint;
use serde_json::{Value, json};

use super::view::MOST_WEIGHT;
use super::*;
use crate::error::Failure;

/// What tests of other rooms do as a worker would.
impl Cache {
    /// Has a worker begin with an object.
    pub(crate) fn begun(&self, key: &Key) -> Begun {
        let Begin::Work(begun) = self.begin(key, Instant::now()) else { unreachable!("it is paused") };
        *begun
    }

    /// Has a worker look at an object and find out nothing.
    pub(crate) fn look(&self, key: &Key) -> Begun {
        let begun = self.begun(key);
        self.finish(key, Outcome::Unfinished, None, Instant::now());
        begun
    }

    /// Has a worker look at the object as it is, and come to that outcome; says whether that is news.
    pub(crate) fn settle(&self, key: &Key, outcome: Result<SyncedSecret, &Failure>) -> bool {
        self.begun(key);
        let looked_at = self.lock().all[key].identity.clone();
        let outcome = match outcome {
            Ok(secret) => Outcome::Synced { looked_at, secret, wrote: false },
            Err(failure) => Outcome::Failed { looked_at, reason: failure.reason },
        };
        self.finish(key, outcome, None, Instant::now()).is_news
    }

    /// Whether an object that was deleted is still remembered.
    pub(crate) fn remembers_deleted(&self, key: &Key) -> bool {
        self.lock().all.get(key).is_some_and(|entry| entry.state.is_deleted())
    }
}

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
    assert!(cache.look(&key).text.is_some());
    cache.settle(&key, Ok(in_order("7")));
    assert_eq!(cache.observe(object("1", 1, Some(1), &none)), WatchOutcome::Same, "own status write");
    assert_eq!(
        cache.observe(object("1", 1, Some(1), &json!({"other": "x"}))),
        WatchOutcome::Same,
        "foreign annotation"
    );
    assert_eq!(cache.observe(object("1", 2, Some(1), &none)), WatchOutcome::New, "new spec");
    cache.look(&key);
    let cluster_wide = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
    assert_eq!(cache.observe(object("1", 2, Some(2), &cluster_wide)), WatchOutcome::New, "new scope");
    cache.look(&key);
    let leave = json!({"sealedsecrets.bitnami.com/replace-immutable": "true"});
    assert_eq!(cache.observe(object("1", 2, Some(2), &leave)), WatchOutcome::New, "leave to make the Secret again");
    cache.look(&key);
    assert_eq!(cache.observe(object("2", 2, Some(2), &cluster_wide)), WatchOutcome::New, "made anew");
    assert!(!cache.secret_changed(&key, &secret("8")), "it is looked at anyway");
    cache.look(&key);
    cache.settle(&key, Ok(in_order("8")));
    assert!(!cache.secret_changed(&key, &secret("8")), "own write");
    assert!(cache.secret_changed(&key, &secret("9")), "somebody else's");
    assert_eq!(cache.prune_missing(Some("other"), &[]), []);
    assert_eq!(cache.prune_missing(None, &[]), std::slice::from_ref(&key));
    assert!(cache.remembers_deleted(&key) && !cache.knows(&key));
}

#[test]
fn a_failure_and_a_missing_secret_are_remembered() {
    let cache = Cache::default();
    let key = Key::new("ns", "a");
    assert_eq!(cache.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    cache.look(&key);
    let failure = Failure::unmanaged("a");
    assert!(cache.settle(&key, Err(&failure)), "news");
    assert!(!cache.settle(&key, Err(&failure)), "known");
    assert!(cache.has_failed(&key));
    assert_eq!(cache.without_secret(None, &[], cache.changes()), [], "it had none");
    assert!(cache.settle(&key, Ok(in_order("7"))));
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
        cache.look(&key);
        cache.settle(&key, Ok(in_order("7")));
        let seen = if again { WatchOutcome::New } else { WatchOutcome::Same };
        assert_eq!(cache.observe(object("1", 1, None, &json!({}))), seen);
    }
}

#[test]
fn restart_trusts_only_objects_of_the_same_version() {
    let key = Key::new("ns", "a");
    let sealed = synced("1", 1).identity;
    // The Secret as it is seen before the object, the object, and what becomes of it.
    let cases = [
        (Some("7"), synced("1", 1), as_recorded()),
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
        let trusted = expected == as_recorded();
        assert_eq!(cache.secret_changed(&key, &secret("9")), trusted, "from then on it is as any other");
        let mut records = 0;
        cache.records(|_| true, |_, _| records += 1);
        assert_eq!(records, usize::from(trusted));
        // Where the Secret was not seen, the worker looks at it before it opens anything.
        assert_eq!(cache.begun(&key).recalled.is_some(), matches!(at, 1 | 2), "case {at}");
    }
    let cache = Cache::default();
    cache.recall([(key.clone(), Record { sealed, secret: in_order("7") })]);
    cache.secret_changed(&key, &secret("7"));
    cache.secret_deleted(&key, "s");
    assert_eq!(cache.observe(synced("1", 1)), WatchOutcome::New, "deleted before the object was seen");
}

#[test]
fn deletion_is_expected_only_of_the_secret_deleted_for_it() {
    let (cache, key) = (Cache::default(), Key::new("ns", "a"));
    assert!(!cache.secret_deleted(&key, "s"));
    cache.observe(synced("1", 1));
    assert!(!cache.look(&key).was_synced);
    cache.settle(&key, Ok(in_order("7")));
    assert!(cache.look(&key).was_synced);
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
    assert_eq!(keys.iter().filter(|key| cache.look(key).text.is_some()).count(), 7);
    assert_eq!(cache.lock().weight, 0);
    cache.observe(large(&keys[0], "3"));
    cache.mark_deleted(&keys[0]);
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
    cache.mark_deleted(&gone);
    assert_eq!(cache.names("ns"), ["a", "b"]);
    assert!(cache.knows(&Key::new("ns", "a")) && !cache.knows(&gone) && !cache.knows(&Key::new("ns", "c")));
    assert!(cache.has_any_in("ns") && cache.has_any_in("other") && !cache.has_any_in("nowhere"));
    cache.mark_deleted(&Key::new("other", "c"));
    assert!(!cache.has_any_in("other"));
    cache.finish(&Key::new("ns", "a"), Outcome::Gone, None, Instant::now());
    assert!(cache.knows(&Key::new("ns", "a")), "only what is gone is forgotten");
    cache.finish(&gone, Outcome::Gone, None, Instant::now());
    assert!(!cache.remembers_deleted(&gone));
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
    cache.settle(&key, Ok(in_order("7")));
    moved("it was settled");
    cache.mark_deleted(&key);
    moved("it went");
    cache.finish(&key, Outcome::Gone, None, Instant::now());
    moved("it was forgotten");
}

#[test]
fn only_what_is_in_order_now_is_recorded() {
    let cache = Cache::default();
    let names = ["order", "waits", "gone", "failed", "never"];
    for name in names {
        let (key, object) = named("ns", name);
        cache.observe(object);
        cache.look(&key);
        if name != "never" {
            cache.settle(&key, Ok(in_order("7")));
        }
    }
    let mut changed = value("1", 2, Some(1), &json!({}));
    changed["metadata"]["name"] = json!("waits");
    cache.observe(sighting(&changed));
    cache.mark_deleted(&Key::new("ns", "gone"));
    cache.settle(&Key::new("ns", "failed"), Err(&Failure::unmanaged("failed")));
    let mut recorded = Vec::new();
    cache.records(|_| true, |key, record| recorded.push((key.name.clone(), record.secret)));
    assert_eq!(recorded, [("order".to_owned(), in_order("7"))]);
}

fn keys() -> Arc<[Fingerprint]> {
    let key = sealer_core::UnsealingKey::generate(1024).unwrap();
    [key.fingerprint().clone()].into()
}

fn hints(cache: &Cache) -> Vec<(String, Record)> {
    let mut hints = Vec::new();
    cache.records(|_| true, |key, record| hints.push((key.name.clone(), record)));
    hints
}

#[test]
fn keys_that_opened_an_object_elsewhere_are_likely_and_nothing_more_is_believed() {
    let (key, keys) = (Key::new("ns", "a"), keys());
    let elsewhere =
        Record { sealed: synced("0", 1).identity, secret: SyncedSecret { keys: keys.clone(), ..in_order("7") } };
    for record in [elsewhere, Record::hint(keys.clone())] {
        let cache = Cache::default();
        cache.recall([(key.clone(), record.clone())]);
        assert_eq!(cache.recalls(), !record.is_hint(), "nobody waits to compare what only says which key is likely");
        assert!(!cache.secret_changed(&key, &secret("7")));
        assert_eq!(cache.observe(synced("1", 1)), WatchOutcome::New);
        // Until it is opened, the next start is to know as much.
        assert_eq!(hints(&cache), [("a".to_owned(), Record::hint(keys.clone()))]);
        let begun = cache.begun(&key);
        assert_eq!(begun.hints.keys, keys);
        assert!(begun.recalled.is_none() && !begun.was_synced);
    }
}

/// A restored cluster has its Secrets, and so the checkpoint, back before its SealedSecrets.
#[test]
fn what_is_not_there_yet_keeps_its_likely_keys() {
    let (key, keys) = (Key::new("ns", "a"), keys());
    let cache = Cache::default();
    cache.recall([(key.clone(), Record::hint(keys.clone())), (Key::new("other", "a"), Record::hint(keys.clone()))]);
    cache.prune_missing(Some("ns"), &[]);
    assert_eq!(hints(&cache), [("a".to_owned(), Record::hint(keys.clone()))], "of the other namespace");
    cache.prune_missing(None, &[]);
    assert_eq!(hints(&cache), [], "what never comes back is written no more");
    cache.observe(synced("1", 1));
    assert_eq!(cache.begun(&key).hints.keys, keys);
    assert_eq!(cache.lock().absent.len(), 1);
}

#[test]
fn an_object_that_failed_keeps_its_likely_keys_for_the_next_start() {
    let (cache, key, keys) = (Cache::default(), Key::new("ns", "a"), keys());
    cache.observe(synced("1", 1));
    cache.settle(&key, Ok(SyncedSecret { keys: keys.clone(), ..in_order("7") }));
    cache.settle(&key, Err(&Failure::unmanaged("a")));
    assert_eq!(hints(&cache), [("a".to_owned(), Record::hint(keys.clone()))]);
    cache.mark_deleted(&key);
    assert_eq!(hints(&cache), []);
}

#[test]
fn objects_are_counted_by_state() {
    let cache = Cache::default();
    for name in ["synced", "failed", "pending", "gone"] {
        cache.observe(named("ns", name).1);
    }
    cache.settle(&Key::new("ns", "synced"), Ok(in_order("7")));
    cache.settle(&Key::new("ns", "failed"), Err(&Failure::unmanaged("failed")));
    cache.mark_deleted(&Key::new("ns", "gone"));
    assert_eq!(cache.counts(), ObjectCounts { pending: 1, synced: 1, failed: 1 });
}

#[test]
fn a_list_ends_what_it_does_not_show_in_its_namespace_alone() {
    let cache = Cache::default();
    let record = |name: &str| (Key::new(name, "a"), Record { sealed: Identity::default(), secret: in_order("7") });
    cache.recall([record("one"), record("other")]);
    cache.prune_missing(Some("one"), &[]);
    let mut left = Vec::new();
    cache.records(|_| true, |key, _| left.push(key.namespace.clone()));
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
        cache.settle(&key, Err(&Failure { reason, ..Failure::unmanaged(name) }));
    }
    assert_eq!(cache.unopened(), [Key::new("ns", "sealed")]);
}

#[test]
fn cause_is_kept_with_the_object_and_its_keys_beyond() {
    let cache = Cache::default();
    let key = Key::new("ns", "a");
    let keys = keys();
    cache.observe(object("1", 1, None, &json!({})));
    assert_eq!(cache.begun(&key).explained, None);
    let identity = object("1", 1, None, &json!({})).identity;
    cache.finish(&key, Outcome::Unfinished, Some((identity.clone(), None)), Instant::now());
    cache.settle(&key, Ok(SyncedSecret::new(&secret("7"), keys.clone())));
    // The status was not written: it is looked at again, and is the same.
    assert_eq!(cache.observe(object("1", 1, None, &json!({}))), WatchOutcome::New);
    let begun = cache.look(&key);
    assert_eq!((begun.explained, begun.hints.keys), (Some((identity, None)), keys.clone()));
    assert_eq!(cache.observe(object("1", 2, None, &json!({}))), WatchOutcome::New);
    let begun = cache.look(&key);
    assert_eq!((begun.explained, begun.hints.keys), (None, keys));
}

/// The watch of Secrets brings a worker's own writes too, before the worker knows their version.
#[test]
fn foreign_change_during_work_shows_when_it_ends() {
    let key = Key::new("ns", "a");
    for (seen, changed) in [(&[][..], false), (&["7"], false), (&["7", "8"], true), (&["8", "7"], false)] {
        let cache = Cache::default();
        cache.observe(synced("1", 1));
        cache.begun(&key);
        for version in seen {
            assert!(!cache.secret_changed(&key, &secret(version)), "{version}");
        }
        let outcome = Outcome::Synced { looked_at: synced("1", 1).identity, secret: in_order("7"), wrote: true };
        let finished = cache.finish(&key, outcome, None, Instant::now());
        assert_eq!(finished.changed_meanwhile, changed, "{seen:?}");
        assert!(cache.secret_changed(&key, &secret("9")), "nobody has it any longer");
    }
}

#[test]
fn outcome_of_an_older_version_says_nothing_of_the_newer_one() {
    let (cache, key) = (Cache::default(), Key::new("ns", "a"));
    cache.observe(object("1", 1, None, &json!({})));
    cache.begun(&key);
    assert_eq!(cache.observe(object("1", 2, None, &json!({}))), WatchOutcome::New);
    let looked_at = object("1", 1, None, &json!({})).identity;
    let outcome = Outcome::Synced { looked_at, secret: in_order("7"), wrote: true };
    assert!(cache.finish(&key, outcome, None, Instant::now()).is_news);
    let begun = cache.begun(&key);
    assert!(!begun.was_synced && begun.text.is_some(), "it is yet to be looked at");
}

/// The worker that has the older version learns of it as well.
#[test]
fn change_of_secret_and_object_during_work_shows_at_its_end() {
    let (cache, key) = (Cache::default(), Key::new("ns", "a"));
    cache.observe(synced("1", 1));
    cache.begun(&key);
    assert_eq!(cache.observe(object("1", 2, None, &json!({}))), WatchOutcome::New);
    assert!(!cache.secret_changed(&key, &secret("8")));
    let outcome = Outcome::Synced { looked_at: synced("1", 1).identity, secret: in_order("7"), wrote: true };
    assert!(cache.finish(&key, outcome, None, Instant::now()).changed_meanwhile);
}

/// What says the same may have another status, which a worker writes over: it gets the newest one.
#[test]
fn a_worker_gets_the_newest_text_of_an_object_that_says_the_same() {
    let (cache, key) = (Cache::default(), Key::new("ns", "a"));
    cache.observe(object("1", 1, None, &json!({})));
    let mut newer = value("1", 1, None, &json!({}));
    newer["status"] = json!({ "conditions": [{ "type": "Other" }] });
    let newer = sighting(&newer);
    assert_eq!(cache.observe(newer.clone()), WatchOutcome::Same);
    assert_eq!(cache.lock().weight, newer.text.len());
    assert_eq!(cache.look(&key).text, Some(newer.text));
    assert_eq!(cache.lock().weight, 0);
}

/// Labels of the metric of the one object.
fn as_recorded() -> WatchOutcome {
    WatchOutcome::Synced(Series { namespace: "ns".to_owned(), name: "a".to_owned(), instance: String::new() })
}
