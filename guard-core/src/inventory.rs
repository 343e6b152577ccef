//! The inventory: functions, their limits and event sources, and the account they share. A snapshot read by the shell.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::extras::{Extra, Uncounted};
use crate::name::{FunctionName, MappingId, Region};

/// Instruction set of a function. Prices and volume tiers differ by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// x86-64, the default of Lambda.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit Arm (Graviton).
    Arm64,
}

/// All that the guard knows about one account and region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The region, which decides the prices.
    pub region: Region,
    /// The limits the functions share.
    pub account: AccountLimits,
    /// The functions, sorted by name without repetition: see [`Inventory::new`].
    pub functions: Vec<Function>,
}

/// Concurrency kept without reservation where the policy says nothing: as much as AWS keeps in most accounts.
const KEPT_UNRESERVED: u32 = 100;

/// The concurrency limits of an account in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLimits {
    /// Concurrent executions of the whole account and region; 1,000 by default, 10 in new accounts.
    pub concurrency: u32,
    /// The concurrency that AWS keeps unreserved: 100; 10 to 50 has been seen in small accounts.
    pub unreserved_minimum: u32,
}

impl AccountLimits {
    /// The concurrency that stays unreserved: what the policy says or, if it says nothing, 100 and at most half of the
    /// limit; and at least AWS's minimum.
    pub fn kept_unreserved(&self, by_policy: Option<u32>) -> u32 {
        by_policy.unwrap_or(KEPT_UNRESERVED.min(self.concurrency / 2)).max(self.unreserved_minimum)
    }
}

impl Default for AccountLimits {
    fn default() -> Self {
        AccountLimits { concurrency: 1000, unreserved_minimum: 100 }
    }
}

/// One Lambda function as configured now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// Its ARN, if known: protection by ARN compares with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Memory in MB, 128 to 10,240.
    pub memory_mb: u32,
    /// Time-out in seconds, 1 to 900.
    pub timeout_s: u32,
    /// Instruction set.
    #[serde(default)]
    pub architecture: Architecture,
    /// `/tmp` in MB, 512 to 10,240; the first 512 are free.
    #[serde(default = "default_ephemeral_mb")]
    pub ephemeral_mb: u32,
    /// Reserved concurrency in force: `None` is *unset*, `Some(0)` stops the function. Zero is a number.
    #[serde(default)]
    pub reserved: Option<u32>,
    /// Provisioned concurrency allocated over all versions and aliases.
    #[serde(default)]
    pub provisioned: u32,
    /// Tags of the function.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether its tags have been read. Until then it may be protected, and no action is taken against it.
    #[serde(default = "default_true", skip_serializing_if = "is_true")]
    pub tags_known: bool,
    /// Whether it may be invoked synchronously (API, Function URL, SDK). `true` unless known otherwise.
    #[serde(default = "default_true")]
    pub synchronous: bool,
    /// How it is invoked asynchronously, if anything does (S3, SNS, EventBridge, `Event` invocations).
    #[serde(default)]
    pub asynchronous: Option<AsyncConfig>,
    /// Its event source mappings.
    #[serde(default)]
    pub mappings: Vec<EventSourceMapping>,
    /// When its configuration last changed: names the deploy that undid a cap.
    #[serde(default)]
    pub last_modified: Option<DateTime<Utc>>,
    /// The parts of Lambda with a price of their own that it uses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub extras: BTreeSet<Extra>,
}

const fn default_ephemeral_mb() -> u32 {
    512
}
const fn default_true() -> bool {
    true
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_true(value: &bool) -> bool {
    *value
}

/// Asynchronous invocation settings (`FunctionEventInvokeConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsyncConfig {
    /// Further attempts after a function error, 0 to 2. Default 2.
    pub max_retries: u8,
    /// Age in seconds at which an event is given up, 60 to 21,600. Default 21,600.
    pub max_event_age_s: u32,
    /// Whether a dead-letter queue or an on-failure destination catches discarded events.
    pub on_failure: bool,
}

impl Default for AsyncConfig {
    /// Lambda's defaults.
    fn default() -> Self {
        AsyncConfig { max_retries: 2, max_event_age_s: 21_600, on_failure: false }
    }
}

/// An event source mapping: a queue or stream that Lambda polls for the function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSourceMapping {
    /// Its UUID.
    pub id: MappingId,
    /// Whether it polls now.
    #[serde(default = "default_true")]
    pub enabled: bool,
    /// Events per invocation at most.
    #[serde(default = "default_batch_size")]
    pub batch_size: u32,
    /// The source that it polls.
    pub source: EventSource,
}

const fn default_batch_size() -> u32 {
    10
}

/// The source that an event source mapping polls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventSource {
    /// An SQS queue.
    Sqs {
        /// `MaximumConcurrency` of the mapping, 2 to 1,000, if set.
        #[serde(default)]
        max_concurrency: Option<u32>,
        /// Whether the mapping has provisioned pollers, which exclude `MaximumConcurrency`.
        #[serde(default)]
        provisioned_pollers: bool,
        /// `maxReceiveCount` of the redrive policy; `None` if the queue has no dead-letter queue.
        #[serde(default)]
        max_receive_count: Option<u32>,
        /// Seconds a message stays in the queue.
        #[serde(default = "default_sqs_retention_s")]
        retention_s: u32,
    },
    /// A Kinesis or DynamoDB stream.
    Stream {
        /// Shards of the stream.
        #[serde(default = "default_one")]
        shards: u32,
        /// Batches in flight per shard, 1 to 10.
        #[serde(default = "default_one")]
        parallelization: u32,
        /// Further attempts at a failed batch; `None` is "until the record expires" (−1 in the API).
        #[serde(default)]
        max_retries: Option<u32>,
        /// Whether a failing batch is halved, which adds invocations.
        #[serde(default)]
        bisect: bool,
        /// Seconds a record stays in the stream: 24 h for DynamoDB.
        #[serde(default = "default_stream_retention_s")]
        retention_s: u32,
        /// Whether an on-failure destination catches discarded records.
        #[serde(default)]
        on_failure: bool,
    },
}

const fn default_one() -> u32 {
    1
}
/// Four days: the default of SQS.
const fn default_sqs_retention_s() -> u32 {
    345_600
}
/// 24 hours: DynamoDB always, Kinesis by default.
const fn default_stream_retention_s() -> u32 {
    86_400
}

impl Inventory {
    /// Sorts the functions by name and drops repetitions, which `ListFunctions` can return while pages shift.
    pub fn new(region: impl Into<Region>, account: AccountLimits, mut functions: Vec<Function>) -> Self {
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        functions.dedup_by(|a, b| a.name == b.name);
        Inventory { region: region.into(), account, functions }
    }

    /// The function of that name.
    pub fn function(&self, name: &FunctionName) -> Option<&Function> {
        let index = self.functions.binary_search_by(|function| function.name.cmp(name)).ok()?;
        self.functions.get(index)
    }

    /// Concurrency reserved by all functions together.
    pub fn reserved_total(&self) -> u32 {
        self.functions.iter().filter_map(|function| function.reserved).fold(0, u32::saturating_add)
    }
}

impl Function {
    /// A function with AWS's defaults, invoked synchronously: the start of examples and tests.
    pub fn new(name: impl Into<FunctionName>, memory_mb: u32, timeout_s: u32) -> Self {
        Function {
            name: name.into(),
            arn: None,
            memory_mb,
            timeout_s,
            architecture: Architecture::default(),
            ephemeral_mb: default_ephemeral_mb(),
            reserved: None,
            provisioned: 0,
            tags: BTreeMap::new(),
            tags_known: true,
            synchronous: true,
            asynchronous: None,
            mappings: Vec::new(),
            last_modified: None,
            extras: BTreeSet::new(),
        }
    }

    /// What it uses that is billed and not counted. Pollers are known by the mapping that keeps them, as long as it polls.
    pub fn uncounted(&self) -> impl Iterator<Item = Extra> + '_ {
        let has_pollers = |mapping: &EventSourceMapping| {
            mapping.enabled && matches!(mapping.source, EventSource::Sqs { provisioned_pollers: true, .. })
        };
        let polled = self.mappings.iter().any(has_pollers).then_some(Extra::ProvisionedPollers);
        self.extras.iter().copied().filter(|extra| extra.uncounted().is_some()).chain(polled)
    }

    /// Whether some event source would lose events for good if they were not processed in time.
    pub fn can_lose_events(&self) -> bool {
        self.asynchronous.is_some_and(|config| !config.on_failure)
            || self.mappings.iter().any(|mapping| !mapping.has_dead_letter())
    }
}

/// What functions use that is billed and not counted.
pub fn uncounted_of<'a>(functions: impl IntoIterator<Item = &'a Function>) -> Uncounted {
    let mut found = Uncounted::new();
    for function in functions {
        for extra in function.uncounted() {
            found.entry(extra).or_default().insert(function.name.clone());
        }
    }
    found
}

impl EventSourceMapping {
    /// Whether events that this mapping gives up are kept elsewhere.
    pub fn has_dead_letter(&self) -> bool {
        match self.source {
            EventSource::Sqs { max_receive_count, .. } => max_receive_count.is_some(),
            EventSource::Stream { on_failure, .. } => on_failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_counted_is_known_by_the_function_and_by_mappings_that_poll() {
        let with = |extras: &[Extra]| Function {
            extras: extras.iter().copied().collect(),
            ..Function::new("orders", 128, 3)
        };
        let of = |function: &Function| function.uncounted().collect::<Vec<_>>();
        assert_eq!(of(&with(&[Extra::TenantIsolation])), [], "all of it is counted");
        let mut polled = with(&[Extra::SnapStart]);
        let source = EventSource::Sqs {
            max_concurrency: None,
            provisioned_pollers: true,
            max_receive_count: None,
            retention_s: 345_600,
        };
        let id = MappingId::new("11111111-2222-3333-4444-555555555555");
        polled.mappings.push(EventSourceMapping { id, enabled: true, batch_size: 10, source });
        assert_eq!(of(&polled), [Extra::SnapStart, Extra::ProvisionedPollers]);
        let name = FunctionName::new("orders");
        let both: Uncounted =
            [Extra::SnapStart, Extra::ProvisionedPollers].map(|extra| (extra, [name.clone()].into())).into();
        assert_eq!(uncounted_of([&polled, &Function::new("plain", 128, 3)]), both);
        polled.mappings[0].enabled = false;
        assert_eq!(of(&polled), [Extra::SnapStart]);
    }

    #[test]
    fn that_nobody_has_read_the_tags_is_written_down_and_read_again() {
        let known = Function::new("f", 128, 3);
        let unread = Function { tags_known: false, ..known.clone() };
        for (function, is_written) in [(known, false), (unread, true)] {
            let json = serde_json::to_string(&function).unwrap();
            assert_eq!(json.contains("tags_known"), is_written, "{json}");
            assert_eq!(serde_json::from_str::<Function>(&json).unwrap(), function);
        }
    }
}
