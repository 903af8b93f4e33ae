//! Answers that are errors, as the API's client says them, and what to do about each.

use jiff::{SignedDuration, Timestamp};

use crate::network::Failure;

/// An answer that is an error. `resource` names what was asked for; `is_status` says whether the server sent the message
/// as a Status object.
pub(crate) fn refused(verb: &str, resource: &str, code: u16, message: &str, is_status: bool) -> Failure {
    let failure = Failure::new(words(verb, resource, code, message, is_status));
    match (code, is_status) {
        (_, false) if is_page(message) => failure.hint(
            "the answer is a web page, perhaps of a login: is this the address of the API server, and no console or proxy before it?",
        ),
        (400, false) if is_tls_wanted(message) => {
            failure.hint("the server wants TLS; its address is to begin with https://")
        }
        (401, _) => failure.hint(
            "the server does not accept these credentials; log in anew, and see whether kubectl works with the same context: \
             kubectl auth whoami",
        ),
        _ => failure,
    }
}

fn words(verb: &str, resource: &str, code: u16, message: &str, is_status: bool) -> String {
    if is_status && !message.is_empty() {
        return message.to_owned();
    }
    let place = format!("({verb} {resource})");
    match code {
        400 if is_tls_wanted(message) => {
            format!(
                "the server rejected our request for an unknown reason {place}: {}",
                message.lines().next().unwrap_or_default()
            )
        }
        400 => format!("the server rejected our request for an unknown reason {place}"),
        401 => format!("the server has asked for the client to provide credentials {place}"),
        403 if message.is_empty() || is_page(message) => {
            format!("the server does not allow access to the requested resource {place}")
        }
        403 => message.to_owned(),
        404 => format!("the server could not find the requested resource {place}"),
        405 => format!("the server does not allow this method on the requested resource {place}"),
        429 => format!("the server has received too many requests and has asked us to try again later {place}"),
        503 => format!("the server is currently unable to handle the request {place}"),
        504 => format!(
            "the server was unable to return a response in the time allotted, but may still be processing the request {place}"
        ),
        code if code >= 500 => {
            let message = if is_page(message) { "a web page" } else { message };
            format!("an error on the server (\"{message}\") has prevented the request from succeeding {place}")
        }
        _ => format!("the server responded with the status code {code} but did not return more information {place}"),
    }
}

/// HTML where JSON or PEM is wanted.
pub(crate) fn is_page(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(14).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.starts_with("<head")
        || start.starts_with("<?xml")
}

/// What servers say to a request without TLS: Go's, and nginx's.
fn is_tls_wanted(text: &str) -> bool {
    text.contains("HTTP request to an HTTPS server") || text.contains("plain HTTP request was sent to HTTPS port")
}

/// What is wrong with the clock of this machine, going by the server's `Date`.
pub(crate) fn skew(date: &str, now: Timestamp) -> Option<String> {
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let ahead = now.duration_since(server);
    (ahead.abs() > MOST_SKEW).then(|| {
        let minutes = ahead.abs().as_secs() / 60;
        let direction = if ahead.is_positive() { "ahead of" } else { "behind" };
        format!("the clock of this machine is {minutes} minutes {direction} the server's; tokens and certificates are judged by it")
    })
}

/// Beyond it tokens and certificates begin to fail.
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_without_a_status_object_get_the_clients_words() {
        let told = |code, message| refused("post", "services http:a:", code, message, false).to_string();
        assert_eq!(
            told(500, "broke"),
            "an error on the server (\"broke\") has prevented the request from succeeding (post services http:a:)"
        );
        assert_eq!(
            told(429, ""),
            "the server has received too many requests and has asked us to try again later (post services http:a:)"
        );
        assert_eq!(refused("get", "x", 404, "gone", true).to_string(), "gone");
        assert!(refused("get", "x", 403, "<!DOCTYPE html><title>Sign in</title>", false).has_hints());
    }

    #[test]
    fn a_clock_that_is_wrong_is_told() {
        let now: Timestamp = "2026-11-27T20:00:00Z".parse().unwrap_or_default();
        assert_eq!(skew("Fri, 27 Nov 2026 19:58:00 GMT", now), None);
        assert_eq!(skew("nonsense", now), None);
        assert!(skew("Fri, 27 Nov 2026 19:00:00 GMT", now).is_some_and(|text| text.contains("60 minutes ahead of")));
        assert!(skew("Fri, 27 Nov 2026 21:00:00 GMT", now).is_some_and(|text| text.contains("60 minutes behind")));
    }
}
