//! What is a moment, in which zone, and on which day of the calendar is it?

mod duration;
mod layout;
mod parse;

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
    Fixed { offset: i64, name: Rc<str> },
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
    /// The zone of that name. `Local` is UTC: what a template renders to does not depend on the machine.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" | "Local" => Some(Self::Utc),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => None,
            _ => {
                let zone = TimeZoneDatabase::bundled().get(name).ok()?;
                (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
            }
        }
    }

    pub(crate) fn fixed(offset: i64, name: &str) -> Self {
        if offset == 0 && (name.is_empty() || name == "UTC") {
            return Self::Utc;
        }
        Self::Fixed { offset, name: name.into() }
    }

    /// The offset in seconds, the zone's short name, and whether it is summer time.
    fn at(&self, seconds: i64) -> (i64, String, bool) {
        match self {
            Self::Utc => (0, "UTC".to_owned(), false),
            Self::Fixed { offset, name } => (*offset, name.as_ref().to_owned(), false),
            Self::Named(zone) => {
                let clamped = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let moment = Timestamp::from_second(clamped).unwrap_or(Timestamp::UNIX_EPOCH);
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
        Self { seconds, nanoseconds, zone: Zone::Utc, of_clock: true }
    }

    /// The moment that the fields name. Fields out of range carry over.
    pub(crate) fn from_civil(civil: &Civil, nanoseconds: i64, zone: Zone) -> Self {
        let months = civil.year.saturating_mul(12).saturating_add(civil.month - 1);
        let days = days_before(months.div_euclid(12), months.rem_euclid(12) + 1).saturating_add(civil.day - 1);
        let clock = civil.hour * 3600 + civil.minute * 60 + civil.second;
        let local = days.saturating_mul(DAY).saturating_add(clock);
        // The offset at the moment itself decides; the first guess may be off by a change of the clock.
        let guess = local.saturating_sub(zone.at(local).0);
        let seconds = local.saturating_sub(zone.at(guess).0);
        Self { seconds, nanoseconds, zone, of_clock: false }
    }

    pub(crate) fn in_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    pub(crate) fn instant(&self) -> (i64, i64) {
        (self.seconds, self.nanoseconds)
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
        let local = self.seconds.saturating_add(self.zone.at(self.seconds).0);
        let days = local.div_euclid(DAY);
        let clock = local.rem_euclid(DAY);
        let (year, month, day) = civil_of(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_before(year, 1) + 1,
        }
    }

    pub(crate) fn add(&self, nanoseconds: i64) -> Self {
        let total = self.nanoseconds + nanoseconds.rem_euclid(SECOND);
        let seconds =
            self.seconds.saturating_add(nanoseconds.div_euclid(SECOND)).saturating_add(total.div_euclid(SECOND));
        Self { seconds, nanoseconds: total.rem_euclid(SECOND), ..self.clone() }
    }

    pub(crate) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let moved = Civil {
            year: civil.year.saturating_add(years),
            month: civil.month.saturating_add(months),
            day: civil.day.saturating_add(days),
            ..civil
        };
        Self::from_civil(&moved, self.nanoseconds, self.zone.clone())
    }

    /// Nanoseconds since the zero time, modulo `unit`.
    fn past(&self, unit: i64) -> i64 {
        let since = (i128::from(self.seconds) - i128::from(ZERO)) * i128::from(SECOND) + i128::from(self.nanoseconds);
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

    pub(crate) fn to_go_string(&self) -> String {
        let text = self.format("2006-01-02 15:04:05.999999999 -0700 MST");
        if self.of_clock { text + " m=+0.000000001" } else { text }
    }

    /// The Go expression that makes this time.
    pub(crate) fn go_syntax(&self) -> String {
        let civil = self.civil();
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Fixed { name, .. } => format!("time.Location({})", super::super::syntax::go_quote(name.as_bytes())),
            Zone::Named(zone) => {
                format!("time.Location({})", super::super::syntax::go_quote(zone.iana_name().unwrap_or("").as_bytes()))
            }
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
    let seconds = i128::from(later.seconds) - i128::from(earlier.seconds);
    let total = seconds * i128::from(SECOND) + i128::from(later.nanoseconds - earlier.nanoseconds);
    i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
}

/// Days from 1970 to the first of the month.
fn days_before(year: i64, month: i64) -> i64 {
    let shifted = if month <= 2 { year.saturating_sub(1) } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era.saturating_mul(146_097).saturating_add(of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn civil_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 { days_before(year + 1, 1) } else { days_before(year, month + 1) };
    next - days_before(year, month)
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// The first of January of the year 1.
const ZERO: i64 = -62_135_596_800;

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
