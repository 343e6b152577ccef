//! Common Log Format and Combined Log Format.
//!
//! `%h %l %u %t "%r" %>s %b`, and for Combined `"%{Referer}i" "%{User-agent}i"` after it (Apache HTTP Server 2.4, "Log
//! Files" and `mod_log_config`, read 2026-11). `%t` is when the request was received. What stands before the time, such
//! as a virtual host, and what stands after the size is of no interest here. API Gateway's CLF is read too: it has no
//! blank between time and request ("Access logging for REST APIs", read 2026-11).

use super::{Fault, Request, closing_quote, common_time, target};

/// Reads a line.
///
/// # Errors
/// What is missing or malformed.
pub fn parse(line: &str) -> Result<Request<'_>, Fault> {
    let shape = "expected host ident user [day/month/year:hour:minute:second zone] \"request\" status bytes";
    let wrong = || Fault::new(shape);
    let (before, rest) = line.split_once(" [").ok_or_else(wrong)?;
    if before.split_whitespace().count() < 3 {
        return Err(wrong());
    }
    let (time, rest) = rest.split_once(']').ok_or_else(wrong)?;
    let at_s = common_time(time).ok_or_else(|| {
        Fault::of(3, "%t", format!("{time:?} is not a time such as \"10/Oct/2000:13:55:36 -0700\""))
    })?;
    let quoted = rest.trim_start().strip_prefix('"').ok_or_else(wrong)?;
    let end = closing_quote(quoted.as_bytes(), 0)
        .ok_or_else(|| Fault::of(4, "%r", "the quote of the request does not close"))?;
    let (request, rest) = (quoted.get(..end).unwrap_or_default(), quoted.get(end + 1..).unwrap_or_default());
    let mut after = rest.split(' ').filter(|part| !part.is_empty());
    let status = after.next().unwrap_or_default();
    if status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::of(5, "%>s", format!("{status:?} is not a status of three digits")));
    }
    let size = after.next().unwrap_or_default();
    if size != "-" && (size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Fault::of(6, "%b", format!("{size:?} is not a number of bytes or -")));
    }
    Ok(Request { at_s, path: target(request).map(Into::into), ..Request::default() })
}
