//! CloudFront standard log: W3C extended log file format with columns named by `#Fields:`, or from v2 on JSON.
//!
//! `date` and `time` (UTC) are when the edge had finished the answer, `timestamp` and `timestamp(ms)` stand in where
//! those were not chosen; `time-taken` is in seconds with milliseconds, `cs-uri-stem` is the path without query
//! ("Standard logging reference", "Configure standard logging (v2)" and "Use real-time access logs" of the CloudFront
//! Developer Guide, read 2026-11). Cells are apart by tabs; v2 lets its owner choose another sign. A real-time log and
//! v2's plain format name no columns: with a line `#Fields:` before them they are read too.

mod result;

use std::borrow::Cow;
use std::collections::BTreeMap;

use self::result::doubt;
use super::json::{self, Object, of_key, text};
use super::text::{epoch, seconds};
use super::{Fault, Request};
use crate::trace::time::iso_time;

/// Columns of which one must be there, in the order of preference; `date` needs `time` beside it.
const TIME_COLUMNS: [&str; 3] = ["date", "timestamp(ms)", "timestamp"];

/// Beginnings of columns that no other log has.
const OWN: [&str; 7] = ["x-edge-", "cs-", "cs(", "sc-", "c-ip", "time-t", "DistributionId"];

/// Signs that keep cells apart, the usual one first.
const DELIMITERS: [char; 5] = ['\t', ' ', ',', ';', '|'];

/// What to do about entries without names.
const NO_NAMES: &str = "an entry of CloudFront before the line #Fields: (a real-time log, or v2 as plain text): put a \
                        line such as `#Fields: timestamp c-ip time-taken` with its fields in their order before it";

/// Where the columns stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    columns: BTreeMap<String, usize>,
    count: usize,
    delimiter: Option<char>,
}

/// A line's cells by the names of their columns.
trait Cells {
    /// A value; `None` where it is absent, empty or `-`.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;
    /// Where it stands, for a fault.
    fn fault(&self, name: &str, problem: String) -> Fault;
}

struct Line<'l> {
    header: &'l Header,
    cells: Vec<&'l str>,
}

impl Cells for Line<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let cell = self.cells.get(*self.header.columns.get(name)?)?.trim().trim_matches('"');
        Some(Cow::Borrowed(cell)).filter(|cell| !["", "-"].contains(&cell.as_ref()))
    }

    fn fault(&self, name: &str, problem: String) -> Fault {
        let place = self.header.columns.get(name).copied().unwrap_or_default();
        Fault::of(place, name, problem)
    }
}

impl Cells for Object {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        text(self, name).ok().flatten()
    }

    fn fault(&self, name: &str, problem: String) -> Fault {
        of_key(name, problem)
    }
}

/// Whether an object is of such a log.
pub(super) fn is_of(object: &Object) -> bool {
    let has_time = TIME_COLUMNS.iter().any(|name| object.contains_key(*name));
    let is_own = |key: &String| OWN.iter().any(|beginning| key.starts_with(beginning));
    has_time && object.keys().any(is_own)
}

/// Whether a line looks like an entry of a log that names no columns: after the sign between cells a time, an edge or
/// an answer stand where no other log has them.
pub(super) fn is_nameless(line: &str) -> bool {
    let cells: Vec<&str> = line.split('\t').collect();
    let is_instant = |cell: &&str| {
        cell.split_once('.').is_some_and(|(whole, rest)| {
            let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            whole.len() == 10 && rest.len() == 3 && is_number(whole) && is_number(rest)
        })
    };
    let mut words = line.split(['\t', ' ', ',']);
    let starts_with_day =
        iso_time(&format!("{}T{}", words.next().unwrap_or_default(), words.next().unwrap_or_default()));
    cells.len() > 1 && cells.iter().any(is_instant) || starts_with_day.is_some()
}

/// Reads a line; `None` where it is a directive. A `#Fields:` directive says where the columns of the next lines are.
///
/// # Errors
/// The problem, with the column that is missing or malformed.
pub(super) fn parse(line: &str, header: &mut Option<Header>) -> Result<Option<Request<'static>>, Fault> {
    if let Some(directive) = line.strip_prefix('#') {
        if let Some(names) = directive.strip_prefix("Fields:") {
            *header = Some(read_header(names)?);
        }
        return Ok(None);
    }
    let Some(header) = header else { return Err(Fault::new(NO_NAMES)) };
    let split = |delimiter: char| line.split(delimiter).collect::<Vec<&str>>();
    let delimiter = header
        .delimiter
        .or_else(|| DELIMITERS.into_iter().find(|delimiter| split(*delimiter).len() == header.count))
        .unwrap_or('\t');
    let cells = split(delimiter);
    if cells.len() != header.count {
        let (found, wanted) = (cells.len(), header.count);
        let problem = format!("the line has {found} cells where #Fields: has {wanted}: is it cut short?");
        return Err(Fault::new(problem));
    }
    header.delimiter = Some(delimiter);
    of_cells(&Line { header, cells }).map(Some)
}

/// Reads a JSON line.
///
/// # Errors
/// The problem, with the key that is missing or malformed.
pub(super) fn parse_json(line: &str) -> Result<Request<'static>, Fault> {
    let (object, doubt) = json::read(line)?;
    let request = of_cells(&object)?;
    Ok(Request { doubt: request.doubt.or(doubt), ..request })
}

fn of_cells(cells: &impl Cells) -> Result<Request<'static>, Fault> {
    let at_s = time(cells)?;
    let duration_us = match cells.get("time-taken") {
        None => None,
        Some(text) => {
            let us = seconds(&text);
            let problem = || format!("{text:?} is not a number of seconds such as 0.001");
            Some(us.ok_or_else(|| cells.fault("time-taken", problem()))?)
        }
    };
    let path = cells.get("cs-uri-stem").map(|path| Cow::Owned(path.into_owned()));
    let doubt = doubt(|name| cells.get(name));
    Ok(Request { at_s, path, duration_us, doubt, ..Request::default() })
}

fn time(cells: &impl Cells) -> Result<i64, Fault> {
    if let Some(date) = cells.get("date") {
        let at = format!("{date} {}", cells.get("time").unwrap_or_default());
        return iso_time(&at)
            .ok_or_else(|| cells.fault("date", format!("{at:?} is not a date and a time of day")));
    }
    let names = || TIME_COLUMNS.iter().skip(1);
    let (name, stamp) = names()
        .find_map(|name| Some((*name, cells.get(name)?)))
        .ok_or_else(|| cells.fault("date", "the entry has neither date and time nor timestamp".to_owned()))?;
    epoch(&stamp)
        .or_else(|| iso_time(&stamp))
        .ok_or_else(|| cells.fault(name, format!("{stamp:?} is no time since 1970")))
}

fn read_header(names: &str) -> Result<Header, Fault> {
    let mut columns = BTreeMap::new();
    let mut count = 0;
    let apart = |c: char| c.is_whitespace() || DELIMITERS.contains(&c);
    for (index, name) in names.split(apart).filter(|name| !name.is_empty()).enumerate() {
        if columns.insert(name.to_owned(), index).is_some() {
            return Err(Fault::of(index, name, "#Fields: names this column twice"));
        }
        count = index + 1;
    }
    let has = |name: &str| columns.contains_key(name);
    if has("s-ip") || has("s-port") || has("sc-win32-status") {
        return Err(Fault::new("#Fields: is of an IIS log, of which time-taken is in another unit"));
    }
    if has("date") && !has("time") {
        return Err(Fault::new("#Fields: has no column \"time\""));
    }
    if !TIME_COLUMNS.iter().any(|name| has(name)) {
        return Err(Fault::new("#Fields: has no column \"date\" with \"time\", nor \"timestamp\""));
    }
    Ok(Header { columns, count, delimiter: None })
}
