//! How Go quotes a text, and how much of one a message shows.

use super::text::{chars, is_printable};

/// The beginning of a text, as much as a message shows of it.
pub(crate) fn excerpt(bytes: &[u8]) -> &[u8] {
    match bytes.get(..LONGEST) {
        None => bytes,
        Some(start) => {
            let whole = start.iter().rposition(|byte| byte & 0xC0 != 0x80).unwrap_or(start.len());
            start.get(..whole).unwrap_or(start)
        }
    }
}

/// Bytes of a message that come from a template or a value.
pub(crate) const LONGEST: usize = 16 << 10;

/// The text in double quotes, with everything escaped that does not print.
pub(crate) fn go_quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for (offset, character, _) in chars(bytes) {
        match character {
            Some('"') => quoted.push_str("\\\""),
            Some(character) => push_escaped(&mut quoted, character, false),
            None => push_hex_byte(&mut quoted, bytes.get(offset).copied().unwrap_or(0)),
        }
    }
    quoted.push('"');
    quoted
}

pub(crate) fn push_hex_byte(out: &mut String, byte: u8) {
    out.push_str(&format!("\\x{byte:02x}"));
}

/// One character of a quoted text; quotation marks are the caller's.
pub(crate) fn push_escaped(out: &mut String, character: char, ascii_only: bool) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0C' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0B' => out.push_str("\\v"),
        _ if is_printable(character) && (character.is_ascii() || !ascii_only) => out.push(character),
        _ => match u32::from(character) {
            code @ 0..0x20 | code @ 0x7F => out.push_str(&format!("\\x{code:02x}")),
            code @ ..0x10000 => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        },
    }
}
