//! An inventory from files that exist already: what the AWS CLI prints, a SAM or CloudFormation template, or the
//! product's own JSON. Which it is, the content tells; several files become one inventory.
//!
//! What a file does not say, or says with a function that only AWS can resolve, becomes AWS's default and a warning that
//! names the resource and the property. What contradicts AWS's documented shape or range is an error, and nothing is
//! reported then.

mod aws_cli;
mod mapping;
mod template;
mod value;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;

use guard_core::inventory::{AccountLimits, Function, Inventory};
use guard_core::name::{FunctionName, Region};
use guard_core::policy::Position;
use guard_core::text::abridged;
use serde_json::Value;

use self::value::{At, range};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::trace::stream::Stream;

/// The region where no file and nobody says one.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Where and why a file is no inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InventoryError {
    /// The file with line and column, or with the path of keys.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl InventoryError {
    fn of_file(file: &str, problem: impl fmt::Display) -> Self {
        InventoryError { place: file.to_owned(), problem: told(problem) }
    }

    fn at_line(file: &str, line: usize, column: usize, problem: impl fmt::Display) -> Self {
        // The JSON reader counts the column of a line's end as 0 of the next line.
        InventoryError { place: format!("{file}:{line}:{}", column.max(1)), problem: told(problem) }
    }

    fn at_path(file: &str, path: &str, problem: impl fmt::Display) -> Self {
        InventoryError { place: format!("{file}: {}", told(path)), problem: told(problem) }
    }
}

/// A text for a message: names and values of a file may be of any length.
fn told(text: impl fmt::Display) -> String {
    const LONGEST: usize = 500;
    abridged(&text.to_string(), LONGEST)
}

/// What the files do not say, or what shall count instead.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The region whose prices count; of the CLI's functions, only those of this region.
    pub region: Option<String>,
    /// Concurrent executions of the account.
    pub account_concurrency: Option<u32>,
    /// Values of template parameters.
    pub parameters: BTreeMap<String, String>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The inventory.
    pub inventory: Inventory,
    /// Functions with an event source of which it is not known whether a dead-letter queue stands behind it.
    pub unknown_dead_letter: BTreeSet<FunctionName>,
    /// What was assumed, a sentence each.
    pub warnings: Vec<String>,
}

/// Reads files as one inventory.
///
/// # Errors
/// Where a file cannot be read, is none of the formats, or contradicts itself; or where no function was found.
pub fn read(paths: &[&Path], options: &Options) -> Result<Reading, Failure> {
    let mut reader = Reader::new(options);
    for path in paths {
        let text = Stream::open(path).and_then(Stream::into_text)?;
        reader.add(&path.display().to_string(), &text).map_err(bad)?;
    }
    reader.finish().map_err(bad)
}

fn bad(error: InventoryError) -> Failure {
    Failure::new(ExitCode::BadInput, error)
}

/// Reads one file after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    options: &'a Options,
    found: Found,
    cli: aws_cli::Documents,
}

/// What the files have said so far.
#[derive(Debug, Default)]
struct Found {
    functions: BTreeMap<String, Function>,
    regions: BTreeSet<String>,
    account: Option<AccountLimits>,
    unknown_dead_letter: BTreeSet<FunctionName>,
    warnings: Vec<String>,
    warned: BTreeSet<String>,
}

impl Found {
    fn warn(&mut self, warning: impl fmt::Display) {
        let warning = told(warning);
        if self.warned.insert(warning.clone()) {
            self.warnings.push(warning);
        }
    }

    fn add(&mut self, file: &str, function: Function) {
        let name = function.name.to_string();
        if self.functions.insert(name.clone(), function).is_some() {
            self.warn(format_args!("{file}: {name} was in a file before; this one counts"));
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub fn new(options: &'a Options) -> Self {
        Reader { options, found: Found::default(), cli: aws_cli::Documents::default() }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Its first fault, with its place.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), InventoryError> {
        // Whatever follows --inventory is one.
        if file.ends_with(".toml") {
            let problem = "a policy and no inventory: name it before --inventory, or with --policy";
            return Err(InventoryError::of_file(file, problem));
        }
        if !text.trim_start().starts_with(['{', '[']) {
            let document = yaml::read(file, text)?;
            return self.add_template(file, &document);
        }
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let mut begins = 0;
        // Nothing of a file counts that is damaged further down.
        let mut read = Vec::new();
        while let Some(document) = documents.next() {
            let document = document.map_err(|error| {
                InventoryError::at_line(file, error.line(), error.column(), json_problem(&error))
            })?;
            let ends = documents.byte_offset();
            read.push((document, begins..ends));
            begins = ends;
        }
        read.iter().try_for_each(|(document, span)| self.add_json(file, text, document, span))
    }

    fn add_json(
        &mut self,
        file: &str,
        text: &str,
        document: &Value,
        span: &Range<usize>,
    ) -> Result<(), InventoryError> {
        if document.get("functions").is_some() && document.get("account").is_some() {
            return self.add_own(file, text, span);
        }
        if document.get("Resources").is_some() {
            return self.add_template(file, document);
        }
        if self.cli.add(&At::root(file, document))? { Ok(()) } else { Err(unknown(file)) }
    }

    /// Reads the text again, not the value: a text has lines.
    fn add_own(&mut self, file: &str, text: &str, span: &Range<usize>) -> Result<(), InventoryError> {
        let own = text.get(span.clone()).unwrap_or_default();
        let inventory: Inventory = serde_json::from_str(own).map_err(|error| {
            let begin = Position::of(text, span.start);
            let (line, column) = match error.line() {
                0 | 1 => (begin.line, begin.column - 1 + error.column()),
                more => (begin.line - 1 + more, error.column()),
            };
            InventoryError::at_line(
                file,
                line,
                column,
                format_args!("an inventory, but {}", json_problem(&error)),
            )
        })?;
        for (index, function) in inventory.functions.iter().enumerate() {
            check(file, index, function)?;
        }
        self.found.account = Some(inventory.account);
        self.found.regions.insert(inventory.region.to_string());
        for function in inventory.functions {
            self.found.add(file, function);
        }
        Ok(())
    }

    fn add_template(&mut self, file: &str, document: &Value) -> Result<(), InventoryError> {
        if document.get("Resources").is_none() {
            return Err(unknown(file));
        }
        template::read(&At::root(file, document), self.options, &mut self.found)
    }

    /// The inventory of all files.
    ///
    /// # Errors
    /// Where the functions are of several regions and none was asked for, or there is no function.
    pub fn finish(self) -> Result<Reading, InventoryError> {
        let Reader { options, mut found, cli } = self;
        cli.finish(options, &mut found)?;
        let region = region(options, &mut found)?;
        if found.functions.is_empty() {
            return Err(InventoryError::of_file("inventory", "no Lambda function was found"));
        }
        let mut account = found.account.unwrap_or_default();
        account.concurrency = options.account_concurrency.unwrap_or(account.concurrency);
        if found.account.is_none() && options.account_concurrency.is_none() {
            let most = account.concurrency;
            found.warn(format_args!(
                "the account's limit is in no file: {most} concurrent executions, AWS's default, are assumed \
                 (--account-concurrency)"
            ));
        }
        let functions: Vec<Function> = std::mem::take(&mut found.functions).into_values().collect();
        let inventory = Inventory::new(Region::new(region), account, functions);
        let reserved = inventory.reserved_total();
        if reserved > account.concurrency {
            let most = account.concurrency;
            found.warn(format_args!(
                "the functions reserve {reserved} together, more than the {most} that the account allows: is the \
                 limit right (--account-concurrency)?"
            ));
        }
        Ok(Reading { inventory, unknown_dead_letter: found.unknown_dead_letter, warnings: found.warnings })
    }
}

/// The region whose prices count.
fn region(options: &Options, found: &mut Found) -> Result<String, InventoryError> {
    if let Some(region) = &options.region {
        return Ok(region.clone());
    }
    let mut regions = found.regions.iter();
    match (regions.next().cloned(), regions.next().cloned()) {
        (Some(first), Some(second)) => Err(InventoryError::of_file(
            "inventory",
            format_args!("functions of several regions ({first}, {second}): choose one with --region"),
        )),
        (Some(region), None) => Ok(region),
        (None, _) => {
            found.warn(format_args!(
                "no file names the region: the prices of {DEFAULT_REGION} count (--region)"
            ));
            Ok(DEFAULT_REGION.to_owned())
        }
    }
}

/// Whether the values of the product's own inventory are within AWS's ranges.
fn check(file: &str, index: usize, function: &Function) -> Result<(), InventoryError> {
    let values = [
        ("memory_mb", function.memory_mb, range::MEMORY_MB),
        ("timeout_s", function.timeout_s, range::TIMEOUT_S),
        ("ephemeral_mb", function.ephemeral_mb, range::EPHEMERAL_MB),
        ("reserved", function.reserved.unwrap_or(0), range::CONCURRENCY),
        ("provisioned", function.provisioned, range::CONCURRENCY),
    ];
    for (key, number, range) in values {
        if !range.contains(&number) {
            let path = format!("functions[{index}].{key}");
            let problem = format!("{number} is not a whole number from {} to {}", range.start(), range.end());
            return Err(InventoryError::at_path(file, &path, problem));
        }
    }
    Ok(())
}

fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn unknown(file: &str) -> InventoryError {
    InventoryError::of_file(
        file,
        "neither a SAM or CloudFormation template (Resources) nor an inventory of dow-guard (functions, account), nor \
         the JSON of `aws lambda list-functions` (Functions), `get-function` (Configuration), \
         `list-event-source-mappings`, `list-function-event-invoke-configs`, `list-provisioned-concurrency-configs`, \
         `get-account-settings` (AccountLimit), `aws sqs get-queue-attributes` (Attributes) or a map of function names to \
         `get-function-concurrency`",
    )
}

#[cfg(test)]
mod tests;
