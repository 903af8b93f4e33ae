//! Every value that passes between a controller and the API server, and where any of them shows.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use anyhow::Result;
use parking_lot::Mutex;
use sealer_encoding::base64;
use serde_json::Value;

/// Values of Secrets, as texts and in base64, whole or in pieces.
#[derive(Debug, Default)]
pub struct Canaries(Mutex<BTreeSet<String>>);

impl Canaries {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Those that a text shows, each with the first line that does.
    ///
    /// # Errors
    /// There are too many to search for.
    pub fn shown_in<'a>(&self, text: &'a str) -> Result<BTreeMap<String, &'a str>> {
        let canaries = self.0.lock();
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
        let mut canaries = self.0.lock();
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn shown(object: &Value, text: &str) -> usize {
        let canaries = Canaries::default();
        canaries.read(object.to_string().as_bytes());
        canaries.shown_in(text).unwrap().len()
    }

    #[test]
    fn values_are_found_as_text_in_base64_and_in_pieces() {
        let value = format!("first-secret\n{}", "0123456789abcdef".repeat(8));
        let secret = json!({ "kind": "Secret", "data": { "k": base64::encode(&value) } });
        let list = json!({ "kind": "SecretList", "items": [{ "stringData": { "k": value } }] });
        for object in [secret, list] {
            assert_eq!(shown(&object, "a log\nof nothing"), 0);
            assert_eq!(shown(&object, "error=\"first-secret\""), 1);
            assert!(shown(&object, &base64::encode(&value)[8..]) > 0, "a part in base64");
            assert!(shown(&object, &value[20..]) > 0, "a part of a line");
        }
    }

    #[test]
    fn certificates_words_and_the_controllers_own_state_are_none() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----\n";
        let own =
            json!({ "type": "sealedsecrets.bitnami.com/checkpoint", "data": { "k": base64::encode("recorded") } });
        let public = json!({ "data": { "tls.crt": base64::encode(certificate), "word": base64::encode("strict") } });
        assert_eq!(shown(&own, "recorded") + shown(&public, certificate) + shown(&public, "strict"), 0);
    }
}
