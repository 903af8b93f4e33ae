//! Numbers as Go reads and writes them (`strconv`).

/// Why Go cannot read a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ParseNumberError {
    Syntax,
    Range,
}

/// An unsigned integer as Go reads it with base 0: the prefix tells the base, and underscores may separate digits.
pub(crate) fn go_parse_uint(text: &str) -> Result<u64, ParseNumberError> {
    let (radix, body) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, text.get(2..)),
        [b'0', b'b' | b'B', ..] => (2, text.get(2..)),
        [b'0', b'o' | b'O', ..] => (8, text.get(2..)),
        [b'0', _, ..] => (8, text.get(1..)),
        _ => (10, Some(text)),
    };
    let body = body.unwrap_or("");
    let digits = || body.bytes().filter(|byte| *byte != b'_').map(|byte| char::from(byte).to_digit(radix));
    if digits().next().is_none() || digits().any(|digit| digit.is_none()) || !underscores_fit(text) {
        return Err(ParseNumberError::Syntax);
    }
    let shifted = |size: u64, digit: u32| size.checked_mul(radix.into())?.checked_add(digit.into());
    digits().flatten().try_fold(0, shifted).ok_or(ParseNumberError::Range)
}

pub(crate) fn go_parse_int(text: &str) -> Result<i64, ParseNumberError> {
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or("")),
        Some(b'+') => (false, text.get(1..).unwrap_or("")),
        _ => (false, text),
    };
    let size = go_parse_uint(body)?;
    if negative {
        0_i64.checked_sub_unsigned(size).ok_or(ParseNumberError::Range)
    } else {
        i64::try_from(size).map_err(|_| ParseNumberError::Range)
    }
}

/// Underscores only between digits, or between a base's prefix and a digit.
fn underscores_fit(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut before = '^';
    let mut characters = body.chars().peekable();
    let mut hexadecimal = false;
    if characters.next_if_eq(&'0').is_some() {
        before = '0';
        if let Some(prefix) = characters.next_if(|next| matches!(next, 'x' | 'X' | 'b' | 'B' | 'o' | 'O')) {
            hexadecimal = matches!(prefix, 'x' | 'X');
        }
    }
    for character in characters {
        let is_digit = character.is_ascii_digit() || hexadecimal && character.is_ascii_hexdigit();
        if is_digit {
            before = '0';
        } else if character == '_' {
            if before != '0' {
                return false;
            }
            before = '_';
        } else {
            if before == '_' {
                return false;
            }
            before = '!';
        }
    }
    before != '_'
}

/// A float as Go reads it: decimal or hexadecimal, `inf` and `nan` too.
pub(crate) fn go_parse_float(text: &str) -> Result<f64, ParseNumberError> {
    let (sign, body) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, text.get(1..).unwrap_or("")),
        Some(b'+') => (1.0, text.get(1..).unwrap_or("")),
        _ => (1.0, text),
    };
    if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") {
        return Ok(sign * f64::INFINITY);
    }
    if body.eq_ignore_ascii_case("nan") && body.len() == text.len() {
        return Ok(f64::NAN);
    }
    if let [b'0', b'x' | b'X', ..] = body.as_bytes() {
        return hexadecimal_float(body).map(|value| sign * value);
    }
    let plain = body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    let signs = body.starts_with(['+', '-']);
    if signs || !plain || !body.bytes().any(|byte| byte.is_ascii_digit()) || !underscores_fit(body) {
        return Err(ParseNumberError::Syntax);
    }
    let value: f64 = body.replace('_', "").parse().map_err(|_| ParseNumberError::Syntax)?;
    if value.is_infinite() { Err(ParseNumberError::Range) } else { Ok(sign * value) }
}

/// The digits after `0x`, with an exponent.
fn hexadecimal_float(body: &str) -> Result<f64, ParseNumberError> {
    if body.contains('_') && !underscores_fit(body) {
        return Err(ParseNumberError::Syntax);
    }
    let (digits, exponent) =
        body.get(2..).and_then(|rest| rest.split_once(['p', 'P'])).ok_or(ParseNumberError::Syntax)?;
    let exponent: i64 = exponent.replace('_', "").parse().map_err(|_| ParseNumberError::Syntax)?;
    // So far from anything a float holds that the digits cannot bring it back.
    let mut exponent = exponent.clamp(-(1 << 40), 1 << 40);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut mantissa: u128 = 0;
    let mut any = false;
    for (character, behind) in whole.chars().map(|c| (c, false)).chain(fraction.chars().map(|c| (c, true))) {
        if character == '_' {
            continue;
        }
        let digit = character.to_digit(16).ok_or(ParseNumberError::Syntax)?;
        any = true;
        if mantissa >> 120 == 0 {
            mantissa = mantissa << 4 | u128::from(digit);
            exponent -= if behind { 4 } else { 0 };
        } else {
            mantissa |= u128::from(digit != 0);
            exponent += if behind { 0 } else { 4 };
        }
    }
    if !any {
        return Err(ParseNumberError::Syntax);
    }
    scaled(mantissa, exponent.clamp(-5000, 5000))
}

/// `mantissa` times two to the power of `exponent`, rounded once.
fn scaled(mantissa: u128, exponent: i64) -> Result<f64, ParseNumberError> {
    let mut mantissa = mantissa;
    let mut exponent = exponent;
    // Below the normal range bits must go before the conversion, else they are rounded twice. Two are kept to round by.
    while mantissa != 0 && exponent < SMALLEST - 2 {
        mantissa = mantissa >> 1 | mantissa & 1;
        exponent += 1;
    }
    if exponent < SMALLEST && mantissa >> 55 == 0 {
        let dropped = u32::try_from(SMALLEST - exponent).unwrap_or(0);
        let (kept, rest, half) = (mantissa >> dropped, mantissa & ((1 << dropped) - 1), 1 << (dropped - 1));
        let up = rest > half || rest == half && kept & 1 == 1;
        (mantissa, exponent) = (kept + u128::from(up), SMALLEST);
    }
    let mut value = mantissa as f64;
    while exponent > 0 && value.is_finite() && value != 0.0 {
        value *= 2.0;
        exponent -= 1;
    }
    while exponent < 0 {
        value /= 2.0;
        exponent += 1;
    }
    if value.is_infinite() { Err(ParseNumberError::Range) } else { Ok(value) }
}

/// The digits of a finite positive number and the place of the point before which `0.` would stand.
pub(crate) fn decimal_digits(number: f64, significant: Option<usize>) -> (Vec<u8>, i32) {
    if number == 0.0 {
        return (Vec::new(), 0);
    }
    let text = match significant {
        None => format!("{number:e}"),
        Some(count) => format!("{number:.*e}", count.saturating_sub(1).min(EXACT_DIGITS)),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    (digits, exponent.parse::<i32>().unwrap_or(0) + 1)
}

/// The power of two of the smallest number above zero.
const SMALLEST: i64 = -1074;
/// No 64 bit number has more decimal digits.
pub(crate) const EXACT_DIGITS: usize = 1100;
