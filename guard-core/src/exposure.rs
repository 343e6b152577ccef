//! The possible cost of an attack that begins now: every function with its worst case, its limit today, the cap that
//! its history suggests, and the gaps around it. Needs no budget and no incident.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cost::UnitCost;
use crate::inventory::{EventSource, EventSourceMapping, Function, Inventory};
use crate::money::Usd;
use crate::name::FunctionName;
use crate::policy::Floor;
use crate::state::State;
use crate::time::Minute;

/// Days without an invocation after which a function counts as dormant: our choice, the longest month but one day.
pub const DORMANT_DAYS: i64 = 30;

/// The most by which a ceiling may exceed the 99th percentile of its concurrency before it is out of proportion. Our
/// choice: room for a launch day and not for an attack.
pub const PROPORTION: u32 = 20;

/// Hours of history after which "never invoked" is known and not merely unseen: the whole profile, four weeks.
const WHOLE_PROFILE_HOURS: u32 = 672;

const MINUTES_PER_DAY: i64 = 24 * 60;
const SECONDS_PER_HOUR: u64 = 3600;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;

/// The exposure of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureRow {
    /// The function.
    pub function: FunctionName,
    /// The most it can burn in an hour: its ceiling busy all the time, ten requests a second each.
    pub worst_per_hour: Usd,
    /// The most it can burn in a day.
    pub worst_per_day: Usd,
    /// Its current limit.
    pub capped_by: CappedBy,
    /// The concurrency it can reach now.
    pub ceiling: u32,
    /// 99th percentile of its hourly concurrency maxima; `None` without history.
    pub concurrency_p99: Option<u32>,
    /// The cap that its history suggests: p99 × headroom, at least the minimum; `None` without history.
    pub advised: Option<u32>,
    /// The most it could burn in an hour under the advised cap, if that is below its ceiling.
    pub advised_worst_per_hour: Option<Usd>,
    /// The problems found.
    pub findings: Vec<ExposureFinding>,
}

/// The limit on a function's concurrency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CappedBy {
    /// Its reserved concurrency.
    Reserved,
    /// Its event source mappings, the only way in.
    Mappings,
    /// No limit of its own: it shares the account's unreserved pool.
    Pool,
}

/// A problem that makes a function's exposure worse than necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposureFinding {
    /// Nothing catches some of its discarded events: capping or stopping it may lose them.
    NoDeadLetter,
    /// No invocation for [`DORMANT_DAYS`] days: the exposure serves no purpose.
    Dormant,
    /// Its ceiling is more than [`PROPORTION`] times the need shown by its history.
    OutOfProportion,
}

/// The exposure of an account and region, most money at risk first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure(pub Vec<ExposureRow>);

/// The exposure of every function of the inventory, most money per hour first, then by name. `unit_cost` prices a
/// function; history is taken from `state`.
pub fn exposure(
    inventory: &Inventory,
    state: &State,
    floor: &Floor,
    at: Minute,
    unit_cost: impl Fn(&Function) -> UnitCost,
) -> Exposure {
    let pool = inventory.account.concurrency.saturating_sub(inventory.reserved_total());
    let mut rows: Vec<ExposureRow> = (inventory.functions.iter())
        .map(|function| row(function, pool, state, floor, at, &unit_cost(function)))
        .collect();
    rows.sort_by(|a, b| b.worst_per_hour.cmp(&a.worst_per_hour).then_with(|| a.function.cmp(&b.function)));
    Exposure(rows)
}

fn row(
    function: &Function,
    pool: u32,
    state: &State,
    floor: &Floor,
    at: Minute,
    unit: &UnitCost,
) -> ExposureRow {
    let (capped_by, ceiling) = ceiling_of(function, pool);
    let concurrency_p99 = state.profile(&function.name).and_then(|profile| profile.concurrency_p99());
    let advised = concurrency_p99.map(|p99| advised_cap(p99, floor));
    let worst = |concurrency: u32, seconds| unit.worst_per_concurrency(seconds) * i128::from(concurrency);
    let findings = [
        (function.can_lose_events(), ExposureFinding::NoDeadLetter),
        (is_dormant(&function.name, state, at), ExposureFinding::Dormant),
        (
            concurrency_p99.is_some_and(|p99| ceiling > p99.saturating_mul(PROPORTION)),
            ExposureFinding::OutOfProportion,
        ),
    ];
    ExposureRow {
        function: function.name.clone(),
        worst_per_hour: worst(ceiling, SECONDS_PER_HOUR),
        worst_per_day: worst(ceiling, SECONDS_PER_DAY),
        capped_by,
        ceiling,
        concurrency_p99,
        advised,
        advised_worst_per_hour: advised
            .filter(|advised| *advised < ceiling)
            .map(|advised| worst(advised, SECONDS_PER_HOUR)),
        findings: findings.into_iter().filter(|(found, _)| *found).map(|(_, finding)| finding).collect(),
    }
}

/// The concurrency that a function can reach, and its limit.
fn ceiling_of(function: &Function, pool: u32) -> (CappedBy, u32) {
    let own = function.reserved.map_or((CappedBy::Pool, pool), |reserved| (CappedBy::Reserved, reserved));
    let only_mappings =
        !function.synchronous && function.asynchronous.is_none() && !function.mappings.is_empty();
    let mapped = only_mappings
        .then(|| function.mappings.iter().map(mapping_ceiling).sum::<Option<u32>>())
        .flatten()
        .filter(|mapped| *mapped < own.1);
    mapped.map_or(own, |mapped| (CappedBy::Mappings, mapped))
}

/// The concurrency that a mapping can reach; `None` if it has no limit of its own.
fn mapping_ceiling(mapping: &EventSourceMapping) -> Option<u32> {
    if !mapping.enabled {
        return Some(0);
    }
    match mapping.source {
        EventSource::Sqs { max_concurrency, .. } => max_concurrency,
        EventSource::Stream { shards, parallelization, .. } => Some(shards.saturating_mul(parallelization)),
    }
}

/// p99 × headroom, rounded up, and at least the minimum.
fn advised_cap(p99: u32, floor: &Floor) -> u32 {
    let needed = (u64::from(p99) * u64::from(floor.headroom_percent)).div_ceil(100);
    u32::try_from(needed).unwrap_or(u32::MAX).max(floor.minimum)
}

/// Whether the last invocation is long ago, or four whole weeks are known and contain none.
fn is_dormant(name: &FunctionName, state: &State, at: Minute) -> bool {
    state.function(name).is_some_and(|ledger| match ledger.last_invoked {
        Some(last) => at.since(last) >= DORMANT_DAYS * MINUTES_PER_DAY,
        None => ledger.profile.hours() >= WHOLE_PROFILE_HOURS,
    })
}

/// Whether enough data is known to say that a function is dormant, or is not.
pub(crate) fn is_dormancy_known(name: &FunctionName, state: &State) -> bool {
    state
        .function(name)
        .is_some_and(|ledger| ledger.last_invoked.is_some() || ledger.profile.hours() >= WHOLE_PROFILE_HOURS)
}

impl fmt::Display for CappedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CappedBy::Reserved => "reserved",
            CappedBy::Mappings => "mapping",
            CappedBy::Pool => "pool",
        })
    }
}

#[cfg(test)]
mod tests;
