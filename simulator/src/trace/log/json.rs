//! A log line that is a JSON object, as templates make it: a variable without quotes and without value is a bare `-`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Fault;
use super::text::{UNESCAPED, closing_quote};
use crate::trace::table::thousandths;

/// A line as an object.
pub(super) type Object = Map<String, Value>;

/// Reads a line, and says whether quotes within a value had to be guessed at: a client may have written them. What
/// stands where JSON wants a value and is none, such as `-`, is taken as text.
///
/// # Errors
/// Where it is no object all the same.
pub(super) fn read(line: &str) -> Result<(Object, Option<&'static str>), Fault> {
    let strict = |text: &str| serde_json::from_str::<Object>(text);
    let mended = || {
        let (text, doubt) = mended(line);
        Some((strict(&text).ok()?, doubt))
    };
    match strict(line) {
        Ok(object) => Ok((object, None)),
        Err(error) => mended().ok_or_else(|| Fault::new(format!("not a JSON object on one line: {error}"))),
    }
}

/// As [`read`], without a word on quotes.
///
/// # Errors
/// As [`read`].
pub(super) fn object(line: &str) -> Result<Object, Fault> {
    read(line).map(|(object, _)| object)
}

/// The line with quotes around the values that lack them, and with `\` before quotes within a value.
fn mended(line: &str) -> (String, Option<&'static str>) {
    let mut text = String::with_capacity(line.len() + 16);
    let mut doubt = None;
    let mut rest = line;
    while let Some(at) = rest.find(['"', ':']) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if after.starts_with('"') {
            let end = closing_quote(after.as_bytes(), 1).map_or(after.len(), |end| end + 1);
            text.push_str(after.get(..end).unwrap_or(after));
            rest = after.get(end..).unwrap_or_default();
            continue;
        }
        let value = after.get(1..).unwrap_or_default().trim_start();
        text.push(':');
        rest = value;
        if let Some(quoted) = value.strip_prefix('"') {
            let end = end_of_value(quoted);
            let inner = quoted.get(..end).unwrap_or_default();
            let escaped = escaped(inner);
            if escaped != inner {
                doubt = Some(UNESCAPED);
            }
            text.push('"');
            text.push_str(&escaped);
            rest = quoted.get(end..).unwrap_or_default();
            if let Some(after) = rest.strip_prefix('"') {
                text.push('"');
                rest = after;
            }
        } else if !value.starts_with(['{', '[']) {
            let (bare, after) = value.split_at(value.find([',', '}', ']']).unwrap_or(value.len()));
            let bare = bare.trim_end();
            if serde_json::from_str::<Value>(bare).is_ok() {
                text.push_str(bare);
            } else {
                text.push_str(&Value::from(bare).to_string());
            }
            rest = after;
        }
    }
    text.push_str(rest);
    (text, doubt)
}

/// Where a value ends that is quoted: at the first quote after which an object goes on or ends.
fn end_of_value(text: &str) -> usize {
    let mut from = 0;
    while let Some(end) = closing_quote(text.as_bytes(), from) {
        let after = text.get(end + 1..).unwrap_or_default().trim_start();
        if after.is_empty() || after.starts_with([',', '}', ']']) {
            return end;
        }
        from = end + 1;
    }
    text.len()
}

/// A text with `\` before the quotes that lack it.
fn escaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = closing_quote(rest.as_bytes(), 0) {
        whole.push_str(rest.get(..at).unwrap_or_default());
        whole.push_str("\\\"");
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    whole + rest
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
