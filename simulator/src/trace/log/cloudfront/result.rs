//! Whether CloudFront asked anything behind it.
//!
//! `x-edge-result-type` is how the edge classed the answer after its last byte, `x-edge-response-result-type` before
//! it, `x-edge-detailed-result-type` the precise reason; `origin-fbl` is the latency of the origin and `-` where it was
//! not asked ("Standard logging reference" and "Use real-time access logs" of the CloudFront Developer Guide, read
//! 2026-11). A RefreshHit asked the origin whether the cache was fresh, and what a function of Lambda@Edge answered ran
//! one: neither was answered by the edge alone.

use std::borrow::Cow;

/// Columns with a word for it.
const COLUMNS: [&str; 3] =
    ["x-edge-result-type", "x-edge-response-result-type", "x-edge-detailed-result-type"];

/// Words for an answer from a cache, a quota, a redirect or a function at the edge, which CloudFront runs itself.
const ALONE: [&str; 6] =
    ["Hit", "OriginShieldHit", "LimitExceeded", "CapacityExceeded", "Redirect", "FunctionGeneratedResponse"];

/// Beginnings of words for requests that were refused before the origin was asked.
const REFUSED: [&str; 4] =
    ["ClientGeoBlocked", "InvalidRequest", "FunctionExecutionError", "FunctionThrottledError"];

/// Another such word.
const NOT_VALID: &str = "FunctionValidationError";

/// The remark on requests that the edge answered by itself.
const BY_EDGE: &str = "were answered by CloudFront alone (Hit, Redirect, a limit or a function at the edge): counted, though nothing \
     behind it ran.";

/// The remark on requests for which that is unknown.
const UNKNOWN: &str = "ended as Error: counted, though the log does not say whether CloudFront (a WAF rule, for one) refused them alone.";

/// The remark on a request, by the values of its columns.
pub(super) fn doubt<'v>(value: impl Fn(&str) -> Option<Cow<'v, str>>) -> Option<&'static str> {
    let words: Vec<Cow<'_, str>> = COLUMNS.iter().filter_map(|name| value(name)).collect();
    let is_alone = |word: &Cow<'_, str>| {
        ALONE.contains(&word.as_ref())
            || word == NOT_VALID
            || REFUSED.iter().any(|beginning| word.starts_with(beginning))
    };
    if words.iter().any(is_alone) {
        return Some(BY_EDGE);
    }
    let is_vague = !words.is_empty() && words.iter().all(|word| word == "Error");
    if is_vague && value("origin-fbl").is_none() { Some(UNKNOWN) } else { None }
}
