//! What do quoted texts, characters and numbers of a template stand for?

use super::tree::Number;

/// Why a number literal is none.
pub(crate) enum NumberError {
    MalformedCharacter,
    Overflow,
    Illegal,
    InvalidSyntax,
}

/// The value of a quoted text or character with its quotes, or `None` if an escape is wrong.
pub(crate) fn unquote(source: &str) -> Option<Vec<u8>> {
    let quote = source.chars().next()?;
    let inner = source.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return Some(inner.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut rest = inner;
    let mut out = Vec::with_capacity(inner.len());
    while !rest.is_empty() {
        let (part, after) = unquote_character(rest, quote)?;
        match part {
            Quoted::Byte(byte) => out.push(byte),
            Quoted::Character(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after;
    }
    Some(out)
}

pub(crate) enum Quoted {
    Byte(u8),
    Character(char),
}

fn unquote_character(text: &str, quote: char) -> Option<(Quoted, &str)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    if first == quote || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some((Quoted::Character(first), characters.as_str()));
    }
    let escape = characters.next()?;
    let rest = characters.as_str();
    let simple = match escape {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0C',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0B',
        '\\' => '\\',
        '\'' | '"' if escape == quote => escape,
        'x' => {
            return digits(rest, 2, 16).and_then(|(code, rest)| Some((Quoted::Byte(u8::try_from(code).ok()?), rest)));
        }
        'u' => return wide(rest, 4),
        'U' => return wide(rest, 8),
        '0'..='7' => {
            let (code, rest) = digits(text.get(1..)?, 3, 8)?;
            return Some((Quoted::Byte(u8::try_from(code).ok()?), rest));
        }
        _ => return None,
    };
    Some((Quoted::Character(simple), rest))
}

fn wide(text: &str, length: usize) -> Option<(Quoted, &str)> {
    let (code, rest) = digits(text, length, 16)?;
    Some((Quoted::Character(char::from_u32(code)?), rest))
}

fn digits(text: &str, length: usize, radix: u32) -> Option<(u32, &str)> {
    let part = text.get(..length)?;
    if !part.chars().all(|character| character.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(part, radix).ok()?, text.get(length..)?))
}

pub(crate) fn character_constant(source: &str) -> Result<Number<'_>, NumberError> {
    let inner = source.get(1..).ok_or(NumberError::InvalidSyntax)?;
    let (quoted, rest) = unquote_character(inner, '\'').ok_or(NumberError::InvalidSyntax)?;
    if rest != "'" {
        return Err(NumberError::MalformedCharacter);
    }
    let code = match quoted {
        Quoted::Byte(byte) => u32::from(byte),
        Quoted::Character(character) => u32::from(character),
    };
    Ok(Number {
        source,
        int: Some(i64::from(code)),
        uint: Some(u64::from(code)),
        float: Some(f64::from(code)),
        complex: None,
    })
}

pub(crate) fn complex(source: &str) -> Result<Number<'_>, NumberError> {
    let inner = source.strip_suffix('i').ok_or(NumberError::Illegal)?;
    let split = inner
        .char_indices()
        .skip(1)
        .filter(|(at, character)| matches!(character, '+' | '-') && !inner.get(..*at).is_some_and(ends_in_exponent))
        .last();
    let (at, _) = split.ok_or(NumberError::Illegal)?;
    let real = inner.get(..at).and_then(|part| go_parse_float(part).ok());
    let imaginary = inner.get(at..).and_then(|part| go_parse_float(part).ok());
    match (real, imaginary) {
        (Some(real), Some(imaginary)) => Ok(of_complex(source, real, imaginary)),
        _ => Err(NumberError::Illegal),
    }
}

fn ends_in_exponent(before: &str) -> bool {
    before.ends_with(['e', 'E', 'p', 'P'])
}

fn of_complex(source: &str, real: f64, imaginary: f64) -> Number<'_> {
    let mut number = Number { source, int: None, uint: None, float: None, complex: Some((real, imaginary)) };
    if imaginary == 0.0 {
        number.float = Some(real);
        fill_integers(&mut number, real);
    }
    number
}

pub(crate) fn number(source: &str) -> Result<Number<'_>, NumberError> {
    if let Some(imaginary) = source.strip_suffix('i').and_then(|text| go_parse_float(text).ok()) {
        return Ok(of_complex(source, 0.0, imaginary));
    }
    let mut number = Number { source, int: None, uint: go_parse_uint(source).ok(), float: None, complex: None };
    number.int = go_parse_int(source).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Ok(float) = go_parse_float(source) {
        if !source.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(NumberError::Overflow);
        }
        number.float = Some(float);
        fill_integers(&mut number, float);
    }
    if number.float.is_none() {
        return Err(NumberError::Illegal);
    }
    Ok(number)
}

#[expect(clippy::cast_possible_truncation, reason = "a number that does not fit is compared away")]
fn fill_integers(number: &mut Number<'_>, float: f64) {
    let int = float as i64;
    if int as f64 == float && float < 9.3e18 && int != i64::MAX {
        number.int = Some(int);
    }
    let uint = float as u64;
    if uint as f64 == float && uint != u64::MAX {
        number.uint = Some(uint);
    }
}

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

/// The power of two of the smallest number above zero.
const SMALLEST: i64 = -1074;
