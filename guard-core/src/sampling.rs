//! What to look at, how often, and what looking costs: sweep, focus and census.
//!
//! The sweep reads the region's totals every tick, a handful of metrics whatever the number of functions. The
//! focus reads single functions minute by minute, as often as their money at risk demands. The census reads every
//! function once a day in one-hour points, a slice at a time: it settles the ledger and refreshes the baselines.

use serde::{Deserialize, Serialize};

use crate::budget::BudgetRule;
use crate::forecast::Outlook;
use crate::ledger::FunctionLedger;
use crate::money::Usd;
use crate::name::FunctionName;
use crate::observation::{CensusSlice, Observation};
use crate::plan::{SamplingPlan, Verdict};
use crate::policy::Mode;
use crate::posting::Reading;
use crate::roster::Roster;
use crate::state::State;
use crate::time::{Hour, Minute};

/// Metrics read of the region, and of each function in focus or census: Invocations, Errors, Throttles, Duration,
/// ConcurrentExecutions.
pub const METRICS_PER_LOOK: u64 = 5;

/// `GetMetricData` costs $0.01 per 1,000 metrics requested, outside the free tier ("Amazon CloudWatch pricing",
/// read 2026-11).
pub const USD_PER_METRIC: Usd = Usd::from_picos(10_000_000);

/// Queries of one `GetMetricData` call ("GetMetricData", API reference, read 2026-11).
pub const QUERIES_PER_CALL: usize = 500;

/// Data points that one call answers at most: the greatest `MaxDatapoints` (same page).
pub const POINTS_PER_CALL: usize = 100_800;

/// Calls of one slice of the census. Our choice: with the other calls of an idle tick they stay within ten, and the hours
/// of 150 functions over four weeks fit into 10 MB.
const CENSUS_CALLS: usize = 5;

/// Hours of history that a first round reads: four weeks.
const HISTORY_HOURS: i64 = 672;

/// Minutes between two questions for newcomers. Who never answers costs half a cent a day: 96 times five metrics.
const NEWCOMERS_EVERY_MIN: i64 = 15;

/// Functions in focus at a time: five metrics of each fill five `GetMetricData` calls of 500 queries.
pub const FOCUS_MAX: usize = 500;

/// The longest time between two looks at a function that a budget of its own covers, in seconds.
const INTERVAL_MAX_S: u64 = 3600;

/// Minutes after the full hour at which its points are complete: the longest time-out and the lag, as assumed unless the
/// policy says longer.
const CENSUS_AFTER_MIN: i64 = 20;

/// A region that burns more than this part of its band is looked at function by function, in per mille.
const SURGE_PER_MILLE: i64 = 1000;

/// A budget that is gone within so many minutes at the rate of the moment is looked at function by function. A percentage
/// that was passed is no reason: half of a month's budget is gone at half of every month.
const LINE_NEAR_MIN: i64 = 30;

/// What to look at next.
pub fn next(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    reading: &Reading,
    verdicts: &[Verdict],
    outlooks: &[Outlook],
) -> SamplingPlan {
    let suspicious: Vec<bool> = roster
        .rules
        .iter()
        .zip(verdicts)
        .enumerate()
        .map(|(place, (rule, verdict))| {
            let is_threatened = outlooks.get(place).is_some_and(|outlook| is_threatened(rule, outlook, seen));
            *verdict > Verdict::Warn || is_threatened || surges(rule, state, reading)
        })
        .collect();
    let mut wanted: Vec<(Usd, usize)> = Vec::new();
    // What is no dearer has no place: of equals the first count.
    let mut too_cheap = None;
    let any_suspicion = suspicious.contains(&true);
    for (index, (function, member)) in roster.inventory.functions.iter().zip(&roster.members).enumerate() {
        let suspected =
            any_suspicion && member.budgets.iter().any(|place| suspicious.get(*place) == Some(&true));
        if !suspected && !member.has_own_budget {
            continue;
        }
        let per_second = roster.worst_per_second(index);
        if Some(per_second) <= too_cheap {
            continue;
        }
        let due = suspected || {
            let looked_until = ledger_of(state, index, &function.name)
                .and_then(|ledger| ledger.covered)
                .map(|(_, until)| until);
            looked_until.is_none_or(|until| {
                let since_s = u64::try_from(reading.settled.since(until).max(0)).unwrap_or(0) * 60;
                is_due(roster, per_second, since_s + u64::from(roster.policy.timing.tick_s))
            })
        };
        if due {
            wanted.push((per_second, index));
        }
        if wanted.len() >= 2 * FOCUS_MAX {
            keep_dearest(&mut wanted, FOCUS_MAX);
            too_cheap = wanted.iter().map(|(per_second, _)| *per_second).min();
        }
    }
    SamplingPlan { focus: focus(roster, state, wanted) }
}

/// The ledger of the inventory's function at a place. Mostly every function has one, in the same place.
fn ledger_of<'a>(state: &'a State, index: usize, name: &FunctionName) -> Option<&'a FunctionLedger> {
    let beside = state.functions.get(index).filter(|ledger| ledger.name == *name);
    beside.or_else(|| state.function(name))
}

/// Whether an incident uses up a budget's slack, or the budget is gone soon.
fn is_threatened(rule: &BudgetRule, outlook: &Outlook, seen: &Observation) -> bool {
    let soon = seen.at + chrono::Duration::minutes(LINE_NEAR_MIN);
    outlook.is_noticed(rule) || outlook.exhausted_if_sustained.is_some_and(|at| at <= soon)
}

/// The first minute to ask for: everything that may still change or was never seen, of the region and of the functions
/// in focus. The price of a look does not depend on it.
pub fn ask_from(
    roster: &Roster,
    state: &State,
    at: chrono::DateTime<chrono::Utc>,
    focus: &[FunctionName],
) -> Minute {
    let now = Minute::of(at);
    let lag = chrono::Duration::seconds(i64::from(roster.policy.timing.metric_lag_s));
    let region = state.region.open_from(Minute::of(at - lag).plus(-1));
    let functions = focus.iter().filter_map(|name| {
        let index = roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
        Some(state.function(name)?.open_from(now, roster.members.get(index)?.window_min))
    });
    functions.chain([region]).min().unwrap_or(now).min(now.plus(-roster.reread_min()))
}

/// Leaves so many of the dearest, of equals the first.
fn keep_dearest(wanted: &mut Vec<(Usd, usize)>, room: usize) {
    if wanted.len() > room {
        wanted.select_nth_unstable_by(room, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        wanted.truncate(room);
    }
}

/// Functions with a trip first, then by the money they could burn, up to [`FOCUS_MAX`].
fn focus(roster: &Roster, state: &State, mut wanted: Vec<(Usd, usize)>) -> Vec<FunctionName> {
    let mut names: Vec<FunctionName> = state.latches.keys().take(FOCUS_MAX).cloned().collect();
    let room = FOCUS_MAX - names.len();
    keep_dearest(&mut wanted, room);
    let name_of = |index: usize| roster.inventory.functions.get(index).map(|function| function.name.clone());
    names.extend(wanted.into_iter().filter_map(|(_, index)| name_of(index)));
    names.sort();
    names.dedup();
    names
}

/// Whether a budget burns beyond its ordinary band now; without history, beyond its even share.
fn surges(rule: &BudgetRule, state: &State, reading: &Reading) -> bool {
    let Some(book) = state.budgets.get(&rule.name) else { return false };
    if rule.mode < Mode::Alert {
        return false;
    }
    let ordinary = book.ordinary(reading.now.hour(), rule.amount);
    let last = book.minutes.at(reading.settled.0).unwrap_or(Usd::ZERO) * 60;
    last > ordinary.upper.mul_div_up(i128::from(SURGE_PER_MILLE), 1000)
}

/// Seconds between two looks: the tolerated overrun ÷ the worst burn, between a tick and an hour.
pub fn interval_s(roster: &Roster, worst_per_second: Usd) -> u64 {
    let tick_s = u64::from(roster.policy.timing.tick_s);
    let tolerated = roster.policy.limits.tolerated_overrun_usd;
    let seconds = tolerated.div_floor(worst_per_second).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.unwrap_or(INTERVAL_MAX_S).clamp(tick_s.min(INTERVAL_MAX_S), INTERVAL_MAX_S)
}

/// Whether so many seconds without a look exceed the interval of [`interval_s`]; asked for every function at every
/// tick, so by a multiplication.
fn is_due(roster: &Roster, worst_per_second: Usd, since_s: u64) -> bool {
    since_s > INTERVAL_MAX_S
        || (since_s > u64::from(roster.policy.timing.tick_s)
            && worst_per_second * i128::from(since_s) > roster.policy.limits.tolerated_overrun_usd)
}

/// The next slice of the census: of the round under way, or of the one that is due. A round is due once a day, when the
/// day before is complete, and at once where there never was one. Between rounds, of functions that came since the last one.
pub fn census(roster: &Roster, state: &State, at: chrono::DateTime<chrono::Utc>) -> Option<CensusSlice> {
    let wait = CENSUS_AFTER_MIN.max(roster.reread_min());
    let complete = Minute::of(at).plus(-wait).hour().plus(-1);
    let days = |hour: Hour| hour.plus(1).0.div_euclid(24);
    let is_due = |through: Option<Hour>| through.is_none_or(|through| days(complete) > days(through));
    let (last, after) = match &state.census.round {
        Some(round) => (round.last, Some(&round.after)),
        None if is_due(state.census.through) => (complete, None),
        None => return newcomers(roster, state, at),
    };
    let oldest = last.plus(1 - HISTORY_HOURS);
    let functions = &roster.inventory.functions;
    let start = after.map_or(0, |after| functions.partition_point(|function| function.name <= *after));
    let mut first = state.census.through.map_or(last, |through| through.plus(1)).clamp(oldest, last);
    let mut slice = CensusSlice { first, last, functions: Vec::new(), ends_round: true };
    for function in functions.iter().skip(start) {
        let settled = state.function(&function.name).and_then(|ledger| ledger.settled_through);
        let unsettled = settled.map_or(oldest, |settled| settled.plus(1)).max(oldest);
        if unsettled > last {
            continue;
        }
        first = first.min(unsettled);
        // The region is asked beside them.
        if calls(slice.functions.len() + 2, last.0 - first.0 + 1) > CENSUS_CALLS {
            slice.ends_round = false;
            break;
        }
        slice.first = first;
        slice.functions.push(function.name.clone());
    }
    Some(slice)
}

/// Functions of which no hour is known, asked for the hours that the last round has read: until the next round, up to a
/// day later, nothing would say that they were not there before. Not the end of a round, nor the beginning of one.
fn newcomers(roster: &Roster, state: &State, at: chrono::DateTime<chrono::Utc>) -> Option<CensusSlice> {
    let last = state.census.through?;
    let asked_at = state.census.newcomers_at;
    if asked_at.is_some_and(|asked| Minute::of(at).since(asked) < NEWCOMERS_EVERY_MIN) {
        return None;
    }
    let settled = |index, name| ledger_of(state, index, name).and_then(|ledger| ledger.settled_through);
    let unknown = roster.inventory.functions.iter().enumerate();
    let unknown = unknown.filter(|(index, function)| settled(*index, &function.name).is_none());
    let fitting = |asked: &usize| calls(asked + 2, HISTORY_HOURS) <= CENSUS_CALLS;
    let functions: Vec<FunctionName> =
        (0..).take_while(fitting).zip(unknown).map(|(_, (_, function))| function.name.clone()).collect();
    let first = last.plus(1 - HISTORY_HOURS);
    (!functions.is_empty()).then_some(CensusSlice { first, last, functions, ends_round: false })
}

/// Calls for so many subjects over so many hours.
fn calls(subjects: usize, hours: i64) -> usize {
    let by_points = POINTS_PER_CALL / usize::try_from(hours.max(1)).unwrap_or(POINTS_PER_CALL);
    let metrics = usize::try_from(METRICS_PER_LOOK).unwrap_or(1);
    subjects.div_ceil((by_points.min(QUERIES_PER_CALL) / metrics).max(1))
}

/// What looking costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCost {
    /// The region's totals, every tick.
    pub sweep: Usd,
    /// Functions with budgets of their own, each at its interval.
    pub focus: Usd,
    /// Every function, once a day.
    pub census: Usd,
}

impl OwnCost {
    /// All of it.
    pub fn total(&self) -> Usd {
        self.sweep + self.focus + self.census
    }
}

/// What `GetMetricData` costs in a month of 30 days without alarm, by the sampling plan.
pub fn own_cost_of_month(roster: &Roster) -> OwnCost {
    let month_s: u64 = 30 * 86_400;
    let looks =
        |interval_s: u64| USD_PER_METRIC * i128::from(METRICS_PER_LOOK * (month_s / interval_s.max(1)));
    let functions = roster.inventory.functions.len();
    let narrow = |index: &usize| roster.members.get(*index).is_some_and(|member| member.has_own_budget);
    OwnCost {
        sweep: looks(u64::from(roster.policy.timing.tick_s)),
        focus: (0..functions)
            .filter(narrow)
            .map(|index| looks(interval_s(roster, roster.worst_per_second(index))))
            .sum(),
        census: looks(86_400) * i128::try_from(functions).unwrap_or(i128::MAX),
    }
}

#[cfg(test)]
mod tests;
