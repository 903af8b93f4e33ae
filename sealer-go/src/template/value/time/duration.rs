//! Durations, written and read as `time.Duration` is.

/// Why a text is no duration.
pub(crate) enum DurationError {
    Invalid,
    MissingUnit,
    UnknownUnit(String),
}

/// The duration as Go writes it: `1h15m30.5s`.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if size == 0 {
        return "0s".to_owned();
    }
    let small = match size {
        0..1_000 => Some((1, "ns")),
        1_000..1_000_000 => Some((1_000, "µs")),
        1_000_000..1_000_000_000 => Some((1_000_000, "ms")),
        _ => None,
    };
    if let Some((unit, name)) = small {
        return format!("{sign}{}{name}", with_fraction(size, unit));
    }
    let seconds = size / SECOND;
    let shown = with_fraction(seconds % 60 * SECOND + size % SECOND, SECOND);
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{shown}s"),
        (0, minutes) => format!("{sign}{minutes}m{shown}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{shown}s"),
    }
}

fn with_fraction(size: u64, unit: u64) -> String {
    let rest = size % unit;
    if rest == 0 {
        return (size / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{}.{}", size / unit, digits.trim_end_matches('0'))
}

/// The nearest multiple of `unit`, halves away from zero.
pub(crate) fn round_duration(duration: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return duration;
    }
    let rest = duration % unit;
    if rest.unsigned_abs() < (unit - rest.abs()).unsigned_abs() {
        return duration - rest;
    }
    (duration - rest).saturating_add(unit * duration.signum())
}

/// Reads a duration, given with a character for each byte.
pub(crate) fn parse_duration(text: &str) -> Result<i64, DurationError> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or("")),
        Some(b'+') => (false, text.get(1..).unwrap_or("")),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(DurationError::Invalid);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (part, after) = next_term(rest)?;
        total = total.checked_add(part).filter(|total| *total <= 1 << 63).ok_or(DurationError::Invalid)?;
        rest = after;
    }
    if negative {
        return Ok(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| DurationError::Invalid)
}

fn next_term(text: &str) -> Result<(u64, &str), DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, mut rest) = text.split_at_checked(digits).ok_or(DurationError::Invalid)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| DurationError::Invalid)? };
    if whole > 1 << 63 {
        return Err(DurationError::Invalid);
    }
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        (fraction, rest) = after.split_at_checked(count).ok_or(DurationError::Invalid)?;
    }
    if digits == 0 && fraction.is_empty() {
        return Err(DurationError::Invalid);
    }
    let length = rest.bytes().take_while(|byte| *byte != b'.' && !byte.is_ascii_digit()).count();
    let (name, rest) = rest.split_at_checked(length).ok_or(DurationError::Invalid)?;
    let unit: u64 = match name {
        "" => return Err(DurationError::MissingUnit),
        "ns" => 1,
        // Both signs for micro, each byte as a character.
        "us" | "\u{C2}\u{B5}s" | "\u{CE}\u{BC}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return Err(DurationError::UnknownUnit(name.to_owned())),
    };
    let whole = whole.checked_mul(unit).filter(|size| *size <= 1 << 63).ok_or(DurationError::Invalid)?;
    let size = whole + fraction_of(fraction, unit);
    if size > 1 << 63 { Err(DurationError::Invalid) } else { Ok((size, rest)) }
}

/// So many units behind the point, in the floating point numbers that Go takes for it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "digits beyond a unit are cut off, and nothing is negative"
)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        let longer = (value <= FULL / 10).then(|| value * 10 + digit).filter(|longer| *longer <= FULL + 1);
        let Some(longer) = longer else { break };
        (value, scale) = (longer, scale * 10.0);
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// The largest number that a fraction's digits may make.
const FULL: u64 = (1 << 63) - 1;
const SECOND: u64 = 1_000_000_000;
