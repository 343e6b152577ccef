//! What became of the customers: the half of the story that a bill does not tell.

use crate::replay::{Replay, gone};
use crate::report::layout::{Tone, grouped};
use crate::scenario::Kind;
use crate::world::Tally;

/// Customers served, in percent, below which the loss is heavy. Our choice: one in five is not served.
const HEAVY_BELOW: u64 = 80;

/// What became of the customers of the functions that were held, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customers {
    /// In a clause: `while it was capped, 73 % of the customers of checkout-api were refused`.
    pub clause: String,
    /// The same in a figure: `73 %`.
    pub figure: String,
    /// What the figure counts.
    pub meaning: String,
    /// How heavy it is.
    pub tone: Tone,
}

/// Reads it off a replay.
pub fn customers(replay: &Replay) -> Customers {
    let with = &replay.findings.legitimate_with;
    let without = &replay.findings.legitimate_without;
    let legitimate = || {
        replay.with.traffic.iter().zip(&replay.with.under_cap).filter(|(one, _)| one.kind == Kind::Legitimate)
    };
    let held = legitimate().fold(Tally::default(), |sum, (_, under_cap)| sum.plus(*under_cap));
    let mut names: Vec<&str> =
        legitimate().filter(|(_, tally)| tally.offered > 0).map(|(one, _)| one.function.as_str()).collect();
    names.dedup();
    let whose = match names.as_slice() {
        [only] => (*only).to_owned(),
        _ => "the capped functions".to_owned(),
    };
    let waiting = with.pending();
    // Only what waits because of the guard is told; what is told is what waits.
    if replay.armed && percent(waiting.saturating_sub(without.pending()), with.offered) >= 1 {
        let share = percent(waiting, with.offered);
        return Customers {
            clause: format!(
                "{} events of customers still wait at the end, {share} % of all",
                grouped(waiting)
            ),
            figure: grouped(waiting),
            meaning: format!(
                "events of customers still wait at the end, {share} % of all; {} without a guard",
                grouped(without.pending())
            ),
            tone: tone_of_missing(share),
        };
    }
    let lost = gone(&held) + held.failed;
    if replay.armed && lost > 0 && held.offered > 0 {
        let share = percent(lost, held.offered);
        let said = if share == 0 { "under 1 %".to_owned() } else { format!("{share} %") };
        return Customers {
            clause: format!("while it was capped, {said} of the customers of {whose} were refused"),
            meaning: format!(
                "of the customers of {whose} refused while it was capped: {} of {}; of all customers {} %",
                grouped(lost),
                grouped(held.offered),
                percent(gone(with), with.offered)
            ),
            figure: said,
            tone: tone_of_missing(share),
        };
    }
    let more = (gone(with) + with.failed).saturating_sub(gone(without) + without.failed);
    if more > 0 {
        let share = percent(more, with.offered);
        return Customers {
            clause: format!("{} more events of customers were refused than without it", grouped(more)),
            figure: grouped(more),
            meaning: "more events of customers refused than without the guard".to_owned(),
            tone: tone_of_missing(share),
        };
    }
    Customers {
        clause: "no customer was refused because of it".to_owned(),
        figure: "none".to_owned(),
        meaning: "no customer was refused because of the guard".to_owned(),
        tone: Tone::Good,
    }
}

/// A share in whole percent, down.
fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

const fn tone_of_missing(percent: u64) -> Tone {
    if percent > 100 - HEAVY_BELOW { Tone::Alarm } else { Tone::Warning }
}
