//! What is posted to the controller: as much of a SealedSecret as it needs to open values.

use sealer_core::Scope;
use serde_json::{Map, Value, json};

/// An object of that scope, namespace and name, with those items.
pub(crate) fn posted<'a>(
    scope: Scope,
    namespace: &str,
    name: &str,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let annotations: Map<String, Value> =
        scope.annotation().map(|annotation| (annotation.to_owned(), Value::from("true"))).into_iter().collect();
    let items: Map<String, Value> =
        items.into_iter().map(|(item, value)| (item.to_owned(), Value::from(value))).collect();
    json!({
        "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
        "metadata": { "name": name, "namespace": namespace, "annotations": annotations },
        "spec": { "template": {}, "encryptedData": items },
    })
    .to_string()
}
