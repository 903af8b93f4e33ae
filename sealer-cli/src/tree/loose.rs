//! Sealed values anywhere in a text, found by their form: base64 of an envelope (docs/format.md). `sealer --raw` makes
//! them, and they stand in values of charts, templates, scripts and settings.

mod all;
mod armor;
mod escapes;
mod inside;
mod likely;
mod place;

use std::ops::Range;

use sealer_core::SealedValue;
use sealer_encoding::base64;

pub(crate) use all::{All, find_all};
use armor::Armor;
pub(crate) use inside::inside;
pub(crate) use likely::{has_no_structure, is_likely, is_of_common_size};
pub(crate) use place::Place;

/// A sealed value that stands in a text by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LooseValue {
    /// Counted from 1.
    pub(crate) line: usize,
    /// On one line and padded, however it is written.
    pub(crate) value: String,
    /// The names that lead to it, as far as they can be told.
    pub(crate) place: Place,
    /// Its bytes, from the first to the last line of it.
    range: Range<usize>,
    layout: Layout,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    OneLine,
    /// On lines of this length, with these bytes between the first two.
    Wrapped(usize, Range<usize>),
    /// Without its padding, which may stand there in another form.
    Unpadded,
    /// With characters of base64 that a language escapes.
    Escaped,
    /// It begins like a sealed value, and no whole one can be read: it is cut off, or put together of parts.
    InPart,
    /// In a text that stands there in base64, or is compressed.
    Inside,
}

/// Finds those that stand in a text as they are, except for those in the ranges that are known already.
pub(crate) fn find(text: &[u8], known: &[Range<usize>]) -> Vec<LooseValue> {
    let mut found = Vec::new();
    let (mut at, mut lines, mut armor) = (0, Lines::default(), Armor::default());
    while let Some(run) = next_run(text, at) {
        at = run.end;
        if known.iter().any(|range| range.contains(&run.start)) {
            continue;
        }
        for token in tokens(text, run).into_iter().map(|token| behind_slash(text, token)) {
            let Some(least) = least(&clean(text, &head(&token))) else { continue };
            let written = clean(text, &token);
            let value = if written.len() >= least {
                alone(text, &token, &written).or_else(|| in_part(text, &token, written, least))
            } else if armor.holds(text, token.start) {
                None
            } else {
                wrapped(text, &block(text, &token, least), least).or_else(|| in_part(text, &token, written, least))
            };
            if let Some((value, range, layout)) = value {
                at = at.max(range.end);
                let place = Place::default();
                found.push(LooseValue { line: lines.at(text, range.start), value, place, range, layout });
            }
        }
    }
    found
}

/// The text with new values in the place of old ones, each written as the old one was. Nothing if that cannot be done without
/// changing more.
pub(crate) fn rewritten(text: &[u8], new: &[(&LooseValue, &str)]) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(text.len());
    let mut end = 0;
    for (old, value) in new {
        result.extend_from_slice(text.get(end..old.range.start)?);
        match &old.layout {
            Layout::OneLine => result.extend_from_slice(value.as_bytes()),
            Layout::Wrapped(width, between) => {
                let between = text.get(between.clone())?;
                let lines: Vec<&[u8]> = value.as_bytes().chunks((*width).max(1)).collect();
                result.extend_from_slice(&lines.join(between));
            }
            Layout::Unpadded | Layout::Escaped | Layout::InPart | Layout::Inside => return None,
        }
        end = old.range.end;
    }
    result.extend_from_slice(text.get(end..)?);
    // The proof: the new text reads as the old one with the new values.
    let wanted = find(text, &[]).into_iter().map(|found| {
        let replaced = new.iter().find(|(old, _)| old.range == found.range);
        replaced.map_or(found.value, |(_, value)| (*value).to_owned())
    });
    find(&result, &[]).into_iter().map(|found| found.value).eq(wanted).then_some(result)
}

impl LooseValue {
    /// Why its bytes cannot be replaced, where they cannot.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        match self.layout {
            Layout::OneLine | Layout::Wrapped(..) => None,
            Layout::Unpadded => Some(UNPADDED),
            Layout::Escaped => Some(ESCAPED),
            Layout::InPart => Some(IN_PART),
            Layout::Inside => Some(INSIDE),
        }
    }

    /// Where its first byte stands.
    pub(super) fn start(&self) -> usize {
        self.range.start
    }

    /// Whether it only begins like a sealed value: its value is that beginning, filled up.
    pub(crate) fn is_in_part(&self) -> bool {
        self.layout == Layout::InPart
    }
}

type Written = (String, Range<usize>, Layout);

/// A value on one line.
fn alone(text: &[u8], token: &Range<usize>, written: &str) -> Option<Written> {
    let padding = padding(text, token.end);
    let (value, is_whole) = padded(written.to_owned(), padding)?;
    let layout = if is_whole { Layout::OneLine } else { Layout::Unpadded };
    let layout = if layout == Layout::OneLine && has_escapes(text, token) { Layout::Escaped } else { layout };
    Some((value, token.start..token.end + padding, layout))
}

/// A value on several lines, if that is what they hold, without the lines at their end that do not fit.
fn wrapped(text: &[u8], pieces: &[Range<usize>], least: usize) -> Option<Written> {
    let (first, second) = (pieces.first()?, pieces.get(1)?);
    let mut written = String::new();
    let mut lengths = Vec::new();
    for piece in pieces {
        written.push_str(&clean(text, piece));
        lengths.push(written.len());
    }
    let fits = |number: &usize| {
        let length = number.checked_sub(1).and_then(|last| lengths.get(last)).copied().unwrap_or_default();
        length >= least && length % 4 != 1
    };
    // The word that ends a text in a script is no line of it.
    let before_word = pieces.last().filter(|last| is_word(text, last)).map(|_| pieces.len() - 1);
    let before_word = before_word.filter(|number| lengths.get(number - 1).is_some_and(|length| length % 4 == 0));
    let number = before_word.into_iter().chain((1..=pieces.len()).rev()).find(fits)?;
    let last = pieces.get(number - 1)?;
    written.truncate(*lengths.get(number - 1)?);
    let padding = padding(text, last.end);
    let (value, is_whole) = padded(written, padding)?;
    let layout = match is_whole {
        true if has_escapes(text, first) => Layout::Escaped,
        true => Layout::Wrapped(first.len(), first.end..second.start),
        false => Layout::Unpadded,
    };
    Some((value, first.start..last.end + padding, layout))
}

/// What begins like a sealed value, and is none that can be read: its beginning, filled up to the least that one takes.
fn in_part(text: &[u8], token: &Range<usize>, written: String, least: usize) -> Option<Written> {
    let padding = padding(text, token.end);
    // What is whole by itself, such as the base64 of a hash, is that.
    if padding > 0 && (written.len() + padding).is_multiple_of(4) && written.len() < least {
        return None;
    }
    let mut value = written;
    value.truncate(value.len() / 4 * 4);
    value.extend(std::iter::repeat_n('A', least.next_multiple_of(4).saturating_sub(value.len())));
    let sealed = SealedValue::from_base64(&value).ok()?;
    is_likely(&sealed).then(|| (value, token.start..token.end + padding, Layout::InPart))
}

/// Base64 with as much padding as it takes, and whether it was written so. Nothing for what no padding makes base64.
fn padded(mut written: String, padding: usize) -> Option<(String, bool)> {
    let wanted = written.len().wrapping_neg() % 4;
    (wanted < 3).then(|| {
        written.push_str("==".get(..wanted).unwrap_or_default());
        (written, wanted == padding)
    })
}

fn padding(text: &[u8], at: usize) -> usize {
    text.iter().skip(at).take(2).take_while(|byte| **byte == b'=').count()
}

/// Characters that a sealed value takes at least which begins so; nothing for what is none. The first two bytes are the
/// length of the wrapped key, so that the first character is `A`, or `B` for the longest keys.
fn least(text: &str) -> Option<usize> {
    let first = text.get(..4).filter(|first| first.starts_with(['A', 'B']))?;
    let bytes = base64::decode(first).ok()?;
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    KEYS.contains(&length).then(|| ((LENGTH_FIELD + length + TAG) * 4).div_ceil(3))
}

/// The next run of characters that a piece of a value may consist of, at least as long as the shortest. Only one byte in so
/// many is looked at where there is none.
fn next_run(text: &[u8], from: usize) -> Option<Range<usize>> {
    let is_inside = |byte: &u8| is_base64(*byte) || *byte == b'\\';
    let mut probe = from + SHORTEST_PIECE - 1;
    while let Some(byte) = text.get(probe) {
        if !is_inside(byte) {
            probe += SHORTEST_PIECE;
            continue;
        }
        let before = text.get(from..probe).unwrap_or_default().iter().rev().take_while(|byte| is_inside(byte)).count();
        let after = text.get(probe..).unwrap_or_default().iter().take_while(|byte| is_inside(byte)).count();
        if before + after >= SHORTEST_PIECE {
            return Some(probe - before..probe + after);
        }
        probe += after + SHORTEST_PIECE;
    }
    None
}

/// The parts of a run between escapes: a text in quotes may have `\n` ahead of a value, and `\/` or `\u002B` in it.
fn tokens(text: &[u8], run: Range<usize>) -> Vec<Range<usize>> {
    let at = |place: usize| text.get(place).copied().unwrap_or_default();
    let mut tokens = Vec::new();
    let mut start = run.start;
    for place in run.clone().filter(|place| at(*place) == b'\\' && at(place + 1) != b'/') {
        if escaped(text, place).is_some() {
            continue;
        }
        tokens.push(start..place);
        // The letters of the escape belong to it.
        let letters = match at(place + 1) {
            b'n' | b't' | b'r' | b'b' | b'f' => 1,
            b'u' if (2..6).all(|digit| at(place + digit).is_ascii_hexdigit()) => 5,
            _ => 0,
        };
        start = (place + 1 + letters).min(run.end);
    }
    tokens.push(start..run.end);
    tokens.retain(|token| token.len() >= SHORTEST_PIECE);
    tokens
}

/// The value alone where a path or the word of a command (`s/WORD/VALUE/`) stands ahead of it: a slash is of base64, too.
fn behind_slash(text: &[u8], token: Range<usize>) -> Range<usize> {
    let written = text.get(token.clone()).unwrap_or_default();
    let is_value = |at: &usize| {
        let rest = written.get(*at..).and_then(|rest| std::str::from_utf8(rest).ok()).unwrap_or_default();
        let common = rest.get(..4).and_then(|first| base64::decode(first).ok());
        let common = common.and_then(|bytes| Some(u16::from_be_bytes(*bytes.first_chunk()?)));
        COMMON_KEYS.iter().any(|size| common == Some(*size)) && least(rest).is_some_and(|least| rest.len() >= least)
    };
    if least(std::str::from_utf8(written).unwrap_or_default()).is_some() {
        return token;
    }
    let slashes = written.iter().take(LONGEST_AHEAD).enumerate().filter(|(_, byte)| **byte == b'/');
    let start = slashes.map(|(at, _)| at + 1).find(is_value).unwrap_or_default();
    token.start + start..token.end
}

/// The character of base64 that an escape of JSON stands for, which begins there.
fn escaped(text: &[u8], place: usize) -> Option<char> {
    let digits = text.get(place..)?.strip_prefix(b"\\u00")?.first_chunk::<2>()?.to_ascii_uppercase();
    match digits.as_slice() {
        b"2B" => Some('+'),
        b"2F" => Some('/'),
        _ => None,
    }
}

fn has_escapes(text: &[u8], token: &Range<usize>) -> bool {
    token.clone().any(|place| escaped(text, place).is_some())
}

/// What holds the first four characters that a token stands for.
fn head(token: &Range<usize>) -> Range<usize> {
    token.start..token.end.min(token.start + 4 * ESCAPE)
}

/// What a token stands for.
fn clean(text: &[u8], token: &Range<usize>) -> String {
    let mut written = String::with_capacity(token.len());
    let mut place = token.start;
    while let Some(byte) = text.get(place).filter(|_| place < token.end) {
        let escaped = escaped(text, place);
        written.extend(escaped.or_else(|| Some(char::from(*byte)).filter(|_| *byte != b'\\')));
        place += if escaped.is_some() { ESCAPE } else { 1 };
    }
    written
}

/// A token at the end of its line, and the lines behind it that consist of such characters alone: up to one that is shorter,
/// as soon as there is enough for a value.
fn block(text: &[u8], token: &Range<usize>, least: usize) -> Vec<Range<usize>> {
    let mut pieces = vec![token.clone()];
    let (mut end, mut length) = (token.end, token.len());
    while let Some(next) = line_end(text, end).and_then(|at| piece(text, at)) {
        end = next.end;
        length += next.len();
        pieces.push(next);
        if length >= least && ends_short(&pieces) {
            break;
        }
    }
    pieces
}

/// Whether the last line is shorter than the full ones. The first may be of another length, behind the name of the value.
fn ends_short(pieces: &[Range<usize>]) -> bool {
    let full = match (pieces.get(1), pieces.get(2)) {
        (Some(second), Some(third)) if second.len() == third.len() => Some(second),
        _ => pieces.first(),
    };
    pieces.last().zip(full).is_some_and(|(last, full)| last.len() < full.len())
}

/// Whether it is the word that ends a text in a script: `EOF`, or another in capitals.
fn is_word(text: &[u8], piece: &Range<usize>) -> bool {
    let written = text.get(piece.clone()).unwrap_or_default();
    written.len() > 2 && written.iter().all(u8::is_ascii_uppercase) && padding(text, piece.end) == 0
}

/// The beginning of the next line, if nothing is left of this one but white space, or what takes the end of the line away.
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let goes_on = usize::from(rest.first() == Some(&b'\\'));
    let blank = rest.iter().skip(goes_on).take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count() + goes_on;
    (rest.get(blank) == Some(&b'\n')).then_some(at + blank + 1)
}

/// What a line consists of, if that is a piece of a value, perhaps its last one.
fn piece(text: &[u8], line: usize) -> Option<Range<usize>> {
    let rest = text.get(line..)?;
    let indent = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = line + indent;
    let length = rest.iter().skip(indent).take_while(|byte| is_base64(**byte)).count();
    let end = start + length;
    let ends = |byte: Option<&u8>| {
        byte.is_none_or(|byte| matches!(byte, b'=' | b'"' | b'\'' | b'`' | b' ' | b'\t' | b'\r' | b'\n' | b'<' | b'\\'))
    };
    (length > 0 && ends(text.get(end))).then_some(start..end)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Numbers of lines, counted on from the last place.
#[derive(Default)]
struct Lines {
    place: usize,
    before: usize,
}

impl Lines {
    fn at(&mut self, text: &[u8], place: usize) -> usize {
        let between = text.get(self.place..place).unwrap_or_default();
        self.before += between.iter().filter(|byte| **byte == b'\n').count();
        self.place = place;
        self.before + 1
    }
}

/// Bytes of wrapped keys: RSA of 1024 to 8192 bits, of which writers may strip zeros.
const KEYS: std::ops::RangeInclusive<usize> = 112..=1024;
/// Those that are made: RSA of 2048, 3072 and 4096 bits.
const COMMON_KEYS: [u16; 3] = [256, 384, 512];
/// Characters that are looked through for a slash ahead of a value.
const LONGEST_AHEAD: usize = 200;
const UNPADDED: &str = "it is written without the `=` at its end; write it as `sealer --raw` prints it";
const ESCAPED: &str = "it is written with escapes, such as `\\u002B` or `%2B`; write it as `sealer --raw` prints it";
const INSIDE: &str =
    "it stands in a text that is written in base64 or compressed; seal that text's source anew, and write it again";
const IN_PART: &str =
    "it begins like a sealed value, and is cut off or put together of parts; write it as `sealer --raw` prints it";
/// Characters of `\u002B`.
const ESCAPE: usize = 6;
const LENGTH_FIELD: usize = 2;
/// Of AES-GCM; an empty value has no more.
const TAG: usize = 16;
/// Base64 is wrapped at 64 or 76 characters where it is; what is shorter is no piece of a value.
const SHORTEST_PIECE: usize = 40;

#[cfg(test)]
mod tests;
