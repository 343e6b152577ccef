//! `dowsim bound`: the most that can be spent over a budget, term by term.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use guard_core::inventory::{EventSource, Inventory};
use guard_core::money::Usd;
use guard_core::policy::{Budget, Mode, Period, Policy};
use guard_core::report::bound::BoundReport;

use super::inventory::{InventoryArgs, roster, write_json, write_page};
use super::state;
use crate::failure::{Failure, warn};
use crate::load;
use crate::report::layout::Palette;

/// A policy and what exists.
#[derive(Clone, Debug, Args)]
pub struct BoundArgs {
    /// The policy (TOML). Without it: one budget over everything, with the default timing.
    pub policy: Option<PathBuf>,
    /// What exists.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// The guard's memory (JSON): floors then come from the history in it, else they are the policy's minimum.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Functions that are named per budget, dearest first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// Where policy, inventory or state cannot be read or are not valid.
pub fn run(args: &BoundArgs, out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let given = args.policy.as_deref().map(load::policy).transpose()?;
    let mut account = args.inventory.read()?;
    hide_redrive_policies(&mut account.reading.inventory);
    let state = state::read(args.state.as_deref())?;
    let policy = given.or(account.policy).unwrap_or_else(default_policy);
    let roster = roster(policy, &mut account.reading);
    let report = BoundReport::new(&roster, |name| state.profile(name));
    warn(&account.reading.warnings);
    if args.json {
        return write_json(out, &report, &account.reading.warnings);
    }
    let mut page = report.page(width, args.top);
    page.paragraph("", &account.title);
    write_page(out, palette, &page)
}

/// A template or SQS tells of a dead-letter queue, Lambda does not. The guard asks Lambda only, and stops no consumer whose
/// messages may be lost: the bound is of what it does.
fn hide_redrive_policies(inventory: &mut Inventory) {
    for mapping in inventory.functions.iter_mut().flat_map(|function| &mut function.mappings) {
        if let EventSource::Sqs { max_receive_count, .. } = &mut mapping.source {
            *max_receive_count = None;
        }
    }
}

/// One budget over everything. A bound does not depend on the amount.
fn default_policy() -> Policy {
    let mut budget = Budget::per_month("everything", Usd::from_dollars(100));
    budget.mode = Mode::Cap;
    budget.period = Period::Day;
    Policy { armed: true, budget: vec![budget], ..Policy::default() }
}
