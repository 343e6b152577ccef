//! Ticks of the schedule, and events of EventBridge.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::age::Stamp;
use super::{Hint, Limits, Source, Unrecognised, Wake, alarm, error, text};

/// EventBridge Scheduler replaces this in a schedule's `Input`; a classic rule does not, nor does a person who copies
/// the `Input` to try it (EventBridge Scheduler User Guide, "Adding context attributes", read 2026-11).
const PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

/// Whether an object has the shape of an event of EventBridge.
pub(super) fn is_event(object: &Map<String, Value>) -> bool {
    object.contains_key("detail-type") || object.contains_key("detail")
}

/// The schedule of our own template, `{"tick":"<aws.scheduler.scheduled-time>"}`, or a tick by hand.
pub(super) fn own_tick(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Wake, Unrecognised> {
    if object.len() != 1 {
        return Err(Unrecognised::malformed("tick", "the object".to_owned(), "the key tick alone"));
    }
    match text(object, &["tick"], "tick")? {
        "now" => Ok(Wake::Tick { scheduled: None }),
        PLACEHOLDER => Err(Unrecognised::malformed(
            "tick",
            "tick".to_owned(),
            "a time: only EventBridge Scheduler replaces the placeholder; by hand it is \"now\"",
        )),
        written => tick(Stamp { what: "tick", place: "tick", text: written }, now, limits),
    }
}

/// An event delivered by EventBridge or EventBridge Scheduler.
pub(super) fn recognise(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Wake, Unrecognised> {
    let source = text(object, &["source"], "event")?;
    let detail_type = text(object, &["detail-type"], "event")?;
    if let ("aws.scheduler" | "aws.events", "Scheduled Event") = (source, detail_type) {
        let written = text(object, &["time"], "tick")?;
        return tick(Stamp { what: "tick", place: "time", text: written }, now, limits);
    }
    hint(object, now, limits)?.map(|hint| Wake::Hints(vec![hint])).ok_or_else(|| {
        let (source_name, detail_type) = error::event_names(source, detail_type);
        Unrecognised::UnknownEvent { source_name, detail_type }
    })
}

/// The hint in an event; `None` if it is not an event that gives hints.
pub(super) fn hint(
    object: &Map<String, Value>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Option<Hint>, Unrecognised> {
    let named = |key| object.get(key).and_then(Value::as_str);
    match (named("source"), named("detail-type")) {
        // The second is for an alarm over many time series, and names one of them.
        (
            Some("aws.cloudwatch"),
            Some("CloudWatch Alarm State Change" | "CloudWatch Alarm Contributor State Change"),
        ) => alarm::event(object, now, limits).map(Some),
        (Some("aws.ce"), Some("Anomaly Detected")) => anomaly(object, now, limits).map(Some),
        _ => Ok(None),
    }
}

fn tick(stamp: Stamp<'_>, now: DateTime<Utc>, limits: &Limits) -> Result<Wake, Unrecognised> {
    let scheduled = stamp.fresh(now, limits.tick_age, limits)?;
    Ok(Wake::Tick { scheduled: Some(scheduled) })
}

/// Cost Anomaly Detection names services, accounts and regions, but no functions.
fn anomaly(object: &Map<String, Value>, now: DateTime<Utc>, limits: &Limits) -> Result<Hint, Unrecognised> {
    const WHAT: &str = "cost anomaly";
    let id = text(object, &["detail", "anomalyId"], WHAT)?;
    let stamp = Stamp { what: WHAT, place: "time", text: text(object, &["time"], WHAT)? };
    Ok(Hint {
        source: Source::CostAnomaly,
        functions: Vec::new(),
        at: stamp.fresh(now, limits.hint_age, limits)?,
        what: format!("cost anomaly {}", error::short(id)),
    })
}
