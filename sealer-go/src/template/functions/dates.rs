//! Functions for dates.

use std::rc::Rc;

use super::super::buffer::Buffer;
use super::super::error::Fault;
use super::super::value::quote::excerpt;
use super::super::value::time::{
    DurationError, Zone, duration_text, parse_duration, parse_time, quoted, round_duration, since, to_bytes,
};
use super::super::value::{IntegerKind, Kind, Time, Value};
use super::convert::to_int;
use super::{Arguments, Function, Outcome, Plain, Runtime};

const DATE_IN_ZONE: Plain =
    |runtime, arguments| in_zone(runtime, &arguments.by_bytes(0), arguments.any(1), &arguments.str(2));
const MODIFY: Plain = |_, arguments| match modified(arguments) {
    Err(Fault::Failed(..)) => Ok(arguments.any(1).clone()),
    other => other,
};
const MUST_MODIFY: Plain = |_, arguments| modified(arguments);

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |runtime, _| Ok(Value::Time(Rc::new(Time::of_clock(runtime.environment.now))))),
    Function::new("date", &[Kind::Text, Kind::Any], |runtime, arguments| {
        in_zone(runtime, &arguments.by_bytes(0), arguments.any(1), "Local")
    }),
    Function::new("dateInZone", &[Kind::Text, Kind::Any, Kind::Text], DATE_IN_ZONE),
    Function::new("date_in_zone", &[Kind::Text, Kind::Any, Kind::Text], DATE_IN_ZONE),
    Function::new("htmlDate", &[Kind::Any], |runtime, arguments| {
        in_zone(runtime, "2006-01-02", arguments.any(0), "Local")
    }),
    Function::new("htmlDateInZone", &[Kind::Any, Kind::Text], |runtime, arguments| {
        in_zone(runtime, "2006-01-02", arguments.any(0), &arguments.str(1))
    }),
    Function::new("dateModify", &[Kind::Text, Kind::Time], MODIFY),
    Function::new("date_modify", &[Kind::Text, Kind::Time], MODIFY),
    Function::new("mustDateModify", &[Kind::Text, Kind::Time], MUST_MODIFY),
    Function::new("must_date_modify", &[Kind::Text, Kind::Time], MUST_MODIFY),
    Function::new("toDate", &[Kind::Text, Kind::Text], |_, arguments| {
        Runtime::short(arguments.bytes(0))?;
        Runtime::short(arguments.bytes(1))?;
        let time = parse_time(&arguments.by_bytes(0), &arguments.by_bytes(1)).unwrap_or_else(|_| Time::zero());
        Ok(Value::Time(Rc::new(time)))
    }),
    Function::new("mustToDate", &[Kind::Text, Kind::Text], |_, arguments| {
        Runtime::short(arguments.bytes(0))?;
        Runtime::short(arguments.bytes(1))?;
        parse_time(&arguments.by_bytes(0), &arguments.by_bytes(1))
            .map(|time| Value::Time(Rc::new(time)))
            .map_err(|text| Fault::new("the date does not fit its layout", text))
    }),
    Function::new("unixEpoch", &[Kind::Time], |runtime, arguments| match arguments.any(0) {
        Value::Time(time) => runtime.text(time.seconds.to_string()),
        _ => runtime.text("0"),
    }),
    Function::new("ago", &[Kind::Any], |runtime, arguments| {
        let now = Time::of_clock(runtime.environment.now);
        let time = match arguments.any(0) {
            Value::Time(time) => (**time).clone(),
            Value::Int(integer) if matches!(integer.kind, IntegerKind::Int | IntegerKind::Int64) => {
                Time::unix(integer.bits)
            }
            _ => now.clone(),
        };
        runtime.text(duration_text(round_duration(since(&now, &time), 1_000_000_000)))
    }),
    Function::new("duration", &[Kind::Any], |runtime, arguments| {
        Runtime::short(arguments.bytes(0))?;
        let seconds = match arguments.any(0) {
            Value::Text(_) => to_decimal(&arguments.str(0)),
            Value::Int(integer) if integer.kind == IntegerKind::Int64 => integer.bits,
            _ => 0,
        };
        runtime.text(duration_text(seconds.wrapping_mul(1_000_000_000)))
    }),
    Function::new("durationRound", &[Kind::Any], |runtime, arguments| {
        Runtime::short(arguments.bytes(0))?;
        let duration = match arguments.any(0) {
            Value::Text(_) => parse_duration(&arguments.by_bytes(0)).unwrap_or(0),
            Value::Int(integer) if matches!(integer.kind, IntegerKind::Int64) => integer.bits,
            Value::Time(time) => since(&Time::of_clock(runtime.environment.now), time),
            _ => 0,
        };
        runtime.text(rounded(duration))
    }),
];

/// A decimal number; what is out of range becomes the nearest one, as Go has it beside its error.
fn to_decimal(text: &str) -> i64 {
    super::convert::atoi(text.as_bytes())
}

fn in_zone(runtime: &mut Runtime<'_, '_>, layout: &str, date: &Value, zone: &str) -> Outcome {
    let zone = Zone::named(zone).unwrap_or(Zone::Utc);
    let time = match date {
        Value::Time(time) => (**time).clone(),
        Value::Int(integer) if matches!(integer.kind, IntegerKind::Int | IntegerKind::Int64) => {
            Time::unix(to_int(date))
        }
        _ => Time::of_clock(runtime.environment.now),
    };
    formatted(runtime, &time.in_zone(zone), layout)
}

/// The time under a layout, given with a character for each byte. One letter can stand for a long name.
pub(super) fn formatted(runtime: &mut Runtime<'_, '_>, time: &Time, layout: &str) -> Outcome {
    Runtime::short(layout.as_bytes())?;
    runtime.budget.steps(layout.len() as u64)?;
    let mut text = Buffer::default();
    for part in time.parts(layout) {
        text.push(&to_bytes(&part), runtime.budget)?;
    }
    runtime.written(text)
}

fn modified(arguments: Arguments<'_>) -> Outcome {
    Runtime::short(arguments.bytes(0))?;
    let duration = parse_duration(&arguments.by_bytes(0)).map_err(|error| {
        let shown = quoted(excerpt(arguments.bytes(0)));
        let text = match error {
            DurationError::Invalid => format!("time: invalid duration {shown}"),
            DurationError::MissingUnit => format!("time: missing unit in duration {shown}"),
            DurationError::UnknownUnit(unit) => {
                let unit = quoted(excerpt(&to_bytes(&unit)));
                format!("time: unknown unit {unit} in duration {shown}")
            }
        };
        Fault::new("wrong duration", text)
    })?;
    match arguments.any(1) {
        Value::Time(time) => Ok(Value::Time(Rc::new(time.add(duration)))),
        other => Ok(other.clone()),
    }
}

/// The duration in its largest unit, without its sign.
fn rounded(duration: i64) -> String {
    let size = duration.unsigned_abs();
    let units = [(YEAR, "y"), (MONTH, "mo"), (DAY, "d"), (HOUR, "h"), (60, "m"), (1, "s")]
        .map(|(seconds, name)| (seconds * 1_000_000_000, name));
    for (unit, name) in units {
        if size > unit {
            return format!("{}{name}", size / unit);
        }
    }
    "0s".to_owned()
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;
