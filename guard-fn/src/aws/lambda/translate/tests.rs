//! Translation of what AWS says, and of what it leaves out.

use aws_sdk_lambda::types::{
    AccountLimit, AccountUsage, Architecture as SdkArchitecture, CapacityProviderConfig, DeadLetterConfig,
    DurableConfig, EphemeralStorage, OnFailure, SnapStartResponse, TenancyConfig, TenantIsolationMode,
};

use super::*;

#[test]
fn a_function_is_read_with_its_size_and_the_time_of_its_last_change() {
    let config = FunctionConfiguration::builder()
        .function_name("f")
        .function_arn("arn:aws:lambda:eu-central-1:123456789012:function:f")
        .memory_size(512)
        .timeout(30)
        .architectures(SdkArchitecture::Arm64)
        .ephemeral_storage(EphemeralStorage::builder().size(1024).build().unwrap())
        .last_modified("2026-11-01T02:03:04.567+0000")
        .dead_letter_config(DeadLetterConfig::builder().target_arn("arn:aws:sqs:r:a:dlq").build())
        .build();
    let read = function(&config).unwrap();
    assert_eq!((read.memory_mb, read.timeout_s, read.ephemeral_mb), (512, 30, 1024));
    assert_eq!(read.architecture, Architecture::Arm64);
    assert_eq!(read.last_modified.unwrap().to_rfc3339(), "2026-11-01T02:03:04.567+00:00");
    assert!(read.asynchronous.unwrap().on_failure);
}

#[test]
fn parts_of_lambda_with_prices_of_their_own_are_read_and_a_snapshot_that_is_off_is_none() {
    let of = |apply_on: &str| {
        let snapshots = SnapStartResponse::builder().apply_on(apply_on.into()).build();
        FunctionConfiguration::builder().function_name("f").snap_start(snapshots)
    };
    let tenants =
        TenancyConfig::builder().tenant_isolation_mode(TenantIsolationMode::PerTenant).build().unwrap();
    let all = of("PublishedVersions")
        .tenancy_config(tenants)
        .capacity_provider_config(CapacityProviderConfig::builder().build())
        .durable_config(DurableConfig::builder().build());
    let extras = |config: &FunctionConfiguration| function(config).unwrap().extras;
    let every = [Extra::SnapStart, Extra::TenantIsolation, Extra::ManagedInstances, Extra::DurableExecution];
    assert_eq!(extras(&all.build()), every.into());
    assert_eq!(extras(&of("None").build()), BTreeSet::new());
}

#[test]
fn what_is_left_out_is_the_documented_default_and_never_zero() {
    let read = function(&FunctionConfiguration::builder().function_name("f").build()).unwrap();
    assert_eq!((read.memory_mb, read.timeout_s, read.ephemeral_mb), (128, 3, 512));
    assert_eq!(read.asynchronous, Some(AsyncConfig::default()));
    assert_eq!(read.last_modified, None);
    let settings = GetFunctionEventInvokeConfigOutput::builder().maximum_retry_attempts(0).build();
    assert_eq!(asynchronous(&settings), AsyncConfig { max_retries: 0, ..AsyncConfig::default() });
    assert_eq!(function(&FunctionConfiguration::builder().build()), None);
}

#[test]
fn a_small_account_keeps_all_it_has_and_one_without_a_limit_is_not_read() {
    let of = |limit| {
        let limits = AccountLimit::builder().concurrent_executions(limit).build();
        let usage = AccountUsage::builder().function_count(3).build();
        account(&GetAccountSettingsOutput::builder().account_limit(limits).account_usage(usage).build())
    };
    assert_eq!(of(10).unwrap().limits, AccountLimits { concurrency: 10, unreserved_minimum: 10 });
    assert_eq!(of(1000).unwrap().limits, AccountLimits { concurrency: 1000, unreserved_minimum: 100 });
    assert_eq!(of(1000).unwrap().functions, Some(3));
    assert_eq!(of(0), None);
}

fn stream(retries: i32, arn: &str) -> EventSource {
    let destination = OnFailure::builder().destination("arn:aws:sqs:r:a:dlq").build();
    let found = EventSourceMappingConfiguration::builder()
        .uuid("m")
        .event_source_arn(arn)
        .maximum_retry_attempts(retries)
        .parallelization_factor(10)
        .bisect_batch_on_function_error(true)
        .destination_config(DestinationConfig::builder().on_failure(destination).build())
        .build();
    Mapping::from(&found).mapping(None).unwrap().source
}

#[test]
fn a_stream_without_a_limit_of_retries_tries_until_the_record_expires() {
    let EventSource::Stream { shards, parallelization, max_retries, bisect, on_failure, .. } =
        stream(-1, "arn:aws:kinesis:r:a:stream/s")
    else {
        panic!("a stream");
    };
    assert_eq!((shards, parallelization, max_retries, bisect, on_failure), (1000, 10, None, true, true));
    let EventSource::Stream { shards, max_retries, .. } = stream(4, "arn:aws:mq:r:a:broker:b") else {
        panic!("read like a stream");
    };
    assert_eq!((shards, max_retries), (5, Some(4)));
}

#[test]
fn a_mapping_under_change_polls_as_it_did() {
    let of = |state: &str, known: Option<bool>| {
        let found = EventSourceMappingConfiguration::builder()
            .uuid("m")
            .state(state)
            .event_source_arn("arn:aws:sqs:r:a:q")
            .build();
        let before = Mapping::from(&found).mapping(None).unwrap();
        let known = known.map(|enabled| EventSourceMapping { enabled, ..before });
        Mapping::from(&found).mapping(known.as_ref()).unwrap().enabled
    };
    assert!(of("Enabled", Some(false)) && of("Enabling", Some(false)));
    assert!(!of("Disabled", Some(true)) && !of("Disabling", Some(true)));
    assert!(of("Updating", None) && of("Updating", Some(true)) && !of("Updating", Some(false)));
}

#[test]
fn a_mapping_of_an_alias_belongs_to_the_function() {
    let name = |arn: &str| function_of(arn).map(|name| name.to_string());
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:f";
    assert_eq!(name(arn).as_deref(), Some("f"));
    let live = format!("{arn}:live");
    assert_eq!(name(&live).as_deref(), Some("f"));
    assert_eq!(name("arn:aws:lambda"), None);
}
