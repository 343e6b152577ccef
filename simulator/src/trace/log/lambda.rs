//! What Lambda itself writes into a function's log at the end of an invocation: `REPORT`, as text or as JSON.
//!
//! Text: `REPORT RequestId: … Duration: 12.34 ms Billed Duration: 163 ms Memory Size: 128 MB Max Memory Used: 58 MB Init
//! Duration: 150.20 ms`, apart by tabs, without a time of its own ("Sending Lambda function logs to CloudWatch Logs",
//! read 2026-11). JSON: `time`, `type` `platform.report` and `record.metrics` with `durationMs`, `billedDurationMs`,
//! `memorySizeMB`, `initDurationMs` ("Lambda Telemetry API Event schema reference", read 2026-11). All other lines are
//! of the function, or of a beginning or end: they count nothing.

use std::borrow::Cow;

use serde_json::Value;

use super::json::{self, Object, of_key, text};
use super::{Fault, Request};
use crate::trace::table::thousandths;
use crate::trace::time::iso_time;

/// What Lambda's own lines begin with.
const BEGINNINGS: [&str; 5] =
    ["REPORT RequestId:", "START RequestId:", "END RequestId:", "INIT_START ", "INIT_REPORT "];

/// The remark on a cold start.
const STARTS: &str =
    "began with a start (Init Duration), which is billed and which the mean duration leaves out.";

/// What to do about lines without a time.
const NO_TIME: &str = "a REPORT line of Lambda without its time: `aws logs tail /aws/lambda/NAME --since 1d --format \
                       short` prints each line with it";

/// Whether a line is one of Lambda's own.
pub(super) fn is_of_text(line: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}

/// Whether an object is one of Lambda's own.
pub(super) fn is_of(object: &Object) -> bool {
    object.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("platform."))
}

/// Reads a line; `None` where it reports no invocation. `logged_s` is when CloudWatch Logs got it.
///
/// # Errors
/// The problem of a report: what is missing or malformed.
pub(super) fn parse(line: &str, logged_s: Option<i64>) -> Result<Option<Request<'static>>, Fault> {
    if line.starts_with('{') {
        return match json::object(line) {
            Ok(object) if object.get("type").and_then(Value::as_str) == Some("platform.report") => {
                of_object(&object, logged_s).map(Some)
            }
            _ => Ok(None),
        };
    }
    if line.starts_with("REPORT RequestId:") { of_text(line, logged_s).map(Some) } else { Ok(None) }
}

fn of_object(object: &Object, logged_s: Option<i64>) -> Result<Request<'static>, Fault> {
    let at_s = match text(object, "time")? {
        Some(time) => {
            iso_time(&time).ok_or_else(|| of_key("time", format!("{time:?} is no time in ISO 8601")))?
        }
        None => logged_s.ok_or_else(|| Fault::new("platform.report has no time"))?,
    };
    let metrics = object.get("record").and_then(|record| record.get("metrics")).and_then(Value::as_object);
    let metrics = metrics.ok_or_else(|| Fault::new("platform.report has no record.metrics"))?;
    let of = |key: &str| metrics.get(key).map(ToString::to_string);
    report(at_s, of("durationMs").as_deref(), of("memorySizeMB").as_deref(), of("initDurationMs").as_deref())
}

fn of_text(line: &str, logged_s: Option<i64>) -> Result<Request<'static>, Fault> {
    let (mut duration, mut memory, mut init) = (None, None, None);
    let mut label = String::new();
    let mut is_value = false;
    for word in line.split_whitespace() {
        if is_value {
            match label.as_str() {
                "Duration" => duration = Some(word),
                "Memory Size" => memory = Some(word),
                "Init Duration" => init = Some(word),
                _ => {}
            }
            label.clear();
            is_value = false;
        } else if let Some(last) = word.strip_suffix(':') {
            label.push_str(last);
            is_value = true;
        } else if !["REPORT", "ms", "MB"].contains(&word) {
            label.push_str(word);
            label.push(' ');
        }
    }
    report(logged_s.ok_or_else(|| Fault::new(NO_TIME))?, duration, memory, init)
}

fn report(
    at_s: i64,
    duration: Option<&str>,
    memory: Option<&str>,
    init: Option<&str>,
) -> Result<Request<'static>, Fault> {
    let duration = duration.ok_or_else(|| Fault::new("REPORT has no Duration: is it cut short?"))?;
    let duration_us = thousandths(duration)
        .ok_or_else(|| of_key("Duration", format!("{duration:?} is no number of milliseconds")))?;
    let memory = memory.ok_or_else(|| Fault::new("REPORT has no Memory Size: is it cut short?"))?;
    let memory_mb: u32 =
        memory.parse().map_err(|_| of_key("Memory Size", format!("{memory:?} is no whole number of MB")))?;
    Ok(Request {
        at_s,
        duration_us: Some(duration_us),
        memory_mb: Some(memory_mb),
        doubt: init.map(|_| STARTS),
        function: Some(Cow::Borrowed("function")),
        ..Request::default()
    })
}
