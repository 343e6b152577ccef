//! Common Log Format and Combined Log Format.
//!
//! `%h %l %u %t "%r" %>s %b`, and for Combined `"%{Referer}i" "%{User-agent}i"` after it (Apache HTTP Server 2.4, "Log
//! Files" and `mod_log_config`, read 2026-11). `%t` is when the request was received. What stands before the time, such
//! as a virtual host, and what stands after the size is of no interest here. API Gateway's CLF is read too: it has no
//! blank between time and request ("Access logging for REST APIs", read 2026-11).
//!
//! `%u` is chosen by a client, blanks and brackets included. A quote in it is escaped, `\"` by Apache and `\x22` by
//! nginx, so the time is the first that a quote follows.

use super::text::{UNESCAPED, closing_quote, common_time, is_status, target};
use super::{Fault, Request};

/// The most characters of a time between its brackets.
const LONGEST_TIME: usize = 40;

/// Characters of a status and a size, generously.
const LONGEST_NUMBERS: usize = 64;

/// Reads a line.
///
/// # Errors
/// The problem: what is missing or malformed.
pub(super) fn parse(line: &str) -> Result<Request<'_>, Fault> {
    let shape = "expected host ident user [day/month/year:hour:minute:second zone] \"request\" status bytes";
    let (mut wrong, mut first) = (None, None);
    for (at, _) in line.match_indices('[').filter(|(at, _)| *at > 0) {
        let Some((time, quoted)) = time_and_request(line.get(at + 1..).unwrap_or_default()) else { continue };
        match common_time(time) {
            Some(at_s) => match after_time(at_s, quoted) {
                Ok(request) => return Ok(request),
                Err(fault) => {
                    wrong = wrong.or(Some(fault));
                    first = first.or(Some((at_s, quoted)));
                }
            },
            None => {
                let problem = format!("{time:?} is not a time such as \"10/Oct/2000:13:55:36 -0700\"");
                wrong = wrong.or(Some(Fault::of(3, "%t", problem)));
            }
        }
    }
    first
        .and_then(|(at_s, quoted)| without_escapes(at_s, quoted))
        .ok_or_else(|| wrong.unwrap_or_else(|| Fault::new(shape)))
}

/// The text in brackets, and the text that begins with the quote after them.
fn time_and_request(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take(LONGEST_TIME).position(|byte| byte == b']')?;
    let quoted = text.get(end + 1..)?.trim_start_matches(' ').strip_prefix('"')?;
    Some((text.get(..end)?, quoted))
}

fn after_time(at_s: i64, quoted: &str) -> Result<Request<'_>, Fault> {
    let end = closing_quote(quoted.as_bytes(), 0)
        .ok_or_else(|| Fault::of(4, "%r", "the quote of the request does not close"))?;
    status_and_size(quoted.get(end + 1..).unwrap_or_default())?;
    let path = target(quoted.get(..end).unwrap_or_default()).map(Into::into);
    Ok(Request { at_s, path, ..Request::default() })
}

/// Some servers escape nothing: then the request ends where a status and a size follow.
fn without_escapes(at_s: i64, quoted: &str) -> Option<Request<'_>> {
    let is_end = |at: &usize| status_and_size(quoted.get(at + 1..).unwrap_or_default()).is_ok();
    let end = quoted.match_indices('"').map(|(at, _)| at).find(is_end)?;
    let path = target(quoted.get(..end)?).map(Into::into);
    Some(Request { at_s, path, doubt: Some(UNESCAPED), ..Request::default() })
}

fn status_and_size(rest: &str) -> Result<(), Fault> {
    let rest =
        rest.char_indices().nth(LONGEST_NUMBERS).map_or(rest, |(end, _)| rest.get(..end).unwrap_or(rest));
    let mut after = rest.split(' ').filter(|part| !part.is_empty());
    let status = after.next().unwrap_or_default();
    if !is_status(status) {
        return Err(Fault::of(5, "%>s", format!("{status:?} is not a status of three digits")));
    }
    let size = after.next().unwrap_or_default();
    if size != "-" && (size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Fault::of(6, "%b", format!("{size:?} is not a number of bytes or -")));
    }
    Ok(())
}
