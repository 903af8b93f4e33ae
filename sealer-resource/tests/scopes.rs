//! Which annotations count: the exact word `true`, in the object's own metadata.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;

use sealer_core::Scope;
use sealer_resource::SealedSecret;
use serde_json::json;

#[test]
fn only_the_objects_own_annotation_true_widens_its_scope() {
    let scope = |annotations: serde_json::Value, of_template: serde_json::Value| {
        let object = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "shop", "annotations": annotations},
            "spec": {"encryptedData": {}, "template": {"metadata": {"annotations": of_template}}},
        });
        serde_json::from_value::<SealedSecret>(object).unwrap().scope()
    };
    let one = |name: &str, value: &str| json!({ name: value });
    let (namespace_wide, cluster_wide) =
        ("sealedsecrets.bitnami.com/namespace-wide", "sealedsecrets.bitnami.com/cluster-wide");
    let wide: BTreeMap<&str, Scope> =
        [(cluster_wide, Scope::ClusterWide), (namespace_wide, Scope::NamespaceWide)].into();
    for (name, widened) in wide {
        assert_eq!(scope(one(name, "true"), json!(null)), widened);
        assert_eq!(scope(json!(null), one(name, "true")), Scope::Strict, "a template says nothing");
        assert_eq!(scope(json!({}), one(name, "true")), Scope::Strict, "a template says nothing");
        for value in ["True", "TRUE", "1", " true", "true ", "yes", ""] {
            assert_eq!(scope(one(name, value), json!(null)), Scope::Strict, "{value:?}");
        }
    }
    let both = json!({ cluster_wide: "true", namespace_wide: "true" });
    assert_eq!(scope(both, json!(null)), Scope::ClusterWide);
    let denied = json!({ cluster_wide: "false", namespace_wide: "true" });
    assert_eq!(scope(denied, json!(null)), Scope::NamespaceWide);
}
