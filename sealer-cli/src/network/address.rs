//! Addresses as Go's clients read them: what is left out, what is refused, and how messages show them.

use http::Uri;
use std::net::IpAddr;

use http::uri::{Authority, PathAndQuery};
use sealer_encoding::base64;

/// Reads the address of a server. One without a scheme gets `usual`, as client-go gives it one.
///
/// Query and fragment are dropped, as in client-go's `ClientConfig`.
pub(crate) fn server(text: &str, usual: &str) -> Result<Uri, String> {
    let host_only = || format!("host must be a URL or a host:port pair: \"{}\"", without_password(text));
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.is_empty() && !rest.starts_with('/') => {
            (scheme.to_ascii_lowercase(), rest)
        }
        Some(_) => return Err(host_only()),
        None => (usual.to_owned(), text),
    };
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(format!("unsupported protocol scheme \"{scheme}\" in \"{}\"", without_password(text)));
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    if !text.contains("://") && !path.is_empty() {
        return Err(host_only());
    }
    let wrong = |why: &str| format!("parse \"{}\": {why}", without_password(text));
    let authority = self::authority(authority).map_err(|why| wrong(&why))?;
    let path = format!("/{}", path.trim_end_matches('/'));
    let path: PathAndQuery = path.parse().map_err(|_| wrong("invalid character in its path"))?;
    Uri::builder()
        .scheme(scheme.as_str())
        .authority(authority)
        .path_and_query(path)
        .build()
        .map_err(|error| wrong(&error.to_string()))
}

/// `HOST`, `HOST:PORT`, `[IPV6]:PORT`, with a user before it.
pub(crate) fn authority(text: &str) -> Result<Authority, String> {
    let parsed: Authority = text.parse().map_err(|_| "invalid character or port in its host".to_owned())?;
    let after_user = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let port = after_user.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    match port {
        Some(port) if !port.is_empty() && port.parse::<u16>().is_err() => Err(invalid_port(port, text.contains('@'))),
        _ if parsed.host().is_empty() => Err("no host".to_owned()),
        _ if after_user.matches(':').count() > 1 && !after_user.starts_with('[') => {
            Err("an IPv6 address stands in brackets, as in https://[::1]:6443".to_owned())
        }
        _ => Ok(parsed),
    }
}

/// What is no number may be the beginning of a password.
fn invalid_port(text: &str, is_behind_a_user: bool) -> String {
    if is_behind_a_user || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("invalid port \":{text}\"");
    }
    "invalid port; a password in an address needs /, ?, # and @ percent-encoded".to_owned()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
}

/// Whether a host, without brackets, is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    // `fe80::1%eth0`: the zone is no part of the address.
    let ip = host.split('%').next().and_then(|host| host.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
}

/// The host of an address without the brackets of IPv6.
pub(crate) fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// The port, or the scheme's own.
pub(crate) fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(usual)
}

/// `HOST:PORT`, as Go's `net.JoinHostPort` writes it.
pub(crate) fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The address without the user in it; a server never sees it there.
pub(crate) fn without_user(uri: &Uri) -> Uri {
    let Some((_, host)) = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else {
        return uri.clone();
    };
    let mut parts = uri.clone().into_parts();
    parts.authority = host.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// The header that a user in an address stands for.
pub(crate) fn basic(uri: &Uri) -> Option<String> {
    let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let pair = [&unescape(name)[..], b":", &unescape(password)].concat();
    Some(format!("Basic {}", base64::encode(&pair)))
}

/// Replaces `%41` by `A`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|hex| *first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    bytes
}

/// An address as messages show it: no password, and no user that may be a token.
pub(crate) fn without_password(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // A password with one of those characters ends the host too early: everything up to the last `@` may be of it.
    let has_port =
        authority.rsplit_once(':').is_none_or(|(_, port)| port.ends_with(']') || port.parse::<u16>().is_ok());
    if let Some((_, behind)) = path.rsplit_once('@').filter(|_| !has_port || authority.contains('@')) {
        return if scheme.is_empty() { format!("xxxxx@{behind}") } else { format!("{scheme}://xxxxx@{behind}") };
    }
    let host = authority.rsplit_once('@').map_or_else(|| authority.to_owned(), |(_, host)| format!("xxxxx@{host}"));
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_client_go_reads_them() {
        for (text, usual, read) in [
            ("https://a", "http", "https://a/"),
            ("a", "http", "http://a/"),
            ("a:6443", "https", "https://a:6443/"),
            ("10.0.0.1:6443", "http", "http://10.0.0.1:6443/"),
            ("localhost:8080", "http", "http://localhost:8080/"),
            ("[::1]:6443", "http", "http://[::1]:6443/"),
            ("HTTPS://A.example/k8s/clusters/c-1/", "http", "https://A.example/k8s/clusters/c-1"),
            ("https://a/b?c=d#e", "http", "https://a/b"),
            ("a/", "http", "http://a/"),
        ] {
            assert_eq!(server(text, usual).map(|uri| uri.to_string()), Ok(read.to_owned()), "{text}");
        }
        for text in [
            "",
            "://",
            "http://",
            "https:///a",
            "a/b",
            "ftp://a",
            "https://a b",
            "https://a:port",
            "https://a:65536",
            "https://[::1",
            "https://::1:6443",
            "https://a\n",
            "https://ä.example",
            "https://@",
            "http://:80",
            "%",
            "https://a/ä\u{7f}",
        ] {
            assert!(server(text, "http").is_err(), "{text:?}: {:?}", server(text, "http"));
        }
        let told = server("https://u:hunter2@[x/", "http").err().unwrap_or_default();
        assert!(!told.contains("hunter2") && told.contains("xxxxx@"), "{told}");
    }

    #[test]
    fn a_user_in_an_address_becomes_a_header() {
        let uri: Uri = "http://al%40ice:p%3ass@a:1/x".parse().unwrap_or_default();
        assert_eq!(basic(&uri), Some(format!("Basic {}", base64::encode("al@ice:p:ss"))));
        assert_eq!(without_user(&uri).to_string(), "http://a:1/x");
        assert_eq!(unescape("/a%20b%zz%+1%"), b"/a b%zz%+1%");
        assert_eq!(without_password("http://u:p@a/b"), "http://xxxxx@a/b");
        assert_eq!(without_password("http://a:6443/b@c"), "http://a:6443/b@c");
        // Nobody escapes a password that a generator made.
        for password in ["pa#ss", "p/w", "a?b", "a@b", "x#2@3"] {
            let address = format!("http://user:{password}@proxy:3128");
            assert_eq!(without_password(&address), "http://xxxxx@proxy:3128");
            let told = server(&address, "http").map_or_else(|told| told, |uri| uri.to_string());
            assert!(password == "a@b" || !told.contains(password), "{told}");
        }
    }
}
