//! Lengths of time as Go writes them: `720h`, `1m30s`, `1.5h`, `-10ms`, `0`.

/// Reads a length of time; the answer is in nanoseconds.
///
/// # Errors
/// Go's own words for what is wrong.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        total += number * nanoseconds(unit, text)?;
        rest = tail;
    }
    whole(sign * total).ok_or_else(invalid)
}

fn nanoseconds(unit: &str, text: &str) -> Result<f64, String> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length).ok_or_else(|| {
        if unit.is_empty() {
            format!("time: missing unit in duration {text:?}")
        } else {
            format!("time: unknown unit {unit:?} in duration {text:?}")
        }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and fractions of a nanosecond are dropped")]
fn whole(nanoseconds: f64) -> Option<i64> {
    // 2^63: beyond it an i64 ends.
    (nanoseconds.abs() < 9_223_372_036_854_775_808.0).then_some(nanoseconds.round() as i64)
}

const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_go_reads_them() {
        let hour = 3_600_000_000_000;
        for (text, expected) in [
            ("0", Ok(0)),
            ("720h", Ok(720 * hour)),
            ("1h30m", Ok(hour + hour / 2)),
            ("1.5h", Ok(hour + hour / 2)),
            ("-1h", Ok(-hour)),
            ("10ms", Ok(10_000_000)),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("30d", Err("time: unknown unit \"d\" in duration \"30d\"")),
            ("", Err("time: invalid duration \"\"")),
            ("h", Err("time: invalid duration \"h\"")),
            ("9999999999h", Err("time: invalid duration \"9999999999h\"")),
        ] {
            assert_eq!(parse(text), expected.map_err(str::to_owned), "{text}");
        }
    }
}
