//! Which proxy a request goes through: the rules of Go's `golang.org/x/net/http/httpproxy`, to the letter.

use std::net::IpAddr;

use http::Uri;
use sealer_encoding::base64;

use crate::network::address;

/// A proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    user: Option<(Vec<u8>, Vec<u8>)>,
    /// The variable or field that names it.
    pub(crate) named_by: String,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Https,
    /// RFC 1928. The proxy looks names up, with `socks5` as with `socks5h`, as Go has it.
    Socks,
}

/// Where the proxy of a client is named.
#[derive(Clone)]
pub(crate) enum Choice {
    /// By a flag or a kubeconfig: for every address.
    Fixed(Proxy),
    /// By the environment, unless it exempts the address.
    Environment,
}

impl Proxy {
    /// Reads the address of a proxy; without a scheme it is one of HTTP.
    pub(crate) fn parse(text: &str, named_by: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("invalid proxy address \"{}\" in {named_by}: {why}", address::without_password(text));
        let (scheme, rest) = text.split_once("://").map_or(("http", text), |(scheme, rest)| (scheme, rest));
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "http" => Kind::Http,
            "https" => Kind::Https,
            "socks5" | "socks5h" => Kind::Socks,
            other => return Err(wrong(&format!("unsupported scheme \"{other}\", must be http, https, or socks5"))),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let parsed = address::authority(host).map_err(|why| wrong(&why))?;
        let usual = match kind {
            Kind::Http => 80,
            Kind::Https => 443,
            Kind::Socks => 1080,
        };
        Ok(Self {
            kind,
            host: parsed.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: parsed.port_u16().unwrap_or(usual),
            user: user.map(|user| {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                (address::unescape(name), address::unescape(password))
            }),
            named_by: named_by.to_owned(),
        })
    }

    /// Its address without user and password.
    pub(crate) fn shown(&self) -> String {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks => "socks5",
        };
        format!("{scheme}://{}", address::joined(&self.host, self.port))
    }

    /// The value of its `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<String> {
        let (name, password) = self.user.as_ref()?;
        Some(format!("Basic {}", base64::encode([&name[..], b":", password].concat())))
    }

    /// User and password, as SOCKS sends them.
    pub(crate) fn user(&self) -> Option<(&[u8], &[u8])> {
        self.user.as_ref().map(|(name, password)| (&name[..], &password[..]))
    }
}

/// The proxy of the environment for an address.
pub(crate) fn from_environment(
    target: &Uri,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, String> {
    let is_https = target.scheme_str() == Some("https");
    let names = if is_https { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let Some((name, text)) = first(names, variable) else { return Ok(None) };
    // A web server hands the header `Proxy:` of whoever asks to its programs as HTTP_PROXY.
    if !is_https && variable("REQUEST_METHOD").is_some_and(|method| !method.is_empty()) {
        return Err("refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy".to_owned());
    }
    let exempt = first(["NO_PROXY", "no_proxy"], variable).map(|(_, list)| list).unwrap_or_default();
    if is_exempt(address::host(target), address::port(target), &exempt) {
        return Ok(None);
    }
    Proxy::parse(&text, name).map(Some)
}

/// The first of them that is set and not empty.
fn first(names: [&'static str; 2], variable: &dyn Fn(&str) -> Option<String>) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
}

/// Whether an address is reached without any proxy.
fn is_exempt(host: &str, port: u16, list: &str) -> bool {
    // `fe80::1%eth0`: the zone is no part of the address.
    let ip = host.split('%').next().and_then(|host| host.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    if address::is_loopback(host) {
        return true;
    }
    let host = host.trim().to_lowercase();
    list.split(',').map(|entry| entry.trim().to_lowercase()).any(|entry| matches(&entry, &host, port, ip))
}

/// Whether one entry of `NO_PROXY` means the host.
fn matches(entry: &str, host: &str, port: u16, ip: Option<IpAddr>) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some(contains) = cidr(entry, ip) {
        return contains;
    }
    let (name, wanted) = host_and_port(entry);
    if name.is_empty() || wanted.is_some_and(|wanted| wanted != port.to_string()) {
        return false;
    }
    if let Ok(wanted) = name.parse::<IpAddr>() {
        return ip == Some(wanted.to_canonical());
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `HOST:PORT` and `[IPV6]:PORT` taken apart; anything else is a host.
fn host_and_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if host.starts_with('[') && host.ends_with(']') => {
            (host.trim_start_matches('[').trim_end_matches(']'), Some(port).filter(|port| !port.is_empty()))
        }
        Some((host, port)) if !host.contains(':') => (host, Some(port).filter(|port| !port.is_empty())),
        _ => (entry, None),
    }
}

/// Whether a network holds the address; `None` if the entry is no network.
fn cidr(entry: &str, ip: Option<IpAddr>) -> Option<bool> {
    let (network, bits) = entry.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    let network: IpAddr = network.parse().ok()?;
    let differ = match (network, ip) {
        (IpAddr::V4(network), Some(IpAddr::V4(ip))) if bits <= 32 => {
            (network.to_bits() ^ ip.to_bits()).checked_shr(32 - bits).unwrap_or(0) != 0
        }
        (IpAddr::V6(network), Some(IpAddr::V6(ip))) if bits <= 128 => {
            (network.to_bits() ^ ip.to_bits()).checked_shr(128 - bits).unwrap_or(0) != 0
        }
        (IpAddr::V4(_), _) if bits > 32 => return None,
        (IpAddr::V6(_), _) if bits > 128 => return None,
        _ => true,
    };
    Some(!differ)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: &str, variables: &[(&str, &str)]) -> String {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        match from_environment(&target.parse().unwrap_or_default(), &variable) {
            Ok(proxy) => proxy.map_or_else(String::new, |proxy| proxy.shown()),
            Err(error) => error,
        }
    }

    /// The table of httpproxy's own test (`proxy_test.go`), and what follows from its source.
    #[test]
    fn the_list_of_exemptions_means_what_it_means_to_go() {
        let list = "foobar.com, .barbaz.net, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, \
                    [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64, *.star.org, Port.example:8443, , :1";
        for (host, is_direct) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.0.0.2", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::2]", false),
            ("192.168.1.1", true),
            ("192.168.1.2", false),
            ("192.168.1.3", true),
            ("192.168.1.4", false),
            ("10.0.0.2", true),
            ("10.0.0.4", false),
            ("[2001:db8::52:0:1]", true),
            ("[2001:db8::52:0:2]", false),
            ("[2001:db8::52:0:3]", true),
            ("[2002:db8:a::123]", true),
            ("[fe80::424b:c8be:1643:a1b6]", false),
            ("barbaz.net", false),
            ("www.barbaz.net", true),
            ("foobar.com", true),
            ("FOOBAR.com", true),
            ("www.foobar.com", true),
            ("foofoobar.com", false),
            ("baz.com", false),
            ("localhost.net", false),
            ("local.localhost", false),
            ("barbarbaz.net", false),
            ("star.org", false),
            ("a.b.star.org", true),
            ("port.example:8443", true),
            ("port.example", false),
        ] {
            let told = chosen(&format!("http://{host}/"), &[("HTTP_PROXY", "http://p"), ("NO_PROXY", list)]);
            assert_eq!(told.is_empty(), is_direct, "{host}: {told}");
        }
        for list in ["*", "a, *", "example.com", ".com", "COM", "www.example.com:443", "*.example.com"] {
            assert_eq!(chosen("https://www.example.com", &[("https_proxy", "p"), ("no_proxy", list)]), "", "{list}");
        }
        for list in
            ["", "a", "ww.example.com", "www.example.com:80", "www.example.com.", "0.0.0.0/0", "/", "1.2.3.4/99"]
        {
            let told = chosen("https://www.example.com", &[("HTTPS_PROXY", "p"), ("NO_PROXY", list)]);
            assert_eq!(told, "http://p:80", "{list}");
        }
        assert_eq!(chosen("https://1.2.3.4", &[("HTTPS_PROXY", "p"), ("NO_PROXY", "0.0.0.0/0")]), "");
    }

    #[test]
    fn the_variables_are_read_as_go_reads_them() {
        for (target, variables, wanted) in [
            ("https://a", &[("HTTPS_PROXY", "p:3128")][..], "http://p:3128"),
            ("https://a", &[("https_proxy", "socks5://p")], "socks5://p:1080"),
            ("https://a", &[("HTTPS_PROXY", ""), ("https_proxy", "https://p")], "https://p:443"),
            ("https://a", &[("HTTPS_PROXY", "x"), ("https_proxy", "y")], "http://x:80"),
            ("https://a", &[("HTTP_PROXY", "p"), ("ALL_PROXY", "p"), ("all_proxy", "p")], ""),
            ("http://a", &[("HTTPS_PROXY", "p"), ("ALL_PROXY", "p")], ""),
            ("http://a", &[("HTTP_PROXY", "p")], "http://p:80"),
            (
                "http://a",
                &[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")],
                "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy",
            ),
            ("https://a", &[("HTTPS_PROXY", "p"), ("REQUEST_METHOD", "GET")], "http://p:80"),
            ("https://a", &[("HTTPS_PROXY", "http://u:hunter2@[::1]:1")], "http://[::1]:1"),
            (
                "https://a",
                &[("HTTPS_PROXY", "ftp://u:hunter2@p")],
                "invalid proxy address \"ftp://xxxxx@p\" in HTTPS_PROXY: unsupported scheme \"ftp\", must be http, https, or socks5",
            ),
            (
                "https://a",
                &[("HTTPS_PROXY", "u:hunter2@p:x")],
                "invalid proxy address \"xxxxx@p:x\" in HTTPS_PROXY: invalid port; a password in an address needs /, ?, # and @ percent-encoded",
            ),
        ] {
            assert_eq!(chosen(target, variables), wanted, "{target} {variables:?}");
        }
    }

    #[test]
    fn user_and_password_are_sent_as_they_are_meant() {
        let proxy = Proxy::parse("http://u%40x:p%3aw@p:1", "proxy-url").ok();
        let header = proxy.as_ref().and_then(Proxy::authorization);
        assert_eq!(header, Some(format!("Basic {}", base64::encode("u@x:p:w"))));
        assert!(!proxy.map(|proxy| proxy.shown()).unwrap_or_default().contains('@'));
    }
}
