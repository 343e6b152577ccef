//! A synthetic flood on top of recorded traffic: so many more invocations of one function a minute, for a while.

use std::str::FromStr;

use chrono::{NaiveTime, Timelike};
use guard_core::time::Minute;

/// A flood, as written on the command line: `FUNCTION@HH:MM+MINUTES=PER_MINUTE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flood {
    /// The function's name, or a `*`/`?` pattern that fits exactly one.
    pub function: String,
    /// Time of day (UTC) at which it begins: the first such minute of the trace.
    pub start: NaiveTime,
    /// Minutes it lasts.
    pub minutes: u32,
    /// Invocations a minute on top of the recorded ones.
    pub per_minute: u64,
}

/// Why a text is no flood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a flood: expected FUNCTION@HH:MM+MINUTES=PER_MINUTE, such as http-d99726aac9@10:30+60=300 ({problem})"
)]
pub struct ParseFloodError {
    text: String,
    problem: &'static str,
}

impl FromStr for Flood {
    type Err = ParseFloodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| ParseFloodError { text: text.to_owned(), problem };
        let (function, rest) = text.rsplit_once('@').ok_or(error("no @"))?;
        let (start, rest) = rest.split_once('+').ok_or(error("no +"))?;
        let (minutes, per_minute) = rest.split_once('=').ok_or(error("no ="))?;
        if function.is_empty() {
            return Err(error("no function"));
        }
        let start =
            NaiveTime::parse_from_str(start, "%H:%M").map_err(|_| error("the start is no time of day"))?;
        let minutes = minutes.parse().ok().filter(|minutes| (1..=10_080).contains(minutes));
        let per_minute = per_minute.parse().ok().filter(|rate| (1..=1_000_000_000).contains(rate));
        Ok(Flood {
            function: function.to_owned(),
            start,
            minutes: minutes.ok_or(error("minutes: 1 to 10080"))?,
            per_minute: per_minute.ok_or(error("per minute: 1 to 1000000000"))?,
        })
    }
}

impl Flood {
    /// The first minute, from `from` on, at which the flood begins.
    pub fn begins(&self, from: Minute) -> Minute {
        let of_day = i64::from(self.start.hour() * 60 + self.start.minute());
        from.plus((of_day - from.0).rem_euclid(1440))
    }

    /// The first minute after it.
    pub fn ends(&self, from: Minute) -> Minute {
        self.begins(from).plus(i64::from(self.minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_from_its_text() {
        let flood: Flood = "http-d99@10:30+60=300".parse().unwrap();
        let start = NaiveTime::from_hms_opt(10, 30, 0).unwrap();
        assert_eq!(flood, Flood { function: "http-d99".into(), start, minutes: 60, per_minute: 300 });
    }

    #[test]
    fn what_is_wrong_with_a_flood_is_named() {
        let problem = |text: &str| text.parse::<Flood>().unwrap_err().problem;
        assert_eq!(problem("f"), "no @");
        assert_eq!(problem("f@10:30"), "no +");
        assert_eq!(problem("f@10:30+5"), "no =");
        assert_eq!(problem("@10:30+5=1"), "no function");
        assert_eq!(problem("f@25:00+5=1"), "the start is no time of day");
        assert_eq!(problem("f@10:30+0=1"), "minutes: 1 to 10080");
        assert_eq!(problem("f@10:30+10081=1"), "minutes: 1 to 10080");
        assert_eq!(problem("f@10:30+10080=0"), "per minute: 1 to 1000000000");
        assert_eq!(problem("f@10:30+10080=1000000001"), "per minute: 1 to 1000000000");
    }

    #[test]
    fn a_flood_begins_at_the_first_such_time_of_the_trace() {
        let flood: Flood = "f@10:30+60=1".parse().unwrap();
        let midnight = Minute(1440 * 18_000);
        assert_eq!(flood.begins(midnight), midnight.plus(630));
        assert_eq!(flood.begins(midnight.plus(630)), midnight.plus(630));
        assert_eq!(flood.begins(midnight.plus(631)), midnight.plus(630 + 1440));
        assert_eq!(flood.ends(midnight), midnight.plus(690));
    }
}
