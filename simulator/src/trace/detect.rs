//! Detects the format of a file by its content, and reads the trace that one or more files hold.

use std::fmt;
use std::path::Path;

use chrono::NaiveDate;

use super::input::{Input, InputError};
use super::log::{Counter, LogFormat};
use super::metric_data::Hints;
use super::stream::Stream;
use super::table::Dialect;
use super::{Fill, Filled, Reading, TraceError, azure, canonical, metric_data, requests};

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Azure Functions 2019 schema.
    Azure,
    /// A table of `period` and `count`.
    Requests,
    /// Our own table.
    Canonical,
    /// The output of `aws cloudwatch get-metric-data`.
    MetricData,
    /// The output of `aws cloudwatch get-metric-statistics`.
    MetricStatistics,
    /// A log.
    Log(LogFormat),
    /// JSON documents that wrap the lines of a log; which, shows when they are read.
    Wrapped,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Azure => "Azure Functions 2019 schema",
            Format::Requests => "requests per minute",
            Format::Canonical => "trace table",
            Format::MetricData => "CloudWatch GetMetricData",
            Format::MetricStatistics => "CloudWatch GetMetricStatistics",
            Format::Log(log) => log.label(),
            Format::Wrapped => "log wrapped in JSON",
        })
    }
}

/// What the files do not say.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Durations of an Azure trace.
    pub durations: Option<&'a Path>,
    /// Memory of an Azure trace.
    pub memory: Option<&'a Path>,
    /// What stands in for durations and memory.
    pub fill: Fill,
    /// The day of a trace without dates.
    pub date: NaiveDate,
    /// How many segments of a path make a function of a log; `None`: the whole log is one.
    pub by_path: Option<usize>,
    /// About metrics.
    pub hints: Hints,
}

/// Detects the format by a file's beginning.
pub fn detect(sample: &str) -> Option<Format> {
    let header = Dialect::of(sample).header(sample);
    let has = |column: &str| header.iter().any(|name| name == column);
    if has(azure::KEY_COLUMN) {
        return Some(Format::Azure);
    }
    if has(requests::KEY_COLUMN) {
        return Some(Format::Requests);
    }
    if has(canonical::KEY_COLUMN) && has(canonical::MEAN_COLUMN) {
        return Some(Format::Canonical);
    }
    // A log may begin with damaged lines, and its paths may contain any word, so lines of a log are tried first.
    let lines = sample.lines().map(|line| line.trim_start_matches(['\0', '\u{feff}']).trim_end());
    if let Some(log) = lines.filter(|line| !line.is_empty()).find_map(|line| LogFormat::of_line(line, None)) {
        return Some(Format::Log(log));
    }
    if !sample.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let names = |key: &str| sample.contains(&format!("\"{key}\""));
    if names(metric_data::KEY) {
        return Some(Format::MetricData);
    }
    if names(metric_data::STATISTICS_KEY) {
        return Some(Format::MetricStatistics);
    }
    Some(Format::Wrapped)
}

/// A file that is no text, by the bytes that its format begins with, and what to do about it.
fn not_text(sample: &str) -> Option<&'static str> {
    [
        ("PAR1", "this is Parquet: let the log be delivered as JSON or W3C, or convert it"),
        ("PK\u{3}\u{4}", "this is a ZIP archive: unpack it first"),
        ("BZh", "this is a bzip2 archive: unpack it first"),
        ("(\u{fffd}/\u{fffd}", "this is a zstd archive: unpack it first"),
    ]
    .into_iter()
    .find_map(|(beginning, problem)| sample.starts_with(beginning).then_some(problem))
}

/// The formats that were tried, for a file that has none of them.
fn unknown(name: &str, sample: &str) -> TraceError {
    let problem = "neither an Azure trace (a column HashFunction) nor requests per minute (period, count), a trace \
                   table (function, mean_ms), the JSON of `aws cloudwatch get-metric-data` (MetricDataResults) or \
                   get-metric-statistics (Datapoints), or a log, by itself or as `aws logs filter-log-events` and the \
                   like wrap it: Common or Combined, Application Load Balancer, CloudFront (#Fields:, JSON), API \
                   Gateway (requestTime or requestTimeEpoch in JSON, XML, CSV), WAF, REPORT lines of Lambda";
    TraceError::of_line(name, 1, not_text(sample).unwrap_or(problem))
}

/// Reads files of any format as one trace; returns the formats too, in the order of the files. Logs are counted
/// together; other files must agree where they overlap.
///
/// # Errors
/// The first fault found, with its file and place.
pub fn read(paths: &[&Path], options: &Options<'_>) -> Result<(Vec<Format>, Reading), InputError> {
    let mut reader = Reader::new(options);
    for path in paths {
        reader.add(Stream::open(path)?)?;
    }
    reader.finish()
}

/// Reads one file after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    options: &'a Options<'a>,
    formats: Vec<Format>,
    counter: Counter,
    whole: Option<Reading>,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub fn new(options: &'a Options<'a>) -> Self {
        Reader { options, formats: Vec::new(), counter: Counter::new(options.by_path), whole: None }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Its first fault.
    pub fn add(&mut self, stream: Stream) -> Result<(), InputError> {
        let sample = stream.sample();
        let format = detect(&sample).ok_or_else(|| unknown(stream.name(), &sample))?;
        if let Format::Log(log) = format {
            self.formats.push(format);
            return self.counter.count(stream, log);
        }
        if format == Format::Wrapped {
            let name = stream.name().to_owned();
            let log = self.counter.count_wrapped(stream)?.ok_or_else(|| unknown(&name, ""))?;
            self.formats.push(Format::Log(log));
            return Ok(());
        }
        self.formats.push(format);
        let name = stream.name().to_owned();
        let next = read_whole(stream, format, self.options)?;
        self.whole = Some(join(self.whole.take(), next, &name)?);
        Ok(())
    }

    /// What was read.
    ///
    /// # Errors
    /// Where the files lack what is needed, or nothing was read.
    pub fn finish(mut self) -> Result<(Vec<Format>, Reading), InputError> {
        if self.formats.iter().any(|format| matches!(format, Format::Log(_))) {
            let counted = self.counter.finish(self.options.fill)?;
            let name = counted.trace.title.clone();
            self.whole = Some(join(self.whole.take(), counted, &name)?);
        }
        let reading =
            self.whole.ok_or_else(|| TraceError::of_file("no file", "nothing was given to read"))?;
        Ok((self.formats, reading))
    }
}

fn read_whole(stream: Stream, format: Format, options: &Options<'_>) -> Result<Reading, InputError> {
    let input = stream.into_input()?;
    Ok(match format {
        Format::Azure => {
            let durations = options.durations.map(Input::open).transpose()?;
            let memory = options.memory.map(Input::open).transpose()?;
            let tables =
                azure::Tables { invocations: &input, durations: durations.as_ref(), memory: memory.as_ref() };
            azure::read_counted(tables, options.fill, options.date)?
        }
        Format::Requests => {
            let trace = requests::read(&input, options.fill)?;
            let functions = trace.functions.len();
            Reading { trace, filled: Filled { durations: functions, memory: functions } }
        }
        Format::MetricData => metric_data::read(&input, options.fill, options.hints)?,
        Format::MetricStatistics => metric_data::read_statistics(&input, options.fill, options.hints)?,
        Format::Canonical | Format::Log(_) | Format::Wrapped => {
            Reading { trace: canonical::read(&input)?, filled: Filled::default() }
        }
    })
}

fn join(whole: Option<Reading>, next: Reading, name: &str) -> Result<Reading, TraceError> {
    let Some(whole) = whole else { return Ok(next) };
    let filled = Filled {
        durations: whole.filled.durations + next.filled.durations,
        memory: whole.filled.memory + next.filled.memory,
    };
    let title = format!("{}, {}", whole.trace.title, next.trace.title);
    let minutes = whole.trace.end().max(next.trace.end()).since(whole.trace.first.min(next.trace.first));
    let functions = whole.trace.functions.len() + next.trace.functions.len();
    super::check_size(name, functions, usize::try_from(minutes).unwrap_or(usize::MAX))?;
    let mut trace = whole.trace.joined(next.trace).map_err(|(function, minute)| {
        let at = minute.start().format("%Y-%m-%d %H:%M");
        TraceError::of_file(name, format!("{function} has another count at {at} in a file before"))
    })?;
    trace.title = title;
    Ok(Reading { trace, filled })
}

#[cfg(test)]
mod tests;
