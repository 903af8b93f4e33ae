//! What a refusal of the API server says, in our own words. Its own text, and that of a webhook or a policy, may repeat
//! what stands in a Secret, one character of it included: of those texts nothing is told. Pure.

use kube::core::Status;

/// What went wrong with a request, without a word of what was asked or answered.
pub(crate) fn answer(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => text(status),
        kube::Error::HyperError(_) | kube::Error::Service(_) => "the API server cannot be reached".to_owned(),
        kube::Error::SerdeError(_) => "the API server's answer cannot be read".to_owned(),
        _ => "the request to the API server failed".to_owned(),
    }
}

/// The refusal as a sentence: what is known of its cause, its reason and its code.
pub(crate) fn text(status: &Status) -> String {
    let cause = Cause::of(status);
    let code = status.code;
    let reason = REASONS.iter().find(|reason| **reason == status.reason);
    match cause {
        Cause::Webhook(Some(name)) => format!("admission webhook `{name}` denied the request ({code})"),
        Cause::Webhook(None) => format!("an admission webhook denied the request ({code})"),
        Cause::Silent(name) => format!("the webhook `{name}` does not answer ({code})"),
        Cause::Policy(Some(name)) => format!("ValidatingAdmissionPolicy `{name}` denied the request ({code})"),
        Cause::Policy(None) => format!("a ValidatingAdmissionPolicy denied the request ({code})"),
        Cause::Quota(Some(name)) => format!("exceeded quota: {name} ({code})"),
        Cause::Quota(None) => format!("exceeded quota ({code})"),
        Cause::Ending => format!("the namespace is being terminated ({code})"),
        Cause::NoNamespace => format!("there is no such namespace ({code})"),
        Cause::Rights => format!(
            "the request is forbidden ({code}): the controller has no right to do that; compare its ClusterRole and Roles with those \
             in deploy/"
        ),
        Cause::Fields => match reason {
            Some(reason) => format!("the API server answers {reason} ({code}): {}", fields(status)),
            None => format!("the API server answers {code}: {}", fields(status)),
        },
        Cause::Other => match reason {
            Some(reason) => format!("the API server answers {reason} ({code})"),
            None => format!("the API server answers {code}"),
        },
    }
}

/// Whether a webhook or a policy refused: that passes when it changes, whatever code it gives.
pub(crate) fn is_denied(status: &Status) -> bool {
    matches!(Cause::of(status), Cause::Webhook(_) | Cause::Policy(_))
}

/// Whether what is wrong may lie in the data of a Secret: it does not only where every cause is said to lie elsewhere.
pub(crate) fn concerns_data(status: &Status) -> bool {
    let causes = status.details.as_ref().map_or(&[][..], |details| &details.causes);
    let is_elsewhere = |field: &str| PATHS.contains(&field) && field != "data";
    causes.is_empty() || !causes.iter().all(|cause| is_elsewhere(&cause.field))
}

/// Whether the storage behind the API server takes no object of that size. The code is that of an internal error.
pub(crate) fn is_too_large(status: &Status) -> bool {
    status.message == TOO_LARGE
}

/// Whether the Secret may not be changed any longer.
pub(crate) fn is_immutable(status: &Status) -> bool {
    !is_denied(status) && status.message.ends_with(IMMUTABLE)
}

/// What the API server says of a Secret that may not be changed any longer; the words are the server's own.
pub(crate) fn immutable(name: &str, status: &Status) -> String {
    let field = causes(status).map(|(field, _)| field).next().unwrap_or("data");
    format!("Secret \"{name}\" is invalid: {field}: Forbidden: {IMMUTABLE}")
}

/// Why something was refused, as far as it can be told by what the server itself wrote.
enum Cause<'a> {
    Webhook(Option<&'a str>),
    /// A webhook that cannot be asked.
    Silent(&'a str),
    Policy(Option<&'a str>),
    Quota(Option<&'a str>),
    Ending,
    NoNamespace,
    Rights,
    Fields,
    Other,
}

impl<'a> Cause<'a> {
    fn of(status: &'a Status) -> Self {
        let message = status.message.as_str();
        // What a webhook says comes behind this; nothing before it is the webhook's.
        if let Some(rest) = message.strip_prefix("admission webhook \"") {
            return Self::Webhook(name_before(rest, '"'));
        }
        let failed = message.strip_prefix("Internal error occurred: failed calling webhook \"");
        if let Some(name) = failed.and_then(|rest| name_before(rest, '"')) {
            return Self::Silent(name);
        }
        if message.contains("denied the request") {
            return Self::Webhook(None);
        }
        let forbidden = message.split_once(" is forbidden: ").map_or("", |(_, rest)| rest);
        if let Some(rest) = forbidden.strip_prefix("ValidatingAdmissionPolicy '") {
            return Self::Policy(name_before(rest, '\''));
        }
        if message.contains("denied request") {
            return Self::Policy(None);
        }
        if let Some(rest) = forbidden.strip_prefix("exceeded quota: ") {
            return Self::Quota(name_before(rest, ','));
        }
        match status.code {
            403 if message.contains("because it is being terminated") => Self::Ending,
            403 if forbidden.starts_with("User ") => Self::Rights,
            404 if message.starts_with("namespaces ") => Self::NoNamespace,
            _ if causes(status).next().is_some() => Self::Fields,
            _ => Self::Other,
        }
    }
}

/// A text up to its end, if it is a name as Kubernetes has them.
fn name_before(text: &str, end: char) -> Option<&str> {
    let (name, _) = text.split_once(end)?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (!name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_name)).then_some(name)
}

/// Field paths, and what is wrong there.
fn fields(status: &Status) -> String {
    let told = |(field, what)| format!("{field}: {what}");
    causes(status).map(told).take(MOST_FIELDS).collect::<Vec<_>>().join(", ")
}

fn causes(status: &Status) -> impl Iterator<Item = (&str, &str)> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.filter(|cause| is_path(&cause.field)).filter_map(|cause| {
        let (_, what) = WHAT.iter().find(|(reason, _)| *reason == cause.reason)?;
        Some((cause.field.as_str(), *what))
    })
}

/// Whether a text is the path of a field of a Secret, with the name of an item at most.
fn is_path(text: &str) -> bool {
    let is_known = PATHS.contains(&text);
    let item = text.strip_prefix("data[").and_then(|rest| rest.strip_suffix(']'));
    let is_item = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    is_known || item.is_some_and(|item| item.len() <= LONGEST_NAME && item.bytes().all(is_item))
}

const PATHS: [&str; 8] = [
    "data",
    "immutable",
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.ownerReferences",
    "type",
];
/// Kinds of errors of a field (k8s.io/apimachinery, field.ErrorType), and what they mean.
const WHAT: [(&str, &str); 8] = [
    ("FieldValueDuplicate", "duplicate value"),
    ("FieldValueForbidden", "forbidden"),
    ("FieldValueInvalid", "invalid value"),
    ("FieldValueNotFound", "not found"),
    ("FieldValueNotSupported", "unsupported value"),
    ("FieldValueRequired", "required value"),
    ("FieldValueTooLong", "too long"),
    ("FieldValueTooMany", "too many"),
];
/// Reasons of refusals (k8s.io/apimachinery, metav1.StatusReason).
const REASONS: [&str; 20] = [
    "AlreadyExists",
    "BadRequest",
    "Conflict",
    "Expired",
    "Forbidden",
    "Gone",
    "InternalError",
    "Invalid",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "RequestEntityTooLarge",
    "ServerTimeout",
    "ServiceUnavailable",
    "StorageReadError",
    "StoreReadError",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
];
/// What etcd says of an object that is too large.
const TOO_LARGE: &str = "etcdserver: request is too large";
/// How the API server ends its refusal to change an immutable Secret.
const IMMUTABLE: &str = "field is immutable when `immutable` is set";
const MOST_FIELDS: usize = 8;
/// DNS subdomains, and names of items.
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::{Value, json};

    use super::*;

    fn status(code: u16, reason: &str, message: &str, causes: &Value) -> Status {
        serde_json::from_value(json!({ "code": code, "reason": reason, "message": message,
            "details": { "causes": causes } }))
        .unwrap()
    }

    #[test]
    fn known_causes_are_named_in_our_own_words() {
        let none = json!([]);
        let field = |field: &str, reason: &str| json!([{ "field": field, "reason": reason, "message": "T" }]);
        for (status, expected) in [
            (
                status(
                    403,
                    "Forbidden",
                    "secrets \"b\" is forbidden: exceeded quota: full, requested: secrets=1",
                    &none,
                ),
                "exceeded quota: full (403)",
            ),
            (
                status(
                    403,
                    "Forbidden",
                    "secrets \"b\" is forbidden: ValidatingAdmissionPolicy 'p.x' with binding 'b' denied request: T",
                    &none,
                ),
                "ValidatingAdmissionPolicy `p.x` denied the request (403)",
            ),
            (
                status(
                    400,
                    "T",
                    "admission webhook \"w.example.com\" denied the request: T",
                    &field("data[T]", "FieldValueInvalid"),
                ),
                "admission webhook `w.example.com` denied the request (400)",
            ),
            (
                status(400, "T", "admission webhook \"T x\" denied the request", &none),
                "an admission webhook denied the request (400)",
            ),
            (
                status(
                    403,
                    "Forbidden",
                    "secrets \"b\" is forbidden: unable to create new content in namespace x because it is being terminated",
                    &none,
                ),
                "the namespace is being terminated (403)",
            ),
        ] {
            let told = text(&status);
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn fields_and_codes_are_told_and_texts_are_not() {
        let none = json!([]);
        let field = |field: &str, reason: &str| json!([{ "field": field, "reason": reason, "message": "T" }]);
        for (status, expected) in [
            (
                status(
                    422,
                    "Invalid",
                    "Secret \"a\" is invalid: data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'T' looking for beginning of value",
                    &field("data[.dockerconfigjson]", "FieldValueInvalid"),
                ),
                "the API server answers Invalid (422): data[.dockerconfigjson]: invalid value",
            ),
            (
                status(422, "Invalid", "T", &field("data[T T]", "FieldValueInvalid")),
                "the API server answers Invalid (422)",
            ),
            (status(422, "Invalid", "T", &field("T", "T")), "the API server answers Invalid (422)"),
            (status(500, "T", "T", &none), "the API server answers 500"),
            (status(404, "NotFound", "namespaces \"T\" not found", &none), "there is no such namespace (404)"),
            (status(413, "RequestEntityTooLarge", "T", &none), "the API server answers RequestEntityTooLarge (413)"),
        ] {
            let told = text(&status);
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn nothing_of_a_text_is_told_wherever_a_value_stands_in_it() {
        // Names of webhooks, quotas and policies are the API server's; what stands in their place and is no name is not told.
        for (place, value) in
            [(0, "canary7d1f"), (1, "canary7d1f"), (2, "canary7d1f"), (3, "canary7d1f"), (4, "canary 7d1f")]
        {
            let at = |number| if number == place { value } else { "x" };
            let causes = json!([{ "field": at(0), "reason": at(1), "message": at(2) }]);
            for message in [
                format!("{} admission webhook \"{}\" denied the request: {}", at(3), at(4), at(2)),
                format!("admission webhook \"{}\" denied the request: {}", at(4), at(2)),
                format!("x is forbidden: exceeded quota: {}, {}", at(4), at(2)),
                format!("x is forbidden: ValidatingAdmissionPolicy '{}' with {}", at(4), at(2)),
                at(4).to_owned(),
            ] {
                for code in [400, 403, 404, 409, 413, 422, 500] {
                    let told = text(&status(code, at(3), &message, &causes));
                    assert!(!told.contains("canary"), "{told}");
                }
            }
        }
    }

    /// An error of decoding may quote what it found.
    #[test]
    fn nothing_of_an_answer_that_does_not_decode_is_told() {
        let error = serde_json::from_str::<Status>("\"canary7d1f\"").unwrap_err();
        assert!(error.to_string().contains("canary7d1f"), "{error}");
        assert_eq!(answer(&kube::Error::SerdeError(error)), "the API server's answer cannot be read");
    }

    #[test]
    fn a_missing_right_is_told_by_its_code_and_its_words() {
        let none = json!([]);
        for (code, message, expected) in [
            (403, "secrets is forbidden: User \"u\" cannot create resource \"secrets\"", true),
            (403, "secrets is forbidden: no", false),
            (404, "secrets is forbidden: User \"u\" cannot create resource \"secrets\"", false),
        ] {
            let told = text(&status(code, "Forbidden", message, &none));
            assert_eq!(told.contains("has no right"), expected, "{code} {message}: {told}");
        }
        for message in ["secrets \"a\" not found", "x namespaces \"a\" not found"] {
            assert_eq!(text(&status(404, "NotFound", message, &none)), "the API server answers NotFound (404)");
        }
    }

    #[test]
    fn only_names_are_repeated() {
        let webhook = |name: &str| format!("admission webhook \"{name}\" denied the request");
        let longest = "a".repeat(253);
        for (name, is_told) in [
            ("w-1.example", true),
            (&longest, true),
            (&*format!("{longest}a"), false),
            ("", false),
            ("W", false),
            ("a_b", false),
        ] {
            let told = text(&status(400, "T", &webhook(name), &json!([])));
            let expected = if is_told {
                format!("admission webhook `{name}` denied the request (400)")
            } else {
                "an admission webhook denied the request (400)".to_owned()
            };
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn an_immutable_secret_is_told_by_its_field() {
        let message = format!("Secret \"a\" is invalid: type: Forbidden: {IMMUTABLE}");
        let told = status(422, "Invalid", &message, &json!([{ "field": "type", "reason": "FieldValueForbidden" }]));
        assert!(is_immutable(&told));
        assert_eq!(immutable("a", &told), message);
        let told =
            status(422, "Invalid", &format!("admission webhook \"w\" denied the request: {IMMUTABLE}"), &json!([]));
        assert!(!is_immutable(&told) && is_denied(&told));
    }
}
