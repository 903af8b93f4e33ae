//! What a plain YAML scalar is: the YAML 1.1 types as kubectl's reader knows them.

/// A scalar's type and value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Only what is too large for [`Scalar::Int`].
    Uint(u64),
    Float(f64),
    /// A date. It is read as text, but written in quotes.
    Date,
    Text,
}

/// Resolves an unquoted scalar.
pub(crate) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.chars().next() else { return Scalar::Null };
    if let Some(word) = word(text) {
        return word;
    }
    match first {
        '.' => go_float(text).map_or(Scalar::Text, Scalar::Float),
        '0'..='9' | '+' | '-' if is_date(text) => Scalar::Date,
        '0'..='9' | '+' | '-' => number(&text.replace('_', "")).unwrap_or(Scalar::Text),
        _ => Scalar::Text,
    }
}

/// `12:30`: read as text, but other YAML 1.1 readers take it for a number in base sixty.
pub(crate) fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let head = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let digits_and_bars = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    head.starts_with(|first: char| first.is_ascii_digit())
        && digits_and_bars(head)
        && middle.iter().all(|part| is_sixtieth(part))
        && is_sixtieth(last)
        && digits_and_bars(fraction)
}

/// A number as Go prints it in its shortest form.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // `{:e}` gives the shortest digits that read back: `1.25e-7`.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Go prints exponents where fewer than four zeros or six digits no longer do.
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// A number as Go's JSON has it: exponents only for very small and very large ones.
pub(crate) fn json_float_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{value}");
    }
    float_text(value).replace("e-0", "e-")
}

fn is_sixtieth(part: &str) -> bool {
    match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => matches!(tens, b'0'..=b'5') && digit.is_ascii_digit(),
        _ => false,
    }
}

/// The words that are no text, in the casings that count.
fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// An integer with the prefixes of Go, else a decimal number.
fn number(plain: &str) -> Option<Scalar> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, plain.get(1..)?),
        b'+' => (false, plain.get(1..)?),
        _ => (false, plain),
    };
    if let Some(magnitude) = integer(digits) {
        let signed = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
        match signed {
            Some(value) => return Some(Scalar::Int(value)),
            None if !negative && !plain.starts_with('+') => return Some(Scalar::Uint(magnitude)),
            None => {}
        }
    }
    is_decimal(digits).then(|| finite(plain)).flatten().map(Scalar::Float)
}

fn integer(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // `from_str_radix` would take a second sign.
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, with an exponent or without.
fn is_decimal(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

/// What Go's own number parser takes behind a leading dot: underscores only between digits.
fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let stray = |(at, byte): (usize, &u8)| {
        let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        *byte == b'_' && !(digit(at.checked_sub(1)) && digit(at.checked_add(1)))
    };
    if bytes.iter().enumerate().any(stray) {
        return None;
    }
    let plain = text.replace('_', "");
    is_decimal(&plain).then(|| finite(&plain)).flatten()
}

/// A number too large for 64 bits stays text.
fn finite(plain: &str) -> Option<f64> {
    plain.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// The four forms of a date: alone, with a time behind `T` or `t` and a zone, with a time behind a space and none.
fn is_date(text: &str) -> bool {
    let Some((year, rest)) = number_of(text, 4, 4) else { return false };
    let Some((month, rest)) = rest.strip_prefix('-').and_then(|rest| number_of(rest, 1, 2)) else { return false };
    let Some((day, rest)) = rest.strip_prefix('-').and_then(|rest| number_of(rest, 1, 2)) else { return false };
    if !(1..=12).contains(&month) || day < 1 || day > days_of(month, year) {
        return false;
    }
    if let Some(time) = rest.strip_prefix(['T', 't']) {
        return time_of(time).is_some_and(is_zone);
    }
    rest.is_empty() || (rest.starts_with(' ') && time_of(rest.trim_start_matches(' ')).is_some_and(str::is_empty))
}

/// Reads `15:4:5.999` and returns what follows.
fn time_of(text: &str) -> Option<&str> {
    let (hour, rest) = number_of(text, 1, 2)?;
    let (minute, rest) = number_of(rest.strip_prefix(':')?, 1, 2)?;
    let (second, rest) = number_of(rest.strip_prefix(':')?, 1, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest.strip_prefix(['.', ',']).map(|fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit())) {
        Some(behind) if behind.len() + 1 < rest.len() => Some(behind),
        _ => Some(rest),
    }
}

/// `Z` or `+01:00`.
fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return text == "Z" };
    let fits = |part: &str, most: u32| number_of(part, 2, 2).is_some_and(|(n, rest)| n <= most && rest.is_empty());
    offset.split_once(':').is_some_and(|(hours, minutes)| fits(hours, 24) && fits(minutes, 60))
}

/// Reads a number of so many digits; takes no more than `most`.
fn number_of(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    if digits < least { None } else { Some((number.parse().ok()?, rest)) }
}

fn days_of(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_in_the_shortest_form_of_go() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (123_456_789.5, "1.234567895e+08"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn dates_have_four_forms() {
        for date in [
            "2020-01-01",
            "2001-1-1",
            "2020-02-29",
            "2020-01-01T00:00:00Z",
            "2020-01-01t1:2:3.5+01:30",
            "2020-01-01 00:00:00",
            "2020-01-01   1:2:3,25",
        ] {
            assert_eq!(resolve(date), Scalar::Date, "{date}");
        }
        for text in [
            "2020-13-01",
            "2021-02-29",
            "2020-00-01",
            "202-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01 00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01x",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
    }
}
