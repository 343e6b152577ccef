//! The guard is about to be deleted: everything it changed is put back first, or it is not deleted.

use chrono::{DateTime, Utc};
use guard_core::name::FunctionName;
use guard_core::operator::Command;
use guard_core::settle::{ApplyResult, Outcome, setting_of};
use guard_core::state::Latch;

use super::{AnswerError, Guard, Reply, TickError};
use crate::memory::Memory;
use crate::ports::StoreError;

/// How often it is tried within one invocation: another tick may save meanwhile, and an answer may be lost. Our choice.
const TRIES: u32 = 3;

/// Until this part of the time is gone, in percent, another try may begin. Our choice: a try needs half of it.
const AGAIN: u32 = 40;

impl Guard {
    /// Disarms the guard, and puts back everything it changed on any function.
    ///
    /// # Errors
    /// If something could not be put back, or the memory cannot be read or saved.
    pub async fn leave(&mut self, at: DateTime<Utc>) -> Result<Reply, AnswerError> {
        let mut tries = 1;
        loop {
            let done = self.obey(&Command::ReleaseAll, at).await;
            let is_worth_another = matches!(
                done,
                Err(AnswerError::Held { .. }
                    | AnswerError::Tick(TickError::Memory(StoreError::Conflict { .. })))
            );
            if !is_worth_another || tries >= TRIES || self.time.is_past(AGAIN) {
                return done;
            }
            tries += 1;
        }
    }
}

/// The functions an order is about, which are read afresh.
pub(super) fn urgent(memory: &Memory, order: &Command) -> Vec<FunctionName> {
    match order {
        Command::ReleaseAll => memory.state.latches.keys().cloned().collect(),
        other => other.function().cloned().into_iter().collect(),
    }
}

/// The functions on which something is still changed after everything was to be put back, or may be.
pub(super) fn held(memory: &Memory, outcomes: &[Outcome], at: DateTime<Utc>) -> Vec<String> {
    let latches = memory.state.latches.iter().filter(|(_, latch)| !latch.levers.is_empty());
    latches.filter_map(|(name, latch)| why_held(memory, outcomes, at, (name, latch))).collect()
}

fn why_held(
    memory: &Memory,
    outcomes: &[Outcome],
    at: DateTime<Utc>,
    (name, latch): (&FunctionName, &Latch),
) -> Option<String> {
    let failed =
        outcomes.iter().filter(|outcome| outcome.function == *name).find_map(|outcome| {
            match &outcome.result {
                ApplyResult::Applied => None,
                ApplyResult::Rejected { message } => Some(format!("{name}: refused: {message}")),
                ApplyResult::Unavailable { message } => Some(format!("{name}: no answer: {message}")),
            }
        });
    if failed.is_some() {
        return failed;
    }
    match memory.survey.inventory.function(name) {
        None if memory.survey.is_complete() => None,
        Some(function) if memory.survey.read_at.get(name) == Some(&at) => {
            let original = |lever: &guard_core::state::LeverState| {
                setting_of(function, &lever.lever).is_none_or(|found| found == lever.original)
            };
            (!latch.levers.iter().all(original)).then(|| format!("{name}: there was no time for it"))
        }
        _ => Some(format!("{name}: its configuration could not be read")),
    }
}
