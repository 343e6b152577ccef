//! Waking: recognises what invoked the guard from the payload alone. Nothing here waits, reads a clock or calls AWS.
//!
//! Two kinds of callers are kept apart by construction. Anyone who may invoke the function is an operator and may give
//! commands; anyone who may publish to a topic or a bus may only make the guard look.

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;
use guard_core::operator;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod age;
mod alarm;
mod command;
mod door;
mod error;
mod event;
mod size;
mod sns;
mod stack;

pub use self::command::Question;
pub use self::door::{Door, Shut};
pub use self::error::Unrecognised;
pub use self::stack::{Callback, Stack};

/// Why the guard runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A scheduled tick.
    Tick {
        /// The time it was scheduled for; `None` for a tick by hand, `{"tick":"now"}`.
        scheduled: Option<DateTime<Utc>>,
    },
    /// A service noticed something: a tick that looks at these first. Never empty; several SNS records give several.
    Hints(Vec<Hint>),
    /// An operator's order to change something.
    Operator(operator::Command),
    /// An operator's question; nothing changes.
    Question(Question),
    /// A tool that deploys the guard says what becomes of it.
    Stack(Stack),
}

/// An observation by another service. It directs attention and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// The service that made the observation.
    pub source: Source,
    /// The Lambda functions it names, sorted, each once; empty if it names none.
    pub functions: Vec<FunctionName>,
    /// When it was seen: an alarm's change of state, otherwise when the message was published. AWS Budgets writes no
    /// time of measurement into its text and is 8 to 12 hours late, so this is not when the money was spent.
    pub at: DateTime<Utc>,
    /// The observation in a few words for the log: `alarm "orders errors" is ALARM`.
    pub what: String,
}

/// The source of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A CloudWatch alarm.
    Alarm,
    /// AWS Budgets.
    Budget,
    /// AWS Cost Anomaly Detection.
    CostAnomaly,
}

/// How old, and how far ahead, an event may be. An age exactly at its limit is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Oldest scheduled time of a tick. The schedule has fired since; a run for an old time only costs money.
    pub tick_age: TimeDelta,
    /// Oldest hint.
    pub hint_age: TimeDelta,
    /// How far in the future a time may lie and still be explained by clock skew.
    pub clock_skew: TimeDelta,
}

impl Limits {
    /// Limits for a tick period: five periods, and at least as long as Lambda's own two retries take (1 + 2 minutes:
    /// Lambda Developer Guide, "Error handling for asynchronous invocations", read 2026-11); an hour for hints; a
    /// minute of skew. The numbers are our choice.
    pub fn for_period(tick: TimeDelta) -> Self {
        let tick_age = tick.checked_mul(5).unwrap_or(TimeDelta::MAX).max(TimeDelta::minutes(5));
        Limits { tick_age, hint_age: TimeDelta::hours(1), clock_skew: TimeDelta::minutes(1) }
    }
}

/// Recognises a payload of an invocation.
///
/// An object with the key `command` is an operator's and must be exactly a command; one with `tick` is our own
/// schedule's; `RequestType` is CloudFormation's and `tf` Terraform's; `Records` are SNS messages; the rest are events of
/// EventBridge and CloudWatch.
///
/// # Errors
/// For any other payload, for an incomplete one of these kinds, and for one that is too old, from the future, too large
/// or nested too deeply. The errors name keys, places and times; of a payload's content they repeat only numbers of a
/// command, a mistyped command, and the `source` and `detail-type` of an AWS service.
///
/// A rule that sends only an event's `detail` (`InputPath`) would make anyone who may publish to the bus an operator;
/// our template sends whole events.
///
/// ```
/// use chrono::{TimeDelta, TimeZone, Utc};
/// use guard_fn::wake::{Limits, Wake, recognise};
/// use serde_json::json;
///
/// let now = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).single().expect("a time");
/// let limits = Limits::for_period(TimeDelta::minutes(1));
/// let woken = |payload| recognise(&payload, now, &limits);
/// assert!(matches!(woken(json!({ "tick": "2026-11-02T12:00:00Z" })), Ok(Wake::Tick { .. })));
/// assert!(matches!(woken(json!({ "command": "release", "function": "orders" })), Ok(Wake::Operator(_))));
/// // A tick of yesterday is refused, and so is what nobody knows.
/// assert!(woken(json!({ "tick": "2026-11-01T12:00:00Z" })).is_err());
/// assert!(woken(json!({ "hello": "world" })).is_err());
/// ```
pub fn recognise(payload: &Value, now: DateTime<Utc>, limits: &Limits) -> Result<Wake, Unrecognised> {
    size::check(payload, "the payload")?;
    let Some(object) = payload.as_object() else {
        return Err(Unrecognised::NotAnObject { found: error::kind(payload) });
    };
    if object.contains_key("command") {
        return command::recognise(object);
    }
    if object.contains_key("tick") {
        return event::own_tick(object, now, limits);
    }
    if stack::is_cloudformation(object) {
        return stack::of_cloudformation(object).map(Wake::Stack);
    }
    if stack::is_terraform(object) {
        return stack::of_terraform(object).map(Wake::Stack);
    }
    if let Some(records) = object.get("Records") {
        return sns::recognise(records, now, limits).map(Wake::Hints);
    }
    if event::is_event(object) {
        return event::recognise(object, now, limits);
    }
    if object.contains_key("alarmData") {
        return alarm::direct(object, now, limits).map(|hint| Wake::Hints(vec![hint]));
    }
    Err(Unrecognised::Unknown { keys: error::keys(object) })
}

/// The text at a path of keys, or an error that names the missing place.
fn text<'a>(
    object: &'a Map<String, Value>,
    path: &[&str],
    envelope: &'static str,
) -> Result<&'a str, Unrecognised> {
    let wrong = || Unrecognised::malformed(envelope, path.join("."), "text");
    let (last, above) = path.split_last().ok_or_else(wrong)?;
    let inner = above.iter().try_fold(object, |object, key| object.get(*key).and_then(Value::as_object));
    inner.and_then(|object| object.get(*last)).and_then(Value::as_str).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
