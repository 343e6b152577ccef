//! Repeated work read backwards from metrics, and the further attempts that are on their way.
//!
//! CloudWatch counts neither retries nor duplicates: `Invocations` holds both. Three facts bound them: a retry follows
//! an error that had attempts left; invocations beyond the events received are repeats; and repeats never exceed all
//! invocations. Every function here reads its window once and allocates nothing.

use super::{CALLER_RETRIES, DUPLICATES_PPM, PPM, Source, repeating, retried, saturated};
use crate::inventory::{EventSource, Function};
use crate::observation::Point;
use crate::time::Minute;

/// Minutes after an error until its last retry by Lambda's queue: one, then two ("How Lambda handles errors and retries
/// with asynchronous invocation", read 2026-11).
const RETRY_MINUTES: i64 = 3;

/// Visibility timeout of a queue in timeouts of the function, as AWS advises ("Using Lambda with Amazon SQS", read
/// 2026-11).
const VISIBILITY_TIMEOUTS: i64 = 6;

/// Invocations of a whole ascending window that ran an event again: `[low, expected, high]`. See [`observed_since`].
pub fn observed(function: &Function, window: &[(Minute, Point)]) -> [u64; 3] {
    observed_since(function, window, window.first().map_or(Minute(0), |(minute, _)| *minute))
}

/// Invocations from a minute on that ran an event again, by a retry or as a duplicate: `[low, expected, high]`, with
/// `low ≤ expected ≤ high ≤` all invocations. Earlier points of the window, which ascends, are the errors whose retries
/// may fall into it.
///
/// - Asynchronous or mapped only, with counts of events: invocations beyond them were repeats. While the queue may be
///   draining (throttles in the window), only as many as errors and ordinary duplicates explain.
/// - Otherwise by errors: at the failure probability π of the window, (1 + π + … + π^(R−1)) ÷ (1 + π + … + π^R) of
///   them had attempts left; all of them is the upper bound.
/// - Invoked synchronously: a caller's retries look like new events. They are in the upper bound only, two per error;
///   retries caused by a caller's own time-out leave no error and are in none.
pub fn observed_since(function: &Function, window: &[(Minute, Point)], from: Minute) -> [u64; 3] {
    let tally = Tally::of(function, window, from);
    let ran = tally.counted.invocations;
    let retries = retries_of(function);
    let errors = tally.causes;
    let by_errors = share(errors, tally.failure_ppm(), retries, 0);
    let callers =
        if function.synchronous { tally.all_errors.saturating_mul(CALLER_RETRIES.into()) } else { 0 };
    let retried_at_most = if retries == 0 { 0 } else { errors };
    let duplicates = if repeats(function) { part(ran, DUPLICATES_PPM.into(), PPM) } else { 0 };
    let explained = retried_at_most.saturating_add(duplicates);
    let (low, expected, high) = match tally.beyond_events(function) {
        Some(beyond) => {
            let credible = if tally.throttled { beyond.min(explained) } else { beyond };
            let expected = credible.max(by_errors);
            let certain = part_down(errors, retries.into(), u64::from(retries) + 1);
            (expected.min(certain), expected, beyond.max(explained))
        }
        None => (0, by_errors, explained.saturating_add(callers)),
    };
    let (high, expected) = (high.min(ran), expected.min(ran));
    [low.min(expected), expected, high.max(expected)]
}

/// Failures per attempt in thousandths, rounded up; 0 without attempts.
pub fn failure_per_mille(window: &[(Minute, Point)]) -> u32 {
    let (ran, failed) = window.iter().fold((0_u64, 0_u64), |(ran, failed), (_, point)| {
        (ran.saturating_add(point.invocations), failed.saturating_add(point.errors))
    });
    if ran == 0 { 0 } else { u32::try_from(part(failed, 1000, ran).min(1000)).unwrap_or(1000) }
}

/// Further invocations whose cause is already past at the minute `now`: `[certain, expected, most]`.
///
/// Retries: an error of the minute before `now` or later has its retry still ahead, if it has attempts left; no more
/// than one in R + 1 errors of the window was a last attempt. An error up to three minutes old may have its second
/// retry ahead. At most, every error as old as an attempt and its retries can last is tried R times more. Events: those
/// that an asynchronous function received and did not run, if the window counts them. Possible retries of synchronous
/// callers are never committed.
pub fn committed_invocations(function: &Function, window: &[(Minute, Point)], now: Minute) -> [u64; 3] {
    let retries = retries_of(function);
    let failure_ppm = failure_per_mille(window) * 1000;
    let since = |age: i64| {
        let young = window.iter().filter(move |(minute, _)| now.since(*minute) <= age);
        young.fold(0_u64, |sum, (_, point)| sum.saturating_add(point.errors))
    };
    let in_flight = in_flight_batches(function);
    let newest = since(1).min(in_flight);
    let second = since(RETRY_MINUTES).min(in_flight).saturating_sub(newest);
    let any = since(lookback(function)).min(in_flight);
    let mut committed = [0; 3];
    if retries > 0 {
        let last_attempts = since(i64::MAX) / (u64::from(retries) + 1);
        let of_newest = share(newest, failure_ppm, retries, 0);
        let of_second = share(second, failure_ppm, retries, 1);
        let further = |left: u64, retries: u32| part(left, retried(failure_ppm, retries), PPM);
        committed = [
            newest.saturating_sub(last_attempts),
            further(of_newest, retries - 1).saturating_add(further(of_second, retries.saturating_sub(2))),
            any.saturating_mul(retries.into()),
        ];
    }
    let waiting = not_yet_run(function, window, retries, failure_ppm);
    let [low, expected, high] = [0, 1, 2].map(|end: usize| {
        let sum = |ends: &[u64; 3]| ends.get(end).copied().unwrap_or(0);
        sum(&committed).saturating_add(sum(&waiting))
    });
    [low, expected.max(low), high.max(expected).max(low)]
}

/// Events received and not run, with the attempts that each will take.
fn not_yet_run(function: &Function, window: &[(Minute, Point)], retries: u32, failure_ppm: u32) -> [u64; 3] {
    let all = window.iter().fold(Point::default(), |sum, (_, point)| sum.plus(*point));
    let known = window.iter().all(|(_, point)| point.async_received.is_some());
    let Some(received) = all.async_received.filter(|_| known && counts_received(function)) else {
        return [0; 3];
    };
    let failed = if retries == 0 { 0 } else { all.errors.min(all.invocations) };
    let again = share(failed, failure_ppm, retries, 0);
    let waiting = |repeated: u64| received.saturating_sub(all.invocations.saturating_sub(repeated));
    [
        waiting(0),
        part(waiting(again), retried(failure_ppm, retries), PPM),
        waiting(failed).saturating_mul(u64::from(retries) + 1),
    ]
}

/// The number of the given errors that have more than `skipped` further attempts behind or ahead of them, rounded up:
/// (π^skipped + … + π^(R−1)) ÷ (1 + … + π^R).
fn share(errors: u64, failure_ppm: u32, retries: u32, skipped: u32) -> u64 {
    let Some(tried_again) = retries.checked_sub(1) else { return 0 };
    let skip = if skipped == 0 { 0 } else { retried(failure_ppm, skipped - 1) };
    let left = retried(failure_ppm, tried_again).saturating_sub(skip);
    part(errors, left, retried(failure_ppm, retries))
}

/// `whole × numerator ÷ denominator`, rounded up; the denominator is never zero here.
fn part(whole: u64, numerator: u64, denominator: u64) -> u64 {
    match whole.checked_mul(numerator) {
        Some(product) => product.div_ceil(denominator.max(1)),
        None => saturated((u128::from(whole) * u128::from(numerator)).div_ceil(denominator.max(1).into())),
    }
}

/// The same rounded down: for lower bounds.
fn part_down(whole: u64, numerator: u64, denominator: u64) -> u64 {
    saturated(u128::from(whole) * u128::from(numerator) / u128::from(denominator.max(1)))
}

/// The retries of the source that makes most; 0 if none repeats by itself.
fn retries_of(function: &Function) -> u32 {
    repeating(function).map(|(_, retries)| retries).max().unwrap_or(0)
}

/// Whether some source repeats by itself, if only by duplicates.
fn repeats(function: &Function) -> bool {
    repeating(function).next().is_some()
}

/// Whether Lambda's metric `AsyncEventsReceived` counts the events of everything that invokes the function.
pub fn counts_received(function: &Function) -> bool {
    !function.synchronous && repeats(function) && !is_mapped(function)
}

fn is_mapped(function: &Function) -> bool {
    repeating(function).any(|(source, _)| source != Source::Asynchronous)
}

/// Batches that can be blocked at once if only streams repeat: an error there is one batch, again and again.
fn in_flight_batches(function: &Function) -> u64 {
    if !repeating(function).all(|(source, _)| source == Source::Stream) {
        return u64::MAX;
    }
    let enabled = function.mappings.iter().filter(|mapping| mapping.enabled);
    let batches = enabled.map(|mapping| match mapping.source {
        EventSource::Stream { shards, parallelization, .. } => u64::from(shards) * u64::from(parallelization),
        EventSource::Sqs { .. } => 0,
    });
    batches.fold(0, u64::saturating_add)
}

/// Minutes from an attempt's start, which its error bears, to the last retry that follows from it.
fn lookback(function: &Function) -> i64 {
    let queued = repeating(function).any(|(source, _)| source == Source::Queue);
    let attempt_s = i64::from(function.timeout_s) * if queued { VISIBILITY_TIMEOUTS } else { 1 };
    RETRY_MINUTES + (attempt_s + 59) / 60
}

/// The sums of one pass over a window.
#[derive(Default)]
struct Tally {
    /// The minutes in question.
    counted: Point,
    /// Whether each of them has `AsyncEventsReceived`.
    received_known: bool,
    /// Whether each of them has the counts polled and invoked by mappings.
    polled_known: bool,
    /// Errors whose retries may fall into the minutes in question.
    causes: u64,
    /// Invocations and errors of those and of the earlier minutes that matter.
    all_invocations: u64,
    all_errors: u64,
    /// Whether anything was refused in the whole window, so that a backlog may be draining.
    throttled: bool,
}

impl Tally {
    fn of(function: &Function, window: &[(Minute, Point)], from: Minute) -> Self {
        // Lambda's own queue waits a minute; a mapping or a caller need not wait.
        let at_once = function.synchronous || is_mapped(function);
        let earliest = from.plus(-lookback(function));
        let newest = window.last().map(|(minute, _)| *minute);
        let mut tally = Tally { received_known: true, polled_known: true, ..Tally::default() };
        for (minute, point) in window {
            tally.throttled |= point.throttles > 0;
            if *minute >= from {
                tally.counted = tally.counted.plus(*point);
                tally.received_known &= point.async_received.is_some();
                tally.polled_known &= point.polled_events.is_some() && point.invoked_events.is_some();
            }
            if *minute >= earliest {
                tally.all_invocations = tally.all_invocations.saturating_add(point.invocations);
                tally.all_errors = tally.all_errors.saturating_add(point.errors);
                if at_once || newest != Some(*minute) {
                    tally.causes = tally.causes.saturating_add(point.errors);
                }
            }
        }
        tally
    }

    fn failure_ppm(&self) -> u32 {
        let ppm =
            if self.all_invocations == 0 { 0 } else { part(self.all_errors, PPM, self.all_invocations) };
        u32::try_from(ppm.min(PPM)).unwrap_or(1_000_000)
    }

    /// Invocations beyond one per event, if the metrics count the events of everything that invokes the function.
    fn beyond_events(&self, function: &Function) -> Option<u64> {
        let ran = self.counted.invocations;
        if counts_received(function) && self.received_known {
            return Some(ran.saturating_sub(self.counted.async_received?));
        }
        let mapped_only = !function.synchronous && function.asynchronous.is_none() && is_mapped(function);
        if mapped_only && self.polled_known {
            let (polled, invoked) = (self.counted.polled_events?, self.counted.invoked_events?);
            return Some(part(ran, invoked.saturating_sub(polled), invoked).min(ran));
        }
        None
    }
}
