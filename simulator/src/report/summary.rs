//! The whole replay in a few numbers, gathered tick by tick.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use guard_core::money::Usd;
use guard_core::name::BudgetName;
use guard_core::plan::{BudgetRecord, NoticeKind, Plan, Unit, Verdict};

/// What is worth knowing when it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Ticks seen.
    pub ticks: u64,
    /// Notices by kind.
    pub notices: BTreeMap<NoticeKind, u64>,
    /// Per budget, in the order of the policy.
    pub budgets: Vec<BudgetSummary>,
}

/// One budget over the replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSummary {
    /// The budget.
    pub budget: BudgetName,
    /// What its amounts count.
    pub unit: Unit,
    /// Its amount.
    pub amount: Usd,
    /// The most spent in any of its periods.
    pub most_spent: Usd,
    /// Start of that period.
    pub period_start: DateTime<Utc>,
    /// The first tick at which a period's amount was seen to be spent.
    pub first_over: Option<DateTime<Utc>>,
    /// The first tick whose verdict was beyond a warning.
    pub first_breached: Option<DateTime<Utc>>,
    /// The highest burn per hour, and when.
    pub peak_burn: (Usd, DateTime<Utc>),
}

impl Summary {
    /// Adds a tick.
    pub fn add(&mut self, plan: &Plan) {
        self.ticks += 1;
        for notice in &plan.notices {
            *self.notices.entry(notice.kind).or_default() += 1;
        }
        for record in &plan.budgets {
            match self.budgets.iter_mut().find(|known| known.budget == record.budget) {
                Some(known) => known.add(record, plan.at),
                None => {
                    let mut new = BudgetSummary::new(record, plan.at);
                    new.add(record, plan.at);
                    self.budgets.push(new);
                }
            }
        }
    }
}

impl BudgetSummary {
    fn new(record: &BudgetRecord, at: DateTime<Utc>) -> Self {
        BudgetSummary {
            budget: record.budget.clone(),
            unit: record.unit,
            amount: record.amount,
            most_spent: record.spent.expected,
            period_start: record.period_start,
            first_over: None,
            first_breached: None,
            peak_burn: (record.burn_per_hour, at),
        }
    }

    fn add(&mut self, record: &BudgetRecord, at: DateTime<Utc>) {
        if record.spent.expected > self.most_spent {
            (self.most_spent, self.period_start) = (record.spent.expected, record.period_start);
        }
        if record.burn_per_hour > self.peak_burn.0 {
            self.peak_burn = (record.burn_per_hour, at);
        }
        if record.spent.expected >= record.amount {
            self.first_over.get_or_insert(at);
        }
        if record.verdict > Verdict::Warn {
            self.first_breached.get_or_insert(at);
        }
    }
}
