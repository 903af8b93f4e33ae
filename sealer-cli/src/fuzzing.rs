//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use std::collections::BTreeMap;

use sealer_core::Plaintext;
use sealer_encoding::base64;
use serde_json::Value;

use crate::manifest::read::{self, Wanted};
use crate::manifest::{self, Format, secret};
use crate::network::redirect;
use crate::sealed_secret::{self, Leniency};
use crate::{cluster, commands, kubeseal, leak};

mod edits;
#[cfg(test)]
mod tests;

pub use edits::editor;

/// A YAML document that was read is written in both formats and read again unchanged.
pub fn yaml(bytes: &[u8]) {
    typed(bytes);
    for document in documents(bytes).into_iter().flatten().flatten() {
        for format in [Format::Yaml, Format::Json] {
            let text = manifest::encode(&document, format);
            assert_eq!(documents(text.as_bytes()), Some(vec![Some(document.clone())]), "{text}");
        }
    }
}

/// What serde_json reads as an object is read as the same object. The brace that opens it is not part of the input.
pub fn json(bytes: &[u8]) {
    let text = [b"{", bytes].concat();
    typed(&text);
    let read = documents(&text);
    let Ok(Value::Object(expected)) = serde_json::from_slice(&text) else { return };
    let expected = Value::Object(expected);
    if !has_numbers(&expected) && expected != Value::Object(Default::default()) {
        assert_eq!(read, Some(vec![Some(expected)]));
    }
}

/// The documents of a stream in the types of JSON; nothing for one with a number that JSON cannot write.
fn documents(bytes: &[u8]) -> Option<Vec<Option<Value>>> {
    let documents = read::documents(bytes, "input", Wanted::Secrets).ok()?;
    Some(documents.iter().map(|document| document.value().ok()).collect())
}

/// Reads a stream as Secrets and as SealedSecrets, field by field.
fn typed(bytes: &[u8]) {
    let _ = read::documents(bytes, "input", Wanted::Secrets).and_then(|documents| secret::secrets(documents, false));
    for document in read::documents(bytes, "input", Wanted::SealedSecret).unwrap_or_default() {
        for place in [Leniency::Stream, Leniency::Alone] {
            let _ = sealed_secret::read(&document, place);
        }
    }
}

/// Numbers have more than one spelling.
fn has_numbers(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(has_numbers),
        Value::Object(fields) => fields.values().any(has_numbers),
        _ => false,
    }
}

/// Items that an editor gave back are shown and read again unchanged.
pub fn edit_form(text: &str) {
    assert_ne!(commands::reads_back(text), Some(false));
}

/// A kubeconfig is read and chosen from, or refused. Files that it names are not opened.
pub fn kubeconfig(text: &str) {
    let _ = cluster::chosen_from(text);
}

/// A command line is read or refused. The first line is the program's name, each other one a word; `NAME=value` is a
/// variable as well.
pub fn command_line(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let variable =
        |name: &str| words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let Some((program, rest)) = words.split_first() else { return };
    match rest.first() {
        Some(word) if commands::is_verb(word) => drop(commands::read(rest, &variable)),
        _ => drop(kubeseal::read(program, rest, &variable)),
    }
}

/// A value that stands in an annotation, as it is or in base64, is found. No redirect leads from https to anything else.
/// The first line is the value, or where the redirect leads; what follows is the annotation, or the address.
pub fn leaks(text: &str) {
    let (value, text) = text.split_once('\n').unwrap_or_default();
    let plaintext = Plaintext::new(value.as_bytes().to_vec());
    let found = leak::look("note", text, "item", &plaintext);
    let one = BTreeMap::from([("item".to_owned(), plaintext)]);
    assert_eq!(leak::Values::of(&one).find("note", text).map(|(_, leak)| leak), found);
    assert!(
        found.is_some() || value.trim_ascii_end().len() < 8 || !(text.contains(value) || text == base64::encode(value))
    );
    let is_https = |url: &str| url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    if let Ok(next) = redirect::resolve(text, value) {
        assert!(is_https(&next) || !is_https(text), "{text} to {next}");
    }
}
