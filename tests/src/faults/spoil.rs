//! Answers that are spoilt on their way: cut off, too deep, too large, with times and types that cannot be. The same
//! seed spoils the same answer in the same way.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hyper::body::Bytes;

/// How an answer is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoil {
    /// It ends somewhere.
    Cut,
    /// Metadata holds lists within lists, a hundred thousand of them.
    Deep,
    /// Metadata holds nine megabytes.
    Huge,
    /// Times are of a year that no calendar has.
    OddTimes,
    /// Numbers stand where texts should, and nothing where objects should.
    WrongTypes,
    /// Bytes that are no text stand in it.
    NoText,
    /// A field stands there twice.
    Twice,
}

impl Spoil {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Cut, Self::Deep, Self::Huge, Self::OddTimes, Self::WrongTypes, Self::NoText, Self::Twice];

    /// Spoils one answer, or one line of one that goes on.
    pub fn spoil(self, seed: usize, text: &[u8]) -> Vec<u8> {
        let place = seed.wrapping_mul(7919) % text.len().max(1);
        let (before, after) = text.split_at(place);
        match self {
            Self::Cut => before.to_vec(),
            Self::NoText => [before, b"\xff\xfe", after].concat(),
            Self::Deep => in_metadata(text, seed, &format!("\"x\":{}{},", "[".repeat(DEEP), "]".repeat(DEEP))),
            Self::Huge => in_metadata(text, seed, &format!("\"x\":\"{}\",", "x".repeat(HUGE))),
            Self::Twice => in_metadata(text, seed, "\"name\":\"twice\","),
            Self::OddTimes => odd_times(text, seed),
            Self::WrongTypes => wrong_types(text, seed),
        }
    }

    /// Spoils every line of an answer that goes on.
    pub(crate) fn lines<E: Send + 'static>(
        self,
        seed: usize,
        parts: BoxStream<'static, Result<Bytes, E>>,
    ) -> BoxStream<'static, Result<Bytes, E>> {
        let numbered = lines(parts).enumerate();
        let spoilt = numbered.map(move |(at, line)| {
            let line = self.spoil(seed + at, &line?);
            Ok(Bytes::from([&line[..], b"\n"].concat()))
        });
        spoilt.boxed()
    }
}

/// The lines of an answer that goes on, without their ends.
pub(crate) fn lines<E: Send + 'static>(
    parts: BoxStream<'static, Result<Bytes, E>>,
) -> BoxStream<'static, Result<Vec<u8>, E>> {
    let lines = futures::stream::unfold((parts, Vec::<u8>::new()), |(mut parts, mut buffer)| async move {
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let rest = buffer.split_off(end + 1);
                buffer.pop();
                return Some((Ok(buffer), (parts, rest)));
            }
            match parts.next().await? {
                Ok(part) => buffer.extend_from_slice(&part),
                Err(error) => return Some((Err(error), (parts, buffer))),
            }
        }
    });
    lines.boxed()
}

/// Puts a text into the metadata of one of the objects.
fn in_metadata(text: &[u8], seed: usize, more: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let places: Vec<usize> = text.match_indices(METADATA).map(|(at, found)| at + found.len()).collect();
    let Some(place) = places.get(seed % places.len().max(1)) else { return text.as_bytes().to_vec() };
    let (before, after) = text.split_at(*place);
    // A comma before nothing would be no JSON.
    let more = if after.starts_with('}') { more.trim_end_matches(',') } else { more };
    format!("{before}{more}{after}").into_bytes()
}

fn odd_times(text: &[u8], seed: usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let odd = if seed.is_multiple_of(2) { "9999-12-31T23:59:59Z" } else { "-0001-01-01T00:00:00Z" };
    let spoilt = ["\"creationTimestamp\":\"", "\"time\":\""].into_iter().fold(text.into_owned(), |text, field| {
        let mut parts = text.split(field);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| {
            let (_, rest) = part.split_once('"').unwrap_or_default();
            format!("{all}{field}{odd}\"{rest}")
        })
    });
    spoilt.into_bytes()
}

fn wrong_types(text: &[u8], seed: usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).replace("\"items\":[{", "\"items\":[null,5,{");
    let field = ["\"name\":\"", "\"uid\":\"", "\"resourceVersion\":\""].into_iter().nth(seed % 3).unwrap_or_default();
    let places: Vec<usize> = text.match_indices(field).map(|(at, found)| at + found.len()).collect();
    let Some(place) = places.get(seed % places.len().max(1)) else { return text.into_bytes() };
    let (before, after) = text.split_at(*place);
    let (_, rest) = after.split_once('"').unwrap_or_default();
    format!("{}5{rest}", before.strip_suffix('"').unwrap_or(before)).into_bytes()
}

const METADATA: &str = "\"metadata\":{";
const DEEP: usize = 100_000;
/// More than an object may have.
const HUGE: usize = 9 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{"kind":"List","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a","uid":"u","creationTimestamp":"2026-01-01T00:00:00Z"}}]}"#;

    #[test]
    fn answers_are_spoilt_and_alike_for_one_seed() {
        for spoil in Spoil::ALL {
            for seed in 1..9 {
                let spoilt = spoil.spoil(seed, LIST.as_bytes());
                assert_eq!(spoilt, spoil.spoil(seed, LIST.as_bytes()), "{spoil:?}");
                assert_ne!(spoilt, LIST.as_bytes(), "{spoil:?} {seed}");
                let is_json = serde_json::from_slice::<Box<serde_json::value::RawValue>>(&spoilt).is_ok();
                assert_eq!(is_json, !matches!(spoil, Spoil::Cut | Spoil::NoText), "{spoil:?} {seed}");
            }
            assert!(spoil.spoil(3, b"").len() < 10, "nothing to spoil");
        }
    }
}
