//! Recorded days on which nobody attacks, under budgets of several shapes: what the guard costs itself, what it tells, and
//! whether it refuses anybody.

use std::collections::BTreeMap;

use guard_core::inventory::Inventory;
use guard_core::money::Usd;
use guard_core::policy::{Budget, Period, Policy, Scope};
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::sampling::own_cost_of_month;
use serde::Serialize;

use crate::load::Loaded;
use crate::replay::{caps, gone, legitimate, messages};
use crate::run::{FunctionBill, Run, run};
use crate::scenario::Scenario;
use crate::world::Cast;

/// Budgets over single functions: the dearest so many.
const SINGLE_FUNCTIONS: usize = 20;

/// Minutes of a month of 30 days.
const MONTH_MIN: i128 = 30 * 1440;

/// The least amount of a budget.
const CENT: Usd = Usd::from_picos(10_000_000_000);

/// The seed of the runs: a recording leaves chance only the seconds within a minute.
const SEED: u64 = 1;

/// The functions that budgets cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One budget over everything.
    Everything,
    /// One for each last character of a name.
    Patterns,
    /// One for each of the twenty dearest functions.
    Functions,
}

/// A calm recording under budgets of one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalmDay {
    /// The scenario whose recording it is.
    pub scenario: String,
    /// The shape of its budgets.
    pub shape: Shape,
    /// The number of budgets.
    pub budgets: usize,
    /// Days of history.
    pub history_days: u32,
    /// Minutes run.
    pub minutes: u32,
    /// The cost of the guard itself.
    pub usd_guard: Usd,
    /// The limit on its looking for that time, and what a first day may cost beyond it.
    pub allowed: Usd,
    /// Messages sent to people, the first one about being armed included.
    pub messages: u32,
    /// Functions that were capped.
    pub caps: u32,
    /// Events that were refused or lost because of it.
    pub harmed: u64,
}

/// Whether a scenario is a recording on which nobody attacks.
pub fn is_calm(loaded: &Loaded) -> bool {
    loaded.scenario.trace.is_some() && loaded.stage.attacks().next().is_none()
}

/// Runs a calm recording under every shape of budgets, each of a quarter more than its functions cost on that day, with
/// four weeks of history and with none.
pub fn calm_days(loaded: &Loaded, prices: &PriceTable) -> Vec<CalmDay> {
    let without = run(&loaded.request(SEED).terms(false, Cast::Everyone, None), prices, |_| ());
    let mut days = Vec::new();
    for shape in [Shape::Everything, Shape::Patterns, Shape::Functions] {
        for history_days in [28, 0] {
            let policy = policy(&loaded.scenario, shape, &without.functions, without.minutes);
            let scenario = Scenario { policy, history_days, ..loaded.scenario.clone() };
            days.push(calm_day(&Loaded { scenario, ..loaded.clone() }, shape, &without, prices));
        }
    }
    days
}

fn calm_day(loaded: &Loaded, shape: Shape, without: &Run, prices: &PriceTable) -> CalmDay {
    let Loaded { name, scenario, stage } = loaded;
    let with = run(&loaded.request(SEED).terms(true, Cast::Everyone, Some(without.minutes)), prices, |_| ());
    CalmDay {
        scenario: name.clone(),
        shape,
        budgets: scenario.policy.budget.len(),
        history_days: scenario.history_days,
        minutes: with.minutes,
        usd_guard: with.bill.guard,
        allowed: allowed(&scenario.policy, stage.inventory(), with.minutes, prices),
        messages: messages(&with),
        caps: caps(&with),
        harmed: gone(&legitimate(&with)).saturating_sub(gone(&legitimate(without))),
    }
}

/// The scenario's policy with budgets of a shape, made from the bill of so many minutes.
fn policy(scenario: &Scenario, shape: Shape, bill: &[FunctionBill], minutes: u32) -> Policy {
    let costs: Vec<(Option<String>, Usd)> = match shape {
        Shape::Everything => vec![(None, bill.iter().map(|one| one.cost).sum())],
        Shape::Patterns => {
            let mut costs: BTreeMap<Option<String>, Usd> = BTreeMap::new();
            for one in bill {
                *costs.entry(one.function.chars().last().map(|last| format!("*{last}"))).or_default() +=
                    one.cost;
            }
            costs.into_iter().collect()
        }
        Shape::Functions => {
            let dearest = bill.iter().take(SINGLE_FUNCTIONS);
            dearest.map(|one| (Some(one.function.clone()), one.cost)).collect()
        }
    };
    let budgets = scenario.policy.budget.iter().take(1).flat_map(|own| {
        costs.iter().enumerate().map(|(place, (functions, cost))| Budget {
            name: format!("budget-{place}"),
            scope: Scope { functions: functions.clone(), ..Scope::default() },
            period: Period::Day,
            usd: Some(cost.mul_div_up(5 * 1440, 4 * i128::from(minutes)).max(CENT)),
            ..own.clone()
        })
    });
    Policy { budget: budgets.collect(), ..scenario.policy.clone() }
}

/// What looking may cost in so many minutes.
fn allowed(policy: &Policy, inventory: Inventory, minutes: u32, prices: &PriceTable) -> Usd {
    let roster = Roster::new(policy.clone(), prices, inventory, None);
    let own = own_cost_of_month(&roster);
    own.total().mul_div_up(minutes.into(), MONTH_MIN) + own.at_first(&roster)
}
