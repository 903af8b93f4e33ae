//! What an API server or a webhook says about a Secret may repeat what is in it: such a text goes nowhere. Pure.

use k8s_openapi::api::core::v1::Secret;
use sealer_core::base64;

use crate::error::Failure;

/// The failure as it came, or without its text if that repeats a value, in clear or in base64.
pub(crate) fn failure(failure: Failure, secret: &Secret) -> Failure {
    let values = secret.data.iter().flat_map(|data| data.values()).filter(|value| value.0.len() >= SHORTEST);
    let repeats = |text: &str| {
        let says = |part: &str| !part.is_empty() && text.contains(part);
        values.clone().any(|value| {
            let clear = std::str::from_utf8(&value.0).unwrap_or_default();
            says(clear) || says(clear.trim()) || says(base64::encode(&value.0).trim_end_matches('='))
        })
    };
    if !repeats(&failure.message) && !repeats(&failure.event) {
        return failure;
    }
    Failure::new(failure.reason, failure.class, WITHHELD)
}

/// Shorter values stand in texts by chance.
const SHORTEST: usize = 6;
const WITHHELD: &str = "the API server refused the Secret; its message is withheld because it repeats a value";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;

    use super::*;
    use crate::error::{Class, Reason};

    #[test]
    fn a_text_that_repeats_a_value_is_withheld() {
        let data = BTreeMap::from([("k".to_owned(), ByteString(b"canary-7d1f\n".to_vec()))]);
        let secret = Secret { data: Some(data), ..Secret::default() };
        for (text, kept) in [
            ("denied: quota", true),
            ("denied: `canary-7d1f` is weak", false),
            ("denied: Y2FuYXJ5LTdkMWYK is weak", false),
            ("denied: Y2FuYXJ5LTdkMWYKX", false),
        ] {
            let before = Failure::new(Reason::Update, Class::Permanent, text);
            let after = failure(before.clone(), &secret);
            assert_eq!(after == before, kept, "{text}");
            assert!(kept || !after.message.contains("canary") && after.class == Class::Permanent);
        }
    }
}
