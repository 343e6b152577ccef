//! Attempts per logical event. One event can run several times and every run is billed: a failure is tried again, a
//! queue delivers again, a batch is halved and run again. The bill multiplies while the error rate looks modest. A
//! caller's retries, and events that a function sends to itself, look like new events and are counted as such.
//!
//! Forward, [`forecast_attempts`] predicts the cost of a failure probability before its retries have run. Backward,
//! [`observed`] estimates how much of the work was repeated, within bounds, because no metric counts it.
//!
//! Probabilities and ratios are whole millionths (`ppm`), rounded up: no float reaches a decision.

mod observed;

pub use observed::{committed_invocations, counts_received, failure_per_mille, observed, observed_since};

use crate::inventory::{EventSource, EventSourceMapping, Function};

/// Millionths in one: an event that runs once has `PPM` attempts.
pub const PPM: u64 = 1_000_000;

/// Attempts per event, in per mille, that mean "each event once".
pub const ONCE_PER_MILLE: u32 = 1000;

/// Retries of one asynchronous event that have been seen before it reached its dead-letter queue; the documented number
/// is 2 (a report of OpsGenie's, cited by Yan Cui; read 2026-11). Configured numbers are clamped to it.
pub const OBSERVED_RETRIES: u32 = 6;

/// Receives of a message before it goes to the dead-letter queue: the smallest `maxReceiveCount` that AWS advises ("Using
/// Lambda with Amazon SQS", read 2026-11).
pub const ADVISED_RECEIVES: u32 = 5;

/// Further attempts of a synchronous caller: AWS SDKs make 3 attempts ("Retry behavior", AWS SDKs and Tools Reference
/// Guide, read 2026-11).
pub const CALLER_RETRIES: u32 = 2;

/// Seconds between two attempts at a blocked stream batch that is tried for ever. No document promises a pause; an
/// attempt a second is assumed as the fastest lasting rate.
const STREAM_ATTEMPT_S: u32 = 1;

/// Duplicates per event without any error, in millionths: δ of the model. The 0.02 % of "Run, Lambda, Run" (SunGard,
/// 2017; read 2026-11). Growth under load is suspected and not measured.
pub const DUPLICATES_PPM: u32 = 200;

/// The source that makes an event run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
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

/// How often a batch can be halved until one record is left, always going on with the larger half.
fn halvings(batch_size: u32) -> u32 {
    batch_size.saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1)
}

/// Attempts per event, in millionths, that a function reaches within minutes if its attempts go on failing with this
/// probability, in thousandths: the factor on its present rate of first attempts once their retries run.
///
/// Of several sources the one that repeats most stands for all, because their shares are unknown. A queue whose
/// `maxReceiveCount` is unknown, or which has no dead-letter queue, counts with [`ADVISED_RECEIVES`]. A stream tries a
/// failing batch again in its own place, and a synchronous caller's retries look like new events: the current rate
/// already contains both. It contains duplicates too.
pub fn forecast_attempts(function: &Function, failure_per_mille: u32) -> u64 {
    let failure_ppm = failure_per_mille.min(1000) * 1000;
    let mappings = function.mappings.iter().filter(|mapping| mapping.enabled);
    let queues = mappings.filter_map(|mapping| match mapping.source {
        EventSource::Sqs { max_receive_count, .. } => {
            Some(max_receive_count.unwrap_or(ADVISED_RECEIVES).saturating_sub(1))
        }
        EventSource::Stream { .. } => None,
    });
    retried(failure_ppm, queues.chain(asynchronous_retries(function)).max().unwrap_or(0))
}

/// Retries of Lambda's own queue, clamped to the observed maximum; `None` if it invokes nothing.
fn asynchronous_retries(function: &Function) -> Option<u32> {
    function.asynchronous.map(|config| u32::from(config.max_retries).min(OBSERVED_RETRIES))
}

/// The sources that run an event again by themselves, each with the retries it can make.
fn repeating(function: &Function) -> impl Iterator<Item = (Source, u32)> {
    let mappings = function.mappings.iter().filter(|mapping| mapping.enabled);
    asynchronous_retries(function)
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
