//! How are texts printed?

use super::super::error::Fault;
use super::super::syntax::{push_escaped, push_hex_byte};
use super::super::value::{Value, chars};
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
        if bytes.len() > self.budget.allocation_left() / 4 {
            return Err(Fault::Limit("too much memory"));
        }
        if self.flags.sharp && can_backquote(bytes) {
            let text = [b"`", bytes, b"`"].concat();
            return self.pad(&text);
        }
        let text = quote(bytes, self.flags.plus);
        self.pad(text.as_bytes())
    }

    fn hexadecimal(&mut self, bytes: &[u8], upper: bool) -> Printed {
        let flags = self.flags;
        let length = flags.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()));
        if length > self.budget.allocation_left() / 5 {
            return Err(Fault::Limit("too much memory"));
        }
        let prefix = match (flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut text = String::new();
        for (index, byte) in bytes.iter().take(length).enumerate() {
            if index == 0 {
                text.push_str(prefix);
            } else if flags.space {
                text.push(' ');
                text.push_str(prefix);
            }
            text.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(text.as_bytes())
    }
}

fn quote(bytes: &[u8], ascii_only: bool) -> String {
    let mut text = String::from("\"");
    for (offset, character, _) in chars(bytes) {
        match character {
            Some('"') => text.push_str("\\\""),
            Some(character) => push_escaped(&mut text, character, ascii_only),
            None => push_hex_byte(&mut text, bytes.get(offset).copied().unwrap_or(0)),
        }
    }
    text.push('"');
    text
}

fn can_backquote(bytes: &[u8]) -> bool {
    chars(bytes).all(|(_, character, _)| match character {
        None | Some('`' | '\u{7F}' | '\u{FEFF}') => false,
        Some(character) => character >= ' ' || character == '\t',
    })
}
