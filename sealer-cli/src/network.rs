//! Why a request failed, in the words that scripts know: `Get "URL": dial tcp HOST: connect: connection refused`.

use std::error::Error;
use std::io;

use http::Uri;

/// A request that got no answer. `verb` is `Get` or `Post`.
pub(crate) fn unanswered(verb: &str, url: &str, error: &(dyn Error + 'static)) -> String {
    format!("{verb} \"{url}\": {}", reason(url, error))
}

fn reason(url: &str, error: &(dyn Error + 'static)) -> String {
    if let Some(tls) = find::<rustls::Error>(error) {
        return untrusted(tls);
    }
    let Some(io) = find::<io::Error>(error) else {
        // The server spoke something else, or hung up before it spoke.
        return if innermost(error).contains("invalid HTTP version") { "EOF".to_owned() } else { innermost(error) };
    };
    let host = authority(url);
    match io.kind() {
        io::ErrorKind::ConnectionRefused => format!("dial tcp {host}: connect: connection refused"),
        io::ErrorKind::NetworkUnreachable => format!("dial tcp {host}: connect: network is unreachable"),
        io::ErrorKind::HostUnreachable => format!("dial tcp {host}: connect: no route to host"),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        io::ErrorKind::TimedOut => {
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
        }
        _ if innermost(error).contains("failed to lookup address") => {
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            format!("dial tcp: lookup {name}: no such host")
        }
        _ => innermost(error),
    }
}

fn untrusted(error: &rustls::Error) -> String {
    use rustls::CertificateError as Bad;
    let why = match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::Other(_)) => {
            "x509: certificate signed by unknown authority".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "x509: certificate has expired or is not yet valid".to_owned()
        }
        rustls::Error::InvalidCertificate(other) => format!("x509: {other}"),
        other => return format!("tls: {other}"),
    };
    format!("tls: failed to verify certificate: {why}")
}

/// The first error of that type in the chain. An input/output error may carry another one inside.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// `HOST:PORT`, with the scheme's own port where none is written.
fn authority(url: &str) -> String {
    let Ok(uri) = url.parse::<Uri>() else { return url.to_owned() };
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
}

/// An answer that is an error, as the API's client says it. `resource` names what was asked for; `is_status` says
/// whether the server sent the message as a Status object.
pub(crate) fn refused(verb: &str, resource: &str, code: u16, message: &str, is_status: bool) -> String {
    if is_status && !message.is_empty() {
        return message.to_owned();
    }
    let place = format!("({verb} {resource})");
    match code {
        400 => format!("the server rejected our request for an unknown reason {place}"),
        401 => format!("the server has asked for the client to provide credentials {place}"),
        403 if message.is_empty() => format!("the server does not allow access to the requested resource {place}"),
        403 => message.to_owned(),
        404 => format!("the server could not find the requested resource {place}"),
        405 => format!("the server does not allow this method on the requested resource {place}"),
        429 => format!("the server has received too many requests and has asked us to try again later {place}"),
        503 => format!("the server is currently unable to handle the request {place}"),
        504 => format!(
            "the server was unable to return a response in the time allotted, but may still be processing the request {place}"
        ),
        code if code >= 500 => {
            format!("an error on the server (\"{message}\") has prevented the request from succeeding {place}")
        }
        _ => format!("the server responded with the status code {code} but did not return more information {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_told_as_go_tells_it() {
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        let text = unanswered("Get", "http://127.0.0.1:1/cert.pem", &error);
        assert_eq!(text, "Get \"http://127.0.0.1:1/cert.pem\": dial tcp 127.0.0.1:1: connect: connection refused");
    }

    #[test]
    fn answers_without_a_status_object_get_the_clients_words() {
        let told = |code, message| refused("post", "services http:a:", code, message, false);
        assert_eq!(
            told(500, "broke"),
            "an error on the server (\"broke\") has prevented the request from succeeding (post services http:a:)"
        );
        assert_eq!(
            told(429, ""),
            "the server has received too many requests and has asked us to try again later (post services http:a:)"
        );
        assert_eq!(refused("get", "x", 404, "gone", true), "gone");
    }
}
