//! The forms of Unicode that text files have: UTF-8 with and without a mark, and the UTF-16 that Windows PowerShell writes.

use std::borrow::Cow;

/// Bytes that are no text in a form that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodingError {
    #[error("is UTF-16 that is cut off or damaged")]
    Damaged,
    #[error("is UTF-32")]
    Utf32,
    /// Binary, or UTF-16 without a mark whose byte order does not show.
    #[error("has NUL bytes: it is binary, or UTF-16 without its mark (BOM)")]
    Nul,
    #[error("is UTF-16 without its mark (BOM)")]
    Unmarked,
}

impl EncodingError {
    /// What to try.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Utf32 => "save it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE",
            _ => "save it as UTF-8; in PowerShell: … | Out-File -Encoding ascii FILE",
        }
    }
}

/// UTF-8 without its mark, from any form that can be told. Where no mark says which one it is, the first two characters do.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, [u8]>, EncodingError> {
    if is_unmarked_utf32(bytes) {
        return Err(EncodingError::Utf32);
    }
    let text = match unmarked(bytes) {
        Some(order) => utf16(bytes, order)?,
        None => marked(bytes)?,
    };
    if text.contains(&0) { Err(EncodingError::Nul) } else { Ok(text) }
}

/// UTF-8 from what has a mark; all else as it is.
pub(crate) fn marked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, EncodingError> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(EncodingError::Utf32),
        [0xff, 0xfe, rest @ ..] => utf16(rest, Order::Little),
        [0xfe, 0xff, rest @ ..] => utf16(rest, Order::Big),
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(Cow::Borrowed(rest)),
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

/// Whether bytes begin with a mark of Unicode.
pub(crate) fn has_mark(bytes: &[u8]) -> bool {
    [UTF_8_MARK, b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark))
}

/// The same for documents, which a reader must not take for others than they are: UTF-16 without a mark is refused.
pub(crate) fn document(bytes: &[u8]) -> Result<Cow<'_, [u8]>, EncodingError> {
    match bytes {
        _ if is_unmarked_utf32(bytes) => Err(EncodingError::Utf32),
        _ if unmarked(bytes).is_some() => Err(EncodingError::Unmarked),
        _ => marked(bytes),
    }
}

/// Two letters of ASCII, four bytes each.
fn is_unmarked_utf32(bytes: &[u8]) -> bool {
    matches!(bytes, [1..=127, 0, 0, 0, 1..=127, 0, 0, 0, ..] | [0, 0, 0, 1..=127, 0, 0, 0, 1..=127, ..])
}

/// The form of a text, as its mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// UTF-8; a mark stands in the text.
    Utf8,
    Utf16(Order),
}

impl Form {
    /// The form of a document that is a text.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xff, 0xfe, ..] => Self::Utf16(Order::Little),
            [0xfe, 0xff, ..] => Self::Utf16(Order::Big),
            _ => Self::Utf8,
        }
    }

    /// The text of bytes in this form.
    pub(crate) fn decoded(self, bytes: &[u8]) -> Result<Option<String>, EncodingError> {
        let text = document(bytes)?;
        let whole = if self == Self::Utf8 { Cow::Borrowed(bytes) } else { text };
        Ok(String::from_utf8(whole.into_owned()).ok())
    }

    /// The bytes of a text in this form, with their mark.
    pub(crate) fn encoded(self, text: &str) -> Cow<'_, [u8]> {
        let Self::Utf16(order) = self else { return Cow::Borrowed(text.as_bytes()) };
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        Cow::Owned(match order {
            Order::Little => units.flat_map(u16::to_le_bytes).collect(),
            Order::Big => units.flat_map(u16::to_be_bytes).collect(),
        })
    }
}

/// Which byte of a pair comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// The order of UTF-16 without a mark: the text files that are read here begin in ASCII.
fn unmarked(bytes: &[u8]) -> Option<Order> {
    match bytes {
        [1..=255, 0, 1..=255, 0, ..] | [1..=255, 0] => Some(Order::Little),
        [0, 1..=255, 0, 1..=255, ..] | [0, 1..=255] => Some(Order::Big),
        _ => None,
    }
}

fn utf16(bytes: &[u8], order: Order) -> Result<Cow<'_, [u8]>, EncodingError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(EncodingError::Damaged);
    }
    let units = pairs.iter().map(|pair| match order {
        Order::Little => u16::from_le_bytes(*pair),
        Order::Big => u16::from_be_bytes(*pair),
    });
    // Room for all of it: a text that moves leaves copies of a key behind.
    let mut text = String::with_capacity(bytes.len() / 2 * 3);
    for letter in char::decode_utf16(units) {
        text.push(letter.map_err(|_| EncodingError::Damaged)?);
    }
    Ok(Cow::Owned(text.into_bytes()))
}

/// What to try with a text in a form of one byte a letter.
pub(crate) const NO_UTF_8: &str = "save it as UTF-8; from the letters of Windows: iconv -f WINDOWS-1252 -t UTF-8 FILE";
/// How UTF-8 begins that has a mark.
pub(crate) const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, order: Order) -> Vec<u8> {
        let bytes = |unit: u16| if order == Order::Little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_form_of_a_text_reads_the_same() {
        for written in ["-----BEGIN CERTIFICATE-----\r\n", "k: \u{e4}\u{1f600}\n", "a", ""] {
            let plain = written.as_bytes();
            assert_eq!(text(plain).as_deref(), Ok(plain));
            assert_eq!(text(&[UTF_8_MARK, plain].concat()).as_deref(), Ok(plain));
            for (order, mark) in [(Order::Little, b"\xff\xfe"), (Order::Big, b"\xfe\xff")] {
                let wide = wide(written, order);
                let with_mark = [&mark[..], &wide].concat();
                assert_eq!(text(&with_mark).as_deref(), Ok(plain), "{written:?} {order:?}");
                assert_eq!(document(&with_mark).as_deref(), Ok(plain), "{written:?} {order:?}");
                let form = Form::of(&with_mark);
                assert_eq!(form.decoded(&with_mark), Ok(Some(written.to_owned())), "{written:?} {order:?}");
                assert_eq!(&*form.encoded(written), with_mark, "{written:?} {order:?}");
                assert_eq!(text(&wide).as_deref(), Ok(plain), "{written:?} {order:?}");
                assert_eq!(document(&wide).is_err(), !written.is_empty(), "{written:?} {order:?}");
            }
        }
    }

    #[test]
    fn what_is_no_text_says_so() {
        for (bytes, error) in [
            (&b"\xff\xfea"[..], EncodingError::Damaged),
            (b"\xff\xfe\0\xd8a\0", EncodingError::Damaged),
            (b"\xff\xfe\0\0a\0\0\0", EncodingError::Utf32),
            (b"\0\0\xfe\xff\0\0\0a", EncodingError::Utf32),
            (b"a\0\0\0b\0\0\0", EncodingError::Utf32),
            (b"\0\0\0a\0\0\0b", EncodingError::Utf32),
            (b"a\0\0\0", EncodingError::Nul),
            (b"ab\0", EncodingError::Nul),
            // The first letters are no ASCII, and the line end is.
            (b"\x2d\x4e\x87\x65\n\0", EncodingError::Nul),
            (b"a\0b\0c", EncodingError::Damaged),
        ] {
            assert_eq!(text(bytes), Err(error), "{bytes:?}");
        }
    }
}
