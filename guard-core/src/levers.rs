//! Which lever for which event source, gentlest first, and how far: the closed form of the cap.

use crate::amplification::ONCE_PER_MILLE;
use crate::cost::UnitCost;
use crate::inventory::{EventSource, Function};
use crate::money::Usd;
use crate::plan::{AsyncSetting, Change, Reason};

/// Attempts per event above which cutting retries is worth a change, in per mille: one in twenty repeated.
const RETRIES_WORTH_CUTTING_PER_MILLE: u32 = ONCE_PER_MILLE + 50;

/// Event age in seconds while retries are cut: long enough for throttled events to come back within an hour,
/// short enough that a backlog is not paid for all night. Our choice.
const CUT_EVENT_AGE_S: u32 = 3600;

/// `MaximumConcurrency` of an SQS mapping: 2 to 1,000 ("ScalingConfig", Lambda API reference, read 2026-11).
pub const MAPPING_CONCURRENCY: (u32, u32) = (2, 1000);

/// How far to go with one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Down to this concurrency, at least 1.
    Cap(u32),
    /// To nothing.
    Stop,
}

/// What is known of the function's work when levers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Attempts per event, in per mille.
    pub attempts_per_mille: u32,
    /// Failed attempts, in per mille of attempts.
    pub failure_per_mille: u32,
    /// Whether events may be lost for good.
    pub allow_event_loss: bool,
}

/// The concurrency that an allowance affords for a time:
/// `N = ⌊A ÷ (T · (m·p + e + 10·(q + c)))⌋`, because reserved N admits at most N busy environments and 10·N
/// requests per second. A bound, not an estimate.
///
/// ```
/// use guard_core::cost::UnitCost;
/// use guard_core::inventory::{Architecture, Function};
/// use guard_core::levers::affordable;
/// use guard_core::money::Usd;
/// use guard_core::pricing::PriceTable;
///
/// let quote = PriceTable::embedded().quote(&"us-east-1".into(), Architecture::X86_64);
/// let shop = Function::new("shop", 1024, 10);
/// let unit = UnitCost::new(&shop, &quote, &Default::default(), Usd::ZERO);
/// // A busy gigabyte costs $0.06 an hour, and ten requests a second $0.0072: a dollar buys 14 of them.
/// assert_eq!(affordable(Usd::from_dollars(1), 3600, &unit), 14);
/// ```
pub fn affordable(allowance: Usd, seconds: u64, unit: &UnitCost) -> u32 {
    let each = unit.worst_per_concurrency(seconds);
    match allowance.at_least_zero().div_floor(each) {
        Some(count) => u32::try_from(count).unwrap_or(u32::MAX),
        None => u32::MAX,
    }
}

/// The changes that bring a function down to `depth`, gentlest first, each with its own reason where it differs
/// from the trip's; and whether some step was left out because events would be lost.
///
/// - Asynchronous: retries cut first, which refuses no new event; then the cap.
/// - SQS: `MaximumConcurrency` of the mapping; a stop disables it. Not reserved concurrency, under which healthy
///   messages collect receives and land in the dead-letter queue, except where provisioned pollers leave no other.
/// - Streams: a cap slows the shards (throttles count as no retry); a stop disables the mapping.
/// - Synchronous and asynchronous: reserved concurrency.
pub fn changes(function: &Function, depth: Depth, work: Work) -> (Vec<(Change, Option<Reason>)>, bool) {
    let mut changes = Vec::new();
    let mut loss_refused = cut_retries(function, work, &mut changes);
    for mapping in function.mappings.iter().filter(|mapping| mapping.enabled) {
        let disable = Change::MappingEnabled { mapping: mapping.id.clone(), from: true, to: false };
        // What a mapping without a dead-letter queue does not poll expires and is caught by nothing.
        let expires = !mapping.has_dead_letter() && !work.allow_event_loss;
        match (&mapping.source, depth) {
            (EventSource::Sqs { provisioned_pollers: false, max_concurrency, .. }, Depth::Cap(cap)) => {
                let to = cap.clamp(MAPPING_CONCURRENCY.0, MAPPING_CONCURRENCY.1);
                if max_concurrency.is_none_or(|now| now > to) {
                    let change = Change::MappingConcurrency {
                        mapping: mapping.id.clone(),
                        from: *max_concurrency,
                        to: Some(to),
                    };
                    changes.push((change, None));
                }
            }
            (_, Depth::Stop) if expires => loss_refused = true,
            (_, Depth::Stop) => changes.push((disable, None)),
            // Reserved concurrency below, the only graded lever of these.
            (EventSource::Sqs { .. } | EventSource::Stream { .. }, Depth::Cap(_)) => {}
        }
    }
    let has_own_lever =
        |source: &EventSource| matches!(source, EventSource::Sqs { provisioned_pollers: false, .. });
    let needs_cap =
        function.mappings.iter().any(|mapping| mapping.enabled && !has_own_lever(&mapping.source));
    let direct = function.synchronous || function.asynchronous.is_some();
    let loses = loses_events_at_zero(function) && !work.allow_event_loss;
    let cap = match depth {
        Depth::Cap(cap) if direct || needs_cap => Some(cap),
        Depth::Stop if direct && !loses => Some(0),
        Depth::Stop if direct => {
            loss_refused = true;
            None
        }
        _ => None,
    };
    // A cap below the provisioned concurrency is refused by AWS.
    let cap = cap.map(|cap| cap.max(function.provisioned));
    if let Some(cap) = cap.filter(|cap| function.reserved.is_none_or(|now| now > *cap)) {
        changes.push((Change::ReservedConcurrency { from: function.reserved, to: Some(cap) }, None));
    }
    (changes, loss_refused)
}

/// Whether a reservation of nothing loses events for good: nothing catches what is given up.
pub(crate) fn loses_events_at_zero(function: &Function) -> bool {
    function.asynchronous.is_some_and(|config| !config.on_failure)
        || function.mappings.iter().any(|mapping| mapping.enabled && !mapping.has_dead_letter())
}

/// Adds the change of the asynchronous settings where it saves something; returns whether it was left out because
/// failed events would be lost.
fn cut_retries(function: &Function, work: Work, changes: &mut Vec<(Change, Option<Reason>)>) -> bool {
    let Some(config) = function.asynchronous else { return false };
    let failing = work.failure_per_mille > RETRIES_WORTH_CUTTING_PER_MILLE - ONCE_PER_MILLE;
    let repeated = work.attempts_per_mille > RETRIES_WORTH_CUTTING_PER_MILLE;
    if config.max_retries == 0 || !(failing || repeated) {
        return false;
    }
    if !config.on_failure && !work.allow_event_loss {
        return true;
    }
    let from = AsyncSetting::from(config);
    let to = AsyncSetting { max_retries: 0, max_event_age_s: from.max_event_age_s.min(CUT_EVENT_AGE_S) };
    let reason = Reason::CutRetries { attempts_per_mille: work.attempts_per_mille };
    changes.push((Change::AsyncConfig { from, to }, Some(reason)));
    false
}

#[cfg(test)]
mod tests;
