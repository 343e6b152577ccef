//! Common Log Format and Combined Log Format.
//!
//! `%h %l %u %t "%r" %>s %b`, and for Combined `"%{Referer}i" "%{User-agent}i"` after it (Apache HTTP Server 2.4, "Log
//! Files" and `mod_log_config`, read 2026-11). `%t` is when the request was received. What stands before the time, such
//! as a virtual host, and what stands after the size is of no interest here. API Gateway's CLF is read too: it has no
//! blank between time and request ("Access logging for REST APIs", read 2026-11).
//!
//! `%u` is what a client chose, blanks and brackets included. A quote in it is escaped, `\"` by Apache and `\x22` by
//! nginx, so the time is the first that a quote follows.

use super::text::{closing_quote, common_time, is_status, target};
use super::{Fault, Request};

/// The most characters of a time between its brackets.
const LONGEST_TIME: usize = 40;

/// Reads a line.
///
/// # Errors
/// What is missing or malformed.
pub(super) fn parse(line: &str) -> Result<Request<'_>, Fault> {
    let shape = "expected host ident user [day/month/year:hour:minute:second zone] \"request\" status bytes";
    let mut wrong = None;
    for (at, _) in line.match_indices('[').filter(|(at, _)| *at > 0) {
        let Some((time, quoted)) = time_and_request(line.get(at + 1..).unwrap_or_default()) else { continue };
        match common_time(time) {
            Some(at_s) => match after_time(at_s, quoted) {
                Ok(request) => return Ok(request),
                Err(fault) => wrong = wrong.or(Some(fault)),
            },
            None => {
                let problem = format!("{time:?} is not a time such as \"10/Oct/2000:13:55:36 -0700\"");
                wrong = wrong.or(Some(Fault::of(3, "%t", problem)));
            }
        }
    }
    Err(wrong.unwrap_or_else(|| Fault::new(shape)))
}

/// What stands in brackets, and what the quote after them opens.
fn time_and_request(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take(LONGEST_TIME).position(|byte| byte == b']')?;
    let quoted = text.get(end + 1..)?.trim_start_matches(' ').strip_prefix('"')?;
    Some((text.get(..end)?, quoted))
}

fn after_time(at_s: i64, quoted: &str) -> Result<Request<'_>, Fault> {
    let end = closing_quote(quoted.as_bytes(), 0)
        .ok_or_else(|| Fault::of(4, "%r", "the quote of the request does not close"))?;
    let (request, rest) = (quoted.get(..end).unwrap_or_default(), quoted.get(end + 1..).unwrap_or_default());
    let mut after = rest.split(' ').filter(|part| !part.is_empty());
    let status = after.next().unwrap_or_default();
    if !is_status(status) {
        return Err(Fault::of(5, "%>s", format!("{status:?} is not a status of three digits")));
    }
    let size = after.next().unwrap_or_default();
    if size != "-" && (size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Fault::of(6, "%b", format!("{size:?} is not a number of bytes or -")));
    }
    Ok(Request { at_s, path: target(request).map(Into::into), ..Request::default() })
}
