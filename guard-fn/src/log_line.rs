//! The one structured line that a tick leaves in its log: its decision, the outcomes, and the cost. Names and numbers
//! only: no payload, no message of a service, no setting of a function beyond the changed ones.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use guard_core::money::Usd;
use guard_core::name::{BudgetName, FunctionName};
use guard_core::observation::Freshness;
use guard_core::plan::{Change, Plan, Verdict};
use guard_core::report;
use guard_core::settle::Outcome;
use serde::Serialize;

use crate::emf::{self, OwnUse};

/// The version of [`TickLine`]'s serialised form.
pub const LOG_SCHEMA: u32 = 1;

/// A tick in one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TickLine {
    /// Version of this format.
    pub schema: u32,
    /// The time of the tick.
    pub at: DateTime<Utc>,
    /// Whether actions were carried out.
    pub armed: bool,
    /// One per budget.
    pub budgets: Vec<BudgetLine>,
    /// In the order of the plan.
    pub actions: Vec<ActionLine>,
    /// The actions in words, all in one text: a table shows every change of the tick.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub changes: String,
    /// The number of refusals, by reason.
    pub refusals: BTreeMap<&'static str, usize>,
    /// The number of notices, by kind.
    pub notices: BTreeMap<&'static str, usize>,
    /// Functions on which a lever is held.
    pub caps_in_force: usize,
    /// Whether some requested data is unreadable or late.
    pub blind: bool,
    /// AWS calls made.
    pub own_calls: u64,
    /// Their cost.
    pub own_cost: Usd,
    /// Milliseconds of each step, by its name.
    pub took_ms: BTreeMap<&'static str, u64>,
}

/// A budget in the line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetLine {
    /// The budget.
    pub budget: BudgetName,
    /// The decision.
    pub verdict: Verdict,
    /// Spent in this period, expected.
    pub spent: Usd,
    /// The amount of the period.
    pub amount: Usd,
    /// Per hour, over the last five settled minutes.
    pub burn_per_hour: Usd,
    /// How far the data can be trusted.
    pub freshness: Freshness,
}

/// An action in the line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionLine {
    /// The function.
    pub function: FunctionName,
    /// The lever and its values, old and new.
    pub change: Change,
    /// The reason, in a word.
    pub reason: &'static str,
    /// `applied`, `rejected`, `unavailable`; `not_tried` if the guard is disarmed or did not come to it.
    pub outcome: &'static str,
}

impl TickLine {
    /// The line of a tick. `took` are the steps' durations by name; a step taken again has the sum of both.
    pub fn of(plan: &Plan, outcomes: &[Outcome], own: &OwnUse, took: &[(&'static str, Duration)]) -> Self {
        let mut refusals: BTreeMap<&'static str, usize> = BTreeMap::new();
        for refusal in &plan.refusals {
            *refusals.entry(report::reason_word(&refusal.reason)).or_default() += 1;
        }
        let mut notices: BTreeMap<&'static str, usize> = BTreeMap::new();
        for notice in &plan.notices {
            *notices.entry(guard_core::alert::event(notice.kind)).or_default() += 1;
        }
        let mut durations: BTreeMap<&'static str, Duration> = BTreeMap::new();
        for (step, took) in took {
            *durations.entry(step).or_default() += *took;
        }
        let millis = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        TickLine {
            schema: LOG_SCHEMA,
            at: plan.at,
            armed: plan.armed,
            budgets: plan.budgets.iter().map(BudgetLine::of).collect(),
            actions: plan.actions.iter().map(|action| ActionLine::of(action, outcomes)).collect(),
            changes: report::changes(&plan.actions, outcomes),
            refusals,
            notices,
            caps_in_force: own.caps_in_force,
            blind: emf::is_blind(plan),
            own_calls: own.calls,
            own_cost: own.cost,
            took_ms: durations.into_iter().map(|(step, took)| (step, millis(took))).collect(),
        }
    }
}

impl BudgetLine {
    fn of(record: &guard_core::plan::BudgetRecord) -> Self {
        BudgetLine {
            budget: record.budget.clone(),
            verdict: record.verdict,
            spent: record.spent.expected,
            amount: record.amount,
            burn_per_hour: record.burn_per_hour,
            freshness: record.freshness,
        }
    }
}

impl ActionLine {
    fn of(action: &guard_core::plan::Action, outcomes: &[Outcome]) -> Self {
        ActionLine {
            function: action.function.clone(),
            change: action.change.clone(),
            reason: report::reason_word(&action.reason),
            outcome: report::outcome(action, outcomes),
        }
    }
}
