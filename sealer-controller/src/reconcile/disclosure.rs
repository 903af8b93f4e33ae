//! What may be told of a Secret that could not be made: nothing that depends on what was opened. Pure.

use sealer_go::template::Functions;
use sealer_resource::SealedSecretSpec;
use sealer_resource::failure::OpenError;
use sealer_resource::failure::Unrendered;

use crate::error::{Class, Failure, Reason};
use crate::reconcile::rendering;

/// The failure as it may be told.
///
/// A deprecated blob holds the whole Secret, its type and the names of its items included: whatever is wrong with it has
/// one text. What templates made of values has the text of templates that failed, whatever the API server says of it.
pub(super) fn told(spec: &SealedSecretSpec, functions: Functions, failure: Failure) -> Failure {
    if spec.data.is_some() {
        let is_of_the_blob = failure.class == Class::Permanent && failure.reason != Reason::Unmanaged;
        return if is_of_the_blob { Failure::unseal(OpenError::V1Malformed) } else { failure };
    }
    match rendering::templates(spec) {
        Some(templates) if failure.concerns_values => Failure::unseal(Unrendered::new(templates, functions)),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::{Value, json};

    use super::*;

    fn spec(spec: Value) -> SealedSecretSpec {
        serde_json::from_value(spec).unwrap()
    }

    /// What is told when the API server refuses the Secret with these causes.
    fn refused(of: &SealedSecretSpec, code: u16, causes: &Value) -> (String, String, Reason) {
        refused_with(of, code, causes, "no")
    }

    fn refused_with(of: &SealedSecretSpec, code: u16, causes: &Value, message: &str) -> (String, String, Reason) {
        let reason = if code == 422 { "Invalid" } else { "InternalError" };
        let status = json!({ "code": code, "reason": reason, "message": message, "details": { "causes": causes } });
        let error = kube::Error::Api(Box::new(serde_json::from_value(status).unwrap()));
        let failure = told(of, Functions::default(), Failure::api(Reason::Update, "ns", "a", &error));
        (failure.message, failure.event, failure.reason)
    }

    fn cause(field: &str, reason: &str) -> Value {
        json!({ "field": field, "reason": reason, "message": "x" })
    }

    #[test]
    fn refused_results_of_templates_read_like_templates_that_failed() {
        let spec = spec(json!({ "encryptedData": {}, "template": { "data": { "out": "{{ .p }}" } } }));
        let failed = Failure::unseal(Unrendered::new(rendering::templates(&spec).unwrap(), Functions::default()));
        let failed = (failed.message, failed.event, failed.reason);
        let invalid = cause("data[.dockerconfigjson]", "FieldValueInvalid");
        let long = cause("data", "FieldValueTooLong");
        for (code, causes) in [
            (422, json!([invalid])),
            (422, json!([long])),
            (422, json!([invalid, long])),
            (422, json!([cause("metadata.labels", "FieldValueInvalid"), long])),
            (422, json!([])),
            (413, json!([])),
        ] {
            assert_eq!(refused(&spec, code, &causes), failed, "{code} {causes}");
        }
        // Whether it is other data, and how long it is, depend on values as well.
        let frozen = "Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
        assert_eq!(refused_with(&spec, 422, &json!([cause("data", "FieldValueForbidden")]), frozen), failed);
        assert_eq!(refused_with(&spec, 500, &json!([]), "etcdserver: request is too large"), failed);
        // What depends on no value is told.
        let (message, ..) = refused(&spec, 422, &json!([cause("metadata.labels", "FieldValueInvalid")]));
        assert!(message.ends_with("metadata.labels: invalid value"), "{message}");
    }

    #[test]
    fn whatever_is_wrong_with_a_blob_reads_the_same() {
        let spec = spec(json!({ "data": "AAAA", "encryptedData": {} }));
        let malformed = OpenError::V1Malformed.to_string();
        for causes in [json!([cause("data[canary]", "FieldValueInvalid")]), json!([cause("type", "FieldValueInvalid")])]
        {
            assert_eq!(refused(&spec, 422, &causes).0, malformed);
        }
        for failure in [
            Failure::unseal("spec.template.metadata.labels must map text to text"),
            Failure::new(Reason::Update, Class::Permanent, "Secrets of type canary are refused"),
        ] {
            assert_eq!(told(&spec, Functions::default(), failure).message, malformed);
        }
        let (message, ..) = refused(&spec, 500, &json!([]));
        assert_ne!(message, malformed, "what may pass is told");
    }
}
