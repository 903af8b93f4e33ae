//! Every value that passes between a controller and the API server, and where any of them shows.

use std::collections::BTreeSet;
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

    /// Lines of a text that show one.
    ///
    /// # Errors
    /// There are too many to search for.
    pub fn shown_in<'a>(&self, text: &'a str) -> Result<Vec<&'a str>> {
        let canaries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let search = AhoCorasick::new(canaries.iter())?;
        Ok(text.lines().filter(|line| search.is_match(line)).collect())
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
    pieces.filter(|piece| piece.len() >= SHORTEST && !WORDS.contains(&piece.as_str())).collect()
}

/// Shorter texts stand everywhere.
const SHORTEST: usize = 6;
const LONGEST: usize = 40;
/// Values of scenes that logs hold for other reasons.
const WORDS: [&str; 0] = [];
/// Checkpoints and the record of keys: names, versions and fingerprints.
const OWN_TYPE: &str = "sealedsecrets.bitnami.com/checkpoint";
