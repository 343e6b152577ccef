//! The cost limit of looking: a purse that fills with time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::census::METRICS_PER_COUNT;
use super::{METRICS_PER_LOOK, METRICS_PER_SWEEP, USD_PER_METRIC};
use crate::money::Usd;
use crate::plan::SamplingPlan;
use crate::policy::Period;
use crate::roster::Roster;
use crate::state::Purse;

/// Seconds of a month of 30 days.
const MONTH_S: i128 = 30 * 86_400;

/// The purse holds the income of this many seconds: half a day, so that a calm night pays for a busy morning.
const HOLDS_S: i128 = 43_200;

/// The monthly cost limit of looking if the policy sets none: at least $5,
const LEAST: Usd = Usd::from_dollars(5);
/// at least $3 per 1,000 functions, about what certainty costs on a real account of that size,
const PER_THOUSAND: Usd = Usd::from_dollars(3);
/// and at least this fraction of the guarded budgets.
const PART_OF_BUDGETS: i128 = 100;

/// The cost limit of looking, for a month of 30 days.
fn own_cost_limit(roster: &Roster) -> Usd {
    if let Some(said) = roster.policy.limits.own_cost_usd_per_month {
        return said;
    }
    let money = roster.rules.iter().filter(|rule| !rule.counts_invocations());
    let (everything, narrow): (Vec<_>, Vec<_>) = money.partition(|rule| rule.matcher.is_everything());
    let month = i128::from(Period::Month.minutes());
    let monthly =
        |rule: &&crate::budget::BudgetRule| rule.amount.mul_div_up(month, rule.period.minutes().into());
    let largest = everything.iter().map(monthly).max().unwrap_or_default();
    let together: Usd = narrow.iter().map(monthly).sum();
    let functions = i128::try_from(roster.members.len()).unwrap_or(i128::MAX);
    let by_budgets = largest.max(together).mul_div_up(1, PART_OF_BUDGETS);
    LEAST.max(PER_THOUSAND.mul_div_up(functions, 1000)).max(by_budgets)
}

/// The fixed monthly cost of the region's totals and of the census.
fn fixed_of_month(roster: &Roster) -> (Usd, Usd) {
    let tick_s = i128::from(roster.policy.timing.tick_s.max(1));
    let sweep = USD_PER_METRIC * (i128::from(METRICS_PER_SWEEP) * (MONTH_S / tick_s));
    let functions = i128::try_from(roster.members.len()).unwrap_or(i128::MAX);
    let census = USD_PER_METRIC * (i128::from(METRICS_PER_COUNT) * 30 * functions);
    (sweep, census)
}

/// The cost of looking in a month of 30 days, functions that stand out in an incident aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCost {
    /// The region's totals, every tick.
    pub sweep: Usd,
    /// At most: glances at single functions.
    pub glances: Usd,
    /// Every function, once a day.
    pub census: Usd,
}

impl OwnCost {
    /// All of it.
    pub fn total(&self) -> Usd {
        self.sweep + self.glances + self.census
    }

    /// What the first days may cost beyond it, once: the first census, the full purse that a guard begins with, and its
    /// overdraft.
    pub fn at_first(&self, roster: &Roster) -> Usd {
        let metrics = (Purse::income(roster, HOLDS_S) + Purse::overdraft(roster)) / 1000;
        self.census.mul_div_up(1, 30) + USD_PER_METRIC * i128::from(metrics)
    }
}

/// The highest cost of `GetMetricData` in a month of 30 days, functions that stand out in an incident aside.
pub fn own_cost_of_month(roster: &Roster) -> OwnCost {
    let (sweep, census) = fixed_of_month(roster);
    OwnCost { sweep, glances: (own_cost_limit(roster) - sweep - census).at_least_zero(), census }
}

impl Purse {
    /// The purse's income in the given seconds, in thousandths of a metric.
    fn income(roster: &Roster, seconds: i128) -> i64 {
        let millis = own_cost_of_month(roster).glances.mul_div_up(1000, USD_PER_METRIC.picos()).picos();
        i64::try_from(millis.saturating_mul(seconds) / MONTH_S).unwrap_or(i64::MAX)
    }

    /// The purse with the income up to now.
    pub(super) fn filled(self, roster: &Roster, now: DateTime<Utc>) -> Purse {
        let most = Self::income(roster, HOLDS_S);
        let millis = match self.at {
            None => most,
            Some(at) => {
                let seconds = i128::from((now - at).num_seconds().max(0));
                self.millis.saturating_add(Self::income(roster, seconds.min(2 * HOLDS_S))).min(most)
            }
        };
        Purse { millis, at: Some(now) }
    }

    /// The purse after a plan: its glances, and the full looks that it pays for.
    pub fn after(self, roster: &Roster, plan: &SamplingPlan, now: DateTime<Utc>) -> Purse {
        let metrics: u64 = plan
            .glance
            .iter()
            .filter_map(|name| roster.inventory.functions.binary_search_by(|other| other.name.cmp(name)).ok())
            .map(|index| super::metrics_of_glance(roster, index, plan.with_concurrency))
            .sum();
        let metrics = metrics + METRICS_PER_LOOK * u64::try_from(plan.paid.len()).unwrap_or(u64::MAX);
        let filled = self.filled(roster, now);
        let millis = filled.millis.saturating_sub(i64::try_from(metrics * 1000).unwrap_or(i64::MAX));
        Purse { millis, ..filled }
    }

    /// Metrics that it pays for now, and those that may be overdrawn when a budget is burning.
    pub(super) fn metrics(self, roster: &Roster) -> (u64, u64) {
        let whole = |millis: i64| u64::try_from(millis / 1000).unwrap_or(0);
        (whole(self.millis), whole(self.millis.saturating_add(Self::overdraft(roster))))
    }

    /// A quarter of a day's income or one walk past all functions, in thousandths of a metric.
    fn overdraft(roster: &Roster) -> i64 {
        let walk: u64 =
            (0..roster.members.len()).map(|index| super::metrics_of_glance(roster, index, false)).sum();
        let quarter = Self::income(roster, HOLDS_S / 2);
        quarter.max(i64::try_from(walk * 1000).unwrap_or(i64::MAX))
    }
}
