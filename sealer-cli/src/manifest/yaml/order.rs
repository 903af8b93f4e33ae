//! The order of keys: natural, so that `a2` stands before `a10`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The fields of a map in the order in which they are written.
pub(super) fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let keys = fields.iter().map(|(key, value)| (key.chars().collect::<Vec<char>>(), (key, value))).collect();
    merge_sort(keys).into_iter().map(|(_, field)| field).collect()
}

/// Compares rune by rune: digits as numbers, letters behind everything else.
fn natural(one: &[char], other: &[char]) -> Ordering {
    let Some(at) = one.iter().zip(other).position(|(x, y)| x != y) else { return one.len().cmp(&other.len()) };
    let (Some(x), Some(y)) = (one.get(at), other.get(at)) else { return Ordering::Equal };
    match (is_letter(*x), is_letter(*y)) {
        (true, true) => x.cmp(y),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let continues = (*x == '0' || *y == '0') && continues_number(one, at);
            let runs = (run(one, at, continues), run(other, at, continues));
            runs.0.cmp(&runs.1).then(x.cmp(y))
        }
    }
}

/// Whether the digits just before make a number that a zero would continue.
fn continues_number(text: &[char], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|c| is_digit(**c)).any(|c| *c != '0')
}

/// The value of the digits that start here, and where they end.
fn run(text: &[char], at: usize, continues: bool) -> (i64, usize) {
    let digits = text.get(at..).unwrap_or_default().iter().take_while(|c| is_digit(**c));
    digits.fold((i64::from(continues), at), |(value, end), c| {
        let digit = i64::from(u32::from(*c)) - i64::from(u32::from('0'));
        (value.wrapping_mul(10).wrapping_add(digit), end + 1)
    })
}

fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { is_of(&LETTER, c) }
}

fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { is_of(&DIGIT, c) }
}

fn is_of(class: &Option<Regex>, c: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Sorts with an order that is not transitive for all keys, where the standard library's sort may panic.
fn merge_sort<T>(mut keys: Vec<(Vec<char>, T)>) -> Vec<(Vec<char>, T)> {
    if keys.len() < 2 {
        return keys;
    }
    let back = merge_sort(keys.split_off(keys.len() / 2));
    let mut front = merge_sort(keys).into_iter().peekable();
    let mut back = back.into_iter().peekable();
    let mut merged = Vec::new();
    while let (Some((one, _)), Some((other, _))) = (front.peek(), back.peek()) {
        let next = if natural(one, other) == Ordering::Greater { back.next() } else { front.next() };
        merged.extend(next);
    }
    merged.extend(front);
    merged.extend(back);
    merged
}

/// Unicode's letters and decimal digits. The patterns are valid, so that the empty case never occurs.
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{L}").ok());
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{Nd}").ok());
