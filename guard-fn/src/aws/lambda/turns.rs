//! The order of turns: functions that a list lacked, those that were never read, then those read longest ago.

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;

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
        for name in self.survey.progress.unlisted.clone() {
            if self.left() < CALLS_PER_TURN {
                return;
            }
            self.settings(&name).await;
            if self.survey.read_at.get(&name) == Some(&self.at) {
                self.survey.progress.unlisted.remove(&name);
            }
        }
        let at = self.at;
        let mut often = oldest(self.survey, at, |survey, name| survey.read_at.get(name).copied()).into_iter();
        let rare = |survey: &Survey, name: &FunctionName| {
            survey.progress.invokers.get(name).map(|(read_at, _)| *read_at)
        };
        let mut rarely = oldest(self.survey, at - RARE_AGE + TimeDelta::nanoseconds(1), rare).into_iter();
        while self.left() >= CALLS_PER_TURN {
            let (often, rarely) = (often.next(), rarely.next());
            if often.is_none() && rarely.is_none() {
                return;
            }
            if let Some(name) = often {
                self.settings(&name).await;
            }
            if let Some(name) = rarely.filter(|_| self.left() >= CALLS_PER_RARE_TURN) {
                self.rare(&name).await;
            }
        }
    }
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
