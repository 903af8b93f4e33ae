//! Escapes bytes of the parts of a URL as `%41` (`net/url`).

use std::fmt::Write as _;

use crate::template::value::quote::go_quote;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

impl Part {
    fn keeps(self, byte: u8) -> bool {
        let marks: &[u8] = match self {
            Self::Path => b"$&+,/:;=@",
            Self::Host | Self::Zone => b"!$&'()*+,;=:[]<>\"",
            Self::User => b"$&+,;=",
            Self::Fragment => b"$&+,/:;=?@!()*",
        };
        byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || marks.contains(&byte)
    }
}

pub(super) fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut result = String::new();
    for byte in text {
        if part.keeps(*byte) {
            result.push(char::from(*byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(result, "%{byte:02X}");
        }
    }
    result.into_bytes()
}

pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            if matches!(part, Part::Host | Part::Zone) && first.is_ascii() && !part.keeps(*first) {
                return Err(format!("invalid character {} in host name", go_quote(&[*first])));
            }
            result.push(*first);
            rest = after;
            continue;
        }
        let written = rest.get(..3).unwrap_or(rest);
        let byte = hexadecimal(written).filter(|byte| allowed(*byte, part));
        let Some(byte) = byte else {
            return Err(format!("invalid URL escape {}", go_quote(written)));
        };
        result.push(byte);
        rest = rest.get(3..).unwrap_or_default();
    }
    Ok(result)
}

fn hexadecimal(written: &[u8]) -> Option<u8> {
    let digits = written.get(1..3)?;
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(text, 16).ok()
}

/// In a host only what is not ASCII may be escaped, and the percent sign itself.
fn allowed(byte: u8, part: Part) -> bool {
    match part {
        Part::Host => !byte.is_ascii() || byte == b'%',
        Part::Zone => matches!(byte, b'%' | b' ') || Part::Host.keeps(byte),
        _ => true,
    }
}
