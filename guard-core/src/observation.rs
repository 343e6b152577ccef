//! Observations: metric points with their freshness. A missing point is neither zero nor an error.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::name::FunctionName;
use crate::time::{Hour, Minute};

/// How far a series can be trusted.
///
/// CloudWatch stamps a value with the invocation's start and sends it at the end, and points converge for minutes; so
/// "no point" may mean no traffic, not yet sent, or not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "minutes")]
pub enum Freshness {
    /// The answer is complete up to the assumed metric lag.
    Fresh,
    /// The newest point is this many minutes older than the assumed lag allows.
    Late(u32),
    /// The answer was complete and holds no point, while the region's totals do not contradict that.
    Silent,
    /// Unknown: the call failed, was throttled or partial, or was not made. Never read as zero.
    #[default]
    Unknown,
}

impl Freshness {
    /// The freshness of the region's totals, answered in full, by their newest point. `settled` is the newest minute
    /// that should be visible.
    pub fn of_region(newest: Option<Minute>, settled: Minute) -> Self {
        match newest {
            None => Freshness::Silent,
            Some(minute) if minute >= settled => Freshness::Fresh,
            Some(minute) => Freshness::Late(u32::try_from(settled.since(minute)).unwrap_or(u32::MAX)),
        }
    }

    /// The freshness of a function, answered in full, by its newest point and the `region`'s freshness: the region's
    /// totals move at every tick, because the guard is invoked, so only they tell late from quiet. If they are unknown,
    /// a function that shows the settled minutes counts by itself, and any other function is unknown.
    pub fn of_function(region: Freshness, newest: Option<Minute>, settled: Minute) -> Self {
        match (region, newest) {
            (Freshness::Late(minutes), _) => Freshness::Late(minutes),
            (Freshness::Unknown, Some(minute)) if minute >= settled => Freshness::Fresh,
            (Freshness::Unknown, _) => Freshness::Unknown,
            (Freshness::Fresh | Freshness::Silent, None) => Freshness::Silent,
            (Freshness::Fresh | Freshness::Silent, Some(_)) => Freshness::Fresh,
        }
    }

    /// The newest minute of which the data is known, where `settled` is the newest that should be; `None` if none is.
    /// The newest point of late data may still grow.
    pub fn known_until(self, settled: Minute) -> Option<Minute> {
        match self {
            Freshness::Fresh | Freshness::Silent => Some(settled),
            Freshness::Late(minutes) => Some(settled.plus(-i64::from(minutes) - 1)),
            Freshness::Unknown => None,
        }
    }

    /// Whether the absence of points may be read as the absence of traffic.
    pub const fn is_trustworthy(self) -> bool {
        matches!(self, Freshness::Fresh | Freshness::Silent)
    }
}

/// The `AWS/Lambda` metrics of one minute, of one function or of the whole region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// `Invocations`, Sum: billed requests, retries and duplicates included.
    pub invocations: u64,
    /// `Errors`, Sum.
    #[serde(default)]
    pub errors: u64,
    /// `Throttles`, Sum: refused, not billed, in neither of the two above.
    #[serde(default)]
    pub throttles: u64,
    /// `Duration`, Sum, in microseconds. Leaves out the INIT phase.
    pub duration_us: u64,
    /// `ConcurrentExecutions`, Maximum.
    #[serde(default)]
    pub concurrency_max: u32,
    /// `AsyncEventsReceived`, Sum: events queued, each once. `None` if the metric was not read.
    #[serde(default)]
    pub async_received: Option<u64>,
    /// Events an event source mapping polled and did not filter out (`PolledEventCount` − `FilteredOutEventCount`),
    /// Sum. `None` if the mapping's opt-in metrics are off.
    #[serde(default)]
    pub polled_events: Option<u64>,
    /// `InvokedEventCount` of the mappings, Sum: events count again at every retry.
    #[serde(default)]
    pub invoked_events: Option<u64>,
}

/// The observed data of one function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// How far the data can be trusted.
    pub freshness: Freshness,
    /// One-minute points, ascending, each minute at most once. Minutes without a point are absent.
    #[serde(default)]
    pub minutes: Vec<(Minute, Point)>,
}

/// The request of one look to the census, the walk through every function's hours: functions in the order of their
/// names, as many as a few calls answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusSlice {
    /// The first hour asked for.
    pub first: Hour,
    /// The last hour asked for; the same for a whole round.
    pub last: Hour,
    /// The functions to read, sorted. Those whose minutes have shown everything are left out.
    pub functions: Vec<FunctionName>,
    /// Whether no functions are left after these.
    pub ends_round: bool,
}

/// A slice of the census, answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Census {
    /// The request.
    pub asked: CensusSlice,
    /// One-hour points of the region's totals, ascending; empty if there was no answer.
    pub region: Vec<(Hour, Point)>,
    /// One-hour points of the functions that were answered in full, sorted by name, hours ascending: an hour without a
    /// point is an hour without traffic.
    pub functions: Vec<(FunctionName, Vec<(Hour, Point)>)>,
}

/// One look at the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When the look was made: the "now" of the decision.
    pub at: DateTime<Utc>,
    /// The first minute requested: long enough ago for late points to be read again.
    pub from: Minute,
    /// Hours of functions, if a round of the census is under way. They settle the ledger and feed the baseline.
    #[serde(default)]
    pub census: Option<Census>,
    /// The region's totals (metrics without dimension).
    pub region: Series,
    /// The functions that were looked at minute by minute, sorted by name without repetition. A function without an
    /// answer is here as [`Freshness::Unknown`]; a function that was not asked for is absent.
    pub functions: Vec<(FunctionName, Series)>,
    /// The functions of which only durations were requested, and invocations if a budget of their own covers them,
    /// likewise sorted. None of them is among `functions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub glances: Vec<(FunctionName, Series)>,
}

impl Observation {
    /// A look without any results.
    pub fn blind(at: DateTime<Utc>) -> Self {
        Observation {
            at,
            from: Minute::of(at),
            census: None,
            region: Series::default(),
            functions: Vec::new(),
            glances: Vec::new(),
        }
    }

    /// The observed data of a function, if it was looked at.
    pub fn of(&self, name: &FunctionName) -> Option<&Series> {
        find(&self.functions, name)
    }

    /// The results of a glance at a function, if there was one.
    pub fn glance_at(&self, name: &FunctionName) -> Option<&Series> {
        find(&self.glances, name)
    }

    /// Merges both looks of one tick: the later data of a function or the region replaces the earlier. Each look asked
    /// for all of its open minutes, so the earlier beginning holds for both. The census of the earlier look is already
    /// in the books.
    #[must_use]
    pub fn and(mut self, later: Observation) -> Observation {
        let is_read = |name: &FunctionName| later.of(name).is_some();
        self.functions.retain(|(name, _)| !is_read(name));
        self.glances.retain(|(name, _)| !is_read(name) && later.glance_at(name).is_none());
        self.functions.extend(later.functions);
        self.glances.extend(later.glances);
        self.functions.sort_by(|a, b| a.0.cmp(&b.0));
        self.glances.sort_by(|a, b| a.0.cmp(&b.0));
        Observation {
            at: self.at,
            from: self.from.min(later.from),
            census: later.census,
            region: if later.region.freshness == Freshness::Unknown { self.region } else { later.region },
            functions: self.functions,
            glances: self.glances,
        }
    }
}

fn find<'a>(series: &'a [(FunctionName, Series)], name: &FunctionName) -> Option<&'a Series> {
    let index = series.binary_search_by(|(other, _)| other.cmp(name)).ok()?;
    series.get(index).map(|(_, series)| series)
}

impl Series {
    /// A complete series of minutes.
    pub fn fresh(minutes: Vec<(Minute, Point)>) -> Self {
        Series { freshness: Freshness::Fresh, minutes }
    }

    /// A complete answer without a point: no traffic.
    pub fn silent() -> Self {
        Series { freshness: Freshness::Silent, ..Series::default() }
    }

    /// The newest minute that has a point.
    pub fn newest(&self) -> Option<Minute> {
        self.minutes.last().map(|(minute, _)| *minute)
    }
}

impl Point {
    /// Both points together: sums added, the higher of the maxima.
    #[must_use]
    pub fn plus(self, other: Point) -> Point {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        Point {
            invocations: self.invocations.saturating_add(other.invocations),
            errors: self.errors.saturating_add(other.errors),
            throttles: self.throttles.saturating_add(other.throttles),
            duration_us: self.duration_us.saturating_add(other.duration_us),
            concurrency_max: self.concurrency_max.max(other.concurrency_max),
            async_received: sum(self.async_received, other.async_received),
            polled_events: sum(self.polled_events, other.polled_events),
            invoked_events: sum(self.invoked_events, other.invoked_events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLED: Minute = Minute(100);

    #[test]
    fn a_region_is_fresh_up_to_the_settled_minute_and_late_by_what_it_lacks() {
        let of = |newest: Option<i64>| Freshness::of_region(newest.map(Minute), SETTLED);
        assert_eq!(of(None), Freshness::Silent);
        assert_eq!(of(Some(103)), Freshness::Fresh);
        assert_eq!(of(Some(100)), Freshness::Fresh);
        assert_eq!(of(Some(99)), Freshness::Late(1));
        assert_eq!(of(Some(60)), Freshness::Late(40));
        assert_eq!(of(Some(100 - i64::from(u32::MAX) - 7)), Freshness::Late(u32::MAX));
    }

    #[test]
    fn a_function_is_late_exactly_where_the_region_is() {
        for newest in [None, Some(Minute(50)), Some(SETTLED)] {
            assert_eq!(Freshness::of_function(Freshness::Late(3), newest, SETTLED), Freshness::Late(3));
        }
        for region in [Freshness::Fresh, Freshness::Silent] {
            assert_eq!(Freshness::of_function(region, None, SETTLED), Freshness::Silent);
            assert_eq!(Freshness::of_function(region, Some(Minute(50)), SETTLED), Freshness::Fresh);
            assert_eq!(Freshness::of_function(region, Some(SETTLED), SETTLED), Freshness::Fresh);
        }
    }

    #[test]
    fn without_the_region_a_quiet_function_is_unknown_and_a_busy_one_speaks_for_itself() {
        let of =
            |newest: Option<i64>| Freshness::of_function(Freshness::Unknown, newest.map(Minute), SETTLED);
        assert_eq!(of(None), Freshness::Unknown);
        assert_eq!(of(Some(99)), Freshness::Unknown);
        assert_eq!(of(Some(100)), Freshness::Fresh);
    }

    #[test]
    fn of_two_looks_the_later_counts_but_for_what_it_could_not_tell() {
        let at = SETTLED.start();
        let of = |names: &[&str], minute: i64| -> Vec<(FunctionName, Series)> {
            let series = Series::fresh(vec![(Minute(minute), Point::default())]);
            names.iter().map(|name| (FunctionName::from(*name), series.clone())).collect()
        };
        let first = Observation {
            from: Minute(90),
            region: Series::silent(),
            functions: of(&["b"], 1),
            glances: of(&["a", "c", "d"], 1),
            ..Observation::blind(at)
        };
        let later = Observation {
            from: Minute(40),
            functions: of(&["a"], 2),
            glances: of(&["d"], 2),
            ..Observation::blind(at)
        };
        let both = first.and(later);
        assert_eq!((both.from, both.region), (Minute(40), Series::silent()));
        let minutes = |series: &[(FunctionName, Series)]| -> Vec<(String, i64)> {
            series.iter().map(|(name, series)| (name.to_string(), series.minutes[0].0.0)).collect()
        };
        assert_eq!(minutes(&both.functions), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(minutes(&both.glances), [("c".to_owned(), 1), ("d".to_owned(), 2)]);
    }
}
