//! Access log of API Gateway in the formats that its console offers: CLF (in [`super::common`]), JSON, XML and CSV.
//!
//! The owner of an API chooses the keys of JSON and XML; read are those that bear the name of their `$context`
//! variable, as in the examples of "Access logging for REST APIs" and "Configure logging for HTTP APIs" (read 2026-11):
//! `requestTime` (as in the Common Log Format) or `requestTimeEpoch` (milliseconds), `routeKey` or `httpMethod` and
//! `resourcePath` or `path`, `integrationLatency` and `responseLatency` in milliseconds, `status`. A variable without
//! value is logged as `-`. In CSV the order of the console is `ip, caller, user, requestTime, httpMethod, resourcePath,
//! protocol, status, …` ("Set up CloudWatch logging for REST APIs", read 2026-11); the fields after the time count.

use std::borrow::Cow;

use serde_json::Value;

use super::json::{self, Object, milliseconds, of_key, text};
use super::text::{common_time, epoch, is_status};
use super::{Fault, Request};

/// The keys of which one must be present: they distinguish this format from others.
pub(super) const TIME_KEYS: [&str; 2] = ["requestTimeEpoch", "requestTime"];

/// Keys of a request, for objects that leave their time to CloudWatch Logs.
const REQUEST_KEYS: [&str; 4] = ["routeKey", "httpMethod", "resourcePath", "path"];

/// The remark on durations that include more than the function's.
const WHOLE_LATENCY: &str =
    "have no integrationLatency: their responseLatency stands in, which holds the gateway's own time.";

/// The remark on requests that the gateway answered by itself: throttled, cached, refused.
const NO_INTEGRATION: &str = "reached no integration (integrationLatency -): counted, without a duration.";

/// Whether an object is of such a log.
pub(super) fn is_of(object: &Object, logged_s: Option<i64>) -> bool {
    let has = |key: &&str| object.contains_key(*key);
    TIME_KEYS.iter().any(&has) || (logged_s.is_some() && has(&"status") && REQUEST_KEYS.iter().any(has))
}

/// Reads a JSON line; `logged_s` is when CloudWatch Logs got it, if it went through there.
///
/// # Errors
/// The problem, with the key that is missing or malformed.
pub(super) fn parse(line: &str, logged_s: Option<i64>) -> Result<Request<'static>, Fault> {
    let (object, doubt) = json::read(line)?;
    let request = of_object(&object, logged_s)?;
    Ok(Request { doubt: request.doubt.or(doubt), ..request })
}

/// Reads an XML line: an element `<key>value</key>` for each variable.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_xml(line: &str, logged_s: Option<i64>) -> Result<Request<'static>, Fault> {
    let mut object = Object::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((name, inner)) = after.split_once('>') else { break };
        let value = inner.find('<').map_or(inner, |end| inner.get(..end).unwrap_or(inner));
        rest = inner.get(value.len()..).unwrap_or_default();
        let closing = rest.strip_prefix("</").and_then(|rest| rest.strip_prefix(name));
        if closing.is_some_and(|rest| rest.starts_with('>')) {
            object.insert(name.to_owned(), Value::from(value));
        }
    }
    if !line.trim_end().ends_with("</request>") && !TIME_KEYS.iter().any(|key| object.contains_key(*key)) {
        return Err(Fault::new("expected <request …><requestTime>…</requestTime>…</request>"));
    }
    of_object(&object, logged_s)
}

fn of_object(object: &Object, logged_s: Option<i64>) -> Result<Request<'static>, Fault> {
    let at_s = time(object, logged_s)?;
    if let Some(status) = text(object, "status")?
        && !is_status(&status)
    {
        return Err(of_key("status", format!("{status:?} is no status of three digits")));
    }
    let (duration_us, doubt) =
        match (object.contains_key("integrationLatency"), milliseconds(object, "integrationLatency")?) {
            (_, Some(us)) => (Some(us), None),
            (true, None) => (None, Some(NO_INTEGRATION)),
            (false, None) => {
                let whole = milliseconds(object, "responseLatency")?;
                (whole, whole.is_some().then_some(WHOLE_LATENCY))
            }
        };
    Ok(Request { at_s, path: route(object)?.map(Cow::Owned), duration_us, doubt, ..Request::default() })
}

/// The route: as API Gateway names it, or method and resource.
fn route(object: &Object) -> Result<Option<String>, Fault> {
    if let Some(key) = text(object, "routeKey")? {
        return Ok(Some(key.into_owned()));
    }
    let resource = match text(object, "resourcePath")? {
        Some(resource) => Some(resource),
        None => text(object, "path")?,
    };
    Ok(match (text(object, "httpMethod")?, resource) {
        (Some(method), Some(resource)) => Some(format!("{method} {resource}")),
        (_, resource) => resource.map(Cow::into_owned),
    })
}

fn time(object: &Object, logged_s: Option<i64>) -> Result<i64, Fault> {
    let [in_ms, common] = TIME_KEYS;
    if let Some(number) = text(object, in_ms)? {
        return epoch(&number)
            .ok_or_else(|| of_key(in_ms, format!("{number:?} is no epoch in milliseconds")));
    }
    let Some(time) = text(object, common)? else {
        return logged_s.ok_or_else(|| Fault::new(format!("the object has neither {common} nor {in_ms}")));
    };
    common_time(time.trim_matches(['[', ']'])).ok_or_else(|| {
        of_key(common, format!("{time:?} is not a time such as \"10/Oct/2000:13:55:36 -0700\""))
    })
}

/// Reads a CSV line.
///
/// # Errors
/// The problem: what is missing or malformed.
pub(super) fn parse_csv(line: &str) -> Result<Request<'static>, Fault> {
    let wrong = || {
        Fault::new(
            "expected ip,caller,user,day/month/year:hour:minute:second zone,method,resource,protocol,status",
        )
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().ok_or_else(wrong)?.map_err(|_| wrong())?;
    let cells: Vec<&str> = record.iter().map(|cell| cell.trim().trim_matches(['"', '[', ']'])).collect();
    let (place, at_s) = (cells.iter().enumerate())
        .find_map(|(place, cell)| Some((place, common_time(cell)?)))
        .ok_or_else(wrong)?;
    let after = cells.get(place + 1..).unwrap_or_default();
    let status = after.iter().position(|cell| is_status(cell)).ok_or_else(wrong)?;
    let words = after.get(..status).unwrap_or_default();
    let resource = words.iter().rev().find(|word| word.contains('/') && !word.starts_with("HTTP/"));
    let path = match (words.first(), resource.or(words.get(1))) {
        (Some(method), Some(resource)) if *method == *resource || resource.contains(' ') => {
            Some((*resource).to_owned())
        }
        (Some(method), Some(resource)) => Some(format!("{method} {resource}")),
        _ => None,
    };
    Ok(Request { at_s, path: path.map(Cow::Owned), ..Request::default() })
}
