//! How a string is written: plain if it reads back as itself, else quoted, else as a block.

use crate::manifest::scalar::{self, Scalar};

/// The forms of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Chooses the form of a text; a key that shares its value's line is no block.
pub(super) fn of(text: &str, simple_key: bool) -> Style {
    // kubectl leaves the key plain, and then cannot read its own output.
    if simple_key && text == "<<" {
        return Style::Double;
    }
    let traits = Traits::of(text);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if scalar::resolve(text) == Scalar::Text && !scalar::is_sexagesimal(text) {
        Style::Plain
    } else {
        Style::Double
    };
    match wanted {
        Style::Literal if simple_key || !traits.block => Style::Double,
        Style::Plain if !traits.plain && !traits.single => Style::Double,
        Style::Plain if !traits.plain => Style::Single,
        wanted => wanted,
    }
}

/// A line break of YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What is written as itself.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// In which forms a text can be written without loss.
#[derive(Clone, Copy, Debug)]
struct Traits {
    plain: bool,
    single: bool,
    block: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let special = text.chars().any(|c| !is_printable(c));
        let breaks = text.chars().any(is_break);
        let edges = text.starts_with(is_space_or_break) || text.ends_with(is_space_or_break);
        let follows = |first: fn(char) -> bool, second: fn(char) -> bool| {
            text.chars().zip(text.chars().skip(1)).any(|(one, other)| first(one) && second(other))
        };
        let break_space = breaks && follows(is_break, is_space);
        let space_break = breaks && follows(is_space, is_break);
        Self {
            plain: !(special || breaks || edges || has_indicator(text)),
            single: !(special || break_space || space_break),
            block: !(special || space_break || text.is_empty() || text.ends_with(' ')),
        }
    }
}

/// Characters that mean something to YAML where they stand.
fn has_indicator(text: &str) -> bool {
    let blank = |c: Option<char>| c.is_none_or(|c| matches!(c, ' ' | '\t'));
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_blank = blank(chars.peek().copied());
        let means = match (before, c) {
            (None, '-' | '?' | ':') | (Some(_), ':') => next_is_blank,
            (None, c) => "#,[]{}&*!|>'\"%@`".contains(c),
            (Some(before), '#') => is_space_or_break(before) || before == '\t',
            _ => false,
        };
        if means {
            return true;
        }
        before = Some(c);
    }
    text.starts_with("---") || text.starts_with("...")
}

fn is_space(c: char) -> bool {
    c == ' '
}

fn is_space_or_break(c: char) -> bool {
    is_space(c) || is_break(c)
}
