//! The times of an object's metadata: RFC 3339, in Go's words where it is not.

use jiff::Timestamp;

/// The same moment in UTC, without fractions of a second.
pub(crate) fn normal(text: &str) -> Result<String, String> {
    check(text).map_err(|wrong| format!("parsing time {text:?}{wrong}"))?;
    // The one thing left to be wrong is a day that the month does not have.
    let time: Timestamp = text.parse().map_err(|_| format!("parsing time {text:?}: day out of range"))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Finds what Go's parser stops at.
fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    for part in LAYOUT {
        rest = part.read(rest)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(format!(": extra text: {rest:?}")) }
}

/// One piece of the layout.
enum Part {
    Literal(&'static str),
    /// Digits: their number, and the numbers that are in range.
    Digits(&'static str, usize, u32, u32),
    /// A fraction may follow the seconds.
    Fraction,
    Zone,
}

impl Part {
    fn read<'a>(&self, text: &'a str) -> Result<&'a str, String> {
        match self {
            Self::Literal(literal) => text.strip_prefix(literal).ok_or_else(|| stops(text, literal)),
            Self::Digits(layout, length, least, most) => {
                let digits = text.get(..*length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                let number: u32 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| stops(text, layout))?;
                match (*least..=*most).contains(&number) {
                    true => Ok(text.get(*length..).unwrap_or_default()),
                    false => Err(format!(": {} out of range", name_of(layout))),
                }
            }
            Self::Fraction => {
                let fraction =
                    text.strip_prefix(['.', ',']).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
                Ok(fraction.filter(|rest| rest.len() + 1 < text.len()).unwrap_or(text))
            }
            Self::Zone => zone(text),
        }
    }
}

/// `Z` or `+01:00`.
fn zone(text: &str) -> Result<&str, String> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Ok(rest);
    }
    let (offset, rest) = text.split_at_checked(6).ok_or_else(|| stops(text, "Z07:00"))?;
    match offset.as_bytes() {
        [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => Ok(rest),
        _ => Err(stops(text, "Z07:00")),
    }
}

fn stops(rest: &str, layout: &str) -> String {
    format!(" as \"2006-01-02T15:04:05Z07:00\": cannot parse {rest:?} as {layout:?}")
}

fn name_of(layout: &str) -> &'static str {
    match layout {
        "01" => "month",
        "02" => "day",
        "15" => "hour",
        "04" => "minute",
        _ => "second",
    }
}

const LAYOUT: [Part; 13] = [
    Part::Digits("2006", 4, 0, 9999),
    Part::Literal("-"),
    Part::Digits("01", 2, 1, 12),
    Part::Literal("-"),
    Part::Digits("02", 2, 1, 31),
    Part::Literal("T"),
    Part::Digits("15", 2, 0, 23),
    Part::Literal(":"),
    Part::Digits("04", 2, 0, 59),
    Part::Literal(":"),
    Part::Digits("05", 2, 0, 59),
    Part::Fraction,
    Part::Zone,
];
