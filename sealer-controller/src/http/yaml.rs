//! YAML bodies become JSON text, event by event and within tight bounds. Existing clients post JSON; this is for people.

use std::io::{self, Write};

use serde::de::Error as _;

use crate::http::body::LARGEST;

/// The same document in JSON; none if it is no YAML, or more than a SealedSecret can be.
pub(crate) fn to_json(text: &str) -> Option<String> {
    // Comments are no values, and cost time all the same.
    if text.lines().count() > MOST_LINES {
        return None;
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MOST_VALUES * 4,
            max_nodes: MOST_VALUES,
            max_depth: 64,
            flow_nesting_limit: 64,
            max_documents: 1,
            max_aliases: MOST_ALIASES,
            max_anchors: MOST_ALIASES,
            max_recorded_anchor_events: MOST_VALUES,
            max_recorded_anchor_bytes: LARGEST,
            max_total_scalar_bytes: LARGEST,
            max_merge_keys: MOST_ALIASES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_VALUES,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: MOST_ALIASES,
        },
        with_snippet: false,
    };
    let mut json = Bounded(Vec::new());
    let written = serde_saphyr::with_deserializer_from_str_with_options(text, options, |document| {
        let mut serializer = serde_json::Serializer::new(&mut json);
        serde_transcode::transcode(document, &mut serializer).map_err(|_| serde_saphyr::Error::custom("no JSON"))
    });
    written.ok()?;
    String::from_utf8(json.0).ok()
}

/// Takes no more than a body has.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A quarter of what JSON may have: each is an event with a place and a tag of its own.
const MOST_VALUES: usize = 16_384;
const MOST_LINES: usize = 4 * MOST_VALUES;
/// Nobody repeats sealed values.
const MOST_ALIASES: usize = 64;
