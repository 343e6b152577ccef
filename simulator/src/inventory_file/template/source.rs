//! What invokes a function of a template: SAM events, event source mappings and what stands behind them.

use guard_core::inventory::EventSourceMapping;
use serde_json::{Map, Value};

use super::Template;
use super::resolve::function;
use super::settings::{QUEUE, QUEUE_MAPPING, STREAM, STREAM_MAPPING, Setting};
use super::written::written;
use crate::inventory_file::mapping::{Kind, SourceFacts, mapping, optional};
use crate::inventory_file::value::{At, range};
use crate::inventory_file::{Found, InventoryError};

/// One way into a function.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Something waits for its answer.
    Called,
    /// Something hands over events.
    Asynchronous,
    /// Lambda polls a source for it.
    Polled(EventSourceMapping),
    /// Its source may have a dead-letter queue or not.
    DeadLetterUnknown,
    /// Its source has no limit that is known.
    Unlimited,
}

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
            let subscription = properties.get("SqsSubscription").unwrap_or(properties);
            through_queue(template, id, &subscription, found)?
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

/// A topic that writes to a queue: one that is named, or one that SAM makes ("SqsSubscriptionObject", AWS SAM Developer
/// Guide, read 2026-11).
fn through_queue(
    template: &Template<'_>,
    id: &str,
    subscription: &At<'_>,
    found: &mut Found,
) -> Result<Vec<Way>, InventoryError> {
    let queue = subscription.get("QueueArn").or_else(|| subscription.get("QueueUrl"));
    if queue.is_none() {
        found.warn(format_args!(
            "{}: {}: the queue that SAM makes has no dead-letter queue",
            subscription.file, subscription.path
        ));
    }
    poll(template, id, Kind::Queue, subscription, queue, found)
}

/// What polls a queue or a stream.
pub(super) fn poll(
    template: &Template<'_>,
    id: &str,
    kind: Kind,
    properties: &At<'_>,
    source: Option<At<'_>>,
    found: &mut Found,
) -> Result<Vec<Way>, InventoryError> {
    let settings = if kind == Kind::Queue { &QUEUE_MAPPING[..] } else { &STREAM_MAPPING[..] };
    let settled = template.settled(properties, settings, found);
    let properties = At { value: &settled, ..properties.clone() };
    let place = source.as_ref().map_or(properties.path.clone(), |at| at.path.clone());
    let named_by = if kind == Kind::Queue { "QueueName" } else { "Name" };
    let mut facts: Option<SourceFacts> = None;
    let (mut is_queue_known, mut are_shards_known) = (true, source.is_some());
    for one in source.iter().flat_map(|at| branches(at.value)) {
        let (more, is_known) = match (kind, template.source(one, named_by)) {
            (Kind::Queue, Some(queue)) => (queue_facts(template, &queue, found)?, true),
            (Kind::Kinesis, Some(stream)) => stream_facts(template, &stream, found)?,
            _ => (SourceFacts::default(), false),
        };
        is_queue_known &= is_known;
        are_shards_known &= is_known;
        facts = Some(facts.map_or(more, |facts| facts.or_dearer(more)));
    }
    is_queue_known &= facts.is_some() || source.is_none();
    are_shards_known &= facts.is_some();
    let facts = facts.unwrap_or_default();
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

/// The possible values: both branches of an unknown condition.
fn branches(value: &Value) -> Vec<&Value> {
    match function(value) {
        Some(("Fn::If", Value::Array(parts))) => {
            parts.iter().skip(1).filter(|part| !part.is_null()).flat_map(branches).collect()
        }
        _ => vec![value],
    }
}

fn queue_facts(
    template: &Template<'_>,
    queue: &At<'_>,
    found: &mut Found,
) -> Result<SourceFacts, InventoryError> {
    let asked = only(queue.value, &QUEUE);
    let settled = template.settled(&At { value: &asked, ..queue.clone() }, &QUEUE, found);
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
fn only(value: &Value, settings: &[Setting]) -> Value {
    let keys = settings.iter().map(Setting::key);
    keys.filter_map(|key| Some((key.to_owned(), value.get(key)?.clone()))).collect::<Map<_, _>>().into()
}

/// What a stream says, and whether its shards are a fixed number.
fn stream_facts(
    template: &Template<'_>,
    stream: &At<'_>,
    found: &mut Found,
) -> Result<(SourceFacts, bool), InventoryError> {
    let asked = only(stream.value, &STREAM);
    let settled = template.settled(&At { value: &asked, ..stream.clone() }, &STREAM, found);
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
