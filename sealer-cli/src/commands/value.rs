//! One value as it was given, for `--raw` and `sealer set`: what it probably has by mistake is told, and left out with `--trim`.

use sealer_core::Plaintext;
use zeroize::{Zeroize as _, Zeroizing};

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

/// Takes a value over: byte for byte, or without what does not belong to it. Tells where that changed nothing, or left nothing.
pub(crate) fn taken(mut bytes: Vec<u8>, trim: bool) -> (Plaintext, Option<&'static str>) {
    if !trim {
        return (Plaintext::new(bytes), None);
    }
    let Some(mut text) = text(&bytes) else {
        let is_odd = encoding::has_mark(&bytes) || matches!(bytes.last(), Some(b'\n' | b'\r'));
        return (Plaintext::new(bytes), is_odd.then_some(NO_TEXT));
    };
    while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        text.pop();
    }
    let is_emptied = text.is_empty() && !bytes.is_empty();
    bytes.zeroize();
    (Plaintext::new(text), is_emptied.then_some(EMPTIED))
}

/// A value that is printable text from its first letter to its last, in UTF-8 without a mark. Of a key or another binary value
/// each byte counts, whatever it begins or ends with.
fn text(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let text = Zeroizing::new(encoding::marked(bytes).ok()?.into_owned());
    let letters = str::from_utf8(&text).ok()?;
    let is_printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let is_assigned = |c: char| !matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}');
    let is_text = letters.chars().all(|c| is_printable(c) && is_assigned(c));
    // Most pairs of bytes are some letter of Unicode. By chance one in a hundred is one of Latin.
    let latin = letters.chars().filter(|c| *c < LATIN_END).count();
    let is_likely = !is_utf16 || latin * 2 >= letters.chars().count();
    (is_text && is_likely).then(|| text.to_vec())
}

/// What a value probably has by mistake.
pub(crate) fn oddities(value: &Plaintext, origin: Origin) -> Vec<String> {
    let bytes = value.expose();
    let is_text = text(bytes).map(Zeroizing::new).is_some();
    let mut found: Vec<String> = Vec::new();
    if is_text && bytes.starts_with(encoding::UTF_8_MARK) {
        found.push(
            "the value begins with a byte order mark (BOM), which is sealed with it; --trim leaves it out".into(),
        );
    } else if is_text && encoding::has_mark(bytes) {
        found.push("the value is a text in UTF-16, and is sealed as such; --trim seals it as UTF-8".into());
    }
    if is_text && origin == Origin::Piped && ends_in_line_end(bytes) {
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
    let is_wide = |end: &[u8]| bytes.starts_with(b"\xff\xfe") && bytes.ends_with(end);
    !is_pem && matches!(bytes.last(), Some(b'\n' | b'\r')) || is_wide(b"\n\0") || is_wide(b"\r\0")
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
/// Where the letters of Latin script end, ASCII among them.
const LATIN_END: char = '\u{250}';
const NO_TEXT: &str = "the value is no plain text; --trim left it as it is, byte for byte";
const EMPTIED: &str = "nothing is left of the value without its line end: an empty one is sealed";

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
            assert_eq!(taken(bytes.to_vec(), false).0.expose(), bytes, "{bytes:?}");
            let (value, told) = taken(bytes.to_vec(), true);
            assert_eq!(value.expose(), trimmed, "{bytes:?}");
            let is_damaged = bytes == b"\xff\xfeh";
            assert_eq!(
                told,
                if is_damaged { Some(NO_TEXT) } else { trimmed.is_empty().then_some(EMPTIED) },
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn each_byte_of_a_binary_value_counts() {
        let key = |first: &[u8], last: &[u8]| {
            let noise = (0_u8..28).map(|at| at.wrapping_mul(67).wrapping_add(131) | 0x40);
            first.iter().copied().chain(noise).chain(last.iter().copied()).collect::<Vec<u8>>()
        };
        for bytes in [
            key(b"\xff\xfe", b"\x9a\x4e"),
            key(b"\xfe\xff", b"\x4e\x9a"),
            key(b"\xff\xfe", b"\n\0"),
            key(b"\x80\x01", b"\xc3\n"),
            key(b"\xef\xbb\xbf", b"\x80\r\n"),
            b"\0\x01\x02\n".to_vec(),
            b"\x1b[31mred\n".to_vec(),
            b"\xff\xfe\0\0a\0\0\0".to_vec(),
            "\u{feff}ab\u{e000}\n".into(),
        ] {
            let (value, told) = taken(bytes.clone(), true);
            assert_eq!((value.expose(), told), (&bytes[..], Some(NO_TEXT)), "{bytes:?}");
            assert_eq!(oddities(&value, Origin::Piped), Vec::<String>::new(), "{bytes:?}");
        }
        let (value, told) = taken(key(b"\x80", b"\x81"), true);
        assert_eq!((value.expose(), told), (&key(b"\x80", b"\x81")[..], None));
        for text in ["\u{feff}p\u{e4}ss\u{20ac}\tw\u{f6}rd\r\n", "\u{5bc6}\u{7801}\n"] {
            let (value, told) = taken(text.into(), true);
            assert_eq!((value.expose(), told), (text.trim_start_matches('\u{feff}').trim_end().as_bytes(), None));
        }
    }
}
