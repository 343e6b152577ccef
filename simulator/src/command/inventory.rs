//! The inventory that a command looks at: files, or the functions of an embedded scenario.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use guard_core::money::in_numbers;
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::report::page::Page;
use guard_core::roster::Roster;
use serde::Serialize;

use super::replay::DEFAULT;
use crate::failure::Failure;
use crate::inventory_file::{self, Options, Reading};
use crate::load;
use crate::region::unpriced;
use crate::report::layout::{Palette, Tone};

/// The inventory, and what its files do not say.
#[derive(Clone, Debug, Args)]
pub struct InventoryArgs {
    /// What exists: a SAM or CloudFormation template (YAML or JSON), the JSON of `aws lambda list-functions`,
    /// `get-function`, `get-function-configuration`, `list-event-source-mappings`, `list-function-event-invoke-configs`,
    /// `list-provisioned-concurrency-configs`, `get-account-settings` or `aws sqs get-queue-attributes`, or an inventory
    /// of dow-guard. Several files become one inventory. Without it: the account of the scenario `botnet-flood`.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub inventory: Vec<PathBuf>,
    /// AWS region whose prices count; of listed functions only those of this region.
    #[arg(long, requires = "inventory")]
    pub region: Option<String>,
    /// Concurrent executions of the account, where no file says it.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub account_concurrency: Option<u32>,
    /// Value of a template's parameter. May be given several times.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter, requires = "inventory")]
    pub parameters: Vec<(String, String)>,
}

/// What was read, with the policy of the scenario where it comes from one.
pub(super) struct Account {
    pub(super) reading: Reading,
    pub(super) policy: Option<Policy>,
    pub(super) title: String,
}

impl InventoryArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`inventory_file::read`].
    pub(super) fn read(&self) -> Result<Account, Failure> {
        if self.inventory.is_empty() {
            let loaded = load::scenario(DEFAULT)?;
            let mut inventory = loaded.stage.inventory();
            inventory.account.concurrency = self.account_concurrency.unwrap_or(inventory.account.concurrency);
            let reading =
                Reading { inventory, unknown_dead_letter: Default::default(), warnings: Vec::new() };
            let title = format!("Example: the account of the scenario {DEFAULT}. Yours: --inventory FILE.");
            return Ok(Account { reading, policy: Some(loaded.scenario.policy), title });
        }
        let paths: Vec<&Path> = self.inventory.iter().map(PathBuf::as_path).collect();
        let options = Options {
            region: self.region.clone(),
            account_concurrency: self.account_concurrency,
            parameters: self.parameters.iter().cloned().collect(),
        };
        let mut reading = inventory_file::read(&paths, &options)?;
        reading.warnings.extend(unpriced(reading.inventory.region.as_str()));
        let names: Vec<String> = self.inventory.iter().map(|path| path.display().to_string()).collect();
        Ok(Account { reading, policy: None, title: format!("Read from {}.", names.join(", ")) })
    }
}

/// Policy and inventory, compiled. Tags that cannot be read join the warnings.
pub(super) fn roster(policy: Policy, reading: &mut Reading) -> Roster {
    let roster = Roster::new(policy, PriceTable::embedded(), reading.inventory.clone(), None);
    reading.warnings.extend(roster.tag_problems.iter().map(ToString::to_string));
    roster
}

/// A report with what was assumed on the way.
#[derive(Serialize)]
struct Document<'a, R> {
    #[serde(flatten)]
    report: &'a R,
    warnings: &'a [String],
}

/// Writes one JSON document.
pub(super) fn write_json(
    mut out: impl Write,
    report: &impl Serialize,
    warnings: &[String],
) -> Result<(), Failure> {
    let document = Document { report, warnings };
    in_numbers(|| serde_json::to_writer_pretty(&mut out, &document)).map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Writes a page.
pub(super) fn write_page(mut out: impl Write, palette: Palette, page: &Page) -> Result<(), Failure> {
    for line in &page.lines {
        let tone = if line.is_heading { Tone::Strong } else { Tone::Normal };
        writeln!(out, "{}", palette.paint(tone, &line.text))?;
    }
    out.flush()?;
    Ok(())
}

/// Reads `NAME=VALUE`.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as Stage=prod".to_owned()),
    }
}
