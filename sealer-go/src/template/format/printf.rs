//! Prints arguments by a format text (`fmt.Sprintf`).

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::value::{Value, rune_at, type_name};
use super::printer::{Flags, Printed, Printer};

/// Go's `Sprintf`.
pub(crate) fn sprintf(format: &[u8], arguments: &[Value], budget: &mut Budget<'_>) -> Result<Buffer, Fault> {
    let mut formatter = Formatter {
        printer: Printer::new(budget),
        format,
        arguments,
        at: 0,
        next: 0,
        reordered: false,
        good_index: true,
        after_index: false,
    };
    formatter.run()?;
    Ok(formatter.printer.out)
}

struct Formatter<'a, 'b, 'c> {
    printer: Printer<'b, 'c>,
    format: &'a [u8],
    arguments: &'a [Value],
    at: usize,
    next: usize,
    reordered: bool,
    good_index: bool,
    after_index: bool,
}

impl Formatter<'_, '_, '_> {
    fn run(&mut self) -> Printed {
        while let Some(rest) = self.format.get(self.at..).filter(|rest| !rest.is_empty()) {
            self.good_index = true;
            let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.printer.push(rest.get(..plain).unwrap_or_default())?;
            self.at += plain;
            if self.at >= self.format.len() {
                break;
            }
            self.at += 1;
            self.after_index = false;
            self.directive()?;
        }
        if self.reordered { Ok(()) } else { self.extra_arguments() }
    }

    fn byte(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn directive(&mut self) -> Printed {
        self.printer.budget.step()?;
        self.flags();
        self.index();
        self.width()?;
        // A point at the very end is a verb.
        if self.byte() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            self.precision()?;
        }
        if !self.after_index {
            self.index();
        }
        let Some((verb, width)) = rune_at(self.format.get(self.at..).unwrap_or_default()) else {
            return self.printer.push(b"%!(NOVERB)");
        };
        self.at += width;
        self.verb(verb.unwrap_or('\u{FFFD}'))
    }

    fn flags(&mut self) {
        let mut flags = Flags::default();
        loop {
            match self.byte() {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        self.printer.flags = flags;
    }

    fn width(&mut self) -> Printed {
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.integer_argument() {
                Some(width) => {
                    self.printer.flags.width = Some(width.unsigned_abs().try_into().unwrap_or(0));
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                }
                None => self.printer.push(b"%!(BADWIDTH)")?,
            }
            self.after_index = false;
            return Ok(());
        }
        self.printer.flags.width = self.parse_number();
        if self.after_index && self.printer.flags.width.is_some() {
            self.good_index = false;
        }
        Ok(())
    }

    fn precision(&mut self) -> Printed {
        if self.after_index {
            self.good_index = false;
        }
        self.index();
        if self.byte() == Some(b'*') {
            self.at += 1;
            self.printer.flags.precision = self.integer_argument().and_then(|number| usize::try_from(number).ok());
            if self.printer.flags.precision.is_none() {
                self.printer.push(b"%!(BADPREC)")?;
            }
            self.after_index = false;
            return Ok(());
        }
        self.printer.flags.precision = Some(self.parse_number().unwrap_or(0));
        Ok(())
    }

    /// An integer in the format. One that is too large uses up the whole format.
    fn parse_number(&mut self) -> Option<usize> {
        let rest = self.format.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = parse_digits(rest.get(..length).unwrap_or_default());
        self.at = if number.is_some() || length == 0 { self.at + length } else { self.format.len() };
        number
    }

    fn integer_argument(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        match argument {
            Value::Int(integer) => i64::try_from(integer.wide()).ok().filter(|number| LARGEST.contains(number)),
            _ => None,
        }
    }

    /// An explicit `[index]` of the next argument.
    fn index(&mut self) {
        if self.byte() != Some(b'[') {
            self.after_index = false;
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let closing = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(closing) = closing else {
            self.good_index = false;
            self.after_index = false;
            self.at += 1;
            return;
        };
        let number = rest.get(1..closing).and_then(parse_digits);
        self.at += closing + 1;
        self.after_index = number.is_some();
        match number.and_then(|number| number.checked_sub(1)).filter(|index| *index < self.arguments.len()) {
            Some(index) => self.next = index,
            None => self.good_index = false,
        }
    }

    fn verb(&mut self, verb: char) -> Printed {
        if verb == '%' {
            return self.printer.push(b"%");
        }
        if !self.good_index {
            return self.printer.push(format!("%!{verb}(BADINDEX)").as_bytes());
        }
        let Some(argument) = self.arguments.get(self.next) else {
            return self.printer.push(format!("%!{verb}(MISSING)").as_bytes());
        };
        if matches!(verb, 'v' | 'w') {
            let flags = &mut self.printer.flags;
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        self.next += 1;
        self.printer.print_argument(argument, verb)
    }

    fn extra_arguments(&mut self) -> Printed {
        let Some(extra) = self.arguments.get(self.next..).filter(|extra| !extra.is_empty()) else {
            return Ok(());
        };
        self.printer.flags = Flags::default();
        self.printer.push(b"%!(EXTRA ")?;
        for (index, argument) in extra.iter().enumerate() {
            if index > 0 {
                self.printer.push(b", ")?;
            }
            if argument.is_nil() {
                self.printer.push(b"<nil>")?;
            } else {
                self.printer.push(type_name(argument).as_bytes())?;
                self.printer.push(b"=")?;
                self.printer.print_argument(argument, 'v')?;
            }
        }
        self.printer.push(b")")
    }
}

/// A number of digits alone. Go looks at what it has before each further digit, so that one of eight can be read.
fn parse_digits(digits: &[u8]) -> Option<usize> {
    let mut number = None;
    for byte in digits {
        let before = number.unwrap_or(0);
        if !byte.is_ascii_digit() || before > LARGEST_BEFORE {
            return None;
        }
        number = Some(before * 10 + usize::from(byte - b'0'));
    }
    number
}

/// Widths and precisions that an argument may give.
const LARGEST: std::ops::RangeInclusive<i64> = -1_000_000..=1_000_000;
/// What a number may be before its last digit.
const LARGEST_BEFORE: usize = 1_000_000;
