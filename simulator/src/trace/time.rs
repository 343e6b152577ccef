//! Times as people and programs write them.

use chrono::{DateTime, NaiveDateTime};

/// Forms of a time without a zone.
const PLAIN: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// Characters of the shortest form.
const SHORTEST: usize = 16;

/// An ISO 8601 time in seconds since 1970; without a zone it is UTC.
pub(super) fn iso_time(text: &str) -> Option<i64> {
    if text.len() < SHORTEST || !text.is_ascii() || text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let plain = || {
        let at = PLAIN.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        at.map(|at| at.and_utc().timestamp())
    };
    zoned.ok().map(|at| at.timestamp()).or_else(plain)
}
