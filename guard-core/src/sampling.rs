//! Which functions to look at, how often, and the cost of looking: sweep, glances, focus and census.
//!
//! The sweep reads the region's totals every tick, three metrics whatever the number of functions. Any unexplained part
//! may have been spent by functions that were not looked at, at most by the dearest. Looking buys certainty: once a
//! budget's possible hidden spend reaches half of its slack, glances go to the fewest functions that leave a quarter,
//! at one metric each, which covers all minutes since their last look. If something unknown is burning, these are all
//! functions. Functions that stand out are in focus: read minute by minute in full. The census reads every function
//! once a day in one-hour points: it settles the ledger and refreshes the baselines.

mod census;
mod choice;
mod focus;
mod purse;
mod shopping;
mod watched;

use std::collections::BTreeSet;

use self::focus::focus;
use self::shopping::Shopping;
use self::watched::Watched;
use crate::budget::BudgetRule;
use crate::forecast::Outlook;
use crate::ledger::FunctionLedger;
use crate::money::Usd;
use crate::name::FunctionName;
use crate::observation::Observation;
use crate::plan::{SamplingPlan, Verdict};
use crate::policy::Mode;
use crate::posting::Reading;
use crate::roster::Roster;
use crate::state::State;
use crate::time::Minute;

pub use self::census::{METRICS_PER_COUNT, census};
pub use self::purse::{OwnCost, own_cost_of_month};

/// Metrics read of each function in focus: Invocations, Errors, Throttles, Duration, ConcurrentExecutions.
pub const METRICS_PER_LOOK: u64 = 5;

/// Metrics read of the region: Invocations, Duration, ConcurrentExecutions.
pub const METRICS_PER_SWEEP: u64 = 3;

/// `GetMetricData` costs $0.01 per 1,000 metrics requested, outside the free tier ("Amazon CloudWatch pricing",
/// read 2026-11).
pub const USD_PER_METRIC: Usd = Usd::from_picos(10_000_000);

/// Queries of one `GetMetricData` call ("GetMetricData", API reference, read 2026-11).
pub const QUERIES_PER_CALL: usize = 500;

/// The most data points that one call returns: the greatest `MaxDatapoints` (same page).
pub const POINTS_PER_CALL: usize = 100_800;

/// Functions in focus at a time: five metrics of each fill five `GetMetricData` calls of 500 queries.
pub const FOCUS_MAX: usize = 500;

/// Looks of one tick at most: the region's totals, glances, and functions that stand out. Our choice: a look for each.
pub const LOOKS_MAX: usize = 3;

/// The functions to look at next.
pub fn next(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    reading: &Reading,
    verdicts: &[Verdict],
    outlooks: &[Outlook],
) -> SamplingPlan {
    let mut watched: Vec<Watched<'_>> = roster
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.mode >= Mode::Alert)
        .map(|(place, rule)| {
            let at = (verdicts.get(place).copied().unwrap_or(Verdict::Fine), outlooks.get(place));
            Watched::new(roster, place, rule, reading, at, seen)
        })
        .collect();
    let (affordable, overdrawn) = state.purse.filled(roster, seen.at).metrics(roster);
    let (in_focus, paid) = focus(roster, state, reading, &watched, affordable);
    let spent = METRICS_PER_LOOK * u64::try_from(paid.len()).unwrap_or(u64::MAX);
    // The budget whose slack has the largest share hidden is served first.
    watched.retain(Watched::is_suspicious);
    watched.sort_by_key(|watch| std::cmp::Reverse(watch.suspicion().per_mille_of(watch.threshold)));
    let with_concurrency = watched.iter().any(Watched::asks_concurrency);
    let mut shopping = Shopping {
        with_concurrency,
        roster,
        rests: &reading.rests,
        settled: reading.settled,
        in_focus: &in_focus,
        purse: (affordable.saturating_sub(spent), overdrawn.saturating_sub(spent)),
        glances: BTreeSet::new(),
        metrics: 0,
    };
    for watch in &watched {
        shopping.buy(watch);
    }
    let name_of = |index: usize| roster.inventory.functions.get(index).map(|function| function.name.clone());
    SamplingPlan {
        paid: paid.into_iter().filter_map(name_of).collect(),
        with_concurrency: with_concurrency && !shopping.glances.is_empty(),
        glance: shopping.glances.into_iter().filter_map(name_of).collect(),
        focus: in_focus.into_iter().filter_map(name_of).collect(),
    }
}

/// Spend above the ordinary, as a budget sees it, of functions without a look or an answer, in the budget's unit.
pub(crate) fn nameless(
    roster: &Roster,
    place: usize,
    rule: &BudgetRule,
    reading: &Reading,
    outlook: Option<&Outlook>,
    seen: &Observation,
) -> Usd {
    Watched::new(roster, place, rule, reading, (Verdict::Fine, outlook), seen).unexplained.nameless
}

/// Metrics of a glance: Duration; Invocations if a budget of its own or a count of them needs it; and
/// ConcurrentExecutions if unreported invocations are running.
pub fn metrics_of_glance(roster: &Roster, index: usize, with_concurrency: bool) -> u64 {
    1 + u64::from(asks_invocations(roster, index)) + u64::from(with_concurrency)
}

/// Whether a glance at a function asks for its invocations too.
pub fn asks_invocations(roster: &Roster, index: usize) -> bool {
    let counts = |place: &usize| roster.rules.get(*place).is_some_and(BudgetRule::counts_invocations);
    roster.members.get(index).is_some_and(|member| member.has_own_budget || member.budgets.iter().any(counts))
}

/// The ledger of the inventory's function at an index. Usually every function has one, at the same index.
pub(crate) fn ledger_of<'a>(
    state: &'a State,
    index: usize,
    name: &FunctionName,
) -> Option<&'a FunctionLedger> {
    let beside = state.functions.get(index).filter(|ledger| ledger.name == *name);
    beside.or_else(|| state.function(name))
}

/// The first minute to ask for: everything that may still change or was never seen, of the region, of the functions in
/// focus and of those glanced at. The price of a look does not depend on it.
pub fn ask_from(
    roster: &Roster,
    state: &State,
    at: chrono::DateTime<chrono::Utc>,
    (focus, glance): (&[FunctionName], &[FunctionName]),
) -> Minute {
    let now = Minute::of(at);
    let region = state.region.open_from(roster.policy.timing.settled(at));
    let window = |name: &FunctionName| {
        let index = roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
        Some(roster.members.get(index)?.window_min)
    };
    // No region totals are known from before the guard started, so a function has nothing to explain there.
    let watched = state.region.watched_from().unwrap_or(region);
    let functions = focus.iter().filter_map(|name| {
        let window = window(name)?;
        let new = || FunctionLedger::new(name.clone()).open_from(now, window);
        Some(state.function(name).map_or_else(new, |ledger| ledger.open_from(now, window)))
    });
    let glances = glance.iter().filter_map(|name| {
        let window = window(name)?;
        let new = || FunctionLedger::new(name.clone()).glance_from(now, window);
        Some(state.function(name).map_or_else(new, |ledger| ledger.glance_from(now, window)))
    });
    functions
        .chain(glances)
        .map(|from| from.max(watched))
        .chain([region])
        .min()
        .unwrap_or(now)
        .min(now.plus(-roster.reread_min()))
}

#[cfg(test)]
mod tests;
