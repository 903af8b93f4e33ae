//! Objects that are gone or out of view.

use super::*;

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
        script.reconciler.cache.mark_deleted(&key);
        look_once(&script.reconciler, &key).await.unwrap();
        assert!(script.left.lock().unwrap().is_empty(), "{args:?}");
        assert!(!script.reconciler.cache.remembers_deleted(&key), "it is forgotten");
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
        look_once(&script.reconciler, &key).await.unwrap_err();
        let shown = || {
            let text = script.reconciler.context.metrics.text();
            text.lines().filter(|line| line.contains("namespace=\"ns\"")).count()
        };
        assert_eq!(shown(), 2, "its condition and its error");
        script.reconciler.cache.mark_deleted(&key);
        look_once(&script.reconciler, &key).await.unwrap();
        assert_eq!(shown(), 0, "{code}");
        assert!(script.left.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn deleted_orphan_is_done_and_a_changed_one_is_retried() {
    for (code, reason, passes) in [(404, "NotFound", true), (409, "Conflict", false), (500, "InternalError", false)] {
        let script = Script::with_args(
            vec![
                (Method::GET, SEALED, 404, refusal(404, "NotFound", "not found")),
                (Method::GET, SECRET, 200, live("u1", "dg==", "5")),
                (Method::DELETE, SECRET, code, refusal(code, reason, "no")),
            ],
            &["--old-gc-behavior"],
        );
        let key = Key::new("ns", "a");
        script.reconciler.cache.observe(Sighting::read(&object(1, None).to_string()).unwrap());
        script.reconciler.cache.mark_deleted(&key);
        let outcome = look_once(&script.reconciler, &key).await;
        assert_eq!(outcome.is_ok(), passes, "{code}");
        assert_eq!(
            !script.reconciler.cache.remembers_deleted(&key),
            passes,
            "{code}: the uid is kept for the next try"
        );
    }
}

/// Errors of a namespace are counted for as long as it has a SealedSecret.
#[tokio::test]
async fn namespace_errors_are_counted_while_an_object_is_there() {
    let script = Script::new(Vec::new());
    let key = Key::new("ns", "a");
    let mut other = object(1, None);
    other["metadata"]["name"] = json!("b");
    for object in [object(1, None), other] {
        script.reconciler.cache.observe(Sighting::read(&object.to_string()).unwrap());
    }
    script.reconciler.context.metrics.count_error(Reason::Unseal, "ns");
    for (gone, is_counted) in [(key, true), (Key::new("ns", "b"), false)] {
        script.reconciler.cache.mark_deleted(&gone);
        script.reconciler.cache.finish(&gone, Outcome::Gone, None, Instant::now());
        report::drop_series(&script.reconciler, &gone);
        assert_eq!(script.reconciler.context.metrics.counts_errors_of("ns"), is_counted);
    }
}
