//! Our own table of a trace: one row per function, one column per minute.
//!
//! ```text
//! function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z,2026-11-02T00:01:00Z
//! checkout,http,131.5,42.007,900,12,
//! ```
//!
//! An empty cell is an unknown minute, which is not zero. Durations and memory have at most three decimals, so the
//! written values are read back exactly. The title and the remarks of a trace are not in its table.

use std::io::{self, Write};

use chrono::DateTime;
use guard_core::time::Minute;

use super::input::Input;
use super::table::Table;
use super::{CALENDAR_S, Trace, TraceError, TraceFunction, Trigger};

/// The column that names a function, and with [`MEAN_COLUMN`] distinguishes this format from others.
pub const KEY_COLUMN: &str = "function";

/// The column of mean durations in milliseconds.
pub const MEAN_COLUMN: &str = "mean_ms";

const TRIGGER_COLUMN: &str = "trigger";
const MEMORY_COLUMN: &str = "memory_mb";
const LONGEST_COLUMN: &str = "longest_ms";

/// How a minute is written: RFC 3339 in UTC, as its column is named.
const MINUTE_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// Reads the table.
///
/// # Errors
/// The first fault found, with its file, line and column: a cell that is no number, a function named twice, minutes
/// that do not follow one another.
pub fn read(input: &Input) -> Result<Trace, TraceError> {
    let mut table = Table::open(input)?;
    let key = table.column(KEY_COLUMN)?;
    let (trigger, memory) = (table.column(TRIGGER_COLUMN)?, table.column(MEMORY_COLUMN)?);
    let (mean, longest) = (table.column(MEAN_COLUMN)?, table.column(LONGEST_COLUMN)?);
    let (first, minutes) = minute_columns(&input.name, table.header())?;
    let mut functions: Vec<TraceFunction> = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    while let Some(row) = table.next_row()? {
        let id = row.text(key)?.to_owned();
        if let Some(line) = seen.insert(id.clone(), row.line()) {
            return Err(row.error(key, format!("{id} is on line {line} already")));
        }
        let label = row.text(trigger)?;
        let trigger = Trigger::parse(label).ok_or_else(|| {
            let known = "http, queue, event, storage, orchestration, timer or others";
            row.error(trigger, format!("unknown trigger {label:?}: expected {known}"))
        })?;
        let (mean_us, longest_us) = (row.thousandths(mean)?, row.thousandths(longest)?);
        if longest_us < mean_us {
            return Err(row.error(longest, "the longest run is shorter than the mean"));
        }
        functions.push(TraceFunction {
            id,
            trigger,
            invocations: minutes.iter().map(|column| row.maybe_count(*column)).collect::<Result<_, _>>()?,
            mean_us,
            longest_us,
            peak_memory_milli_mb: row.thousandths(memory)?,
        });
    }
    if functions.is_empty() {
        return Err(TraceError::of_line(&input.name, 2, "the file has a header and no functions"));
    }
    let minutes = minutes.len();
    Ok(Trace {
        title: input.name.clone(),
        first,
        minutes,
        functions,
        remarks: input.end_remark().into_iter().collect(),
    })
}

/// The columns that are minutes, which stand in the order of time, and the first minute.
fn minute_columns(file: &str, header: &[String]) -> Result<(Minute, Vec<usize>), TraceError> {
    let mut found: Option<(Minute, Vec<usize>)> = None;
    for (index, name) in header.iter().enumerate() {
        if [KEY_COLUMN, TRIGGER_COLUMN, MEMORY_COLUMN, MEAN_COLUMN, LONGEST_COLUMN].contains(&name.as_str()) {
            continue;
        }
        let fault = |problem: String| TraceError {
            column: Some((index + 1, name.clone())),
            ..TraceError::of_line(file, 1, problem)
        };
        let minute = DateTime::parse_from_rfc3339(name)
            .ok()
            .filter(|at| CALENDAR_S.contains(&at.timestamp()) && at.timestamp().rem_euclid(60) == 0)
            .map(|at| Minute::of(at.to_utc()))
            .ok_or_else(|| {
                fault("a column is a minute such as 2026-11-02T00:00:00Z, or has a known name".to_owned())
            })?;
        match &mut found {
            None => found = Some((minute, vec![index])),
            Some((first, columns)) => {
                let expected = first.plus(i64::try_from(columns.len()).unwrap_or(i64::MAX));
                if minute != expected {
                    return Err(fault(format!("expected the minute {} here", name_of(expected))));
                }
                columns.push(index);
            }
        }
    }
    found.ok_or_else(|| TraceError::of_line(file, 1, "the header has no minutes (2026-11-02T00:00:00Z …)"))
}

fn name_of(minute: Minute) -> String {
    minute.start().format(MINUTE_FORMAT).to_string()
}

/// Writes the table.
///
/// # Errors
/// Where it cannot be written.
pub fn write(trace: &Trace, out: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let names = [KEY_COLUMN, TRIGGER_COLUMN, MEMORY_COLUMN, MEAN_COLUMN, LONGEST_COLUMN];
    let minutes = (trace.first.0..).map(|minute| name_of(Minute(minute))).take(trace.minutes);
    table.write_record(names.into_iter().map(str::to_owned).chain(minutes))?;
    for function in &trace.functions {
        let sizes = [function.peak_memory_milli_mb, function.mean_us, function.longest_us].map(thousandths);
        let counts = function.invocations.iter().map(|count| count.map_or(String::new(), |n| n.to_string()));
        let cells = [function.id.clone(), function.trigger.label().to_owned()].into_iter();
        table.write_record(cells.chain(sizes).chain(counts))?;
    }
    table.flush()
}

/// A number of thousandths as a decimal number without idle zeros.
fn thousandths(number: u64) -> String {
    let (whole, rest) = (number / 1000, number % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
pub(in crate::trace) mod tests;
