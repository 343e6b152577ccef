//! Access log of an Application Load Balancer.
//!
//! Fields stand in a fixed order, apart by blanks, and new ones come last ("Access logs for your Application Load
//! Balancer", syntax of an entry, read 2026-11). `target_processing_time` is in seconds with milliseconds, −1 where the
//! request reached no target or the target did not answer in time. The time of the request is `request_creation_time`;
//! entries older than that field have the time of the answer only.

use chrono::DateTime;

use super::text::{fields, is_status, seconds, target};
use super::{Fault, Request};

/// Values of the first field that are requests.
const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

const TIME: usize = 1;
const TARGET_PROCESSING_TIME: usize = 6;
const ELB_STATUS_CODE: usize = 8;
const REQUEST: usize = 12;
const REQUEST_CREATION_TIME: usize = 21;

/// The remark on requests that no target served.
const NO_TARGET: &str =
    "reached no target or got no answer (target_processing_time -1): counted, without a duration.";

/// Reads a line.
///
/// # Errors
/// The problem, with the field that is missing or malformed.
pub(super) fn parse(line: &str) -> Result<Request<'_>, Fault> {
    let fields = fields(line);
    let field = |index: usize, name: &str| {
        fields.get(index).copied().ok_or_else(|| {
            let problem = format!("the line has {} fields and none for this: is it cut short?", fields.len());
            Fault::of(index, name, problem)
        })
    };
    let kind = field(0, "type")?;
    if !TYPES.contains(&kind) {
        return Err(Fault::of(0, "type", format!("{kind:?} is none of {}", TYPES.join(", "))));
    }
    let answered_s = time(TIME, "time", field(TIME, "time")?)?;
    let taken = field(TARGET_PROCESSING_TIME, "target_processing_time")?;
    let status = field(ELB_STATUS_CODE, "elb_status_code")?;
    if status != "-" && !is_status(status) {
        return Err(Fault::of(ELB_STATUS_CODE, "elb_status_code", format!("{status:?} is no status")));
    }
    let path = target(field(REQUEST, "request")?).map(Into::into);
    let at_s = match fields.get(REQUEST_CREATION_TIME) {
        Some(text) => time(REQUEST_CREATION_TIME, "request_creation_time", text)?,
        None => answered_s,
    };
    if taken == "-1" {
        return Ok(Request { at_s, path, duration_us: None, doubt: Some(NO_TARGET), ..Request::default() });
    }
    let duration_us = seconds(taken).ok_or_else(|| {
        let problem = format!("{taken:?} is not a number of seconds such as 0.086, or -1");
        Fault::of(TARGET_PROCESSING_TIME, "target_processing_time", problem)
    })?;
    Ok(Request { at_s, path, duration_us: Some(duration_us), ..Request::default() })
}

fn time(index: usize, name: &str, text: &str) -> Result<i64, Fault> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| {
        Fault::of(index, name, format!("{text:?} is not a time such as 2018-07-02T22:23:00.186641Z"))
    })?;
    Ok(at.timestamp())
}
