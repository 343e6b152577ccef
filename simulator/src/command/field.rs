//! `dowsim field`: every scenario with policies of others in the guard's place.

use std::io::Write;

use clap::Args;
use guard_core::pricing::PriceTable;

use super::many::ManyArgs;
use crate::failure::Failure;
use crate::field;
use crate::report::field::document;

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct FieldArgs {
    /// Scenarios, files and threads.
    #[command(flatten)]
    pub many: ManyArgs,
    /// Where all randomness comes from: the same seed, the same bytes.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
}

/// Compares and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`crate::exit_code::ExitCode::Ok`] where the reader closed the
/// pipe.
pub fn run(args: &FieldArgs, out: impl Write) -> Result<(), Failure> {
    let scenarios = args.many.ready()?;
    let prices = PriceTable::embedded();
    let lines = args.many.on_all(&scenarios, &[args.seed], |request| field::line(request, prices));
    args.many.publish(&document(&lines, &args.many.command(&format!("field --seed {}", args.seed))), out)
}
