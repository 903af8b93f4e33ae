//! Prints floating point numbers (`fmt`, `strconv`).

use super::super::number::{EXACT_DIGITS, decimal_digits};
use super::super::value::Value;
use super::printer::{Printed, Printer};

impl Printer<'_, '_> {
    pub(super) fn float(&mut self, number: f64, verb: char, value: &Value) -> Printed {
        match verb {
            'v' => self.number(number, 'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.number(number, verb, None),
            'f' | 'e' | 'E' => self.number(number, verb, Some(6)),
            'F' => self.number(number, 'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn complex(&mut self, real: f64, imaginary: f64, verb: char, value: &Value) -> Printed {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.push(b"(")?;
        self.float(real, verb, value)?;
        self.flags.plus = true;
        self.float(imaginary, verb, value)?;
        self.push(b"i)")?;
        self.flags.plus = plus;
        Ok(())
    }

    fn number(&mut self, number: f64, verb: char, default: Option<usize>) -> Printed {
        // Digits beyond a number's own are zeros; the text is held several times while it is written.
        let room = self.flags.precision.unwrap_or(0).saturating_add(NUMBER).saturating_mul(4);
        self.budget.allocate(room)?;
        self.padded_number(number, verb, default)?;
        self.budget.release(room);
        Ok(())
    }

    fn padded_number(&mut self, number: f64, verb: char, default: Option<usize>) -> Printed {
        let flags = self.flags;
        let precision = flags.precision.or(default);
        let mut text = go_float(number, verb, precision);
        if !text.starts_with(['+', '-']) {
            text.insert(0, '+');
        }
        if flags.space && !flags.plus && text.starts_with('+') {
            text.replace_range(..1, " ");
        }
        if !number.is_finite() {
            let bare = number.is_nan() && !flags.space && !flags.plus;
            return self.pad_without_zeros(text.get(usize::from(bare)..).unwrap_or("").as_bytes());
        }
        if flags.sharp && verb != 'b' {
            text = with_point(&text, verb, precision);
        }
        if !flags.plus && text.starts_with('+') {
            return self.pad(text.get(1..).unwrap_or("").as_bytes());
        }
        match flags.width {
            Some(width) if flags.zero && !flags.minus && width > text.len() => {
                let (sign, digits) = text.split_at_checked(1).unwrap_or(("", &text));
                self.push(sign.as_bytes())?;
                self.padding(width - text.len())?;
                self.push(digits.as_bytes())
            }
            _ => self.pad(text.as_bytes()),
        }
    }
}

/// The number with a point, and for `%g` with as many digits as its precision says.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let hexadecimal = matches!(verb, 'x' | 'X');
    let tail_at = text.find(if hexadecimal { ['p', 'P'] } else { ['e', 'E'] }).unwrap_or(text.len());
    let (body, tail) = text.split_at_checked(tail_at).unwrap_or((text, ""));
    let mut missing = match verb {
        'g' | 'G' | 'x' | 'X' => precision.unwrap_or(6),
        _ => 0,
    };
    let mut body = body.to_owned();
    let significant =
        body.chars().skip(1).filter(|character| *character != '.').skip_while(|character| *character == '0').count();
    missing = missing.saturating_sub(significant);
    if !body.contains('.') {
        if body.get(1..) == Some("0") {
            missing = missing.saturating_sub(1);
        }
        body.push('.');
    }
    body.extend(std::iter::repeat_n('0', missing));
    body + tail
}

/// Go's `strconv.FormatFloat` for 64 bits; no precision means the shortest text that reads back.
pub(crate) fn go_float(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let number = number.abs();
    let body = match verb {
        'e' | 'E' => exponential(number, precision, verb),
        'f' => fixed(number, precision),
        'x' | 'X' => hexadecimal(number, precision, verb),
        'b' => binary(number),
        _ => general(number, precision, verb),
    };
    format!("{sign}{body}")
}

fn exponential(number: f64, precision: Option<usize>, verb: char) -> String {
    let (digits, point) = decimal_digits(number, precision.map(|precision| precision + 1));
    let count = precision.unwrap_or_else(|| digits.len().saturating_sub(1));
    from_digits(&digits, point, count, verb)
}

fn from_digits(digits: &[u8], point: i32, behind: usize, verb: char) -> String {
    let mut text = String::new();
    let mut all = digits.iter().copied().map(char::from).chain(std::iter::repeat('0'));
    text.extend(all.next());
    if behind > 0 {
        text.push('.');
        text.extend(all.take(behind));
    }
    let exponent = if digits.is_empty() { 0 } else { point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    let mark = if verb.is_ascii_uppercase() { 'E' } else { 'e' };
    text + &format!("{mark}{sign}{:02}", exponent.abs())
}

fn fixed(number: f64, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => {
            let exact = precision.min(EXACT_DIGITS);
            let mut text = format!("{number:.exact$}");
            text.extend(std::iter::repeat_n('0', precision - exact));
            text
        }
        None => {
            let (digits, point) = decimal_digits(number, None);
            plain_digits(&digits, point, digits.len())
        }
    }
}

/// Digits without an exponent, `count` of them significant.
fn plain_digits(digits: &[u8], point: i32, count: usize) -> String {
    let mut text = String::new();
    let whole = usize::try_from(point).unwrap_or(0);
    let mut all = digits.iter().copied().map(char::from).chain(std::iter::repeat('0'));
    if whole == 0 {
        text.push('0');
    } else {
        text.extend(all.by_ref().take(whole));
    }
    if count > whole {
        text.push('.');
        text.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
        text.extend(all.take(count - whole));
    }
    text
}

fn general(number: f64, precision: Option<usize>, verb: char) -> String {
    let wanted = precision.map(|precision| precision.max(1));
    let (digits, point) = decimal_digits(number, wanted);
    let whole = usize::try_from(point).unwrap_or(0);
    let mut limit = wanted.unwrap_or(6);
    if limit > digits.len() && digits.len() >= whole {
        limit = digits.len();
    }
    if wanted.is_none() {
        limit = 6;
    }
    let exponent = point - 1;
    if !digits.is_empty() && (exponent < -4 || exponent >= i32::try_from(limit).unwrap_or(i32::MAX)) {
        return from_digits(&digits, point, digits.len() - 1, verb);
    }
    plain_digits(&digits, point, digits.len())
}

fn binary(number: f64) -> String {
    let (mantissa, exponent) = parts(number);
    format!("{mantissa}p{}{}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// The number as an integer and a power of two.
fn parts(number: f64) -> (u64, i64) {
    let bits = number.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7FF).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn hexadecimal(number: f64, precision: Option<usize>, verb: char) -> String {
    let (mut mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    } else {
        exponent += 52;
        mantissa <<= 8;
        while mantissa >> 60 == 0 {
            mantissa <<= 1;
            exponent -= 1;
        }
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = (precision * 4).try_into().unwrap_or(0_u32);
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa >> 60 > 1 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let mut digits = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => fraction.chars().chain(std::iter::repeat('0')).take(precision).collect(),
    };
    if !digits.is_empty() {
        digits.insert(0, '.');
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{digits}p{sign}{:02}", mantissa >> 60, exponent.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}

/// Bytes of a number that is written without a precision.
const NUMBER: usize = 1200;
