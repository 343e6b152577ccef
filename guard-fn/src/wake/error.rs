//! Why a payload is refused. Messages name keys, places and limits; a payload's content stays out of the log.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The accepted payloads, for the end of a message.
const ACCEPTED: &str = "accepted are a tick of EventBridge Scheduler or of a scheduled rule, {\"tick\":\"now\"}, a CloudWatch \
     alarm (through EventBridge, SNS or directly), AWS Budgets and Cost Anomaly Detection, and {\"command\":…}";

/// A payload the guard does not act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// JSON, but not an object.
    #[error("the payload is {found} and not an object; {ACCEPTED}")]
    NotAnObject {
        /// The kind of JSON found: `an array`.
        found: &'static str,
    },
    /// An object from no known sender.
    #[error("nothing known has the keys {keys}; {ACCEPTED}")]
    Unknown {
        /// Its top-level keys, shortened.
        keys: String,
    },
    /// An event of EventBridge that is not for the guard.
    #[error(
        "an event with source {source_name} and detail-type {detail_type} is not for the guard; {ACCEPTED}"
    )]
    UnknownEvent {
        /// Its `source`, if it is an AWS service; otherwise how long it is.
        source_name: String,
        /// Its `detail-type`, likewise.
        detail_type: String,
    },
    /// An SNS message that is not a hint. Commands are refused too: publishers to a topic are not operators.
    #[error(
        "{place} is a message the guard takes no hint from ({looks_like}); accepted through SNS are CloudWatch \
         alarms, AWS Budgets and Cost Anomaly Detection. Commands are taken from an invocation only"
    )]
    UnknownMessage {
        /// The record: `Records[0].Sns.Message`.
        place: String,
        /// What the message looks like: `text`, or its keys.
        looks_like: String,
    },
    /// An incomplete object that looks like a known envelope.
    #[error("a malformed {envelope}: {place} must be {expected}")]
    Malformed {
        /// The kind of envelope that it looks like.
        envelope: &'static str,
        /// The path of the key.
        place: String,
        /// The accepted value.
        expected: &'static str,
    },
    /// Too old.
    #[error("a stale {what}: of {at}, {age_s} s old, accepted are {limit_s} s", at = iso(at))]
    Stale {
        /// The kind of event.
        what: &'static str,
        /// Its time.
        at: DateTime<Utc>,
        /// Its age, s.
        age_s: i64,
        /// The oldest accepted, s.
        limit_s: i64,
    },
    /// Its time lies in the future.
    #[error("a {what} from the future: of {at}, {ahead_s} s ahead, accepted are {limit_s} s", at = iso(at))]
    FromTheFuture {
        /// The kind of event.
        what: &'static str,
        /// Its time.
        at: DateTime<Utc>,
        /// How far ahead, s.
        ahead_s: i64,
        /// The furthest accepted, s.
        limit_s: i64,
    },
    /// Larger than any known envelope.
    #[error("{what} has more than {limit} {measure}")]
    TooLarge {
        /// The payload, or a message in it.
        what: &'static str,
        /// The unit of the limit.
        measure: &'static str,
        /// The largest accepted amount.
        limit: usize,
    },
    /// No command has this name.
    #[error("no command {given}{}; commands are {accepted}", suggestion(*nearest))]
    NoSuchCommand {
        /// The given name, if it is a plain word.
        given: String,
        /// The command that differs least, if the difference looks like a typing error.
        nearest: Option<&'static str>,
        /// All commands.
        accepted: String,
    },
    /// A command without a field it needs.
    #[error("the command {command} needs {field}, {expected}")]
    MissingField {
        /// The command.
        command: &'static str,
        /// The field.
        field: &'static str,
        /// The accepted value.
        expected: String,
    },
    /// A command with a field it does not have. Refused, because a mistyped field would leave a limit unset.
    #[error("the command {command} has no field {field}; {accepted}")]
    UnknownField {
        /// The command.
        command: &'static str,
        /// The field, shortened.
        field: String,
        /// The fields it has.
        accepted: String,
    },
    /// A command with a value that is not accepted.
    #[error("the command {command}: {field} is {found}, accepted is {expected}")]
    BadField {
        /// The command.
        command: &'static str,
        /// The field.
        field: &'static str,
        /// A number as given; for any other value, its kind.
        found: String,
        /// The accepted values.
        expected: String,
    },
}

impl Unrecognised {
    pub(super) fn malformed(envelope: &'static str, place: String, expected: &'static str) -> Self {
        Unrecognised::Malformed { envelope, place, expected }
    }
}

/// The kind of a JSON value, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The keys of an object, at most twelve, each shortened.
pub(super) fn keys(object: &Map<String, Value>) -> String {
    const SHOWN: usize = 12;
    if object.is_empty() {
        return "(none)".to_owned();
    }
    let mut text = object.keys().take(SHOWN).map(|key| short(key)).collect::<Vec<_>>().join(", ");
    if let Some(more) = object.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A key or name in quotes, at most 40 characters, control characters escaped.
pub(super) fn short(name: &str) -> String {
    const SHOWN: usize = 40;
    let cut: String = name.chars().take(SHOWN).collect();
    let more = if cut.len() < name.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}

/// A word as given, if it is no longer than `longest` and consists of letters, hyphens and underscores, as commands do
/// and secrets do not; otherwise its length.
pub(super) fn plain(word: &str, longest: usize) -> String {
    let name = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_');
    if word.len() <= longest && word.chars().all(name) { format!("{word:?}") } else { length(word) }
}

/// The names of an AWS service's event, as given: only AWS may use `aws.` (EventBridge API Reference, `PutEvents`, read
/// 2026-11). For any other event, their lengths.
pub(super) fn event_names(source: &str, detail_type: &str) -> (String, String) {
    if source.starts_with("aws.") && source.len() + detail_type.len() <= 120 {
        (short(source), short(detail_type))
    } else {
        (length(source), length(detail_type))
    }
}

fn length(word: &str) -> String {
    format!("(text of {} bytes)", word.len())
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean {name:?}?")).unwrap_or_default()
}

fn iso(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
