//! A CSV table whose cells are found by the name of their column, and whose every complaint says where.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord, StringRecordsIntoIter};

use super::TraceError;
use super::input::Input;

/// What keeps the cells of a table apart and together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: u8,
    quote: u8,
}

impl Dialect {
    /// By the header: the sign that stands there most often outside quotes; of equals the usual one.
    pub(super) fn of(text: &str) -> Self {
        let header = text.lines().next().unwrap_or_default();
        let quote = if header.trim_start().starts_with('\'') { b'\'' } else { b'"' };
        let mut counts = [b';', b'\t', b'|', b','].map(|delimiter| (0_usize, delimiter));
        let mut is_quoted = false;
        for byte in header.bytes() {
            is_quoted ^= byte == quote;
            if let Some((count, _)) =
                counts.iter_mut().find(|(_, delimiter)| *delimiter == byte && !is_quoted)
            {
                *count += 1;
            }
        }
        let delimiter =
            counts.into_iter().max_by_key(|(count, _)| *count).map_or(b',', |(_, delimiter)| delimiter);
        Dialect { delimiter, quote }
    }

    /// The names of the columns in the first line of a text.
    pub(super) fn header(self, text: &str) -> Vec<String> {
        let header = text.lines().next().unwrap_or_default();
        let mut reader = self.builder().has_headers(false).from_reader(header.as_bytes());
        let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
        record.iter().map(|name| name.trim().to_owned()).collect()
    }

    fn builder(self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).quote(self.quote);
        builder
    }

    /// Whether a comma cannot be anything but a decimal sign.
    const fn has_decimal_comma(self) -> bool {
        self.delimiter == b';'
    }
}

/// A table being read.
pub struct Table<'a> {
    file: &'a str,
    dialect: Dialect,
    header: Vec<String>,
    columns: BTreeMap<String, usize>,
    records: StringRecordsIntoIter<&'a [u8]>,
}

/// One row of a table.
pub struct Row<'t> {
    file: &'t str,
    dialect: Dialect,
    header: &'t [String],
    record: StringRecord,
}

impl<'a> Table<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// Where there is none, or where it names a column twice.
    pub fn open(input: &'a Input) -> Result<Self, TraceError> {
        let file = input.name.as_str();
        let dialect = Dialect::of(&input.text);
        let mut reader = dialect.builder().from_reader(input.text.as_bytes());
        let header: Vec<String> = reader
            .headers()
            .map_err(|error| csv_error(file, &error))?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        let mut columns = BTreeMap::new();
        for (index, name) in header.iter().enumerate() {
            if columns.insert(name.clone(), index).is_some() {
                let problem = "the header names this column twice";
                return Err(TraceError {
                    column: Some((index + 1, name.clone())),
                    ..TraceError::of_line(file, 1, problem)
                });
            }
        }
        Ok(Table { file, dialect, header, columns, records: reader.into_records() })
    }

    /// The names of the columns, in the order of the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The index of a column, if the table has it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }

    /// The index of a column that must be there.
    ///
    /// # Errors
    /// Where it is not.
    pub fn column(&self, name: &str) -> Result<usize, TraceError> {
        self.find(name)
            .ok_or_else(|| TraceError::of_line(self.file, 1, format!("the header has no column {name:?}")))
    }

    /// The next row, if there is one.
    ///
    /// # Errors
    /// Where the row has more or fewer cells than the header, or its quotes do not close.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TraceError> {
        match self.records.next() {
            None => Ok(None),
            Some(Err(error)) => Err(csv_error(self.file, &error)),
            Some(Ok(record)) => {
                Ok(Some(Row { file: self.file, dialect: self.dialect, header: &self.header, record }))
            }
        }
    }
}

impl Row<'_> {
    /// The line on which the row begins.
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// A cell as text. Empty cells are refused.
    ///
    /// # Errors
    /// Where the cell is empty.
    pub fn text(&self, column: usize) -> Result<&str, TraceError> {
        match self.record.get(column).map(str::trim) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.error(column, "the cell is empty")),
        }
    }

    /// A cell as a count.
    ///
    /// # Errors
    /// Where it is not a whole number from 0 to 10¹².
    pub fn count(&self, column: usize) -> Result<u64, TraceError> {
        let text = self.text(column)?;
        let point = if self.dialect.has_decimal_comma() { ',' } else { '.' };
        let is_zero = |decimals: &str| !decimals.is_empty() && decimals.bytes().all(|byte| byte == b'0');
        let cut =
            text.split_once(['.', point]).filter(|(whole, decimals)| !whole.is_empty() && is_zero(decimals));
        let digits = cut.map_or(text, |(whole, _)| whole);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse::<u64>() {
            Ok(count) if is_number && count <= MAX_VALUE => Ok(count),
            _ => Err(self.error(column, format!("{text:?} is not a count (a whole number from 0 to 10^12)"))),
        }
    }

    /// A cell as a count, or `None` where it is empty.
    ///
    /// # Errors
    /// As [`Row::count`].
    pub fn maybe_count(&self, column: usize) -> Result<Option<u64>, TraceError> {
        match self.record.get(column).map(str::trim) {
            Some("") => Ok(None),
            _ => self.count(column).map(Some),
        }
    }

    /// A cell as a decimal number in thousandths, rounded up.
    ///
    /// # Errors
    /// Where it is not a decimal number from 0 to 10¹².
    pub fn thousandths(&self, column: usize) -> Result<u64, TraceError> {
        let text = self.text(column)?;
        let point =
            if self.dialect.has_decimal_comma() { text.replacen(',', ".", 1) } else { text.to_owned() };
        thousandths(&point)
            .ok_or_else(|| self.error(column, format!("{text:?} is not a decimal number from 0 to 10^12")))
    }

    /// A fault of this cell.
    pub fn error(&self, column: usize, problem: impl Into<String>) -> TraceError {
        let name = self.header.get(column).cloned().unwrap_or_default();
        TraceError { column: Some((column + 1, name)), ..self.row_error(problem) }
    }

    /// A fault of this row.
    pub fn row_error(&self, problem: impl Into<String>) -> TraceError {
        TraceError::of_line(self.file, self.line(), problem)
    }
}

/// The largest number a cell may hold: far beyond any minute's count, far below where sums would wrap.
pub const MAX_VALUE: u64 = 1_000_000_000_000;

/// A decimal number in thousandths, rounded up; digits and one point, nothing else.
pub fn thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole < MAX_VALUE)?;
    let (kept, dropped) = fraction.split_at(fraction.len().min(3));
    let kept: u64 = format!("{kept:0<3}").parse().ok()?;
    Some(whole * 1000 + kept + u64::from(dropped.bytes().any(|byte| byte != b'0')))
}

/// The CSV reader's error, in our words and with its line.
fn csv_error(file: &str, error: &csv::Error) -> TraceError {
    let line = error.position().map(csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} cells where the header has {expected_len}: is it cut short?")
        }
        _ => format!("not a CSV line: {error}"),
    };
    TraceError { line, ..TraceError::of_file(file, problem) }
}
