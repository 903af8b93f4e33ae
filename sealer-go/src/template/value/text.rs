//! Strings of Go, which are bytes and only mostly UTF-8 (`strings`, `unicode/utf8`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use zeroize::Zeroizing;

/// A string's bytes, shared, and wiped when the last holder is gone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(Rc<Zeroizing<Vec<u8>>>);

/// The key of a map.
pub(crate) type Key = Text;

impl Text {
    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        if Rc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.as_slice().cmp(other.0.as_slice()) }
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::borrow::Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Rc::new(Zeroizing::new(bytes)))
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

/// The character at the beginning of `bytes` and its length; a byte that begins none is `None` of length 1.
pub(crate) fn rune_at(bytes: &[u8]) -> Option<(Option<char>, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((Some(char::from(first)), 1));
    }
    let width = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some((None, 1)),
    };
    let valid = bytes.get(..width).and_then(|part| std::str::from_utf8(part).ok());
    Some(match valid.and_then(|part| part.chars().next()) {
        Some(character) => (Some(character), width),
        None => (None, 1),
    })
}

/// The text with U+FFFD for each byte that is no character, as Go shows it.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => chars(bytes).map(|(_, character, _)| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
    }
}

/// All characters with their offsets and lengths, as Go's `range` gives them.
pub(crate) fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, Option<char>, usize)> + '_ {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let (character, width) = rune_at(bytes.get(offset..)?)?;
        let start = offset;
        offset += width;
        Some((start, character, width))
    })
}

/// The bytes in parts that are looked through at once. No character is in two of them.
pub(crate) fn blocks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let begins = |at: &usize| rest.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
        // Where no character begins in four bytes, these bytes are no characters.
        let end =
            if rest.len() <= BLOCK { rest.len() } else { (BLOCK - 3..=BLOCK).rev().find(begins).unwrap_or(BLOCK) };
        let (block, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(block)
    })
}

const BLOCK: usize = 8 << 10;

/// Go's simple upper case: one character for one.
pub(crate) fn to_upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => if_known(upper, character),
        _ => greek_title(character),
    }
}

pub(crate) fn to_lower(character: char) -> char {
    let mut mapped = character.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(lower), None) => if_known(lower, character),
        _ if character == '\u{130}' => 'i',
        _ => character,
    }
}

/// The other case of a character, where Go's tables have it.
fn if_known(mapped: char, character: char) -> char {
    let known = |character: char| character.is_ascii() || in_class(&KNOWN, character);
    if mapped != character && known(mapped) && known(character) { mapped } else { character }
}

pub(crate) fn to_title(character: char) -> char {
    match u32::from(character) {
        0x1C4..=0x1C6 => '\u{1C5}',
        0x1C7..=0x1C9 => '\u{1C8}',
        0x1CA..=0x1CC => '\u{1CB}',
        0x1F1..=0x1F3 => '\u{1F2}',
        0x10D0..=0x10FA | 0x10FD..=0x10FF => character,
        _ => to_upper(character),
    }
}

/// Upper case of Greek letters with iota, which has one character only in the simple mapping.
fn greek_title(character: char) -> char {
    let code = u32::from(character);
    let mapped = match code {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => code + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => code + 9,
        _ => code,
    };
    char::from_u32(mapped).unwrap_or(character)
}

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols and the plain space.
pub(crate) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return (' '..='~').contains(&character);
    }
    in_class(&PRINTABLE, character)
}

/// Whether the character is a capital: the category alone counts, no Roman number and no letter in a circle.
pub(crate) fn is_upper(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_uppercase() } else { in_class(&UPPER, character) }
}

/// Whether the character is a small letter by its category.
pub(crate) fn is_lower(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_lowercase() } else { in_class(&LOWER, character) }
}

/// Whether the character is one of two letters, the first of them a capital.
pub(crate) fn is_title(character: char) -> bool {
    !character.is_ascii() && in_class(&TITLE, character)
}

pub(crate) fn is_letter(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphabetic() } else { in_class(&LETTERS, character) }
}

/// Whether the character is a number of any kind.
pub(crate) fn is_number(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_digit() } else { in_class(&NUMBERS, character) }
}

/// Whether the character is punctuation of any kind.
pub(crate) fn is_punctuation(character: char) -> bool {
    in_class(&PUNCTUATION, character)
}

/// Whether the character is a decimal digit of any script.
pub(crate) fn is_digit(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_digit() } else { in_class(&DIGITS, character) }
}

fn in_class(class: &ClassUnicode, character: char) -> bool {
    let ranges = class.ranges();
    let index = ranges.partition_point(|range| range.end() < character);
    ranges.get(index).is_some_and(|range| range.start() <= character)
}

/// The characters that a regular expression of one class matches.
pub(crate) fn unicode_class(pattern: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(pattern).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

/// The characters of a class in the version of Unicode that Go knows.
pub(crate) fn known_class(pattern: &str) -> Option<ClassUnicode> {
    let class = unicode_class(pattern)?;
    let unassigned = in_class(&class, UNASSIGNED);
    let (mut known, unknown) = by_knowledge(class);
    if unassigned {
        known.union(&unknown);
        let mut all = KNOWN.clone();
        all.negate();
        known.union(&all);
    }
    Some(known)
}

/// The characters of a class with their other cases, as far as Go knows them.
pub(crate) fn fold_known(class: ClassUnicode) -> ClassUnicode {
    if let [range] = class.ranges()
        && range.start() == range.end()
    {
        return fold_character(range.start());
    }
    let (mut known, unknown) = by_knowledge(class);
    known.case_fold_simple();
    known.intersect(&KNOWN);
    known.union(&unknown);
    known
}

/// One character with its other cases: what most classes are made of.
fn fold_character(character: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
    let known = |character: char| character.is_ascii() || in_class(&KNOWN, character);
    if !known(character) {
        return class;
    }
    class.case_fold_simple();
    let cases = class.iter().flat_map(|range| range.start()..=range.end()).filter(|case| known(*case));
    ClassUnicode::new(cases.map(|case| ClassUnicodeRange::new(case, case)))
}

/// The characters that Go knows, and the others.
fn by_knowledge(class: ClassUnicode) -> (ClassUnicode, ClassUnicode) {
    let mut unknown = class.clone();
    unknown.difference(&KNOWN);
    let mut known = class;
    known.intersect(&KNOWN);
    (known, unknown)
}

/// A code that no version of Unicode has given to a character.
const UNASSIGNED: char = '\u{378}';

fn table(pattern: &str) -> ClassUnicode {
    known_class(pattern).unwrap_or_else(ClassUnicode::empty)
}

/// What Unicode 15 assigned: Go's tables are of that version, those at hand are newer.
static KNOWN: LazyLock<ClassUnicode> =
    LazyLock::new(|| unicode_class(r"\p{age=15.0}").unwrap_or_else(ClassUnicode::empty));
static PRINTABLE: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]"));
static PUNCTUATION: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{P}"));
static DIGITS: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{Nd}"));
static NUMBERS: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{N}"));
static UPPER: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{Lu}"));
static LOWER: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{Ll}"));
static TITLE: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{Lt}"));
static LETTERS: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{L}"));
