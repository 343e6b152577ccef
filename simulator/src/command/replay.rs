//! `dowsim replay`: a scenario without a guard, with it, and with a perfect one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use guard_core::pricing::PriceTable;
use serde::Serialize;

use super::trace::SourceArgs;
use crate::exit_code::ExitCode;
use crate::expect::{self, Expectation, metrics};
use crate::failure::{Failure, warn};
use crate::flood::Flood;
use crate::load::{self, Loaded, Recording, Source};
use crate::output::{check_place, check_standard, write_json, write_whole};
use crate::patch::Patch;
use crate::progress::Progress;
use crate::region::unpriced;
use crate::replay::Replay;
use crate::report::html;
use crate::report::layout::{Palette, Tone};
use crate::report::replay::Page;
use crate::run::Row;
use crate::text::shell_word;
use crate::trace::detect;

/// The scenario of the run without arguments.
pub const DEFAULT: &str = "botnet-flood";

/// What to replay and what to make of it.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// An embedded scenario (`dowsim scenarios` lists them), or a file.
    #[arg(default_value = DEFAULT, conflicts_with = "trace")]
    pub scenario: String,
    /// A key of the scenario to change: PATH=VALUE, such as `policy.budget.*.usd=5`; of a recording,
    /// `account.concurrency=500`. May be given several times.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub changes: Vec<Patch>,
    /// Recorded traffic of your own instead of a scenario, in any format that `dowsim trace info` reads.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "policy")]
    pub trace: Vec<PathBuf>,
    /// What the recording is, where its files do not say.
    #[command(flatten)]
    pub source: SourceArgs,
    /// AWS region whose prices count, for a recording.
    #[arg(long, default_value = "us-east-1", requires = "trace")]
    pub region: String,
    /// Days before the recording in which the same traffic ran: what the guard finds when it looks back. Leave it at 0
    /// where the recording holds the incident itself.
    #[arg(long, value_name = "DAYS", default_value_t = 0, requires = "trace", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(0..=28))]
    pub history_days: u32,
    /// A synthetic flood over the recording: FUNCTION@HH:MM+MINUTES=PER_MINUTE (UTC).
    #[arg(long, value_name = "FLOOD", requires = "trace")]
    pub flood: Option<Flood>,
    /// Another policy than the scenario's own (TOML).
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Where all randomness comes from: the same seed, the same bytes.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Also write one self-contained page with charts; `-` is standard output, instead of the text.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Also write a table with a row per minute and run; `-` is standard output, instead of the text.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
    /// What must hold, such as `overrun_usd<=5`; exit code 5 where it does not. May be given several times.
    #[arg(long = "expect", value_name = "METRIC<=NUMBER", long_help = expect::help())]
    pub expectations: Vec<Expectation>,
}

/// Replays and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`ExitCode::Ok`] where the reader closed the pipe.
pub fn run(args: &ReplayArgs, mut out: impl Write, palette: Palette, width: usize) -> Result<(), Failure> {
    let loaded = load(args)?;
    let files = [&args.html, &args.csv];
    let is_piped = check_standard(files.into_iter().flatten(), args.json)?;
    files.into_iter().flatten().try_for_each(|path| check_place(path))?;
    let progress = Progress::new("minutes");
    let mut replay =
        Replay::new(&loaded.request(args.seed), PriceTable::embedded(), |done, of| progress.show(done, of));
    progress.clear();
    replay.again = again(std::env::args().skip(1), args.seed);
    if let Some(path) = &args.html {
        write_whole(path, |file| file.write_all(html::page(&replay).as_bytes()))?;
    }
    if let Some(path) = &args.csv {
        write_csv(path, &replay)?;
    }
    let verdicts: Vec<Checked> =
        args.expectations.iter().map(|expected| Checked::new(expected, &replay)).collect();
    if args.json {
        let told = Told { replay: &replay, metrics: metrics(&replay.findings), expectations: &verdicts };
        write_json(&mut out, &told)?;
    } else if !is_piped {
        Page::new(&mut out, palette, width).write(&replay)?;
        verdicts
            .iter()
            .filter(|verdict| verdict.holds)
            .try_for_each(|verdict| verdict.say(&mut out, palette))?;
        out.flush()?;
    }
    check(&verdicts)
}

/// The replay and every number that can be asserted.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    replay: &'a Replay,
    metrics: BTreeMap<&'static str, Option<f64>>,
    expectations: &'a [Checked],
}

/// An expectation and what was found.
#[derive(Serialize)]
struct Checked {
    expected: String,
    found: Option<f64>,
    holds: bool,
    #[serde(skip)]
    meaning: &'static str,
}

impl Checked {
    fn new(expected: &Expectation, replay: &Replay) -> Self {
        Checked {
            expected: expected.to_string(),
            found: expected.found(&replay.findings),
            holds: expected.holds(&replay.findings),
            meaning: expected.meaning(),
        }
    }

    fn found(&self) -> String {
        let nothing = || format!("nothing (there was no number for: {})", self.meaning);
        self.found.map_or_else(nothing, |found| found.to_string())
    }

    fn say(&self, out: &mut impl Write, palette: Palette) -> std::io::Result<()> {
        let text = format!("✓ {} holds: found {}", self.expected, self.found());
        writeln!(out, "{}", palette.paint(Tone::Good, &text))
    }
}

/// The command line without what says where the answer goes: the command that makes the same replay again.
fn again(mut words: impl Iterator<Item = String>, seed: u64) -> String {
    let mut kept = vec!["dowsim".to_owned(), "replay".to_owned()];
    let mut is_seeded = false;
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or_default();
        match name {
            "--html" | "--csv" | "--color" | "--expect" => {
                if !word.contains('=') {
                    words.next();
                }
                continue;
            }
            "--json" | "-q" | "--quiet" | "replay" => continue,
            "--seed" => is_seeded = true,
            _ => {}
        }
        // An option needs no quotes for its dashes.
        let bare = word.trim_start_matches('-');
        kept.push(if shell_word(bare) == bare { word.clone() } else { shell_word(&word) });
    }
    if !is_seeded {
        kept.push(format!("--seed {seed}"));
    }
    kept.join(" ")
}

/// What is to be replayed, with its policy.
fn load(args: &ReplayArgs) -> Result<Loaded, Failure> {
    let policy = args.policy.as_deref().map(load::policy).transpose()?;
    let Some(first) = args.trace.first() else {
        let mut loaded = Source::open(&args.scenario)?.ready(&args.changes)?;
        if let Some(policy) = policy {
            loaded.scenario.policy = policy;
        }
        return Ok(loaded);
    };
    let paths: Vec<&Path> = args.trace.iter().map(PathBuf::as_path).collect();
    let (_, reading) = detect::read(&paths, &args.source.options())?;
    warn(unpriced(&args.region).as_slice());
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let recording = Recording {
        trace: &reading.trace,
        name: &name,
        region: &args.region,
        history_days: args.history_days,
        flood: args.flood.as_ref(),
        policy: policy.unwrap_or_default(),
        changes: &args.changes,
    };
    recording.ready()
}

/// Says which expectations do not hold.
fn check(verdicts: &[Checked]) -> Result<(), Failure> {
    let broken: Vec<String> = verdicts
        .iter()
        .filter(|verdict| !verdict.holds)
        .map(|verdict| format!("expected {}, found {}", verdict.expected, verdict.found()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_runs_it_again_keeps_what_matters_and_leaves_out_where_it_went() {
        let again = |line: &str| again(line.split(' ').map(str::to_owned).filter(|word| !word.is_empty()), 3);
        assert_eq!(again("replay redos --html x.html"), "dowsim replay redos --seed 3");
        assert_eq!(
            again(
                "replay --trace a.log --csv=- --policy p.toml --set minutes=5 --json --expect caps<=1 --seed 9"
            ),
            "dowsim replay --trace a.log --policy p.toml --set minutes=5 --seed 9"
        );
        assert_eq!(again("-q --color never"), "dowsim replay --seed 3");
        assert_eq!(again(""), "dowsim replay --seed 3");
        assert_eq!(again("replay it's.toml"), r"dowsim replay 'it'\''s.toml' --seed 3");
    }
}
