//! Recorded traffic: how often each function ran in each minute, for how long and in how much memory.
//!
//! Read are, plain or gzip: the Azure Functions 2019 schema (three files joined on the function), a count of requests
//! per minute, CloudWatch metrics as `aws cloudwatch get-metric-data` prints them, access logs, and our own table; which
//! it is, [`detect`] tells by the content. A file that is damaged, cut short or contradictory is refused whole, with
//! the file, line and column or key of the first fault.

pub mod azure;
pub mod canonical;
pub mod change;
pub mod detect;
pub mod input;
pub mod log;
pub mod metric_data;
pub mod requests;
pub mod stream;
pub mod table;
mod time;

use std::fmt;

use guard_core::text::abridged;
use guard_core::time::Minute;

/// The traffic of some functions over some minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// A description for people.
    pub title: String,
    /// Its first minute.
    pub first: Minute,
    /// Minutes it covers.
    pub minutes: usize,
    /// Its functions, in the order of the file.
    pub functions: Vec<TraceFunction>,
    /// Assumptions and omissions made while reading, a sentence each.
    pub remarks: Vec<String>,
}

/// The traffic of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFunction {
    /// Its identity in the file.
    pub id: String,
    /// What invokes it, as far as the file says.
    pub trigger: Trigger,
    /// Invocations by minute from the trace's first on. `None`: the file has no such minute, which is not zero.
    pub invocations: Vec<Option<u64>>,
    /// Mean duration of an invocation in microseconds.
    pub mean_us: u64,
    /// Longest duration seen, in microseconds.
    pub longest_us: u64,
    /// Its memory, in thousandths of a MB: what it has or, where the file measures, what it would be given.
    pub peak_memory_milli_mb: u64,
}

/// What invokes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// A caller that waits for the answer. Also what an unnamed trigger is taken for.
    Http,
    /// A queue.
    Queue,
    /// An event hub or grid.
    Event,
    /// A change in a store.
    Storage,
    /// A step of an orchestration.
    Orchestration,
    /// A schedule.
    Timer,
    /// Any other.
    Others,
}

impl Trigger {
    /// Its name in the file, and the first part of a function's name.
    pub const fn label(self) -> &'static str {
        match self {
            Trigger::Http => "http",
            Trigger::Queue => "queue",
            Trigger::Event => "event",
            Trigger::Storage => "storage",
            Trigger::Orchestration => "orchestration",
            Trigger::Timer => "timer",
            Trigger::Others => "others",
        }
    }

    /// The trigger of that name.
    pub fn parse(label: &str) -> Option<Trigger> {
        use Trigger::{Event, Http, Orchestration, Others, Queue, Storage, Timer};
        [Http, Queue, Event, Storage, Orchestration, Timer, Others].into_iter().find(|t| t.label() == label)
    }
}

/// What stands in where a file has no duration or memory for a function. Without it, that is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Mean (and longest) duration in microseconds.
    pub duration_us: Option<u64>,
    /// Memory in MB.
    pub memory_mb: Option<u32>,
}

/// A trace, and how much of it the files did not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The trace.
    pub trace: Trace,
    /// What [`Fill`] had to say.
    pub filled: Filled,
}

/// How many functions have a size that no file said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Durations.
    pub durations: usize,
    /// Memory.
    pub memory: usize,
}

/// The seconds since 1970 that a recording may be from: 1900 to 2199. What is beyond is no date but a number in the
/// wrong place, and a calendar of four digits ends somewhere.
pub(crate) const CALENDAR_S: std::ops::Range<i64> = -2_208_988_800..7_258_118_400;

/// The longest trace: a year. A wrong digit in a date must not ask for centuries of memory.
pub(crate) const MAX_MINUTES: i64 = 366 * 1440;

/// Functions × minutes of the largest trace that files without a cell for each may ask for: 320 MB of counts.
const MAX_CELLS: usize = 20_000_000;

/// Refuses a trace that a few bytes of input would blow up beyond memory.
pub(crate) fn check_size(file: &str, functions: usize, minutes: usize) -> Result<(), TraceError> {
    if functions.saturating_mul(minutes) <= MAX_CELLS {
        return Ok(());
    }
    let problem =
        format!("{functions} functions × {minutes} minutes are more than {MAX_CELLS}: take a shorter span");
    Err(TraceError::of_file(file, problem))
}

/// Characters of a problem: it quotes the file, whose cells may be of any length.
const LONGEST_PROBLEM: usize = 600;

/// Characters of a column's name in a message.
const LONGEST_NAME: usize = 60;

/// Why a file is not a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file, as the user named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<u64>,
    /// The column: its number, counted from 1, and its name in the header.
    pub column: Option<(usize, String)>,
    /// The problem.
    pub problem: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some((number, name)) = &self.column {
            write!(f, ":{number} (column {:?})", abridged(name, LONGEST_NAME))?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for TraceError {}

impl TraceError {
    /// A fault of the file as a whole.
    pub fn of_file(file: &str, problem: impl Into<String>) -> Self {
        let problem = abridged(&problem.into(), LONGEST_PROBLEM);
        TraceError { file: file.to_owned(), line: None, column: None, problem }
    }

    /// A fault of a line.
    pub fn of_line(file: &str, line: u64, problem: impl Into<String>) -> Self {
        TraceError { line: Some(line), ..TraceError::of_file(file, problem) }
    }
}

impl Trace {
    /// Invocations of all functions in all minutes.
    pub fn invocations(&self) -> u64 {
        self.functions.iter().map(TraceFunction::total).fold(0, u64::saturating_add)
    }

    /// Keeps the minutes of a half-open range of offsets from the first; `None` where the range holds none of them.
    #[must_use]
    pub fn slice(mut self, range: std::ops::Range<usize>) -> Option<Trace> {
        let end = range.end.min(self.minutes);
        if range.start >= end {
            return None;
        }
        for function in &mut self.functions {
            function.invocations = function.invocations.get(range.start..end)?.to_vec();
        }
        self.first = self.first.plus(i64::try_from(range.start).ok()?);
        self.minutes = end - range.start;
        Some(self)
    }
}

impl TraceFunction {
    /// Invocations in all minutes.
    pub fn total(&self) -> u64 {
        self.invocations.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests;
