//! The metrics of a tick in CloudWatch's Embedded Metric Format: lines on standard output that CloudWatch Logs turns
//! into metrics, without a call.
//!
//! Custom metrics cost money, so there are few: seven of the guard and five of each budget, with the stage (and the
//! budget) as the only dimensions. At $0.30 a metric and month ([`USD_PER_METRIC_MONTH`]) one budget makes 12 metrics
//! and $3.60, three make 22 and $6.60. Functions have none: a thousand of them would be $300 a metric.

use guard_core::alert::Context;
use guard_core::money::{Unit, Usd};
use guard_core::observation::Freshness;
use guard_core::plan::{BudgetRecord, Plan};
use guard_core::state::State;
use serde_json::{Map, Value, json};

pub use guard_core::alert::METRIC_NAMESPACE as NAMESPACE;

/// A custom metric costs $0.30 a month, prorated by the hour, for the first 10,000 ("Amazon CloudWatch pricing",
/// us-east-1, read 2026-11).
pub const USD_PER_METRIC_MONTH: Usd = Usd::from_picos(300_000_000_000);

/// The document that a metric is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One of the guard; dimension `Stage`.
    Guard,
    /// One of each budget; dimensions `Stage` and `Budget`.
    Budget,
}

/// A metric, as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit in CloudWatch, which has none for money: dollars are `None`. For a budget counted in invocations,
    /// amounts are `Count`.
    pub unit: &'static str,
    /// Its document.
    pub scope: Scope,
    /// Its meaning.
    pub meaning: &'static str,
}

/// All metrics. The documentation is generated from this table.
pub const METRICS: &[Metric] = &[
    metric("CapsInForce", "Count", Scope::Guard, "functions on which the guard holds a lever"),
    metric(
        "Actions",
        "Count",
        Scope::Guard,
        "changes the plan asks for; disarmed, those it would have asked for",
    ),
    metric("Refusals", "Count", Scope::Guard, "changes that could not or must not be made"),
    metric("OwnCalls", "Count", Scope::Guard, "AWS calls of this tick"),
    metric("OwnCost", "None", Scope::Guard, "dollars that the calls of this tick cost"),
    metric(
        "MetricAge",
        "Seconds",
        Scope::Guard,
        "age of the newest complete metric; absent where nothing is known",
    ),
    metric(
        "Blind",
        "Count",
        Scope::Guard,
        "1 while something that was asked for is unreadable or late, else 0",
    ),
    metric("Spent", "None", Scope::Budget, "spent in this period, expected"),
    metric("Projected", "None", Scope::Budget, "at the end of the period if the excess lasts"),
    metric("Amount", "None", Scope::Budget, "the budget of the period"),
    metric("BurnPerHour", "None", Scope::Budget, "burn rate over the last five settled minutes"),
    metric(
        "RepeatedShare",
        "Percent",
        Scope::Budget,
        "part of what was spent that was retries and duplicates",
    ),
];

const fn metric(name: &'static str, unit: &'static str, scope: Scope, meaning: &'static str) -> Metric {
    Metric { name, unit, scope, meaning }
}

/// A tick's data about itself beyond its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnUse {
    /// Functions on which a lever is held: [`caps_in_force`].
    pub caps_in_force: usize,
    /// AWS calls made.
    pub calls: u64,
    /// Their cost.
    pub cost: Usd,
}

/// Functions on which the guard holds a lever away from its original value.
pub fn caps_in_force(state: &State) -> usize {
    state.latches.values().filter(|latch| latch.is_holding()).count()
}

/// Whether some requested data could not be read, or came too late to be trusted.
pub fn is_blind(plan: &Plan) -> bool {
    let region = plan.budgets.iter().map(|record| record.freshness);
    let functions = plan.functions.iter().map(|record| record.freshness);
    region.chain(functions).any(|freshness| !freshness.is_trustworthy())
}

/// Seconds since the newest complete minute of the region's totals; `None` if unknown.
pub fn metric_age_s(plan: &Plan, metric_lag_s: u32) -> Option<u32> {
    match plan.budgets.first()?.freshness {
        Freshness::Fresh | Freshness::Silent => Some(metric_lag_s),
        Freshness::Late(minutes) => Some(metric_lag_s.saturating_add(minutes.saturating_mul(60))),
        Freshness::Unknown => None,
    }
}

/// The documents of a tick, each for a line of its own: the guard's, then one per budget. A document holds one value
/// per dimension, hence one per budget ("Specification: Embedded metric format", read 2026-11).
pub fn documents(plan: &Plan, own: &OwnUse, context: &Context) -> Vec<Value> {
    let mut guard = vec![
        ("CapsInForce", json!(own.caps_in_force)),
        ("Actions", json!(plan.actions.len())),
        ("Refusals", json!(plan.refusals.len())),
        ("OwnCalls", json!(own.calls)),
        ("OwnCost", json!(own.cost.to_f64())),
    ];
    guard.extend(metric_age_s(plan, context.metric_lag_s).map(|age| ("MetricAge", json!(age))));
    guard.push(("Blind", json!(u8::from(is_blind(plan)))));
    let mut documents = vec![document(plan, &[("Stage", &context.stage)], &guard, None)];
    documents.extend(plan.budgets.iter().map(|record| of_budget(plan, record, context)));
    documents
}

fn of_budget(plan: &Plan, record: &BudgetRecord, context: &Context) -> Value {
    let share = record.repeated.expected.per_mille_of(record.spent.expected);
    let values = [
        ("Spent", json!(record.spent.expected.to_f64())),
        ("Projected", json!(record.projected_if_sustained.expected.to_f64())),
        ("Amount", json!(record.amount.to_f64())),
        ("BurnPerHour", json!(record.burn_per_hour.to_f64())),
        // Tenths of a percent are exact in thousandths of the whole.
        ("RepeatedShare", json!(f64::from(i32::try_from(share).unwrap_or(i32::MAX)) / 10.0)),
    ];
    let unit = (record.unit == Unit::Invocations).then_some("Count");
    document(plan, &[("Stage", &context.stage), ("Budget", record.budget.as_str())], &values, unit)
}

/// One document. `amounts` replaces the unit of metrics without one.
fn document(
    plan: &Plan,
    dimensions: &[(&str, &str)],
    values: &[(&str, Value)],
    amounts: Option<&'static str>,
) -> Value {
    let mut root = Map::new();
    let mut definitions = Vec::new();
    for (name, value) in values {
        let unit = METRICS.iter().find(|metric| metric.name == *name).map_or("None", |metric| metric.unit);
        let unit = amounts.filter(|_| unit == "None").unwrap_or(unit);
        definitions.push(json!({ "Name": name, "Unit": unit }));
        root.insert((*name).to_owned(), value.clone());
    }
    for (name, value) in dimensions {
        root.insert((*name).to_owned(), json!(dimension(value)));
    }
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions });
    let meta = json!({ "Timestamp": plan.at.timestamp_millis(), "CloudWatchMetrics": [directive] });
    root.insert("_aws".to_owned(), meta);
    Value::Object(root)
}

/// A dimension's value: ASCII, at least one character that is not blank, 1,024 at most (Amazon CloudWatch API
/// Reference, `Dimension`, read 2026-11).
fn dimension(value: &str) -> String {
    let plain: String =
        value.chars().take(1024).map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    if plain.trim().is_empty() { "unnamed".to_owned() } else { plain }
}
