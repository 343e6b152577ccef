//! What invokes a function of a template: SAM events, event source mappings and what stands behind them.

use guard_core::inventory::EventSourceMapping;
use serde_json::{Map, Value};

use super::resolve::{function, references};
use super::{Template, Way};
use crate::inventory_file::mapping::{Kind, SourceFacts, mapping, optional};
use crate::inventory_file::value::{At, range};
use crate::inventory_file::{Found, InventoryError};

/// What of a mapping must be known to be counted.
const SETTINGS: [&str; 9] = [
    "BatchSize",
    "Enabled",
    "ScalingConfig.MaximumConcurrency",
    "ProvisionedPollerConfig",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "ParallelizationFactor",
    "DestinationConfig",
    "State",
];

/// One way into a function, as a SAM event describes it.
pub(super) fn event(
    template: &Template<'_>,
    id: &str,
    event: &At<'_>,
    found: &mut Found,
) -> Result<Vec<Way>, InventoryError> {
    let kind = event.get("Type").ok_or_else(|| event.error("Type is missing"))?.text()?;
    let nothing = Value::Null;
    let empty = At { value: &nothing, ..event.clone() };
    let properties = event.get("Properties").unwrap_or(empty);
    let polled = |kind, source: &str, found: &mut Found| {
        poll(template, id, kind, &properties, properties.get(source), found)
    };
    // "EventSource", AWS SAM Developer Guide, read 2026-11.
    Ok(match kind.as_str() {
        "Api" | "HttpApi" | "AlexaSkill" | "Cognito" => vec![Way::Called],
        "SNS" if properties.get("SqsSubscription").is_some_and(|at| at.truth() != Ok(false)) => {
            found.warn(format_args!(
                "{}: {}.SqsSubscription: the queue that SAM makes has no dead-letter queue",
                event.file, properties.path
            ));
            polled(Kind::Queue, "", found)?
        }
        "S3" | "SNS" | "Schedule" | "ScheduleV2" | "CloudWatchEvent" | "EventBridgeRule"
        | "CloudWatchLogs" | "IoTRule" => vec![Way::Asynchronous],
        "SQS" => polled(Kind::Queue, "Queue", found)?,
        "Kinesis" => polled(Kind::Kinesis, "Stream", found)?,
        "DynamoDB" => polled(Kind::DynamoDb, "Stream", found)?,
        other => {
            found.warn(format_args!(
                "{}: {}: {other} is no source that is counted here; the function counts as called",
                event.file, event.path
            ));
            vec![Way::Called]
        }
    })
}

/// An `AWS::Lambda::EventSourceMapping`.
pub(super) fn resource(
    template: &Template<'_>,
    id: &str,
    properties: &At<'_>,
    found: &mut Found,
) -> Result<Vec<Way>, InventoryError> {
    let source = properties.get("EventSourceArn");
    let is_known = |kind: &&str| source.as_ref().is_some_and(|at| template.type_of(at.value) == Some(kind));
    let arn = source.as_ref().and_then(|at| written(at.value));
    let by_arn = arn.as_deref().and_then(Kind::of_arn);
    let kind = by_arn.or_else(|| {
        let types = [
            ("AWS::SQS::Queue", Kind::Queue),
            ("AWS::Kinesis::Stream", Kind::Kinesis),
            ("AWS::Kinesis::StreamConsumer", Kind::Kinesis),
            ("AWS::DynamoDB::Table", Kind::DynamoDb),
            ("AWS::DynamoDB::GlobalTable", Kind::DynamoDb),
        ];
        types.into_iter().find(|(name, _)| is_known(name)).map(|(_, kind)| kind)
    });
    match kind {
        Some(kind) => poll(template, id, kind, properties, source, found),
        None => {
            found.warn(format_args!(
                "{}: {}.EventSourceArn: neither a queue nor a stream that can be told from here; the function counts \
                 as called",
                properties.file, properties.path
            ));
            Ok(vec![Way::Called])
        }
    }
}

/// A text as far as it is written: of a substitution, the text before it is done.
fn written(value: &Value) -> Option<String> {
    let text = match function(value) {
        Some(("Fn::Sub", argument)) => argument.as_str().or_else(|| argument.get(0)?.as_str()),
        Some(_) => None,
        None => value.as_str(),
    };
    text.map(str::to_owned)
}

fn poll(
    template: &Template<'_>,
    id: &str,
    kind: Kind,
    properties: &At<'_>,
    source: Option<At<'_>>,
    found: &mut Found,
) -> Result<Vec<Way>, InventoryError> {
    let settled = template.settled(properties, &SETTINGS, found);
    let properties = At { value: &settled, ..properties.clone() };
    let place = source.as_ref().map_or(properties.path.clone(), |at| at.path.clone());
    let stands = source.as_ref().and_then(|at| template.referred(at.value));
    let mut facts = SourceFacts::default();
    let (mut is_queue_known, mut are_shards_known) = (source.is_none(), false);
    match (kind, stands) {
        (Kind::Queue, Some(queue)) => {
            is_queue_known = true;
            facts = queue_facts(template, &queue, found)?;
        }
        (Kind::Kinesis, Some(stream)) => (facts, are_shards_known) = stream_facts(template, &stream, found)?,
        _ => {}
    }
    let file = properties.file;
    if kind == Kind::Queue && !is_queue_known {
        found.warn(format_args!(
            "{file}: {place}: the queue is not in this template: its redrive policy is not known, none is assumed"
        ));
    }
    if kind != Kind::Queue && !are_shards_known {
        found.warn(format_args!(
            "{file}: {place}: the shards of the stream are not in this template: one is assumed, and they do not count \
             as a limit"
        ));
    }
    let mapped: EventSourceMapping = mapping(id, kind, &properties, facts)?;
    let mut ways = vec![Way::Polled(mapped)];
    if kind == Kind::Queue && !is_queue_known {
        ways.push(Way::DeadLetterUnknown);
    }
    if kind != Kind::Queue && !are_shards_known {
        ways.push(Way::Unlimited);
    }
    Ok(ways)
}

fn queue_facts(
    template: &Template<'_>,
    queue: &At<'_>,
    found: &mut Found,
) -> Result<SourceFacts, InventoryError> {
    let known = ["RedrivePolicy.maxReceiveCount", "MessageRetentionPeriod"];
    let asked = only(queue.value, &known);
    let settled = template.settled(&At { value: &asked, ..queue.clone() }, &known, found);
    let queue = At { value: &settled, ..queue.clone() };
    let defaults = SourceFacts::default();
    let retention = optional(&queue, "MessageRetentionPeriod", range::QUEUE_RETENTION_S)?;
    let receives = queue.dig(&["RedrivePolicy", "maxReceiveCount"]);
    // A queue with a dead-letter queue whose count is not known gets SQS's default, 10 ("SetQueueAttributes", Amazon
    // SQS API Reference, read 2026-11).
    let assumed = queue.get("RedrivePolicy").map(|_| 10);
    Ok(SourceFacts {
        max_receive_count: receives.map(|at| at.count(range::RECEIVES)).transpose()?.or(assumed),
        queue_retention_s: retention.unwrap_or(defaults.queue_retention_s),
        ..defaults
    })
}

/// The parts of a resource that are asked for: the rest may be large, and many may ask.
fn only(value: &Value, paths: &[&str]) -> Value {
    let keys = paths.iter().filter_map(|path| path.split('.').next());
    keys.filter_map(|key| Some((key.to_owned(), value.get(key)?.clone()))).collect::<Map<_, _>>().into()
}

/// What a stream says, and whether its shards are a fixed number.
fn stream_facts(
    template: &Template<'_>,
    stream: &At<'_>,
    found: &mut Found,
) -> Result<(SourceFacts, bool), InventoryError> {
    let known = ["ShardCount", "RetentionPeriodHours", "StreamModeDetails.StreamMode"];
    let asked = only(stream.value, &known);
    let settled = template.settled(&At { value: &asked, ..stream.clone() }, &known, found);
    let stream = At { value: &settled, ..stream.clone() };
    let shards = optional(&stream, "ShardCount", range::SHARDS)?;
    let hours = optional(&stream, "RetentionPeriodHours", range::STREAM_RETENTION_H)?.unwrap_or(24);
    let facts = SourceFacts {
        shards: shards.unwrap_or(1),
        stream_retention_s: hours.saturating_mul(3600),
        ..SourceFacts::default()
    };
    Ok((facts, shards.is_some()))
}

/// Which functions a resource invokes, and how.
pub(super) fn callers(kind: &str, properties: &At<'_>) -> Vec<(String, Way)> {
    /// Resources that name a function without invoking it.
    const SILENT: [&str; 9] = [
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::CloudWatch::",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::IAM::",
        "AWS::ApplicationAutoScaling::",
    ];
    /// Services that hand events over and do not wait ("Services that can invoke Lambda functions", AWS Lambda
    /// Developer Guide, read 2026-11).
    const EVENTS: [&str; 6] = [
        "AWS::S3::",
        "AWS::SNS::",
        "AWS::Events::",
        "AWS::Scheduler::",
        "AWS::Logs::SubscriptionFilter",
        "AWS::IoT::",
    ];
    const EVENT_PRINCIPALS: [&str; 7] = ["s3", "sns", "events", "scheduler", "logs", "iot", "ses"];
    if SILENT.iter().any(|silent| kind.starts_with(silent)) {
        return Vec::new();
    }
    let principal = properties.get("Principal").and_then(|at| at.text().ok()).unwrap_or_default();
    let service = principal.split('.').next().unwrap_or_default();
    let way = if kind == "AWS::Lambda::Permission" && EVENT_PRINCIPALS.contains(&service)
        || EVENTS.iter().any(|events| kind.starts_with(events))
    {
        Way::Asynchronous
    } else {
        Way::Called
    };
    references(properties.value).into_iter().map(|name| (name, way.clone())).collect()
}
