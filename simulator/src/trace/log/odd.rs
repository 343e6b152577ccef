//! Lines that could not be read: a log that strangers write into has some.

use guard_core::text::abridged;

use super::Fault;
use crate::trace::TraceError;

/// Characters of a fault within a remark.
const LONGEST_FAULT: usize = 200;

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of the file, counted from 1.
    Line(u64),
    /// An event that wraps a line, counted from 1.
    Event(u64),
}

/// The lines of one file that were read and those that were not.
#[derive(Debug, Default)]
pub(super) struct Odd {
    /// Lines that were read.
    pub read: u64,
    count: u64,
    first: Option<(Place, Fault)>,
}

impl Odd {
    /// Counts a line that could not be read.
    pub(super) fn add(&mut self, place: Place, fault: Fault) {
        self.count += 1;
        self.first.get_or_insert((place, fault));
    }

    /// What to say of them.
    ///
    /// # Errors
    /// Where they are more than those that were read: then the file is of another format, or damaged.
    pub(super) fn told(self, file: &str) -> Result<Option<String>, TraceError> {
        let Some((place, fault)) = self.first else { return Ok(None) };
        let (count, all) = (self.count, self.count + self.read);
        if count > self.read {
            return Err(refused(file, place, fault, count, all));
        }
        let lines = if count == 1 {
            format!("1 line of {file} could not be read and was left out: ")
        } else {
            format!("{count} lines of {file} could not be read and were left out, the first of them ")
        };
        let at = match place {
            Place::Line(line) => format!("line {line}"),
            Place::Event(event) => format!("event {event}"),
        };
        let field = fault.field.map_or(String::new(), |(number, name)| {
            format!(", field {number} ({})", abridged(&name, LONGEST_FAULT))
        });
        Ok(Some(format!("{lines}{at}{field}: {}", abridged(&fault.problem, LONGEST_FAULT))))
    }
}

fn refused(file: &str, place: Place, fault: Fault, count: u64, all: u64) -> TraceError {
    let more = if count > 1 { format!(" ({count} of {all} lines cannot be read)") } else { String::new() };
    let problem = format!("{}{more}", fault.problem);
    match place {
        Place::Line(line) => TraceError { column: fault.field, ..TraceError::of_line(file, line, problem) },
        Place::Event(event) => TraceError::of_file(file, format!("event {event}: {problem}")),
    }
}
