//! JSON documents that wrap log lines, read as they come: a file may be larger than memory.
//!
//! `aws logs filter-log-events` and `get-log-events` print `events`, a subscription delivers `logEvents`, each with
//! `timestamp` (milliseconds) and `message`; `aws logs get-query-results` prints `results`, lists of `field` and `value`
//! (AWS CLI Command Reference and "Log group-level subscription filters", read 2026-11). A `--query` may leave a list of
//! events or of messages. Objects that wrap nothing are lines themselves, printed over several lines or without an end
//! of line between them.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::text::epoch;
use crate::trace::time::iso_time;

/// Keys of lists of events.
const LISTS: [&str; 3] = ["events", "logEvents", "results"];

/// A line that was unwrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When it was logged, in seconds since 1970, as far as the wrapper says.
    pub logged_s: Option<i64>,
    /// The log group that it is from, as far as the wrapper says.
    pub group: Option<String>,
    /// The line.
    pub message: String,
}

/// Gives each line of a stream of documents to `each`.
///
/// # Errors
/// The text that is not JSON, with its line and column.
pub(super) fn read(reader: impl Read, each: &mut dyn FnMut(Event)) -> Result<(), serde_json::Error> {
    let mut documents = serde_json::Deserializer::from_reader(reader);
    loop {
        match documents.end() {
            Ok(()) => return Ok(()),
            Err(error) if error.is_syntax() => {}
            Err(error) => return Err(error),
        }
        Document { each }.deserialize(&mut documents)?;
    }
}

/// A document at the top level.
struct Document<'e> {
    each: &'e mut dyn FnMut(Event),
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of events of CloudWatch Logs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        let mut is_wrapper = false;
        while let Some(key) = map.next_key::<String>()? {
            if LISTS.contains(&key.as_str()) {
                is_wrapper = true;
                let group = own.get("logGroup").and_then(Value::as_str).map(str::to_owned);
                map.next_value_seed(List { group, each: &mut *self.each })?;
            } else if is_wrapper {
                map.next_value::<IgnoredAny>()?;
            } else {
                own.insert(key, map.next_value()?);
            }
        }
        if !is_wrapper {
            emit(&Value::Object(own), None, self.each);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        List { group: None, each: self.each }.visit_seq(seq)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        emit(&Value::from(text), None, self.each);
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(E::custom("null is no event"))
    }
}

/// A list of events.
struct List<'e> {
    group: Option<String>,
    each: &'e mut dyn FnMut(Event),
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element::<Value>()? {
            emit(&value, self.group.as_deref(), self.each);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("events is an object and no list"))
    }
}

/// One event as a line; without a wrapper it is the line itself.
fn emit(value: &Value, group: Option<&str>, each: &mut dyn FnMut(Event)) {
    let (message, stamp) = match value {
        Value::String(message) => (Some(message.clone()), None),
        Value::Object(event) => {
            (event.get("message").and_then(Value::as_str).map(str::to_owned), event.get("timestamp").cloned())
        }
        // `[timestamp, message]` of a query, or the fields of an answer of Logs Insights.
        Value::Array(cells) => {
            let named = |name: &str| {
                cells
                    .iter()
                    .find(|cell| cell.get("field").and_then(Value::as_str) == Some(name))
                    .and_then(|cell| cell.get("value"))
            };
            let message = named("@message").or_else(|| cells.iter().rfind(|cell| cell.is_string()));
            let stamp = named("@timestamp").or_else(|| cells.iter().find(|cell| cell.is_number()));
            (message.and_then(Value::as_str).map(str::to_owned), stamp.cloned())
        }
        _ => (None, None),
    };
    // A line that is JSON may have a key `message` too, and then no time in milliseconds beside it.
    let logged_s = stamp.and_then(|stamp| match stamp {
        Value::Number(number) => epoch(&number.to_string()),
        Value::String(text) => iso_time(&text).or_else(|| epoch(&text)),
        _ => None,
    });
    let message = message.unwrap_or_else(|| value.to_string());
    each(Event { logged_s, group: group.map(str::to_owned), message: message.trim().to_owned() });
}
