//! Event source mappings, which the Lambda API and templates spell alike, and the facts in a source's ARN.

use guard_core::inventory::{AsyncConfig, EventSource, EventSourceMapping};

use super::InventoryError;
use super::value::{At, range};

/// The source that a mapping polls, by its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Queue,
    Kinesis,
    DynamoDb,
}

impl Kind {
    /// By the service in the ARN; `None` for one that the inventory does not know, such as Kafka.
    pub(super) fn of_arn(arn: &str) -> Option<Kind> {
        match arn.split(':').nth(2)? {
            "sqs" => Some(Kind::Queue),
            "kinesis" => Some(Kind::Kinesis),
            "dynamodb" => Some(Kind::DynamoDb),
            _ => None,
        }
    }

    /// `BatchSize` where none is set ("CreateEventSourceMapping", AWS Lambda API Reference, read 2026-11).
    const fn batch_size(self) -> u32 {
        match self {
            Kind::Queue => 10,
            Kind::Kinesis | Kind::DynamoDb => 100,
        }
    }
}

/// The source's own settings, or else the defaults of AWS.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceFacts {
    pub(super) max_receive_count: Option<u32>,
    pub(super) queue_retention_s: u32,
    pub(super) shards: u32,
    pub(super) stream_retention_s: u32,
}

impl Default for SourceFacts {
    fn default() -> Self {
        SourceFacts {
            max_receive_count: None,
            queue_retention_s: 345_600,
            shards: 1,
            stream_retention_s: 86_400,
        }
    }
}

impl SourceFacts {
    /// Of two sources that it may be, what costs more.
    pub(super) fn or_dearer(self, other: SourceFacts) -> SourceFacts {
        let receives = self.max_receive_count.zip(other.max_receive_count);
        SourceFacts {
            max_receive_count: receives.map(|(one, other)| one.max(other)),
            queue_retention_s: self.queue_retention_s.max(other.queue_retention_s),
            shards: self.shards.max(other.shards),
            stream_retention_s: self.stream_retention_s.max(other.stream_retention_s),
        }
    }
}

/// A mapping out of its properties.
pub(super) fn mapping(
    id: &str,
    kind: Kind,
    properties: &At<'_>,
    facts: SourceFacts,
) -> Result<EventSourceMapping, InventoryError> {
    let batch_size = optional(properties, "BatchSize", range::BATCH)?;
    let source = match kind {
        Kind::Queue => {
            let scaling = properties.dig(&["ScalingConfig", "MaximumConcurrency"]);
            EventSource::Sqs {
                max_concurrency: scaling.map(|at| at.count(range::MAPPING_CONCURRENCY)).transpose()?,
                provisioned_pollers: properties.get("ProvisionedPollerConfig").is_some(),
                max_receive_count: facts.max_receive_count,
                retention_s: facts.queue_retention_s,
            }
        }
        Kind::Kinesis | Kind::DynamoDb => {
            let retries = properties.get("MaximumRetryAttempts");
            let retries = retries.map(|at| at.number(range::STREAM_RETRIES)).transpose()?;
            let bisect = properties.get("BisectBatchOnFunctionError").map(|at| at.truth()).transpose()?;
            EventSource::Stream {
                shards: facts.shards,
                parallelization: optional(properties, "ParallelizationFactor", range::PARALLELIZATION)?
                    .unwrap_or(1),
                max_retries: retries.and_then(|retries| u32::try_from(retries).ok()),
                bisect: bisect.unwrap_or(false),
                retention_s: facts.stream_retention_s,
                on_failure: has_on_failure(properties),
            }
        }
    };
    Ok(EventSourceMapping {
        id: id.into(),
        enabled: is_enabled(properties)?,
        batch_size: batch_size.unwrap_or(kind.batch_size()),
        source,
    })
}

/// `Enabled` in a template, `State` in the API: what is disabled, or being disabled, polls no more.
fn is_enabled(properties: &At<'_>) -> Result<bool, InventoryError> {
    if let Some(enabled) = properties.get("Enabled") {
        return enabled.truth();
    }
    let state = properties.get("State").map(|at| at.text()).transpose()?;
    Ok(!matches!(state.as_deref(), Some("Disabled" | "Disabling" | "Deleting")))
}

/// Whether an on-failure destination is named.
pub(super) fn has_on_failure(properties: &At<'_>) -> bool {
    properties.dig(&["DestinationConfig", "OnFailure"]).is_some_and(|at| {
        at.value.as_object().is_some_and(|target| target.values().any(|value| !value.is_null()))
    })
}

/// Asynchronous settings from their properties, on top of those already known.
pub(super) fn asynchronous(
    properties: &At<'_>,
    known: Option<AsyncConfig>,
) -> Result<AsyncConfig, InventoryError> {
    let mut config = known.unwrap_or_default();
    if let Some(retries) = optional(properties, "MaximumRetryAttempts", range::RETRIES)? {
        config.max_retries = u8::try_from(retries).unwrap_or(u8::MAX);
    }
    if let Some(age) = optional(properties, "MaximumEventAgeInSeconds", range::EVENT_AGE_S)? {
        config.max_event_age_s = age;
    }
    config.on_failure |= has_on_failure(properties);
    Ok(config)
}

/// A count behind a key, where there is one.
pub(super) fn optional(
    properties: &At<'_>,
    key: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, InventoryError> {
    properties.get(key).map(|at| at.count(range)).transpose()
}
