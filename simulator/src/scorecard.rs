//! The scorecard: every scenario on several seeds, without a guard, with it, and with a perfect one, judged by goals that
//! are written down before anything runs.

mod calm;
mod goal;
mod why;

use guard_core::money::Usd;
use guard_core::pricing::PriceTable;
use serde::Serialize;

use crate::number::as_f64;
use crate::replay::{Findings, Replay};
use crate::request::Request;
use crate::run::{Fate, Run};

pub use self::calm::{CalmDay, Shape, calm_days, is_calm};
pub use self::goal::{GOALS, Goal, Judged};

/// A scenario on all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    /// The scenario.
    pub scenario: String,
    /// One score for each seed, in their order.
    pub scores: Vec<Score>,
}

/// A scenario on one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The seed.
    pub seed: u64,
    /// Whether there is an attack.
    pub attack: bool,
    /// The numbers of the replay.
    pub findings: Findings,
    /// The most spent past a line in dollars with the guard, and five minutes of the attack's peak burn.
    pub past: Usd,
    /// Five minutes of the attack's peak burn, without a guard; `None` without an attack.
    pub five_minutes: Option<Usd>,
    /// Legitimate events of functions under attack that were served, in percent, without a guard, with it and with a
    /// perfect one: in the minutes in which the guard held one of these functions.
    pub served: Option<[f64; 3]>,
    /// Legitimate events of other functions that the guard lost, in percent.
    pub others_lost: Option<f64>,
    /// Legitimate events that the guard lost for good, and those that it left to a dead-letter queue.
    pub lost: u64,
    /// Those that it left to a dead-letter queue or destination.
    pub dead_lettered: u64,
    /// What became of each goal.
    pub goals: Vec<Judged>,
}

impl Score {
    /// Replays a scenario and judges it.
    pub fn new(request: &Request<'_>, prices: &PriceTable) -> Score {
        let replay = Replay::new(request, prices, |_, _| ());
        Score::of(request, &replay)
    }

    /// Judges a replay.
    pub fn of(request: &Request<'_>, replay: &Replay) -> Score {
        let findings = replay.findings.clone();
        let more = |count: fn(&crate::world::Tally) -> u64| {
            count(&findings.legitimate_with).saturating_sub(count(&findings.legitimate_without))
        };
        Score {
            seed: replay.seed,
            attack: replay.attack.is_some(),
            past: findings.overrun(),
            five_minutes: goal::five_minutes(request.stage, replay),
            served: served(replay),
            others_lost: goal::others_lost(request.stage, replay),
            lost: more(|tally| tally.lost),
            dead_lettered: more(|tally| tally.dead_lettered),
            goals: GOALS.into_iter().map(|goal| goal.judge(request, replay)).collect(),
            findings,
        }
    }

    /// What became of a goal.
    pub fn judged(&self, goal: Goal) -> Option<&Judged> {
        self.goals.iter().find(|judged| judged.goal == goal)
    }
}

impl Card {
    /// Whether a goal was held on every seed that asked for it; `None` where none did.
    pub fn holds(&self, goal: Goal) -> Option<bool> {
        let asked = self.scores.iter().filter_map(|score| score.judged(goal)?.held);
        asked.reduce(|all, one| all && one)
    }

    /// Seeds on which a goal was missed, and the first of them.
    pub fn missed(&self, goal: Goal) -> (usize, Option<&Judged>) {
        let missed = || {
            self.scores
                .iter()
                .filter_map(move |score| score.judged(goal))
                .filter(|one| one.held == Some(false))
        };
        (missed().count(), missed().next())
    }

    /// The middle of a number over the seeds that have it, the lower of two (nearest rank).
    pub fn median(&self, read: impl Fn(&Score) -> Option<f64>) -> Option<f64> {
        let mut numbers: Vec<f64> = self.scores.iter().filter_map(read).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len().saturating_sub(1) / 2).copied()
    }

    /// The largest of a number.
    pub fn most(&self, read: impl Fn(&Score) -> Option<f64>) -> Option<f64> {
        self.scores.iter().filter_map(read).max_by(f64::total_cmp)
    }
}

/// Legitimate events of functions under attack that were served in the minutes in which the guard held one.
fn served(replay: &Replay) -> Option<[f64; 3]> {
    let held: Vec<usize> =
        replay.with.rows.iter().enumerate().filter(|(_, row)| row.held).map(|(place, _)| place).collect();
    let percent = |run: &Run| {
        let fates = held.iter().filter_map(|place| run.rows.get(*place)).map(|row| row.attacked);
        let sum = fates.fold(Fate::default(), Fate::plus);
        (sum.offered > 0).then(|| as_f64(sum.served) / as_f64(sum.offered) * 100.0)
    };
    Some([percent(&replay.without)?, percent(&replay.with)?, percent(&replay.perfect)?])
}

#[cfg(test)]
mod tests;
