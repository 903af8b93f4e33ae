//! Every value that passes between a controller and the API server, and where any of them shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use anyhow::Result;
use sealer_core::base64;
use serde_json::Value;

/// Values of Secrets, as texts and in base64, whole or in pieces.
#[derive(Debug, Default)]
pub struct Canaries(Mutex<BTreeSet<String>>);

impl Canaries {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those that a text shows, each with the first line that does.
    ///
    /// # Errors
    /// There are too many to search for.
    pub fn shown_in<'a>(&self, text: &'a str) -> Result<BTreeMap<String, &'a str>> {
        let canaries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let search = AhoCorasick::new(canaries.iter())?;
        let mut shown = BTreeMap::new();
        for line in text.lines() {
            for hit in search.find_overlapping_iter(line) {
                let canary = line.get(hit.range()).unwrap_or_default();
                shown.entry(canary.to_owned()).or_insert(line);
            }
        }
        Ok(shown)
    }

    /// Takes a secret that is no Secret's value, such as a token.
    pub(crate) fn take(&self, value: &str) {
        let mut canaries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        canaries.extend(pieces(value.trim_end_matches('=')));
    }

    /// Takes the values of a Secret or of a list of Secrets.
    pub(crate) fn read(&self, text: &[u8]) {
        let Ok(object) = serde_json::from_slice::<Value>(text) else { return };
        let items = object.get("items").and_then(Value::as_array);
        for secret in items.into_iter().flatten().chain([&object]) {
            if secret.get("type").is_none_or(|type_| type_ != OWN_TYPE) {
                self.read_one(secret);
            }
        }
    }

    fn read_one(&self, secret: &Value) {
        let values =
            |field: &str| secret.get(field).and_then(Value::as_object).into_iter().flat_map(|all| all.values());
        let texts = values("stringData").filter_map(Value::as_str).map(|text| text.as_bytes().to_vec());
        let data = values("data").filter_map(Value::as_str).filter_map(|value| base64::decode(value).ok());
        for value in texts.chain(data) {
            let text = String::from_utf8_lossy(&value);
            // Certificates are public, and are logged.
            if text.contains("-----BEGIN CERTIFICATE-----") {
                continue;
            }
            self.take(&base64::encode(&value));
            text.lines().filter(|line| !line.starts_with("-----")).for_each(|line| self.take(line.trim()));
        }
    }
}

/// A long value is sought in pieces: half of it is too much as well.
fn pieces(value: &str) -> Vec<String> {
    let letters: Vec<char> = value.chars().collect();
    let pieces = letters.chunks(LONGEST).map(|piece| piece.iter().collect::<String>());
    let tells = |piece: &String| piece.len() >= SHORTEST && !WORDS.contains(&piece.as_str()) && !repeats(piece);
    pieces.filter(tells).collect()
}

/// Whether it is one letter again and again: fillers of sizes and names.
fn repeats(piece: &str) -> bool {
    piece.chars().all(|letter| piece.starts_with(letter))
}

/// Shorter texts stand everywhere.
const SHORTEST: usize = 6;
const LONGEST: usize = 40;
/// Values of scenes that are words of messages and of the scenes' namespaces.
const WORDS: [&str; 5] = ["changed", "cluster-wide", "garbage", "namespace-wide", "strict"];
/// Checkpoints and the record of keys: names, versions and fingerprints.
const OWN_TYPE: &str = "sealedsecrets.bitnami.com/checkpoint";
