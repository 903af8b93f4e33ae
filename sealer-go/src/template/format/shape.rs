//! Fields that `fmt` sees in a value that does not show itself under a verb.

use super::super::budget::Budget;
use super::super::costs::ENTRY;
use super::super::error::Fault;
use super::super::value::{Problem, Text, Time, Value, Version, Zone};

/// A value's parts, which have no methods of their own.
#[derive(Clone)]
pub(super) enum Shape {
    Plain(Value),
    Structure(&'static str, Vec<(&'static str, Self)>),
    List(&'static str, Option<Vec<Self>>),
    /// What is elsewhere in memory, or nothing.
    Pointer(&'static str, Option<Box<Self>>),
}

/// The value's fields, and whether it is a pointer to them; nothing for what has none.
pub(super) fn of(value: &Value, budget: &mut Budget<'_>) -> Result<Option<(bool, Shape)>, Fault> {
    let shape = match value {
        Value::Time(time) => (false, of_time(time)),
        Value::Location(zone) => (true, of_zone(zone)),
        Value::Version(version) => (version.pointer, of_version(&version.get())),
        Value::Certificate(pair) => {
            let text = |text: &Text| Shape::Plain(Value::Text(text.clone()));
            let fields = vec![("Cert", text(&pair.certificate)), ("Key", text(&pair.key))];
            (false, Shape::Structure("sprig.certificate", fields))
        }
        Value::Error { problem, .. } => (true, of_problem(problem)),
        _ => return Ok(None),
    };
    budget.allocate(FIELDS * ENTRY)?;
    budget.release(FIELDS * ENTRY);
    Ok(Some(shape))
}

fn text(text: &str) -> Shape {
    Shape::Plain(Value::Text(text.into()))
}

fn of_time(time: &Time) -> Shape {
    let fields = vec![
        ("wall", Shape::Plain(Value::uint64(time.nanoseconds.cast_unsigned()))),
        ("ext", Shape::Plain(Value::int64(time.internal()))),
        ("loc", Shape::Pointer("*time.Location", (*time.zone() != Zone::Utc).then(|| Box::new(of_zone(time.zone()))))),
    ];
    Shape::Structure("time.Time", fields)
}

fn of_version(version: &Version) -> Shape {
    let number = |number: u64| Shape::Plain(Value::uint64(number));
    let fields = vec![
        ("major", number(version.major)),
        ("minor", number(version.minor)),
        ("patch", number(version.patch)),
        ("pre", text(&version.prerelease)),
        ("metadata", text(&version.metadata)),
        ("original", text(&version.original)),
    ];
    Shape::Structure("semver.Version", fields)
}

fn of_zone(zone: &Zone) -> Shape {
    let number = |number: i64| Shape::Plain(Value::int64(number));
    let truth = || Shape::Plain(Value::Bool(false));
    let (mut zones, mut changes, mut cached, mut cached_zone) = (None, None, (0, 0), None);
    if let Zone::Fixed { offset, name } = zone {
        let fields = vec![("name", text(name)), ("offset", Shape::Plain(Value::int(*offset))), ("isDST", truth())];
        zones = Some(vec![Shape::Structure("time.zone", fields.clone())]);
        cached_zone = Some(Box::new(Shape::Structure("time.zone", fields)));
        let index = Shape::Plain(Value::of_kind(0, super::super::value::IntegerKind::Uint8));
        let fields = vec![("when", number(i64::MIN)), ("index", index), ("isstd", truth()), ("isutc", truth())];
        changes = Some(vec![Shape::Structure("time.zoneTrans", fields)]);
        cached = (i64::MIN, i64::MAX);
    }
    let fields = vec![
        ("name", text(zone.name())),
        ("zone", Shape::List("[]time.zone", zones)),
        ("tx", Shape::List("[]time.zoneTrans", changes)),
        ("extend", text("")),
        ("cacheStart", number(cached.0)),
        ("cacheEnd", number(cached.1)),
        ("cacheZone", Shape::Pointer("*time.zone", cached_zone)),
    ];
    Shape::Structure("time.Location", fields)
}

fn of_problem(problem: &Problem) -> Shape {
    let number = |number: i64| Shape::Plain(Value::int64(number));
    match problem {
        Problem::Plain(words) => Shape::Structure("errors.errorString", vec![("s", text(words))]),
        Problem::Wrapped(words, number) => {
            let inner = Box::new(of_problem(&Problem::Number(number.clone())));
            let fields = vec![("msg", text(words)), ("err", Shape::Pointer("*strconv.NumError", Some(inner)))];
            Shape::Structure("fmt.wrapError", fields)
        }
        Problem::Number(number) => {
            let inner = problem.inner().map_or(Value::NoError, |inner| Value::error(inner).as_any());
            let fields = vec![("Func", text("ParseUint")), ("Num", text(number)), ("Err", Shape::Plain(inner))];
            Shape::Structure("strconv.NumError", fields)
        }
        Problem::Syntax { text: words, offset } => {
            Shape::Structure("json.SyntaxError", vec![("msg", text(words)), ("Offset", number(*offset))])
        }
        Problem::WrongType { found, offset } => {
            let fields = vec![
                ("Value", text(found)),
                ("Type", Shape::Pointer("*reflect.rtype", Some(Box::new(text("string"))))),
                ("Offset", number(*offset)),
                ("Struct", text("")),
                ("Field", text("")),
            ];
            Shape::Structure("json.UnmarshalTypeError", fields)
        }
    }
}

/// More fields than any value has.
const FIELDS: usize = 12;
