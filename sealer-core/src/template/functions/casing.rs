//! Where does a new word begin in `someHTTPName2go`? For snakecase and kebabcase.

use zeroize::Zeroizing;

use super::super::value::{is_digit, is_punctuation, to_lower};
use super::words::is_space;
use super::{Outcome, Runtime};

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// There is none.
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// Words in lower case with `connector` between them.
pub(super) fn separated(runtime: &mut Runtime<'_, '_>, text: &str, connector: char) -> Outcome {
    Runtime::short(text.as_bytes())?;
    let mut words = Words { rest: text };
    let mut out = String::with_capacity(text.len() + 8);
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
            _ if sort != Sort::Number => connect(&mut out, sort, connector),
            _ if words.rest.is_empty() => {}
            _ => (sort, word) = words.numbered(&mut out, word, connector),
        }
    }
    push_lower(&mut out, sort, word, connector);
    runtime.text(Zeroizing::new(out).as_bytes())
}

fn connect(out: &mut String, next: Sort, connector: char) {
    if !matches!(next, Sort::None | Sort::Connector | Sort::Punctuation) {
        out.push(connector);
    }
}

fn push_lower(out: &mut String, sort: Sort, word: &str, connector: char) {
    match sort {
        Sort::Upper => out.extend(word.chars().map(to_lower)),
        Sort::Connector => out.extend(word.chars().map(|_| connector)),
        _ => out.push_str(word),
    }
}

/// A text from which words are taken.
struct Words<'t> {
    rest: &'t str,
}

type Word<'t> = (Sort, &'t str);

impl<'t> Words<'t> {
    /// Writes letters and numbers as they follow each other, and returns the first word that is neither.
    fn pass(&mut self, out: &mut String, mut word: Word<'t>, connector: char) -> Word<'t> {
        while matches!(word.0, Sort::Letters | Sort::Number) {
            push_lower(out, word.0, word.1, connector);
            word = self.take();
        }
        word
    }

    /// A number belongs to the word before it, unless small letters follow: `Bld4Floor`, but `HTTP2xx`.
    fn numbered(&mut self, out: &mut String, number: &'t str, connector: char) -> Word<'t> {
        let next = self.take();
        if next.0 == Sort::Letters {
            out.push(connector);
            out.push_str(number);
            let next = self.pass(out, next, connector);
            connect(out, next.0, connector);
            return next;
        }
        out.push_str(number);
        connect(out, next.0, connector);
        next
    }

    fn take(&mut self) -> Word<'t> {
        let Some(first) = self.rest.chars().next() else { return (Sort::None, "") };
        let sort = sort_of(first);
        let length = match sort {
            Sort::Upper => self.upper(),
            Sort::Other => self.run(|next| matches!(sort_of(next), Sort::Other | Sort::Upper) && !is_letter(next)),
            Sort::Letters => self.run(|next| sort_of(next) == Sort::Letters),
            sort => self.run(|next| sort_of(next) == sort),
        };
        let (word, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        (sort, word)
    }

    /// Bytes of the characters at the beginning that fit, the first one in any case.
    fn run(&self, fits: impl Fn(char) -> bool) -> usize {
        let mut all = self.rest.char_indices().skip(1);
        all.find(|(_, next)| !fits(*next)).map_or(self.rest.len(), |(at, _)| at)
    }

    /// One capital and small letters, or many capitals; of `HTTPStatus` the `S` begins the next word.
    fn upper(&self) -> usize {
        let capitals = self.run(|next| sort_of(next) == Sort::Upper);
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let after = self.rest.get(capitals..).and_then(|rest| rest.chars().next());
        let letters_follow = after.is_some_and(is_letter);
        if capitals == first {
            let body = Words { rest: self.rest.get(first..).unwrap_or_default() };
            return if letters_follow { first + body.run(|next| sort_of(next) == Sort::Letters) } else { first };
        }
        let last = self.rest.get(..capitals).and_then(|text| text.chars().next_back()).map_or(0, char::len_utf8);
        if letters_follow { capitals - last } else { capitals }
    }
}

fn sort_of(character: char) -> Sort {
    match character {
        '_' | '-' => Sort::Connector,
        space if is_space(space) => Sort::Connector,
        mark if is_punctuation(mark) => Sort::Punctuation,
        capital if capital.is_uppercase() => Sort::Upper,
        letter if is_letter(letter) => Sort::Letters,
        digit if is_digit(digit) || digit.is_numeric() => Sort::Number,
        _ => Sort::Other,
    }
}

/// Letters of scripts that are written in words.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() && !('\u{4E00}'..='\u{9FCC}').contains(&character)
}
