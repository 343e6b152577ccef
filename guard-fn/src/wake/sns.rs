//! SNS messages: hints, and nothing but hints. A publisher to a topic is not an operator, so no function here can
//! return a command.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::age::Stamp;
use super::{Hint, Limits, Source, Unrecognised, alarm, error, event, size, text};

const ENVELOPE: &str = "SNS event";
const BUDGET: &str = "AWS Budgets message";

/// The first words of every message of AWS Budgets. It is plain text, not JSON.
const BUDGET_ANCHOR: &str = "AWS Budget Notification ";

/// One hint for every record. SNS delivers one record per invocation, but its format is a list.
pub(super) fn recognise(
    records: &Value,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Vec<Hint>, Unrecognised> {
    let listed = records.as_array().filter(|records| !records.is_empty());
    let expected = "a list of one record or more";
    let listed = listed.ok_or_else(|| Unrecognised::malformed(ENVELOPE, "Records".to_owned(), expected))?;
    listed.iter().enumerate().map(|(index, record)| one(record, index, now, limits)).collect()
}

fn one(record: &Value, index: usize, now: DateTime<Utc>, limits: &Limits) -> Result<Hint, Unrecognised> {
    let place = |key: &str| format!("Records[{index}]{key}");
    let wrong = |key, expected| Unrecognised::malformed(ENVELOPE, place(key), expected);
    let record = record.as_object().ok_or_else(|| wrong("", "an object"))?;
    if record.get("EventSource").and_then(Value::as_str) != Some("aws:sns") {
        return Err(wrong(".EventSource", "aws:sns: the guard takes no records of other sources"));
    }
    let sns = record.get("Sns").and_then(Value::as_object).ok_or_else(|| wrong(".Sns", "an object"))?;
    let message = sns.get("Message").and_then(Value::as_str).ok_or_else(|| wrong(".Sns.Message", "text"))?;
    let published =
        sns.get("Timestamp").and_then(Value::as_str).ok_or_else(|| wrong(".Sns.Timestamp", "text"))?;
    let stamp_place = place(".Sns.Timestamp");
    let published = Stamp { what: ENVELOPE, place: &stamp_place, text: published };
    let unknown = |looks_like| Unrecognised::UnknownMessage { place: place(".Sns.Message"), looks_like };
    if message.starts_with(BUDGET_ANCHOR) {
        return budget(message, published, now, limits);
    }
    let Ok(Value::Object(object)) = serde_json::from_str(message) else {
        return Err(unknown("no JSON object".to_owned()));
    };
    let object = sized(object)?;
    if object.contains_key("AlarmName") && object.contains_key("NewStateValue") {
        return alarm::message(&object, now, limits);
    }
    if object.contains_key("anomalyId") {
        return anomaly(&object, published, now, limits);
    }
    // A rule of EventBridge may have the topic as its target.
    event::hint(&object, now, limits)?.ok_or_else(|| unknown(format!("the keys {}", error::keys(&object))))
}

/// A text within the envelope has a size and depth of its own.
fn sized(object: Map<String, Value>) -> Result<Map<String, Value>, Unrecognised> {
    let value = Value::Object(object);
    size::check(&value, "an SNS message")?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Ok(Map::new()),
    }
}

/// AWS Budgets: no machine-readable time; the age is that of the message, not of the spend.
fn budget(
    message: &str,
    published: Stamp<'_>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    let line = |key| message.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let needed = |key: &'static str| {
        line(key).filter(|value| !value.is_empty()).ok_or_else(|| {
            let place = format!("the line {:?}", key.trim());
            Unrecognised::malformed(BUDGET, place, "there, with a value")
        })
    };
    let name = needed("Budget Name: ")?;
    let alert = needed("Alert Type: ")?;
    Ok(Hint {
        source: Source::Budget,
        functions: Vec::new(),
        at: Stamp { what: BUDGET, ..published }.fresh(now, limits.hint_age, limits)?,
        what: format!("AWS budget {} alerts on {}", error::short(name), error::plain(alert, 16)),
    })
}

/// Cost Anomaly Detection: its own dates are days, so the age is that of the message.
fn anomaly(
    object: &Map<String, Value>,
    published: Stamp<'_>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<Hint, Unrecognised> {
    const WHAT: &str = "cost anomaly";
    let id = text(object, &["anomalyId"], WHAT)?;
    Ok(Hint {
        source: Source::CostAnomaly,
        functions: Vec::new(),
        at: Stamp { what: WHAT, ..published }.fresh(now, limits.hint_age, limits)?,
        what: format!("cost anomaly {}", error::short(id)),
    })
}
