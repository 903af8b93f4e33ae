#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;

const POLICY: Policy<'_> = Policy { key_namespace: "kube-system", allowed_types: &[], spec_is_new: true };

fn secret(extra: &Value) -> Secret {
    let mut object = json!({"metadata": {"name": "a", "namespace": "ns"}, "data": {"k": "dg=="}});
    merge(&mut object, extra);
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn owned(uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": uid, "controller": true}]}})
}

fn annotated(pairs: &Value) -> Value {
    json!({"metadata": {"annotations": pairs}})
}

fn desired(extra: &Value) -> Secret {
    let mut object = owned("u1");
    merge(&mut object, extra);
    secret(&object)
}

fn live(extra: &[Value]) -> Secret {
    let mut object = json!({"type": "Opaque", "metadata": {"resourceVersion": "7"}});
    extra.iter().for_each(|part| merge(&mut object, part));
    secret(&object)
}

fn replaced_by(desired: &Secret, live: &Secret, policy: &Policy<'_>) -> Option<Secret> {
    match plan(desired, Some(live), "u1", policy) {
        Plan::Replace(next) => Some(*next),
        _ => None,
    }
}

#[test]
fn what_is_missing_is_made() {
    let wanted = desired(&json!({}));
    assert_eq!(plan(&wanted, None, "u1", &POLICY), Plan::Create(Box::new(wanted)));
}

#[test]
fn what_is_right_is_left_alone_even_if_the_template_names_no_type() {
    assert_eq!(plan(&desired(&json!({})), Some(&live(&[owned("u1")])), "u1", &POLICY), Plan::Nothing);
}

#[test]
fn a_foreign_secret_is_never_touched() {
    let other_kind =
        json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "a", "uid": "u1"}]}});
    for stranger in [json!({}), annotated(&json!({MANAGED_ANNOTATION: "True"})), other_kind] {
        let made = plan(
            &desired(&annotated(&json!({MANAGED_ANNOTATION: "true"}))),
            Some(&live(std::slice::from_ref(&stranger))),
            "u1",
            &POLICY,
        );
        assert_eq!(made, Plan::Refuse(Box::new(Failure::unmanaged("a"))), "{stranger}");
    }
}

#[test]
fn the_secret_of_an_earlier_object_of_that_name_is_not_touched_and_looked_at_again() {
    let Plan::Refuse(failure) = plan(&desired(&json!({})), Some(&live(&[owned("u0")])), "u1", &POLICY) else {
        panic!("it is touched");
    };
    assert_eq!(*failure, Failure { class: Class::Brief, ..Failure::unmanaged("a") });
}

#[test]
fn items_are_added_changed_and_removed_on_the_version_that_was_seen() {
    let before = live(&[owned("u1"), json!({"data": {"k": "b2xk", "gone": "eA=="}})]);
    let after = replaced_by(&desired(&json!({"data": {"new": "eQ=="}})), &before, &POLICY).unwrap();
    assert_eq!(serde_json::to_value(&after.data).unwrap(), json!({"k": "dg==", "new": "eQ=="}));
    assert_eq!(after.metadata.resource_version.as_deref(), Some("7"));
}

#[test]
fn a_managed_secret_is_taken_over_whole() {
    let before = live(&[annotated(&json!({MANAGED_ANNOTATION: "true", "x": "y"})), json!({"data": {"other": "eA=="}})]);
    let after = replaced_by(&desired(&json!({})), &before, &POLICY).unwrap();
    assert_eq!(after.metadata.owner_references, desired(&json!({})).metadata.owner_references);
    assert_eq!(after.metadata.annotations, None);
    assert_eq!(serde_json::to_value(&after.data).unwrap(), json!({"k": "dg=="}));
}

#[test]
fn a_patched_secret_keeps_what_it_had_and_its_owner() {
    let before =
        live(&[annotated(&json!({PATCH_ANNOTATION: "true"})), json!({"data": {"k": "b2xk", "other": "eA=="}})]);
    let after = replaced_by(&desired(&json!({})), &before, &POLICY).unwrap();
    assert_eq!(serde_json::to_value(&after.data).unwrap(), json!({"k": "dg==", "other": "eA=="}));
    assert_eq!(after.metadata.owner_references, None);
    let both = live(&[annotated(&json!({PATCH_ANNOTATION: "true", MANAGED_ANNOTATION: "true"}))]);
    assert!(replaced_by(&desired(&json!({})), &both, &POLICY).unwrap().metadata.owner_references.is_some());
}

#[test]
fn what_others_add_stays_until_the_spec_changes() {
    let before = live(&[owned("u1"), annotated(&json!({"tool": "x"}))]);
    let unchanged = Policy { spec_is_new: false, ..POLICY };
    assert_eq!(plan(&desired(&json!({})), Some(&before), "u1", &unchanged), Plan::Nothing);
    assert_eq!(replaced_by(&desired(&json!({})), &before, &POLICY).unwrap().metadata.annotations, None);
    let edited = live(&[owned("u1"), json!({"data": {"k": "aGFuZA=="}})]);
    assert!(replaced_by(&desired(&json!({})), &edited, &unchanged).is_some());
}

#[test]
fn a_secret_without_owner_passes_while_it_is_right() {
    let skip = annotated(&json!({SKIP_OWNER_ANNOTATION: "true"}));
    let wanted = secret(&skip);
    assert_eq!(plan(&wanted, Some(&live(std::slice::from_ref(&skip))), "u1", &POLICY), Plan::Nothing);
    let drifted = live(&[skip, json!({"data": {"k": "eA=="}})]);
    assert_eq!(plan(&wanted, Some(&drifted), "u1", &POLICY), Plan::Refuse(Box::new(Failure::unmanaged("a"))));
}

#[test]
fn immutability_is_turned_on_and_never_off() {
    let before = live(&[owned("u1")]);
    assert_eq!(replaced_by(&desired(&json!({"immutable": true})), &before, &POLICY).unwrap().immutable, Some(true));
    let frozen = live(&[owned("u1"), json!({"immutable": true})]);
    assert_eq!(plan(&desired(&json!({"immutable": false})), Some(&frozen), "u1", &POLICY), Plan::Nothing);
}

#[test]
fn secrets_that_hand_out_rights_are_refused() {
    let refused =
        |extra: &Value, policy: &Policy<'_>| matches!(plan(&desired(extra), None, "u1", policy), Plan::Refuse(_));
    let token = json!({"type": "kubernetes.io/service-account-token"});
    assert!(refused(&token, &POLICY));
    let allowed = ["kubernetes.io/service-account-token".to_owned()];
    assert!(!refused(&token, &Policy { allowed_types: &allowed, ..POLICY }));
    let key = json!({"metadata": {"namespace": "kube-system", "labels": {KEY_LABEL: "active"}}});
    assert!(refused(&key, &POLICY));
    assert!(!refused(&json!({"metadata": {"labels": {KEY_LABEL: "active"}}}), &POLICY));
    // One that an earlier controller made stays in sync, and is not written.
    let made = live(&[owned("u1"), token.clone()]);
    assert_eq!(plan(&desired(&token), Some(&made), "u1", &POLICY), Plan::Nothing);
    let drifted = live(&[owned("u1"), token.clone(), json!({"data": {"k": "eA=="}})]);
    assert!(matches!(plan(&desired(&token), Some(&drifted), "u1", &POLICY), Plan::Refuse(_)));
}
