//! `dowsim completions` and `dowsim man`: the command line for shells and for `man`.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Prints the completions of a shell.
///
/// # Errors
/// Where they cannot be written.
pub fn completions(shell: Shell, mut out: impl Write) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dowsim", &mut text);
    out.write_all(&text)?;
    Ok(out.flush()?)
}

/// Writes `dowsim.1` and a page per command.
///
/// # Errors
/// Where the directory cannot be written to.
pub fn man(directory: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), directory).map_err(|error| {
        Failure::new(
            ExitCode::Unreadable,
            format_args!("{}: cannot be written: {error}", directory.display()),
        )
    })
}
