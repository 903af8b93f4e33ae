//! Prints texts (`fmt`).

use zeroize::Zeroizing;

use super::super::buffer::Buffer;
use super::super::costs::SLOW;
use super::super::value::quote::{push_escaped, push_hex_byte};
use super::super::value::{Value, blocks, chars};
use super::printer::{Printed, Printer};

impl Printer<'_, '_> {
    pub(super) fn text(&mut self, bytes: &[u8], verb: char, value: &Value) -> Printed {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(bytes),
            'v' | 's' => self.pad(self.truncated(bytes)),
            'x' | 'X' => self.hexadecimal(bytes, verb == 'X'),
            'q' => self.quoted(self.truncated(bytes)),
            _ => self.bad_verb(value, verb),
        }
    }

    /// As many characters as the precision lets through.
    fn truncated<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(precision) = self.flags.precision else {
            return bytes;
        };
        let end = chars(bytes).nth(precision).map_or(bytes.len(), |(offset, ..)| offset);
        bytes.get(..end).unwrap_or(bytes)
    }

    fn quoted(&mut self, bytes: &[u8]) -> Printed {
        self.budget.read(bytes.len(), SLOW)?;
        let mut text = Buffer::default();
        if self.flags.sharp && can_backquote(bytes) {
            for part in [b"`".as_slice(), bytes, b"`"] {
                text.push(part, self.budget)?;
            }
        } else {
            text.push(b"\"", self.budget)?;
            for block in blocks(bytes) {
                self.budget.check_clock()?;
                text.push(Zeroizing::new(quote(block, self.flags.plus)).as_bytes(), self.budget)?;
            }
            text.push(b"\"", self.budget)?;
        }
        self.pad(text.as_slice())?;
        text.give_back(self.budget);
        Ok(())
    }

    fn hexadecimal(&mut self, bytes: &[u8], upper: bool) -> Printed {
        let flags = self.flags;
        let length = flags.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()));
        self.budget.read(length, SLOW)?;
        let prefix: &[u8] = match (flags.sharp, upper) {
            (false, _) => b"",
            (true, false) => b"0x",
            (true, true) => b"0X",
        };
        let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let digit = |at: u8| digits.get(usize::from(at)).copied().unwrap_or(b'0');
        let mut text = Buffer::default();
        for (index, byte) in bytes.iter().take(length).enumerate() {
            if index == 0 {
                text.push(prefix, self.budget)?;
            } else if flags.space {
                text.push(b" ", self.budget)?;
                text.push(prefix, self.budget)?;
            }
            text.push(&[digit(byte >> 4), digit(byte & 15)], self.budget)?;
            if index % LOOK == 0 {
                self.budget.check_clock()?;
            }
        }
        self.pad(text.as_slice())?;
        text.give_back(self.budget);
        Ok(())
    }
}

/// Bytes between two looks at the clock.
const LOOK: usize = 4 << 10;

/// A part of a quoted text.
fn quote(bytes: &[u8], ascii_only: bool) -> String {
    let mut text = String::new();
    for (offset, character, _) in chars(bytes) {
        match character {
            Some('"') => text.push_str("\\\""),
            Some(character) => push_escaped(&mut text, character, ascii_only),
            None => push_hex_byte(&mut text, bytes.get(offset).copied().unwrap_or(0)),
        }
    }
    text
}

fn can_backquote(bytes: &[u8]) -> bool {
    chars(bytes).all(|(_, character, _)| match character {
        None | Some('`' | '\u{7F}' | '\u{FEFF}') => false,
        Some(character) => character >= ' ' || character == '\t',
    })
}
