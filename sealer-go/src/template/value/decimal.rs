//! Exact arithmetic with decimal numbers (`shopspring/decimal`).

use num_bigint::{BigInt, Sign};

use super::super::number::decimal_digits;

/// A number times a power of ten.
#[derive(Clone)]
pub(crate) struct Decimal {
    coefficient: BigInt,
    exponent: i64,
}

impl Decimal {
    pub(crate) fn zero() -> Self {
        Self { coefficient: BigInt::ZERO, exponent: 0 }
    }

    pub(crate) fn one() -> Self {
        Self { coefficient: 1.into(), exponent: 0 }
    }

    /// The shortest decimal number that stands for `number`, or `None` if it is not finite.
    pub(crate) fn from_float(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let (digits, point) = decimal_digits(number.abs(), None);
        if digits.is_empty() {
            return Some(Self::zero());
        }
        let magnitude = BigInt::parse_bytes(&digits, 10)?;
        let coefficient = if number < 0.0 { -magnitude } else { magnitude };
        Some(Self { coefficient, exponent: i64::from(point) - i64::try_from(digits.len()).ok()? })
    }

    /// Bits of the coefficient.
    pub(crate) fn size(&self) -> u64 {
        self.coefficient.bits()
    }

    fn scaled(&self, exponent: i64) -> BigInt {
        &self.coefficient * power_of_ten(self.exponent - exponent)
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { coefficient: self.scaled(exponent) + other.scaled(exponent), exponent }
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { coefficient: self.scaled(exponent) - other.scaled(exponent), exponent }
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        Self { coefficient: &self.coefficient * &other.coefficient, exponent: self.exponent + other.exponent }
    }

    /// The quotient with 16 digits behind the point, half rounded away from zero.
    pub(crate) fn div(&self, other: &Self) -> Option<Self> {
        if other.coefficient.sign() == Sign::NoSign {
            return None;
        }
        let shift = self.exponent - other.exponent + DIGITS;
        let (numerator, denominator) = if shift >= 0 {
            (&self.coefficient * power_of_ten(shift), other.coefficient.clone())
        } else {
            (self.coefficient.clone(), &other.coefficient * power_of_ten(-shift))
        };
        let quotient = &numerator / &denominator;
        let remainder = &numerator - &quotient * &denominator;
        let up = remainder.magnitude() * 2_u32 >= *denominator.magnitude() && remainder.sign() != Sign::NoSign;
        let step = if numerator.sign() == denominator.sign() { 1 } else { -1 };
        let coefficient = if up { quotient + step } else { quotient };
        Some(Self { coefficient, exponent: -DIGITS })
    }

    pub(crate) fn to_float(&self) -> f64 {
        format!("{}e{}", self.coefficient, self.exponent).parse().unwrap_or(0.0)
    }
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

/// Digits behind the point of a quotient.
const DIGITS: i64 = 16;
