//! The command line: what can be asked for, and what a wrong question costs.

use std::ops::Range;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};

use crate::command::compare::CompareArgs;
use crate::command::replay::ReplayArgs;
use crate::command::scenarios::ScenariosArgs;
use crate::command::sweep::SweepArgs;
use crate::command::trace::TraceArgs;
use crate::exit_code;
use crate::flood::Flood;

/// The attack lab of DoW Guard.
#[derive(Clone, Debug, Parser)]
#[command(name = "dowsim", version, about, after_help = exit_code::HELP)]
pub struct Cli {
    /// What to do. Without it: `replay`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `dowsim` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Replay an incident without a guard, with it, and with a perfect one.
    ///
    /// Traffic runs through a model of Lambda: concurrency, cold starts, time-outs, retries, queues, duplicates. The
    /// guard sees it through late and partial metrics, as in production, and its caps act on the traffic.
    #[command(after_help = exit_code::HELP)]
    Replay(ReplayArgs),
    /// Replay scenarios under several policies and show what each saves and what it costs.
    #[command(after_help = exit_code::HELP)]
    Compare(CompareArgs),
    /// Replay a scenario over many seeds and values and show how the numbers spread.
    #[command(after_help = exit_code::HELP)]
    Sweep(SweepArgs),
    /// List the embedded scenarios.
    Scenarios(ScenariosArgs),
    /// Replay recorded traffic and print what the guard would have decided, minute by minute.
    ///
    /// Without options: eight hours of real traffic of 500 functions (Azure Functions 2019, embedded), with a
    /// synthetic flood on one of them. Traffic is replayed as recorded: what the guard decides does not change it.
    #[command(after_help = exit_code::HELP)]
    Decide(Box<DecideArgs>),
    /// Look at recorded traffic, bring it into one table, and cut it to what a run needs.
    Trace(TraceArgs),
}

impl Command {
    /// What a command line without a command means.
    pub fn default_run() -> Self {
        Command::Replay(DefaultRun::parse_from(["dowsim"]).args)
    }
}

/// A command line of `replay` alone.
#[derive(Parser)]
struct DefaultRun {
    #[command(flatten)]
    args: ReplayArgs,
}

/// What to replay, under which policy, and how to print it.
#[derive(Clone, Debug, Args)]
pub struct DecideArgs {
    /// Recorded traffic, plain or gzip, in any format that `dowsim trace info` reads.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Durations of the trace's functions (Azure schema).
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub durations: Option<PathBuf>,
    /// Memory of the trace's functions (Azure schema).
    #[arg(long, value_name = "FILE", requires = "trace")]
    pub memory: Option<PathBuf>,
    /// Mean duration in milliseconds where the files have none.
    #[arg(long, value_name = "MS", requires = "trace", value_parser = clap::value_parser!(u64).range(1..=900_000))]
    pub duration_ms: Option<u64>,
    /// Memory in MB where the files have none.
    #[arg(long, value_name = "MB", requires = "trace", value_parser = clap::value_parser!(u32).range(1..=10_240))]
    pub memory_mb: Option<u32>,
    /// Day on which a trace without dates is placed.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2019-07-15")]
    pub date: NaiveDate,
    /// Policy (TOML). Without it: the built-in one, which fits the embedded trace.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// AWS region whose prices count.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Only the functions whose name fits this `*`/`?` pattern.
    #[arg(long, value_name = "PATTERN")]
    pub function: Option<String>,
    /// Only these minutes of the trace, counted from 0; the end is not included.
    #[arg(long, value_name = "A..B", value_parser = minutes)]
    pub minutes: Option<Range<usize>>,
    /// A synthetic flood on top: FUNCTION@HH:MM+MINUTES=PER_MINUTE (UTC).
    #[arg(long, value_name = "FLOOD", conflicts_with = "no_flood")]
    pub flood: Option<Flood>,
    /// Leave out the flood of the run without options.
    #[arg(long)]
    pub no_flood: bool,
    /// One JSON document per tick instead of text.
    #[arg(long)]
    pub json: bool,
    /// Print every minute.
    #[arg(long, conflicts_with = "json")]
    pub all: bool,
    /// Minutes between lines while nothing changes.
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub every: u32,
}

/// Reads `A..B`.
pub(crate) fn minutes(text: &str) -> Result<Range<usize>, String> {
    let bounds = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    bounds
        .filter(|range| range.start < range.end)
        .ok_or_else(|| "expected A..B with A below B, such as 0..120".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_range_of_minutes_is_two_numbers_in_order() {
        assert_eq!(minutes("0..120"), Ok(0..120));
        for wrong in ["", "5", "5..5", "6..5", "a..b", "-1..4", "1..=4"] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }
}
