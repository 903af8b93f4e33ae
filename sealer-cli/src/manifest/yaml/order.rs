//! The order of keys: natural, so that `a2` stands before `a10`.

use std::cmp::Ordering;

/// Compares rune by rune; digits as numbers, letters behind everything else.
pub(crate) fn natural(one: &str, other: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut digits = false;
    for (at, (x, y)) in a.iter().zip(&b).enumerate() {
        if x == y {
            digits = x.is_ascii_digit();
            continue;
        }
        return match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => x.cmp(y),
            // Behind digits a letter ends the number, and the shorter number comes first.
            (true, false) if digits => Ordering::Less,
            (false, true) if digits => Ordering::Greater,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => numbers(&a, &b, at),
        };
    }
    a.len().cmp(&b.len())
}

/// Compares the digit runs that start at the first difference.
fn numbers(a: &[char], b: &[char], at: usize) -> Ordering {
    let (x, y) = (a.get(at), b.get(at));
    // A zero behind a number that began before the difference continues it.
    let continues = (x == Some(&'0') || y == Some(&'0')) && continues_number(a, at);
    let (one, one_length) = run(a, at, continues);
    let (other, other_length) = run(b, at, continues);
    one.cmp(&other).then(one_length.cmp(&other_length)).then(x.cmp(&y))
}

fn continues_number(a: &[char], at: usize) -> bool {
    let before = a.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0')
}

fn run(text: &[char], at: usize, continues: bool) -> (u64, usize) {
    let digits = text.get(at..).unwrap_or_default().iter().map_while(|c| c.to_digit(10));
    let start = (u64::from(continues), 0);
    digits.fold(start, |(value, length), digit| (value.wrapping_mul(10).wrapping_add(u64::from(digit)), length + 1))
}
