//! A CloudWatch alarm with a static threshold on each function's invocations, whose action stops the function.

use guard_core::money::Usd;
use guard_core::name::FunctionName;
use guard_core::time::Minute;

use super::stop;
use crate::cloudwatch::Query;
use crate::number::as_f64;
use crate::request::Request;
use crate::run::{Rival, Seat};
use crate::scenario::{Happening, Kind};
use crate::stage::{Flow, GUARD, Stage};
use crate::world::{MeanLaw, TrafficTally};

/// How far above the busiest minute the threshold lies. Ours: alarms are set by hand, and twice is a usual choice.
const FACTOR: f64 = 2.0;

/// The least threshold in invocations a minute: one a second, so that the second visitor of a quiet function is no
/// incident. Ours.
const LEAST: f64 = 60.0;

/// Deviations that the busiest of a week's ten thousand minutes lies above the mean of independent arrivals.
const DEVIATIONS: f64 = 4.0;

/// $0.10 a month and standard-resolution alarm metric ("Amazon CloudWatch pricing", read 2026-11), in pico-dollars.
const PICOS_PER_MONTH: i128 = 100_000_000_000;

/// Minutes of a month of 30 days.
const MINUTES_PER_MONTH: i128 = 43_200;

/// Minutes after the first try in which Lambda tries a failed asynchronous call again: one, then two more ("How Lambda
/// handles errors and retries with asynchronous invocation", read 2026-11). The alarm's action is such a call.
const TRIES_AFTER_MIN: [i64; 3] = [0, 1, 3];

/// One alarm for each function.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Minutes in a row above the threshold.
    periods: i64,
    names: Vec<FunctionName>,
    watched: Vec<Watched>,
    lag_min: i64,
    actuation_s: u32,
}

#[derive(Debug)]
struct Watched {
    place: usize,
    threshold: u64,
    /// When it went into ALARM, while it is there.
    since: Option<Minute>,
    is_done: bool,
}

impl Alarm {
    /// Alarms on all functions of a stage.
    pub(super) fn new(request: &Request<'_>, periods: i64) -> Self {
        let stage = request.stage;
        let start = Minute::of(request.scenario.start);
        let watched =
            stage.functions.iter().enumerate().filter(|(_, spec)| spec.name != GUARD).map(|(place, _)| {
                Watched { place, threshold: threshold(stage, place, start), since: None, is_done: false }
            });
        Alarm {
            periods,
            names: stage.functions.iter().map(|spec| spec.name.as_str().into()).collect(),
            watched: watched.collect(),
            lag_min: i64::from(request.scenario.service.metric_delay_s.div_ceil(60)),
            actuation_s: request.scenario.service.actuation_s,
        }
    }
}

impl Rival for Alarm {
    fn minute(&mut self, seat: &mut Seat<'_, '_>) {
        let focus: Vec<usize> = self.watched.iter().map(|watched| watched.place).collect();
        // Where points are later than usual, an alarm looks back as far as it needs to find the newest.
        let from = seat.at.plus(-self.lag_min - self.periods - 32);
        let seen = seat.cloudwatch.look(&Query {
            at: seat.at,
            from,
            focus: &focus,
            glance: &[],
            census: None,
            settled: seat.at.plus(-self.lag_min),
            names: &self.names,
            functions_answer: true,
        });
        let Some(newest) = seen.region.minutes.last().map(|(minute, _)| *minute) else { return };
        let is_down = seat.now.is(Happening::ControlPlaneDown);
        let mut calls = 0;
        for (watched, (_, series)) in self.watched.iter_mut().zip(&seen.functions) {
            let above = series.minutes.iter().filter(|(minute, point)| {
                *minute > newest.plus(-self.periods)
                    && *minute <= newest
                    && point.invocations > watched.threshold
            });
            if i64::try_from(above.count()).unwrap_or(0) < self.periods {
                (watched.since, watched.is_done) = (None, false);
                continue;
            }
            let since = *watched.since.get_or_insert(seat.at);
            // An action belongs to the change of state: after its retries an alarm that stays in ALARM says nothing more.
            if !watched.is_done && TRIES_AFTER_MIN.contains(&seat.at.since(since)) && !is_down {
                stop(seat.world, watched.place, self.actuation_s, calls);
                calls += 1;
                watched.is_done = true;
            }
        }
    }

    fn cost(&self, minutes: u32, _: &[TrafficTally]) -> Usd {
        let alarms = i128::try_from(self.watched.len()).unwrap_or(0);
        Usd::from_picos(PICOS_PER_MONTH * alarms).mul_div_up(i128::from(minutes), MINUTES_PER_MONTH)
    }
}

/// Invocations a minute above which the alarm of the function at a place goes off: twice its busiest minute of the week
/// before, as its laws and recordings have it.
pub fn threshold(stage: &Stage, place: usize, start: Minute) -> u64 {
    let friends: Vec<usize> = (0..stage.guard_traffic())
        .filter(|index| stage.traffic.get(*index).is_some_and(|actor| actor.kind == Kind::Legitimate))
        .collect();
    let mut busiest = 0.0_f64;
    for hour in 1..=7 * 24 {
        let at = start.plus(-60 * hour).start();
        let own = |index: usize| match stage.traffic.get(index).map(|actor| &actor.flow) {
            Some(Flow::Law(rate)) => MeanLaw::usual_rps(rate, at).1 * 60.0,
            _ => 0.0,
        };
        // The events that a chain sends on arrive at the next function: as many rounds as there are links.
        let mut rates: Vec<f64> = (0..stage.traffic.len()).map(own).collect();
        for _ in 0..friends.len().min(8) {
            let mut next: Vec<f64> = (0..stage.traffic.len()).map(own).collect();
            for index in &friends {
                let Some((to, terms)) = stage.traffic.get(*index).and_then(|actor| actor.emits.as_ref())
                else {
                    continue;
                };
                if let (Some(sum), Some(rate)) = (next.get_mut(*to), rates.get(*index)) {
                    *sum += rate * terms.gain;
                }
            }
            rates = next;
        }
        let mean: f64 = friends
            .iter()
            .filter(|index| stage.traffic.get(**index).is_some_and(|actor| actor.function == place))
            .filter_map(|index| rates.get(*index))
            .sum();
        busiest = busiest.max(mean + DEVIATIONS * libm::sqrt(mean));
    }
    let recorded =
        friends.iter().filter_map(|index| stage.traffic.get(*index)).filter_map(|actor| match &actor.flow {
            Flow::Counts(counts) if actor.function == place => counts.known().max(),
            _ => None,
        });
    let busiest = busiest + recorded.map(as_f64).sum::<f64>();
    whole(libm::ceil((busiest * FACTOR).max(LEAST)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 1e15) as u64
}
