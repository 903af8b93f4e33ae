#![expect(clippy::unwrap_used, reason = "tests may panic")]

use serde_json::{Value, json};

use super::*;
use crate::unseal::{OpenOptions, open};
use sealer_core::plaintext::Plaintext;
use sealer_core::seal::seal;

fn value(scope: Scope, namespace: &str, name: &str, key: &UnsealingKey) -> String {
    let label = Label::new_unchecked(scope, namespace, name);
    seal(&Plaintext::new(b"v".to_vec()), &label, key.sealing_key()).unwrap().to_base64()
}

fn ring(keys: usize) -> Keyring {
    Keyring::from_keys((0..keys).map(|_| UnsealingKey::generate(1024).unwrap()).collect())
}

/// A value of `key` that is smaller than the modulus of a key in `ring`: a larger one is known at sight to belong to another
/// cluster. The largest modulus is less than twice the smallest, so about half of all values are small enough.
fn value_in_range(ring: &Keyring, key: &UnsealingKey) -> String {
    let seals = (0..200).map(|_| value(Scope::Strict, "shop", "db", key));
    seals.into_iter().find(|sealed| ring.may_have_sealed(&SealedValue::from_base64(sealed).unwrap())).unwrap()
}

fn key(ring: &Keyring, at: usize) -> &UnsealingKey {
    &ring.entries().get(at).unwrap().key
}

fn object(items: Value, annotation: Option<&str>, template: &Value) -> SealedSecret {
    let annotations = annotation.map_or_else(|| json!({}), |name| json!({ name: "true" }));
    let mut object: SealedSecret = serde_json::from_value(json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "shop", "annotations": annotations },
        "spec": { "template": { "metadata": template } },
    }))
    .unwrap();
    object.spec.encrypted_data = serde_json::from_value(items).unwrap();
    object
}

/// What is said about an object that does not open, and the operations it cost.
fn told(sealed: &SealedSecret, neighbours: &[&str], ring: &Keyring) -> (String, u32) {
    let options = OpenOptions { accept_v1_data: true, rendering: None };
    let error = open(&sealed.label().unwrap(), &sealed.spec, ring, &options).unwrap_err();
    let neighbours: Vec<String> = neighbours.iter().map(|name| (*name).to_owned()).collect();
    let mut trials = KeyTrials::default();
    let explanation = explain(&error, sealed, &neighbours, ring, &mut trials, Effort::BRIEF);
    let message = error.to_string();
    let message = explanation.map_or_else(|| message.clone(), |explanation| explanation.added_to(&message));
    (message.strip_prefix("no key could decrypt secret ").unwrap_or(&message).to_owned(), trials.operations())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one entry a cause")]
fn each_cause_is_told_with_what_to_do() {
    use Scope::{ClusterWide, NamespaceWide, Strict};
    let ring = ring(1);
    let wide = "sealedsecrets.bitnami.com/namespace-wide";
    let none = json!({});
    let elsewhere = json!({ "name": "other", "namespace": "elsewhere" });
    let renamed = json!({ "name": "old" });
    let seal = |scope, namespace, name| value(scope, namespace, name, key(&ring, 0));
    for (sealed, annotation, template, expected) in [
        (
            seal(NamespaceWide, "shop", ""),
            None,
            &none,
            "(k): is sealed with scope namespace-wide, not strict; the annotation sealedsecrets.bitnami.com/namespace-wide: \"true\" is missing",
        ),
        (
            seal(ClusterWide, "", ""),
            None,
            &none,
            "(k): is sealed with scope cluster-wide, not strict; the annotation sealedsecrets.bitnami.com/cluster-wide: \"true\" is missing",
        ),
        (
            seal(Strict, "shop", "db"),
            Some(wide),
            &none,
            "(k): is sealed with scope strict, not namespace-wide; the annotation sealedsecrets.bitnami.com/namespace-wide must go",
        ),
        (
            seal(ClusterWide, "", ""),
            Some(wide),
            &none,
            "(k): is sealed with scope cluster-wide, not namespace-wide; the annotation sealedsecrets.bitnami.com/cluster-wide: \"true\" is missing, and sealedsecrets.bitnami.com/namespace-wide must go",
        ),
        (
            seal(Strict, "shop", "old"),
            None,
            &renamed,
            "(k): is sealed for the name `old`; rename the object or seal it again",
        ),
        (
            seal(Strict, "elsewhere", "other"),
            None,
            &elsewhere,
            "(k): is sealed for another namespace, the one in spec.template; seal it again for this one",
        ),
        (
            seal(NamespaceWide, "elsewhere", ""),
            None,
            &elsewhere,
            "(k): is sealed for another namespace, the one in spec.template; seal it again for this one",
        ),
        (
            seal(Strict, "default", "db"),
            None,
            &none,
            "(k): is sealed for namespace `default`; seal it again with --namespace for this one",
        ),
        (
            seal(Strict, "shop", "db-2"),
            None,
            &none,
            "(k): is sealed for the name `db-2`; rename the object or seal it again",
        ),
        (
            seal(Strict, "nobody", "knows"),
            None,
            &none,
            "(k): opens with no key of this cluster for any likely name, namespace or scope: most likely it is sealed for another cluster; seal it again with the certificate of this one, or restore the key",
        ),
        ("AAAA".to_owned(), None, &none, "(k): is cut off or was never a sealed value; seal it again"),
    ] {
        let (said, operations) =
            told(&object(json!({ "k": sealed }), annotation, template), &["db", "x", "db-2"], &ring);
        assert_eq!(said, expected);
        assert!(operations <= Effort::BRIEF.operations);
    }
}

#[test]
fn a_key_that_cannot_be_of_this_cluster_is_told() {
    let larger = UnsealingKey::generate(2048).unwrap();
    let sealed = object(json!({ "k": value(Scope::Strict, "shop", "db", &larger) }), None, &json!({}));
    let expected = "(k): is sealed with a key this cluster does not have; seal it again with the certificate of this \
                    cluster, or restore the key";
    assert_eq!(told(&sealed, &[], &ring(1)), (expected.to_owned(), 0));
}

#[test]
fn no_object_costs_more_than_the_budget_whatever_it_holds() {
    let ring = ring(24);
    let names: Vec<String> = (0..500).map(|at| format!("db-{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let items: serde_json::Map<String, Value> =
        (0..20).map(|at| (format!("k{at}"), json!(value(Scope::Strict, "nobody", "knows", key(&ring, 0))))).collect();
    let template = json!({ "name": "other", "namespace": "elsewhere" });
    let (said, operations) = told(&object(Value::Object(items), None, &template), &names, &ring);
    assert!(operations <= Effort::BRIEF.operations && operations > Effort::BRIEF.operations / 2, "{operations}");
    assert!(said.contains("k9): `k0` is sealed for another cluster, or for a name"), "{said}");
}

#[test]
fn what_holds_for_one_item_names_it() {
    let ring = ring(1);
    let wide = value(Scope::ClusterWide, "", "", key(&ring, 0));
    let lost = value(Scope::Strict, "nobody", "knows", key(&ring, 0));
    let said = told(&object(json!({ "a": wide, "b": wide }), None, &json!({})), &[], &ring).0;
    assert!(said.starts_with("(a, b): is sealed with scope cluster-wide"), "{said}");
    let said = told(&object(json!({ "a": wide, "b": lost }), None, &json!({})), &[], &ring).0;
    assert!(said.starts_with("(a, b): `a` is sealed with scope cluster-wide"), "{said}");
}

#[test]
fn lines_of_other_causes_stay_as_they_are() {
    let ring = ring(1);
    let wide = value(Scope::ClusterWide, "", "", key(&ring, 0));
    let sealed = object(json!({ "a": wide, "b": "***" }), None, &json!({}));
    let said = told(&sealed, &[], &ring).0;
    assert!(
        said.starts_with("illegal base64 data at input byte 0 (b)\nno key could decrypt secret (a): is sealed"),
        "{said}"
    );
}

#[test]
fn names_that_resemble_the_objects_are_tried_first() {
    let ring = ring(1);
    let sealed = object(json!({ "k": value(Scope::Strict, "shop", "db-2", key(&ring, 0)) }), None, &json!({}));
    let names: Vec<String> = (0..100).map(|at| format!("x-{at}")).chain(["db-2".to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let expected = "(k): is sealed for the name `db-2`; rename the object or seal it again";
    assert_eq!(told(&sealed, &names, &ring).0, expected);
}

#[test]
fn a_deprecated_blob_is_explained_too() {
    let ring = ring(1);
    let mut sealed = object(json!({}), None, &json!({}));
    sealed.spec.data = Some(value(Scope::NamespaceWide, "shop", "", key(&ring, 0)));
    let said = told(&sealed, &[], &ring).0;
    assert!(said.contains("is sealed with scope namespace-wide, not strict"), "{said}");
}

/// A key of the same size says nothing by its size.
#[test]
fn a_value_of_another_cluster_is_told_as_likely() {
    let (ring, other) = (ring(1), ring(1));
    let foreign = value_in_range(&ring, key(&other, 0));
    let said = told(&object(json!({ "a": foreign, "b": foreign }), None, &json!({})), &[], &ring).0;
    assert!(
        said.starts_with("(a, b): `a` opens with no key of this cluster") && said.contains("another cluster"),
        "{said}"
    );
    // What was not searched may have another cause.
    let said = told(&object(json!({ "a": foreign, "b": "AAAA" }), None, &json!({})), &[], &ring).0;
    assert!(said.starts_with("(a, b): `a` opens with no key of this cluster"), "{said}");
}

/// The keys of a cluster that renews them for years.
#[test]
fn a_missing_annotation_is_found_under_any_of_many_keys() {
    let ring = ring(10);
    let neighbours = ["x", "y", "z"];
    for at in [0, 4, 9] {
        let wide = value(Scope::NamespaceWide, "shop", "", key(&ring, at));
        let (said, operations) = told(&object(json!({ "k": wide }), None, &json!({})), &neighbours, &ring);
        assert!(said.starts_with("(k): is sealed with scope namespace-wide") && operations <= 20, "{at}: {said}");
    }
}

/// Whoever waits for the answer gets every key on every name.
#[test]
fn a_thorough_search_leaves_nothing_out() {
    let ring = ring(6);
    let names: Vec<String> = (0..100).map(|at| format!("x-{at}")).collect();
    for (namespace, name, expected) in
        [("shop", "x-99", "is sealed for the name `x-99`"), ("nobody", "knows", "opens with no key of this cluster")]
    {
        let sealed = object(json!({ "k": value(Scope::Strict, namespace, name, key(&ring, 5)) }), None, &json!({}));
        let options = OpenOptions { accept_v1_data: false, rendering: None };
        let error = open(&sealed.label().unwrap(), &sealed.spec, &ring, &options).unwrap_err();
        let found = explain(&error, &sealed, &names, &ring, &mut KeyTrials::default(), Effort::THOROUGH);
        assert!(found.unwrap().to_string().starts_with(expected), "{name}");
    }
}

/// A value whose wrapped key is too short, or that has nothing else, is damaged; no key is asked.
#[test]
fn a_value_with_a_part_that_is_too_short_is_damaged() {
    let ring = ring(1);
    for (key, rest) in [(16_u8, 200_usize), (111, 100), (112, 15)] {
        let bytes = [&[0, key][..], &vec![1; usize::from(key) + rest]].concat();
        let sealed = object(json!({ "k": base64::encode(bytes) }), None, &json!({}));
        let (said, operations) = told(&sealed, &[], &ring);
        let (other, _) = told(&object(json!({ "k": base64::encode([0, 1, 1, 1]) }), None, &json!({})), &[], &ring);
        assert_eq!((said, operations), (other, 0), "{key} {rest}");
    }
}
