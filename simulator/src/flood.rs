//! A synthetic flood on top of recorded traffic: so many more invocations of one function a minute, for a while.

use std::str::FromStr;

use chrono::{NaiveTime, Timelike};
use guard_core::name::FunctionName;
use guard_core::time::Minute;

use crate::number::as_f64;
use crate::scenario::{Client, Duration, Kind, Rate, Traffic};
use crate::stage::way_of;
use crate::workload::Workload;

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

/// Why a flood cannot be laid over a workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloodError {
    /// No function, or more than one, has that name.
    #[error("{pattern:?} fits {} functions{}; a flood needs exactly one", fits.len(), examples(fits))]
    Target {
        /// The pattern asked for.
        pattern: String,
        /// What it fits.
        fits: Vec<FunctionName>,
    },
    /// The trace is over before it begins.
    #[error("the flood would begin at {begins} UTC, after the end of the trace")]
    TooLate {
        /// When it would.
        begins: String,
    },
}

fn examples(fits: &[FunctionName]) -> String {
    let shown: Vec<&str> = fits.iter().take(3).map(FunctionName::as_str).collect();
    if shown.is_empty() { String::new() } else { format!(" ({} …)", shown.join(", ")) }
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

    /// The flood as traffic of a scenario over a workload: evenly spaced, by the way the function is invoked, and as
    /// long as its mean invocation.
    ///
    /// # Errors
    /// Where the target is not exactly one function, or the trace ends first.
    pub fn traffic(&self, workload: &Workload) -> Result<Traffic, FloodError> {
        let begins = self.begins(workload.first);
        if begins >= workload.end() {
            return Err(FloodError::TooLate { begins: begins.start().format("%Y-%m-%d %H:%M").to_string() });
        }
        let fits = workload.fits(&self.function);
        let [target] = fits.as_slice() else {
            let fits = fits.into_iter().map(|function| function.name.clone()).collect();
            return Err(FloodError::Target { pattern: self.function.clone(), fits });
        };
        let recorded = workload.traffic.iter().find(|traffic| traffic.name == target.name);
        let mean_us = recorded.map_or(0, |traffic| traffic.mean_us);
        Ok(Traffic {
            name: "flood".to_owned(),
            kind: Kind::Attack,
            function: target.name.as_str().to_owned(),
            via: way_of(target),
            through: None,
            rate: Rate::Even { rps: as_f64(self.per_minute) / 60.0 },
            from_min: u32::try_from(begins.since(workload.first)).unwrap_or(u32::MAX),
            for_min: Some(self.minutes),
            duration: Some(Duration::constant(as_f64(mean_us.max(1)) / 1000.0)),
            failing: 0.0,
            poison: 0.0,
            client: Client::default(),
            emits: None,
        })
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
    }

    fn workload() -> Workload {
        use crate::trace::{Trace, TraceFunction, Trigger};
        let traced = |id: &str, trigger| TraceFunction {
            id: id.to_owned(),
            trigger,
            invocations: vec![Some(1); 5],
            mean_us: 250_000,
            longest_us: 2_000_000,
            peak_memory_milli_mb: 200_000,
        };
        let functions = vec![traced("a", Trigger::Http), traced("b", Trigger::Queue)];
        let trace = Trace { title: String::new(), first: Minute(0), minutes: 5, functions, remarks: vec![] };
        Workload::new(&trace, "us-east-1")
    }

    #[test]
    fn a_flood_is_traffic_of_one_function_by_the_way_it_is_invoked() {
        let traffic = "*-b@00:01+3=120".parse::<Flood>().unwrap().traffic(&workload()).unwrap();
        assert_eq!((traffic.kind, traffic.function.as_str()), (Kind::Attack, "queue-b"));
        assert_eq!(
            (traffic.via, traffic.from_min, traffic.for_min),
            (crate::scenario::Via::Queue, 1, Some(3))
        );
        assert_eq!(traffic.rate, Rate::Even { rps: 2.0 });
        assert_eq!(traffic.duration, Some(Duration::constant(250.0)));
    }

    #[test]
    fn a_flood_on_no_function_or_on_two_or_too_late_is_refused() {
        let refusal =
            |text: &str| text.parse::<Flood>().unwrap().traffic(&workload()).unwrap_err().to_string();
        assert_eq!(refusal("x@00:00+1=1"), "\"x\" fits 0 functions; a flood needs exactly one");
        assert_eq!(
            refusal("*@00:00+1=1"),
            "\"*\" fits 2 functions (http-a, queue-b …); a flood needs exactly one"
        );
        assert_eq!(
            refusal("http-a@00:05+1=1"),
            "the flood would begin at 1970-01-01 00:05 UTC, after the end of the trace"
        );
    }
}
