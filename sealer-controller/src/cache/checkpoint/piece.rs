//! One piece of the checkpoint as text: a table of keys, and the objects that stand in it. Pure.

use std::hash::{DefaultHasher, Hasher as _};

use sealer_core::{Fingerprint, Keyring, Scope};
use serde::{Deserialize, Serialize};

use crate::args::Config;
use crate::cache::object_state::SyncedSecret;
use crate::cache::record::Record;
use crate::kube::identity::Identity;
use crate::kube::object_key::Key;
use crate::version::VERSION;

/// Under what the records were made: another program or other settings might decide otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    program: String,
    settings: String,
}

impl Header {
    pub(super) fn of(config: &Config) -> Self {
        let Config { accept_v1_data, expensive_templates, allowed_types, .. } = config;
        let settings = format!("v1={accept_v1_data} expensive={expensive_templates} types={}", allowed_types.join(","));
        Self { format: FORMAT, program: VERSION.to_owned(), settings }
    }
}

#[derive(Serialize, Deserialize)]
struct Piece {
    header: Header,
    pieces: usize,
    keys: Vec<String>,
    objects: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    namespace: String,
    name: String,
    uid: Box<str>,
    generation: i64,
    /// A place in `Scope::ALL`; the header tells of another program, which may have another list.
    scope: usize,
    #[serde(default)]
    replaces_immutable: bool,
    secret: Box<str>,
    version: Box<str>,
    /// Places in the table of keys.
    keys: Vec<usize>,
}

/// How many pieces so many objects take, each well below the size limit of an object. Powers of two: growing seldom
/// moves what is written already.
pub(super) fn count(objects: usize) -> usize {
    objects.div_ceil(OBJECTS).next_power_of_two()
}

/// In which of so many pieces an object stands.
pub(super) fn number(key: &Key, count: usize) -> usize {
    usize::try_from(hash(key)).unwrap_or_default() & (count - 1)
}

/// The text of a piece, its objects in the order of their names, behind its checksum.
pub(super) fn write(header: &Header, count: usize, mut records: Vec<(Key, Record)>) -> Vec<u8> {
    records.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut keys: Vec<Fingerprint> = Vec::new();
    let mut place = |key: &Fingerprint| {
        keys.iter().position(|known| known == key).unwrap_or_else(|| {
            keys.push(key.clone());
            keys.len() - 1
        })
    };
    let row = |(key, record): (Key, Record)| Row {
        keys: record.secret.keys.iter().map(&mut place).collect(),
        namespace: key.namespace,
        name: key.name,
        uid: record.sealed.uid,
        generation: record.sealed.generation,
        scope: Scope::ALL.iter().position(|scope| *scope == record.sealed.scope).unwrap_or_default(),
        replaces_immutable: record.sealed.replaces_immutable,
        secret: record.secret.uid,
        version: record.secret.version,
    };
    let objects = records.into_iter().map(row).collect();
    let keys = keys.iter().map(|key| key.as_str().to_owned()).collect();
    let piece = Piece { header: header.clone(), pieces: count, keys, objects };
    // Writing JSON into memory does not fail.
    let body = serde_json::to_vec(&piece).unwrap_or_default();
    let mut text = format!("{:016x}\n", hash(&body)).into_bytes();
    text.extend_from_slice(&body);
    text
}

/// How many pieces there are, by what one of them says; nothing if it is damaged.
pub(super) fn pieces(text: &[u8]) -> Option<usize> {
    parse(text).map(|piece| piece.pieces)
}

/// The records of a piece; none of one that is damaged. Of one that was made under something else, and of a record whose
/// key is gone, only the keys that opened the object count, and only as likely: it is looked at again.
pub(super) fn read(text: &[u8], header: &Header, ring: &Keyring) -> Vec<(Key, Record)> {
    let Some(piece) = parse(text) else { return Vec::new() };
    let is_ours = piece.header == *header;
    let known = |text: &String| {
        let entry = ring.entries().iter().find(|entry| entry.key.fingerprint().as_str() == text)?;
        Some(entry.key.fingerprint().clone())
    };
    let table: Vec<Option<Fingerprint>> = piece.keys.iter().map(known).collect();
    let record = |row: Row| {
        let mut keys: Vec<Fingerprint> = Vec::new();
        for key in row.keys.iter().filter_map(|place| table.get(*place)?.as_ref()) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        let scope = Scope::ALL.get(row.scope).copied().filter(|_| is_ours && keys.len() == row.keys.len());
        let Some(scope) = scope else {
            let key = Key::new(row.namespace, row.name);
            return Some((key, Record::hint(keys.into()))).filter(|(_, hint)| !hint.secret.keys.is_empty());
        };
        let replaces_immutable = row.replaces_immutable;
        let sealed = Identity { uid: row.uid, generation: row.generation, scope, replaces_immutable };
        let secret = SyncedSecret { uid: row.secret, version: row.version, keys: keys.into() };
        Some((Key::new(row.namespace, row.name), Record { sealed, secret }))
    };
    piece.objects.into_iter().filter_map(record).collect()
}

fn parse(text: &[u8]) -> Option<Piece> {
    let (sum, body) = text.split_at_checked(17)?;
    if sum != format!("{:016x}\n", hash(body)).as_bytes() {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// The keys that the records of a piece name, as if its checksum were right and it were made by this program.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn keys_of_records(body: &[u8], ring: &Keyring) -> Vec<Fingerprint> {
    let text = [format!("{:016x}\n", hash(body)).as_bytes(), body].concat();
    let records = parse(&text).map(|piece| read(&text, &piece.header, ring)).unwrap_or_default();
    records.iter().flat_map(|(_, record)| record.secret.keys.iter().cloned()).collect()
}

/// Against accidents, not against people: whoever may write Secrets in the controller's namespace has its keys.
pub(super) fn hash(what: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

const FORMAT: u32 = 1;
/// At about 200 bytes each: 400 kB, of the 1 MiB that a Secret holds.
const OBJECTS: usize = 2000;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

    use std::sync::{Arc, LazyLock};

    use sealer_core::UnsealingKey;
    use serde_json::json;

    use super::*;

    static RING: LazyLock<Keyring> =
        LazyLock::new(|| Keyring::from_keys((0..2).map(|_| UnsealingKey::generate(1024).unwrap()).collect()));

    fn header() -> Header {
        Header { format: FORMAT, program: VERSION.to_owned(), settings: "x".to_owned() }
    }

    fn records(count: usize) -> Vec<(Key, Record)> {
        let keys: Vec<_> = RING.entries().iter().map(|entry| entry.key.fingerprint().clone()).collect();
        let record = |at: usize| {
            let sealed = Identity {
                uid: format!("uid-{at}").into(),
                generation: 3,
                scope: Scope::ALL[at % 3],
                replaces_immutable: at.is_multiple_of(2),
            };
            let keys: Arc<[_]> = keys.iter().take(at % 3).cloned().collect();
            let secret = SyncedSecret { uid: format!("secret-{at}").into(), version: at.to_string().into(), keys };
            (Key::new(format!("ns-{}", at % 7), format!("name-{at:05}")), Record { sealed, secret })
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn what_is_written_is_read_again_and_every_object_has_one_piece() {
        let all = records(5000);
        let count = count(all.len());
        assert_eq!(count, 4);
        let piece =
            |number: usize| all.iter().filter(|(key, _)| super::number(key, count) == number).cloned().collect();
        let texts: Vec<_> = (0..count).map(|number| write(&header(), count, piece(number))).collect();
        assert!(texts.iter().all(|text| text.len() < 400_000 && pieces(text) == Some(4)));
        let mut read: Vec<_> = texts.iter().flat_map(|text| read(text, &header(), &RING)).collect();
        read.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        assert_eq!(read, all);
        assert_eq!([super::count(0), super::count(2000), super::count(2001)], [1, 1, 2]);
    }

    #[test]
    fn what_is_damaged_stale_or_of_others_says_nothing() {
        let text = write(&header(), 1, records(3));
        for at in [0, 16, 20, text.len() - 1] {
            let mut damaged = text.clone();
            damaged[at] ^= 1;
            assert!(read(&damaged, &header(), &RING).is_empty() && pieces(&damaged).is_none(), "byte {at}");
        }
        for length in [0, 5, 17, text.len() / 2] {
            assert!(read(&text[..length], &header(), &RING).is_empty());
        }
        // Of the three records one has no key, one has one, one has both.
        let fewer = RING.without(""); // all entries of this ring are nameless
        assert_eq!(read(&text, &header(), &fewer).len(), 1, "those whose keys are gone are left out");
    }

    #[test]
    fn what_was_made_under_something_else_says_only_which_keys_are_likely() {
        let all = records(3);
        let text = write(&header(), 1, all.clone());
        let hints = |ring: &Keyring, header: &Header| -> Vec<(Key, Record)> {
            read(&text, header, ring).into_iter().filter(|(_, record)| record.is_hint()).collect()
        };
        let hint = |at: usize| (all[at].0.clone(), Record::hint(all[at].1.secret.keys.clone()));
        for other in [
            Header { program: "0.0.9".to_owned(), ..header() },
            Header { settings: "y".to_owned(), ..header() },
            Header { format: FORMAT + 1, ..header() },
        ] {
            assert_eq!(read(&text, &other, &RING), [hint(1), hint(2)]);
        }
        // The first key stands in two records, the second one in the last alone.
        let first = Keyring::new(vec![RING.entries()[0].clone()]);
        let likely = Record::hint([first.entries()[0].key.fingerprint().clone()].into());
        assert_eq!(hints(&first, &header()), [(all[2].0.clone(), likely)], "of two keys one is there");
        assert_eq!(hints(&RING, &header()), []);
        let again = write(&header(), 1, vec![hint(1)]);
        assert_eq!(read(&again, &header(), &RING), [hint(1)], "a hint stays one");
    }

    #[test]
    fn keys_that_a_row_names_twice_or_nowhere_are_tried_once() {
        let body = json!({ "header": header(), "pieces": 1, "keys": [RING.entries()[0].key.fingerprint().as_str(), "x"],
            "objects": [{ "namespace": "ns", "name": "a", "uid": "u", "generation": 1, "scope": 0, "secret": "s",
                "version": "5", "keys": [0, 0, 1, 7, 0] }] });
        let keys = keys_of_records(body.to_string().as_bytes(), &RING);
        assert_eq!(keys, [RING.entries()[0].key.fingerprint().clone()]);
    }
}
