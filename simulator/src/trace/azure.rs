//! The schema of the Azure Functions 2019 trace: three tables, joined on the function.
//!
//! Invocations per minute (`HashFunction`, perhaps `Trigger`, one column per minute: `1`, `1_minute` or `480`),
//! durations in milliseconds (`Average`, `Maximum`) and memory in MB (`AverageAllocatedMb_pct100`), the last by
//! function where the table has `HashFunction`, else by `HashApp`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use guard_core::time::Minute;

use super::input::Input;
use super::table::{Row, Table};
use super::{Fill, Filled, Reading, Trace, TraceError, TraceFunction, Trigger};

/// The column that distinguishes this format from others.
pub const KEY_COLUMN: &str = "HashFunction";

/// Azure measures memory where Lambda wants it set: the most that was used goes up to the next step of so many MB, as
/// people set it.
const MEMORY_STEP_MB: u64 = 64;

/// Minutes in a day.
const MINUTES_PER_DAY: u32 = 1440;

/// The three tables of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Invocations per minute.
    pub invocations: &'a Input,
    /// Durations; without them `Fill` must say.
    pub durations: Option<&'a Input>,
    /// Memory; without it `Fill` must say.
    pub memory: Option<&'a Input>,
}

/// Reads and joins the tables. The files do not say their date: `date` is the day on which they are placed.
///
/// # Errors
/// The first fault found, with its file, line and column. A function without duration or memory is one, unless
/// `fill` has a value for it.
pub fn read(tables: Tables<'_>, fill: Fill, date: NaiveDate) -> Result<Trace, TraceError> {
    read_counted(tables, fill, date).map(|reading| reading.trace)
}

/// As [`read`], and says how many functions `fill` had to speak for.
///
/// # Errors
/// As [`read`].
pub fn read_counted(tables: Tables<'_>, fill: Fill, date: NaiveDate) -> Result<Reading, TraceError> {
    let durations = tables.durations.map(read_durations).transpose()?;
    let memory = tables.memory.map(read_memory).transpose()?;
    let counts = read_counts(tables.invocations)?;
    let mut either = 0_usize;
    let mut filled = Filled::default();
    let mut functions = Vec::with_capacity(counts.rows.len());
    for row in counts.rows {
        let missing = |what: &str, flag: &str| {
            let problem = format!("no {what} for function {}: give the table that has it, or {flag}", row.id);
            TraceError::of_line(&tables.invocations.name, row.line, problem)
        };
        let known_duration = durations.as_ref().and_then(|known| known.get(&row.id).copied());
        let (mean_us, longest_us) = known_duration
            .or(fill.duration_us.map(|us| (us, us)))
            .ok_or_else(|| missing("duration", "--duration-ms"))?;
        let known_memory = memory.as_ref().and_then(|known| known.of(&row.id, row.app.as_deref()));
        let peak_memory_milli_mb = known_memory
            .or(fill.memory_mb.map(|mb| u64::from(mb) * 1000))
            .ok_or_else(|| missing("memory", "--memory-mb"))?;
        either += usize::from(known_duration.is_none() || known_memory.is_none());
        filled.durations += usize::from(known_duration.is_none());
        filled.memory += usize::from(known_memory.is_none());
        let TraceRow { id, trigger, invocations, .. } = row;
        functions.push(TraceFunction { id, trigger, invocations, mean_us, longest_us, peak_memory_milli_mb });
    }
    let mut remarks = Vec::new();
    if !counts.has_trigger {
        remarks
            .push("The file does not say what triggers a function: all are taken as synchronous.".to_owned());
    }
    if either > 0 {
        remarks
            .push(format!("{either} functions have no duration or memory in the files: filled in as asked."));
    }
    remarks.extend(
        [Some(tables.invocations), tables.durations, tables.memory]
            .into_iter()
            .flatten()
            .find_map(Input::end_remark),
    );
    let trace = Trace {
        title: tables.invocations.name.clone(),
        first: midnight(date).plus(i64::from(counts.first_of_day)),
        minutes: counts.minutes,
        functions,
        remarks,
    };
    Ok(Reading { trace, filled })
}

/// The first minute of a day, UTC.
fn midnight(date: NaiveDate) -> Minute {
    Minute::of(date.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// The table of invocations.
struct Counts {
    first_of_day: u32,
    minutes: usize,
    has_trigger: bool,
    rows: Vec<TraceRow>,
}

/// One of its rows.
struct TraceRow {
    line: u64,
    id: String,
    app: Option<String>,
    trigger: Trigger,
    invocations: Vec<Option<u64>>,
}

fn read_counts(input: &Input) -> Result<Counts, TraceError> {
    let mut table = Table::open(input)?;
    let key = table.column(KEY_COLUMN)?;
    let (app, trigger) = (table.find("HashApp"), table.find("Trigger"));
    let (first, minute_columns) = minute_columns(&input.name, table.header())?;
    let mut seen = BTreeMap::new();
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        let id = unique_key(&row, key, &mut seen)?;
        let app = app.map(|column| row.text(column).map(str::to_owned)).transpose()?;
        let trigger = trigger.map_or(Ok(Trigger::Http), |column| read_trigger(&row, column))?;
        // Of exactly this size: a collected result would grow to the next power of two, and these are most of a trace.
        let mut invocations = Vec::with_capacity(minute_columns.len());
        for column in &minute_columns {
            invocations.push(Some(row.count(*column)?));
        }
        rows.push(TraceRow { line: row.line(), id, app, trigger, invocations });
    }
    if rows.is_empty() {
        return Err(TraceError::of_line(&input.name, 2, "the file has a header and no functions"));
    }
    // Azure's own files count a day's minutes from 1; cuts out of it carry minutes since midnight.
    let first_of_day = if first == 1 { 0 } else { first };
    Ok(Counts { first_of_day, minutes: minute_columns.len(), has_trigger: trigger.is_some(), rows })
}

fn read_trigger(row: &Row<'_>, column: usize) -> Result<Trigger, TraceError> {
    let label = row.text(column)?;
    Trigger::parse(label).ok_or_else(|| {
        let known = "http, queue, event, storage, orchestration, timer or others";
        row.error(column, format!("unknown trigger {label:?}: expected {known}"))
    })
}

/// The number of a minute: by itself, or with the word before or after it.
fn minute_digits(name: &str) -> &str {
    let word = "minute";
    let cut = |at: usize| Some((name.get(..at)?, name.get(at..)?));
    let before =
        cut(word.len()).filter(|(before, _)| before.eq_ignore_ascii_case(word)).map(|(_, rest)| rest);
    let after = || {
        let parts = cut(name.len().checked_sub(word.len())?)?;
        parts.1.eq_ignore_ascii_case(word).then_some(parts.0)
    };
    before.or_else(after).unwrap_or(name).trim_matches(['_', '-', ' '])
}

/// The columns that are minutes, in the order of time, and the number of the first.
fn minute_columns(file: &str, header: &[String]) -> Result<(u32, Vec<usize>), TraceError> {
    let mut found: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, name) in header.iter().enumerate() {
        let digits = minute_digits(name);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let fault = |problem: &str| TraceError {
            column: Some((index + 1, name.clone())),
            ..TraceError::of_line(file, 1, problem)
        };
        let minute: u32 = digits
            .parse()
            .ok()
            .filter(|minute| *minute <= MINUTES_PER_DAY)
            .ok_or_else(|| fault("a minute of the day is at most 1440"))?;
        if found.insert(minute, index).is_some() {
            return Err(fault("the header names this minute twice"));
        }
    }
    let Some((first, _)) = found.first_key_value() else {
        return Err(TraceError::of_line(
            file,
            1,
            "the header has no minute columns (`1`, `1_minute`, `minute_1`, `480` …)",
        ));
    };
    let first = *first;
    if let Some((expected, _)) = (first..).zip(found.keys()).find(|(expected, minute)| expected != *minute) {
        return Err(TraceError::of_line(file, 1, format!("the header has no column for minute {expected}")));
    }
    Ok((first, found.into_values().collect()))
}

/// The row's key, which no row before may have had.
fn unique_key(row: &Row<'_>, column: usize, seen: &mut BTreeMap<String, u64>) -> Result<String, TraceError> {
    let key = row.text(column)?.to_owned();
    match seen.insert(key.clone(), row.line()) {
        None => Ok(key),
        Some(line) => Err(row.error(column, format!("{key} is on line {line} already"))),
    }
}

/// Mean and longest duration in microseconds, by function.
fn read_durations(input: &Input) -> Result<BTreeMap<String, (u64, u64)>, TraceError> {
    let mut table = Table::open(input)?;
    let (key, mean, longest) =
        (table.column(KEY_COLUMN)?, table.column("Average")?, table.column("Maximum")?);
    let mut seen = BTreeMap::new();
    let mut durations = BTreeMap::new();
    while let Some(row) = table.next_row()? {
        let id = unique_key(&row, key, &mut seen)?;
        let (mean_us, longest_us) = (row.thousandths(mean)?, row.thousandths(longest)?);
        durations.insert(id, (mean_us, longest_us.max(mean_us)));
    }
    Ok(durations)
}

/// Memory in thousandths of a MB, by steps.
enum Memory {
    ByFunction(BTreeMap<String, u64>),
    ByApp(BTreeMap<String, u64>),
}

impl Memory {
    fn of(&self, function: &str, app: Option<&str>) -> Option<u64> {
        match self {
            Memory::ByFunction(known) => known.get(function).copied(),
            Memory::ByApp(known) => known.get(app?).copied(),
        }
    }
}

fn read_memory(input: &Input) -> Result<Memory, TraceError> {
    let mut table = Table::open(input)?;
    let by_function = table.find(KEY_COLUMN);
    let key = by_function.map_or_else(|| table.column("HashApp"), Ok)?;
    let peak = table.column("AverageAllocatedMb_pct100")?;
    let mut seen = BTreeMap::new();
    let mut memory = BTreeMap::new();
    while let Some(row) = table.next_row()? {
        let step = MEMORY_STEP_MB * 1000;
        memory.insert(unique_key(&row, key, &mut seen)?, row.thousandths(peak)?.div_ceil(step) * step);
    }
    Ok(if by_function.is_some() { Memory::ByFunction(memory) } else { Memory::ByApp(memory) })
}
