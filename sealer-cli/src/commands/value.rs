//! One value as it was given, for `--raw` and `sealer set`: what it probably has by mistake is told, and left out with `--trim`.

use std::borrow::Cow;

use sealer_core::Plaintext;
use zeroize::Zeroize as _;

use crate::diagnostics::CliError;
use crate::encrypted::{self, Encrypted};
use crate::input::encoding;
use crate::manifest;
use crate::placeholder::{self, Placeholder};

/// How a value came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Another program wrote it; `echo` adds a line end.
    Piped,
    File,
}

/// Takes a value over: byte for byte, or without what does not belong to it.
pub(crate) fn taken(mut bytes: Vec<u8>, trim: bool) -> Plaintext {
    if trim {
        if let Ok(Cow::Owned(text)) = encoding::marked(&bytes) {
            bytes.zeroize();
            bytes = text;
        } else if bytes.starts_with(encoding::UTF_8_MARK) {
            bytes.drain(..encoding::UTF_8_MARK.len());
        }
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
    }
    Plaintext::new(bytes)
}

/// What a value probably has by mistake.
pub(crate) fn oddities(value: &Plaintext, origin: Origin) -> Vec<String> {
    let bytes = value.expose();
    let mut found: Vec<String> = Vec::new();
    if bytes.starts_with(encoding::UTF_8_MARK) {
        found.push(
            "the value begins with a byte order mark (BOM), which is sealed with it; --trim leaves it out".into(),
        );
    } else if matches!(encoding::marked(bytes), Ok(Cow::Owned(_))) {
        found.push("the value is a text in UTF-16, and is sealed as such; --trim seals it as UTF-8".into());
    }
    if origin == Origin::Piped && ends_in_line_end(bytes) {
        found.push(
            "the value ends in a line end, which is sealed with it; --trim leaves it out, and `printf %s` writes none"
                .into(),
        );
    }
    if let Some(form @ Placeholder::Form(_)) = placeholder::of(bytes) {
        found.push(format!("the value {}", form.told()));
    }
    if is_manifest(bytes) {
        found.push("the value is a whole manifest; without --raw, or with -f, its items are sealed one by one".into());
    }
    if let Some(Encrypted::Possible(tool)) = encrypted::value(bytes) {
        found.push(format!("the value {}", tool.told()));
    }
    found
}

/// Refuses a value that another tool encrypted, or says what it is where that is allowed.
pub(crate) fn encrypted(value: &Plaintext, is_allowed: bool) -> Result<Option<String>, CliError> {
    let Some(Encrypted::Certain(tool)) = encrypted::value(value.expose()) else { return Ok(None) };
    let told = format!("the value {}", tool.told());
    if is_allowed {
        return Ok(Some(told));
    }
    Err(CliError::new(told).hint("nothing was sealed; --allow-encrypted-values seals the text as it stands"))
}

/// A text of PEM ends in one, and some readers of keys want it.
fn ends_in_line_end(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_end();
    let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_pem = last.starts_with(b"-----END ") && last.ends_with(b"-----");
    let is_wide = bytes.starts_with(b"\xff\xfe") && bytes.ends_with(b"\n\0");
    !is_pem && matches!(bytes.last(), Some(b'\n' | b'\r')) || is_wide
}

fn is_manifest(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').take(LINES);
    let mut kinds =
        lines.filter(|line| line.trim_ascii_start().starts_with(b"kind:") || manifest::holds(line, "\"kind\""));
    let names_secret = |line: &[u8]| manifest::holds(line, "Secret");
    kinds.any(names_secret) && manifest::holds(bytes, "apiVersion") && manifest::holds(bytes, "metadata")
}

/// The kind of an object stands near its beginning, or near its end.
const LINES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], origin: Origin) -> Vec<String> {
        let words = |told: String| told.split([',', ';']).next().unwrap_or_default().to_owned();
        oddities(&Plaintext::new(bytes.to_vec()), origin).into_iter().map(words).collect()
    }

    #[test]
    fn what_a_value_has_by_mistake_is_told() {
        const END: &str = "the value ends in a line end";
        const MARK: &str = "the value begins with a byte order mark (BOM)";
        const UTF16: &str = "the value is a text in UTF-16";
        for (bytes, piped, of_file) in [
            (&b"hunter2"[..], &[][..], &[][..]),
            (b"hunter2\n", &[END], &[]),
            (b"hunter2\r\n", &[END], &[]),
            (b"two\nlines\n\n", &[END], &[]),
            (b"\n", &[END], &[]),
            (b"", &[], &[]),
            (b"\xef\xbb\xbfhunter2", &[MARK], &[MARK]),
            (b"\xef\xbb\xbfhunter2\r\n", &[MARK, END], &[MARK]),
            (b"\xff\xfeh\0\n\0", &[UTF16, END], &[UTF16]),
            (b"\xfe\xff\0h\0\n", &[UTF16, END], &[UTF16]),
            (b"-----BEGIN A-----\nYQ==\n-----END A-----\n", &[], &[]),
        ] {
            assert_eq!(told(bytes, Origin::Piped), piped, "{bytes:?}");
            assert_eq!(told(bytes, Origin::File), of_file, "{bytes:?}");
        }
        let manifest = b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}";
        assert_eq!(told(manifest, Origin::File), ["the value is a whole manifest"]);
    }

    #[test]
    fn a_value_is_taken_byte_for_byte_unless_it_is_trimmed() {
        for (bytes, trimmed) in [
            (&b"hunter2"[..], &b"hunter2"[..]),
            (b" hunter2 \r\n\n", b" hunter2 "),
            (b"\xef\xbb\xbfa\nb\n", b"a\nb"),
            (b"\xff\xfeh\0\xe4\0\r\0\n\0", "h\u{e4}".as_bytes()),
            (b"\xff\xfeh", b"\xff\xfeh"),
            (b"\n", b""),
        ] {
            assert_eq!(taken(bytes.to_vec(), false).expose(), bytes, "{bytes:?}");
            assert_eq!(taken(bytes.to_vec(), true).expose(), trimmed, "{bytes:?}");
        }
    }
}
