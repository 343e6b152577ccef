//! From an instant to the period that contains it, in a time zone whose clocks jump.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use crate::policy::Period;

/// The period that contains the instant: its first instant, and the first one after it.
///
/// - A day, week (from Monday) or month begins at the first instant of its first local day: at midnight; after the
///   gap where the clocks jump over midnight; at the first of two midnights where they jump back over one.
/// - An hour begins at each full local hour, and also where the clocks move by a part of an hour.
///
/// `start ≤ at < end` for every instant of the years 1 to 9999, and the periods tile that time. Outside of it, no
/// bill being due, the nearest period within is given.
pub fn period_of(period: Period, zone: Tz, at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let at = at.clamp(at_year(1), at_year(10_000) - TimeDelta::seconds(1));
    if period == Period::Hour {
        return hour_of(zone, at);
    }
    let mut first = first_day(period, at.with_timezone(&zone).date_naive());
    let mut next = day_after(period, first);
    // Where the clocks fall back over midnight, a new day has begun although the local date is the old one again.
    while at >= start_of(zone, next) {
        first = next;
        next = day_after(period, first);
    }
    (start_of(zone, first), start_of(zone, next))
}

fn at_year(year: i32) -> DateTime<Utc> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    first.and_time(NaiveTime::MIN).and_utc()
}

/// The first day of the period that contains the day.
fn first_day(period: Period, day: NaiveDate) -> NaiveDate {
    let back = match period {
        Period::Hour | Period::Day => 0,
        Period::Week => day.weekday().num_days_from_monday(),
        Period::Month => day.day0(),
    };
    day.checked_sub_days(Days::new(back.into())).unwrap_or(day)
}

/// The first day of the next period.
fn day_after(period: Period, first: NaiveDate) -> NaiveDate {
    let next = match period {
        Period::Hour | Period::Day => first.checked_add_days(Days::new(1)),
        Period::Week => first.checked_add_days(Days::new(7)),
        Period::Month => first.checked_add_months(Months::new(1)),
    };
    next.unwrap_or(NaiveDate::MAX)
}

/// The first instant of a local day.
fn start_of(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let first = zone.from_local_datetime(&midnight).earliest();
    let first = first.or_else(|| GapInfo::new(&midnight, &zone)?.end);
    first.map_or(midnight.and_utc(), |first| first.to_utc())
}

/// An hour in seconds.
const HOUR_S: i64 = 3600;

fn hour_of(zone: Tz, at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let second = at.timestamp();
    let phase = phase_at(zone, second);
    let same_hours = |second: i64| phase_at(zone, second) == phase;
    let full = (second + phase).div_euclid(HOUR_S) * HOUR_S - phase;
    let start = if same_hours(full) { full } else { first_where(full, second, same_hours) };
    let last = full + HOUR_S - 1;
    let end = if same_hours(last) { last + 1 } else { first_where(second, last, |s| !same_hours(s)) };
    (instant(start), instant(end))
}

/// Seconds by which local clocks are past a full hour when UTC is at one: 1,800 in India, 2,700 in Nepal.
fn phase_at(zone: Tz, second: i64) -> i64 {
    let local = zone.offset_from_utc_datetime(&instant(second).naive_utc());
    i64::from(local.fix().local_minus_utc()).rem_euclid(HOUR_S)
}

/// The first second in `(no, yes]` at which the condition holds, when it holds from there on.
fn first_where(mut no: i64, mut yes: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    yes
}

fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or_default()
}
