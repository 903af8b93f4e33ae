//! Where does a new word begin in `someHTTPName2go`? For snakecase and kebabcase.

use zeroize::Zeroizing;

use super::super::value::{chars, is_letter, is_number, is_punctuation, is_upper, to_lower};
use super::{Outcome, Runtime};

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// No word: nothing, or bytes that are no characters.
    Wrong,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// Words in lower case with `connector` between them.
pub(super) fn separated(runtime: &mut Runtime<'_, '_>, text: &[u8], connector: char) -> Outcome {
    Runtime::short(text)?;
    let mut words = Words { rest: text };
    let mut out = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(2)));
    let (mut sort, mut word) = words.take();
    while !words.rest.is_empty() {
        if sort != Sort::Connector {
            push_lower(&mut out, sort, word, connector);
        }
        let (before, last) = (sort, word);
        (sort, word) = words.take();
        match before {
            Sort::Number => {
                (sort, word) = words.pass(&mut out, (sort, word), connector);
                connect(&mut out, sort, connector);
            }
            Sort::Connector => push_lower(&mut out, before, last, connector),
            Sort::Punctuation => {}
            _ if sort != Sort::Number => connect_any(&mut out, sort, connector),
            _ if words.rest.is_empty() => {}
            _ => (sort, word) = words.numbered(&mut out, word, connector),
        }
    }
    push_lower(&mut out, sort, word, connector);
    runtime.text(out.as_slice())
}

/// A connector before the next word, if there is one.
fn connect(out: &mut Vec<u8>, next: Sort, connector: char) {
    if next != Sort::Wrong {
        connect_any(out, next, connector);
    }
}

/// A connector before the next word, also before bytes that are no characters.
fn connect_any(out: &mut Vec<u8>, next: Sort, connector: char) {
    if !matches!(next, Sort::Connector | Sort::Punctuation) {
        push(out, connector);
    }
}

fn push(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn push_lower(out: &mut Vec<u8>, sort: Sort, word: &[u8], connector: char) {
    if !matches!(sort, Sort::Upper | Sort::Connector) {
        out.extend_from_slice(word);
        return;
    }
    for (_, character, _) in chars(word) {
        let character = character.unwrap_or(WRONG);
        push(
            out,
            if is_connector(character) {
                connector
            } else if is_upper(character) {
                to_lower(character)
            } else {
                character
            },
        );
    }
}

/// A text from which words are taken.
struct Words<'t> {
    rest: &'t [u8],
}

type Word<'t> = (Sort, &'t [u8]);

impl<'t> Words<'t> {
    /// Writes letters and numbers as they follow each other, and returns the first word that is neither.
    fn pass(&mut self, out: &mut Vec<u8>, mut word: Word<'t>, connector: char) -> Word<'t> {
        while matches!(word.0, Sort::Letters | Sort::Number) {
            push_lower(out, word.0, word.1, connector);
            word = self.take();
        }
        word
    }

    /// A number belongs to the word before it, unless small letters follow: `Bld4Floor`, but `HTTP2xx`.
    fn numbered(&mut self, out: &mut Vec<u8>, number: &'t [u8], connector: char) -> Word<'t> {
        let next = self.take();
        if next.0 == Sort::Letters {
            push(out, connector);
            out.extend_from_slice(number);
            let next = self.pass(out, next, connector);
            connect(out, next.0, connector);
            return next;
        }
        out.extend_from_slice(number);
        connect_any(out, next.0, connector);
        next
    }

    fn take(&mut self) -> Word<'t> {
        let (first, size) = next_valid(self.rest, WRONG);
        if first == WRONG {
            return (Sort::Wrong, std::mem::take(&mut self.rest));
        }
        let sort = sort_of(first);
        let length = match sort {
            Sort::Upper => self.upper(first, size),
            _ => self.run(first, size, |next| match sort {
                Sort::Connector => is_connector(next),
                Sort::Punctuation => is_punctuation(next),
                Sort::Number => is_number(next),
                Sort::Letters => in_words(next) && !is_upper(next),
                _ => !(is_connector(next) || in_words(next) || is_number(next) || is_punctuation(next)),
            }),
        };
        let (word, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        (sort, word)
    }

    /// Bytes up to the first character after `from` that does not fit. Bytes that are no characters belong to what
    /// follows, at the end to what came before.
    fn run(&self, first: char, from: usize, fits: impl Fn(char) -> bool) -> usize {
        let (mut before, mut at) = (first, from);
        while let Some(rest) = self.rest.get(at..).filter(|rest| !rest.is_empty()) {
            let (next, size) = next_valid(rest, before);
            if !fits(next) {
                break;
            }
            (before, at) = (next, at + size);
        }
        at
    }

    /// One capital and small letters, or many capitals; of `HTTPStatus` the `S` begins the next word.
    fn upper(&self, first: char, size: usize) -> usize {
        let (second, second_size) = next_valid(self.rest.get(size..).unwrap_or_default(), first);
        if second_size == 0 {
            return size;
        }
        if !is_upper(second) {
            return self.run(first, size, |next| in_words(next) && !is_upper(next));
        }
        let (mut last_size, mut at, mut before) = (second_size, size + second_size, second);
        while let Some(rest) = self.rest.get(at..).filter(|rest| !rest.is_empty()) {
            let (next, next_size) = next_valid(rest, before);
            if !is_upper(next) {
                return if in_words(next) { at - last_size } else { at };
            }
            (last_size, at, before) = (next_size, at + next_size, next);
        }
        at
    }
}

/// The next character and the bytes up to its end; `before` where none follows.
fn next_valid(bytes: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    for (_, character, width) in chars(bytes) {
        size += width;
        if let Some(character) = character.filter(|character| *character != WRONG) {
            return (character, size);
        }
    }
    (before, size)
}

fn sort_of(character: char) -> Sort {
    match character {
        connector if is_connector(connector) => Sort::Connector,
        mark if is_punctuation(mark) => Sort::Punctuation,
        capital if is_upper(capital) => Sort::Upper,
        letter if in_words(letter) => Sort::Letters,
        number if is_number(number) => Sort::Number,
        _ => Sort::Other,
    }
}

/// Letters of scripts that are written in words.
fn in_words(character: char) -> bool {
    let no_words = ['\u{4E00}'..='\u{9FCC}', '\u{3400}'..='\u{4D85}', '\u{20000}'..='\u{2B81D}'];
    is_letter(character) && !no_words.iter().any(|range| range.contains(&character))
}

/// What a byte that is no character is taken for.
const WRONG: char = char::REPLACEMENT_CHARACTER;

pub(super) fn is_connector(character: char) -> bool {
    matches!(character, '_' | '-') || is_space(character)
}

/// White space as Go's `unicode.IsSpace` has it.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace()
}
