//! Finds a value, or a part of one that is a secret by itself, in a text that is public, in any encoding that tools use.
//!
//! Annotations and labels of ordinary Secrets hold user names, hosts and addresses that are items as well. What is
//! certainly a leak is told apart from what may be one: only the first is a reason to refuse.

use std::collections::BTreeMap;

use memchr::memmem;
use sealer_core::Plaintext;

mod forms;
mod guess;
mod names;
mod parts;
mod place;
mod reading;

use guess::Found;
use names::Kind;
use parts::{Form, Part, parts};
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

/// The values of a Secret, and what of them is a secret by itself.
pub(crate) struct Values<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> Values<'a> {
    /// Those of some items.
    pub(crate) fn of(items: &'a BTreeMap<String, Plaintext>) -> Self {
        let mut all = Vec::new();
        let mut room = MOST_PARTS;
        for (item, value) in items {
            let found = parts(item, value.expose(), room);
            room = room.saturating_sub(found.len().saturating_sub(1));
            all.extend(found);
        }
        Self { parts: all }
    }

    /// The worst leak of any item in an annotation or label of that name.
    pub(crate) fn find(&self, name: &str, text: &str) -> Option<(&'a str, Leak)> {
        let readings = readings(name, text);
        let found = self.parts.iter().filter_map(|part| Some((part.item, judged(name, &readings, part)?)));
        found.max_by_key(|(_, leak)| *leak)
    }
}

/// How an annotation or label holds one value: as it is, escaped as in JSON or an address, in base64 (compressed too) or in
/// hexadecimal. Values shorter than eight bytes (`true`, `prod`) stand in many texts by chance; they count in a copy of the
/// Secret alone.
pub(crate) fn look(name: &str, text: &str, item: &str, value: &Plaintext) -> Option<Leak> {
    let readings = readings(name, text);
    parts(item, value.expose(), MOST_PARTS).iter().filter_map(|part| judged(name, &readings, part)).max()
}

fn judged(name: &str, readings: &[Reading], part: &Part<'_>) -> Option<Leak> {
    readings.iter().filter_map(|reading| in_reading(reading, part)).max().max(in_name(name, part))
}

/// A value in the place of the annotation's name. Names repeat hosts and other names, so that only what is certain counts.
fn in_name(name: &str, part: &Part<'_>) -> Option<Leak> {
    let is_there = part.bytes.len() >= SHORTEST
        && [name]
            .into_iter()
            .chain(name.split('/'))
            .chain(name.split(['/', '.']))
            .any(|of| of.as_bytes() == &**part.bytes);
    Some(Leak::Certain).filter(|certain| is_there && judge(part, Kind::Unknown, false, true) == *certain)
}

fn in_reading(reading: &Reading, part: &Part<'_>) -> Option<Leak> {
    let value = part.bytes.as_slice();
    if part.form == Form::Key {
        return memmem::find(&reading.squeezed, value).map(|_| Leak::Certain);
    }
    // Short values count in a copy of the Secret alone.
    let is_short = value.len() < SHORTEST;
    if is_short && !reading.in_manifest {
        return None;
    }
    let is_all = || std::str::from_utf8(&reading.bytes).is_ok_and(|text| parts::bare(text).as_bytes() == value);
    if reading.bytes.trim_ascii() == value || is_all() {
        let is_copied = reading.in_manifest && reading.name.as_deref() == Some(part.item);
        return match is_copied {
            true => Some(Leak::Certain),
            false => (!is_short).then(|| judge(part, reading.kind(), reading.is_encoded, reading.is_whole)),
        };
    }
    let mut worst = None;
    for at in memmem::find_iter(&reading.bytes, value).take(MOST_PLACES) {
        worst = worst.max(at_place(reading, part, at, at + value.len()));
    }
    worst.or_else(|| in_lines(reading, part)).or_else(|| wrapped(reading, part))
}

/// How a value leaks that stands between two places of a text.
fn at_place(reading: &Reading, part: &Part<'_>, start: usize, end: usize) -> Option<Leak> {
    let (before, after) = (reading.bytes.get(..start)?, reading.bytes.get(end..)?);
    let is_apart = place::ends_here(after);
    let name = is_apart.then(|| place::assigned_to(before, after)).flatten();
    if reading.in_manifest && name.as_deref() == Some(part.item) {
        return Some(Leak::Certain);
    }
    let there = name.as_deref().map(names::kind).or_else(|| {
        let list = (is_apart && place::is_element(before, after)).then(|| place::list(before))?;
        Some(list.map_or_else(|| reading.kind(), |name| names::kind(&name)))
    });
    let leak = match there {
        Some(there) => judge(part, there, false, false),
        None if guess::is_secret(&part.bytes) => Leak::Certain,
        None => Leak::Possible,
    };
    (part.bytes.len() >= SHORTEST).then_some(leak)
}

fn judge(part: &Part<'_>, there: Kind, is_encoded: bool, is_whole: bool) -> Leak {
    let Part { bytes, own, is_called_secret, .. } = part;
    guess::judge(&Found { value: bytes, there, own: *own, is_called_secret: *is_called_secret, is_encoded, is_whole })
}

/// A value of several lines, which a text may indent or put into one.
fn in_lines(reading: &Reading, part: &Part<'_>) -> Option<Leak> {
    if !part.bytes.contains(&b'\n') || memmem::find(&reading.squeezed, &part.squeezed).is_none() {
        return None;
    }
    let is_certain = reading.in_manifest || guess::is_secret(&part.bytes);
    Some(if is_certain { Leak::Certain } else { Leak::Possible })
}

/// A value that a text breaks into lines.
fn wrapped(reading: &Reading, part: &Part<'_>) -> Option<Leak> {
    let needle = part.squeezed.as_slice();
    if needle.len() < SHORTEST || !reading.bytes.contains(&b'\n') {
        return None;
    }
    let at = memmem::find(&reading.squeezed, needle)?;
    let (start, end) = reading.place(at, needle.len())?;
    let is_broken = reading.bytes.get(start..end)?.contains(&b'\n');
    let is_blank = |around: Option<&[u8]>| around.is_some_and(|around| around.trim_ascii().is_empty());
    let is_all = || is_blank(reading.bytes.get(..start)) && is_blank(reading.bytes.get(end..));
    match is_broken {
        false => None,
        true if is_all() => Some(judge(part, reading.kind(), reading.is_encoded, reading.is_whole)),
        true => at_place(reading, part, start, end),
    }
}

const SHORTEST: usize = 8;
/// Places of one value in a text that are looked at.
const MOST_PLACES: usize = 64;
/// Parts of all values of a Secret that are looked for besides the values.
const MOST_PARTS: usize = 256;

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
        Values::of(&BTreeMap::from([("k".to_owned(), Plaintext::new(VALUE.into()))])).find("note", text).is_some()
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
    fn what_is_looked_at_is_limited() {
        let fields: BTreeMap<String, String> =
            (0..20_000).map(|at| (format!("password{at}"), format!("Xk9mQ2vR7pL4zA{at:06}"))).collect();
        let json = serde_json::to_string(&fields).unwrap();
        let env: String = fields.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let items = [json, env, "-----BEGIN PRIVATE KEY-----\nAAAA\n".repeat(20_000), "a:b=c:d ".repeat(50_000)];
        let items = items.map(|text| Plaintext::new(text.into_bytes()));
        let items: BTreeMap<String, Plaintext> =
            ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(items).collect();
        let values = Values::of(&items);
        assert_eq!(values.parts.len(), MOST_PARTS + items.len());
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&vec![b'7'; 8 << 20]).unwrap();
        let bomb = base64::encode(packed.finish().unwrap());
        let pairs = "58:6b ".repeat(100_000);
        for text in [
            bomb.as_str(),
            &pairs,
            &"a\n".repeat(100_000),
            &"%41\\x41&#65;".repeat(20_000),
            &"YWJjZGVmZ2g= ".repeat(20_000),
        ] {
            let all = readings("note", text);
            let bytes: usize = all.iter().skip(1).map(|reading| reading.bytes.len()).sum();
            assert!(all.len() <= 4096 && bytes <= 4 << 20, "{} of {bytes}", all.len());
        }
    }

    #[test]
    fn chance_is_no_leak() {
        let short = BTreeMap::from([
            ("k".to_owned(), Plaintext::new(b"true".to_vec())),
            ("e".to_owned(), Plaintext::new(Vec::new())),
        ]);
        assert_eq!(Values::of(&short).find("note", "true"), None);
        assert!(!found("nothing of it") && !found(""));
    }
}
