//! The command `dowsim`.

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode as ProcessExitCode;

use clap::Parser;
use simulator::cli::{Cli, Command};
use simulator::command;
use simulator::exit_code::ExitCode;
use simulator::report::layout::{Palette, WIDTH};

fn main() -> ProcessExitCode {
    run().into()
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version are answers and not errors. Where they cannot be printed, nobody is left to tell.
            let _ = told.print();
            return if told.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
        }
    };
    let command = cli.command.unwrap_or_else(Command::default_run);
    let out = BufWriter::new(io::stdout().lock());
    let done = match command {
        Command::Replay(args) => command::replay::run(&args, out, palette(), width()),
        Command::Compare(args) => command::compare::run(&args, out, palette(), width()),
        Command::Sweep(args) => command::sweep::run(&args, out, palette(), width()),
        Command::Scorecard(args) => command::scorecard::run(&args, out),
        Command::Field(args) => command::field::run(&args, out),
        Command::Bound(args) => command::bound::run(&args, out, palette(), width()),
        Command::Exposure(args) => command::exposure::run(&args, out, palette(), width()),
        Command::Scenarios(args) => command::scenarios::run(&args, out),
        Command::Trace(args) => command::trace::run(&args, out, palette()),
    };
    match done {
        Ok(()) => ExitCode::Ok,
        Err(failure) => {
            if failure.code != ExitCode::Ok {
                eprintln!("dowsim: {failure}");
            }
            failure.code
        }
    }
}

/// Columns of the terminal; without one, those of a plain page.
fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(columns, _)| usize::from(columns.0))
}

/// Colours on a terminal only, and not where `NO_COLOR` is set to anything (no-color.org).
#[expect(clippy::disallowed_methods, reason = "NO_COLOR is for every program of a terminal")]
fn palette() -> Palette {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !is_unwanted { Palette::Ansi } else { Palette::Plain }
}
