//! The annotations by which SealedSecrets and Secrets say how the controller is to treat them. Those of scopes belong to
//! [`Scope`](sealer_core::Scope), those of key Secrets to [`key_secret`](crate::key_secret).

use std::collections::BTreeMap;

/// On a live Secret: the controller may take it over.
pub const MANAGED_ANNOTATION: &str = "sealedsecrets.bitnami.com/managed";
/// On a live Secret: the controller may add its items to it.
pub const PATCH_ANNOTATION: &str = "sealedsecrets.bitnami.com/patch";
/// On a SealedSecret: its Secret is deleted and made again where Kubernetes does not let it change.
pub const REPLACE_IMMUTABLE_ANNOTATION: &str = "sealedsecrets.bitnami.com/replace-immutable";
/// In a template: the Secret gets no owner reference.
pub const SKIP_OWNER_ANNOTATION: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";

/// Whether a SealedSecret with these annotations has its Secret made again where Kubernetes does not let it change.
pub fn replaces_immutable(annotations: &BTreeMap<String, String>) -> bool {
    annotations.get(REPLACE_IMMUTABLE_ANNOTATION).is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_word_true_has_an_immutable_secret_made_again() {
        let annotated = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        for (value, expected) in [("true", true), ("True", false), ("", false), ("false", false)] {
            assert_eq!(replaces_immutable(&annotated(REPLACE_IMMUTABLE_ANNOTATION, value)), expected, "{value}");
        }
        assert!(!replaces_immutable(&annotated(MANAGED_ANNOTATION, "true")));
    }

    #[test]
    fn annotations_are_those_of_existing_objects() {
        assert_eq!(MANAGED_ANNOTATION, "sealedsecrets.bitnami.com/managed");
        assert_eq!(PATCH_ANNOTATION, "sealedsecrets.bitnami.com/patch");
        assert_eq!(SKIP_OWNER_ANNOTATION, "sealedsecrets.bitnami.com/skip-set-owner-references");
    }
}
