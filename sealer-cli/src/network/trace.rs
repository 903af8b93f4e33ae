//! `-v 6` to `-v 10`: requests and answers on standard error, as client-go shows them (`transport/round_trippers.go`). No
//! credential and no Secret is among it.

use std::fmt::Display;
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Request, header, response};
use kube::client::Body;

use crate::diagnostics::notice;
use crate::network::address;
use crate::ui;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trace(pub(crate) i64);

/// A request on its way.
pub(crate) struct Asked {
    level: i64,
    method: String,
    url: String,
    started: Instant,
    /// Whether a body may hold a Secret.
    is_private: bool,
}

/// A request that is being answered.
pub(crate) struct Answered(Asked);

impl Trace {
    /// Shows a request.
    pub(crate) fn request(self, request: &Request<Body>) -> Asked {
        let url = address::without_password(&request.uri().to_string());
        let (method, started) = (request.method().to_string(), Instant::now());
        let asked = Asked { level: self.0, method, url, started, is_private: is_private(request.uri().path()) };
        if asked.level >= 9 {
            log(&curl(&asked, request.headers()));
        } else if asked.level >= 7 {
            log(&format!("{} {}", asked.method, asked.url));
            log(&headers("Request Headers:", request.headers()));
        }
        if asked.level >= 8
            && let Some(body) = request.body().try_clone()
        {
            asked.show_request(body);
        }
        asked
    }
}

impl Asked {
    /// Shows the body of a request, which is whole already.
    fn show_request(&self, body: Body) {
        use http_body_util::BodyExt as _;
        // It holds its bytes, so that nothing is waited for.
        let mut collected = Box::pin(body.collect());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(Ok(bytes)) = collected.as_mut().poll(&mut context) {
            let bytes = bytes.to_bytes();
            if !bytes.is_empty() {
                self.body("Request", &bytes);
            }
        }
    }

    /// Shows that there is no answer.
    pub(crate) fn unanswered(&self, error: &dyn Display) {
        if self.level >= 6 {
            log(&format!("{} {}  in {} milliseconds: {error}", self.method, self.url, self.milliseconds()));
        }
    }

    /// Shows the beginning of an answer.
    pub(crate) fn answered(self, head: &response::Parts) -> Answered {
        let status = head.status;
        let status = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
        if self.level >= 9 || self.level == 6 {
            log(&format!("{} {} {status} in {} milliseconds", self.method, self.url, self.milliseconds()));
        } else if self.level >= 7 {
            log(&format!("Response Status: {status} in {} milliseconds", self.milliseconds()));
        }
        if self.level >= 8 {
            log(&headers("Response Headers:", &head.headers));
        }
        Answered(self)
    }

    fn milliseconds(&self) -> u128 {
        self.started.elapsed().as_millis()
    }

    /// client-go's `logBody`.
    fn body(&self, which: &str, bytes: &[u8]) {
        let most = match self.level {
            ..8 => return,
            8 => 1024,
            9 => 10240,
            _ => usize::MAX,
        };
        if self.is_private || holds_secret(bytes) {
            log(&format!("{which} Body: not shown, since it may hold a Secret"));
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let shown: String = text.chars().take(most).collect();
        let rest = text.chars().count().saturating_sub(most);
        let rest = if rest == 0 { String::new() } else { format!(" [truncated {rest} chars]") };
        log(&format!("{which} Body: {shown}{rest}"));
    }
}

impl Answered {
    /// Shows the rest of an answer.
    pub(crate) fn body(&self, bytes: &[u8]) {
        self.0.body("Response", bytes);
    }
}

/// What stands under Secrets and tokens, whatever it is.
fn is_private(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "secrets" | "token" | "tokenreviews"))
}

/// A body that says what it is, or that shows a private key.
fn holds_secret(bytes: &[u8]) -> bool {
    let compact: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let holds = |text: &[u8]| compact.windows(text.len()).any(|window| window == text);
    [&b"\"kind\":\"Secret\""[..], b"\"kind\":\"SecretList\"", b"kind:Secret", b"PRIVATEKEY-----"]
        .iter()
        .any(|text| holds(text))
}

fn headers(title: &str, headers: &HeaderMap) -> String {
    let line = |(name, value)| format!("\n    {}: {}", title_case(name), masked(name, value));
    title.to_owned() + &headers.iter().map(line).collect::<String>()
}

/// A command that sends the same again, with credentials left out.
fn curl(asked: &Asked, headers: &HeaderMap) -> String {
    let header = |(name, value)| format!(" -H \"{}: {}\"", title_case(name), masked(name, value).replace('"', "\\\""));
    let headers: String = headers.iter().map(header).collect();
    format!("curl -v -X{} {headers} '{}'", asked.method, asked.url.replace('\'', "%27"))
}

/// `Content-Type`, as Go writes the names of headers.
fn title_case(name: &header::HeaderName) -> String {
    let capital = |part: &str| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    name.as_str().split('-').map(capital).collect::<Vec<_>>().join("-")
}

/// client-go's `maskValue`: the kind of a credential stays.
fn masked(name: &header::HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    match name.as_str() {
        "authorization" | "proxy-authorization" => match text.split_once(' ') {
            Some((kind, _)) if KINDS.contains(&kind.to_ascii_lowercase().as_str()) => format!("{kind} <masked>"),
            _ => "<masked>".to_owned(),
        },
        "cookie" | "set-cookie" => "<masked>".to_owned(),
        _ => text,
    }
}

/// A line as klog writes it.
fn log(text: &str) {
    notice(&format!("I{} {:7} round_trippers.go] {text}", ui::now().strftime("%m%d %H:%M:%S.%6f"), std::process::id()));
}

const KINDS: [&str; 3] = ["basic", "bearer", "negotiate"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_and_no_secret_is_shown() {
        let mask = |name: &'static str, value: &'static str| {
            masked(&header::HeaderName::from_static(name), &HeaderValue::from_static(value))
        };
        assert_eq!(mask("authorization", "Bearer hunter2"), "Bearer <masked>");
        assert_eq!(mask("authorization", "hunter2"), "<masked>");
        assert_eq!(mask("authorization", "Odd hunter2"), "<masked>");
        assert_eq!(mask("proxy-authorization", "Basic hunter2"), "Basic <masked>");
        assert_eq!(mask("set-cookie", "a=hunter2"), "<masked>");
        assert_eq!(mask("accept", "*/*"), "*/*");
        for path in ["/api/v1/namespaces/a/secrets", "/api/v1/namespaces/a/secrets/b", "/k8s/c/api/v1/secrets"] {
            assert!(is_private(path), "{path}");
        }
        assert!(!is_private("/api/v1/namespaces/a/services/http:b:/proxy/v1/cert.pem"));
        for body in [
            "{\"kind\": \"Secret\"}",
            "{\n  \"kind\" :\n \"SecretList\"}",
            "kind: Secret\n",
            "-----BEGIN RSA PRIVATE KEY-----",
        ] {
            assert!(holds_secret(body.as_bytes()), "{body}");
        }
        assert!(!holds_secret(b"{\"kind\":\"SealedSecret\"}"));
    }
}
