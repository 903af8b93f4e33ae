//! How a string is written: plain if it reads back as itself, else quoted, else as a block.

use std::fmt::Write as _;

/// The forms of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Chooses the form of a value.
pub(super) fn of(text: &str) -> Style {
    if needs_escapes(text) || reads_as_other_type(text) {
        Style::Double
    } else if text.contains('\n') {
        if breaks_block(text) { Style::Double } else { Style::Literal }
    } else if needs_quotes(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Writes a key: never over several lines.
pub(super) fn put_key(out: &mut String, key: &str) {
    match of(key) {
        Style::Plain => out.push_str(key),
        Style::Single => put_single(out, key, 0, NEVER),
        Style::Double | Style::Literal => put_double(out, key, 0, NEVER),
    }
}

/// Writes plain text, broken at single spaces once the line is past column 80.
pub(super) fn put_folded(out: &mut String, text: &str, indent: usize, column: usize) {
    let mut column = column;
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        if is_break(&chars, at, column) {
            break_line(out, indent, &mut column);
        } else {
            out.push(*c);
            column = column.saturating_add(1);
        }
    }
}

/// Writes text in single quotes, broken in the same way.
pub(super) fn put_single(out: &mut String, text: &str, indent: usize, column: usize) {
    let mut column = column.saturating_add(1);
    let chars: Vec<char> = text.chars().collect();
    out.push('\'');
    for (at, c) in chars.iter().enumerate() {
        if is_break(&chars, at, column) {
            break_line(out, indent, &mut column);
            continue;
        }
        if *c == '\'' {
            out.push('\'');
            column = column.saturating_add(1);
        }
        out.push(*c);
        column = column.saturating_add(1);
    }
    out.push('\'');
}

/// Writes text in double quotes, broken in the same way; a space behind the break is kept by a backslash.
pub(super) fn put_double(out: &mut String, text: &str, indent: usize, column: usize) {
    let mut column = column.saturating_add(1);
    let chars: Vec<char> = text.chars().collect();
    out.push('"');
    let mut after_bom = false;
    for (at, c) in chars.iter().enumerate() {
        let inside = at > 0 && at + 1 < chars.len();
        if *c == ' ' && inside && past_edge(column) && chars.get(at - 1) != Some(&' ') {
            break_line(out, indent, &mut column);
            if chars.get(at + 1) == Some(&' ') {
                out.push('\\');
            }
            continue;
        }
        let start = out.len();
        put_escaped(out, *c, after_bom);
        after_bom = *c == '\u{feff}';
        column = column.saturating_add(out.get(start..).map_or(0, |written| written.chars().count()));
    }
    out.push('"');
}

/// A reader takes `\uFEFF` and a hexadecimal digit behind it apart by an escape of its own.
fn put_escaped(out: &mut String, c: char, after_bom: bool) {
    // Writing into a String does not fail.
    let _ = match c {
        '"' => write!(out, "\\\""),
        '\\' => write!(out, "\\\\"),
        '\0' => write!(out, "\\0"),
        '\u{7}' => write!(out, "\\a"),
        '\u{8}' => write!(out, "\\b"),
        '\t' => write!(out, "\\t"),
        '\n' => write!(out, "\\n"),
        '\u{b}' => write!(out, "\\v"),
        '\u{c}' => write!(out, "\\f"),
        '\r' => write!(out, "\\r"),
        '\u{1b}' => write!(out, "\\e"),
        '\u{85}' => write!(out, "\\N"),
        '\u{a0}' => write!(out, "\\_"),
        '\u{2028}' => write!(out, "\\L"),
        '\u{2029}' => write!(out, "\\P"),
        c if after_bom && c.is_ascii_hexdigit() => write!(out, "\\x{:02X}", u32::from(c)),
        c if is_printable(c) => write!(out, "{c}"),
        c if u32::from(c) <= 0xff => write!(out, "\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => write!(out, "\\u{:04X}", u32::from(c)),
        c => write!(out, "\\U{:08X}", u32::from(c)),
    };
}

/// A lone space past the edge, with text on both sides.
fn is_break(chars: &[char], at: usize, column: usize) -> bool {
    let neighbour = |at: Option<usize>| at.and_then(|at| chars.get(at));
    let around = [neighbour(at.checked_sub(1)), neighbour(Some(at + 1))];
    chars.get(at) == Some(&' ') && past_edge(column) && around.iter().all(|c| c.is_some_and(|c| *c != ' '))
}

fn past_edge(column: usize) -> bool {
    column > EDGE && column < NEVER / 2
}

fn break_line(out: &mut String, indent: usize, column: &mut usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    *column = indent;
}

fn needs_escapes(text: &str) -> bool {
    text.chars().any(|c| c != '\n' && !is_printable(c))
}

/// What go-yaml writes as itself.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn breaks_block(text: &str) -> bool {
    text.contains(" \n") || text.ends_with(' ') || text.chars().all(|c| c == '\n')
}

fn needs_quotes(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().unwrap_or_default();
    let second = chars.next();
    let indicator = "#,[]{}&*!|>'\"%@`".contains(first);
    let lone = matches!(first, '-' | '?' | ':') && second.is_none_or(|c| c == ' ');
    indicator
        || lone
        || text.starts_with("---")
        || text.starts_with("...")
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.starts_with(' ')
        || text.ends_with(' ')
}

/// Whether a YAML 1.1 reader would take the plain text for something else than a string.
fn reads_as_other_type(text: &str) -> bool {
    text.is_empty() || WORDS.contains(&text) || is_number(text) || is_sexagesimal(text) || is_date(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.replace('_', "");
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let radix = |prefix: &str, radix: u32| {
        let rest = digits.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    radix("0x", 16) || radix("0b", 2) || radix("0o", 8) || radix("", 10) || is_float(&digits)
}

fn is_float(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

/// `12:30`: YAML 1.1 readers take it for a number in base sixty.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let sixtieth = |part: &str| {
        matches!(part.len(), 1 | 2)
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|n| n < 60)
    };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let head = first.starts_with(|c: char| c.is_ascii_digit()) && first.chars().all(|c| c.is_ascii_digit() || c == '_');
    head && middle.iter().all(|part| sixtieth(part))
        && sixtieth(last)
        && fraction.chars().all(|c| c.is_ascii_digit() || c == '_')
}

/// `2020-01-01`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number =
        |part: &str, most: usize| !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
    let shape = year.len() == 4 && number(year, 4) && number(month, 2) && number(day, 2);
    shape && time.is_none_or(is_time)
}

fn is_time(text: &str) -> bool {
    let clock = text.trim_end_matches(['Z', ' ']);
    let clock = clock.split(['+', '-', '.']).next().unwrap_or_default();
    let parts: Vec<&str> = clock.trim().split(':').collect();
    parts.len() == 3 && parts.iter().all(|part| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit()))
}

/// YAML 1.1 words that are no strings, in the casings that count.
const WORDS: [&str; 41] = [
    "~", "null", "Null", "NULL", "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "true", "True", "TRUE",
    "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", ".inf", ".Inf", ".INF", "+.inf", "+.Inf",
    "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", "", "+.nan", "-.nan",
];
/// The column past which text is broken.
const EDGE: usize = 80;
/// A column that says: do not break.
const NEVER: usize = usize::MAX;
