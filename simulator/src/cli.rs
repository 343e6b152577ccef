//! The command line: what can be asked for, and what a wrong question costs.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::command::bound::BoundArgs;
use crate::command::compare::CompareArgs;
use crate::command::exposure::ExposureArgs;
use crate::command::field::FieldArgs;
use crate::command::replay::ReplayArgs;
use crate::command::scenarios::ScenariosArgs;
use crate::command::scorecard::ScorecardArgs;
use crate::command::sweep::SweepArgs;
use crate::command::trace::TraceArgs;
use crate::exit_code;
use crate::report::layout::Colours;

/// The attack lab of DoW Guard.
#[derive(Clone, Debug, Parser)]
#[command(name = "dowsim", version, about, after_help = exit_code::HELP)]
pub struct Cli {
    /// What to do. Without it: `replay`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// When to show colours.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Colours,
    /// Only errors on standard error: no progress, no warnings.
    #[arg(short, long, global = true)]
    pub quiet: bool,
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
    /// Replay every scenario on several seeds and judge the guard by its goals, row by row.
    #[command(after_help = exit_code::HELP)]
    Scorecard(ScorecardArgs),
    /// Replay every scenario with policies of others in the guard's place: AWS Budgets, alarms, counters, nobody.
    #[command(after_help = exit_code::HELP)]
    Field(FieldArgs),
    /// Show the most that can be spent over a budget before a cap holds, term by term.
    ///
    /// As configured now, and with a standing cap: every function held at its floor before anything happens.
    #[command(after_help = exit_code::HELP)]
    Bound(Box<BoundArgs>),
    /// Show what an attack that begins now could burn: every function's worst hour and day, and what limits it.
    #[command(after_help = exit_code::HELP)]
    Exposure(Box<ExposureArgs>),
    /// List the embedded scenarios, or print one, or the schema of all.
    Scenarios(ScenariosArgs),
    /// Look at recorded traffic, bring it into one table, and cut it to what a run needs.
    Trace(TraceArgs),
    /// Print what a shell needs to complete commands and options: `dowsim completions bash > FILE`.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write a manual page per command into a directory.
    Man {
        /// The directory, which must exist.
        #[arg(value_name = "DIRECTORY")]
        directory: PathBuf,
    },
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
