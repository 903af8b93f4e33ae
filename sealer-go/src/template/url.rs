//! Splits and joins URLs as `net/url` does.

mod escape;
mod host;

use super::value::quote::{excerpt, go_quote};
use escape::{Part, escape, unescape};

/// A URL's parts, without escapes but for the query.
#[derive(Default)]
pub(crate) struct Url {
    pub(crate) scheme: Vec<u8>,
    pub(crate) opaque: Vec<u8>,
    pub(crate) user: Option<User>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) fragment: Vec<u8>,
}

/// Who asks.
pub(crate) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    /// With escapes.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            text.push(b':');
            text.extend(escape(password, Part::User));
        }
        text
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !text.iter().all(fits) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        Ok(match cut(text, b':') {
            Some((name, password)) => {
                Self { name: unescape(name, Part::User)?, password: Some(unescape(password, Part::User)?) }
            }
            None => Self { name: unescape(text, Part::User)?, password: None },
        })
    }
}

impl Url {
    /// Splits a URL; an error is Go's text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let (main, fragment) = cut(text, b'#').unwrap_or((text, b""));
        let named = |whole: &[u8], error: String| format!("parse {}: {error}", go_quote(excerpt(whole)));
        let mut url = Self::parse_main(main).map_err(|error| named(main, error))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|error| named(text, error))?;
        Ok(url)
    }

    fn parse_main(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = cut(rest, b'?').unwrap_or((rest, b""));
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').map_or(rest, |(segment, _)| segment).contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if let Some(after) = rest.strip_prefix(b"//").filter(|_| has_authority) {
            let end = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
            let (authority, after) = after.split_at(end);
            url.parse_authority(authority)?;
            path = after;
        }
        url.path = unescape(path, Part::Path)?;
        Ok(url)
    }

    fn parse_authority(&mut self, text: &[u8]) -> Result<(), String> {
        let Some(at) = text.iter().rposition(|byte| *byte == b'@') else {
            self.host = host::parse(&self.scheme, text)?;
            return Ok(());
        };
        let (user, host) = text.split_at(at);
        self.host = host::parse(&self.scheme, host.get(1..).unwrap_or_default())?;
        self.user = Some(User::parse(user)?);
        Ok(())
    }

    /// The host without its port and brackets.
    pub(crate) fn hostname(&self) -> &[u8] {
        let host = self.host.as_slice();
        let colon = host.iter().rposition(|byte| *byte == b':');
        let name = match colon.and_then(|at| host.split_at_checked(at)) {
            Some((name, port)) if host::is_port(port) => name,
            _ => host,
        };
        name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name)
    }

    /// Joins the parts.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if !self.scheme.is_empty() {
            text.extend(&self.scheme);
            text.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut text);
        } else {
            text.extend(&self.opaque);
        }
        if !self.query.is_empty() {
            text.push(b'?');
            text.extend(&self.query);
        }
        if !self.fragment.is_empty() {
            text.push(b'#');
            text.extend(escape(&self.fragment, Part::Fragment));
        }
        text
    }

    fn write_hierarchy(&self, text: &mut Vec<u8>) {
        let named = !self.host.is_empty() || self.user.is_some();
        if named || !self.scheme.is_empty() && !self.path.is_empty() {
            text.extend(b"//");
        }
        if let Some(user) = &self.user {
            text.extend(user.text());
            text.push(b'@');
        }
        text.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Part::Path) };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            text.push(b'/');
        }
        // A colon in the first segment would be read as the end of a scheme.
        if text.is_empty() && cut(&path, b'/').map_or(path.as_slice(), |(segment, _)| segment).contains(&b':') {
            text.extend(b"./");
        }
        text.extend(path);
    }
}

/// Reads the part between `://` and `@`.
pub(crate) fn parse_user(text: &[u8]) -> Result<Option<User>, String> {
    let whole = [b"proto://", text, b"@host"].concat();
    Url::parse(&whole).map(|url| url.user)
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// What stands before the first colon, if that can be a scheme, and the rest.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme, rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok((b"", text))
}
