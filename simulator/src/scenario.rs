//! A scenario: an account, its traffic, what goes wrong, and the policy that guards it. A TOML file; unknown keys are
//! refused, and every range is checked before anything runs.

mod read;
mod traffic;
mod validate;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use guard_core::inventory::{
    AccountLimits, Architecture, AsyncConfig, EventSource, EventSourceMapping, Function,
};
use guard_core::name::MappingId;
use guard_core::policy::{FrontDoor, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use read::ScenarioError;
pub use traffic::{Client, Duration, Emission, Kind, Rate, Traffic, Via};

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
    pub duration_ms: Option<u64>,
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

/// A function as deployed, and how its code behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// Memory in MB, 128 to 10,240.
    #[serde(default = "default_memory_mb")]
    pub memory_mb: u32,
    /// Time-out in seconds, 1 to 900.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u32,
    /// `x86_64` or `arm64`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub architecture: Architecture,
    /// `/tmp` in MB, 512 to 10,240.
    #[serde(default = "default_ephemeral_mb")]
    pub ephemeral_mb: u32,
    /// Reserved concurrency at the start; without it the function shares the account's pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<u32>,
    /// Provisioned concurrency.
    #[serde(default)]
    pub provisioned: u32,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How long an invocation takes in a warm environment.
    #[serde(default)]
    pub duration: Duration,
    /// Billed INIT of a cold start in milliseconds, 0 to 10,000.
    #[serde(default = "default_init_ms")]
    pub init_ms: u32,
    /// Seconds after which an idle environment is taken away, 1 to 86,400. Not documented by AWS.
    #[serde(default = "default_idle_expiry_s")]
    pub idle_expiry_s: u32,
    /// Which idle environment answers next.
    #[serde(default)]
    pub reuse: Reuse,
    /// Whether AWS's recursive loop detection covers its loops.
    #[serde(default)]
    pub loop_detection: bool,
    /// Asynchronous invocation settings, where something invokes it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asynchronous: Option<AsyncSpec>,
    /// SQS queues it polls.
    #[serde(default, rename = "queue", skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueSpec>,
    /// Streams it polls.
    #[serde(default, rename = "stream", skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamSpec>,
    /// Bytes logged per invocation.
    #[serde(default)]
    pub log_bytes: u64,
    /// What stands in front of it.
    #[serde(default)]
    pub front_door: FrontDoor,
}

const fn default_memory_mb() -> u32 {
    512
}
const fn default_timeout_s() -> u32 {
    30
}
const fn default_ephemeral_mb() -> u32 {
    512
}
const fn default_init_ms() -> u32 {
    200
}
const fn default_idle_expiry_s() -> u32 {
    600
}

/// Which idle environment answers the next request. AWS documents neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// The one that became idle last.
    #[default]
    LastUsed,
    /// The one that was created last.
    LastCreated,
}

/// Asynchronous invocation settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AsyncSpec {
    /// Further attempts after a function error, 0 to 2.
    pub max_retries: u8,
    /// Age in seconds at which an event is given up, 60 to 21,600.
    pub max_event_age_s: u32,
    /// Whether something catches what is given up.
    pub on_failure: bool,
    /// Share of events delivered twice while the account is idle, 0 to 1.
    pub duplicates_at_rest: f64,
    /// Added share when the account's pool is all busy, in proportion, 0 to 1.
    pub duplicates_under_load: f64,
}

impl Default for AsyncSpec {
    fn default() -> Self {
        let config = AsyncConfig::default();
        AsyncSpec {
            max_retries: config.max_retries,
            max_event_age_s: config.max_event_age_s,
            on_failure: config.on_failure,
            // "Run, Lambda, Run" (SunGard, 2017): 0.02 % of events ran more than once.
            duplicates_at_rest: 0.0002,
            duplicates_under_load: 0.0,
        }
    }
}

/// An SQS queue with its event source mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueSpec {
    /// Its name, also the mapping's.
    pub name: String,
    /// Messages per invocation at most, 1 to 10,000.
    #[serde(default = "ten")]
    pub batch_size: u32,
    /// Visibility time-out in seconds, 1 to 43,200.
    #[serde(default = "default_visibility_s")]
    pub visibility_s: u32,
    /// `maxReceiveCount` of the redrive policy; without it there is no dead-letter queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_receive_count: Option<u32>,
    /// Seconds a message is kept, 60 to 1,209,600.
    #[serde(default = "default_queue_retention_s")]
    pub retention_s: u32,
    /// `MaximumConcurrency`, 2 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// Whether the function reports which messages of a batch failed.
    #[serde(default)]
    pub partial_batch: bool,
    /// Whether the mapping's opt-in event metrics are on.
    #[serde(default)]
    pub event_metrics: bool,
}

const fn ten() -> u32 {
    10
}
const fn default_visibility_s() -> u32 {
    180
}
/// Four days: the default of SQS.
const fn default_queue_retention_s() -> u32 {
    345_600
}

/// A Kinesis or DynamoDB stream with its event source mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// Its name, also the mapping's.
    pub name: String,
    /// Shards, 1 to 10,000.
    #[serde(default = "one_shard")]
    pub shards: u32,
    /// Batches in flight per shard, 1 to 10.
    #[serde(default = "one_shard")]
    pub parallelization: u32,
    /// Records per invocation at most, 1 to 10,000.
    #[serde(default = "hundred")]
    pub batch_size: u32,
    /// Further attempts at a failed batch; without it, until the records expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Whether a failing batch is halved.
    #[serde(default)]
    pub bisect: bool,
    /// Seconds a record is kept, 60 to 31,536,000.
    #[serde(default = "default_stream_retention_s")]
    pub retention_s: u32,
    /// Whether something catches what is given up.
    #[serde(default)]
    pub on_failure: bool,
    /// Whether the mapping's opt-in event metrics are on.
    #[serde(default)]
    pub event_metrics: bool,
}

const fn one_shard() -> u32 {
    1
}
const fn hundred() -> u32 {
    100
}
const fn default_stream_retention_s() -> u32 {
    86_400
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

impl FunctionSpec {
    /// A function with all defaults.
    pub fn named(name: &str) -> Self {
        FunctionSpec {
            name: name.to_owned(),
            memory_mb: default_memory_mb(),
            timeout_s: default_timeout_s(),
            architecture: Architecture::default(),
            ephemeral_mb: default_ephemeral_mb(),
            reserved: None,
            provisioned: 0,
            tags: BTreeMap::new(),
            duration: Duration::default(),
            init_ms: default_init_ms(),
            idle_expiry_s: default_idle_expiry_s(),
            reuse: Reuse::default(),
            loop_detection: false,
            asynchronous: None,
            queues: Vec::new(),
            streams: Vec::new(),
            log_bytes: 0,
            front_door: FrontDoor::default(),
        }
    }

    /// The function as `ListFunctions` and its companions show it.
    pub fn as_deployed(&self) -> Function {
        let queues = self.queues.iter().map(|queue| EventSourceMapping {
            id: MappingId::from(queue.name.as_str()),
            enabled: true,
            batch_size: queue.batch_size,
            source: EventSource::Sqs {
                max_concurrency: queue.max_concurrency,
                provisioned_pollers: false,
                max_receive_count: queue.max_receive_count,
                retention_s: queue.retention_s,
            },
        });
        let streams = self.streams.iter().map(|stream| EventSourceMapping {
            id: MappingId::from(stream.name.as_str()),
            enabled: true,
            batch_size: stream.batch_size,
            source: EventSource::Stream {
                shards: stream.shards,
                parallelization: stream.parallelization,
                max_retries: stream.max_retries,
                bisect: stream.bisect,
                retention_s: stream.retention_s,
                on_failure: stream.on_failure,
            },
        });
        let has_other_way_in =
            self.asynchronous.is_some() || !self.queues.is_empty() || !self.streams.is_empty();
        Function {
            architecture: self.architecture,
            ephemeral_mb: self.ephemeral_mb,
            reserved: self.reserved,
            provisioned: self.provisioned,
            tags: self.tags.clone(),
            synchronous: !has_other_way_in,
            asynchronous: self.asynchronous.map(|spec| AsyncConfig {
                max_retries: spec.max_retries,
                max_event_age_s: spec.max_event_age_s,
                on_failure: spec.on_failure,
            }),
            mappings: queues.chain(streams).collect(),
            ..Function::new(self.name.as_str(), self.memory_mb, self.timeout_s)
        }
    }
}
