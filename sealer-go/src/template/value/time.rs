//! A moment, its zone and its day of the calendar (`time.Time`).

mod calendar;
mod duration;
mod layout;
mod parse;
mod write;

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

pub(crate) use duration::{DurationError, duration_text, parse_duration, round_duration};
pub(crate) use layout::{month_name, weekday_name};
pub(crate) use parse::parse_time;

/// A moment, shown in a zone.
#[derive(Clone, PartialEq)]
pub(crate) struct Time {
    /// Since 1970.
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
    zone: Zone,
    /// Read from the clock: Go shows such times with a reading of its second clock.
    of_clock: bool,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Zone {
    Utc,
    /// The machine's own zone, which is UTC here: what a template renders to does not depend on the machine.
    Local,
    Fixed {
        offset: i64,
        name: Rc<str>,
    },
    Named(TimeZone),
}

/// A moment's place in the calendar and on the clock.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) weekday: i64,
    pub(crate) year_day: i64,
}

impl Zone {
    /// The zone of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::Local),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => None,
            _ => {
                let zone = TimeZoneDatabase::bundled().get(name).ok()?;
                (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
            }
        }
    }

    pub(crate) fn fixed(offset: i64, name: &str) -> Self {
        Self::Fixed { offset, name: name.into() }
    }

    /// Whether Go has one object for both zones.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Utc, Self::Utc) | (Self::Local, Self::Local) => true,
            (Self::Fixed { offset: a, name: first }, Self::Fixed { offset: b, name: second }) => {
                // Whole hours without a name are made once.
                let shared = first.is_empty() && second.is_empty() && a % 3600 == 0 && (-12..=14).contains(&(a / 3600));
                a == b && (shared || Rc::ptr_eq(first, second))
            }
            _ => false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Utc | Self::Local => "UTC",
            Self::Fixed { name, .. } => name,
            Self::Named(zone) => zone.iana_name().unwrap_or_default(),
        }
    }

    /// The offset in seconds, the zone's short name, and whether it is summer time.
    fn at(&self, seconds: i64) -> (i64, String, bool) {
        match self {
            Self::Utc | Self::Local => (0, "UTC".to_owned(), false),
            Self::Fixed { offset, name } => (*offset, name.as_ref().to_owned(), false),
            Self::Named(zone) => {
                let past = seconds.max(Timestamp::MIN.as_second());
                // The rules of a zone go on for ever, and so does the calendar every 400 years.
                let within = if past > LAST { LAST - CYCLE + (past - LAST) % CYCLE } else { past };
                let moment = Timestamp::from_second(within).unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(moment);
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned(), info.dst().is_dst())
            }
        }
    }
}

impl Time {
    /// Go's zero time: the first of January of the year 1.
    pub(crate) fn zero() -> Self {
        Self::unix(ZERO)
    }

    pub(crate) fn unix(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0, zone: Zone::Utc, of_clock: false }
    }

    pub(crate) fn of_clock(now: Timestamp) -> Self {
        let nanoseconds = i64::from(now.subsec_nanosecond());
        let (seconds, nanoseconds) =
            if nanoseconds < 0 { (now.as_second() - 1, nanoseconds + SECOND) } else { (now.as_second(), nanoseconds) };
        Self { seconds, nanoseconds, zone: Zone::Local, of_clock: true }
    }

    /// The moment that the fields name. Months and days out of range carry over, and what no year is wide enough for
    /// wraps around.
    pub(crate) fn from_civil(civil: &Civil, nanoseconds: i64, zone: Zone) -> Self {
        let months = civil.month.wrapping_sub(1);
        let year = civil.year.wrapping_add(months.div_euclid(12));
        let days = calendar::days_before(year, months.rem_euclid(12) + 1, civil.day);
        let clock = civil.hour * 3600 + civil.minute * 60 + civil.second;
        let local = calendar::seconds_of(days).wrapping_add(clock);
        // The offset at the moment itself decides; the first guess may be off by a change of the clock.
        let guess = local.wrapping_sub(zone.at(local).0);
        let seconds = local.wrapping_sub(zone.at(guess).0);
        Self { seconds, nanoseconds, zone, of_clock: false }
    }

    pub(crate) fn in_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    pub(crate) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Seconds since the zero time, as Go counts them.
    pub(crate) fn internal(&self) -> i64 {
        self.seconds.wrapping_sub(ZERO)
    }

    pub(crate) fn instant(&self) -> (i64, i64) {
        (self.internal(), self.nanoseconds)
    }

    /// Whether Go's `==` holds: the same moment in the same zone.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.instant() == other.instant() && self.of_clock == other.of_clock && self.zone.same(&other.zone)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.seconds == ZERO && self.nanoseconds == 0
    }

    pub(crate) fn is_summer(&self) -> bool {
        self.zone.at(self.seconds).2
    }

    pub(crate) fn unix_in(&self, per_second: i64) -> i64 {
        self.seconds.wrapping_mul(per_second).wrapping_add(self.nanoseconds / (SECOND / per_second))
    }

    pub(crate) fn civil(&self) -> Civil {
        calendar::civil(self.seconds.wrapping_add(self.zone.at(self.seconds).0))
    }

    pub(crate) fn add(&self, nanoseconds: i64) -> Self {
        let total = self.nanoseconds + nanoseconds.rem_euclid(SECOND);
        let added = nanoseconds.div_euclid(SECOND) + total.div_euclid(SECOND);
        let internal = self.internal().checked_add(added);
        // What is too far away stays at the edge.
        let edge = if added > 0 { i64::MAX } else { -i64::MAX };
        let seconds = internal.unwrap_or(edge).wrapping_add(ZERO);
        Self { seconds, nanoseconds: total.rem_euclid(SECOND), ..self.clone() }
    }

    pub(crate) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let moved = Civil {
            year: civil.year.wrapping_add(years),
            month: civil.month.wrapping_add(months),
            day: civil.day.wrapping_add(days),
            ..civil
        };
        Self::from_civil(&moved, self.nanoseconds, self.zone.clone())
    }

    /// Nanoseconds since the zero time, modulo `unit`.
    fn past(&self, unit: i64) -> i64 {
        let since = i128::from(self.internal()) * i128::from(SECOND) + i128::from(self.nanoseconds);
        i64::try_from(since.rem_euclid(i128::from(unit))).unwrap_or(0)
    }

    pub(crate) fn truncate(&self, unit: i64) -> Self {
        let bare = Self { of_clock: false, ..self.clone() };
        if unit <= 0 { bare } else { bare.add(-self.past(unit)) }
    }

    pub(crate) fn round(&self, unit: i64) -> Self {
        let bare = Self { of_clock: false, ..self.clone() };
        if unit <= 0 {
            return bare;
        }
        let past = self.past(unit);
        if past < unit - past { bare.add(-past) } else { bare.add(unit - past) }
    }

    fn offset_and_name(&self) -> (i64, String) {
        let (offset, name, _) = self.zone.at(self.seconds);
        (offset, name)
    }

    /// Whether Go shows a reading of its second clock with the time.
    pub(crate) fn has_second_clock(&self) -> bool {
        self.of_clock
    }

    pub(crate) fn to_go_string(&self) -> String {
        let text = self.format("2006-01-02 15:04:05.999999999 -0700 MST");
        if self.of_clock { text + " m=+0.000000001" } else { text }
    }

    /// The Go expression that makes this time.
    pub(crate) fn go_syntax(&self) -> String {
        let civil = self.civil();
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Local => "time.Local".to_owned(),
            other => format!("time.Location({})", quoted(other.name().as_bytes())),
        };
        format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, {zone})",
            civil.year,
            month_name(civil.month),
            civil.day,
            civil.hour,
            civil.minute,
            civil.second,
            self.nanoseconds
        )
    }
}

/// Nanoseconds from `earlier` to `later`, at most what a duration holds.
pub(crate) fn since(later: &Time, earlier: &Time) -> i64 {
    let seconds = i128::from(later.internal()) - i128::from(earlier.internal());
    let total = seconds * i128::from(SECOND) + i128::from(later.nanoseconds - earlier.nanoseconds);
    i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(calendar::is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const SECOND: i64 = 1_000_000_000;
/// The last second of the year 9998, which every table of zones reaches.
const LAST: i64 = 253_370_764_799;
/// Seconds of 400 years, which are whole weeks.
const CYCLE: i64 = 146_097 * 86_400;
/// The first of January of the year 1.
const ZERO: i64 = -62_135_596_800;

/// A text with each byte as a character of its own, as its bytes again.
pub(crate) fn to_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

/// A text in quotes as Go's `time` writes it in errors: all but plain ASCII as bytes.
pub(crate) fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=0x7F => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out + "\""
}
