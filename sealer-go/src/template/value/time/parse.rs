//! Reads a time under a layout (`time.Parse`).

use super::layout::{MONTHS, Part, WEEKDAYS, next_part};
use super::quoted as quoted_whole;
use super::{Civil, Time, Zone, days_in, to_bytes};
use crate::template::value::quote::excerpt;

/// Reads `value` under `layout`, both with a character for each byte; the error is Go's text.
pub(crate) fn parse_time(layout: &str, value: &str) -> Result<Time, String> {
    let mut parser = Parser { layout, value, fields: Fields::default() };
    parser.run().map_err(|problem| problem.text(layout, value))
}

/// The beginning of a text as an error shows it.
fn quoted(text: &str) -> String {
    quoted_whole(excerpt(&to_bytes(text)))
}

enum Problem {
    /// A part of the layout and the rest of the value that does not fit it.
    Mismatch(String, String),
    OutOfRange(&'static str),
    Extra(String),
}

impl Problem {
    fn text(&self, layout: &str, value: &str) -> String {
        let shown = quoted(value);
        match self {
            Self::OutOfRange(what) => format!("parsing time {shown}: {what} out of range"),
            Self::Extra(rest) => format!("parsing time {shown}: extra text: {}", quoted(rest)),
            Self::Mismatch(part, rest) => {
                format!("parsing time {shown} as {}: cannot parse {} as {}", quoted(layout), quoted(rest), quoted(part))
            }
        }
    }
}

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    afternoon: Option<bool>,
    offset: Option<i64>,
    utc: bool,
    zone_name: Option<String>,
    out_of_range: Option<&'static str>,
}

struct Parser<'a> {
    layout: &'a str,
    value: &'a str,
    fields: Fields,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<Time, Problem> {
        let mut layout = self.layout;
        let mut value = self.value;
        loop {
            let (prefix, part, rest) = next_part(layout);
            value = skip(value, prefix).map_err(|rest| Problem::Mismatch(prefix.to_owned(), rest.to_owned()))?;
            let Some((part, source)) = part else {
                if !value.is_empty() {
                    return Err(Problem::Extra(value.to_owned()));
                }
                return self.finish();
            };
            layout = rest;
            let hold = value;
            value =
                self.field(part, value, rest).ok_or_else(|| Problem::Mismatch(source.to_owned(), hold.to_owned()))?;
            if let Some(what) = self.fields.out_of_range {
                return Err(Problem::OutOfRange(what));
            }
        }
    }

    fn field(&mut self, part: Part, value: &'a str, layout_rest: &str) -> Option<&'a str> {
        let fields = &mut self.fields;
        let (number, rest) = match part {
            Part::Year => {
                let (text, rest) = value.split_at_checked(2)?;
                // A sign and one digit are a number, too.
                let year = match text.strip_prefix('-') {
                    Some(size) => -digits(size)?,
                    None => digits(text.strip_prefix('+').unwrap_or(text))?,
                };
                fields.year = if year >= 69 { year + 1900 } else { year + 2000 };
                return Some(rest);
            }
            Part::LongYear => {
                let (text, rest) = value.split_at_checked(4)?;
                fields.year = digits(text)?;
                return Some(rest);
            }
            Part::LongMonth => {
                let (index, rest) = name(&MONTHS, value, usize::MAX)?;
                fields.month = Some(index + 1);
                return Some(rest);
            }
            Part::Month => {
                let (index, rest) = name(&MONTHS, value, 3)?;
                fields.month = Some(index + 1);
                return Some(rest);
            }
            Part::LongWeekday => return name(&WEEKDAYS, value, usize::MAX).map(|(_, rest)| rest),
            Part::Weekday => return name(&WEEKDAYS, value, 3).map(|(_, rest)| rest),
            Part::UpperHalf | Part::LowerHalf => return self.half(part, value),
            Part::ZoneName => return self.zone_name(value),
            Part::Offset { z, colon, fields } => return self.offset(value, z, colon, fields),
            Part::Zeros(count) => {
                let (text, rest) = value.split_at_checked(1 + count)?;
                fields.nanoseconds = fraction(text)?;
                return Some(rest);
            }
            Part::Nines(_) => return self.optional_fraction(value),
            Part::SpaceDay => number_of(value.strip_prefix(' ').unwrap_or(value), part == Part::ZeroDay)?,
            Part::SpaceYearDay | Part::ZeroYearDay => three_digits(value, part == Part::ZeroYearDay)?,
            Part::ZeroMonth | Part::ZeroDay | Part::ZeroHour12 | Part::ZeroMinute | Part::ZeroSecond => {
                number_of(value, true)?
            }
            Part::Hour | Part::NumberMonth | Part::Day | Part::Hour12 | Part::Minute | Part::Second => {
                number_of(value, false)?
            }
        };
        self.store(part, number);
        if matches!(part, Part::Second | Part::ZeroSecond) {
            return self.fraction_after_seconds(rest, layout_rest);
        }
        Some(rest)
    }

    fn store(&mut self, part: Part, number: i64) {
        let fields = &mut self.fields;
        let mut check = |valid: bool, what: &'static str| {
            if !valid {
                fields.out_of_range = Some(what);
            }
        };
        match part {
            Part::NumberMonth | Part::ZeroMonth => {
                check((1..=12).contains(&number), "month");
                fields.month = Some(number);
            }
            Part::Day | Part::SpaceDay | Part::ZeroDay => fields.day = Some(number),
            Part::SpaceYearDay | Part::ZeroYearDay => fields.year_day = Some(number),
            Part::Hour => {
                check((0..24).contains(&number), "hour");
                fields.hour = number;
            }
            Part::Hour12 | Part::ZeroHour12 => {
                check((0..=12).contains(&number), "hour");
                fields.hour = number;
            }
            Part::Minute | Part::ZeroMinute => {
                check((0..60).contains(&number), "minute");
                fields.minute = number;
            }
            _ => {
                check((0..60).contains(&number), "second");
                fields.second = number;
            }
        }
    }

    fn half(&mut self, part: Part, value: &'a str) -> Option<&'a str> {
        let (text, rest) = value.split_at_checked(2)?;
        self.fields.afternoon = match (part, text) {
            (Part::UpperHalf, "PM") | (Part::LowerHalf, "pm") => Some(true),
            (Part::UpperHalf, "AM") | (Part::LowerHalf, "am") => Some(false),
            _ => return None,
        };
        Some(rest)
    }

    /// A fraction that the layout does not mention may follow seconds.
    fn fraction_after_seconds(&mut self, value: &'a str, layout: &str) -> Option<&'a str> {
        let begins = value.starts_with(['.', ',']) && value.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let mentioned = matches!(next_part(layout), ("", Some((Part::Zeros(_) | Part::Nines(_), _)), _));
        if !begins || mentioned || matches!(next_part(layout).1, Some((Part::Zeros(_) | Part::Nines(_), _))) {
            return Some(value);
        }
        self.optional_fraction(value)
    }

    fn optional_fraction(&mut self, value: &'a str) -> Option<&'a str> {
        if !value.starts_with(['.', ',']) || !value.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            return Some(value);
        }
        let count = value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let (text, rest) = value.split_at_checked(1 + count)?;
        self.fields.nanoseconds = fraction(text)?;
        Some(rest)
    }

    fn zone_name(&mut self, value: &'a str) -> Option<&'a str> {
        if let Some(rest) = value.strip_prefix("UTC") {
            self.fields.utc = true;
            return Some(rest);
        }
        let length = zone_length(value)?;
        let (text, rest) = value.split_at_checked(length)?;
        self.fields.zone_name = Some(text.to_owned());
        Some(rest)
    }

    fn offset(&mut self, value: &'a str, z: bool, colon: bool, count: u8) -> Option<&'a str> {
        if z && let Some(rest) = value.strip_prefix('Z') {
            self.fields.utc = true;
            return Some(rest);
        }
        let (sign, mut rest) = value.split_at_checked(1)?;
        let mut parts: [Option<i64>; 3] = [Some(0); 3];
        for (index, slot) in parts.iter_mut().enumerate().take(usize::from(count)) {
            if colon && index > 0 {
                rest = rest.strip_prefix(':')?;
            }
            let (text, after) = rest.split_at_checked(2)?;
            *slot = digits(text);
            rest = after;
        }
        let [hours, minutes, seconds] = parts;
        // Numbers out of range are told before anything else that is wrong.
        let (hour, minute) = (hours.unwrap_or(0), hours.and(minutes).unwrap_or(0));
        let second = hours.and(minutes).and(seconds).unwrap_or(0);
        if second > 60 {
            self.fields.out_of_range = Some("time zone offset second");
        } else if minute > 60 {
            self.fields.out_of_range = Some("time zone offset minute");
        } else if hour > 24 {
            self.fields.out_of_range = Some("time zone offset hour");
        }
        let offset = hour * 3600 + minute * 60 + second;
        self.fields.offset = match sign {
            _ if self.fields.out_of_range.is_some() => None,
            "+" => Some(offset),
            "-" => Some(-offset),
            _ => return None,
        };
        if self.fields.out_of_range.is_none() {
            hours.and(minutes).and(seconds)?;
        }
        Some(rest)
    }

    fn finish(&mut self) -> Result<Time, Problem> {
        let fields = &mut self.fields;
        match fields.afternoon {
            Some(true) if fields.hour < 12 => fields.hour += 12,
            Some(false) if fields.hour == 12 => fields.hour = 0,
            _ => {}
        }
        let (month, day) = calendar_day(fields)?;
        if day < 1 || day > days_in(fields.year, month) {
            return Err(Problem::OutOfRange("day"));
        }
        let civil = Civil {
            year: fields.year,
            month,
            day,
            hour: fields.hour,
            minute: fields.minute,
            second: fields.second,
            weekday: 0,
            year_day: 0,
        };
        let at = |zone: Zone| Time::from_civil(&civil, fields.nanoseconds, zone);
        let name = fields.zone_name.as_deref().unwrap_or("");
        // An offset of one second to the west is none.
        Ok(match fields.offset.filter(|offset| *offset != -1) {
            _ if fields.utc => at(Zone::Utc),
            Some(0) if matches!(name, "" | "UTC") => at(Zone::Local),
            Some(offset) => at(Zone::fixed(offset, name)),
            // Of a name alone nobody knows the offset: the fields are UTC, only what is shown is not.
            None if !name.is_empty() => at(Zone::Utc).in_zone(Zone::fixed(named_offset(name), name)),
            None => at(Zone::Local),
        })
    }
}

fn calendar_day(fields: &Fields) -> Result<(i64, i64), Problem> {
    let Some(year_day) = fields.year_day else {
        return Ok((fields.month.unwrap_or(1), fields.day.unwrap_or(1)));
    };
    let mut rest = year_day;
    for month in 1..=12 {
        let length = days_in(fields.year, month);
        if (1..=length).contains(&rest) {
            if fields.month.is_some_and(|given| given != month) {
                return Err(Problem::OutOfRange("day-of-year does not match month"));
            }
            if fields.day.is_some_and(|given| given != rest) {
                return Err(Problem::OutOfRange("day-of-year does not match day"));
            }
            return Ok((month, rest));
        }
        rest -= length;
    }
    Err(Problem::OutOfRange("day-of-year"))
}

fn named_offset(name: &str) -> i64 {
    match name.strip_prefix("GMT") {
        Some(hours) if !hours.is_empty() => hours.parse::<i64>().unwrap_or(0) * 3600,
        _ => 0,
    }
}

/// The length of a zone's short name: three or four capitals, or an offset of `GMT`.
fn zone_length(value: &str) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix("GMT") {
        return Some(3 + signed_length(rest));
    }
    if value.starts_with(['+', '-']) {
        return Some(signed_length(value)).filter(|length| *length > 0);
    }
    match value.bytes().take(6).take_while(u8::is_ascii_uppercase).count() {
        3 => Some(3),
        4 if value.as_bytes().get(3) == Some(&b'T') || value.starts_with("WITA") => Some(4),
        5 if value.as_bytes().get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

fn signed_length(value: &str) -> usize {
    let digits = value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    let number = value.get(1..1 + digits).and_then(|text| text.parse::<u32>().ok());
    if value.starts_with(['+', '-']) && number.is_some_and(|number| number <= 23) { 1 + digits } else { 0 }
}

/// The value after the layout's plain text, or where it differs; runs of spaces match any number of spaces.
fn skip<'a>(value: &'a str, prefix: &str) -> Result<&'a str, &'a str> {
    let mut value = value;
    let mut prefix = prefix;
    while let Some(first) = prefix.chars().next() {
        if first == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            prefix = prefix.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(first).ok_or(value)?;
        prefix = prefix.get(first.len_utf8()..).unwrap_or_default();
    }
    Ok(value)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// One or two digits, or exactly two.
fn number_of(value: &str, fixed: bool) -> Option<(i64, &str)> {
    let count = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if count == 0 || fixed && count < 2 {
        return None;
    }
    let (text, rest) = value.split_at_checked(count)?;
    Some((digits(text)?, rest))
}

fn three_digits(value: &str, fixed: bool) -> Option<(i64, &str)> {
    let value = if fixed { value } else { value.trim_start_matches(' ') };
    let count = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
    if count == 0 || fixed && count < 3 {
        return None;
    }
    let (text, rest) = value.split_at_checked(count)?;
    Some((digits(text)?, rest))
}

fn fraction(text: &str) -> Option<i64> {
    let digits_text = text.strip_prefix(['.', ','])?;
    let nine: String = digits_text.chars().chain(std::iter::repeat('0')).take(9).collect();
    digits(digits_text).or(Some(0)).and_then(|_| digits(&nine))
}

fn name<'a>(names: &[&str], value: &'a str, length: usize) -> Option<(i64, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = name.get(..length.min(name.len()))?;
        let (start, rest) = value.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some((i64::try_from(index).ok()?, rest))
    })
}
