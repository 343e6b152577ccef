//! `dowsim scorecard`: every scenario on several seeds, judged by the goals.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use guard_core::pricing::PriceTable;

use super::many;
use crate::failure::Failure;
use crate::report::scorecard::document;
use crate::scorecard::{Card, Score};

/// What to judge.
#[derive(Clone, Debug, Args)]
pub struct ScorecardArgs {
    /// Embedded scenarios by name, or files. Without any: all embedded ones.
    pub scenarios: Vec<String>,
    /// Seeds: the first so many. The same seeds, the same bytes.
    #[arg(long, value_name = "COUNT", default_value_t = 3, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
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

/// Judges and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`crate::exit_code::ExitCode::Ok`] where the reader closed the
/// pipe.
pub fn run(args: &ScorecardArgs, out: impl Write) -> Result<(), Failure> {
    let scenarios = many::ready(&args.scenarios)?;
    many::check_places(args.out.as_deref(), args.html.as_deref())?;
    let seeds: Vec<u64> = (1..=args.seeds).collect();
    let prices = PriceTable::embedded();
    let scores = many::on_all(&scenarios, &seeds, args.jobs, |request| Score::new(request, prices));
    let mut scores = scores.into_iter();
    let cards: Vec<Card> = scenarios
        .iter()
        .map(|loaded| Card {
            scenario: loaded.name.clone(),
            scores: scores.by_ref().take(seeds.len()).collect(),
        })
        .collect();
    many::publish(&document(&cards, args.seeds), args.out.as_deref(), args.html.as_deref(), out)
}
