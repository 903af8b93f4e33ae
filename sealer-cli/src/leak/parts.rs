//! What of a value is a secret by itself: the password in an address, what a file of settings assigns, the texts of a JSON
//! object, and a private key without the lines around it.

use serde_json::Value;
use zeroize::Zeroizing;

use super::guess;
use super::names::{self, Kind};
use super::place::{self, QUOTES};
use super::reading;

/// A value of a Secret, or a part of one.
pub(super) struct Part<'a> {
    /// The item that it is of.
    pub(super) item: &'a str,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The bytes without white space.
    pub(super) squeezed: Zeroizing<Vec<u8>>,
    /// What its own name says.
    pub(super) own: Kind,
    /// Its name says that it is a secret, and of no other thing.
    pub(super) is_called_secret: bool,
    pub(super) form: Form,
}

/// Which part of a value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Piece,
    /// A private key in base64, without white space.
    Key,
}

/// The value itself and what of it is a secret; at most so many parts.
pub(super) fn parts<'a>(item: &'a str, value: &[u8], most: usize) -> Vec<Part<'a>> {
    // A line end behind a value is no part of what somebody would copy.
    let value = value.trim_ascii();
    if value.is_empty() {
        return Vec::new();
    }
    let mut all = vec![part(item, item, value, Form::Whole)];
    let Ok(text) = std::str::from_utf8(value) else { return all };
    let bare = text.trim_matches(QUOTES);
    if bare.len() < text.len() && bare.len() >= super::SHORTEST {
        all.push(part(item, item, bare.as_bytes(), Form::Whole));
    }
    let mut found: Vec<(String, String, Form)> = keys(text).map(|key| (String::new(), key, Form::Key)).collect();
    found.extend(pieces(text).into_iter().map(|(name, piece)| (name, piece, Form::Piece)));
    for (name, piece, form) in found {
        let piece = Zeroizing::new(piece);
        let is_new = || all.iter().all(|known| known.bytes.as_slice() != piece.as_bytes());
        let is_secret = || form == Form::Key || guess::is_secret_part(&name, &piece);
        if all.len() <= most && is_new() && is_secret() {
            all.push(part(item, &name, piece.as_bytes(), form));
        }
    }
    all
}

fn part<'a>(item: &'a str, name: &str, bytes: &[u8], form: Form) -> Part<'a> {
    let (own, is_called_secret) = (names::kind(name), names::is_called_secret(name));
    let squeezed = Zeroizing::new(reading::squeezed(bytes));
    Part { item, bytes: Zeroizing::new(bytes.to_vec()), squeezed, own, is_called_secret, form }
}

/// A text without the quotes or brackets around it, and without what ends a sentence.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim().trim_end_matches(['.', ',', ';']);
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('<', '>'), ('(', ')'), ('[', ']')];
    let inside = pairs.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inside.map_or(text, |inside| inside.trim().trim_matches(QUOTES))
}

/// The private keys of a text: what is in base64 between their lines.
fn keys(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("PRIVATE KEY-----").skip(1).step_by(2).take(MOST_KEYS).filter_map(|block| {
        let (body, _) = block.split_once("-----END")?;
        let is_base64 = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        (body.len() >= SHORTEST_KEY && body.chars().all(|c| is_base64(&c))).then_some(body)
    })
}

/// What a text of several parts assigns, with its names.
fn pieces(text: &str) -> Vec<(String, String)> {
    if let Ok(json) = serde_json::from_str::<Value>(text) {
        return of_json(json);
    }
    let mut all = of_addresses(text);
    // A line as a whole first: passwords have commas.
    for line in text.lines().take(MOST_LINES) {
        let line = line.trim().trim_start_matches("export ");
        let signs = [line.find('='), line.find(": ")].into_iter().flatten().min();
        let Some((name, value)) = signs.and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?))) else { continue };
        all.push((place::named(name), value.trim().trim_matches(QUOTES).to_owned()));
    }
    // Within a line only what is called a secret: addresses and times have such signs, too.
    let assigned = place::assignments(text).into_iter().filter(|(name, _)| names::kind(name).is_secret());
    all.extend(assigned.map(|(name, value)| (name, value.to_owned())));
    // `user:password` of basic authentication.
    let login = text.split_once(':').filter(|(user, rest)| !user.is_empty() && !rest.starts_with('/'));
    let login = login.filter(|_| !text.contains(|c: char| c.is_whitespace() || c == '/'));
    all.extend(login.map(|(_, password)| (String::new(), password.to_owned())));
    // `login X password Y` of .netrc.
    let words: Vec<&str> = text.split_ascii_whitespace().take(MOST_LINES).collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let given = pairs.filter(|(name, _)| names::is_password_word(name));
    all.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all
}

/// The passwords of addresses.
fn of_addresses(text: &str) -> Vec<(String, String)> {
    let addresses = text.match_indices("://").take(MOST_LINES).filter_map(|(at, sign)| text.get(at + sign.len()..));
    let password = |address: &str| {
        let end = address.find(['/', '?', '#', ' ', '\n', '"']).unwrap_or(address.len());
        let (user, _) = address.get(..end)?.rsplit_once('@')?;
        Some(user.split_once(':')?.1.to_owned())
    };
    addresses.filter_map(password).map(|password| ("password".to_owned(), password)).collect()
}

/// The texts of a JSON value, with the names of the fields that they stand in.
fn of_json(json: Value) -> Vec<(String, String)> {
    let (mut all, mut left) = (Vec::new(), vec![(String::new(), json)]);
    while let Some((name, value)) = left.pop() {
        match value {
            Value::Object(fields) => left.extend(fields),
            Value::Array(values) => left.extend(values.into_iter().map(|value| (name.clone(), value))),
            Value::String(text) => {
                all.extend(of_addresses(&text));
                all.extend(of_login(&name, &text));
                all.push((name, text));
            }
            _ => {}
        }
        if all.len() > MOST_LINES {
            break;
        }
    }
    all
}

/// `auth` of a registry is `user:password` in base64.
fn of_login(name: &str, text: &str) -> Option<(String, String)> {
    let login = (name == "auth").then(|| sealer_encoding::base64::decode(text).ok()).flatten()?;
    let login = String::from_utf8(login).ok()?;
    Some(("password".to_owned(), login.split_once(':')?.1.to_owned()))
}

/// Shorter ones are no keys: Ed25519 takes 64 letters.
const SHORTEST_KEY: usize = 40;
const MOST_KEYS: usize = 16;
/// Lines, words and fields of one value that are looked at.
const MOST_LINES: usize = 10_000;
