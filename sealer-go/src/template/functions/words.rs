//! Functions that look at the words of a text.

use zeroize::Zeroizing;

use super::super::buffer::Buffer;
use super::super::value::{Kind, is_digit, is_letter, is_lower, is_title, is_upper, to_lower, to_title, to_upper};
use super::casing::{is_connector, is_space};
use super::strings::{map, to_size};
use super::{Function, Outcome, PLAIN, Runtime, SLOW, SLOWEST, casing};

const ONE: &[Kind] = &[Kind::Text];

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("title", ONE, |runtime, arguments| {
        let mut before = ' ';
        map(runtime, arguments, |character| {
            let begins = is_separator(std::mem::replace(&mut before, character));
            if begins { to_title(character) } else { character }
        })
    })
    .reading(SLOWEST),
    Function::new("untitle", ONE, |runtime, arguments| {
        let mut begins = true;
        map(runtime, arguments, |character| {
            if is_space(character) {
                begins = true;
                return character;
            }
            if std::mem::take(&mut begins) { to_lower(character) } else { character }
        })
    })
    .reading(SLOW),
    Function::new("swapcase", ONE, |runtime, arguments| {
        let mut begins = true;
        map(runtime, arguments, |character| {
            let first = std::mem::replace(&mut begins, is_space(character));
            if is_upper(character) || is_title(character) {
                to_lower(character)
            } else if is_lower(character) {
                if first { to_title(character) } else { to_upper(character) }
            } else {
                character
            }
        })
    })
    .reading(SLOWEST),
    Function::new("nospace", ONE, |runtime, arguments| {
        let text = arguments.bytes(0);
        // Each byte is taken for a character here, as soon as there is a space to remove.
        if !text.iter().any(|byte| is_space(char::from(*byte))) {
            return runtime.text(text);
        }
        runtime.changed(text, |part, out| {
            for byte in part.iter().map(|byte| char::from(*byte)).filter(|byte| !is_space(*byte)) {
                out.extend_from_slice(byte.encode_utf8(&mut [0; 2]).as_bytes());
            }
        })
    })
    .reading(SLOW),
    Function::new("initials", ONE, |runtime, arguments| {
        // Bytes are taken for characters, too.
        let mut begins = true;
        runtime.changed(arguments.bytes(0), |part, out| {
            for byte in part.iter().map(|byte| char::from(*byte)) {
                let first = std::mem::replace(&mut begins, is_space(byte)) && !is_space(byte);
                if first {
                    out.extend_from_slice(byte.encode_utf8(&mut [0; 2]).as_bytes());
                }
            }
        })
    })
    .reading(SLOW),
    Function::new("snakecase", ONE, |runtime, arguments| casing::separated(runtime, arguments.bytes(0), '_'))
        .copying(SLOWEST),
    Function::new("kebabcase", ONE, |runtime, arguments| casing::separated(runtime, arguments.bytes(0), '-'))
        .copying(SLOWEST),
    Function::new("camelcase", ONE, |runtime, arguments| {
        Runtime::short(arguments.bytes(0))?;
        let text = Zeroizing::new(camel(&arguments.str(0)));
        runtime.text(text.as_bytes())
    })
    .copying(SLOWEST),
    Function::new("wrap", &[Kind::Int, Kind::Text], |runtime, arguments| {
        wrap(runtime, arguments.bytes(1), arguments.int(0), b"\n", false)
    })
    .reading(SLOW),
    Function::new("wrapWith", &[Kind::Int, Kind::Text, Kind::Text], |runtime, arguments| {
        let separator = if arguments.bytes(1).is_empty() { b"\n" } else { arguments.bytes(1) };
        wrap(runtime, arguments.bytes(2), arguments.int(0), separator, true)
    })
    .reading(SLOW),
];

fn is_separator(character: char) -> bool {
    if character.is_ascii() {
        return !(character.is_ascii_alphanumeric() || character == '_');
    }
    !is_letter(character) && !is_digit(character) && is_space(character)
}

/// Words put together, each with its first letter in upper case. Of a run of connectors between words the last one
/// goes; those at the ends stay.
fn camel(text: &str) -> String {
    let start = text.find(|character| !is_connector(character)).unwrap_or(text.len());
    let (before, body) = text.split_at_checked(start).unwrap_or(("", text));
    let mut out = before.to_owned();
    let mut characters = body.chars();
    let Some(first) = characters.next() else {
        // Of connectors alone the last one is written twice.
        out.extend(before.chars().next_back());
        return out;
    };
    let mut shouts = is_upper(first);
    // The character that is not written yet.
    let mut held = to_upper(first);
    for character in characters {
        let mut character = character;
        if is_connector(held) {
            if is_connector(character) {
                out.push(held);
            } else {
                shouts = is_upper(character);
                character = to_upper(character);
            }
        } else {
            // `HTTPServer` becomes `Httpserver`.
            shouts = shouts && is_upper(character);
            if shouts {
                character = to_lower(character);
            }
            out.push(held);
        }
        held = character;
    }
    out.push(held);
    out
}

fn wrap(runtime: &mut Runtime<'_, '_>, text: &[u8], length: i64, line_end: &[u8], breaks_words: bool) -> Outcome {
    let length = to_size(length.max(1));
    let mut out = Buffer::default();
    let mut rest = text;
    while rest.len() > length {
        runtime.budget.step()?;
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
            continue;
        }
        let (line, beyond) = rest.split_at_checked(length.saturating_add(1)).unwrap_or((rest, &[]));
        runtime.budget.read(line.len(), PLAIN)?;
        let space = memchr::memrchr(b' ', line);
        let later = || memchr::memchr(b' ', beyond).map(|at| at + length + 1);
        let (end, next) = match space {
            Some(at) => (at, at + 1),
            None if breaks_words => (length, length),
            None => match later() {
                Some(at) => (at, at + 1),
                None => break,
            },
        };
        out.push(rest.get(..end).unwrap_or_default(), runtime.budget)?;
        out.push(line_end, runtime.budget)?;
        rest = rest.get(next..).unwrap_or_default();
    }
    out.push(rest, runtime.budget)?;
    runtime.written(out)
}
