//! CloudFront standard log: W3C extended log file format, cells apart by tabs, columns named by `#Fields:`.
//!
//! `date` and `time` (UTC) are when the edge had finished the answer, `time-taken` is in seconds with milliseconds,
//! `cs-uri-stem` is the path without query, `x-edge-result-type` says whether the cache answered ("Standard logging
//! reference" of the CloudFront Developer Guide, read 2026-11).

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::{Fault, Request, seconds};

/// Where the columns stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: usize,
    date: usize,
    time: usize,
    path: Option<usize>,
    taken: Option<usize>,
    result: Option<usize>,
}

/// What is said of requests that the edge answered alone.
const CACHED: &str =
    "were answered by CloudFront alone (Hit, Redirect): counted, though nothing behind it ran.";

/// Reads a line; `None` where it is a directive. A `#Fields:` directive says where the columns of the next lines are.
///
/// # Errors
/// What is missing or malformed, with the column.
pub fn parse<'a>(line: &'a str, header: &mut Option<Header>) -> Result<Option<Request<'a>>, Fault> {
    if let Some(directive) = line.strip_prefix('#') {
        if let Some(names) = directive.strip_prefix("Fields:") {
            *header = Some(read_header(names)?);
        }
        return Ok(None);
    }
    let Some(header) = header else { return Err(Fault::new("an entry before the line #Fields:")) };
    let cells: Vec<&str> = line.split('\t').collect();
    if cells.len() != header.columns {
        let (found, wanted) = (cells.len(), header.columns);
        let problem = format!("the line has {found} cells where #Fields: has {wanted}: is it cut short?");
        return Err(Fault::new(problem));
    }
    let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
    let at = format!("{} {}", cell(header.date), cell(header.time));
    let at_s = NaiveDateTime::parse_from_str(&at, "%Y-%m-%d %H:%M:%S")
        .map_err(|_| Fault::of(header.date, "date", format!("{at:?} is not a date and a time of day")))?
        .and_utc()
        .timestamp();
    let duration_us = match header.taken.map(|index| (index, cell(index))) {
        None | Some((_, "-")) => None,
        Some((index, text)) => {
            let us = seconds(text);
            let problem = || format!("{text:?} is not a number of seconds such as 0.001");
            Some(us.ok_or_else(|| Fault::of(index, "time-taken", problem()))?)
        }
    };
    let is_cached = header.result.is_some_and(|index| ["Hit", "Redirect"].contains(&cell(index)));
    let path = header.path.map(|index| cell(index).into());
    Ok(Some(Request { at_s, path, duration_us, doubt: is_cached.then_some(CACHED) }))
}

fn read_header(names: &str) -> Result<Header, Fault> {
    let mut columns = BTreeMap::new();
    let mut count = 0;
    for (index, name) in names.split_whitespace().enumerate() {
        if columns.insert(name, index).is_some() {
            return Err(Fault::of(index, name, "#Fields: names this column twice"));
        }
        count = index + 1;
    }
    let find = |name: &str| columns.get(name).copied();
    let needed =
        |name: &str| find(name).ok_or_else(|| Fault::new(format!("#Fields: has no column {name:?}")));
    Ok(Header {
        columns: count,
        date: needed("date")?,
        time: needed("time")?,
        path: find("cs-uri-stem"),
        taken: find("time-taken"),
        result: find("x-edge-result-type"),
    })
}
