//! Pretend metrics: points per function and minute, which are seen after the lag and not before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;
use guard_core::observation::{Census, CensusSlice, Freshness, Observation, Point, Series};
use guard_core::sampling::{METRICS_PER_COUNT, METRICS_PER_LOOK, METRICS_PER_SWEEP};
use guard_core::time::{Hour, Minute};

use super::{given, locked};
use crate::ports::{Ask, Glanced, Look, MetricSource, Proof};

type Points = BTreeMap<FunctionName, BTreeMap<Minute, Point>>;

/// The metrics of an account. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryMetrics {
    points: Arc<Mutex<Points>>,
    lag: TimeDelta,
}

impl MemoryMetrics {
    /// None yet. A point is seen `lag` after the end of its minute.
    pub fn new(lag: TimeDelta) -> Self {
        MemoryMetrics { points: Arc::default(), lag }
    }

    /// Adds to a minute of a function.
    pub fn add(&self, function: &FunctionName, minute: Minute, point: Point) {
        let mut points = locked(&self.points);
        let slot = points.entry(function.clone()).or_default().entry(minute).or_default();
        *slot = slot.plus(point);
    }

    /// The first minute that cannot be seen yet.
    fn unseen(&self, at: DateTime<Utc>) -> Minute {
        Minute::of(at - self.lag)
    }
}

#[async_trait]
impl MetricSource for MemoryMetrics {
    async fn look(&self, ask: &Ask) -> Look {
        tokio::task::yield_now().await;
        let points = locked(&self.points);
        let unseen = self.unseen(ask.at);
        let minutes = |name: &FunctionName| {
            points.get(name).map(|of| between(of, ask.from, unseen)).unwrap_or_default()
        };
        let mut region: BTreeMap<Minute, Point> = BTreeMap::new();
        for name in points.keys() {
            for (minute, point) in minutes(name) {
                let slot = region.entry(minute).or_default();
                *slot = slot.plus(point);
            }
        }
        let functions: Vec<_> = ask.focus.iter().map(|name| (name.clone(), series(minutes(name)))).collect();
        let census = ask.census.clone().map(|asked| {
            let of = |name| points.get(name).map(|of| by_hour(of, &asked)).unwrap_or_default();
            let functions = asked.functions.iter().map(|name| (name.clone(), of(name))).collect();
            Census { region: Vec::new(), functions, asked }
        });
        let glances: Vec<_> = ask
            .glance
            .iter()
            .map(|asked| {
                (asked.name.clone(), series(minutes(&asked.name).into_iter().map(glanced(asked)).collect()))
            })
            .collect();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let beside = |asked: &Glanced| 1 + u64::from(asked.invocations) + u64::from(asked.concurrency);
        let metrics = METRICS_PER_SWEEP * (1 + u64::from(census.is_some()))
            + METRICS_PER_LOOK * count(functions.len())
            + METRICS_PER_COUNT * count(census.as_ref().map_or(0, |census| census.functions.len()))
            + ask.glance.iter().map(beside).sum::<u64>();
        let region = series(region.into_iter().collect());
        let observation = Observation { at: ask.at, from: ask.from, census, region, functions, glances };
        Look { observation, metrics, problems: Vec::new() }
    }

    async fn prove(&self) -> Vec<Proof> {
        given("read metrics")
    }
}

fn between(points: &BTreeMap<Minute, Point>, from: Minute, before: Minute) -> Vec<(Minute, Point)> {
    if from >= before {
        return Vec::new();
    }
    points.range(from..before).map(|(minute, point)| (*minute, *point)).collect()
}

/// What a glance shows of a point.
fn glanced(asked: &Glanced) -> impl Fn((Minute, Point)) -> (Minute, Point) {
    |(minute, point)| {
        let invocations = if asked.invocations { point.invocations } else { 0 };
        let concurrency_max = if asked.concurrency { point.concurrency_max } else { 0 };
        (minute, Point { invocations, concurrency_max, duration_us: point.duration_us, ..Point::default() })
    }
}

fn series(minutes: Vec<(Minute, Point)>) -> Series {
    let freshness = if minutes.is_empty() { Freshness::Silent } else { Freshness::Fresh };
    Series { freshness, minutes }
}

fn by_hour(points: &BTreeMap<Minute, Point>, asked: &CensusSlice) -> Vec<(Hour, Point)> {
    let mut hours: BTreeMap<Hour, Point> = BTreeMap::new();
    for (minute, point) in between(points, asked.first.first_minute(), asked.last.plus(1).first_minute()) {
        let slot = hours.entry(minute.hour()).or_default();
        *slot = slot.plus(point);
    }
    hours.into_iter().collect()
}
