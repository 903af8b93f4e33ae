//! One call to the API server, as its rights and its audit log name it.

use std::fmt;

use http::Method;
use http::request::Parts;
use serde_json::Value;

/// A verb and its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Verb and resource, such as `update sealedsecrets/status`.
    pub what: String,
    /// The object's namespace; empty for the whole cluster.
    pub namespace: String,
    /// The object's name, where the call has one.
    pub name: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.what, self.namespace, self.name)
    }
}

impl Call {
    /// Reads a request.
    pub(crate) fn read(head: &Parts, body: &[u8]) -> Self {
        let path = head.uri.path();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        // `api/v1/…` or `apis/GROUP/VERSION/…`
        let rest = segments.get(if segments.first() == Some(&"api") { 2.. } else { 3.. }).unwrap_or_default();
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let resource = rest.first().copied().unwrap_or(path);
        let in_path = rest.get(1).copied().unwrap_or_default();
        let subresource = rest.get(2).map(|name| format!("/{name}")).unwrap_or_default();
        let verb = verb(&head.method, in_path.is_empty(), head.uri.query().unwrap_or_default());
        let name = if in_path.is_empty() { name_in(body) } else { in_path.to_owned() };
        Self { what: format!("{verb} {resource}{subresource}"), namespace: namespace.to_owned(), name }
    }
}

fn verb(method: &Method, is_collection: bool, query: &str) -> &'static str {
    let is_watch = query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1");
    match (method.as_str(), is_collection) {
        ("GET", true) if is_watch => "watch",
        ("GET", true) => "list",
        ("GET", false) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        _ => "delete",
    }
}

fn name_in(body: &[u8]) -> String {
    let object: Value = serde_json::from_slice(body).unwrap_or_default();
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn calls_are_named_as_in_the_audit_log() {
        for (method, uri, body, wanted) in [
            ("GET", "/api/v1/namespaces/a/secrets/b", "", "get secrets a/b"),
            ("GET", "/api/v1/secrets?watch=true&x=y", "", "watch secrets /"),
            ("GET", "/api/v1/namespaces/a/secrets?limit=5", "", "list secrets a/"),
            ("POST", "/api/v1/namespaces/a/secrets?x", r#"{"metadata":{"name":"n"}}"#, "create secrets a/n"),
            (
                "PUT",
                "/apis/bitnami.com/v1alpha1/namespaces/a/sealedsecrets/b/status",
                "{}",
                "update sealedsecrets/status a/b",
            ),
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", "create selfsubjectaccessreviews /"),
            ("GET", "/api/v1/namespaces/a", "", "get namespaces /a"),
        ] {
            let request = Request::builder().method(method).uri(uri).body(());
            let (head, ()) = request.expect("the table holds requests").into_parts();
            assert_eq!(Call::read(&head, body.as_bytes()).to_string(), wanted);
        }
    }
}
