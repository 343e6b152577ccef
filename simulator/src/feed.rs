//! What a look shows: the minutes that have settled by then, over a window that is read again at every look.
//!
//! Every function is read at every look, whatever the plan asks for: this command shows decisions, not sampling.

use guard_core::name::FunctionName;
use guard_core::observation::{Freshness, Observation, Point, Series};
use guard_core::time::Minute;

use crate::workload::Workload;

/// Metrics of a workload, with the delay at which they settle.
#[derive(Clone, Debug)]
pub struct Feed<'a> {
    workload: &'a Workload,
    region: Vec<Option<Point>>,
    lag_minutes: i64,
    window_minutes: i64,
}

impl<'a> Feed<'a> {
    /// Metrics that settle `lag_s` seconds after the minute they belong to, rounded up to minutes; every look reads
    /// the `window_minutes` newest of them.
    pub fn new(workload: &'a Workload, lag_s: u32, window_minutes: i64) -> Self {
        let region = (0..workload.minutes).map(|index| total(workload, index)).collect();
        Feed { workload, region, lag_minutes: i64::from(lag_s.div_ceil(60)), window_minutes }
    }

    /// The ticks of a replay: from the first look that shows a minute to the first that shows them all.
    pub fn ticks(&self) -> impl Iterator<Item = Minute> + use<> {
        let (first, end) =
            (self.workload.first.plus(self.lag_minutes), self.workload.end().plus(self.lag_minutes));
        (first.0..end.0).map(Minute)
    }

    /// A look at the beginning of a minute: it holds the minutes up to `lag` before.
    pub fn observe(&self, tick: Minute) -> Observation {
        let newest = tick.plus(-self.lag_minutes);
        let series = |points: &[Option<Point>]| self.series(points, newest);
        let functions: Vec<(FunctionName, Series)> = self
            .workload
            .traffic
            .iter()
            .map(|traffic| (traffic.name.clone(), series(&traffic.points)))
            .collect();
        let from = newest.plus(1 - self.window_minutes);
        Observation { at: tick.start(), from, census: None, region: series(&self.region), functions }
    }

    fn series(&self, points: &[Option<Point>], newest: Minute) -> Series {
        let window = newest.plus(1 - self.window_minutes).max(self.workload.first).0..=newest.0;
        let mut minutes = Vec::new();
        let mut unknown = false;
        for minute in window.map(Minute) {
            match self.point(points, minute) {
                Some(point) if point.invocations > 0 => minutes.push((minute, point)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        let freshness = match (minutes.is_empty(), unknown) {
            (_, true) => Freshness::Unknown,
            (true, false) => Freshness::Silent,
            (false, false) => Freshness::Fresh,
        };
        Series { freshness, minutes, hours: Vec::new() }
    }

    fn point(&self, points: &[Option<Point>], minute: Minute) -> Option<Point> {
        let index = usize::try_from(minute.since(self.workload.first)).ok()?;
        points.get(index).copied().flatten()
    }
}

/// The region's point of a minute; unknown where any function's is. Concurrency adds up over functions here, where
/// for one function over time the highest counts.
fn total(workload: &Workload, index: usize) -> Option<Point> {
    let mut sum = Point::default();
    for traffic in &workload.traffic {
        let point = traffic.points.get(index).copied().flatten()?;
        let concurrency_max = sum.concurrency_max.saturating_add(point.concurrency_max);
        sum = Point { concurrency_max, ..sum.plus(point) };
    }
    Some(sum)
}

#[cfg(test)]
mod tests;
