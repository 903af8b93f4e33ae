//! Character classes of regular expressions (`regexp/syntax`).

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::Refusal;
use super::parser::{Parsed, Parser};
use crate::template::costs::FAST;
use crate::template::value::{fold_known, known_class, unicode_class};

impl<'p> Parser<'p, '_, '_> {
    /// `[…]`, from its first bracket on.
    pub(super) fn bracket_class(&mut self) -> Parsed<ClassUnicode> {
        let whole = self.rest;
        self.advance(1);
        let negated = self.rest.starts_with('^');
        if negated {
            self.advance(1);
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            // A class is put in order anew with each part.
            self.budget.steps(class.ranges().len() as u64 / RANGES_PER_STEP)?;
            let part = if let Some(part) = self.named_class()? {
                part
            } else if let Some(part) = self.class_escape()? {
                part
            } else if let Some(range) = self.range(whole)? {
                self.folded(ClassUnicode::new([range]))?
            } else {
                continue;
            };
            self.take(part.ranges().len() * RANGE_SIZE)?;
            class.union(&part);
        }
        self.advance(1);
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// The class with the other cases of its characters, each of which is looked up.
    pub(super) fn folded(&mut self, mut class: ClassUnicode) -> Parsed<ClassUnicode> {
        if self.flags.fold_case {
            let size = |range: &ClassUnicodeRange| u64::from(range.end()) - u64::from(range.start()) + 1;
            let characters: u64 = class.ranges().iter().map(size).sum();
            self.budget.steps(characters / CHARACTERS_PER_STEP)?;
            self.take(FOLDING.min(usize::try_from(characters).unwrap_or(FOLDING) * RANGE_SIZE))?;
            class = fold_known(class);
        }
        Ok(class)
    }

    /// One character, or two with a line between; none for codes that no character has.
    fn range(&mut self, whole: &'p str) -> Parsed<Option<ClassUnicodeRange>> {
        let before = self.rest;
        let low = self.class_character(whole)?;
        let mut high = low;
        if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
            self.advance(1);
            high = self.class_character(whole)?;
            if high < low {
                return Err(Refusal::wrong(RANGE, self.since(before)));
            }
        }
        Ok(low.zip(high).map(|(low, high)| ClassUnicodeRange::new(low, high)))
    }

    fn class_character(&mut self, whole: &str) -> Parsed<Option<char>> {
        let Some(character) = self.rest.chars().next() else {
            return Err(Refusal::wrong("missing closing ]", whole));
        };
        if character == '\\' {
            return self.character_escape();
        }
        self.advance(character.len_utf8());
        Ok(Some(character))
    }

    /// `[:alpha:]` inside of brackets.
    fn named_class(&mut self) -> Parsed<Option<ClassUnicode>> {
        let rest = self.rest;
        if !(rest.len() > 2 && rest.starts_with("[:")) {
            return Ok(None);
        }
        self.budget.read(rest.len(), FAST)?;
        let Some(end) = rest.get(2..).and_then(|inner| inner.find(":]")) else {
            return Ok(None);
        };
        let name = rest.get(..end + 4).unwrap_or(rest);
        let inner = rest.get(2..end + 2).unwrap_or_default();
        let (negated, word) = inner.strip_prefix('^').map_or((false, inner), |word| (true, word));
        let Some((_, ranges)) = POSIX.iter().find(|(known, _)| *known == word) else {
            return Err(Refusal::wrong(RANGE, name));
        };
        self.advance(name.len());
        self.group(ranges, negated).map(Some)
    }

    /// `\d` and its like, and `\pN` and its like.
    pub(super) fn class_escape(&mut self) -> Parsed<Option<ClassUnicode>> {
        let rest = self.rest;
        let Some(letter) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) else {
            return Ok(None);
        };
        let ranges = match letter.to_ascii_lowercase() {
            'p' => return self.unicode_escape(letter == 'P').map(Some),
            'd' => DIGIT,
            's' => SPACE,
            'w' => WORD,
            _ => return Ok(None),
        };
        self.advance(2);
        self.group(ranges, letter.is_ascii_uppercase()).map(Some)
    }

    fn group(&mut self, ranges: &[(char, char)], negated: bool) -> Parsed<ClassUnicode> {
        let ranges = ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high));
        let mut class = self.folded(ClassUnicode::new(ranges))?;
        if negated {
            class.negate();
        }
        Ok(class)
    }

    fn unicode_escape(&mut self, mut negated: bool) -> Parsed<ClassUnicode> {
        let rest = self.rest;
        let name = match rest.get(2..).and_then(|after| after.chars().next()) {
            Some('{') => {
                let Some(end) = rest.find('}') else {
                    return Err(Refusal::wrong(RANGE, rest));
                };
                self.advance(end + 1);
                rest.get(3..end).unwrap_or_default()
            }
            other => {
                self.advance(2 + other.map_or(0, char::len_utf8));
                self.since(rest).get(2..).unwrap_or_default()
            }
        };
        let mut plain = name;
        if let Some(rest) = name.strip_prefix('^') {
            (negated, plain) = (!negated, rest);
        }
        self.budget.steps(TABLE)?;
        let Some(class) = table(plain) else {
            return Err(Refusal::wrong(RANGE, self.since(rest)));
        };
        self.take(class.ranges().len() * RANGE_SIZE)?;
        let mut class = self.folded(class)?;
        if negated {
            class.negate();
        }
        Ok(class)
    }
}

/// The characters of a general category or a script.
fn table(name: &str) -> Option<ClassUnicode> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ')) {
        return None;
    }
    match name.to_ascii_lowercase().as_str() {
        "any" => return unicode_class(r"[\x{0}-\x{10FFFF}]"),
        "ascii" => return unicode_class(r"[\x{0}-\x{7F}]"),
        _ => {}
    }
    known_class(&format!(r"\p{{gc={name}}}")).or_else(|| known_class(&format!(r"\p{{sc={name}}}")))
}

const RANGES_PER_STEP: u64 = 8;
const CHARACTERS_PER_STEP: u64 = 16;
/// What a range of characters takes in a class that grows.
const RANGE_SIZE: usize = 24;
/// What folding all characters takes.
const FOLDING: usize = 192 << 10;
/// Steps that looking up a table of characters takes.
const TABLE: u64 = 200;
const RANGE: &str = "invalid character class range";
const DIGIT: &[(char, char)] = &[('0', '9')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const POSIX: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7F')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1F'), ('\x7F', '\x7F')]),
    ("digit", DIGIT),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];
