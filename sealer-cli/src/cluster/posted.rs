//! What is posted to the controller: as much of a SealedSecret as it needs to open values.

use sealer_core::Scope;
use sealer_resource::{SealedSecret, SecretTemplate};
use serde_json::json;

/// An object of that scope, namespace and name, with those items.
pub(crate) fn posted<'a>(
    scope: Scope,
    namespace: &str,
    name: &str,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let items = items.into_iter().map(|(item, value)| (item.to_owned(), value.to_owned())).collect();
    let metadata = json!({ "name": name, "namespace": namespace }).as_object().cloned();
    let template = SecretTemplate { metadata, ..SecretTemplate::default() };
    // Writing texts into memory does not fail.
    serde_json::to_string(&SealedSecret::of_items(items, template, scope)).unwrap_or_default()
}
