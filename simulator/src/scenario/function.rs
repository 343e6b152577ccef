//! A function of a scenario as deployed, its event sources, and how its code behaves.

use std::collections::BTreeMap;

use guard_core::inventory::{Architecture, AsyncConfig, EventSource, EventSourceMapping, Function};
use guard_core::name::MappingId;
use guard_core::policy::FrontDoor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::traffic::Duration;

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

    /// The function as the guard's survey reads it off `ListFunctions` and its companions. Lambda tells neither redrive
    /// policy nor retention of a queue, nor shards or retention of a stream.
    pub fn as_deployed(&self) -> Function {
        let queues = self.queues.iter().map(|queue| EventSourceMapping {
            id: MappingId::from(queue.name.as_str()),
            enabled: true,
            batch_size: queue.batch_size,
            source: EventSource::Sqs {
                max_concurrency: queue.max_concurrency,
                provisioned_pollers: false,
                max_receive_count: None,
                retention_s: SQS_RETENTION_S,
            },
        });
        let streams = self.streams.iter().map(|stream| EventSourceMapping {
            id: MappingId::from(stream.name.as_str()),
            enabled: true,
            batch_size: stream.batch_size,
            source: EventSource::Stream {
                shards: UNKNOWN_SHARDS,
                parallelization: stream.parallelization,
                max_retries: stream.max_retries,
                bisect: stream.bisect,
                retention_s: STREAM_RETENTION_S,
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

/// What the survey takes for what Lambda does not tell (`guard-fn/src/aws/lambda/translate.rs`).
const UNKNOWN_SHARDS: u32 = 1000;
const SQS_RETENTION_S: u32 = 345_600;
const STREAM_RETENTION_S: u32 = 86_400;

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
