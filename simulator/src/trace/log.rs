//! Access logs, counted into requests per minute while they are read: a log may be larger than memory.
//!
//! A log knows the requests that came, not the functions that ran: what a cache, a firewall or a redirect answered is
//! counted too, and said. Within a file a minute without a line is a minute without a request; between files nothing
//! is known.

pub mod alb;
pub mod api_gateway;
pub mod cloudfront;
pub mod common;

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::DateTime;
use guard_core::time::Minute;

use super::input::InputError;
use super::stream::Stream;
use super::table::{MAX_VALUE, thousandths};
use super::{
    CALENDAR_S, Fill, Filled, MAX_MINUTES, Reading, Trace, TraceError, TraceFunction, Trigger, check_size,
};

/// More functions than any account's front door has: what is above is the noise of scanners.
const MAX_FUNCTIONS: usize = 10_000;

/// The function of a log that is not split by path.
const SITE: &str = "site";

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Common or Combined Log Format.
    Common,
    /// Application Load Balancer.
    Alb,
    /// CloudFront standard log.
    CloudFront,
    /// API Gateway access log, a JSON object a line.
    ApiGateway,
}

/// What is taken from a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// The path or route; `None` where the line has none.
    pub path: Option<Cow<'a, str>>,
    /// How long the answer took, in microseconds.
    pub duration_us: Option<u64>,
    /// Why this may be no invocation, or less exact than it looks: one of a few sentences' ends.
    pub doubt: Option<&'static str>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The field: its number, counted from 1, and its name.
    pub field: Option<(usize, String)>,
    /// What is wrong.
    pub problem: String,
}

impl Fault {
    /// A fault of the line as a whole.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Fault { field: None, problem: problem.into() }
    }

    /// A fault of a field, counted from 0.
    pub(super) fn of(index: usize, name: &str, problem: impl Into<String>) -> Self {
        Fault { field: Some((index + 1, name.to_owned())), problem: problem.into() }
    }
}

/// Counts requests of one or more files.
#[derive(Debug)]
pub struct Counter {
    by_path: Option<usize>,
    functions: BTreeMap<String, Tally>,
    covered: Vec<(i64, i64)>,
    doubts: BTreeMap<&'static str, u64>,
    requests: u64,
    names: Vec<String>,
}

/// The requests of one function.
#[derive(Debug, Default)]
struct Tally {
    minutes: BTreeMap<i64, u64>,
    timed: u64,
    sum_us: u128,
    longest_us: u64,
}

impl Counter {
    /// Counts all requests as one function or, with `by_path`, those of a path's first so many segments as one each.
    pub fn new(by_path: Option<usize>) -> Self {
        Counter {
            by_path,
            functions: BTreeMap::new(),
            covered: Vec::new(),
            doubts: BTreeMap::new(),
            requests: 0,
            names: Vec::new(),
        }
    }

    /// Counts a file.
    ///
    /// # Errors
    /// The first line that is not of the format, or is more than a year away from another.
    pub fn count(&mut self, stream: Stream, format: LogFormat) -> Result<(), InputError> {
        let mut lines = stream.into_lines();
        let name = lines.name().to_owned();
        let mut header = None;
        let mut span: Option<(i64, i64)> = None;
        while let Some((number, line)) = lines.next_line()? {
            let at_line = |fault: Fault| TraceError {
                column: fault.field,
                ..TraceError::of_line(&name, number, fault.problem)
            };
            if line.trim().is_empty() {
                continue;
            }
            let request = match format {
                LogFormat::Common => common::parse(&line).map(Some),
                LogFormat::Alb => alb::parse(&line).map(Some),
                LogFormat::ApiGateway => api_gateway::parse(&line).map(Some),
                LogFormat::CloudFront => cloudfront::parse(&line, &mut header),
            };
            let Some(request) = request.map_err(at_line)? else { continue };
            if !CALENDAR_S.contains(&request.at_s) {
                return Err(at_line(Fault::new("the time is not from 1900 to 2199")).into());
            }
            let minute = request.at_s.div_euclid(60);
            let (first, last) = span.map_or((minute, minute), |(a, b)| (a.min(minute), b.max(minute)));
            span = Some((first, last));
            let earliest = self.covered.iter().fold(first, |least, (from, _)| least.min(*from));
            let latest = self.covered.iter().fold(last, |most, (_, to)| most.max(*to));
            if latest.saturating_sub(earliest) >= MAX_MINUTES {
                return Err(
                    at_line(Fault::new("the time is more than a year away from another line's")).into()
                );
            }
            self.add(minute, &request).map_err(at_line)?;
        }
        let span = span.ok_or_else(|| TraceError::of_file(&name, "the log holds no request"))?;
        self.covered.push(span);
        self.names.push(name);
        Ok(())
    }

    fn add(&mut self, minute: i64, request: &Request<'_>) -> Result<(), Fault> {
        let id = match self.by_path {
            None => Cow::Borrowed(SITE),
            Some(segments) => prefix(request.path.as_deref(), segments),
        };
        if !self.functions.contains_key(id.as_ref()) {
            if self.functions.len() >= MAX_FUNCTIONS {
                let problem = format!("more than {MAX_FUNCTIONS} paths: give a smaller --by-path, or none");
                return Err(Fault::new(problem));
            }
            self.functions.insert(id.clone().into_owned(), Tally::default());
        }
        let Some(tally) = self.functions.get_mut(id.as_ref()) else { return Ok(()) };
        *tally.minutes.entry(minute).or_default() += 1;
        if let Some(us) = request.duration_us {
            tally.timed += 1;
            tally.sum_us += u128::from(us);
            tally.longest_us = tally.longest_us.max(us);
        }
        if let Some(doubt) = request.doubt {
            *self.doubts.entry(doubt).or_default() += 1;
        }
        self.requests += 1;
        Ok(())
    }

    /// What was counted. Logs know no memory, and not all know durations: `fill` must.
    ///
    /// # Errors
    /// Where `fill` lacks what the files lack, or nothing was counted.
    pub fn finish(mut self, fill: Fill) -> Result<Reading, TraceError> {
        let title = self.names.join(", ");
        self.covered.sort_unstable();
        let (Some(first), Some(last)) =
            (self.covered.first().map(|span| span.0), self.covered.iter().map(|span| span.1).max())
        else {
            return Err(TraceError::of_file(&title, "no log was read"));
        };
        let minutes = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        check_size(&title, self.functions.len(), minutes)?;
        let known = self.known(first, minutes);
        let memory_mb = fill
            .memory_mb
            .ok_or_else(|| TraceError::of_file(&title, "an access log knows no memory: give --memory-mb"))?;
        let remarks = self.remarks(&known);
        let mut functions = Vec::with_capacity(self.functions.len());
        let mut filled = Filled { durations: 0, memory: self.functions.len() };
        for (id, tally) in self.functions {
            filled.durations += usize::from(tally.timed == 0);
            let (mean_us, longest_us) = match tally.mean_us() {
                Some(mean_us) => (mean_us, tally.longest_us),
                None => fill.duration_us.map(|us| (us, us)).ok_or_else(|| {
                    let problem = format!("no line of {id} says how long it took: give --duration-ms");
                    TraceError::of_file(&title, problem)
                })?,
            };
            let count = |(minute, known): (i64, &bool)| {
                known.then(|| tally.minutes.get(&minute).copied().unwrap_or(0))
            };
            functions.push(TraceFunction {
                invocations: (first..).zip(&known).map(count).collect(),
                id,
                trigger: Trigger::Http,
                mean_us,
                longest_us,
                peak_memory_milli_mb: u64::from(memory_mb) * 1000,
            });
        }
        Ok(Reading { trace: Trace { title, first: Minute(first), minutes, functions, remarks }, filled })
    }

    /// Which minutes lie within a file.
    fn known(&self, first: i64, minutes: usize) -> Vec<bool> {
        let mut known = vec![false; minutes];
        for (from, to) in &self.covered {
            let offset = |minute: i64| usize::try_from(minute - first).unwrap_or(0);
            if let Some(part) = known.get_mut(offset(*from)..=offset(*to)) {
                part.fill(true);
            }
        }
        known
    }

    fn remarks(&self, known: &[bool]) -> Vec<String> {
        let mut remarks: Vec<String> = self
            .doubts
            .iter()
            .map(|(doubt, count)| format!("{count} of {} requests {doubt}", self.requests))
            .collect();
        let gaps = known.iter().filter(|known| !**known).count();
        if gaps > 0 {
            remarks.push(format!("{gaps} minutes lie between the files: they stay unknown, not zero."));
        }
        remarks.push("Each request of the log is taken as one invocation.".to_owned());
        remarks
    }
}

impl Tally {
    /// The mean of the durations known, rounded up.
    fn mean_us(&self) -> Option<u64> {
        if self.timed == 0 {
            return None;
        }
        u64::try_from(self.sum_us.div_ceil(u128::from(self.timed))).ok()
    }
}

/// The first segments of a path, without its query; a route keeps its method (`GET /pets`).
fn prefix(path: Option<&str>, segments: usize) -> Cow<'static, str> {
    let path = path.and_then(|path| path.split(['?', '#']).next()).map(str::trim);
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Cow::Borrowed("(no path)") };
    let (method, path) = match path.split_once(' ') {
        Some((method, path)) => (format!("{method} "), path),
        None => (String::new(), path),
    };
    if !path.starts_with('/') && method.is_empty() {
        return Cow::Owned(path.to_owned());
    }
    let kept: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(segments).collect();
    Cow::Owned(format!("{method}/{}", kept.join("/")))
}

/// The target of a request line (`GET /a/b?c HTTP/1.1`), without scheme and host.
fn target(request: &str) -> Option<&str> {
    let target = request.split(' ').nth(1)?;
    match target.split_once("://") {
        Some((_, rest)) => Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")),
        None => Some(target),
    }
}

/// Seconds as a decimal number, in microseconds; `None` also for what no table could hold.
fn seconds(text: &str) -> Option<u64> {
    thousandths(text)?.checked_mul(1000).filter(|us| *us < MAX_VALUE * 1000)
}

/// A time in the Common Log Format: `10/Oct/2000:13:55:36 -0700`.
fn common_time(text: &str) -> Option<i64> {
    DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z").ok().map(|at| at.timestamp())
}

/// Fields that stand apart by blanks; what is quoted is one field, and `\` keeps the character after it.
fn fields(line: &str) -> Vec<&str> {
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
fn closing_quote(bytes: &[u8], from: usize) -> Option<usize> {
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

#[cfg(test)]
mod tests;
