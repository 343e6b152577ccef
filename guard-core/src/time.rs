//! Minutes and hours since the epoch: the grain in which CloudWatch counts and the guard thinks. And time zones by name.

mod zone;

use chrono::{DateTime, Datelike, TimeZone, Timelike, Utc};
use serde::{Deserialize, Serialize};

pub use zone::{UnknownTimezone, timezone};

/// A whole minute, counted from 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub i64);

/// A whole hour, counted from 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub i64);

/// Hours in a week: the length of a baseline profile.
pub const HOURS_PER_WEEK: usize = 168;

impl Minute {
    /// The minute that contains the instant.
    pub fn of(at: DateTime<Utc>) -> Self {
        Minute(at.timestamp().div_euclid(60))
    }

    /// The instant at which the minute begins.
    pub fn start(self) -> DateTime<Utc> {
        instant(self.0.saturating_mul(60))
    }

    /// The hour that contains the minute.
    pub const fn hour(self) -> Hour {
        Hour(self.0.div_euclid(60))
    }

    /// The minute `minutes` later (earlier where negative).
    #[must_use]
    pub const fn plus(self, minutes: i64) -> Self {
        Minute(self.0 + minutes)
    }

    /// Minutes from `earlier` to this one.
    pub const fn since(self, earlier: Minute) -> i64 {
        self.0 - earlier.0
    }
}

impl Hour {
    /// The hour that contains the instant.
    pub fn of(at: DateTime<Utc>) -> Self {
        Hour(at.timestamp().div_euclid(3600))
    }

    /// The instant at which the hour begins.
    pub fn start(self) -> DateTime<Utc> {
        instant(self.0.saturating_mul(3600))
    }

    /// The first minute of the hour.
    pub const fn first_minute(self) -> Minute {
        Minute(self.0 * 60)
    }

    /// The hour `hours` later (earlier where negative).
    #[must_use]
    pub const fn plus(self, hours: i64) -> Self {
        Hour(self.0 + hours)
    }

    /// Hour of the week in UTC, 0 (Monday 00:00) to 167.
    pub fn of_week(self) -> usize {
        let at = self.start();
        (at.weekday().num_days_from_monday() * 24 + at.hour()) as usize
    }
}

/// The instant at a number of seconds since the epoch, clamped to what a calendar can hold.
fn instant(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(seconds, 0).single().unwrap_or(if seconds < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_of_the_week_starts_on_monday_and_wraps_after_sunday() {
        let monday = Utc.with_ymd_and_hms(2026, 11, 23, 0, 30, 0).unwrap();
        assert_eq!(Hour::of(monday).of_week(), 0);
        assert_eq!(Hour::of(monday).plus(167).of_week(), 167);
        assert_eq!(Hour::of(monday).plus(168).of_week(), 0);
        assert_eq!(Hour::of(monday).plus(-1).of_week(), 167);
    }

    #[test]
    fn minutes_and_hours_before_the_epoch_round_down() {
        assert_eq!(Minute(-1).hour(), Hour(-1));
        assert_eq!(Minute::of(Utc.timestamp_opt(-1, 0).unwrap()), Minute(-1));
        assert_eq!(Hour(-1).first_minute(), Minute(-60));
    }

    #[test]
    fn a_minute_and_an_hour_start_where_their_number_says() {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 16, 42, 59).unwrap();
        assert_eq!(Minute::of(at).start(), Utc.with_ymd_and_hms(2026, 11, 23, 16, 42, 0).unwrap());
        assert_eq!(Hour::of(at).start(), Utc.with_ymd_and_hms(2026, 11, 23, 16, 0, 0).unwrap());
        assert_eq!(Minute::of(at).hour(), Hour::of(at));
        assert_eq!(Minute::of(at).hour().first_minute(), Minute::of(at).plus(-42));
        assert_eq!(Minute(120).hour(), Hour(2));
        assert_eq!(Minute(119).hour(), Hour(1));
    }

    #[test]
    fn minutes_and_hours_add_and_subtract() {
        assert_eq!(Minute(5).plus(3), Minute(8));
        assert_eq!(Minute(5).plus(-8), Minute(-3));
        assert_eq!(Minute(8).since(Minute(5)), 3);
        assert_eq!(Minute(5).since(Minute(8)), -3);
        assert_eq!(Hour(5).plus(-8), Hour(-3));
        assert_eq!(Hour(5).plus(8), Hour(13));
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_its_nearest_end() {
        assert_eq!(Minute(i64::MAX).start(), DateTime::<Utc>::MAX_UTC);
        assert_eq!(Minute(i64::MIN).start(), DateTime::<Utc>::MIN_UTC);
        assert_eq!(Hour(i64::MAX).start(), DateTime::<Utc>::MAX_UTC);
        assert_eq!(Hour(i64::MIN).start(), DateTime::<Utc>::MIN_UTC);
        assert_eq!(Minute(0).start().timestamp(), 0);
    }

    #[test]
    fn a_minute_is_a_bare_number_in_json() {
        assert_eq!(serde_json::to_string(&(Minute(-7), Hour(9))).unwrap(), "[-7,9]");
        assert_eq!(serde_json::from_str::<(Minute, Hour)>("[-7,9]").unwrap(), (Minute(-7), Hour(9)));
    }

    proptest::proptest! {
        #[test]
        fn every_instant_lies_in_its_minute_and_hour(seconds in -4_000_000_000_i64..4_000_000_000) {
            let at = Utc.timestamp_opt(seconds, 0).unwrap();
            let (minute, hour) = (Minute::of(at), Hour::of(at));
            proptest::prop_assert!(minute.start() <= at && at < minute.plus(1).start());
            proptest::prop_assert!(hour.start() <= at && at < hour.plus(1).start());
            proptest::prop_assert_eq!(minute.hour(), hour);
            proptest::prop_assert!(hour.of_week() < HOURS_PER_WEEK);
            proptest::prop_assert_eq!(hour.plus(1).of_week(), (hour.of_week() + 1) % HOURS_PER_WEEK);
        }
    }
}
