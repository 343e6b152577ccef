//! CloudWatch alarms, in the three shapes CloudWatch gives them, and the functions they name.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use guard_core::name::FunctionName;
use serde_json::{Map, Value};

use super::age::Stamp;
use super::command::is_function_name;
use super::{Hint, Limits, Source, Unrecognised, error, text};

const WHAT: &str = "CloudWatch alarm";

/// The states of an alarm (CloudWatch API Reference, `StateValue`, read 2026-11).
const STATES: [&str; 3] = ["OK", "ALARM", "INSUFFICIENT_DATA"];

/// The keys of one shape.
struct Shape {
    name: &'static [&'static str],
    state: &'static [&'static str],
    time: &'static [&'static str],
    /// The place of the metrics, each under `metricStat.metric`.
    metrics: &'static [&'static str],
    /// For an alarm over many time series, the attributes of the one that changed; empty if the shape has none.
    contributor: &'static [&'static str],
}

/// Through EventBridge: `detail` holds the alarm.
pub(super) fn event(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    let shape = Shape {
        name: &["detail", "alarmName"],
        state: &["detail", "state", "value"],
        time: &["detail", "state", "timestamp"],
        metrics: &["detail", "configuration", "metrics"],
        contributor: &["detail", "alarmContributor", "attributes"],
    };
    hint(object, &shape, now, limits)
}

/// As a Lambda action of the alarm: `alarmData` holds it.
pub(super) fn direct(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    if text(object, &["source"], WHAT)? != "aws.cloudwatch" {
        return Err(Unrecognised::malformed(WHAT, "source".to_owned(), "aws.cloudwatch"));
    }
    let shape = Shape {
        name: &["alarmData", "alarmName"],
        state: &["alarmData", "state", "value"],
        time: &["alarmData", "state", "timestamp"],
        metrics: &["alarmData", "configuration", "metrics"],
        contributor: &["alarmData", "alarmContributor", "attributes"],
    };
    hint(object, &shape, now, limits)
}

/// As the JSON in an SNS message.
pub(super) fn message(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    let shape = Shape {
        name: &["AlarmName"],
        state: &["NewStateValue"],
        time: &["StateChangeTime"],
        metrics: &["Trigger", "Metrics"],
        contributor: &[],
    };
    hint(object, &shape, now, limits)
}

fn hint(
    object: &Map<String, Value>,
    shape: &Shape,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    let name = text(object, shape.name, WHAT)?;
    let state = text(object, shape.state, WHAT)?;
    if !STATES.contains(&state) {
        let expected = "OK, ALARM or INSUFFICIENT_DATA";
        return Err(Unrecognised::malformed(WHAT, shape.state.join("."), expected));
    }
    let place = shape.time.join(".");
    let stamp = Stamp { what: WHAT, place: &place, text: text(object, shape.time, WHAT)? };
    let at = stamp.fresh(now, limits.hint_age, limits)?;
    Ok(Hint {
        source: Source::Alarm,
        functions: functions(object, shape),
        at,
        what: format!("alarm {} is {state}", error::short(name)),
    })
}

/// The functions that dimensions name. An alarm over all functions, and a composite one, name none.
fn functions(object: &Map<String, Value>, shape: &Shape) -> Vec<FunctionName> {
    let mut names = BTreeSet::new();
    let listed = descend(object, shape.metrics).and_then(Value::as_array);
    for metric in listed.into_iter().flatten() {
        let inner = ["metricStat", "MetricStat"].iter().find_map(|key| metric.get(key));
        let inner = inner.and_then(|stat| stat.get("metric").or_else(|| stat.get("Metric")));
        collect(
            inner.and_then(|metric| metric.get("dimensions").or_else(|| metric.get("Dimensions"))),
            &mut names,
        );
    }
    // SNS writes an alarm on a single metric without a list.
    collect(descend(object, &["Trigger", "Dimensions"]), &mut names);
    collect(descend(object, shape.contributor), &mut names);
    names.into_iter().map(FunctionName::new).collect()
}

/// Dimensions are an object of names and values, or (through SNS) a list of objects with `name` and `value`.
fn collect<'a>(dimensions: Option<&'a Value>, names: &mut BTreeSet<&'a str>) {
    let mut take = |name: Option<&'a Value>| {
        names.extend(name.and_then(Value::as_str).filter(|name| is_function_name(name)))
    };
    match dimensions {
        Some(Value::Object(entries)) => take(entries.get("FunctionName")),
        Some(Value::Array(items)) => {
            let named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some("FunctionName");
            items.iter().filter(named).for_each(|item| take(item.get("value")));
        }
        _ => {}
    }
}

fn descend<'a>(object: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(*first)?, |value, key| value.get(key))
}
