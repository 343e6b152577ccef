//! Attempts per logical event. One event can run several times and every run is billed: a failure is tried again, a
//! queue delivers again, a batch is halved and run again, a caller calls again, a function calls itself, and a cap
//! that is too tight makes all of them try more. The bill multiplies while the error rate looks modest.
//!
//! Forward, [`forecast_attempts`] says what a failure probability will cost before its retries have run. Backward,
//! [`observed`] says how much of what ran was repeated, within bounds, because no metric counts it.
//!
//! Probabilities and ratios are whole millionths (`ppm`), rounded up: no float reaches a decision.

mod observed;

use serde::{Deserialize, Serialize};

pub use observed::{
    Repeated, committed_invocations, counts_received, deferred_seconds, failure_per_mille, observed,
    observed_since, refused_ppm,
};

use crate::inventory::{EventSource, EventSourceMapping, Function};

/// Millionths in one: an event that runs once has `PPM` attempts.
pub const PPM: u64 = 1_000_000;

/// Retries of one asynchronous event that have been seen before it reached its dead-letter queue, where 2 are
/// documented (a report of OpsGenie's, cited by Yan Cui; read 2026-11). Configured numbers are clamped to it.
pub const OBSERVED_RETRIES: u32 = 6;

/// Runs of one event that at-least-once delivery has been seen to cause (SunGard, "Run, Lambda, Run", 2017; read
/// 2026-11).
pub const DUPLICATE_RUNS: u64 = 3;

/// Further attempts of a synchronous caller, per layer that retries: AWS SDKs make 3 attempts ("Retry behavior", AWS
/// SDKs and Tools Reference Guide, read 2026-11).
pub const CALLER_RETRIES: u32 = 2;

/// Hops after which Lambda stops a recursion on a path that it watches ("Use Lambda recursive loop detection", read
/// 2026-11). It watches no DynamoDB stream.
pub const RECURSION_HOPS: u32 = 16;

/// Seconds between two attempts at a blocked stream batch that is tried for ever. No document promises a pause; an
/// attempt a second is taken as the fastest that lasts.
const STREAM_ATTEMPT_S: u32 = 1;

/// Duplicates per event without any error, by load: δ of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// At rest, in millionths of events. Default 200, the 0.02 % of SunGard, "Run, Lambda, Run", 2017.
    pub at_rest_ppm: u32,
    /// At the concurrency limit. Default as at rest: growth under load is suspected and not measured.
    pub at_full_load_ppm: u32,
}

impl Default for Duplicates {
    fn default() -> Self {
        Duplicates { at_rest_ppm: 200, at_full_load_ppm: 200 }
    }
}

impl Duplicates {
    /// Duplicates in millionths of events at a load in thousandths of the limit: a straight line, rounded up.
    pub fn at(self, load_per_mille: u32) -> u32 {
        let load = u64::from(load_per_mille.min(1000));
        let mixed = u64::from(self.at_rest_ppm) * (1000 - load) + u64::from(self.at_full_load_ppm) * load;
        u32::try_from(mixed.div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

/// Attempts per event of a function, in millionths: `low_ppm ≤ expected_ppm ≤ high_ppm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Every event succeeds at once.
    pub low_ppm: u64,
    /// At the failure probability given.
    pub expected_ppm: u64,
    /// Every attempt fails.
    pub high_ppm: u64,
    /// What repeats most.
    pub source: Source,
}

/// What makes an event run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nothing does.
    None,
    /// The caller: indistinguishable from new traffic on our side.
    Synchronous,
    /// Lambda's queue of asynchronous events.
    Asynchronous,
    /// An SQS queue.
    Queue,
    /// A Kinesis or DynamoDB stream.
    Stream,
}

/// Fixed point of the sums below: 10¹² to one, so that rounding up does not show in millionths.
const ONE: u128 = 1_000_000_000_000;

/// Attempts per event where each attempt fails with a probability and is tried again up to `retries` times:
/// Σ_{k=0..retries} πᵏ, in millionths, rounded up; between one and `retries` + 1.
///
/// ```
/// use guard_core::amplification::retried;
///
/// // Of an asynchronous event whose attempts fail half the time: 1 + 0.5 + 0.25 runs. Where all fail: three.
/// assert_eq!(retried(500_000, 2), 1_750_000);
/// assert_eq!(retried(1_000_000, 2), 3_000_000);
/// ```
pub fn retried(failure_ppm: u32, retries: u32) -> u64 {
    let failure = u128::from(failure_ppm);
    if failure >= u128::from(PPM) {
        return (u64::from(retries) + 1) * PPM;
    }
    let mut sum = ONE;
    for _ in 0..retries {
        let next = ONE + (sum * failure).div_ceil(u128::from(PPM));
        if next == sum {
            break;
        }
        sum = next;
    }
    saturated(sum.div_ceil(ONE / u128::from(PPM)))
}

/// Attempts per message of a queue: redelivered until it succeeds or was received `max_receive_count` times (0 counts
/// as 1), in millionths.
pub fn redelivered(failure_ppm: u32, max_receive_count: u32) -> u64 {
    retried(failure_ppm, max_receive_count.saturating_sub(1))
}

/// Attempts where nothing ends the chain, each leading to `gain_ppm` further ones: 1 ÷ (1 − g), in millionths, rounded
/// up. `None`, without bound, from a gain of one.
pub fn without_end(gain_ppm: u64) -> Option<u64> {
    let rest = PPM.checked_sub(gain_ppm).filter(|rest| *rest > 0)?;
    Some((PPM * PPM).div_ceil(rest))
}

/// Invocations per event of a function that leads to `gain_ppm` invocations of itself, stopped after `hops`
/// ([`RECURSION_HOPS`] where Lambda watches): Σ_{k=0..hops} gᵏ, in millionths, rounded up, saturating.
pub fn recursed(gain_ppm: u64, hops: u32) -> u64 {
    let mut sum = PPM;
    for _ in 0..hops {
        let further = (u128::from(sum) * u128::from(gain_ppm)).div_ceil(u128::from(PPM));
        let next = PPM.saturating_add(saturated(further));
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// Attempts with duplicates on top: × (1 + δ), rounded up. δ is clamped to [`DUPLICATE_RUNS`] runs of each.
pub fn with_duplicates(attempts_ppm: u64, duplicate_ppm: u32) -> u64 {
    let duplicates = u64::from(duplicate_ppm).min((DUPLICATE_RUNS - 1) * PPM);
    saturated((u128::from(attempts_ppm) * u128::from(PPM + duplicates)).div_ceil(u128::from(PPM)))
}

/// The most invocations that one poison record in a batch causes where a failing batch is halved: the batch and each
/// half that holds the record fail, each other half succeeds, and the record alone is tried `retries` times again.
/// Halving does not use up retries ("How Lambda processes records from stream", read 2026-11).
pub fn bisected(batch_size: u32, retries: u32) -> u64 {
    1 + 2 * u64::from(halvings(batch_size)) + u64::from(retries)
}

/// How often a batch can be halved until one record is left, always going on with the larger half.
fn halvings(batch_size: u32) -> u32 {
    batch_size.saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1)
}

/// Attempts per call where `layers` of callers each try [`CALLER_RETRIES`] times again: an outer layer repeats what
/// the inner one gave up. In millionths, rounded up; at most 3 to the power of `layers` (4 at most).
pub fn called(failure_ppm: u32, layers: u32) -> u64 {
    let mut attempts = u128::from(PPM);
    let mut failure = failure_ppm.min(1_000_000);
    for _ in 0..layers.min(4) {
        attempts = (attempts * u128::from(retried(failure, CALLER_RETRIES))).div_ceil(u128::from(PPM));
        let cubed = u64::from(failure).pow(3).div_ceil(PPM * PPM);
        failure = u32::try_from(cubed).unwrap_or(u32::MAX);
    }
    saturated(attempts)
}

/// Requests per event that reach a function whose cap refuses a share of them, each refusal being tried again up to
/// `retries` times: the load that the cap itself induces, in millionths. Refused requests are not billed; what they
/// lead to later is.
pub fn cap_induced(refused_ppm: u32, retries: u32) -> u64 {
    retried(refused_ppm, retries)
}

/// The most attempts of one event that a function's sources make, duplicates included where the source does not
/// count them itself.
pub fn most_attempts(function: &Function) -> u64 {
    let sources = repeating(function).map(|(source, retries)| match source {
        Source::Asynchronous => (u64::from(retries) + 1) * DUPLICATE_RUNS,
        _ => u64::from(retries) + 1,
    });
    let callers = if function.synchronous { u64::from(CALLER_RETRIES) + 1 } else { 1 };
    sources.fold(callers, u64::max)
}

/// Attempts per event to be expected of a function at the current failure probability, in thousandths of attempts,
/// with the duplicates of a function at rest. See [`forecast_attempts_with`].
pub fn forecast_attempts(function: &Function, failure_per_mille: u32) -> Attempts {
    forecast_attempts_with(function, failure_per_mille, Duplicates::default().at(0))
}

/// Attempts per event to be expected of a function at a failure probability, in thousandths of attempts, and a share
/// of duplicates. With several sources the shares are unknown, and the one that repeats most stands for all. A
/// synchronous caller's retries count as new traffic: they are in `high_ppm` only.
pub fn forecast_attempts_with(function: &Function, failure_per_mille: u32, duplicate_ppm: u32) -> Attempts {
    let failure_ppm = failure_per_mille.min(1000) * 1000;
    let alone = if function.synchronous { Source::Synchronous } else { Source::None };
    let layers = u32::from(function.synchronous);
    let high_ppm = called(1_000_000, layers);
    let start = Attempts { low_ppm: PPM, expected_ppm: PPM, high_ppm, source: alone };
    repeating(function).fold(start, |most, (source, retries)| {
        let expected_ppm = with_duplicates(retried(failure_ppm, retries), duplicate_ppm);
        let all_fail = with_duplicates((u64::from(retries) + 1) * PPM, duplicate_ppm);
        let high_ppm = most.high_ppm.max(all_fail);
        if expected_ppm > most.expected_ppm {
            Attempts { expected_ppm, high_ppm, source, ..most }
        } else {
            Attempts { high_ppm, ..most }
        }
    })
}

/// The sources that run an event again by themselves, each with the retries it can make.
fn repeating(function: &Function) -> impl Iterator<Item = (Source, u32)> {
    let queue = function.asynchronous.map(|config| u32::from(config.max_retries).min(OBSERVED_RETRIES));
    let mappings = function.mappings.iter().filter(|mapping| mapping.enabled);
    queue
        .map(|retries| (Source::Asynchronous, retries))
        .into_iter()
        .chain(mappings.map(|mapping| retries_of(mapping, function.timeout_s)))
}

/// The retries that a mapping can make at one event. A queue without dead-letter queue redelivers until the message
/// expires, at most once per visibility timeout, which Lambda wants no shorter than the function's timeout ("Using
/// Lambda with Amazon SQS", read 2026-11).
fn retries_of(mapping: &EventSourceMapping, timeout_s: u32) -> (Source, u32) {
    match mapping.source {
        EventSource::Sqs { max_receive_count: Some(most), .. } => (Source::Queue, most.saturating_sub(1)),
        EventSource::Sqs { max_receive_count: None, retention_s, .. } => {
            (Source::Queue, retention_s / timeout_s.max(1))
        }
        EventSource::Stream { max_retries, retention_s, bisect, .. } => {
            let expiry = retention_s / STREAM_ATTEMPT_S;
            let halvings = if bisect { halvings(mapping.batch_size) } else { 0 };
            (Source::Stream, max_retries.unwrap_or(u32::MAX).saturating_add(halvings).min(expiry))
        }
    }
}

/// As many as fit.
fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
