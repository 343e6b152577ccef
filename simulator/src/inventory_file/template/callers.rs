//! Facts about a template's functions in its other resources: mappings, settings, and callers.

use serde_json::Value;

use super::draft::provisioned;
use super::source::Way;
use super::written::written;
use super::{Drafts, Template, settings, source};
use crate::inventory_file::mapping::{Kind, asynchronous};
use crate::inventory_file::value::At;
use crate::inventory_file::{Found, InventoryError};

/// Resources that name a function without invoking it.
const SILENT: [&str; 10] = [
    "AWS::Lambda::Version",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Serverless::Connector",
    "AWS::CloudWatch::",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::IAM::",
    "AWS::ApplicationAutoScaling::",
];

/// Services that hand events over and do not wait ("Services that can invoke Lambda functions", AWS Lambda Developer
/// Guide, read 2026-11).
const EVENTS: [&str; 6] = [
    "AWS::S3::",
    "AWS::SNS::",
    "AWS::Events::",
    "AWS::Scheduler::",
    "AWS::Logs::SubscriptionFilter",
    "AWS::IoT::",
];

/// The same as principals of a permission.
const EVENT_PRINCIPALS: [&str; 7] = ["s3", "sns", "events", "scheduler", "logs", "iot", "ses"];

/// Adds to the functions what a resource says about them.
pub(super) fn attach(
    template: &Template<'_>,
    id: &str,
    drafts: &mut Drafts,
    found: &mut Found,
) -> Result<(), InventoryError> {
    let (Some(resource), Some(properties)) = (template.resources.get(id), template.properties(id)) else {
        return Ok(());
    };
    let named = properties.get("FunctionName").and_then(|at| template.function_named(at.value, drafts));
    match resource.kind.as_str() {
        "AWS::Lambda::EventSourceMapping" => {
            let ways = source::resource(template, id, &properties, found)?;
            match named.and_then(|name| Some((template.is_certain(id, &name), drafts.get_mut(&name)?))) {
                Some((is_certain, draft)) => draft.extend(ways, is_certain),
                None => found.warn(format_args!(
                    "{}: {}.FunctionName: no function of this template: left out",
                    template.file, properties.path
                )),
            }
        }
        "AWS::Lambda::EventInvokeConfig" => {
            if let Some(function) = named
                && let Some(draft) = drafts.get_mut(&function)
            {
                let settled = template.settled(&properties, &settings::FUNCTION, found);
                let config = asynchronous(&At { value: &settled, ..properties }, None)?;
                draft.configure(config, template.is_certain(id, &function));
            }
        }
        "AWS::Lambda::Alias" | "AWS::Lambda::Version" => {
            if let Some(draft) = named.and_then(|name| drafts.get_mut(&name)) {
                let settled = template.settled(&properties, &settings::FUNCTION, found);
                let more = provisioned(&At { value: &settled, ..properties })?;
                draft.function.provisioned = draft.function.provisioned.saturating_add(more);
            }
        }
        kind => {
            let Some(way) = way(kind, &properties) else { return Ok(()) };
            let mut called = template.functions_in(properties.value, drafts);
            // These may name it by its name alone.
            if kind.starts_with("AWS::Lambda::") {
                called.extend(named);
                let target = properties.get("TargetFunctionArn");
                called.extend(target.and_then(|at| template.function_named(at.value, drafts)));
            }
            for function in called {
                // A function's reference to itself is not a call.
                if let Some(draft) = drafts.get_mut(&function).filter(|_| function != id) {
                    draft.extend([way.clone()], template.is_certain(id, &function));
                }
            }
        }
    }
    Ok(())
}

/// How a resource of a type invokes the functions that it names; `None` where it does not.
fn way(kind: &str, properties: &At<'_>) -> Option<Way> {
    if SILENT.iter().any(|silent| kind.starts_with(silent)) {
        return None;
    }
    let principal = properties.get("Principal").and_then(|at| written(at.value)).unwrap_or_default();
    let service = principal.split('.').next().unwrap_or_default();
    let hands_over = kind == "AWS::Lambda::Permission" && EVENT_PRINCIPALS.contains(&service)
        || EVENTS.iter().any(|events| kind.starts_with(events));
    Some(if hands_over { Way::Asynchronous } else { Way::Called })
}

/// Adds what SAM's connectors of a resource lead to ("AWS::Serverless::Connector", AWS SAM Developer Guide, read 2026-11):
/// those within it, or itself.
pub(super) fn connect(
    template: &Template<'_>,
    id: &str,
    drafts: &mut Drafts,
    found: &mut Found,
) -> Result<(), InventoryError> {
    let (Some(resource), Some(properties)) = (template.resources.get(id), template.properties(id)) else {
        return Ok(());
    };
    if resource.kind == "AWS::Serverless::Connector" {
        let Some(source) = properties.get("Source") else { return Ok(()) };
        return connector(template, (id, ""), &source, &properties, (drafts, found));
    }
    let connectors =
        At { file: template.file, path: format!("Resources.{id}.Connectors"), value: &resource.connectors };
    let here = Value::from_iter([("Id", id)]);
    for name in connectors.value.as_object().into_iter().flat_map(|map| map.keys()) {
        if let Some(properties) = connectors.dig(&[name, "Properties"]) {
            let source = At { value: &here, ..properties.clone() };
            connector(template, (id, name), &source, &properties, (drafts, found))?;
        }
    }
    Ok(())
}

/// Adds the target of a connector: a resource, or one within a resource.
fn connector(
    template: &Template<'_>,
    (resource, name): (&str, &str),
    source: &At<'_>,
    properties: &At<'_>,
    (drafts, found): (&mut Drafts, &mut Found),
) -> Result<(), InventoryError> {
    let Some(destinations) = properties.get("Destination") else { return Ok(()) };
    let id = format!("{resource}{name}");
    let end = source.get("Id").and_then(|at| at.text().ok());
    let kind = end.as_ref().and_then(|id| template.resources.get(id)).map(|resource| resource.kind.clone());
    let kind = kind.or_else(|| source.get("Type")?.text().ok()).unwrap_or_default();
    let reference = end.as_ref().map(|id| Value::from_iter([("Ref", id.as_str())]));
    let reference = reference.or_else(|| source.get("Arn").map(|at| at.value.clone()));
    for destination in destinations.list() {
        let by_id = destination.get("Id").and_then(|at| template.function_of(&at.text().ok()?, drafts));
        let by_arn = || template.function_named(destination.get("Arn")?.value, drafts);
        let Some(function) = by_id.or_else(by_arn) else { continue };
        let is_certain = template.is_certain(resource, &function);
        let Some(draft) = drafts.get_mut(&function) else { continue };
        let polled = match kind.as_str() {
            "AWS::SQS::Queue" => Some(Kind::Queue),
            "AWS::Kinesis::Stream" => Some(Kind::Kinesis),
            "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => Some(Kind::DynamoDb),
            _ => None,
        };
        match polled {
            // The permission for a mapping that stands elsewhere.
            Some(_) if draft.is_polled() => {}
            Some(polled) => {
                let at = At { value: reference.as_ref().unwrap_or(&Value::Null), ..source.clone() };
                let nothing = At { value: &Value::Null, ..properties.clone() };
                let ways = source::poll(template, &id, polled, &nothing, Some(at), found)?;
                draft.extend(ways, is_certain);
            }
            None => draft.extend(way(&kind, &destination), is_certain),
        }
    }
    Ok(())
}
