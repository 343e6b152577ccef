//! The policy: what the owner wants, as a TOML file. Unknown keys are refused; every error names the key, the
//! value and the accepted range; the JSON Schema is generated from these types.

mod error;
mod matcher;
mod overrides;
mod parse;
pub mod ranges;
mod slack;
mod syntax;
mod timing;
mod validate;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Usd;

pub use error::{KeyPath, PolicyError, Position, Problem, Step};
pub use matcher::{Protected, ScopeMatcher};
pub use overrides::{FunctionOverrides, TagProblem};
pub use slack::Slack;

/// The whole policy. Disarmed by default: everything runs and is reported, and nothing is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Version of this format. Always 1.
    #[schemars(range(min = ranges::SCHEMA.min, max = ranges::SCHEMA.max))]
    pub schema: u32,
    /// Whether the guard may change anything. Without it every action is reported as "would have".
    pub armed: bool,
    /// IANA time zone in which days, weeks and months begin, such as `Europe/Berlin`. Default `UTC`.
    pub timezone: String,
    /// What to do with the account's free tier, which several accounts may share.
    pub free_tier: FreeTier,
    /// Assumptions about time.
    pub timing: Timing,
    /// Functions never to touch: names, `*`/`?` patterns, ARNs, or `tag:KEY` / `tag:KEY=VALUE`.
    pub protected: Vec<String>,
    /// How the concurrency that legitimate traffic needs is derived.
    pub floor: Floor,
    /// What the tags of a function may ask for.
    pub tags: Tags,
    /// How caps are released.
    pub release: Release,
    /// How alerts are repeated, and where their runbook is.
    pub alerts: Alerts,
    /// Limits on the guard itself.
    pub limits: Limits,
    /// Costs of an invocation besides Lambda's own. What is not listed is not counted, and reports say so.
    pub companion: Vec<Companion>,
    /// Budgets, any number, overlapping at will.
    pub budget: Vec<Budget>,
}

/// What to do with Lambda's monthly free tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreeTier {
    /// Count every invocation at list price (several accounts of an organization share one free tier).
    #[default]
    Ignore,
    /// Take it off monthly budgets over everything. One account's share only: an organization has one for all.
    Deduct,
}

/// Assumptions about time, in seconds. The published bound holds as long as they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Age at which a metric minute is taken as settled, 60 to 900. Default 180.
    #[schemars(range(min = ranges::METRIC_LAG_S.min, max = ranges::METRIC_LAG_S.max))]
    pub metric_lag_s: u32,
    /// Time between two ticks, 60 to 3,600. Default 60.
    #[schemars(range(min = ranges::TICK_S.min, max = ranges::TICK_S.max))]
    pub tick_s: u32,
    /// Time from a call to its effect, 0 to 600. Default 30.
    #[schemars(range(min = ranges::ACTUATION_S.min, max = ranges::ACTUATION_S.max))]
    pub actuation_s: u32,
    /// Half-life of the excess in the "if it stops" projection, in minutes, 1 to 1,440. Default 30.
    #[schemars(range(min = ranges::DECAY_HALF_LIFE_MIN.min, max = ranges::DECAY_HALF_LIFE_MIN.max))]
    pub decay_half_life_min: u32,
}

/// The concurrency a cap leaves to a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Floor {
    /// Percent of the baseline's p99 concurrency that is left, 100 to 1,000. Default 150.
    #[schemars(range(min = ranges::HEADROOM_PERCENT.min, max = ranges::HEADROOM_PERCENT.max))]
    pub headroom_percent: u32,
    /// The least concurrency left to any function, 1 to 1,000. Default 5.
    #[schemars(range(min = ranges::FLOOR_MINIMUM.min, max = ranges::FLOOR_MINIMUM.max))]
    pub minimum: u32,
}

/// What the tags of a function may ask for. A tag can always restrain the guard: protect its function, or allow less than
/// a budget of the policy does. The right to tag a function is not the right to have it capped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tags {
    /// The most that the budget of a tag `dow-guard:monthly-usd` may do, whatever the tag `dow-guard:mode` says. Default
    /// `alert`.
    pub mode: Mode,
    /// The highest floor that a tag `dow-guard:floor` may ask for, 1 to 100,000: a floor as high as the account's limit
    /// would take every cap off. Default 100.
    #[schemars(range(min = ranges::TAG_FLOOR.min, max = ranges::TAG_FLOOR.max))]
    pub floor: u32,
}

/// How caps are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Release {
    /// Minutes a cap stays at least, 1 to 10,080. Doubled at every relapse. Default 30.
    #[schemars(range(min = ranges::COOLDOWN_MIN.min, max = ranges::COOLDOWN_MIN.max))]
    pub cooldown_min: u32,
    /// Minutes of calm before each step of the ramp, 1 to 1,440. Default 10.
    #[schemars(range(min = ranges::CALM_MIN.min, max = ranges::CALM_MIN.max))]
    pub calm_min: u32,
    /// Hours after a release in which a relapse belongs to the same trip, 1 to 168. Default 24.
    #[schemars(range(min = ranges::FLAP_WINDOW_H.min, max = ranges::FLAP_WINDOW_H.max))]
    pub flap_window_h: u32,
    /// Whether a cap that a deploy undid is set again while its trip lasts. Default true.
    pub reassert: bool,
}

/// How alerts are repeated, and where their runbook is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Minutes after which an unresolved alert is sent again, 5 to 10,080. Default 240.
    #[schemars(range(min = ranges::REALERT_MIN.min, max = ranges::REALERT_MIN.max))]
    pub realert_min: u32,
    /// Address of the runbook, to which messages add the section of their kind, such as `#capped`: 1 to 300 printable
    /// characters without blanks. Default `docs/runbook.md`, the place in the guard's repository.
    #[schemars(length(min = 1, max = ranges::RUNBOOK_CHARS.max))]
    pub runbook: String,
}

/// Limits on the guard itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Changes per tick at most, 1 to 100: the control plane takes 15 requests a second. Default 20.
    #[schemars(range(min = ranges::ACTIONS_PER_TICK.min, max = ranges::ACTIONS_PER_TICK.max))]
    pub actions_per_tick: u32,
    /// Concurrency kept without reservation for all other functions, 0 to 100,000; AWS's own minimum is kept
    /// in any case. Default: 100, but at most half of the account's limit.
    #[schemars(range(min = ranges::KEEP_UNRESERVED.min, max = ranges::KEEP_UNRESERVED.max))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_unreserved: Option<u32>,
    /// What to do where the account's pool has no room for a positive cap (accounts with a limit of 10).
    pub no_room: NoRoom,
    /// What the guard may spend on reading metrics in a month, in dollars, 1 to 1,000,000; functions that stand out in an incident
    /// are read beside it. Default: the largest of $5, 1 % of its budgets and $3 per 1,000 functions.
    #[schemars(transform = ranges::OWN_COST_USD_PER_MONTH.in_schema())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_cost_usd_per_month: Option<Usd>,
}

/// Fallback where a positive cap is impossible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoRoom {
    /// Say so and change nothing.
    #[default]
    Alert,
    /// Stop the function: a reservation of 0 is always accepted.
    Stop,
}

/// Costs of one invocation besides Lambda's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// The functions meant: a name or a `*`/`?` pattern. The first entry that matches counts.
    pub functions: String,
    /// Bytes logged per invocation, 0 to 10,000,000, priced as CloudWatch vended logs.
    #[serde(default)]
    #[schemars(range(min = ranges::LOG_BYTES.min, max = ranges::LOG_BYTES.max))]
    pub log_bytes: u64,
    /// What stands in front of the function.
    #[serde(default)]
    pub front_door: FrontDoor,
    /// Anything else, in dollars per million invocations, 0 to 1,000,000.
    #[serde(default)]
    #[schemars(transform = ranges::OTHER_USD_PER_MILLION.in_schema())]
    pub other_usd_per_million: Usd,
    /// Billed INIT time of one cold start in milliseconds, 0 to 60,000. Default 400.
    #[serde(default = "default_init_ms")]
    #[schemars(range(min = ranges::INIT_MS.min, max = ranges::INIT_MS.max))]
    pub init_ms: u32,
}

const fn default_init_ms() -> u32 {
    400
}

/// What stands in front of a function and bills each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrontDoor {
    /// Nothing, or a Function URL, which costs nothing of its own.
    #[default]
    None,
    /// API Gateway REST API.
    RestApi,
    /// API Gateway HTTP API.
    HttpApi,
}

/// One budget: an amount per period for a scope, and what may be done when it breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Its name, unique in the policy: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[schemars(regex(pattern = syntax::BUDGET_NAME_PATTERN))]
    pub name: String,
    /// The functions it covers. Default: the whole account and region.
    #[serde(default)]
    pub scope: Scope,
    /// Its period.
    pub period: Period,
    /// Its amount in dollars, above 0 and up to 1,000,000,000. Either this or `invocations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = ranges::BUDGET_USD.in_schema())]
    pub usd: Option<Usd>,
    /// Its amount in invocations, 1 to 1,000,000,000,000. Either this or `usd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = ranges::BUDGET_INVOCATIONS.min, max = ranges::BUDGET_INVOCATIONS.max))]
    pub invocations: Option<u64>,
    /// The most that may be done when it breaks. Default `alert`.
    #[serde(default)]
    pub mode: Mode,
    /// Percentages at which to warn if the budget will break even though every excess stops, ascending, 1 to 1,000; none
    /// with `[]`. Default 50, 75, 90, 100.
    #[serde(default = "default_thresholds_percent")]
    #[schemars(inner(range(min = ranges::THRESHOLD_PERCENT.min, max = ranges::THRESHOLD_PERCENT.max)))]
    pub thresholds_percent: Vec<u32>,
    /// How much an incident may cost before the guard acts, above what is ordinary, as a length of the budget's time:
    /// `"3h"` of $24 a day are $3. `"period"` means: act at the line only. Default: half an hour of an hour, 3 h of a
    /// day, 6 h of a week, 12 h of a month, but at least $0.05, and three times as long until a week is known;
    /// `"period"` with `guarantee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// What gives way at the line, where money and floor collide. Default `keep_floor`.
    #[serde(default)]
    pub below_floor: BelowFloor,
    /// Whether events may be lost for good to save money. Without it a function whose events nothing is known to catch is
    /// never stopped, only held at its floor; every consumer of a queue is one, as redrive policies are not read. Default
    /// false.
    #[serde(default)]
    pub allow_event_loss: bool,
    /// What happens to caps when the period ends. Default `release`.
    #[serde(default)]
    pub at_rollover: AtRollover,
    /// The standing cap: reserved concurrency held at the floor before anything happens. Default false.
    #[serde(default)]
    pub envelope: bool,
    /// The barrier: ceilings tighten so that spend cannot cross the line. Refused, with the sum, where what cannot go to zero
    /// costs more: provisioned concurrency, protected functions, one unit where events would be lost. With
    /// `below_floor = "keep_floor"` the floor wins, and the guarantee ends there. Default false.
    #[serde(default)]
    pub guarantee: bool,
}

fn default_thresholds_percent() -> Vec<u32> {
    vec![50, 75, 90, 100]
}

/// The functions a budget covers: all criteria given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// A function's name or a `*`/`?` pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<String>,
    /// Tags the function must carry, each with this value; `*` and `?` allowed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// The period of a budget, in the policy's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From full hour to full hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
}

/// The most a guard may do for a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Record only.
    Observe,
    /// Tell people.
    #[default]
    Alert,
    /// Cap what is above the ordinary, never below the floor unless `below_floor` says so.
    Cap,
    /// Stop at the line all that the budget covers, ordinary or not: reserved concurrency 0, mappings disabled.
    Stop,
}

/// What gives way where money and floor collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BelowFloor {
    /// The money: legitimate traffic keeps its concurrency.
    #[default]
    KeepFloor,
    /// The traffic: all that the budget covers is stopped.
    Stop,
}

/// What happens to caps when a period ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtRollover {
    /// The ramp begins at once.
    #[default]
    Release,
    /// Caps stay until calm, as within a period.
    Hold,
}

impl Default for Tags {
    fn default() -> Self {
        Tags { mode: Mode::Alert, floor: 100 }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            schema: 1,
            armed: false,
            timezone: "UTC".to_owned(),
            free_tier: FreeTier::default(),
            timing: Timing::default(),
            protected: Vec::new(),
            floor: Floor::default(),
            tags: Tags::default(),
            release: Release::default(),
            alerts: Alerts::default(),
            limits: Limits::default(),
            companion: Vec::new(),
            budget: Vec::new(),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Timing { metric_lag_s: 180, tick_s: 60, actuation_s: 30, decay_half_life_min: 30 }
    }
}

impl Default for Floor {
    fn default() -> Self {
        Floor { headroom_percent: 150, minimum: 5 }
    }
}

impl Default for Release {
    fn default() -> Self {
        Release { cooldown_min: 30, calm_min: 10, flap_window_h: 24, reassert: true }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Alerts { realert_min: 240, runbook: "docs/runbook.md".to_owned() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            actions_per_tick: 20,
            keep_unreserved: None,
            no_room: NoRoom::default(),
            own_cost_usd_per_month: None,
        }
    }
}

impl Budget {
    /// A budget of so many dollars a month for everything, with all defaults.
    pub fn per_month(name: impl Into<String>, usd: Usd) -> Self {
        Budget {
            name: name.into(),
            scope: Scope::default(),
            period: Period::Month,
            usd: Some(usd),
            invocations: None,
            mode: Mode::default(),
            thresholds_percent: default_thresholds_percent(),
            slack: None,
            below_floor: BelowFloor::default(),
            allow_event_loss: false,
            at_rollover: AtRollover::default(),
            envelope: false,
            guarantee: false,
        }
    }
}

impl Default for Companion {
    fn default() -> Self {
        Companion {
            functions: "*".to_owned(),
            log_bytes: 0,
            front_door: FrontDoor::None,
            other_usd_per_million: Usd::ZERO,
            init_ms: default_init_ms(),
        }
    }
}

#[cfg(test)]
mod tests;
