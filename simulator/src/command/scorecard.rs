//! `dowsim scorecard`: every scenario on several seeds, judged by the goals.

use std::io::Write;

use clap::Args;
use guard_core::pricing::PriceTable;

use super::many::ManyArgs;
use crate::failure::Failure;
use crate::load::Loaded;
use crate::report::scorecard::document;
use crate::scorecard::{Card, Score, calm_days, is_calm};

/// What to judge.
#[derive(Clone, Debug, Args)]
pub struct ScorecardArgs {
    /// Scenarios, files and threads.
    #[command(flatten)]
    pub many: ManyArgs,
    /// Seeds: the first so many. The same seeds, the same bytes.
    #[arg(long, value_name = "COUNT", default_value_t = 3, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
}

/// Judges and tells.
///
/// # Errors
/// With the code to return and a line for standard error; [`crate::exit_code::ExitCode::Ok`] where the reader closed the
/// pipe.
pub fn run(args: &ScorecardArgs, out: impl Write) -> Result<(), Failure> {
    let scenarios = args.many.ready()?;
    let seeds: Vec<u64> = (1..=args.seeds).collect();
    let prices = PriceTable::embedded();
    let scores = args.many.on_all(&scenarios, &seeds, |request| Score::new(request, prices));
    let mut scores = scores.into_iter();
    let cards: Vec<Card> = scenarios
        .iter()
        .map(|loaded| Card {
            scenario: loaded.name.clone(),
            scores: scores.by_ref().take(seeds.len()).collect(),
        })
        .collect();
    let calm: Vec<&Loaded> = scenarios.iter().filter(|loaded| is_calm(loaded)).collect();
    let days = args.many.on_cases(&calm, |loaded| calm_days(loaded, prices));
    let command = args.many.command(&format!("scorecard --seeds {}", args.seeds));
    args.many.publish(&document(&cards, &days.concat(), &command), out)
}
