//! Why a run ended early: a code for machines, a line for people.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit_code::ExitCode;
use crate::trace::TraceError;
use crate::trace::input::InputError;

/// Why a run ended early.
#[derive(Debug)]
pub struct Failure {
    /// The exit code of the process.
    pub code: ExitCode,
    /// The message for people, one line.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// A failure with its reason.
    pub fn new(code: ExitCode, reason: impl fmt::Display) -> Self {
        Failure { code, message: reason.to_string() }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let code = match error {
            InputError::Unreadable { .. } => ExitCode::Unreadable,
            InputError::Bad(_) => ExitCode::BadInput,
        };
        Failure::new(code, error)
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Failure::new(ExitCode::BadInput, error)
    }
}

impl From<io::Error> for Failure {
    /// Output that cannot be written; a reader that has seen enough is no failure.
    fn from(error: io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::BrokenPipe { ExitCode::Ok } else { ExitCode::Internal };
        Failure::new(code, format_args!("cannot write the output: {error}"))
    }
}

/// Whether standard error is for errors alone: `--quiet`.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Keeps everything but errors from standard error.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether standard error is for errors alone.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints the assumptions to standard error.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        note(&format!("warning: {warning}"));
    }
}

/// Prints a line to standard error, unless it is to be quiet.
pub fn note(line: &str) {
    if !is_quiet() {
        eprintln!("dowsim: {line}");
    }
}
