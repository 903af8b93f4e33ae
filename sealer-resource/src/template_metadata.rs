//! From a Secret to a SealedSecret: what of its metadata goes into the template. Pure.

use std::collections::BTreeMap;

use sealer_core::Scope;
use serde_json::{Map, Value};

/// The metadata of a Secret as it belongs into a template: without what a server set, and without copies of the
/// object that would carry its values in clear text. Of the scopes it announces the one that the values are sealed for.
pub fn template_metadata(metadata: &Map<String, Value>, scope: Scope) -> Map<String, Value> {
    let mut kept = metadata.clone();
    kept.retain(|field, _| !is_set_by_others(field));
    let mut annotations = match kept.get_mut("annotations") {
        Some(Value::Object(annotations)) => std::mem::take(annotations).into_iter().collect(),
        // What is no map stays.
        Some(_) => return kept,
        None => BTreeMap::new(),
    };
    annotations.retain(|name, _| !is_clear_text_copy(name));
    if Scope::announced(|name| annotations.get(name)?.as_str()) != scope {
        announce(&mut annotations, scope, Value::String("true".to_owned()));
    }
    if annotations.is_empty() {
        kept.remove("annotations");
    } else {
        kept.insert("annotations".to_owned(), Value::Object(annotations.into_iter().collect()));
    }
    kept
}

/// Has annotations announce a scope and no other; `yes` is the text `true`.
pub fn announce<V>(annotations: &mut BTreeMap<String, V>, scope: Scope, yes: V) {
    annotations.retain(|name, _| Scope::annotations().all(|scope| scope != name));
    annotations.extend(scope.annotation().map(|name| (name.to_owned(), yes)));
}

/// Whether a field of a Secret's metadata is none of its author's.
pub fn is_set_by_others(field: &str) -> bool {
    SET_BY_OTHERS.contains(&field)
}

/// The same for a template that is sealed anew: there `managedFields` are dropped, too, which sealing keeps.
pub fn is_dropped_by_rotation(field: &str) -> bool {
    is_set_by_others(field) || field == "managedFields"
}

/// Whether tools keep the whole object in this annotation, as it was applied.
pub fn is_clear_text_copy(annotation: &str) -> bool {
    CLEAR_TEXT_COPIES.contains(&annotation)
}

/// Fields that the API server fills in, and the owners, which are objects of the cluster that the Secret was in.
pub const SET_BY_OTHERS: [&str; 8] = [
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
];
const CLEAR_TEXT_COPIES: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_set_and_clear_text_copies_stay_behind() {
        let metadata = json!({
            "name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "creationTimestamp": null,
            "ownerReferences": [], "labels": {"x": "y"}, "generateName": "g-",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "keep": "1"},
        });
        let kept = template_metadata(metadata.as_object().unwrap(), Scope::Strict);
        let expected = json!({"name": "a", "namespace": "b", "labels": {"x": "y"}, "generateName": "g-", "annotations": {"keep": "1"}});
        assert_eq!(Value::Object(kept), expected);
    }

    #[test]
    fn every_field_that_a_server_sets_stays_behind() {
        let all: Map<String, Value> = SET_BY_OTHERS.iter().map(|field| ((*field).to_owned(), json!("x"))).collect();
        assert!(template_metadata(&all, Scope::Strict).is_empty());
        let copies: Map<String, Value> =
            CLEAR_TEXT_COPIES.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
        let metadata = json!({"annotations": copies, "finalizers": ["f"]});
        assert_eq!(
            Value::Object(template_metadata(metadata.as_object().unwrap(), Scope::Strict)),
            json!({"finalizers": ["f"]})
        );
        let odd = json!({"annotations": null});
        assert_eq!(
            Value::Object(template_metadata(odd.as_object().unwrap(), Scope::Strict)),
            odd,
            "what is no map stays"
        );
    }

    #[test]
    fn template_announces_the_scope_that_its_values_are_sealed_for() {
        let annotated = |scopes: &[Scope]| {
            let names = scopes.iter().filter_map(|scope| scope.annotation());
            let annotations: Map<String, Value> = names.map(|name| (name.to_owned(), json!("true"))).collect();
            Map::from_iter([("annotations".to_owned(), Value::Object(annotations))])
        };
        for scope in Scope::ALL {
            let expected = if scope == Scope::Strict { Map::new() } else { annotated(&[scope]) };
            for before in Scope::ALL {
                assert_eq!(template_metadata(&annotated(&[before]), scope), expected, "{before} to {scope}");
            }
            assert_eq!(template_metadata(&Map::new(), scope), expected);
        }
        let idle = json!({"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "false"}});
        let idle = idle.as_object().unwrap();
        assert_eq!(template_metadata(idle, Scope::Strict), *idle, "what announces nothing stays");
    }

    #[test]
    fn rotation_drops_what_sealing_drops_and_managed_fields() {
        assert!(SET_BY_OTHERS.iter().all(|field| is_dropped_by_rotation(field)));
        assert!(is_dropped_by_rotation("managedFields") && !is_set_by_others("managedFields"));
        assert!(!is_dropped_by_rotation("labels"));
    }
}
