//! Access log of API Gateway in JSON: one object a line.
//!
//! The owner of an API chooses the keys; read are those that bear the name of their `$context` variable, as in the
//! examples of "Access logging for REST APIs" and "Configure logging for HTTP APIs" (read 2026-11): `requestTime` (as in
//! the Common Log Format) or `requestTimeEpoch` (milliseconds), `routeKey` or `httpMethod` and `resourcePath` or `path`,
//! `integrationLatency` and `responseLatency` in milliseconds, `status`. A variable without value is logged as `-`.

use serde_json::{Map, Value};

use super::{Fault, Request, common_time};
use crate::trace::table::thousandths;

/// The keys of which one must be there: they tell this format from others.
pub const TIME_KEYS: [&str; 2] = ["requestTimeEpoch", "requestTime"];

/// Above this an epoch is in milliseconds: seconds get here in the year 5138.
const LEAST_MILLISECONDS: i64 = 100_000_000_000;

/// What is said of durations that hold more than the function's.
const WHOLE_LATENCY: &str =
    "have no integrationLatency: their responseLatency stands in, which holds the gateway's own time.";

/// What is said of requests that the gateway answered alone: throttled, cached, refused.
const NO_INTEGRATION: &str = "reached no integration (integrationLatency -): counted, without a duration.";

/// Reads a line.
///
/// # Errors
/// What is missing or malformed, with the key.
pub fn parse(line: &str) -> Result<Request<'static>, Fault> {
    let object: Map<String, Value> = serde_json::from_str(line)
        .map_err(|error| Fault::new(format!("not a JSON object on one line: {error}")))?;
    let at_s = time(&object)?;
    if let Some(status) = text(&object, "status")?
        && (status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(of_key("status", format!("{status:?} is no status of three digits")));
    }
    let (duration_us, doubt) =
        match (object.contains_key("integrationLatency"), milliseconds(&object, "integrationLatency")?) {
            (_, Some(us)) => (Some(us), None),
            (true, None) => (None, Some(NO_INTEGRATION)),
            (false, None) => {
                let whole = milliseconds(&object, "responseLatency")?;
                (whole, whole.is_some().then_some(WHOLE_LATENCY))
            }
        };
    Ok(Request { at_s, path: route(&object)?.map(Into::into), duration_us, doubt })
}

/// The route: as API Gateway names it, or method and resource.
fn route(object: &Map<String, Value>) -> Result<Option<String>, Fault> {
    if let Some(key) = text(object, "routeKey")? {
        return Ok(Some(key));
    }
    let resource = match text(object, "resourcePath")? {
        Some(resource) => Some(resource),
        None => text(object, "path")?,
    };
    Ok(match (text(object, "httpMethod")?, resource) {
        (Some(method), Some(resource)) => Some(format!("{method} {resource}")),
        (_, resource) => resource,
    })
}

fn time(object: &Map<String, Value>) -> Result<i64, Fault> {
    let [epoch, common] = TIME_KEYS;
    if let Some(number) = text(object, epoch)? {
        let number: i64 =
            number.parse().map_err(|_| of_key(epoch, format!("{number:?} is no epoch in milliseconds")))?;
        return Ok(if number >= LEAST_MILLISECONDS { number.div_euclid(1000) } else { number });
    }
    let time = text(object, common)?
        .ok_or_else(|| Fault::new(format!("the object has neither {common} nor {epoch}")))?;
    common_time(&time).ok_or_else(|| {
        of_key(common, format!("{time:?} is not a time such as \"10/Oct/2000:13:55:36 -0700\""))
    })
}

/// A value as text, whether it was quoted in the log's template or not; `None` where it is absent, null or `-`.
fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Fault> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() || text == "-" => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(of_key(key, format!("{other} is neither text nor a number"))),
    }
}

fn milliseconds(object: &Map<String, Value>, key: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = text(object, key)? else { return Ok(None) };
    let us =
        thousandths(&text).ok_or_else(|| of_key(key, format!("{text:?} is no number of milliseconds")))?;
    Ok(Some(us))
}

fn of_key(key: &str, problem: String) -> Fault {
    Fault::new(format!("{key}: {problem}"))
}
