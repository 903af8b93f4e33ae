//! Reads quoted texts, characters and numbers of a template.

use super::tree::Number;
use crate::template::number::{go_parse_float, go_parse_int, go_parse_uint};

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
