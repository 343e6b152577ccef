//! From the SDK's types to the guard's. A value that AWS leaves out is its documented default, never zero; environment
//! variables and code, which some answers carry, are not read.

use std::collections::BTreeSet;

use aws_sdk_lambda::operation::get_account_settings::GetAccountSettingsOutput;
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::types::{
    Architecture as SdkArchitecture, DestinationConfig, EventSourceMappingConfiguration,
    FunctionConfiguration, ProvisionedConcurrencyConfigListItem, ProvisionedPollerConfig, ScalingConfig,
    SnapStartApplyOn,
};
use chrono::{DateTime, Utc};
use guard_core::extras::Extra;
use guard_core::inventory::{
    AccountLimits, Architecture, AsyncConfig, EventSource, EventSourceMapping, Function,
};
use guard_core::name::{FunctionName, MappingId};
use guard_core::plan::AsyncSetting;

/// The concurrency that AWS keeps unreserved: 100, and in smaller accounts all of it ("Configuring reserved
/// concurrency", Lambda Developer Guide, read 2026-11; refusals that name 10 and 50 come from accounts with those
/// limits).
pub(super) const UNRESERVED_MINIMUM: u32 = 100;

/// Memory and time-out of a function without its own values ("CreateFunction", Lambda API reference, read 2026-11).
const DEFAULT_MEMORY_MB: u32 = 128;
const DEFAULT_TIMEOUT_S: u32 = 3;

/// Shards of a stream, which Lambda does not report: as many as an account's ordinary limit has environments, so that
/// worst cases end at the account's limit and not at a guess.
const UNKNOWN_SHARDS: u32 = 1000;

/// The highest concurrency of an Amazon MQ mapping: 5 for ActiveMQ, 1 for RabbitMQ ("Using Lambda with Amazon MQ",
/// Lambda Developer Guide, read 2026-11). Its ARN does not show which it is.
const MQ_CONCURRENCY: u32 = 5;

/// Four days for SQS, 24 hours for streams: the services' defaults, because Lambda does not report them.
const SQS_RETENTION_S: u32 = 345_600;
const STREAM_RETENTION_S: u32 = 86_400;

/// The account, as far as concurrency goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) limits: AccountLimits,
    /// The concurrency that no function has reserved; `None` if AWS does not report it.
    pub(super) unreserved: Option<u32>,
    /// Functions in the region; `None` if AWS does not report them.
    pub(super) functions: Option<u64>,
}

/// Reads an account's settings; `None` if they contain no limit.
pub(super) fn account(settings: &GetAccountSettingsOutput) -> Option<Account> {
    let limit = settings.account_limit()?;
    let concurrency = count(limit.concurrent_executions()).filter(|limit| *limit > 0)?;
    let usage = settings.account_usage();
    Some(Account {
        limits: AccountLimits { concurrency, unreserved_minimum: UNRESERVED_MINIMUM.min(concurrency) },
        unreserved: limit.unreserved_concurrent_executions().and_then(count),
        functions: usage.and_then(|usage| u64::try_from(usage.function_count()).ok()),
    })
}

/// Reads a function's own configuration; the rest gets Lambda's defaults for unconfigured functions. Tags are read
/// elsewhere.
pub(super) fn function(config: &FunctionConfiguration) -> Option<Function> {
    let memory = config.memory_size().and_then(count).unwrap_or(DEFAULT_MEMORY_MB);
    let timeout = config.timeout().and_then(count).unwrap_or(DEFAULT_TIMEOUT_S);
    let mut function = Function::new(config.function_name()?, memory, timeout);
    function.tags_known = false;
    function.arn = config.function_arn().map(str::to_owned);
    function.architecture = match config.architectures().first() {
        Some(SdkArchitecture::Arm64) => Architecture::Arm64,
        _ => Architecture::X86_64,
    };
    if let Some(size) = config.ephemeral_storage().and_then(|storage| count(storage.size())) {
        function.ephemeral_mb = size;
    }
    function.last_modified = config.last_modified().and_then(timestamp);
    function.extras = extras(config);
    let on_failure = has_dead_letter(config);
    function.asynchronous = Some(AsyncConfig { on_failure, ..AsyncConfig::default() });
    Some(function)
}

/// What it uses of Lambda with a price of its own.
fn extras(config: &FunctionConfiguration) -> BTreeSet<Extra> {
    let applied = config.snap_start().and_then(|snap_start| snap_start.apply_on());
    let has_snapshots = applied == Some(&SnapStartApplyOn::PublishedVersions);
    let found = [
        has_snapshots.then_some(Extra::SnapStart),
        config.tenancy_config().map(|_| Extra::TenantIsolation),
        config.capacity_provider_config().map(|_| Extra::ManagedInstances),
        config.durable_config().map(|_| Extra::DurableExecution),
    ];
    found.into_iter().flatten().collect()
}

/// Whether discarded events go to a dead-letter queue or topic.
pub(super) fn has_dead_letter(config: &FunctionConfiguration) -> bool {
    config.dead_letter_config().and_then(|letters| letters.target_arn()).is_some_and(|arn| !arn.is_empty())
}

/// Reads asynchronous settings. A member that is absent is Lambda's default.
pub(super) fn asynchronous(settings: &GetFunctionEventInvokeConfigOutput) -> AsyncConfig {
    let default = AsyncConfig::default();
    let retries = settings.maximum_retry_attempts().and_then(|retries| u8::try_from(retries).ok());
    AsyncConfig {
        max_retries: retries.unwrap_or(default.max_retries),
        max_event_age_s: settings
            .maximum_event_age_in_seconds()
            .and_then(count)
            .unwrap_or(default.max_event_age_s),
        on_failure: catches(settings.destination_config()),
    }
}

/// The two values that the guard moves.
pub(super) fn async_setting(settings: &GetFunctionEventInvokeConfigOutput) -> AsyncSetting {
    asynchronous(settings).into()
}

/// Provisioned concurrency over all versions and aliases. The requested amount counts: AWS refuses to reserve less.
pub(super) fn provisioned(configs: &[ProvisionedConcurrencyConfigListItem]) -> u32 {
    let requested = |config: &ProvisionedConcurrencyConfigListItem| {
        config.requested_provisioned_concurrent_executions().and_then(count).unwrap_or(0)
    };
    configs.iter().map(requested).fold(0, u32::saturating_add)
}

/// The parts of a mapping that the guard reads, from a list or by its UUID.
pub(super) struct Mapping<'a> {
    pub(super) uuid: Option<&'a str>,
    pub(super) function_arn: Option<&'a str>,
    pub(super) source_arn: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    batch_size: Option<i32>,
    parallelization: Option<i32>,
    retries: Option<i32>,
    bisect: Option<bool>,
    scaling: Option<&'a ScalingConfig>,
    pollers: Option<&'a ProvisionedPollerConfig>,
    destinations: Option<&'a DestinationConfig>,
}

macro_rules! mapping_from {
    ($from:ty) => {
        impl<'a> From<&'a $from> for Mapping<'a> {
            fn from(found: &'a $from) -> Self {
                Mapping {
                    uuid: found.uuid(),
                    function_arn: found.function_arn(),
                    source_arn: found.event_source_arn(),
                    state: found.state(),
                    batch_size: found.batch_size(),
                    parallelization: found.parallelization_factor(),
                    retries: found.maximum_retry_attempts(),
                    bisect: found.bisect_batch_on_function_error(),
                    scaling: found.scaling_config(),
                    pollers: found.provisioned_poller_config(),
                    destinations: found.destination_config(),
                }
            }
        }
    };
}
mapping_from!(EventSourceMappingConfiguration);
mapping_from!(GetEventSourceMappingOutput);

impl Mapping<'_> {
    /// The function that it invokes.
    pub(super) fn function(&self) -> Option<FunctionName> {
        self.function_arn.and_then(function_of)
    }

    /// Whether it polls, or is about to. `None` while another change hides it.
    pub(super) fn enabled(&self) -> Option<bool> {
        match self.state? {
            "Enabled" | "Enabling" | "Creating" => Some(true),
            "Disabled" | "Disabling" | "Deleting" => Some(false),
            _ => None,
        }
    }

    /// `MaximumConcurrency`, if set.
    pub(super) fn max_concurrency(&self) -> Option<u32> {
        self.scaling.and_then(|scaling| scaling.maximum_concurrency()).and_then(count)
    }

    /// The mapping in the guard's form; `known` is its earlier value.
    pub(super) fn mapping(&self, known: Option<&EventSourceMapping>) -> Option<EventSourceMapping> {
        let known_enabled = known.is_none_or(|known| known.enabled);
        Some(EventSourceMapping {
            id: MappingId::new(self.uuid?),
            enabled: self.enabled().unwrap_or(known_enabled),
            batch_size: self.batch_size.and_then(count).unwrap_or(1).max(1),
            source: self.source(),
        })
    }

    /// The source that is polled. Kafka and DocumentDB are read like streams, whose batches are tried until they
    /// succeed; queues of Amazon MQ too, with their own concurrency.
    fn source(&self) -> EventSource {
        let service = self.source_arn.and_then(|arn| arn.split(':').nth(2));
        if service == Some("sqs") {
            return EventSource::Sqs {
                max_concurrency: self.max_concurrency(),
                provisioned_pollers: self.pollers.is_some(),
                // Only SQS knows; without a known dead-letter queue the guard never lets messages expire.
                max_receive_count: None,
                retention_s: SQS_RETENTION_S,
            };
        }
        EventSource::Stream {
            shards: if service == Some("mq") { MQ_CONCURRENCY } else { UNKNOWN_SHARDS },
            parallelization: self.parallelization.and_then(count).unwrap_or(1).max(1),
            max_retries: self.retries.and_then(count),
            bisect: self.bisect.unwrap_or(false),
            retention_s: STREAM_RETENTION_S,
            on_failure: catches(self.destinations),
        }
    }
}

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with or without a version or alias behind.
fn function_of(arn: &str) -> Option<FunctionName> {
    let name = arn.split(':').nth(6).filter(|name| !name.is_empty())?;
    Some(FunctionName::new(name))
}

/// Whether an ARN of a function names a published version or an alias.
pub(super) fn is_qualified(arn: &str) -> bool {
    arn.split(':').nth(7).is_some_and(|qualifier| qualifier != "$LATEST")
}

fn catches(destinations: Option<&DestinationConfig>) -> bool {
    let on_failure = destinations.and_then(|destinations| destinations.on_failure());
    on_failure.and_then(|to| to.destination()).is_some_and(|arn| !arn.is_empty())
}

/// `2026-11-02T03:04:05.678+0000`.
fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    let read = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z");
    read.or_else(|_| DateTime::parse_from_rfc3339(text)).ok().map(|at| at.with_timezone(&Utc))
}

/// A count that is not negative.
pub(super) fn count(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests;
