//! The order of turns: functions that a list lacked, those that were never read, then those read longest ago.

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;

use super::read::Wanted;
use super::survey::Surveyor;
use crate::survey::Survey;

/// The maximum age of the rarely read facts of a function.
const RARE_AGE: TimeDelta = TimeDelta::days(1);

/// Calls that a function's turn takes: its settings.
const CALLS_PER_TURN: u32 = 2;

/// Calls that its rare turn takes if it has no alias. A turn that the budget cuts short is repeated.
const CALLS_PER_RARE_TURN: u32 = 3;

impl Surveyor<'_> {
    /// Spends the rest of the budget on functions: settings and rarely read facts alternate.
    pub(super) async fn turns(&mut self) {
        if !self.survey.is_complete() {
            return;
        }
        let unlisted = self.survey.progress.unlisted.clone();
        let mut left = unlisted.iter();
        self.each(&mut |_| left.next().map(|name| (often(name), CALLS_PER_TURN))).await;
        let at = self.at;
        let is_read = |name: &FunctionName| self.survey.read_at.get(name) == Some(&at);
        let read: Vec<&FunctionName> = unlisted.iter().filter(|name| is_read(name)).collect();
        for name in read {
            self.survey.progress.unlisted.remove(name);
        }
        let mut settings =
            oldest(self.survey, at, |survey, name| survey.read_at.get(name).copied()).into_iter();
        let rare = |survey: &Survey, name: &FunctionName| {
            survey.progress.invokers.get(name).map(|(read_at, _)| *read_at)
        };
        let mut rarely = oldest(self.survey, at - RARE_AGE + TimeDelta::nanoseconds(1), rare).into_iter();
        let mut is_turn_of_rare = true;
        self.each(&mut |_| {
            is_turn_of_rare = !is_turn_of_rare;
            let often = |name: FunctionName| (often(&name), CALLS_PER_TURN);
            let seldom = |name: FunctionName| (seldom(&name), CALLS_PER_RARE_TURN);
            if is_turn_of_rare {
                rarely.next().map(seldom).or_else(|| settings.next().map(often))
            } else {
                settings.next().map(often).or_else(|| rarely.next().map(seldom))
            }
        })
        .await;
    }
}

/// The facts of a function that are read often.
fn often(name: &FunctionName) -> Wanted {
    Wanted { name: name.clone(), settings: true, mappings: false, rare: false, known: Vec::new() }
}

/// The facts of a function that are read rarely.
fn seldom(name: &FunctionName) -> Wanted {
    Wanted { settings: false, rare: true, ..often(name) }
}

/// Functions that were read before `before` or never, oldest first; a try that failed counts as a turn.
fn oldest(
    survey: &Survey,
    before: DateTime<Utc>,
    read_at: impl Fn(&Survey, &FunctionName) -> Option<DateTime<Utc>>,
) -> Vec<FunctionName> {
    let names = survey.inventory.functions.iter().map(|function| &function.name);
    let mut turns: Vec<(Option<DateTime<Utc>>, &FunctionName)> = names
        .map(|name| (read_at(survey, name), name))
        .filter(|(read_at, _)| read_at.is_none_or(|read_at| read_at < before))
        .map(|(read_at, name)| (read_at.max(survey.progress.failed_at.get(name).copied()), name))
        .collect();
    turns.sort();
    turns.into_iter().map(|(_, name)| name.clone()).collect()
}
