//! The command line: what can be asked, and what a command returns.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::exit_code::ExitCode;
use crate::laptop::{self, Ask, Place};
use crate::policy_command;
use crate::streams::Streams;

/// Cost guard for AWS Lambda.
#[derive(Debug, Parser)]
#[command(name = "guard-fn", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 internal error, 2 usage, 3 a policy is invalid, 4 a file cannot be read, \
     5 AWS or the memory did not answer, 6 the order is refused";

#[derive(Debug, Subcommand)]
enum Command {
    /// The guard from here, with the usual AWS credentials.
    #[command(flatten)]
    Guard(Ask),
    /// Check policies, or print the schema to write them by.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Check policy files and say what they mean. Errors go to standard error, one per line. With --state, the memory of a
    /// guard, also whether usual traffic alone uses up a budget.
    Check {
        /// The files, in TOML; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of a policy.
    Schema,
}

/// Runs one command; the first argument is the name of the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error, streams),
    };
    let place = arguments.place;
    let done = match arguments.command {
        Command::Guard(ask) => laptop::run(&ask, &place, streams),
        Command::Policy { command: PolicyCommand::Check { files } } => {
            policy_command::check(&files, place.state_file(), place.json, streams)
        }
        Command::Policy { command: PolicyCommand::Schema } => policy_command::schema(place.json, streams),
    };
    let flushed = streams.output.flush();
    match done.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => code,
        // The reader has seen enough (`| head`): not our failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Success,
        Err(error) => {
            // Standard error is the last resort; if it fails too, only the exit code is left.
            drop(writeln!(streams.error, "cannot write: {error}"));
            ExitCode::Internal
        }
    }
}

/// Help and version are answers; everything else is a mistake.
fn explain(error: &clap::Error, streams: &mut Streams<'_>) -> ExitCode {
    let (stream, code) = if error.use_stderr() {
        (&mut streams.error, ExitCode::Usage)
    } else {
        (&mut streams.output, ExitCode::Success)
    };
    match write!(stream, "{}", error.render()) {
        Ok(()) => code,
        Err(_) => ExitCode::Internal,
    }
}
