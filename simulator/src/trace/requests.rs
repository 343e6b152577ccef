//! Requests per minute of one site: a table of `period` and `count`, as recorded for the 1998 World Cup.
//!
//! Minutes that the file leaves out stay unknown: an interrupted recording is not an absence of visitors.

use guard_core::time::Minute;

use super::input::Input;
use super::table::{Row, Table};
use super::time::iso_time;
use super::{CALENDAR_S, Fill, MAX_MINUTES, Trace, TraceError, TraceFunction, Trigger};

/// The column that distinguishes this format from others.
pub const KEY_COLUMN: &str = "period";

/// Reads the table as the traffic of one synchronous function, whose duration and memory `fill` must give.
///
/// # Errors
/// The first fault found, with its file, line and column: a period that is no minute, is not after the one before,
/// or lies more than a year after the first.
pub fn read(input: &Input, fill: Fill) -> Result<Trace, TraceError> {
    let missing =
        |flag: &str| TraceError::of_file(&input.name, format!("counts requests only: give {flag} too"));
    let mean_us = fill.duration_us.ok_or_else(|| missing("--duration-ms"))?;
    let memory_mb = fill.memory_mb.ok_or_else(|| missing("--memory-mb"))?;
    let mut table = Table::open(input)?;
    let (period, count) = (table.column(KEY_COLUMN)?, table.column("count")?);
    let mut first = None;
    let mut invocations: Vec<Option<u64>> = Vec::new();
    let mut absent = 0_usize;
    while let Some(row) = table.next_row()? {
        let minute = read_minute(&row, period)?;
        let offset = minute.since(*first.get_or_insert(minute));
        let place =
            usize::try_from(offset).ok().filter(|place| *place >= invocations.len() && offset < MAX_MINUTES);
        let Some(place) = place else {
            let problem = "the period is not after the one before, or more than a year after the first";
            return Err(row.error(period, problem));
        };
        absent += place - invocations.len();
        invocations.resize(place, None);
        invocations.push(Some(row.count(count)?));
    }
    let Some(first) = first else {
        return Err(TraceError::of_line(&input.name, 2, "the file has a header and no minutes"));
    };
    let mut remarks = match absent {
        0 => Vec::new(),
        some => vec![format!("{some} minutes are missing in the file: they stay unknown, not zero.")],
    };
    remarks.extend(input.end_remark());
    let function = TraceFunction {
        id: "site".to_owned(),
        trigger: Trigger::Http,
        invocations,
        mean_us,
        longest_us: mean_us,
        peak_memory_milli_mb: u64::from(memory_mb) * 1000,
    };
    let minutes = function.invocations.len();
    Ok(Trace { title: input.name.clone(), first, minutes, functions: vec![function], remarks })
}

fn read_minute(row: &Row<'_>, column: usize) -> Result<Minute, TraceError> {
    let text = row.text(column)?;
    iso_time(text)
        .filter(|seconds| CALENDAR_S.contains(seconds) && seconds.rem_euclid(60) == 0)
        .map(|seconds| Minute(seconds.div_euclid(60)))
        .ok_or_else(|| row.error(column, format!("{text:?} is not a minute such as \"1998-04-30 21:30:00\"")))
}
