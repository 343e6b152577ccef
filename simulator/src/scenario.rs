//! A scenario: an account, its traffic, what goes wrong, and the policy that guards it. A TOML file; unknown keys are
//! refused, and every range is checked before anything runs.

mod function;
mod read;
mod traffic;
mod validate;

use chrono::{DateTime, Utc};
use guard_core::inventory::AccountLimits;
use guard_core::policy::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use function::{AsyncSpec, FunctionSpec, QueueSpec, Reuse, StreamSpec};
pub use read::ScenarioError;
pub use traffic::{Client, Duration, Emission, Kind, Rate, Traffic, Via};

/// The longest replay, in minutes: 31 days.
pub const MINUTES_MAX: u32 = 44_640;

/// Everything a replay needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Version of this format. Always 1.
    pub schema: u32,
    /// One line.
    pub title: String,
    /// What happens, for people.
    #[serde(default)]
    pub story: String,
    /// Where the numbers come from.
    #[serde(default)]
    pub source: String,
    /// First moment, a full minute in UTC.
    #[schemars(with = "String")]
    pub start: DateTime<Utc>,
    /// Length in minutes, 1 to 44,640 (31 days).
    pub minutes: u32,
    /// Minutes added at most until all caps are released, 0 to 10,080.
    #[serde(default)]
    pub recovery_minutes: u32,
    /// Days before the start in which the legitimate traffic ran as it does now, 0 to 28: what a census finds.
    #[serde(default = "default_history_days")]
    pub history_days: u32,
    /// Region and limits.
    #[serde(default)]
    pub account: Account,
    /// A recorded trace whose functions, all of them legitimate, run beside the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceUse>,
    /// The functions.
    #[serde(default, rename = "function")]
    pub functions: Vec<FunctionSpec>,
    /// What calls them.
    #[serde(default)]
    pub traffic: Vec<Traffic>,
    /// How CloudWatch and the control plane behave when nothing goes wrong.
    #[serde(default)]
    pub service: Service,
    /// What goes wrong, and what other people do.
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
    /// The guard's policy: the keys of a policy file.
    #[serde(default)]
    pub policy: Policy,
}

const fn default_history_days() -> u32 {
    28
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// The AWS region whose prices count.
    pub region: String,
    /// Concurrent executions of the whole account, 10 to 1,000,000.
    pub concurrency: u32,
    /// What must stay unreserved, 0 to 1,000.
    pub unreserved_minimum: u32,
}

impl Default for Account {
    fn default() -> Self {
        let limits = AccountLimits::default();
        Account {
            region: "us-east-1".to_owned(),
            concurrency: limits.concurrency,
            unreserved_minimum: limits.unreserved_minimum,
        }
    }
}

/// A trace as the background of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceUse {
    /// `embedded:azure2019-500`, `embedded:azure2019-1350`, `embedded:worldcup98`, or a file.
    pub file: String,
    /// Durations (Azure schema).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durations: Option<String>,
    /// Memory (Azure schema).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Only functions whose name fits this `*`/`?` pattern.
    #[serde(default = "everything")]
    pub functions: String,
    /// Minutes of the trace to leave out at its beginning.
    #[serde(default)]
    pub skip_minutes: u32,
    /// Factor on every count, 0.001 to 1,000.
    #[serde(default = "one")]
    pub scale: f64,
    /// Milliseconds per invocation where the trace has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Memory where the trace has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
}

impl TraceUse {
    /// All of a file, as it is.
    pub fn of_file(file: &str) -> Self {
        TraceUse {
            file: file.to_owned(),
            durations: None,
            memory: None,
            functions: everything(),
            skip_minutes: 0,
            scale: one(),
            duration_ms: None,
            memory_mb: None,
        }
    }
}

fn everything() -> String {
    "*".to_owned()
}

const fn one() -> f64 {
    1.0
}

/// How AWS behaves when nothing goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Seconds from the end of a minute until its points show, 0 to 900. Default 60.
    pub metric_delay_s: u32,
    /// Share of a minute's counts that shows one minute later still, 0 to 1. Default 0.1.
    pub late_share: f64,
    /// Seconds from an accepted control plane call to its effect, 0 to 600. Default 5.
    pub actuation_s: u32,
}

impl Default for Service {
    fn default() -> Self {
        Service { metric_delay_s: 60, late_share: 0.1, actuation_s: 5 }
    }
}

/// Something that goes wrong, or that other people do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it is.
    pub what: Happening,
    /// Minutes after the start.
    pub at_min: u32,
    /// Minutes it lasts, where it lasts.
    #[serde(default)]
    pub for_min: u32,
    /// The function it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Reserved concurrency, for `operator_sets`; without it the reservation is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<u32>,
    /// Minutes, for `metric_delay` (1 to 30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// What an [`Event`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// `GetMetricData` fails: nothing is known.
    MetricBlackout,
    /// Points show `minutes` later than usual.
    MetricDelay,
    /// Queries for single functions are throttled; the region's totals still answer.
    MetricThrottled,
    /// No tick runs.
    GuardOutage,
    /// The control plane answers with an error.
    ControlPlaneDown,
    /// The owner's pipeline deploys `function`: its reserved concurrency is what its template says.
    Deploy,
    /// A person sets the reserved concurrency of `function` by hand.
    OperatorSets,
    /// A person tells the guard to release `function`.
    OperatorReleases,
    /// A person tells the guard to leave `function` alone for `for_min` minutes.
    OperatorHolds,
}

impl Scenario {
    /// A scenario of a day without functions, traffic or budgets.
    pub fn empty(title: &str, start: DateTime<Utc>) -> Self {
        Scenario {
            schema: 1,
            title: title.to_owned(),
            story: String::new(),
            source: String::new(),
            start,
            minutes: 1440,
            recovery_minutes: 0,
            history_days: default_history_days(),
            account: Account::default(),
            trace: None,
            functions: Vec::new(),
            traffic: Vec::new(),
            service: Service::default(),
            events: Vec::new(),
            policy: Policy::default(),
        }
    }
}
