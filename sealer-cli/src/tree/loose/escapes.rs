//! Characters that languages escape: of JSON and YAML (`\u002B`, `\x2B`), shells (`\+`, `\053`), addresses (`%2B`) and HTML
//! (`&#43;`), also escaped again by a text around.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

/// A text without escapes, and where its bytes stand in the one that it was made of.
pub(super) struct Plain {
    pub(super) text: Vec<u8>,
    /// Behind each escape: the place in this text, and in the other.
    places: Vec<(usize, usize)>,
}

impl Plain {
    /// Nothing of a text without any escape that matters.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let escape = ESCAPE.as_ref()?;
        let mut plain = Self { text: Vec::new(), places: Vec::new() };
        let mut end = 0;
        for found in escape.captures_iter(text) {
            let Some((whole, byte)) = found.get(0).zip(meant(&found)) else { continue };
            plain.text.extend_from_slice(text.get(end..whole.start()).unwrap_or_default());
            plain.text.push(byte);
            end = whole.end();
            plain.places.push((plain.text.len(), end));
        }
        plain.text.extend_from_slice(text.get(end..).unwrap_or_default());
        (!plain.places.is_empty()).then_some(plain)
    }

    /// Where some of its bytes stand in the other text.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        self.place(range.start)..self.place(range.end)
    }

    fn place(&self, at: usize) -> usize {
        let before = self.places.partition_point(|(place, _)| *place <= at);
        let last = before.checked_sub(1).and_then(|number| self.places.get(number));
        last.map_or(at, |(place, source)| source + (at - place))
    }
}

/// The character that an escape stands for, if it is one of ASCII.
fn meant(found: &Captures<'_>) -> Option<u8> {
    let part = |name: &str| std::str::from_utf8(found.name(name)?.as_bytes()).ok();
    let number = |name: &str, base: u32| part(name).map(|digits| u32::from_str_radix(digits, base));
    let code =
        [number("percent", 16), number("hex", 16), number("octal", 8), number("html", 10), number("htmlhex", 16)];
    if let Some(code) = code.into_iter().flatten().next() {
        return u8::try_from(code.ok()?).ok().filter(u8::is_ascii);
    }
    if let Some(name) = part("named") {
        return [("plus", b'+'), ("sol", b'/'), ("equals", b'=')]
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|it| it.1);
    }
    match part("plain")? {
        "n" => Some(b'\n'),
        "r" => Some(b'\r'),
        "t" => Some(b'\t'),
        other => other.bytes().next(),
    }
}

/// All of them. What is escaped several times has several backslashes, `%25` or `&amp;`.
static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let backslash = r#"\\+(?:(?:x|u00|U000000)(?P<hex>[0-9A-Fa-f]{2})|0?(?P<octal>[01][0-7]{2}|[4-7][0-7])|(?P<plain>[nrt+/=:"'-]))"#;
    let percent = "%(?:25)*(?P<percent>[0-9A-Fa-f]{2})";
    let html = r"&(?:amp;)*(?:#0*(?P<html>[0-9]{2,3})|#[xX]0*(?P<htmlhex>[0-9A-Fa-f]{2})|(?P<named>plus|sol|equals));";
    Regex::new(&format!("(?-u)(?:{backslash}|{percent}|{html})")).ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_languages_write_them() {
        for (text, meant) in [
            (r"a\u002Bb\u002fc", "a+b/c"),
            (r"a\\\\u002bb", "a+b"),
            (r"a\x2Bb\x2f\U0000002B", "a+b/+"),
            (r"a\053b\57c\+d\/e\=", "a+b/c+d/e="),
            (r"a\nb\\nc", "a\nb\nc"),
            ("a%2Bb%2fc%3D%252B", "a+b/c=+"),
            ("a&#43;b&#x2F;c&plus;d&sol;e&equals;&amp;#43;", "a+b/c+d/e=+"),
        ] {
            let plain = Plain::of(text.as_bytes()).map(|plain| plain.text).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&plain), meant, "{text}");
        }
        for text in ["", "a b", r"\u00e4 \q \", "100% of &nbsp; &amp; %zz", "&#8364;"] {
            assert!(Plain::of(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = b"%41b\\u002Bc d";
        let plain = Plain::of(text).map(|plain| (plain.source(&(1..2)), plain.source(&(3..6)), plain.source(&(0..1))));
        assert_eq!(plain, Some((3..4, 10..13, 0..3)));
    }
}
