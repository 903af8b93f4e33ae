//! Does a text that is public hold a value in clear, in any encoding that tools use?
//!
//! Annotations and labels of ordinary Secrets hold user names, hosts and addresses that are items as well. What is
//! certainly a leak is told apart from what may be one: only the first is a reason to refuse.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use sealer_core::Plaintext;
use sealer_encoding::base64;

mod guess;

/// Whether a text looks like a secret by its length and by how little it looks like words.
pub(crate) fn is_like_a_secret(text: &str) -> bool {
    guess::is_like_a_secret(text.as_bytes())
}

/// How a text holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leak {
    /// The value stands in it, and may be public.
    Possible,
    /// The text holds the Secret itself, or the value alone and it looks like a secret, or assigns it to something.
    Certain,
}

/// The worst leak of any item in an annotation or label of that name.
pub(crate) fn find<'a>(name: &str, text: &str, items: &'a BTreeMap<String, Plaintext>) -> Option<(&'a str, Leak)> {
    if items.values().all(is_short) {
        return None;
    }
    let readings = readings(text);
    let found = items.iter().filter_map(|(item, value)| Some((item.as_str(), judged(name, text, &readings, value)?)));
    found.max_by_key(|(_, leak)| *leak)
}

/// How the text holds one value: as it is, escaped as in JSON or an address, in base64 (compressed too) or in hexadecimal.
/// Values shorter than eight bytes (`true`, `prod`) stand in many texts by chance and are not looked for.
pub(crate) fn look(name: &str, text: &str, value: &Plaintext) -> Option<Leak> {
    if is_short(value) { None } else { judged(name, text, &readings(text), value) }
}

fn is_short(value: &Plaintext) -> bool {
    trimmed(value.expose()).len() < SHORTEST
}

fn judged(name: &str, text: &str, readings: &[Vec<u8>], value: &Plaintext) -> Option<Leak> {
    let value = trimmed(value.expose());
    if value.len() < SHORTEST {
        return None;
    }
    let mut holding = readings.iter().filter(|reading| contains(reading, value)).peekable();
    holding.peek()?;
    if guess::is_digest(name, value) && text.trim().as_bytes() == value {
        return Some(Leak::Possible);
    }
    let is_encoded = |reading: &[u8]| reading != text.as_bytes() && trimmed(reading) == value;
    let is_certain = guess::is_manifest(text.as_bytes())
        || holding.any(|reading| {
            // Nobody encodes a value by chance.
            guess::is_manifest(reading)
                || (is_encoded(reading) && is_one_word(text))
                || guess::is_given_away(reading, value)
        });
    Some(if is_certain { Leak::Certain } else { Leak::Possible })
}

/// Whether the text is one run of base64 or hexadecimal.
fn is_one_word(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

/// A line end behind a value is no part of what somebody would copy.
fn trimmed(value: &[u8]) -> &[u8] {
    value.trim_ascii_end()
}

fn contains(text: &[u8], value: &[u8]) -> bool {
    text.windows(value.len()).any(|window| window == value)
}

/// Everything the text may mean.
fn readings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec(), unescape(text, '\\'), unescape(text, '%')];
    for run in text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_=".contains(c)).filter(|run| run.len() >= 4) {
        all.extend(from_base64(run));
        all.extend(from_hex(run));
    }
    let unpacked: Vec<Vec<u8>> = all.iter().filter_map(|bytes| unpack(bytes)).collect();
    all.extend(unpacked);
    all
}

/// Resolves `\"`, `\n`, `\u0041` or `%41`.
fn unescape(text: &str, mark: char) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        bytes.extend_from_slice(before.as_bytes());
        let (resolved, tail) = if mark == '%' { percent(after) } else { backslash(after) };
        bytes.extend(resolved);
        rest = tail;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn percent(after: &str) -> (Vec<u8>, &str) {
    let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.map_or_else(|| (vec![b'%'], after), |byte| (vec![byte], after.get(2..).unwrap_or_default()))
}

fn backslash(after: &str) -> (Vec<u8>, &str) {
    let Some(c) = after.chars().next() else { return (vec![b'\\'], after) };
    let tail = after.get(c.len_utf8()..).unwrap_or_default();
    let code = tail.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    match (c, code) {
        ('n', _) => (vec![b'\n'], tail),
        ('t', _) => (vec![b'\t'], tail),
        ('r', _) => (vec![b'\r'], tail),
        ('u', Some(code)) => (code.to_string().into_bytes(), tail.get(4..).unwrap_or_default()),
        _ => (c.to_string().into_bytes(), tail),
    }
}

/// Either alphabet, with or without padding.
fn from_base64(run: &str) -> Option<Vec<u8>> {
    let standard = run.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let padding = "=".repeat(standard.len().wrapping_neg() % 4);
    base64::decode(standard + &padding).ok()
}

fn from_hex(run: &str) -> Option<Vec<u8>> {
    let pairs = run.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    is_gzip.then(|| GzDecoder::new(bytes).take(LARGEST).read_to_end(&mut unpacked).ok())??;
    Some(unpacked)
}

const SHORTEST: usize = 8;
/// A Secret holds 1 MiB at most; more behind a compressed text is a trap.
const LARGEST: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const VALUE: &str = "pa\"ss wörd/1";

    fn found(text: &str) -> bool {
        find("note", text, &BTreeMap::from([("k".to_owned(), Plaintext::new(VALUE.into()))])).is_some()
    }

    #[test]
    fn every_usual_encoding_is_seen_through() {
        let encoded = base64::encode(VALUE);
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(VALUE.as_bytes()).unwrap();
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        let escaped: String = VALUE.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for text in [
            format!("x {VALUE} y"),
            serde_json::json!({ "k": VALUE }).to_string(),
            format!("{{\"k\":\"{encoded}\"}}"),
            encoded.trim_end_matches('=').replace('/', "_"),
            base64::encode(packed.finish().unwrap()),
            hex,
            escaped,
        ] {
            assert!(found(&text), "{text}");
        }
    }

    #[test]
    fn chance_is_no_leak() {
        let short = BTreeMap::from([
            ("k".to_owned(), Plaintext::new(b"true".to_vec())),
            ("e".to_owned(), Plaintext::new(Vec::new())),
        ]);
        assert_eq!(find("note", "true", &short), None);
        assert!(!found("nothing of it") && !found(""));
    }
}
