//! Formats a time by a layout, a sample of the reference time (`time.Format`).

use std::borrow::Cow;

use super::{Civil, Time};

/// A part of a layout that stands for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    ZoneName,
    /// An offset: `Z` for UTC, colons, and minutes or seconds.
    Offset {
        z: bool,
        colon: bool,
        fields: u8,
    },
    /// A fraction of a second with so many digits.
    Zeros(usize),
    Nines(usize),
}

/// The text before the first part, the part with its own text, and the rest.
pub(super) fn next_part(layout: &str) -> (&str, Option<(Part, &str)>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = layout.get(at..).unwrap_or("");
        if let Some((skip, part, length)) = part_at(rest) {
            let start = at + skip;
            let text = layout.get(start..start + length).unwrap_or("");
            return (layout.get(..start).unwrap_or(""), Some((part, text)), layout.get(start + length..).unwrap_or(""));
        }
    }
    (layout, None, "")
}

fn part_at(rest: &str) -> Option<(usize, Part, usize)> {
    let whole = |part, length| Some((0, part, length));
    let first = rest.chars().next()?;
    match first {
        'J' if rest.starts_with("January") => whole(Part::LongMonth, 7),
        'J' if rest.starts_with("Jan") && !lower_follows(rest, 3) => whole(Part::Month, 3),
        'M' if rest.starts_with("Monday") => whole(Part::LongWeekday, 6),
        'M' if rest.starts_with("Mon") && !lower_follows(rest, 3) => whole(Part::Weekday, 3),
        'M' if rest.starts_with("MST") => whole(Part::ZoneName, 3),
        '0' if rest.starts_with("002") => whole(Part::ZeroYearDay, 3),
        '0' => match rest.as_bytes().get(1)? {
            b'1' => whole(Part::ZeroMonth, 2),
            b'2' => whole(Part::ZeroDay, 2),
            b'3' => whole(Part::ZeroHour12, 2),
            b'4' => whole(Part::ZeroMinute, 2),
            b'5' => whole(Part::ZeroSecond, 2),
            b'6' => whole(Part::Year, 2),
            _ => None,
        },
        '1' if rest.starts_with("15") => whole(Part::Hour, 2),
        '1' => whole(Part::NumberMonth, 1),
        '2' if rest.starts_with("2006") => whole(Part::LongYear, 4),
        '2' => whole(Part::Day, 1),
        '_' if rest.starts_with("_2006") => Some((1, Part::LongYear, 4)),
        '_' if rest.starts_with("_2") => whole(Part::SpaceDay, 2),
        '_' if rest.starts_with("__2") => whole(Part::SpaceYearDay, 3),
        '3' => whole(Part::Hour12, 1),
        '4' => whole(Part::Minute, 1),
        '5' => whole(Part::Second, 1),
        'P' if rest.starts_with("PM") => whole(Part::UpperHalf, 2),
        'p' if rest.starts_with("pm") => whole(Part::LowerHalf, 2),
        '-' | 'Z' => offset_at(rest, first == 'Z'),
        '.' | ',' => fraction_at(rest),
        _ => None,
    }
}

fn lower_follows(rest: &str, at: usize) -> bool {
    rest.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase)
}

fn offset_at(rest: &str, z: bool) -> Option<(usize, Part, usize)> {
    let body = rest.get(1..)?;
    OFFSETS
        .iter()
        .find(|(text, ..)| body.starts_with(text))
        .map(|(text, colon, fields)| (0, Part::Offset { z, colon: *colon, fields: *fields }, text.len() + 1))
}

const OFFSETS: [(&str, bool, u8); 5] =
    [("070000", false, 3), ("07:00:00", true, 3), ("0700", false, 2), ("07:00", true, 2), ("07", false, 1)];

fn fraction_at(rest: &str) -> Option<(usize, Part, usize)> {
    let digit = *rest.as_bytes().get(1)?;
    if !matches!(digit, b'0' | b'9') {
        return None;
    }
    let count = rest.bytes().skip(1).take_while(|byte| *byte == digit).count();
    if rest.as_bytes().get(1 + count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((0, if digit == b'0' { Part::Zeros(count) } else { Part::Nines(count) }, 1 + count))
}

impl Time {
    pub(crate) fn format(&self, layout: &str) -> String {
        self.parts(layout).collect()
    }

    /// The formatted time, piece by piece.
    pub(crate) fn parts<'l>(&'l self, layout: &'l str) -> impl Iterator<Item = Cow<'l, str>> + 'l {
        let civil = self.civil();
        let zone = self.offset_and_name();
        let mut rest = layout;
        std::iter::from_fn(move || {
            let (before, part, after) = next_part(rest);
            let text = part.map(|(part, source)| self.part(part, source, &civil, &zone));
            if before.is_empty() && text.is_none() {
                return None;
            }
            rest = after;
            Some([Cow::Borrowed(before), text.map_or(Cow::Borrowed(""), Cow::Owned)])
        })
        .flatten()
    }

    fn part(&self, part: Part, source: &str, civil: &Civil, (offset, name): &(i64, String)) -> String {
        let offset = *offset;
        let half_hour = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
        match part {
            Part::LongMonth => month_name(civil.month),
            Part::Month => month_name(civil.month).chars().take(3).collect(),
            Part::NumberMonth => civil.month.to_string(),
            Part::ZeroMonth => format!("{:02}", civil.month),
            Part::LongWeekday => weekday_name(civil.weekday),
            Part::Weekday => weekday_name(civil.weekday).chars().take(3).collect(),
            Part::Day => civil.day.to_string(),
            Part::SpaceDay => format!("{:2}", civil.day),
            Part::ZeroDay => format!("{:02}", civil.day),
            Part::SpaceYearDay => format!("{:3}", civil.year_day),
            Part::ZeroYearDay => format!("{:03}", civil.year_day),
            Part::Hour => format!("{:02}", civil.hour),
            Part::Hour12 => half_hour.to_string(),
            Part::ZeroHour12 => format!("{half_hour:02}"),
            Part::Minute => civil.minute.to_string(),
            Part::ZeroMinute => format!("{:02}", civil.minute),
            Part::Second => civil.second.to_string(),
            Part::ZeroSecond => format!("{:02}", civil.second),
            Part::LongYear => long_year(civil.year),
            Part::Year => format!("{:02}", civil.year.unsigned_abs() % 100),
            Part::UpperHalf => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
            Part::LowerHalf => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
            Part::ZoneName if name.is_empty() => offset_text(offset, false, 2),
            Part::ZoneName => name.clone(),
            Part::Offset { z: true, .. } if offset == 0 => "Z".to_owned(),
            Part::Offset { colon, fields, .. } => offset_text(offset, colon, fields),
            Part::Zeros(count) => fraction(source, self.nanoseconds, count),
            Part::Nines(count) => {
                let text = fraction(source, self.nanoseconds, count);
                let kept = text.trim_end_matches('0');
                if kept.len() == 1 { String::new() } else { kept.to_owned() }
            }
        }
    }
}

fn long_year(year: i64) -> String {
    if year < 0 { format!("-{:04}", year.unsigned_abs()) } else { format!("{year:04}") }
}

fn offset_text(offset: i64, colon: bool, fields: u8) -> String {
    // Go looks at whole minutes for the sign.
    let (sign, size) = if offset / 60 < 0 { ('-', -offset) } else { ('+', offset) };
    let separator = if colon { ":" } else { "" };
    let two = |part: i64| if part < 0 { format!("-{:02}", -part) } else { format!("{part:02}") };
    let parts = [size / 3600, size / 60 % 60, size % 60].map(two);
    format!("{sign}{}", parts.get(..usize::from(fields)).unwrap_or_default().join(separator))
}

fn fraction(source: &str, nanoseconds: i64, count: usize) -> String {
    let digits = format!("{nanoseconds:09}");
    let point = source.chars().next().unwrap_or('.');
    let digits: String = digits.chars().chain(std::iter::repeat('0')).take(count.min(9)).collect();
    format!("{point}{digits}")
}

pub(crate) fn month_name(month: i64) -> String {
    let index = usize::try_from(month - 1).unwrap_or(usize::MAX);
    MONTHS.get(index).map_or_else(|| format!("%!Month({month})"), |name| (*name).to_owned())
}

pub(crate) fn weekday_name(day: i64) -> String {
    let index = usize::try_from(day).unwrap_or(usize::MAX);
    WEEKDAYS.get(index).map_or_else(|| format!("%!Weekday({day})"), |name| (*name).to_owned())
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
