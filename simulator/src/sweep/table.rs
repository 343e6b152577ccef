//! The table of a sweep: rows as they are run, read back to go on, and merged from shards.

use std::collections::BTreeMap;

use crate::expect::METRICS;

/// Rows of a sweep or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: BTreeMap<u64, Vec<String>>,
}

/// Columns before those of the axes: sweep, case, of, seed.
const FIXED: usize = 4;

/// The problem of a table, and its line.
pub type Problem = String;

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<String>) -> Self {
        Table { columns, rows: BTreeMap::new() }
    }

    /// Reads a table. What follows its last line break was cut off while it was written, and is left out.
    ///
    /// # Errors
    /// Where it is none: the line, and what was expected.
    pub fn read(text: &str) -> Result<Table, Problem> {
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        let mut reader = csv::Reader::from_reader(whole.as_bytes());
        let columns: Vec<String> =
            reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
        let metrics = METRICS.iter().map(|(name, _, _)| *name);
        let is_ours = columns.len() >= FIXED + METRICS.len()
            && columns.iter().take(FIXED).eq(["sweep", "case", "of", "seed"])
            && columns.iter().skip(columns.len() - METRICS.len()).eq(metrics);
        if !is_ours {
            return Err("line 1: not the head of a table that this version of dowsim sweep writes".to_owned());
        }
        let mut table = Table::new(columns);
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let row: Vec<String> = record.iter().map(str::to_owned).collect();
            table.insert(row).map_err(|problem| format!("line {line}: {problem}"))?;
        }
        Ok(table)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where it belongs to another sweep, or differs from the row of the same case.
    pub fn insert(&mut self, row: Vec<String>) -> Result<(), Problem> {
        let number = |place: usize| row.get(place).and_then(|cell| cell.parse::<u64>().ok());
        let (Some(case), Some(of)) = (number(1), number(2)) else {
            return Err("case and of are whole numbers".to_owned());
        };
        if case >= of {
            return Err(format!("case {case} of {of}: cases count from 0"));
        }
        if let Some((_, known)) = self.rows.first_key_value()
            && (known.first() != row.first() || known.get(2) != row.get(2))
        {
            return Err("a row of another sweep".to_owned());
        }
        match self.rows.insert(case, row.clone()) {
            Some(known) if known != row => Err(format!("case {case} is there twice and differs")),
            _ => Ok(()),
        }
    }

    /// Adds the rows of another table.
    ///
    /// # Errors
    /// Where it belongs to another sweep.
    pub fn merge(&mut self, other: Table) -> Result<(), Problem> {
        if self.columns != other.columns {
            return Err("its columns differ from those of the first".to_owned());
        }
        other.rows.into_values().try_for_each(|row| self.insert(row))
    }

    /// The head.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rows in the order of their cases.
    pub fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.rows.values().map(Vec::as_slice)
    }

    /// Whether a case is there.
    pub fn has(&self, case: u64) -> bool {
        self.rows.contains_key(&case)
    }

    /// Cases that are there, and in all.
    pub fn extent(&self) -> (u64, u64) {
        let of = self.rows().next().and_then(|row| row.get(2)?.parse().ok()).unwrap_or(0);
        (u64::try_from(self.rows.len()).unwrap_or(u64::MAX), of)
    }

    /// The sweep its rows belong to.
    pub fn fingerprint(&self) -> Option<&str> {
        self.rows().next().and_then(|row| row.first()).map(String::as_str)
    }

    /// The names of the axes.
    pub fn axes(&self) -> &[String] {
        self.columns.get(FIXED..self.columns.len().saturating_sub(METRICS.len())).unwrap_or_default()
    }

    /// A row's values on the axes.
    pub fn values<'a>(&self, row: &'a [String]) -> &'a [String] {
        row.get(FIXED..FIXED + self.axes().len()).unwrap_or_default()
    }

    /// A number of a row; `None` where it has none.
    pub fn metric(&self, row: &[String], name: &str) -> Option<f64> {
        let place = self.columns.iter().rposition(|column| column == name)?;
        row.get(place)?.parse().ok()
    }
}
