//! Hosts that `net/url` takes.

use std::net::IpAddr;

use super::escape::{Part, unescape};
use crate::template::value::quote::{excerpt, go_quote};

pub(super) fn parse(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, String> {
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return literal(text),
        Some(_) => return Err(NO_LITERAL.to_owned()),
        None => {}
    }
    let is_colon = |byte: &u8| *byte == b':';
    let strict = matches!(scheme, b"http" | b"https");
    let colon = if strict { text.iter().position(is_colon) } else { text.iter().rposition(is_colon) };
    if let Some(port) = colon.and_then(|at| text.get(at..)) {
        check_port(port)?;
    }
    unescape(text, Part::Host)
}

/// `[::1]:80`
fn literal(text: &[u8]) -> Result<Vec<u8>, String> {
    let Some(end) = text.iter().rposition(|byte| *byte == b']') else {
        return Err("missing ']' in host".to_owned());
    };
    let port = text.get(end + 1..).unwrap_or_default();
    check_port(port)?;
    let inner = text.get(1..end).unwrap_or_default();
    let zone = inner.windows(3).position(|part| part == b"%25").unwrap_or(inner.len());
    let (address, zone) = inner.split_at(zone);
    let mut name = unescape(address, Part::Host)?;
    name.extend(unescape(zone, Part::Zone)?);
    check_address(&name)?;
    Ok([b"[", name.as_slice(), b"]", port].concat())
}

fn check_address(name: &[u8]) -> Result<(), String> {
    let text = crate::template::value::lossy(name);
    let (address, zone) =
        text.split_once('%').map_or_else(|| (text.as_ref(), None), |(address, zone)| (address, Some(zone)));
    let refused = |why: &str| Err(format!("invalid host: ParseAddr({}): {why}", go_quote(excerpt(name))));
    match address.parse() {
        Ok(IpAddr::V4(_)) if zone.is_some() => refused("zone specified with IPv4 address"),
        Ok(IpAddr::V4(_)) => Err(NO_LITERAL.to_owned()),
        Ok(IpAddr::V6(_)) if zone == Some("") => refused("zone must be a non-empty string"),
        Ok(IpAddr::V6(_)) => Ok(()),
        Err(_) => refused("unable to parse IP"),
    }
}

fn check_port(text: &[u8]) -> Result<(), String> {
    if is_port(text) { Ok(()) } else { Err(format!("invalid port {} after host", go_quote(excerpt(text)))) }
}

/// Nothing, or a colon and digits.
pub(super) fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

const NO_LITERAL: &str = "invalid IP-literal";
