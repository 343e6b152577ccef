//! An inventory from files that exist already: what the AWS CLI prints, a SAM or CloudFormation template, or the
//! product's own JSON. The content decides which it is; several files become one inventory.
//!
//! A value that a file does not state becomes AWS's default; one from a function that only AWS can resolve becomes the
//! most expensive one possible. A warning names the resource and the property. A value that contradicts AWS's documented
//! shape or range is an error, and nothing is reported then.

mod aws_cli;
mod json;
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

/// The region if neither a file nor an option names one.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Where and why a file is no inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InventoryError {
    /// The file with line and column, or with the path of keys.
    pub place: String,
    /// The problem.
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
        let place = if path.is_empty() { file.to_owned() } else { format!("{file}: {}", told(path)) };
        InventoryError { place, problem: told(problem) }
    }
}

/// A text for a message: names and values of a file may be of any length.
fn told(text: impl fmt::Display) -> String {
    const LONGEST: usize = 500;
    abridged(&text.to_string(), LONGEST)
}

/// Facts that the files do not state, or values that count instead.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The region whose prices count; of the CLI's functions, only those of this region.
    pub region: Option<String>,
    /// Concurrent executions of the account.
    pub account_concurrency: Option<u32>,
    /// Values of template parameters.
    pub parameters: BTreeMap<String, String>,
}

/// The result of reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The inventory.
    pub inventory: Inventory,
    /// Functions with an event source of which it is not known whether a dead-letter queue stands behind it.
    pub unknown_dead_letter: BTreeSet<FunctionName>,
    /// The assumptions, a sentence each.
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

/// The facts read from the files so far.
#[derive(Debug, Default)]
struct Found {
    functions: BTreeMap<String, Function>,
    regions: BTreeSet<String>,
    account: Option<AccountLimits>,
    unknown_dead_letter: BTreeSet<FunctionName>,
    warnings: Vec<String>,
    warned: BTreeSet<String>,
    /// Functions of templates that name them by logical ID only.
    generated: Vec<template::Generated>,
    /// The parameters of all templates.
    parameters: BTreeSet<String>,
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

    /// Refuses a value for a parameter that no template has: it would change nothing.
    fn check_parameters(&self, options: &Options) -> Result<(), InventoryError> {
        let Some(name) = options.parameters.keys().find(|name| !self.parameters.contains(*name)) else {
            return Ok(());
        };
        let alike =
            |known: &&String| strsim::jaro_winkler(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
        let nearest = self.parameters.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
        let hint =
            nearest.map_or(String::new(), |nearest| format!("; the nearest that one has is {nearest}"));
        Err(InventoryError::of_file(
            "--parameter",
            format_args!("no template has a parameter named {name}{hint}"),
        ))
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
            let document = yaml::read(file, text, &mut self.found.warnings)?;
            return self.add_foreign(file, &document);
        }
        // Nothing of a file counts that is damaged further down.
        let read = json::read(file, text, &mut self.found.warnings)?;
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
        self.add_foreign(file, document)
    }

    /// A template, or what the CLI prints as JSON or YAML.
    fn add_foreign(&mut self, file: &str, document: &Value) -> Result<(), InventoryError> {
        let root = At::root(file, document);
        if document.get("Resources").is_some() {
            return template::read(&root, self.options, &mut self.found);
        }
        if self.cli.add(&root)? { Ok(()) } else { Err(unknown(file)) }
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

    /// The inventory of all files.
    ///
    /// # Errors
    /// Where the functions are of several regions and none was asked for, or there is no function.
    pub fn finish(self) -> Result<Reading, InventoryError> {
        let Reader { options, mut found, cli } = self;
        found.check_parameters(options)?;
        cli.finish(options, &mut found)?;
        let mut names = BTreeMap::new();
        for generated in std::mem::take(&mut found.generated) {
            generated.add(&mut names, &mut found);
        }
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
         the JSON of `aws lambda list-functions` (Functions), `get-function` (Configuration), `get-function-configuration` \
         (FunctionName, MemorySize), `list-event-source-mappings`, `list-function-event-invoke-configs`, `list-provisioned-concurrency-configs`, \
         `get-account-settings` (AccountLimit), `aws sqs get-queue-attributes` (Attributes) or a map of function names to \
         `get-function-concurrency`",
    )
}

#[cfg(test)]
mod tests;
