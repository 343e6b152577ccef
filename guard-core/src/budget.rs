//! Budgets ready for use: the policy's and those that functions ask for in their tags; and their periods, which begin
//! at local midnight whatever the clocks do.

mod period;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::cost::UnitCost;
use crate::inventory::{Function, Inventory};
use crate::money::{Unit, Usd};
use crate::name::BudgetName;
use crate::policy::{
    AtRollover, BelowFloor, Budget, FunctionOverrides, Mode, Period, Policy, ScopeMatcher, Slack, TagProblem,
};

pub use period::period_of;

/// Our choice: without history only the unmistakable is acted on before the line. A busy quarter of an hour of a recorded
/// day is no incident.
const LEARNING_SLACK_TIMES: i128 = 3;

/// Our choice: five cents are worth neither a message nor a refused request.
const LEAST_TO_TELL: Usd = Usd::from_picos(50_000_000_000);

/// One budget, resolved for use in a tick.
#[derive(Clone, Debug)]
pub struct BudgetRule {
    /// Its name; `tag:FUNCTION` for one that a function's tag made.
    pub name: BudgetName,
    /// The functions it covers.
    pub matcher: ScopeMatcher,
    /// Its period.
    pub period: Period,
    /// Its amount per period, in `unit`; one invocation is one whole unit.
    pub amount: Usd,
    /// The unit of the amount.
    pub unit: Unit,
    /// The most that may be done when it breaks. A function's tag may allow less for that function:
    /// [`FunctionOverrides::restrain`].
    pub mode: Mode,
    /// Percentages at which to warn, ascending; possibly none.
    pub thresholds_percent: Vec<u32>,
    /// The cost above the ordinary that an incident may reach before the guard acts, in `unit`; the whole amount if it
    /// acts at the line only.
    pub slack: Usd,
    /// The same while less than a week is known: three times as much unless the policy sets a slack.
    pub learning_slack: Usd,
    /// Which of the two gives way if money and floor conflict.
    pub below_floor: BelowFloor,
    /// Whether events may be lost for good.
    pub allow_event_loss: bool,
    /// What happens to caps when the period ends.
    pub at_rollover: AtRollover,
    /// Whether a standing cap is held.
    pub envelope: bool,
    /// Whether the barrier is kept.
    pub guarantee: bool,
}

impl BudgetRule {
    /// The period that contains the instant: see [`period_of`].
    pub fn period_at(&self, zone: Tz, at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        period_of(self.period, zone, at)
    }

    /// Whether it stops its functions at the line: because its mode is stop, or because money wins over the floor.
    pub fn stops(&self) -> bool {
        self.mode == Mode::Stop || (self.mode >= Mode::Cap && self.below_floor == BelowFloor::Stop)
    }

    /// The amount spread evenly over its period, per hour. A month counts 30 days.
    pub fn even_share_per_hour(&self) -> Usd {
        self.amount.mul_div_up(60, self.period.minutes().into())
    }

    /// The highest warning percentage that is spent, if the amount will be gone even if every excess stops. Half of a
    /// day's budget is gone at half of every day, and that is no news.
    pub(crate) fn crossed(&self, spent: Usd, if_it_stops: Usd) -> Option<u32> {
        let used = spent.per_mille_of(self.amount);
        let passed =
            self.thresholds_percent.iter().copied().filter(|percent| used >= i64::from(*percent) * 10);
        passed.max().filter(|_| if_it_stops >= self.amount)
    }

    /// The unit cost in the unit of the rule: the cost in money, or the `counting` of invocations.
    pub fn unit_cost<'a>(&self, money: &'a UnitCost, counting: &'a UnitCost) -> &'a UnitCost {
        if self.counts_invocations() { counting } else { money }
    }

    /// The cost of an incident that is worth a message; nothing in a budget of invocations.
    pub(crate) fn least_to_tell(&self) -> Usd {
        if self.counts_invocations() { Usd::ZERO } else { LEAST_TO_TELL }
    }

    /// Whether the rule counts invocations.
    pub fn counts_invocations(&self) -> bool {
        self.unit == Unit::Invocations
    }
}

/// All budgets in force: the policy's in its order, then those of tags by function name; and the tags that could not
/// be read. Expects a valid policy; a budget without an amount, which validation refuses, has the amount zero.
pub fn rules(policy: &Policy, inventory: &Inventory) -> (Vec<BudgetRule>, Vec<TagProblem>) {
    let money = if inventory.region.as_str().starts_with("cn-") { Unit::Cny } else { Unit::Usd };
    let mut rules: Vec<BudgetRule> = policy.budget.iter().map(|budget| from_policy(budget, money)).collect();
    let mut problems = Vec::new();
    for function in &inventory.functions {
        let (overrides, unreadable) = FunctionOverrides::of(function, policy.tags);
        problems.extend(unreadable);
        rules.extend(from_tags(function, overrides, money));
    }
    (rules, problems)
}

/// A budget's slack. Unless the budget sets one, it is at least [`LEAST_TO_TELL`]: the bursts of a function that costs
/// cents a day are no incident.
fn slack(budget: &Budget, amount: Usd, unit: Unit) -> Usd {
    let slack = Slack::of_budget(budget).part(amount, budget.period);
    match (budget.slack, unit) {
        (None, Unit::Usd | Unit::Cny) => slack.max(LEAST_TO_TELL).min(amount),
        _ => slack,
    }
}

fn from_policy(budget: &Budget, money: Unit) -> BudgetRule {
    let (amount, unit) = match (budget.usd, budget.invocations) {
        (Some(usd), _) => (usd, money),
        (None, Some(count)) => (Usd::from_dollars(1) * i128::from(count), Unit::Invocations),
        (None, None) => (Usd::ZERO, money),
    };
    let slack = slack(budget, amount, unit);
    let times = if budget.slack.is_some() { 1 } else { LEARNING_SLACK_TIMES };
    BudgetRule {
        name: BudgetName::from(budget.name.as_str()),
        matcher: budget.scope.compile(),
        period: budget.period,
        amount,
        unit,
        mode: budget.mode,
        thresholds_percent: budget.thresholds_percent.clone(),
        slack,
        learning_slack: (slack * times).min(amount),
        below_floor: budget.below_floor,
        allow_event_loss: budget.allow_event_loss,
        at_rollover: budget.at_rollover,
        envelope: budget.envelope,
        guarantee: budget.guarantee,
    }
}

/// The budget of a tag `dow-guard:monthly-usd`: it alerts unless the tag `dow-guard:mode` asks for more, because an owner
/// who sets an amount has not yet asked to be stopped at it, and the policy lets it.
fn from_tags(function: &Function, overrides: FunctionOverrides, money: Unit) -> Option<BudgetRule> {
    let amount = overrides.monthly_usd?;
    let name = format!("tag:{}", function.name);
    let defaults = Budget::per_month(name, amount);
    let mut rule = from_policy(&defaults, money);
    rule.matcher = ScopeMatcher::only(&function.name);
    rule.mode = overrides.budget_mode;
    Some(rule)
}

#[cfg(test)]
mod tests;
