//! From a Secret to a SealedSecret: what of its metadata goes into the template. Pure.

use serde_json::{Map, Value};

/// The metadata of a Secret as it belongs into a template: without what a server set, and without copies of the
/// object that would carry its values in clear text.
pub fn template_metadata(metadata: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = metadata.clone();
    kept.retain(|field, _| !SERVER_SET.contains(&field.as_str()) && field != "ownerReferences");
    if let Some(Value::Object(annotations)) = kept.get_mut("annotations") {
        annotations.retain(|name, _| !CLEAR_TEXT_COPIES.contains(&name.as_str()));
        if annotations.is_empty() {
            kept.remove("annotations");
        }
    }
    kept
}

/// Fields that the API server fills in.
pub const SERVER_SET: [&str; 7] = [
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Annotations in which tools keep the whole object as it was applied.
pub const CLEAR_TEXT_COPIES: [&str; 2] =
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
        let kept = template_metadata(metadata.as_object().unwrap());
        let expected = json!({"name": "a", "namespace": "b", "labels": {"x": "y"}, "generateName": "g-", "annotations": {"keep": "1"}});
        assert_eq!(Value::Object(kept), expected);
    }

    #[test]
    fn every_field_that_a_server_sets_stays_behind() {
        let all: Map<String, Value> = SERVER_SET.iter().map(|field| ((*field).to_owned(), json!("x"))).collect();
        assert!(template_metadata(&all).is_empty());
        let copies: Map<String, Value> =
            CLEAR_TEXT_COPIES.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
        let metadata = json!({"annotations": copies, "finalizers": ["f"]});
        assert_eq!(Value::Object(template_metadata(metadata.as_object().unwrap())), json!({"finalizers": ["f"]}));
        let odd = json!({"annotations": null});
        assert_eq!(Value::Object(template_metadata(odd.as_object().unwrap())), odd, "what is no map stays");
    }
}
