//! Which lever for which event source, gentlest first, and how far: the closed form of the cap.

use crate::amplification::ONCE_PER_MILLE;
use crate::cost::UnitCost;
use crate::inventory::{EventSource, EventSourceMapping, Function};
use crate::money::Usd;
use crate::plan::{AsyncSetting, Change, Reason};
use crate::settle;

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

/// The known facts about the function's work when levers are chosen.
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

/// The changes that bring a function down to `depth`, gentlest first, each with its own reason if it differs from the
/// trip's; and whether some step was left out because events would be lost. A stop that would lose events leaves the
/// `floor` instead: a backlog waits, and loses nothing yet.
///
/// - Asynchronous: retries cut first, which refuses no new event; then the cap.
/// - SQS: `MaximumConcurrency` of the mappings, which share the cap ([`shares`]); a stop disables them. Not reserved
///   concurrency, under which healthy messages collect receives and land in the dead-letter queue, except where
///   provisioned pollers leave no other, or there are more mappings than the cap has room for.
/// - Streams: a cap slows the shards (throttles count as no retry); a stop disables the mapping.
/// - Synchronous and asynchronous: reserved concurrency.
pub fn changes(
    function: &Function,
    depth: Depth,
    floor: u32,
    work: Work,
) -> (Vec<(Change, Option<Reason>)>, bool) {
    let mut changes = Vec::new();
    let retries_refused = cut_retries(function, work, &mut changes);
    match depth {
        Depth::Cap(cap) => {
            lower(function, cap, &mut changes);
            (changes, retries_refused)
        }
        Depth::Stop if loses_events_at_zero(function) && !work.allow_event_loss => {
            lower(function, floor.max(1), &mut changes);
            (changes, true)
        }
        Depth::Stop => {
            for mapping in function.mappings.iter().filter(|mapping| mapping.enabled) {
                let disable = Change::MappingEnabled { mapping: mapping.id.clone(), from: true, to: false };
                changes.push((disable, None));
            }
            if is_invoked_directly(function) {
                reserve(function, 0, &mut changes);
            }
            (changes, retries_refused)
        }
    }
}

/// Adds the changes of a cap.
fn lower(function: &Function, cap: u32, changes: &mut Vec<(Change, Option<Reason>)>) {
    let shares = shares(function, cap);
    let enabled = function.mappings.iter().filter(|mapping| mapping.enabled).count();
    let is_crowded = shares.iter().map(|(_, share)| *share).fold(0, u32::saturating_add) > cap;
    // The changes that limit the function come first: a tick may not have room for more.
    if is_crowded {
        reserve(function, cap, changes);
    }
    for (mapping, to) in &shares {
        let from = max_concurrency(mapping);
        if from.is_none_or(|now| now > *to) {
            let change = Change::MappingConcurrency { mapping: mapping.id.clone(), from, to: Some(*to) };
            changes.push((change, None));
        }
    }
    if !is_crowded && (is_invoked_directly(function) || enabled > shares.len()) {
        reserve(function, cap, changes);
    }
}

/// The concurrency that a cap of a function without reservation takes from the account's pool.
pub fn reservation(function: &Function, cap: u32) -> u32 {
    let mut changes = Vec::new();
    lower(function, cap, &mut changes);
    let taken = changes.iter().find_map(|(change, _)| match change {
        Change::ReservedConcurrency { from: None, to } => *to,
        _ => None,
    });
    taken.unwrap_or(0)
}

/// The part of a function's cap that each of its SQS mappings gets, in their order: equal parts, with the unused part
/// of a mapping with its own limit going to the others. Together they have the cap, or AWS's minimum of two each if
/// that is more. Mappings with provisioned pollers take no `MaximumConcurrency` and are left out.
pub fn shares(function: &Function, cap: u32) -> Vec<(&EventSourceMapping, u32)> {
    let (least, most) = MAPPING_CONCURRENCY;
    let limitable = |mapping: &&EventSourceMapping| {
        mapping.enabled && matches!(mapping.source, EventSource::Sqs { provisioned_pollers: false, .. })
    };
    let mut order: Vec<(usize, &EventSourceMapping)> =
        function.mappings.iter().filter(limitable).enumerate().collect();
    order.sort_by_key(|(place, mapping)| (max_concurrency(mapping).unwrap_or(u32::MAX), *place));
    let mut left = cap;
    let mut mappings = u32::try_from(order.len()).unwrap_or(u32::MAX);
    let mut shares: Vec<(usize, &EventSourceMapping, u32)> = Vec::with_capacity(order.len());
    for (place, mapping) in order {
        let fair = left.div_ceil(mappings).clamp(least, most);
        let share = max_concurrency(mapping).map_or(fair, |own| own.clamp(least, fair));
        shares.push((place, mapping, share));
        left = left.saturating_sub(share);
        mappings -= 1;
    }
    shares.sort_by_key(|(place, ..)| *place);
    shares.into_iter().map(|(_, mapping, share)| (mapping, share)).collect()
}

/// `MaximumConcurrency` of a mapping, if set.
fn max_concurrency(mapping: &EventSourceMapping) -> Option<u32> {
    match mapping.source {
        EventSource::Sqs { max_concurrency, .. } => max_concurrency,
        EventSource::Stream { .. } => None,
    }
}

/// Adds a reservation if it lowers the value in force. AWS refuses one below the provisioned concurrency.
fn reserve(function: &Function, cap: u32, changes: &mut Vec<(Change, Option<Reason>)>) {
    let cap = cap.max(function.provisioned);
    if function.reserved.is_none_or(|now| now > cap) {
        changes.push((Change::ReservedConcurrency { from: function.reserved, to: Some(cap) }, None));
    }
}

/// Whether it is invoked by anything besides a mapping.
fn is_invoked_directly(function: &Function) -> bool {
    function.synchronous || function.asynchronous.is_some()
}

/// The concurrency that a function can reach as it is configured; `None` if only the account's pool limits it.
pub fn reach(function: &Function) -> Option<u32> {
    let polled = || {
        let of = |mapping: &EventSourceMapping| match mapping.source {
            EventSource::Sqs { provisioned_pollers: false, max_concurrency, .. } => max_concurrency,
            EventSource::Sqs { .. } => None,
            EventSource::Stream { shards, parallelization, .. } => {
                Some(shards.saturating_mul(parallelization))
            }
        };
        let enabled = function.mappings.iter().filter(|mapping| mapping.enabled);
        enabled.map(of).try_fold(0_u32, |sum, of| Some(sum.saturating_add(of?)))
    };
    let invoked = if is_invoked_directly(function) { None } else { polled() };
    match (invoked, function.reserved) {
        (Some(invoked), Some(reserved)) => Some(invoked.min(reserved)),
        (invoked, reserved) => invoked.or(reserved),
    }
}

/// The concurrency that a function can still reach after these changes.
pub fn left(function: &Function, changes: &[(Change, Option<Reason>)]) -> Option<u32> {
    let mut after = function.clone();
    for (change, _) in changes {
        settle::make(&mut after, change);
    }
    reach(&after)
}

/// The number of levers that a function has: a tick makes at most one change to each.
pub fn count(function: &Function) -> u32 {
    let mappings = u32::try_from(function.mappings.len()).unwrap_or(u32::MAX);
    1 + u32::from(function.asynchronous.is_some()) + mappings
}

/// Whether a reservation of 0 loses events for good: nothing catches the discarded ones.
pub(crate) fn loses_events_at_zero(function: &Function) -> bool {
    function.asynchronous.is_some_and(|config| !config.on_failure)
        || function.mappings.iter().any(|mapping| mapping.enabled && !mapping.has_dead_letter())
}

/// Adds the change of the asynchronous settings if it saves work; returns whether it was left out because failed events
/// would be lost.
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
