//! Which methods do values have?

use std::rc::Rc;

use super::super::error::Fault;
use super::super::value::time::{self, Zone, since};
use super::super::value::{IntegerKind, Kind, Time, Value, Version};
use super::{Arguments, Function, Plain};

/// The method `name` of the value's type.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods: &[Function] = match receiver {
        Value::Time(_) => TIME,
        Value::Version(_) => VERSION,
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

const fn results(name: &'static str, count: u8) -> Function {
    Function { too_many_results: Some(count), ..Function::new(name, &[], NOTHING) }
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
    Function::new("String", &[], |runtime, a| runtime.text(of(a, 0).to_go_string())),
    Function::new("GoString", &[], |runtime, a| runtime.text(of(a, 0).go_syntax())),
    Function::new("Format", &[Kind::Text], |runtime, a| super::dates::formatted(runtime, &of(a, 0), &a.str(1))),
    Function::new("UTC", &[], |_, a| timed(of(a, 0).as_ref().clone().in_zone(Zone::Utc))),
    Function::new("Local", &[], |_, a| timed(of(a, 0).as_ref().clone().in_zone(Zone::Utc))),
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
    results("Date", 3),
    results("Clock", 3),
];

static DURATION: &[Function] = &[
    Function::new("Hours", &[], |_, a| Ok(Value::Float(a.int(0) as f64 / 3.6e12))),
    Function::new("Minutes", &[], |_, a| Ok(Value::Float(a.int(0) as f64 / 6e10))),
    Function::new("Seconds", &[], |_, a| Ok(Value::Float(a.int(0) as f64 / 1e9))),
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

fn version(arguments: Arguments<'_>, index: usize) -> Result<Rc<Version>, Fault> {
    match arguments.any(index) {
        Value::Version(version) => Ok(version.clone()),
        _ => Err(Fault::new("nothing to compare with", super::lists::NIL_POINTER)),
    }
}

fn changed(version: Version) -> super::Outcome {
    Ok(Value::Version(Rc::new(Version { pointer: false, ..version })))
}

const OTHER: &[Kind] = &[Kind::Version];

static VERSION: &[Function] = &[
    Function::new("Major", &[], |_, a| Ok(Value::uint64(version(a, 0)?.major))),
    Function::new("Minor", &[], |_, a| Ok(Value::uint64(version(a, 0)?.minor))),
    Function::new("Patch", &[], |_, a| Ok(Value::uint64(version(a, 0)?.patch))),
    Function::new("Prerelease", &[], |runtime, a| runtime.text(version(a, 0)?.prerelease.as_str())),
    Function::new("Metadata", &[], |runtime, a| runtime.text(version(a, 0)?.metadata.as_str())),
    Function::new("Original", &[], |runtime, a| runtime.text(version(a, 0)?.original.as_str())),
    Function::new("String", &[], |runtime, a| runtime.text(version(a, 0)?.to_string())),
    Function::new("Compare", OTHER, |_, a| Ok(Value::int(version(a, 0)?.compare(&*version(a, 1)?) as i64))),
    Function::new("Equal", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&*version(a, 1)?).is_eq()))),
    Function::new("LessThan", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&*version(a, 1)?).is_lt()))),
    Function::new("LessThanEqual", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&*version(a, 1)?).is_le()))),
    Function::new("GreaterThan", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&*version(a, 1)?).is_gt()))),
    Function::new("GreaterThanEqual", OTHER, |_, a| Ok(Value::Bool(version(a, 0)?.compare(&*version(a, 1)?).is_ge()))),
    Function::new("IncMajor", &[], |_, a| changed(version(a, 0)?.next_major())),
    Function::new("IncMinor", &[], |_, a| changed(version(a, 0)?.next_minor())),
    Function::new("IncPatch", &[], |_, a| changed(version(a, 0)?.next_patch())),
];
