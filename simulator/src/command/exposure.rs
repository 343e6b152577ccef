//! `dowsim exposure`: what an attack that begins now could burn, function by function.

use std::io::Write;
use std::path::PathBuf;

use chrono::DateTime;
use clap::Args;
use guard_core::report::exposure::ExposureReport;
use guard_core::time::Minute;

use super::inventory::{InventoryArgs, roster, write_json, write_page};
use super::state;
use crate::failure::{Failure, warn};
use crate::load;
use crate::report::layout::Palette;

/// What exists, and what is known about its past.
#[derive(Clone, Debug, Args)]
pub struct ExposureArgs {
    /// What exists.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// The policy (TOML): companions add to the price of a request, and the floor decides what is advised.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The guard's memory (JSON): history, without which nothing is advised and nobody knows what is dormant.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Functions that are listed, dearest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// One JSON document instead of text; with all functions.
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// Where policy, inventory or state cannot be read or are not valid.
pub fn run(args: &ExposureArgs, out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let given = args.policy.as_deref().map(load::policy).transpose()?;
    let mut account = args.inventory.read()?;
    let state = state::read(args.state.as_deref())?;
    let roster = roster(given.or(account.policy).unwrap_or_default(), &mut account.reading);
    // The memory's own time: what it knows is as old as its last tick.
    let at = Minute::of(state.last_tick.unwrap_or(DateTime::UNIX_EPOCH));
    let report = ExposureReport::new(&roster, &state, at, &account.reading.unknown_dead_letter);
    warn(&account.reading.warnings);
    if args.json {
        return write_json(out, &report, &account.reading.warnings);
    }
    let mut page = report.page(width, args.top);
    page.paragraph("", &account.title);
    write_page(out, palette, &page)
}
