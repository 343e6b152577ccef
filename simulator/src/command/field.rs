//! `dowsim field`: every scenario with policies of others in the guard's place.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use guard_core::pricing::PriceTable;

use super::many;
use crate::failure::Failure;
use crate::field;
use crate::report::field::document;

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct FieldArgs {
    /// Embedded scenarios by name, or files. Without any: all embedded ones.
    pub scenarios: Vec<String>,
    /// Where all randomness comes from: the same seed, the same bytes.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// The document to write (Markdown) instead of standard output.
    #[arg(long, value_name = "FILE.md")]
    pub out: Option<PathBuf>,
    /// Also write it as one self-contained page.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
    /// Threads. Without it: one per core.
    #[arg(long, value_name = "THREADS", allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
}

/// Compares and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`crate::exit_code::ExitCode::Ok`] where the reader closed the
/// pipe.
pub fn run(args: &FieldArgs, out: impl Write) -> Result<(), Failure> {
    let scenarios = many::ready(&args.scenarios)?;
    many::check_places(args.out.as_deref(), args.html.as_deref())?;
    let prices = PriceTable::embedded();
    let lines = many::on_all(&scenarios, &[args.seed], args.jobs, |request| field::line(request, prices));
    many::publish(&document(&lines, args.seed), args.out.as_deref(), args.html.as_deref(), out)
}
