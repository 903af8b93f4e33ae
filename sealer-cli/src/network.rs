//! Requests over HTTP: the connection, the limits, and why a request failed in the words that scripts know:
//! `Get "URL": dial tcp HOST: connect: connection refused`.

use std::error::Error;
use std::io;

use http::Uri;
use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};

use crate::diagnostics::os_text;

pub(crate) mod address;
mod boxed_io;
pub(crate) mod connect;
mod failure;
pub(crate) mod identity;
mod opening;
pub(crate) mod proxy;
pub(crate) mod redirect;
pub(crate) mod refusal;
pub(crate) mod send;
mod signed;
mod socks;
pub(crate) mod tls;
pub(crate) mod trace;

pub(crate) use failure::Failure;
pub(crate) use refusal::refused;

use connect::ConnectError;

/// A request that got no answer. `verb` is `Get` or `Post`.
pub(crate) fn unanswered(verb: &str, url: &str, error: &(dyn Error + 'static)) -> Failure {
    let beneath = |failure: Failure| failure.beneath(&format!("{verb} \"{}\"", address::without_password(url)));
    if let Some(failure) = find::<Failure>(error) {
        return beneath(failure.clone());
    }
    let failure = Failure::new(reason(url, error));
    let failure = remedies(url, error).into_iter().fold(failure, Failure::hint);
    beneath(failure)
}

/// Why, in the words of Go.
pub(crate) fn reason(url: &str, error: &(dyn Error + 'static)) -> String {
    if let Some(known) = find::<ConnectError>(error)
        && !matches!(known, ConnectError::Other(_))
    {
        return known.to_string();
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return untrusted(tls);
    }
    let Some(io) = find::<io::Error>(error) else {
        // The server spoke something else, or hung up before it spoke.
        let text = innermost(error);
        let is_end =
            text.contains("invalid HTTP version") || text.contains("connection closed before message completed");
        return if is_end { "EOF".to_owned() } else { text };
    };
    let host = authority(url);
    match io.kind() {
        io::ErrorKind::ConnectionRefused => format!("dial tcp {host}: connect: connection refused"),
        io::ErrorKind::NetworkUnreachable => format!("dial tcp {host}: connect: network is unreachable"),
        io::ErrorKind::HostUnreachable => format!("dial tcp {host}: connect: no route to host"),
        io::ErrorKind::ConnectionReset => format!("read tcp {host}: read: connection reset by peer"),
        io::ErrorKind::BrokenPipe => format!("write tcp {host}: write: broken pipe"),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        io::ErrorKind::TimedOut => format!("dial tcp {host}: i/o timeout"),
        _ if is_lookup(error) => {
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            format!("dial tcp: lookup {name}: no such host")
        }
        _ => innermost(error),
    }
}

fn is_lookup(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.to_string().contains("dns error") || error.to_string().contains("failed to lookup address") {
            return true;
        }
        next = error.source();
    }
    false
}

/// What to try.
fn remedies(url: &str, error: &(dyn Error + 'static)) -> Vec<String> {
    let place = address::without_password(url);
    let host = authority(url);
    let hint = match find::<ConnectError>(error) {
        Some(ConnectError::Proxy { proxy, .. }) => {
            return vec![
                format!("the request goes through the proxy {proxy}"),
                format!("if {host} is reached without it, name it in NO_PROXY or leave proxy-url out"),
            ];
        }
        Some(ConnectError::Choice(_)) => {
            "the environment names a proxy that cannot be used; see HTTPS_PROXY and HTTP_PROXY".to_owned()
        }
        Some(ConnectError::Trust(_)) => {
            "SSL_CERT_FILE and SSL_CERT_DIR say where the system's authorities stand".to_owned()
        }
        Some(ConnectError::PlainHttp) => {
            format!("there is no TLS at {host}; is the address to begin with http://, or to have another port?")
        }
        Some(ConnectError::ServerName(_)) => "tls-server-name is to be a host name or an IP address".to_owned(),
        _ => match (find::<rustls::Error>(error), find::<io::Error>(error)) {
            (Some(tls), _) => return tls_remedy(tls).into_iter().collect(),
            (None, Some(io)) if io.kind() == io::ErrorKind::ConnectionRefused => {
                format!("nothing listens at {host}; is the cluster up, and is this its address?")
            }
            (None, Some(io))
                if matches!(
                    io.kind(),
                    io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::TimedOut
                ) =>
            {
                format!("{host} cannot be reached from here; is a VPN or a proxy (HTTPS_PROXY, proxy-url) needed?")
            }
            (None, Some(io)) if io.kind() == io::ErrorKind::ConnectionReset => {
                format!("{host} closed the connection; a firewall or proxy on the way may not let it through")
            }
            _ if is_lookup(error) => {
                format!("the name in {place} is not known here; is it spelled right, and is a VPN or a proxy needed?")
            }
            _ if reason(url, error) == "EOF" => {
                format!(
                    "{host} closed the connection without an answer; is it the address of an API server, with the right port and scheme?"
                )
            }
            _ => return Vec::new(),
        },
    };
    vec![hint]
}

fn untrusted(error: &rustls::Error) -> String {
    use rustls::CertificateError as Bad;
    let why = match error {
        rustls::Error::InvalidCertificate(bad) if is_old_version(bad) => NO_NAMES.to_owned(),
        rustls::Error::InvalidCertificate(bad) if is_not_permitted(bad) => NOT_PERMITTED.to_owned(),
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature | Bad::Other(_)) => {
            "x509: certificate signed by unknown authority".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::ExpiredContext { time, not_after }) => {
            format!("{OUT_OF_DATE}: current time {} is after {}", at(*time), at(*not_after))
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYetContext { time, not_before }) => {
            format!("{OUT_OF_DATE}: current time {} is before {}", at(*time), at(*not_before))
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::NotValidYet) => OUT_OF_DATE.to_owned(),
        rustls::Error::InvalidCertificate(Bad::NotValidForNameContext { expected, presented }) => {
            misnamed(expected, presented)
        }
        rustls::Error::InvalidCertificate(other) => format!("x509: {other}"),
        rustls::Error::AlertReceived(alert) => return format!("remote error: tls: {}", alert_words(*alert)),
        other => return format!("tls: {other}"),
    };
    format!("tls: failed to verify certificate: {why}")
}

/// A certificate of X.509 version 1 has no names for hosts.
fn is_old_version(error: &rustls::CertificateError) -> bool {
    format!("{error:?}").contains("UnsupportedCertVersion")
}

/// The authority may sign for other names alone.
fn is_not_permitted(error: &rustls::CertificateError) -> bool {
    format!("{error:?}").contains("NameConstraintViolation")
}

/// Go's `HostnameError`.
fn misnamed(expected: &ServerName<'_>, presented: &[String]) -> String {
    let wanted = expected.to_str();
    let inside = |name: &String| {
        name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name).trim_matches('"').to_owned()
    };
    let is_address = matches!(expected, ServerName::IpAddress(_));
    let of_kind = |name: &&String| name.starts_with("IpAddress") == is_address;
    let names: Vec<String> = presented.iter().filter(of_kind).map(inside).collect();
    match (names.as_slice(), is_address) {
        ([], true) => format!("x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"),
        ([], false) if presented.is_empty() => NO_NAMES.to_owned(),
        ([], false) => format!("x509: certificate is not valid for any names, but wanted to match {wanted}"),
        (names, _) => format!("x509: certificate is valid for {}, not {wanted}", names.join(", ")),
    }
}

/// Go's words for an alert (`crypto/tls/alert.go`) where they differ from the standard's names.
fn alert_words(alert: rustls::AlertDescription) -> String {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::BadCertificate => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported certificate",
        Alert::CertificateRevoked => "revoked certificate",
        Alert::CertificateExpired => "expired certificate",
        Alert::CertificateUnknown => "unknown certificate",
        Alert::UnknownCA => "unknown certificate authority",
        Alert::CertificateRequired => "certificate required",
        Alert::HandshakeFailure => "handshake failure",
        Alert::ProtocolVersion => "protocol version not supported",
        Alert::UnrecognisedName => "unrecognized name",
        Alert::InternalError => "internal error",
        Alert::AccessDenied => "access denied",
        other => return format!("{other:?}"),
    }
    .to_owned()
}

fn tls_remedy(error: &rustls::Error) -> Option<String> {
    use rustls::CertificateError as Bad;
    let text = match error {
        rustls::Error::InvalidCertificate(bad) if is_old_version(bad) => {
            "the server's certificate is of X.509 version 1, which no client takes any more; it needs subject alternative names"
        }
        rustls::Error::InvalidCertificate(bad) if is_not_permitted(bad) => {
            "the authority that signed the server's certificate may sign for other names alone; the server needs another one"
        }
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature | Bad::Other(_)) => {
            "certificate-authority(-data) of the cluster, or the system without it, does not know who signed the server's \
             certificate; a proxy that opens TLS signs with its own authority"
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "is the clock of this machine behind? compare it with: date -u"
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the server's certificate is to be renewed, or the clock of this machine is ahead; compare it with: date -u"
        }
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "use one of its names as the address, or say which it has with --tls-server-name"
        }
        rustls::Error::AlertReceived(_) => {
            "the server refuses the connection; the client certificate may have expired or come from another cluster"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn at(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// The first error of that type in the chain. An input/output error may carry another one inside.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // What is transparent shows only what is below itself.
        if let Some(ConnectError::Other(inside)) = error.downcast_ref::<ConnectError>() {
            let inside: &(dyn Error + 'static) = &**inside;
            return find(inside);
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

/// The system's words for a connection that broke.
fn os_words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof { "EOF".to_owned() } else { os_text(error) }
}

/// `HOST:PORT`, with the scheme's own port where none is written.
fn authority(url: &str) -> String {
    let Ok(uri) = url.parse::<Uri>() else { return address::without_password(url) };
    address::joined(address::host(&uri), address::port(&uri))
}

/// The name of this program to servers, in the form of client-go.
pub(crate) fn user_agent() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("kubeseal/v{} ({system}/{machine}) sealer", env!("CARGO_PKG_VERSION"))
}

const OUT_OF_DATE: &str = "x509: certificate has expired or is not yet valid";
const NOT_PERMITTED: &str = "x509: a root or intermediate certificate is not authorized to sign for this name: the server's name is not \
                             permitted by any constraint";
const NO_NAMES: &str = "x509: certificate relies on legacy Common Name field, use SANs instead";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_told_as_go_tells_it() {
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        let text = unanswered("Get", "http://127.0.0.1:1/cert.pem", &error).to_string();
        assert_eq!(text, "Get \"http://127.0.0.1:1/cert.pem\": dial tcp 127.0.0.1:1: connect: connection refused");
    }

    #[test]
    fn a_certificate_of_another_name_is_told_as_go_tells_it() {
        let names = ["DnsName(\"a.example\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()];
        let told = |name: &str, names: &[String]| {
            ServerName::try_from(name.to_owned()).map(|name| misnamed(&name, names)).unwrap_or_default()
        };
        assert_eq!(told("b.example", &names), "x509: certificate is valid for a.example, not b.example");
        assert_eq!(told("10.0.0.2", &names), "x509: certificate is valid for 10.0.0.1, not 10.0.0.2");
        assert_eq!(told("b.example", &[]), NO_NAMES);
        assert!(told("10.0.0.2", &[]).ends_with("because it doesn't contain any IP SANs"));
    }
}
