//! Prints integers (`fmt`).

use super::super::value::quote::push_escaped;
use super::super::value::{Integer, Value, is_printable};
use super::printer::{Printed, Printer};

impl Printer<'_, '_> {
    pub(super) fn integer(&mut self, integer: Integer, verb: char, value: &Value) -> Printed {
        let wide = integer.wide();
        match verb {
            'v' if self.flags.sharp_v && integer.kind.is_unsigned() => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                let result = self.digits(wide, 16, verb);
                self.flags.sharp = sharp;
                result
            }
            'v' | 'd' => self.digits(wide, 10, verb),
            'b' => self.digits(wide, 2, verb),
            'o' | 'O' => self.digits(wide, 8, verb),
            'x' | 'X' => self.digits(wide, 16, verb),
            'c' => self.pad(character(wide).encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => self.quoted_character(character(wide)),
            'U' => self.code_point(wide),
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, number: i128, base: u32, verb: char) -> Printed {
        let flags = self.flags;
        let negative = number < 0;
        let magnitude = number.unsigned_abs();
        let signed = negative || flags.plus || flags.space;
        let zeros = match (flags.precision, flags.width) {
            (Some(0), width) if magnitude == 0 => {
                let zero = std::mem::replace(&mut self.flags.zero, false);
                let result = self.padding(width.unwrap_or(0));
                self.flags.zero = zero;
                return result;
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(signed)),
            _ => 0,
        };
        let digits = in_base(magnitude, base, verb == 'X');
        let missing = zeros.saturating_sub(digits.len());
        let room = missing + digits.len() + 3;
        self.budget.allocate(room)?;
        let mut text = String::with_capacity(room);
        text.push_str(if negative {
            "-"
        } else if flags.plus {
            "+"
        } else if flags.space {
            " "
        } else {
            ""
        });
        if verb == 'O' {
            text.push_str("0o");
        }
        if flags.sharp {
            text.push_str(match base {
                2 => "0b",
                8 if missing == 0 && !digits.starts_with('0') => "0",
                16 if verb == 'X' => "0X",
                16 => "0x",
                _ => "",
            });
        }
        text.extend(std::iter::repeat_n('0', missing));
        text.push_str(&digits);
        self.pad_without_zeros(text.as_bytes())?;
        self.budget.release(room);
        Ok(())
    }

    fn quoted_character(&mut self, character: char) -> Printed {
        let mut text = String::from("'");
        if character == '\'' {
            text.push_str("\\'");
        } else {
            push_escaped(&mut text, character, self.flags.plus);
        }
        text.push('\'');
        self.pad(text.as_bytes())
    }

    fn code_point(&mut self, number: i128) -> Printed {
        let bits = u64::try_from(number).unwrap_or_else(|_| i64::try_from(number).unwrap_or(0).cast_unsigned());
        let least = self.flags.precision.unwrap_or(0).max(4);
        // The zeros on their own, and in the text.
        let room = least.saturating_mul(3);
        self.budget.allocate(room)?;
        let digits = format!("{bits:X}");
        let mut text = format!("U+{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let printable = u32::try_from(bits).ok().and_then(char::from_u32).filter(|character| is_printable(*character));
        if let Some(character) = printable.filter(|_| self.flags.sharp) {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_without_zeros(text.as_bytes())?;
        self.budget.release(room);
        Ok(())
    }
}

fn character(number: i128) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{FFFD}')
}

fn in_base(magnitude: u128, base: u32, upper: bool) -> String {
    match base {
        2 => format!("{magnitude:b}"),
        8 => format!("{magnitude:o}"),
        16 if upper => format!("{magnitude:X}"),
        16 => format!("{magnitude:x}"),
        _ => magnitude.to_string(),
    }
}
