//! How do templates calculate?

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
    let power = 10_f64.powf(arguments.int(1) as f64);
    let shifted = power * to_float(arguments.any(0));
    let rounded = if shifted.fract() >= from { shifted.ceil() } else { shifted.floor() };
    Ok(Value::Float(rounded / power))
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
