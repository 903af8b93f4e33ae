//! Methods of values.

mod errors;
mod marshal;
mod versions;

use std::rc::Rc;

use super::super::error::Fault;
use super::super::value::time::{self, Zone, since};
use super::super::value::{IntegerKind, Kind, Time, Value};
use super::{Arguments, Function, Plain};

/// The method `name` of the value's type.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods: &[Function] = match receiver {
        Value::Time(_) => TIME,
        Value::Location(_) => LOCATION,
        Value::Version(version) if version.pointer => {
            return versions::POINTER.iter().chain(versions::PLAIN).find(|method| method.name == name);
        }
        Value::Version(_) => versions::PLAIN,
        Value::Error { problem, .. } if problem.inner().is_some() => errors::NESTED,
        Value::Error { .. } => errors::PLAIN,
        Value::Int(integer) => match integer.kind {
            IntegerKind::Duration => DURATION,
            IntegerKind::Month | IntegerKind::Weekday => NAMED,
            _ => return None,
        },
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

fn of(arguments: Arguments<'_>, index: usize) -> Rc<Time> {
    match arguments.any(index) {
        Value::Time(time) => time.clone(),
        _ => Rc::new(Time::zero()),
    }
}

fn timed(time: Time) -> super::Outcome {
    Ok(Value::Time(Rc::new(time)))
}

/// A method whose results a template cannot take.
const fn results(name: &'static str, why: &'static str) -> Function {
    Function { results: Some(why), ..Function::new(name, &[], NOTHING) }
}

const NOTHING: Plain = |_, _| Ok(Value::Nil);

static TIME: &[Function] = &[
    Function::new("Year", &[], |_, a| Ok(Value::int(of(a, 0).civil().year))),
    Function::new("Month", &[], |_, a| Ok(Value::of_kind(of(a, 0).civil().month, IntegerKind::Month))),
    Function::new("Day", &[], |_, a| Ok(Value::int(of(a, 0).civil().day))),
    Function::new("Hour", &[], |_, a| Ok(Value::int(of(a, 0).civil().hour))),
    Function::new("Minute", &[], |_, a| Ok(Value::int(of(a, 0).civil().minute))),
    Function::new("Second", &[], |_, a| Ok(Value::int(of(a, 0).civil().second))),
    Function::new("Nanosecond", &[], |_, a| Ok(Value::int(of(a, 0).nanoseconds))),
    Function::new("Weekday", &[], |_, a| Ok(Value::of_kind(of(a, 0).civil().weekday, IntegerKind::Weekday))),
    Function::new("YearDay", &[], |_, a| Ok(Value::int(of(a, 0).civil().year_day))),
    Function::new("Unix", &[], |_, a| Ok(Value::int64(of(a, 0).seconds))),
    Function::new("UnixMilli", &[], |_, a| Ok(Value::int64(of(a, 0).unix_in(1_000)))),
    Function::new("UnixMicro", &[], |_, a| Ok(Value::int64(of(a, 0).unix_in(1_000_000)))),
    Function::new("UnixNano", &[], |_, a| Ok(Value::int64(of(a, 0).unix_in(1_000_000_000)))),
    Function::new("IsZero", &[], |_, a| Ok(Value::Bool(of(a, 0).is_zero()))),
    Function::new("IsDST", &[], |_, a| Ok(Value::Bool(of(a, 0).is_summer()))),
    Function::new("String", &[], |runtime, a| {
        if of(a, 0).has_second_clock() {
            runtime.budget.show_unrepeatable();
        }
        runtime.text(of(a, 0).to_go_string())
    }),
    Function::new("GoString", &[], |runtime, a| runtime.text(of(a, 0).go_syntax())),
    Function::new("Format", &[Kind::Text], |runtime, a| super::dates::formatted(runtime, &of(a, 0), &a.by_bytes(1))),
    Function::new("UTC", &[], |_, a| timed(of(a, 0).as_ref().clone().in_zone(Zone::Utc))),
    Function::new("Local", &[], |_, a| timed(of(a, 0).as_ref().clone().in_zone(Zone::Local))),
    Function::new("AddDate", &[Kind::Int, Kind::Int, Kind::Int], |_, a| {
        timed(of(a, 0).add_date(a.int(1), a.int(2), a.int(3)))
    }),
    Function::new("Add", &[Kind::Duration], |_, a| timed(of(a, 0).add(a.int(1)))),
    Function::new("Sub", &[Kind::Time], |_, a| Ok(Value::of_kind(since(&of(a, 0), &of(a, 1)), IntegerKind::Duration))),
    Function::new("Before", &[Kind::Time], |_, a| Ok(Value::Bool(of(a, 0).instant() < of(a, 1).instant()))),
    Function::new("After", &[Kind::Time], |_, a| Ok(Value::Bool(of(a, 0).instant() > of(a, 1).instant()))),
    Function::new("Equal", &[Kind::Time], |_, a| Ok(Value::Bool(of(a, 0).instant() == of(a, 1).instant()))),
    Function::new("Compare", &[Kind::Time], |_, a| Ok(Value::int(of(a, 0).instant().cmp(&of(a, 1).instant()) as i64))),
    Function::new("Truncate", &[Kind::Duration], |_, a| timed(of(a, 0).truncate(a.int(1)))),
    Function::new("Round", &[Kind::Duration], |_, a| timed(of(a, 0).round(a.int(1)))),
    Function::new("In", &[Kind::Location], |_, a| match a.any(1) {
        Value::Location(zone) => timed(of(a, 0).as_ref().clone().in_zone(zone.clone())),
        _ => Err(Fault::public("no zone", "time: missing Location in call to Time.In")),
    }),
    Function::new("Location", &[], |_, a| Ok(Value::Location(of(a, 0).zone().clone()))),
    Function::new("MarshalBinary", &[], marshal::BINARY),
    Function::new("GobEncode", &[], marshal::BINARY),
    Function::new("MarshalJSON", &[], marshal::time_json),
    Function::new("MarshalText", &[], marshal::time_text),
    Function::new("AppendBinary", &[Kind::Bytes], marshal::append_binary),
    Function::new("AppendFormat", &[Kind::Bytes, Kind::Text], marshal::append_format),
    Function::new("AppendText", &[Kind::Bytes], marshal::append_text),
    results("Date", "function Date has 3 return values; should be 1 or 2"),
    results("Clock", "function Clock has 3 return values; should be 1 or 2"),
    results("ISOWeek", "invalid function signature for ISOWeek: second return value should be error; is int"),
    results("Zone", "invalid function signature for Zone: second return value should be error; is int"),
    results(
        "ZoneBounds",
        "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
    ),
];

static LOCATION: &[Function] = &[Function::new("String", &[], |runtime, a| match a.any(0) {
    Value::Location(zone) => runtime.text(zone.name()),
    _ => runtime.text("UTC"),
})];

static DURATION: &[Function] = &[
    Function::new("Hours", &[], |_, a| Ok(in_units(a.int(0), 3_600_000_000_000))),
    Function::new("Minutes", &[], |_, a| Ok(in_units(a.int(0), 60_000_000_000))),
    Function::new("Seconds", &[], |_, a| Ok(in_units(a.int(0), 1_000_000_000))),
    Function::new("Milliseconds", &[], |_, a| Ok(Value::int64(a.int(0) / 1_000_000))),
    Function::new("Microseconds", &[], |_, a| Ok(Value::int64(a.int(0) / 1_000))),
    Function::new("Nanoseconds", &[], |_, a| Ok(Value::int64(a.int(0)))),
    Function::new("String", &[], |runtime, a| runtime.text(time::duration_text(a.int(0)))),
    Function::new("Abs", &[], |_, a| Ok(Value::of_kind(a.int(0).saturating_abs(), IntegerKind::Duration))),
    Function::new("Round", &[Kind::Duration], |_, a| {
        Ok(Value::of_kind(time::round_duration(a.int(0), a.int(1)), IntegerKind::Duration))
    }),
    Function::new("Truncate", &[Kind::Duration], |_, a| {
        let unit = a.int(1);
        let kept = if unit <= 0 { a.int(0) } else { a.int(0) - a.int(0) % unit };
        Ok(Value::of_kind(kept, IntegerKind::Duration))
    }),
];

static NAMED: &[Function] = &[Function::new("String", &[], |runtime, a| match a.any(0) {
    Value::Int(integer) if integer.kind == IntegerKind::Month => runtime.text(time::month_name(integer.bits)),
    _ => runtime.text(time::weekday_name(a.int(0))),
})];

/// The whole units and the rest apart, as Go adds them.
fn in_units(nanoseconds: i64, unit: i64) -> Value {
    Value::Float((nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64)
}
