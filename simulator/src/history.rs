//! What a census finds of the time before a scenario: legitimate traffic as its laws have it on average, in one-hour
//! points. Concurrency is what independent arrivals reach: mean and a few deviations.

use std::collections::BTreeMap;

use guard_core::observation::Point;
use guard_core::time::{Hour, Minute};

use crate::number::as_f64;
use crate::scenario::{Kind, Via};
use crate::stage::{Flow, GUARD, Performer, Stage};
use crate::world::MeanLaw;

/// Deviations above the mean that the highest concurrency of an hour reaches: an hour holds some thousand independent
/// moments, of which the highest lies 3 to 4 deviations out.
const DEVIATIONS: f64 = 3.5;

/// The time before the start. Worked out when it is asked for: four weeks of many functions are more than a run needs
/// otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The traffic that was there.
    pub stage: &'a Stage,
    /// When the scenario starts.
    pub start: Minute,
    /// For how many days before that everything ran as it does now.
    pub days: u32,
}

impl Past<'_> {
    /// Points of a function in the hours from the first to the last, as far as they lie before the start.
    pub fn hours(&self, place: usize, first: Hour, last: Hour) -> Vec<(Hour, Point)> {
        let (stage, start) = (self.stage, self.start);
        let first = first.max(start.hour().plus(-24 * i64::from(self.days)));
        let last = last.min(start.hour().plus(-1));
        let mut points = Vec::new();
        let Some(spec) = stage.functions.get(place) else { return points };
        let is_ours = |actor: &&Performer| actor.function == place && actor.kind == Kind::Legitimate;
        let actors: Vec<&Performer> = stage.traffic.iter().filter(is_ours).collect();
        if actors.is_empty() {
            return points;
        }
        let is_async = spec.asynchronous.is_some();
        // A trace repeats itself, so its hours are the same few again and again.
        let mut known: Vec<BTreeMap<i64, Load>> = vec![BTreeMap::new(); actors.len()];
        for number in first.0..=last.0 {
            let hour = Hour(number);
            let mut point = Point { async_received: is_async.then_some(0), ..Point::default() };
            for (actor, known) in actors.iter().zip(&mut known) {
                let load = match &actor.flow {
                    Flow::Law(_) => load_of(actor, hour, start),
                    Flow::Counts(counts) => *known
                        .entry(place_in(counts.len(), hour.first_minute(), start))
                        .or_insert_with(|| load_of(actor, hour, start)),
                };
                let law = MeanLaw::of(&actor.duration, u64::from(spec.timeout_s) * 1_000_000);
                let attempts =
                    load.per_hour * attempts(actor, spec.asynchronous.map_or(0, |a| a.max_retries));
                let batch = batch_of(actor, stage);
                let mean_s = law.mean_s();
                point.invocations += whole(attempts / batch);
                point.errors += whole(attempts / batch * actor.failing.max(actor.poison));
                point.duration_us += whole(attempts / batch * mean_s * 1e6);
                let busy = load.peak_rps * mean_s / batch;
                let most = busy + DEVIATIONS * libm::sqrt(busy);
                let most = u32::try_from(whole(libm::ceil(most))).unwrap_or(u32::MAX);
                point.concurrency_max = point.concurrency_max.saturating_add(most);
                if actor.via == Via::Async {
                    point.async_received = point.async_received.map(|sum| sum + whole(load.per_hour));
                }
            }
            if point.invocations > 0 {
                points.push((hour, point));
            }
        }
        points
    }
}

/// Events of an hour, and the highest rate within it.
#[derive(Clone, Copy, Debug)]
struct Load {
    per_hour: f64,
    peak_rps: f64,
}

fn load_of(actor: &Performer, hour: Hour, start: Minute) -> Load {
    if actor.name == GUARD {
        return Load { per_hour: 60.0, peak_rps: 1.0 / 60.0 };
    }
    match &actor.flow {
        Flow::Law(rate) => {
            let law = MeanLaw::usual_rps(rate, hour.start());
            Load { per_hour: law.0 * 3600.0, peak_rps: law.1 }
        }
        // A trace repeats itself backwards.
        Flow::Counts(counts) => {
            let minutes = (0..60).map(|minute| {
                let index = place_in(counts.len(), hour.first_minute().plus(minute), start);
                usize::try_from(index).ok().and_then(|index| counts.at(index)).unwrap_or(0)
            });
            let minutes: Vec<u64> = minutes.collect();
            let most = minutes.iter().copied().max().unwrap_or(0);
            Load { per_hour: as_f64(minutes.iter().sum()), peak_rps: as_f64(most) / 60.0 }
        }
    }
}

/// Where a minute before the start lies in a trace of so many minutes that repeats itself backwards.
fn place_in(minutes: usize, at: Minute, start: Minute) -> i64 {
    at.since(start).rem_euclid(i64::try_from(minutes.max(1)).unwrap_or(i64::MAX))
}

/// Attempts per event on average: poison fails every time, and the others each time anew.
fn attempts(actor: &Performer, max_retries: u8) -> f64 {
    if actor.via != Via::Async {
        return 1.0;
    }
    let ordinary: f64 =
        (0..=i32::from(max_retries)).map(|tries| libm::pow(actor.failing, f64::from(tries))).sum();
    actor.poison * (f64::from(max_retries) + 1.0) + (1.0 - actor.poison) * ordinary
}

/// Events per invocation: one, unless a stream gathers them. Queues under light load deliver one by one.
fn batch_of(actor: &Performer, stage: &Stage) -> f64 {
    let Flow::Law(rate) = &actor.flow else { return 1.0 };
    let spec = stage.functions.get(actor.function);
    match (actor.via, spec.and_then(|spec| spec.streams.get(actor.through))) {
        (Via::Stream, Some(stream)) => {
            let lanes = f64::from(stream.shards * stream.parallelization);
            let law = MeanLaw::of(&actor.duration, 900_000_000);
            let rps = MeanLaw::usual_rps(rate, guard_core::time::Minute(0).start()).0;
            // What arrives at a lane while a batch runs goes into the next one.
            (rps / lanes * law.mean_s()).clamp(1.0, f64::from(stream.batch_size))
        }
        _ => 1.0,
    }
}

/// A count, rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 1e15) as u64
}
