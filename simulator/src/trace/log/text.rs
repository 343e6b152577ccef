//! The building blocks of log lines: quoted fields, request lines, times, numbers.

use chrono::DateTime;

use crate::trace::table::{MAX_VALUE, thousandths};

/// The remark on requests with quotes that the log did not escape.
pub(super) const UNESCAPED: &str =
    "hold quotes that the log did not escape: counted, with what could be made out of them.";

/// Above this an epoch is in milliseconds: seconds get here in the year 5138.
const LEAST_MILLISECONDS: i64 = 100_000_000_000;

/// The target of a request line (`GET /a/b?c HTTP/1.1`), without scheme and host. A route keeps its own method.
pub(super) fn target(request: &str) -> Option<&str> {
    let (_, rest) = request.split_once(' ')?;
    let target = match rest.rsplit_once(' ') {
        Some((target, protocol)) if protocol.starts_with("HTTP/") => target,
        _ => rest,
    };
    match target.split_once("://") {
        Some((_, rest)) => Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")),
        None => Some(target),
    }
}

/// Seconds as a decimal number, in microseconds; `None` also for values that no table could hold.
pub(super) fn seconds(text: &str) -> Option<u64> {
    thousandths(text)?.checked_mul(1000).filter(|us| *us < MAX_VALUE * 1000)
}

/// A time in the Common Log Format: `10/Oct/2000:13:55:36 -0700`.
pub(super) fn common_time(text: &str) -> Option<i64> {
    DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S%.f %z").ok().map(|at| at.timestamp())
}

/// Seconds since 1970 from an epoch in seconds or milliseconds, with or without decimals.
pub(super) fn epoch(text: &str) -> Option<i64> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let number: i64 = whole.parse().ok()?;
    Some(if number >= LEAST_MILLISECONDS { number.div_euclid(1000) } else { number })
}

/// Whether this is a status of HTTP.
pub(super) fn is_status(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Fields separated by blanks; a quoted text is one field, and `\` keeps the character after it.
pub(super) fn fields(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes.get(at) == Some(&b' ') {
            at += 1;
            continue;
        }
        let (from, to, next) = if bytes.get(at) == Some(&b'"') {
            let end = closing_quote(bytes, at + 1).unwrap_or(bytes.len());
            (at + 1, end, end + 1)
        } else {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b' ').map_or(bytes.len(), |length| at + length);
            (at, end, end)
        };
        found.push(line.get(from..to).unwrap_or_default());
        at = next;
    }
    found
}

/// Where the quote that is open closes.
pub(super) fn closing_quote(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}
