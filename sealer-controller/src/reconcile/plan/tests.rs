#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use sealer_resource::key_secret::KEY_LABEL;
use serde_json::{Value, json};

use super::*;

const OWN: OwnNamespace<'_> = OwnNamespace { namespace: "kube-system", key_prefix: "sealed-secrets-key" };
const POLICY: Policy<'_> = Policy { own: OWN, allowed_types: &[], spec_is_new: true, replaces_immutable: false };

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
fn secret_of_an_earlier_object_is_left_and_looked_at_again() {
    let Plan::Refuse(failure) = plan(&desired(&json!({})), Some(&live(&[owned("u0")])), "u1", &POLICY) else {
        panic!("it is touched");
    };
    assert_eq!(*failure, Failure { class: Class::SoonCapped, ..Failure::unmanaged("a") });
}

/// What is looked at again is the Secret of an earlier SealedSecret of this very name; all else stays as it is.
#[test]
fn a_secret_with_another_owner_is_left_to_that_one() {
    for difference in [json!({"controller": false}), json!({"kind": "Deployment"}), json!({"name": "b"})] {
        let mut other = owned("u0");
        merge(&mut other["metadata"]["ownerReferences"][0], &difference);
        let Plan::Refuse(failure) = plan(&desired(&json!({})), Some(&live(&[other])), "u1", &POLICY) else {
            panic!("it is touched: {difference}");
        };
        assert_eq!(*failure, Failure::unmanaged("a"), "{difference}");
    }
}

#[test]
fn items_are_changed_on_the_version_that_was_seen() {
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

/// T-P4: `managed` and `patch` count on the live Secret alone, and only as the exact word `true`.
#[test]
fn the_template_hands_no_foreign_secret_over() {
    let everything = json!({MANAGED_ANNOTATION: "true", PATCH_ANNOTATION: "true", SKIP_OWNER_ANNOTATION: "true"});
    for template in [json!({}), everything.clone(), json!({PATCH_ANNOTATION: "true"})] {
        for on_live in [
            json!({}),
            json!({PATCH_ANNOTATION: "True"}),
            json!({MANAGED_ANNOTATION: "1"}),
            json!({SKIP_OWNER_ANNOTATION: "true"}),
        ] {
            let wanted = desired(&annotated(&template));
            let made = plan(&wanted, Some(&live(&[annotated(&on_live)])), "u1", &POLICY);
            assert_eq!(made, Plan::Refuse(Box::new(Failure::unmanaged("a"))), "{template} on {on_live}");
        }
    }
    // A SealedSecret without a uid owns nothing.
    assert!(matches!(plan(&desired(&json!({})), Some(&live(&[owned("")])), "", &POLICY), Plan::Refuse(_)));
}

#[test]
fn patched_secret_is_not_owned_or_frozen_by_its_template() {
    let before = live(&[annotated(&json!({PATCH_ANNOTATION: "true", "own": "x"})), json!({"data": {"own": "eA=="}})]);
    let marks = json!({MANAGED_ANNOTATION: "true", PATCH_ANNOTATION: "false", "added": "y"});
    for extra in [json!({}), annotated(&json!({SKIP_OWNER_ANNOTATION: "true"}))] {
        let mut template = json!({"immutable": true, "metadata": {"annotations": marks}});
        merge(&mut template, &extra);
        let wanted = desired(&template);
        let first = replaced_by(&wanted, &before, &POLICY).unwrap();
        assert_eq!((&first.metadata.owner_references, first.immutable), (&None, None));
        let annotations = first.annotations();
        assert_eq!(annotations.get(PATCH_ANNOTATION).map(String::as_str), Some("true"));
        assert!(!annotations.contains_key(MANAGED_ANNOTATION) && annotations["added"] == "y");
        // At the next look nothing has changed hands either, and there is nothing to do.
        assert_eq!(plan(&wanted, Some(&first), "u1", &POLICY), Plan::Nothing);
    }
}

#[test]
fn managed_patched_secret_keeps_what_templates_can_do() {
    let template = json!({"immutable": true, "metadata": {"annotations": {MANAGED_ANNOTATION: "true"}}});
    let wanted = desired(&template);
    let managed = live(&[annotated(&json!({PATCH_ANNOTATION: "true", MANAGED_ANNOTATION: "true"}))]);
    let ours = live(&[owned("u1"), annotated(&json!({PATCH_ANNOTATION: "true"}))]);
    for before in [managed, ours] {
        let after = replaced_by(&wanted, &before, &POLICY).unwrap();
        assert_eq!(after.metadata.owner_references, wanted.metadata.owner_references);
        assert_eq!(after.immutable, Some(true));
        assert_eq!(after.annotations().get(MANAGED_ANNOTATION).map(String::as_str), Some("true"));
    }
}

/// T-P5: what is written over a Secret carries the uid and the version that were seen.
#[test]
fn a_replacement_names_the_very_secret_that_was_seen() {
    let seen = json!({"metadata": {"uid": "s1", "resourceVersion": "7", "finalizers": ["example.com/x"]}});
    for marks in
        [owned("u1"), annotated(&json!({MANAGED_ANNOTATION: "true"})), annotated(&json!({PATCH_ANNOTATION: "true"}))]
    {
        let before = live(&[seen.clone(), marks, json!({"data": {"k": "b2xk"}})]);
        let after = replaced_by(&desired(&json!({})), &before, &POLICY).unwrap();
        assert_eq!(after.metadata.uid.as_deref(), Some("s1"));
        assert_eq!(after.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(after.metadata.finalizers, before.metadata.finalizers);
    }
}

/// T-P2: nothing that means something to the controller is made, changed or overwritten in its namespace.
#[test]
fn state_of_the_controller_is_not_made_from_sealed_secrets() {
    let here = |extra: Value| {
        let mut object = json!({"metadata": {"namespace": "kube-system"}});
        merge(&mut object, &extra);
        object
    };
    let label = json!({"metadata": {"labels": {KEY_LABEL: "active"}}});
    for extra in [
        label.clone(),
        json!({"metadata": {"labels": {KEY_LABEL: "retired"}}}),
        json!({"metadata": {"name": "sealed-secrets-key"}}),
        json!({"metadata": {"name": "sealed-secrets-keyabcde"}, "type": "kubernetes.io/tls"}),
        json!({"metadata": {"name": "sealed-secrets-checkpoint-0"}}),
        json!({"type": "sealedsecrets.bitnami.com/checkpoint"}),
    ] {
        let wanted = desired(&here(extra.clone()));
        let Plan::Refuse(failure) = plan(&wanted, None, "u1", &POLICY) else { panic!("{extra} is made") };
        assert_eq!(failure.class, Class::Permanent);
        assert!(failure.message.starts_with("refused in the controller's namespace kube-system: "), "{failure:?}");
        assert!(matches!(plan(&desired(&extra), None, "u1", &POLICY), Plan::Create(_)), "{extra} elsewhere");
        // Nor is a live one with that meaning changed, whatever it was marked with.
        let plain = if extra["metadata"]["name"].is_null() { here(json!({})) } else { here(extra.clone()) };
        for marks in [json!({PATCH_ANNOTATION: "true"}), json!({MANAGED_ANNOTATION: "true"})] {
            let before = live(&[here(extra.clone()), annotated(&marks), json!({"data": {"k": "b2xk"}})]);
            assert!(matches!(plan(&desired(&plain), Some(&before), "u1", &POLICY), Plan::Refuse(_)), "{extra} {marks}");
        }
    }
    // One that an earlier controller made stays in sync, and is never loaded as a key.
    let made = desired(&here(label.clone()));
    assert_eq!(plan(&made, Some(&live(&[owned("u1"), here(label)])), "u1", &POLICY), Plan::Nothing);
}

#[test]
fn an_orphan_is_what_the_object_of_that_uid_owned() {
    let own = |kind: &str, version: &str, name: &str, uid: &str| json!({"metadata": {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true}]}});
    let ours = "bitnami.com/v1alpha1";
    for (owner, uid, expected) in [
        (own("SealedSecret", ours, "a", "u1"), "u1", true),
        (own("SealedSecret", ours, "a", "u2"), "u1", false),
        (own("SealedSecret", ours, "b", "u1"), "u1", false),
        (own("SealedSecret", "example.com/v1", "a", "u1"), "u1", false),
        (own("Other", ours, "a", "u1"), "u1", false),
        (own("SealedSecret", ours, "a", ""), "", false),
        (json!({}), "u1", false),
        (annotated(&json!({MANAGED_ANNOTATION: "true"})), "u1", false),
    ] {
        assert_eq!(is_orphan_of(&live(std::slice::from_ref(&owner)), "a", uid, &OWN), expected, "{owner} {uid}");
    }
    let key = live(&[owned("u1"), json!({"metadata": {"namespace": "kube-system", "labels": {KEY_LABEL: "active"}}})]);
    assert!(!is_orphan_of(&key, "a", "u1", &OWN), "a key is never deleted");
}

/// T-P1: tokens of service accounts and of bootstrapping hand out rights; every other type passes.
#[test]
fn every_type_that_hands_out_no_rights_passes() {
    for (type_, refused) in [
        ("kubernetes.io/service-account-token", true),
        ("bootstrap.kubernetes.io/token", true),
        ("", false),
        ("Opaque", false),
        ("kubernetes.io/tls", false),
        ("kubernetes.io/basic-auth", false),
        ("kubernetes.io/ssh-auth", false),
        ("kubernetes.io/dockercfg", false),
        ("kubernetes.io/dockerconfigjson", false),
        ("example.com/own", false),
    ] {
        for namespace in ["default", "kube-system", "kube-public"] {
            let wanted = desired(&json!({"type": type_, "metadata": {"namespace": namespace}}));
            let made = matches!(plan(&wanted, None, "u1", &POLICY), Plan::Refuse(_));
            assert_eq!(made, refused, "{type_} in {namespace}");
            let allowed = [type_.to_owned()];
            let policy = Policy { allowed_types: &allowed, ..POLICY };
            assert!(matches!(plan(&wanted, None, "u1", &policy), Plan::Create(_)), "{type_} is allowed");
        }
    }
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

/// Another type, or other data in an immutable Secret: with leave it is made again, if it is ours alone.
#[test]
fn what_kubernetes_never_changes_is_made_again_with_leave() {
    let leave = Policy { replaces_immutable: true, ..POLICY };
    let immutable = json!({"immutable": true});
    let other = json!({"data": {"k": "b3RoZXI="}, "immutable": true});
    let frozen = live(&[owned("u1"), immutable.clone()]);
    assert_eq!(plan(&desired(&other), Some(&frozen), "u1", &leave), Plan::Recreate);
    assert_eq!(plan(&desired(&json!({"type": "other"})), Some(&live(&[owned("u1")])), "u1", &leave), Plan::Recreate);
    // Without leave the API server is asked, and refuses.
    assert!(replaced_by(&desired(&other), &frozen, &POLICY).is_some());
    // What can be changed is: labels of an immutable Secret, data of another one, and immutability itself.
    let labelled = json!({"immutable": true, "metadata": {"labels": {"a": "b"}}});
    assert!(replaced_by(&desired(&labelled), &frozen, &leave).is_some());
    assert!(replaced_by(&desired(&other), &live(&[owned("u1")]), &leave).is_some());
    // Nobody else's goes, and none that is only patched.
    assert!(matches!(
        plan(&desired(&other), Some(&live(std::slice::from_ref(&immutable))), "u1", &leave),
        Plan::Refuse(_)
    ));
    let offered = annotated(&json!({"sealedsecrets.bitnami.com/managed": "true"}));
    assert_ne!(plan(&desired(&other), Some(&live(&[offered, immutable.clone()])), "u1", &leave), Plan::Recreate);
    let patched = annotated(&json!({"sealedsecrets.bitnami.com/patch": "true"}));
    assert_ne!(plan(&desired(&other), Some(&live(&[owned("u1"), patched, immutable])), "u1", &leave), Plan::Recreate);
}

/// T-P4: whoever handed the Secret over said that it is patched.
#[test]
fn a_template_does_not_end_the_patching_of_a_secret() {
    let patched =
        annotated(&json!({"sealedsecrets.bitnami.com/patch": "true", "sealedsecrets.bitnami.com/managed": "true"}));
    let wanted = desired(&annotated(&json!({"sealedsecrets.bitnami.com/patch": "false", "other": "x"})));
    for parts in [vec![patched.clone()], vec![patched, owned("u1")]] {
        let next = replaced_by(&wanted, &live(&parts), &POLICY).unwrap();
        let annotations = next.metadata.annotations.unwrap();
        assert_eq!(annotations["sealedsecrets.bitnami.com/patch"], "true");
        assert_eq!(annotations["other"], "x");
    }
}
