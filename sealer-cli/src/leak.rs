//! Does a text that is public hold a value in clear, in any encoding that tools use?
//!
//! Annotations and labels of ordinary Secrets hold user names, hosts and addresses that are items as well. What is
//! certainly a leak is told apart from what may be one: only the first is a reason to refuse.

use std::collections::BTreeMap;

use sealer_core::Plaintext;

mod forms;
mod guess;
mod names;
mod place;
mod reading;

use guess::Found;
use reading::{Reading, readings};

/// How a text holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leak {
    /// The value stands in it, and may be public.
    Possible,
    /// The text holds the Secret itself, or the value is all of it or assigned to something in it, and is a secret by its
    /// form, by its name or by chance.
    Certain,
}

/// The worst leak of any item in an annotation or label of that name.
pub(crate) fn find<'a>(name: &str, text: &str, items: &'a BTreeMap<String, Plaintext>) -> Option<(&'a str, Leak)> {
    let readings = readings(name, text);
    let found = items.iter().filter_map(|(item, value)| Some((item.as_str(), judged(&readings, item, value)?)));
    found.max_by_key(|(_, leak)| *leak)
}

/// How the text holds one value: as it is, escaped as in JSON or an address, in base64 (compressed too) or in hexadecimal.
/// Values shorter than eight bytes (`true`, `prod`) stand in many texts by chance; they count in a copy of the Secret alone.
pub(crate) fn look(name: &str, text: &str, item: &str, value: &Plaintext) -> Option<Leak> {
    judged(&readings(name, text), item, value)
}

fn judged(readings: &[Reading], item: &str, value: &Plaintext) -> Option<Leak> {
    // A line end behind a value is no part of what somebody would copy.
    let value = value.expose().trim_ascii();
    if value.is_empty() {
        return None;
    }
    readings.iter().filter_map(|reading| in_reading(reading, item, value)).max()
}

fn in_reading(reading: &Reading, item: &str, value: &[u8]) -> Option<Leak> {
    let is_short = value.len() < SHORTEST;
    // Short values count in a copy of the Secret alone.
    if is_short && !reading.in_manifest {
        return None;
    }
    let own = names::kind(item);
    if reading.bytes.trim_ascii() == value {
        if reading.in_manifest && reading.name.as_deref() == Some(item) {
            return Some(Leak::Certain);
        }
        let there = reading.name.as_deref().map_or(names::Kind::Unknown, |name| {
            if reading.is_whole { names::kind_of_annotation(name) } else { names::kind(name) }
        });
        let found = Found { value, there, own, is_encoded: reading.is_encoded, is_whole: reading.is_whole };
        return (!is_short).then(|| guess::judge(&found));
    }
    let mut worst = None;
    for at in places(&reading.bytes, value) {
        let (before, after) = (reading.bytes.get(..at)?, reading.bytes.get(at + value.len()..)?);
        let name = place::ends_here(after).then(|| place::assigned_to(before, after)).flatten();
        if reading.in_manifest && name.as_deref() == Some(item) {
            return Some(Leak::Certain);
        }
        let there = name.as_deref().map(names::kind);
        let judge = |there| guess::judge(&Found { value, there, own, is_encoded: false, is_whole: false });
        let leak = match there {
            Some(there) => judge(there),
            None if guess::is_secret(value) => Leak::Certain,
            None => Leak::Possible,
        };
        worst = worst.max((!is_short).then_some(leak));
    }
    worst.or_else(|| in_lines(reading, value))
}

/// A value of several lines, which a text may indent or put into one.
fn in_lines(reading: &Reading, value: &[u8]) -> Option<Leak> {
    let squeezed =
        |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect() };
    if !value.contains(&b'\n') || places(&squeezed(&reading.bytes), &squeezed(value)).next().is_none() {
        return None;
    }
    let is_certain = reading.in_manifest || guess::is_secret(value);
    Some(if is_certain { Leak::Certain } else { Leak::Possible })
}

/// Where a value stands in a text.
fn places(text: &[u8], value: &[u8]) -> impl Iterator<Item = usize> {
    let all = text.windows(value.len().max(1)).enumerate().filter(move |(_, window)| *window == value);
    all.map(|(at, _)| at).take(MOST_PLACES)
}

const SHORTEST: usize = 8;
/// Places of one value in a text that are looked at.
const MOST_PLACES: usize = 64;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use sealer_encoding::base64;

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
