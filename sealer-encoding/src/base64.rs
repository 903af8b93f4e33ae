//! Standard base64 as Go reads and writes it: line breaks ignored, padding required, trailing bits accepted.

use ::base64::Engine as _;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Text that is no base64; names the first offending byte as Go does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {offset}")]
pub struct Base64Error {
    /// Offset of the offending byte in the text, line breaks counted.
    pub offset: usize,
}

/// Decodes standard base64.
///
/// # Errors
/// The offset of the first byte that does not belong.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Base64Error> {
    let text = text.as_ref();
    let decoded = if text.iter().any(|byte| is_line_break(*byte)) {
        let joined: Vec<u8> = text.iter().copied().filter(|byte| !is_line_break(*byte)).collect();
        LENIENT.decode(joined)
    } else {
        LENIENT.decode(text)
    };
    decoded.map_err(|_| Base64Error { offset: offending_byte(text) })
}

/// Encodes to padded standard base64 on one line.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    LENIENT.encode(bytes)
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Where Go's decoder would stop in a text that does not decode: groups of four, `=` only as their end.
fn offending_byte(text: &[u8]) -> usize {
    let mut filled = 0;
    let mut bytes = text.iter().enumerate().filter(|(_, byte)| !is_line_break(**byte));
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'=' if filled < 2 => return at,
            b'=' => {
                if filled == 2 {
                    match bytes.next() {
                        None => return text.len(),
                        Some((_, b'=')) => {}
                        // Go names the byte before the one that should have been the second `=`.
                        Some((next, _)) => return next - 1,
                    }
                }
                return bytes.next().map_or(text.len(), |(next, _)| next);
            }
            _ if is_alphabet(*byte) => filled = (filled + 1) % 4,
            _ => return at,
        }
    }
    text.len() - filled
}

fn is_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

#[cfg(test)]
mod tests {
    use super::*;

    /// T-C7.
    #[test]
    fn reads_what_go_reads() {
        for (text, value) in
            [("", &b""[..]), ("Zm9v", b"foo"), ("Zm\n9v\r\n", b"foo"), ("Zm9vYg==", b"foob"), ("Zm9vYh==", b"foob")]
        {
            assert_eq!(decode(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn names_the_byte_go_names() {
        for (text, offset) in [
            ("Zm9", 0),
            ("Zm9vY", 4),
            ("Zm9v Zm9v", 4),
            ("=", 0),
            ("Zg=", 3),
            ("Zg=x", 2),
            ("Zg==Zg==", 4),
            ("Zm9v\nZ", 5),
            ("not base64!", 3),
            ("Zm9-", 3),
            ("Zm8=x", 4),
            ("Zm\n9", 1),
            ("Z\ng\n=", 5),
            ("Z+/v!", 4),
            ("+/+/~", 4),
        ] {
            assert_eq!(decode(text), Err(Base64Error { offset }), "{text:?}");
        }
    }
}
