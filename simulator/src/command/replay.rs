//! `dowsim replay`: a scenario without a guard, with it, and with a perfect one.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use guard_core::pricing::PriceTable;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::load;
use crate::output::write_whole;
use crate::progress::Progress;
use crate::replay::{Replay, Request};
use crate::report::layout::Palette;
use crate::report::replay::Page;
use crate::run::Row;

/// The scenario of the run without arguments.
pub const DEFAULT: &str = "botnet-flood";

/// What to replay and what to make of it.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// An embedded scenario (`dowsim scenarios` lists them), or a file.
    #[arg(default_value = DEFAULT)]
    pub scenario: String,
    /// Another policy than the scenario's own (TOML).
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Where all randomness comes from: the same seed, the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Also write a table with a row per minute and run.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
    /// What must hold, such as `overrun_usd<=5`; exit code 5 where it does not. May be given several times.
    #[arg(long = "expect", value_name = "METRIC<=NUMBER")]
    pub expectations: Vec<Expectation>,
}

/// Replays and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &ReplayArgs, mut out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let loaded = load::scenario(&args.scenario)?;
    let policy = match &args.policy {
        Some(path) => load::policy(path)?,
        None => loaded.scenario.policy.clone(),
    };
    let request = Request {
        name: &loaded.name,
        scenario: &loaded.scenario,
        stage: &loaded.stage,
        policy: &policy,
        seed: args.seed,
    };
    let progress = Progress::new("minutes");
    let replay = Replay::new(&request, PriceTable::embedded(), |done, of| progress.show(done, of));
    progress.clear();
    if let Some(path) = &args.csv {
        write_csv(path, &replay)?;
    }
    if args.json {
        serde_json::to_writer(&mut out, &replay).map_err(std::io::Error::from)?;
        writeln!(out)?;
        out.flush()?;
    } else {
        Page::new(&mut out, palette, width).write(&replay)?;
    }
    check(&args.expectations, &replay)
}

/// Says which expectations do not hold.
fn check(expectations: &[Expectation], replay: &Replay) -> Result<(), Failure> {
    let broken: Vec<String> = expectations
        .iter()
        .filter(|expectation| !expectation.holds(&replay.findings))
        .map(|expectation| format!("expected {expectation}, found {}", expectation.found(&replay.findings)))
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(ExitCode::Unexpected, broken.join("\ndowsim: ")))
    }
}

/// A row of the table.
#[derive(Serialize)]
struct Line<'a> {
    run: &'static str,
    minute: u32,
    at: String,
    spent_usd: f64,
    attack_usd: f64,
    seen_usd: Option<f64>,
    projected_low_usd: Option<f64>,
    projected_usd: Option<f64>,
    projected_high_usd: Option<f64>,
    verdict: Option<&'a str>,
    busy: u32,
    busy_spotlight: u32,
    cap: Option<u32>,
    legitimate_offered: u64,
    legitimate_served: u64,
    legitimate_refused: u64,
    attack_offered: u64,
    attack_served: u64,
    attack_refused: u64,
    attempts: u64,
    repeated: u64,
    throttles: u64,
}

impl<'a> Line<'a> {
    fn new(run: &'static str, start: chrono::DateTime<chrono::Utc>, row: &'a Row, armed: bool) -> Self {
        let at = start + chrono::TimeDelta::minutes(i64::from(row.minute));
        Line {
            run,
            minute: row.minute,
            at: at.format("%Y-%m-%dT%H:%MZ").to_string(),
            spent_usd: row.spent.to_f64(),
            attack_usd: row.attack_spent.to_f64(),
            seen_usd: row.seen.map(|usd| usd.to_f64()),
            projected_low_usd: row.projected.map(|range| range.low.to_f64()),
            projected_usd: row.projected.map(|range| range.expected.to_f64()),
            projected_high_usd: row.projected.map(|range| range.high.to_f64()),
            verdict: row.verdict.map(|verdict| crate::report::phrase::verdict(verdict, armed).0),
            busy: row.busy,
            busy_spotlight: row.busy_spotlight,
            cap: row.cap,
            legitimate_offered: row.legitimate.offered,
            legitimate_served: row.legitimate.served,
            legitimate_refused: row.legitimate.refused,
            attack_offered: row.attack.offered,
            attack_served: row.attack.served,
            attack_refused: row.attack.refused,
            attempts: row.attempts,
            repeated: row.repeated,
            throttles: row.throttles,
        }
    }
}

fn write_csv(path: &Path, replay: &Replay) -> Result<(), Failure> {
    let runs = [("without", &replay.without), ("with", &replay.with), ("perfect", &replay.perfect)];
    write_whole(path, |file| {
        let mut table = csv::Writer::from_writer(file);
        for (name, run) in runs {
            for row in &run.rows {
                table.serialize(Line::new(name, replay.start, row, replay.armed))?;
            }
        }
        table.flush()
    })
}
