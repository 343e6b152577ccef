//! What every reader of a stranger's file promises, whatever its bytes are. Shared with the fuzz targets.
//!
//! A file is read or refused. A refusal is short, of printable lines, and names the place: line and column, line, or key.
//! What is read is read the same a second time, and is whole.

use std::io::{Cursor, Write};

use chrono::NaiveDate;
use flate2::Compression;
use flate2::write::GzEncoder;
use guard_core::policy::Policy;
use simulator::inventory_file;
use simulator::scenario::Scenario;
use simulator::stage::Stage;
use simulator::trace::azure::{self, Tables};
use simulator::trace::detect::{self, Format};
use simulator::trace::input::{Input, InputError};
use simulator::trace::metric_data::Hints;
use simulator::trace::stream::Stream;
use simulator::trace::{Fill, Reading, TraceError, canonical};

/// Characters of a message that a person still reads, its place included.
const LONGEST_LINE: usize = 1200;

/// Lines of a message at most.
const MOST_LINES: usize = 25;

/// The name that the file has in messages.
const FILE: &str = "some.file";

/// What is wrong with a trace as a whole and so has no line.
const OF_A_WHOLE_TRACE: [&str; 12] = [
    "event ",
    "the file is empty",
    "the log holds no request",
    "no series of Invocations",
    "two timestamps are more than a year apart",
    "functions × ",
    "points are ",
    "memory is no metric",
    "counts requests only",
    "has another count at",
    "an access log knows no memory",
    "says how long it took: give --duration-ms",
];

/// The same of an inventory.
const OF_A_WHOLE_INVENTORY: [&str; 3] = [
    "no Lambda function was found",
    "functions of several regions",
    "neither a SAM or CloudFormation template (Resources) nor an inventory",
];

/// A trace of any format, plain and packed.
pub(crate) fn trace(bytes: &[u8]) {
    for by_path in [None, Some(2)] {
        let read = read_trace(bytes, by_path);
        assert_eq!(read, read_trace(bytes, by_path), "a second reading differs");
        if !bytes.starts_with(&[0x1f, 0x8b]) && !bytes.is_empty() {
            assert_eq!(read, read_trace(&packed(bytes), by_path), "a packed file reads otherwise");
        }
        match read {
            Ok((_, reading)) => whole(&reading),
            Err(error) => trace_refusal(&error),
        }
    }
    if let Ok(input) = Input::from_bytes(FILE, bytes) {
        let tables = Tables { invocations: &input, durations: Some(&input), memory: Some(&input) };
        if let Err(error) = azure::read(tables, Fill::default(), day()) {
            trace_refusal(&error);
        }
    }
}

fn read_trace(bytes: &[u8], by_path: Option<usize>) -> Result<(Vec<Format>, Reading), TraceError> {
    let options = detect::Options {
        durations: None,
        memory: None,
        fill: Fill { duration_us: Some(50_000), memory_mb: Some(256) },
        date: day(),
        by_path,
        hints: Hints::default(),
    };
    let mut reader = detect::Reader::new(&options);
    let read = Stream::new(FILE, Box::new(Cursor::new(bytes.to_vec())))
        .and_then(|stream| reader.add(stream))
        .and_then(|()| reader.finish());
    read.map_err(|error| match error {
        InputError::Bad(error) => error,
        InputError::Unreadable { reason, .. } => unreachable!("memory cannot be unreadable: {reason}"),
    })
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2019, 7, 15).unwrap_or_default()
}

/// The bytes as a gzip archive.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// Each function has a value for each minute, and the table that `trace import` would write reads back the same.
fn whole(reading: &Reading) {
    let trace = &reading.trace;
    assert!(!trace.functions.is_empty() && trace.minutes > 0);
    assert!(trace.functions.iter().all(|function| function.invocations.len() == trace.minutes));
    assert!(trace.functions.iter().all(|function| function.mean_us <= function.longest_us));
    trace.remarks.iter().for_each(|remark| legible(remark));
    // A long trace of a short file takes a while to write.
    if trace.minutes.saturating_mul(trace.functions.len()) > 50_000 {
        return;
    }
    let mut table = Vec::new();
    let written = canonical::write(trace, &mut table);
    assert!(written.is_ok(), "{written:?}");
    let again = Input::from_bytes(FILE, &table).and_then(|input| canonical::read(&input));
    match again {
        Ok(again) => {
            assert_eq!((again.first, again.minutes), (trace.first, trace.minutes));
            assert_eq!(again.functions, trace.functions);
        }
        Err(error) => panic!("what was written cannot be read: {error}"),
    }
}

fn trace_refusal(error: &TraceError) {
    let told = error.to_string();
    legible(&told);
    assert!(told.starts_with(FILE), "{told}");
    let has_place = error.line.is_some_and(|line| line > 0)
        || ["MetricDataResults[", "Datapoints", "Label: "].iter().any(|key| error.problem.starts_with(key))
        || OF_A_WHOLE_TRACE.iter().any(|whole| error.problem.contains(whole));
    assert!(has_place, "no place: {told}");
}

/// A scenario; one that is valid is made ready too, or the name that leads nowhere is quoted.
pub(crate) fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Scenario::from_toml(text);
    assert_eq!(read, Scenario::from_toml(text), "a second reading differs");
    match read {
        Ok(scenario) => {
            if let Err(error) = Stage::new(&scenario, None) {
                let told = error.to_string();
                legible(&told);
                assert!(told.contains('"'), "no name: {told}");
            }
        }
        Err(error) => {
            assert!(!error.problems.is_empty());
            error.problems.iter().for_each(|problem| placed(problem));
            brief(&error.to_string());
        }
    }
}

/// A policy; one that is valid survives being written as JSON, as the guard's memory keeps it.
pub(crate) fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Policy::from_toml(text);
    assert_eq!(read, Policy::from_toml(text), "a second reading differs");
    match read {
        Ok(policy) => {
            assert_eq!(policy.validate(), Ok(()));
            let kept = serde_json::to_string(&policy).map(|json| serde_json::from_str::<Policy>(&json));
            assert!(matches!(&kept, Ok(Ok(again)) if *again == policy), "{kept:?}");
        }
        Err(error) => {
            assert!(!error.problems.is_empty());
            error.problems.iter().for_each(|problem| placed(&problem.to_string()));
            brief(&error.to_string());
        }
    }
}

/// An inventory: template, output of the AWS CLI, or our own.
pub(crate) fn inventory(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = read_inventory(text);
    assert_eq!(read, read_inventory(text), "a second reading differs");
    match read {
        Ok(reading) => {
            assert!(!reading.inventory.functions.is_empty());
            reading.warnings.iter().for_each(|warning| legible(warning));
        }
        Err(error) => {
            let told = error.to_string();
            legible(&told);
            let beyond = error.place.strip_prefix(FILE).unwrap_or_default();
            let is_place = match beyond.strip_prefix(':') {
                Some(at) => (at.starts_with(' ') && !at.trim().is_empty()) || two_numbers(at),
                None => OF_A_WHOLE_INVENTORY.iter().any(|whole| error.problem.contains(whole)),
            };
            assert!(is_place, "no place: {told}");
        }
    }
}

/// Reads a file as an inventory.
pub(crate) fn read_inventory(text: &str) -> Result<inventory_file::Reading, inventory_file::InventoryError> {
    let options = inventory_file::Options::default();
    let mut reader = inventory_file::Reader::new(&options);
    reader.add(FILE, text)?;
    reader.finish()
}

/// `LINE:COLUMN`, both counted from 1.
fn two_numbers(text: &str) -> bool {
    let number = |text: &str| text.parse::<usize>().is_ok_and(|number| number > 0);
    text.split_once(':').is_some_and(|(line, column)| number(line) && number(column))
}

/// A line that a terminal shows as one line.
fn legible(line: &str) {
    let length = line.chars().count();
    assert!(length <= LONGEST_LINE, "{length} characters: {}…", line.chars().take(200).collect::<String>());
    assert!(!line.contains(char::is_control), "control characters: {line:?}");
}

fn brief(message: &str) {
    let lines = message.lines().count();
    assert!(lines <= MOST_LINES, "{lines} lines");
}

/// A problem that begins with a line or a key.
fn placed(problem: &str) {
    legible(problem);
    let key = problem.split(": ").next().unwrap_or_default();
    assert!(
        problem.starts_with("line ") || (!key.is_empty() && key.len() < problem.len()),
        "no place: {problem}"
    );
}
