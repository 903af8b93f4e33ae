//! Reads what a backslash in a regular expression means (`regexp/syntax`).

use regex_syntax::hir::{Class, ClassUnicode, Hir, Look};

use super::Refusal;
use super::parser::{Parsed, Parser};

impl Parser<'_, '_, '_> {
    /// A backslash outside of brackets.
    pub(super) fn escaped(&mut self) -> Parsed<()> {
        let before = self.rest;
        let look = match before.as_bytes().get(1) {
            Some(b'A') => Look::Start,
            Some(b'z') => Look::End,
            Some(b'b') => Look::WordAscii,
            Some(b'B') => Look::WordAsciiNegate,
            Some(b'Q') => {
                return self.quoted();
            }
            _ => return self.escaped_character(),
        };
        self.advance(2);
        self.push(Hir::look(look))
    }

    /// `\Q…\E`: everything between stands for itself.
    fn quoted(&mut self) -> Parsed<()> {
        let text = self.rest.get(2..).unwrap_or_default();
        let (literal, rest) = text.split_once(r"\E").unwrap_or((text, ""));
        for character in literal.chars() {
            self.literal(character)?;
        }
        self.rest = rest;
        Ok(())
    }

    fn escaped_character(&mut self) -> Parsed<()> {
        if let Some(class) = self.class_escape()? {
            return self.push_class(class);
        }
        match self.character_escape()? {
            Some(character) => self.literal(character),
            None => self.push(Hir::class(Class::Unicode(ClassUnicode::empty()))),
        }
    }

    /// A backslash that stands for one character; none for a code that no character has.
    pub(super) fn character_escape(&mut self) -> Parsed<Option<char>> {
        let before = self.rest;
        self.advance(1);
        let Some(character) = self.rest.chars().next() else {
            return Err(Refusal::wrong("trailing backslash at end of expression", ""));
        };
        self.advance(character.len_utf8());
        let code = match character {
            '1'..='7' if !self.rest.starts_with(is_octal) => None,
            '0'..='7' => Some(self.octal(character)),
            'x' => self.hexadecimal(),
            'a' => Some(7),
            'f' => Some(0xC),
            'n' => Some(0xA),
            'r' => Some(0xD),
            't' => Some(9),
            'v' => Some(0xB),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
            _ => None,
        };
        match code {
            Some(code) => Ok(char::from_u32(code)),
            None => Err(Refusal::wrong("invalid escape sequence", self.since(before))),
        }
    }

    fn octal(&mut self, first: char) -> u32 {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|character| character.to_digit(8)) else {
                break;
            };
            self.advance(1);
            code = code * 8 + digit;
        }
        code
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.taken()?;
        if first != '{' {
            let second = self.taken()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut code = None;
        loop {
            match self.taken()? {
                '}' => return code,
                other => {
                    let wider = code.unwrap_or(0) * 16 + other.to_digit(16)?;
                    code = (wider <= u32::from(char::MAX)).then_some(wider);
                    code?;
                }
            }
        }
    }

    fn taken(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.advance(character.len_utf8());
        Some(character)
    }
}

fn is_octal(character: char) -> bool {
    character.is_digit(8)
}
