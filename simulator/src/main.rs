//! The command `dowsim`.

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode as ProcessExitCode;

use clap::Parser;
use simulator::cli::{Cli, Command};
use simulator::exit_code::ExitCode;
use simulator::failure::be_quiet;
use simulator::report::layout::WIDTH;
use simulator::{command, generate};

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
    if cli.quiet {
        be_quiet();
    }
    let palette = cli.color.palette(io::stdout().is_terminal());
    let command = cli.command.unwrap_or_else(Command::default_run);
    let out = BufWriter::new(io::stdout().lock());
    let done = match command {
        Command::Replay(args) => command::replay::run(&args, out, palette, width()),
        Command::Compare(args) => command::compare::run(&args, out, palette, width()),
        Command::Sweep(args) => command::sweep::run(&args, out, palette, width()),
        Command::Scorecard(args) => command::scorecard::run(&args, out),
        Command::Field(args) => command::field::run(&args, out),
        Command::Bound(args) => command::bound::run(&args, out, palette, width()),
        Command::Exposure(args) => command::exposure::run(&args, out, palette, width()),
        Command::Scenarios(args) => command::scenarios::run(&args, out),
        Command::Trace(args) => command::trace::run(&args, out, palette),
        Command::Completions { shell } => generate::completions(shell, out),
        Command::Man { directory } => generate::man(&directory),
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
