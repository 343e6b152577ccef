//! A log line that is a JSON object, as templates make it: a variable without quotes and without value is a bare `-`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Fault;
use crate::trace::table::thousandths;

/// A line as an object.
pub(super) type Object = Map<String, Value>;

/// Reads a line. What stands where JSON wants a value and is none, such as `-`, is taken as text.
///
/// # Errors
/// Where it is no object all the same.
pub(super) fn object(line: &str) -> Result<Object, Fault> {
    let strict = |text: &str| serde_json::from_str::<Object>(text);
    strict(line)
        .or_else(|error| strict(&quoted(line)).map_err(|_| error))
        .map_err(|error| Fault::new(format!("not a JSON object on one line: {error}")))
}

/// The line with quotes around the values that lack them.
fn quoted(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 16);
    let mut rest = line;
    while let Some(at) = rest.find(['"', ':']) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if after.starts_with('"') {
            let end = super::text::closing_quote(after.as_bytes(), 1).map_or(after.len(), |end| end + 1);
            text.push_str(after.get(..end).unwrap_or(after));
            rest = after.get(end..).unwrap_or_default();
            continue;
        }
        let value = after.get(1..).unwrap_or_default();
        let trimmed = value.trim_start();
        text.push(':');
        rest = trimmed;
        if trimmed.starts_with(['"', '{', '[']) {
            continue;
        }
        let end = trimmed.find([',', '}', ']']).unwrap_or(trimmed.len());
        let (bare, after) = trimmed.split_at(end);
        let bare = bare.trim_end();
        if serde_json::from_str::<Value>(bare).is_ok() {
            text.push_str(bare);
        } else {
            text.push_str(&Value::from(bare).to_string());
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A value as text, whether it was quoted in the log's template or not; `None` where it is absent, null, empty or `-`.
pub(super) fn text<'o>(object: &'o Object, key: &str) -> Result<Option<Cow<'o, str>>, Fault> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() || text == "-" => Ok(None),
        Some(Value::String(text)) => Ok(Some(Cow::Borrowed(text))),
        Some(Value::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
        Some(other) => Err(of_key(key, format!("{other} is neither text nor a number"))),
    }
}

/// A number of milliseconds, in microseconds.
pub(super) fn milliseconds(object: &Object, key: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = text(object, key)? else { return Ok(None) };
    let us =
        thousandths(&text).ok_or_else(|| of_key(key, format!("{text:?} is no number of milliseconds")))?;
    Ok(Some(us))
}

/// A fault of the value of a key.
pub(super) fn of_key(key: &str, problem: String) -> Fault {
    Fault::new(format!("{key}: {problem}"))
}
