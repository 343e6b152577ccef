//! Log of AWS WAF: a JSON object a line, of a request that was inspected.
//!
//! `timestamp` is in milliseconds, `action` is what ended the inspection, `httpRequest.uri` is the path without query
//! ("Log fields for protection pack (web ACL) traffic" of the AWS WAF Developer Guide, read 2026-11).

use std::borrow::Cow;

use super::json::{self, Object, of_key, text};
use super::text::epoch;
use super::{Fault, Request};

/// The remark on requests that did not get past the firewall.
const BLOCKED: &str =
    "were answered by WAF alone (BLOCK, CAPTCHA, CHALLENGE): counted, though nothing behind it ran.";

/// Whether an object is of such a log.
pub(super) fn is_of(object: &Object) -> bool {
    let names_rule = object.contains_key("webaclId") || object.contains_key("terminatingRuleId");
    names_rule && object.contains_key("timestamp") && object.contains_key("httpRequest")
}

/// Reads a line.
///
/// # Errors
/// The problem, with the key that is missing or malformed.
pub(super) fn parse(line: &str) -> Result<Request<'static>, Fault> {
    let (object, doubt) = json::read(line)?;
    let time = text(&object, "timestamp")?.ok_or_else(|| Fault::new("the object has no timestamp"))?;
    let at_s =
        epoch(&time).ok_or_else(|| of_key("timestamp", format!("{time:?} is no epoch in milliseconds")))?;
    let request = object.get("httpRequest").and_then(|request| request.as_object());
    let path = request.map(|request| text(request, "uri")).transpose()?.flatten();
    let action = text(&object, "action")?.unwrap_or_default();
    let is_blocked = ["BLOCK", "CAPTCHA", "CHALLENGE"].contains(&action.as_ref());
    let path = path.map(|path| Cow::Owned(path.into_owned()));
    Ok(Request { at_s, path, doubt: is_blocked.then_some(BLOCKED).or(doubt), ..Request::default() })
}
