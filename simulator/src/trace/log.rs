//! Access logs, counted into requests per minute while they are read: a log may be larger than memory.
//!
//! A log knows the requests that came, not the functions that ran: what a cache, a firewall or a redirect answered is
//! counted too, and said. Within a file a minute without a line is a minute without a request; between files nothing
//! is known.

mod alb;
mod api_gateway;
mod cloudfront;
mod common;
mod format;
mod json;
mod lambda;
mod odd;
mod prefix;
mod text;
mod waf;
mod wrapped;

use std::borrow::Cow;
use std::collections::BTreeMap;

use guard_core::time::Minute;

pub use self::format::LogFormat;
use self::odd::{Odd, Place};
use super::input::InputError;
use super::stream::Stream;
use super::{
    CALENDAR_S, Fill, Filled, MAX_MINUTES, Reading, Trace, TraceError, TraceFunction, Trigger, check_size,
};

/// More functions than any account's front door has: anything above is the noise of scanners.
const MAX_FUNCTIONS: usize = 10_000;

/// The function of a log that is not split by path.
const SITE: &str = "site";

/// The fields taken from a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// The path or route; `None` where the line has none.
    pub path: Option<Cow<'a, str>>,
    /// The function that ran, where the line is of its own log; such a log is not split by path.
    pub function: Option<Cow<'a, str>>,
    /// How long the answer took, in microseconds.
    pub duration_us: Option<u64>,
    /// The memory that the function had, in MB.
    pub memory_mb: Option<u32>,
    /// Why this may be no invocation, or less exact than it looks: one of a few sentences' ends.
    pub doubt: Option<&'static str>,
}

impl Request<'_> {
    /// The same, apart from the line.
    fn owned(self) -> Request<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Request {
            at_s: self.at_s,
            path: own(self.path),
            function: own(self.function),
            duration_us: self.duration_us,
            memory_mb: self.memory_mb,
            doubt: self.doubt,
        }
    }
}

/// The problem of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The field: its number, counted from 1, and its name.
    pub field: Option<(usize, String)>,
    /// The problem.
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
    odd: Vec<String>,
    requests: u64,
    reports: u64,
    names: Vec<String>,
}

/// The requests of one function.
#[derive(Debug, Default)]
struct Tally {
    minutes: BTreeMap<i64, u64>,
    timed: u64,
    sum_us: u128,
    longest_us: u64,
    memory_mb: Option<u32>,
}

/// What one file holds so far.
#[derive(Debug, Default)]
struct FileCount {
    odd: Odd,
    span: Option<(i64, i64)>,
    header: Option<cloudfront::Header>,
}

impl Counter {
    /// Counts all requests as one function or, with `by_path`, those of a path's first so many segments as one each.
    pub fn new(by_path: Option<usize>) -> Self {
        Counter {
            by_path,
            functions: BTreeMap::new(),
            covered: Vec::new(),
            doubts: BTreeMap::new(),
            odd: Vec::new(),
            requests: 0,
            reports: 0,
            names: Vec::new(),
        }
    }

    /// Counts a file line by line. A line that cannot be read is left out and reported.
    ///
    /// # Errors
    /// Where most lines are not of the format, the first of them; or what ends the count at once, such as a damaged
    /// archive or too many paths.
    pub fn count(&mut self, stream: Stream, format: LogFormat) -> Result<(), InputError> {
        let mut lines = stream.into_lines();
        let name = lines.name().to_owned();
        let mut file = FileCount::default();
        while let Some((number, line)) = lines.next_line()? {
            let line = match line {
                Ok(line) => line,
                Err(problem) => {
                    file.odd.add(Place::Line(number), Fault::new(problem));
                    continue;
                }
            };
            // Zeros stand where a log was emptied while it was written; a byte order mark, where files were put together.
            let line = line.trim_start_matches(['\0', '\u{feff}']);
            if line.trim().is_empty() {
                continue;
            }
            match format.parse(line, None, &mut file.header) {
                Ok(None) => {}
                Ok(Some(request)) => self
                    .add(&mut file, Place::Line(number), &request)
                    .map_err(|problem| TraceError::of_line(&name, number, problem))?,
                Err(fault) => file.odd.add(Place::Line(number), fault),
            }
        }
        Ok(self.close(file, name)?)
    }

    /// Counts a file of JSON documents that wrap lines, and says of which log the lines are; `None`: of no log.
    ///
    /// # Errors
    /// As [`Counter::count`]; where it is no JSON, or wraps nothing.
    pub fn count_wrapped(&mut self, stream: Stream) -> Result<Option<LogFormat>, InputError> {
        let name = stream.name().to_owned();
        let mut file = FileCount::default();
        let (mut format, mut refused, mut events, mut strange) = (None, None, 0_u64, 0_u64);
        let read = wrapped::read(stream.into_lines().into_reader(), &mut |event| {
            events += 1;
            if refused.is_some() || event.message.is_empty() {
                return;
            }
            format = format.or_else(|| LogFormat::of_line(&event.message, event.logged_s));
            let Some(format) = format else {
                strange += 1;
                return;
            };
            match format.parse(&event.message, event.logged_s, &mut file.header) {
                Ok(None) => {}
                Ok(Some(mut request)) => {
                    if let (Some(function), Some(group)) = (&mut request.function, &event.group) {
                        *function = Cow::Borrowed(group.rsplit('/').next().unwrap_or(group));
                    }
                    let added = self.add(&mut file, Place::Event(events), &request);
                    refused = added.err().map(|problem| (events, problem));
                }
                Err(fault) => file.odd.add(Place::Event(events), fault),
            }
        });
        read.map_err(|error| wrapped_error(&name, &error))?;
        if let Some((event, problem)) = refused {
            return Err(TraceError::of_file(&name, format!("event {event}: {problem}")).into());
        }
        if format.is_none() && events > 0 {
            return Ok(None);
        }
        if format.is_some_and(|format| format != LogFormat::Lambda) {
            (0..strange).for_each(|_| file.odd.add(Place::Event(1), Fault::new("no line of a log")));
        }
        self.close(file, name)?;
        Ok(format)
    }

    /// Ends a file.
    fn close(&mut self, file: FileCount, name: String) -> Result<(), TraceError> {
        self.odd.extend(file.odd.told(&name)?);
        let span = file.span.ok_or_else(|| TraceError::of_file(&name, "the log holds no request"))?;
        self.covered.push(span);
        self.names.push(name);
        Ok(())
    }

    /// Adds a request, or counts it as odd where its time cannot be right.
    ///
    /// # Errors
    /// Where there are too many paths.
    fn add(&mut self, file: &mut FileCount, place: Place, request: &Request<'_>) -> Result<(), String> {
        if !CALENDAR_S.contains(&request.at_s) {
            file.odd.add(place, Fault::new("the time is not from 1900 to 2199"));
            return Ok(());
        }
        let minute = request.at_s.div_euclid(60);
        let (first, last) = file.span.map_or((minute, minute), |(a, b)| (a.min(minute), b.max(minute)));
        let earliest = self.covered.iter().fold(first, |least, (from, _)| least.min(*from));
        let latest = self.covered.iter().fold(last, |most, (_, to)| most.max(*to));
        if latest.saturating_sub(earliest) >= MAX_MINUTES {
            file.odd.add(place, Fault::new("the time is more than a year away from another line's"));
            return Ok(());
        }
        file.span = Some((first, last));
        file.odd.read += 1;
        self.tally(minute, request)
    }

    fn tally(&mut self, minute: i64, request: &Request<'_>) -> Result<(), String> {
        let id = match (&request.function, self.by_path) {
            (Some(function), _) => Cow::Borrowed(function.as_ref()),
            (None, None) => Cow::Borrowed(SITE),
            (None, Some(segments)) => prefix(request.path.as_deref(), segments),
        };
        if !self.functions.contains_key(id.as_ref()) {
            if self.functions.len() >= MAX_FUNCTIONS {
                return Err(format!("more than {MAX_FUNCTIONS} paths: give a smaller --by-path, or none"));
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
        tally.memory_mb = tally.memory_mb.max(request.memory_mb);
        if let Some(doubt) = request.doubt {
            *self.doubts.entry(doubt).or_default() += 1;
        }
        self.requests += 1;
        self.reports += u64::from(request.function.is_some());
        Ok(())
    }

    /// What was counted. Few logs know memory, and not all know durations: `fill` must.
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
        let remarks = self.remarks(&known);
        let mut functions = Vec::with_capacity(self.functions.len());
        let mut filled = Filled::default();
        for (id, tally) in self.functions {
            filled.durations += usize::from(tally.timed == 0);
            filled.memory += usize::from(tally.memory_mb.is_none());
            let memory_mb = tally.memory_mb.or(fill.memory_mb).ok_or_else(|| {
                TraceError::of_file(&title, "an access log knows no memory: give --memory-mb")
            })?;
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
        remarks.extend(self.odd.iter().cloned());
        let gaps = known.iter().filter(|known| !**known).count();
        if gaps > 0 {
            remarks.push(format!("{gaps} minutes lie between the files: they stay unknown, not zero."));
        }
        if self.reports > 0 {
            remarks.push(
                "Each REPORT is one invocation; what triggers them is not said: taken as synchronous."
                    .to_owned(),
            );
        }
        if self.requests > self.reports {
            remarks.push("Each request of the log is taken as one invocation.".to_owned());
        }
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
        Some((method, path)) if !method.contains('/') => (format!("{method} "), path),
        _ => (String::new(), path),
    };
    if !path.starts_with('/') && method.is_empty() {
        return Cow::Owned(path.to_owned());
    }
    let kept: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(segments).collect();
    Cow::Owned(format!("{method}/{}", kept.join("/")))
}

fn wrapped_error(name: &str, error: &serde_json::Error) -> InputError {
    let line = u64::try_from(error.line()).unwrap_or(0).max(1);
    let what = if error.is_io() { "the file is damaged or cut short here" } else { "not JSON" };
    TraceError::of_line(name, line, format!("{what}: {error}")).into()
}

#[cfg(test)]
mod tests;
