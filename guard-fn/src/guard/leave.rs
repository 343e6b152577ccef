//! The guard is about to be deleted: everything it changed is put back first, or it is not deleted.

use chrono::{DateTime, Utc};
use guard_core::name::FunctionName;
use guard_core::operator::Command;
use guard_core::settle::{ApplyResult, Outcome, setting_of};
use guard_core::state::{Latch, LeverState};

use crate::memory::Memory;

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
            let original = |lever: &LeverState| {
                setting_of(function, &lever.lever).is_none_or(|found| found == lever.original)
            };
            (!latch.levers.iter().all(original)).then(|| format!("{name}: there was no time for it"))
        }
        _ => Some(format!("{name}: its configuration could not be read")),
    }
}
