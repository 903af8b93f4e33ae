//! Functions that calculate.

use super::super::error::Fault;
use super::super::value::{Decimal, Kind, Value};
use super::convert::{to_float, to_int};
use super::{Arguments, Function, Outcome, Plain, Runtime};

const ONE: &[Kind] = &[Kind::Any];
const TWO: &[Kind] = &[Kind::Any, Kind::Any];
const BIGGEST: Plain = |_, arguments| Ok(Value::int64(arguments.0.iter().map(to_int).max().unwrap_or(0)));

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("add1", ONE, |_, arguments| Ok(Value::int64(to_int(arguments.any(0)).wrapping_add(1)))),
    Function::variadic("add", &[], Kind::Any, |_, arguments| {
        Ok(Value::int64(arguments.0.iter().map(to_int).fold(0, i64::wrapping_add)))
    }),
    Function::new("sub", TWO, |_, arguments| {
        Ok(Value::int64(to_int(arguments.any(0)).wrapping_sub(to_int(arguments.any(1)))))
    }),
    Function::new("div", TWO, |_, arguments| divide(arguments, i64::wrapping_div)),
    Function::new("mod", TWO, |_, arguments| divide(arguments, i64::wrapping_rem)),
    Function::variadic("mul", ONE, Kind::Any, |_, arguments| {
        Ok(Value::int64(arguments.0.iter().map(to_int).fold(1, i64::wrapping_mul)))
    }),
    Function::variadic("max", ONE, Kind::Any, BIGGEST),
    Function::variadic("biggest", ONE, Kind::Any, BIGGEST),
    Function::variadic("min", ONE, Kind::Any, |_, arguments| {
        Ok(Value::int64(arguments.0.iter().map(to_int).min().unwrap_or(0)))
    }),
    Function::variadic("maxf", ONE, Kind::Any, |_, arguments| Ok(fold_floats(arguments, go_max))),
    Function::variadic("minf", ONE, Kind::Any, |_, arguments| Ok(fold_floats(arguments, go_min))),
    Function::new("ceil", ONE, |_, arguments| Ok(Value::Float(to_float(arguments.any(0)).ceil()))),
    Function::new("floor", ONE, |_, arguments| Ok(Value::Float(to_float(arguments.any(0)).floor()))),
    Function::variadic("round", &[Kind::Any, Kind::Int], Kind::Float, round),
    Function::new("add1f", ONE, |runtime, arguments| {
        let sum = decimal(arguments.any(0))?.add(&Decimal::one());
        settle(runtime, &sum)
    }),
    Function::variadic("addf", &[], Kind::Any, |runtime, arguments| {
        let start = Decimal::zero();
        decimals(runtime, start, arguments.0, |sum, value| Ok(sum.add(value)))
    }),
    Function::variadic("subf", ONE, Kind::Any, |runtime, arguments| {
        let start = decimal(arguments.any(0))?;
        decimals(runtime, start, arguments.from(1), |sum, value| Ok(sum.sub(value)))
    }),
    Function::variadic("mulf", ONE, Kind::Any, |runtime, arguments| {
        let start = decimal(arguments.any(0))?;
        decimals(runtime, start, arguments.from(1), |sum, value| Ok(sum.mul(value)))
    }),
    Function::variadic("divf", ONE, Kind::Any, |runtime, arguments| {
        let start = decimal(arguments.any(0))?;
        decimals(runtime, start, arguments.from(1), |sum, value| {
            sum.div(value).ok_or_else(|| Fault::plain("decimal division by 0"))
        })
    }),
];

fn divide(arguments: Arguments<'_>, how: fn(i64, i64) -> i64) -> Outcome {
    match to_int(arguments.any(1)) {
        0 => Err(Fault::new("division by zero", "runtime error: integer divide by zero")),
        divisor => Ok(Value::int64(how(to_int(arguments.any(0)), divisor))),
    }
}

fn fold_floats(arguments: Arguments<'_>, how: fn(f64, f64) -> f64) -> Value {
    Value::Float(arguments.0.iter().map(to_float).reduce(how).unwrap_or(0.0))
}

/// Go's `math.Max`: no number at all wins.
fn go_max(a: f64, b: f64) -> f64 {
    if a.is_infinite() && a > 0.0 || b.is_infinite() && b > 0.0 {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

fn go_min(a: f64, b: f64) -> f64 {
    -go_max(-a, -b)
}

fn round(_: &mut Runtime<'_, '_>, arguments: Arguments<'_>) -> Outcome {
    let from = match arguments.any(2) {
        Value::Float(from) => *from,
        _ => 0.5,
    };
    let power = power_of_ten(arguments.int(1));
    let shifted = power * to_float(arguments.any(0));
    let rounded = if shifted.fract() >= from { shifted.ceil() } else { shifted.floor() };
    Ok(Value::Float(rounded / power))
}

/// Ten to the power of `exponent`, multiplied as Go does it, which is not always the nearest number.
fn power_of_ten(exponent: i64) -> f64 {
    if exponent == 0 || exponent == 1 {
        return if exponent == 0 { 1.0 } else { 10.0 };
    }
    // As a floating point number has it: what is too large for one gives infinity or nothing all the same.
    let mut left = exponent.unsigned_abs();
    let (mut fraction, mut shift) = (1.0_f64, 0_i64);
    let (mut factor, mut factor_shift) = (0.625_f64, 4_i64);
    while left != 0 {
        if factor_shift.abs() > 1 << 12 {
            shift += factor_shift;
            break;
        }
        if left & 1 == 1 {
            fraction *= factor;
            shift += factor_shift;
        }
        factor *= factor;
        factor_shift <<= 1;
        if factor < 0.5 {
            factor += factor;
            factor_shift -= 1;
        }
        left >>= 1;
    }
    if exponent < 0 { times_power_of_two(1.0 / fraction, -shift) } else { times_power_of_two(fraction, shift) }
}

/// A positive number near one times two to the power of `shift`, rounded once.
fn times_power_of_two(number: f64, shift: i64) -> f64 {
    let bits = number.to_bits();
    let exponent = shift + i64::try_from(bits >> 52).unwrap_or(0) - 1023;
    if exponent < -1075 {
        return 0.0;
    }
    if exponent > 1023 {
        return f64::INFINITY;
    }
    let (exponent, scale) =
        if exponent < -1022 { (exponent + 53, 1.0 / (1_u64 << 53) as f64) } else { (exponent, 1.0) };
    let exponent = u64::try_from(exponent + 1023).unwrap_or(0);
    scale * f64::from_bits(bits & ((1 << 52) - 1) | exponent << 52)
}

fn decimal(value: &Value) -> Result<Decimal, Fault> {
    let float = to_float(value);
    Decimal::from_float(float).ok_or_else(|| {
        let shown = super::super::format::go_float(float, 'g', None);
        let text = format!("Cannot create a Decimal from {shown}");
        Fault::new("a number must be finite", text)
    })
}

fn decimals(
    runtime: &mut Runtime<'_, '_>,
    start: Decimal,
    values: &[Value],
    how: fn(&Decimal, &Decimal) -> Result<Decimal, Fault>,
) -> Outcome {
    let mut sum = start;
    for value in values {
        runtime.budget.steps(1 + sum.size() / 8)?;
        sum = how(&sum, &decimal(value)?)?;
    }
    settle(runtime, &sum)
}

fn settle(runtime: &mut Runtime<'_, '_>, sum: &Decimal) -> Outcome {
    runtime.budget.steps(sum.size() / 8)?;
    Ok(Value::Float(sum.to_float()))
}
