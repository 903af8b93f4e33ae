//! Reading documents: JSON or YAML, many in a stream. A document that does not parse is an error, never skipped.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, options};

use crate::diagnostics::CliError;

/// One document of a stream.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its place, from 1.
    pub(crate) number: usize,
    /// Whether it was written in YAML, where bare words may stand for text.
    pub(crate) is_yaml: bool,
    /// What it holds.
    pub(crate) value: Value,
}

/// Reads all documents; empty ones are passed over. `source` names the stream in messages.
pub(crate) fn documents(bytes: &[u8], source: &str) -> Result<Vec<Document>, CliError> {
    let text = decode(bytes).ok_or_else(|| {
        CliError::new("no secrets found. Ensure the input is valid and UTF-8 encoded")
            .hint(format!("{source} is not text in UTF-8 or UTF-16"))
    })?;
    let mut found = Vec::new();
    let rest = if text.trim_start().starts_with('{') { json_documents(&text, source, &mut found)? } else { &text };
    yaml_documents(rest, source, &mut found)?;
    found.retain(|document| !is_empty(&document.value));
    for (at, document) in found.iter_mut().enumerate() {
        document.number = at + 1;
    }
    Ok(found)
}

/// Reads one YAML 1.1 document into the types that JSON has.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    let options = options! {
        legacy_octal_numbers: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| position(&error))
}

/// Only where it is wrong: the parser's own text may quote the document.
fn position(error: &serde_saphyr::Error) -> String {
    error.location().map_or_else(
        || "it is not valid YAML".to_owned(),
        |location| format!("it is not valid YAML at line {}, column {}", location.line(), location.column()),
    )
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// UTF-8, with or without a mark, and the UTF-16 that PowerShell pipes.
fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// Reads JSON values, one behind the other; what follows the last one may be YAML. Returns that rest.
fn json_documents<'a>(text: &'a str, source: &str, found: &mut Vec<Document>) -> Result<&'a str, CliError> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut good = 0;
    while let Some(next) = stream.next() {
        match next {
            Ok(value) => {
                good = stream.byte_offset();
                found.push(Document { number: 0, is_yaml: false, value });
            }
            // `{...}` that is no JSON may be YAML, and YAML may follow one JSON document.
            Err(_) if found.len() <= 1 => return Ok(text.get(good..).unwrap_or_default()),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                return Err(broken(found.len() + 1, source, &format!("it is not valid JSON at {place}")));
            }
        }
    }
    Ok("")
}

fn yaml_documents(text: &str, source: &str, found: &mut Vec<Document>) -> Result<(), CliError> {
    let mut chunk = String::new();
    for line in text.split_inclusive('\n') {
        if let Some(behind) = line.strip_prefix("---") {
            let behind = behind.trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                // What stands there may be a value; it is not repeated.
                let message = "invalid Yaml document separator";
                return Err(CliError::new(message)
                    .hint("write nothing behind `---`, or indent the line if it belongs to a text"));
            }
            yaml_document(&chunk, source, found)?;
            chunk.clear();
        } else {
            chunk.push_str(line);
        }
    }
    yaml_document(&chunk, source, found)
}

fn yaml_document(chunk: &str, source: &str, found: &mut Vec<Document>) -> Result<(), CliError> {
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if chunk.lines().all(blank) {
        return Ok(());
    }
    let value = yaml(chunk).map_err(|reason| broken(found.len() + 1, source, &reason))?;
    if !value.is_object() && !value.is_null() {
        return Err(broken(found.len() + 1, source, "it is no object"));
    }
    found.push(Document { number: 0, is_yaml: true, value });
    Ok(())
}

fn broken(number: usize, source: &str, reason: &str) -> CliError {
    CliError::new(format!("document {number} of {source} cannot be read: {reason}"))
        .hint("nothing was sealed; every document of the input must be readable")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use serde_json::json;

    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Result<Vec<Value>, String> {
        let documents = documents(text.as_ref(), "stdin").map_err(|error| error.message().to_owned())?;
        Ok(documents.into_iter().map(|document| document.value).collect())
    }

    #[test]
    fn streams_of_json_and_yaml_are_read_whole() {
        for text in [
            "{\"a\":1}{\"a\":2}",
            "{\"a\":1}\n---\na: 2\n",
            "---\na: 1\n---\n# nothing\n---\n{}\n---\na: 2\n",
            "a: 1\r\n--- # next\r\na: 2\r\n",
            "\u{feff}a: 1\n---\na: 2",
        ] {
            assert_eq!(read(text).unwrap(), [json!({"a": 1}), json!({"a": 2})], "{text:?}");
        }
        assert_eq!(read("{a: b}").unwrap(), [json!({"a": "b"})]);
        assert_eq!(read("").unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn utf16_is_read() {
        let text = "{\"a\":\"é\"}";
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(read(little), read(big));
    }

    #[test]
    fn values_are_typed_as_yaml_1_1_does() {
        assert_eq!(
            yaml("[yes, 010, 1_000, 0x1f, ~, 12:30, 2020-01-01, 1.5, '1']").unwrap(),
            json!([true, 8, 1000, 31, null, "12:30", "2020-01-01", 1.5, "1"])
        );
        assert_eq!(
            yaml("a: 1\na: 2\nb: &x {c: d}\ne:\n  <<: *x\n").unwrap(),
            json!({"a": 2, "b": {"c": "d"}, "e": {"c": "d"}})
        );
    }

    #[test]
    fn what_does_not_parse_is_named_and_never_quoted() {
        for (text, message) in [
            ("{\"a\":1}{\"a\":2}x", "document 3 of stdin cannot be read: it is not valid JSON at line 1, column 15"),
            (
                "a: 1\n---\na: hunter2: x\n",
                "document 2 of stdin cannot be read: it is not valid YAML at line 1, column 11",
            ),
            ("---x\n", "invalid Yaml document separator"),
            ("- a\n", "document 1 of stdin cannot be read: it is no object"),
            ("hello", "document 1 of stdin cannot be read: it is no object"),
        ] {
            assert_eq!(read(text).unwrap_err(), message, "{text:?}");
        }
        assert_eq!(read([0xc3, 0x28]).unwrap_err(), "no secrets found. Ensure the input is valid and UTF-8 encoded");
    }
}
