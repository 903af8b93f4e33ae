//! Which day is it so many seconds after the beginning? Go counts days from a year so long ago that none is negative,
//! and lets what is too large wrap around.

use super::Civil;

/// The days from Go's first year to the day; `month` is 1 to 12, the day may be any.
pub(super) fn days_before(year: i64, month: i64, day: i64) -> u64 {
    let of_last_year = month < 3;
    let month = if of_last_year { month + 12 } else { month };
    let years = year.cast_unsigned().wrapping_sub(u64::from(of_last_year)).wrapping_add(YEARS);
    let of_year = (979 * month - 2919) >> 5;
    let (century, year_of_century) = (years / 100, years % 100);
    let centuries = CENTURIES.wrapping_mul(century) / 4;
    let of_century = (1461 * year_of_century / 4).cast_signed();
    centuries.wrapping_add((of_century + of_year).wrapping_add(day).wrapping_sub(1).cast_unsigned())
}

/// Seconds since 1970 at the beginning of such a day.
pub(super) fn seconds_of(days: u64) -> i64 {
    days.wrapping_mul(DAY).cast_signed().wrapping_add(BEGINNING)
}

/// The place in the calendar of so many seconds since 1970.
pub(super) fn civil(seconds: i64) -> Civil {
    let since = seconds.wrapping_sub(BEGINNING).cast_unsigned();
    let (days, clock) = (since / DAY, (since % DAY).cast_signed());
    let quarters = 4 * days + 3;
    let (century, rest) = (quarters / CENTURIES, (quarters % CENTURIES) | 3);
    let (year_of_century, of_year) = (rest / 1461, (rest % 1461 / 4).cast_signed());
    let of_next_year = of_year >= MARCH_TO_DECEMBER;
    let scaled = 5 * of_year + 461;
    let (month, day) = (scaled / 153, scaled % 153 / 5 + 1);
    let year =
        (century * 100).wrapping_sub(YEARS).wrapping_add(year_of_century + u64::from(of_next_year)).cast_signed();
    let year_day = if of_next_year { of_year - MARCH_TO_DECEMBER + 1 } else { of_year + 60 + i64::from(is_leap(year)) };
    Civil {
        year,
        month: if of_next_year { month - 12 } else { month },
        day,
        hour: clock / 3600,
        minute: clock / 60 % 60,
        second: clock % 60,
        weekday: ((days + 3) % 7).cast_signed(),
        year_day,
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The years before the year 0 that Go counts from.
const YEARS: u64 = 292_277_022_400;
/// Seconds from 1970 back to the first of March of that year.
const BEGINNING: i64 = -9_223_372_028_741_760_000;
const DAY: u64 = 86_400;
/// Days of four centuries.
const CENTURIES: u64 = 146_097;
const MARCH_TO_DECEMBER: i64 = 306;
