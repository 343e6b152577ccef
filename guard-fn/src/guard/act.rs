//! Carries out the changes of a plan: of several functions beside each other, of one function in order, and no more of
//! them than there is time for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{StreamExt, stream};
use guard_core::name::FunctionName;
use guard_core::plan::{Action, Plan, Reason};
use guard_core::settle::{self, ApplyResult, Outcome};
use tokio::time::timeout_at;

use crate::deadline::Stage;
use crate::memory::Memory;
use crate::ports::{ConcurrencyControl, TIME_IS_UP, Unavailable};

/// Functions that are changed at the same time. Our choice: a change takes two or three calls, of which ten a second may
/// leave.
const AT_ONCE: usize = 4;

/// Changes without an answer after which no further one begins: the service is in trouble, and the next tick, which knows
/// what became of them, goes on.
const UNANSWERED_MAX: u32 = 2;

/// Makes changes in the order of the plan. Those that it does not come to have no outcome: they stay recorded as
/// intended, and the next tick makes them.
pub(super) async fn carry_out(
    control: &dyn ConcurrencyControl,
    actions: &[Action],
    time: Stage,
) -> Vec<Outcome> {
    let unanswered = &AtomicU32::new(0);
    let one_function = |actions: Vec<&Action>| {
        let actions: Vec<Action> = actions.into_iter().cloned().collect();
        async move {
            let mut outcomes = Vec::new();
            for action in actions {
                if time.is_over() || unanswered.load(Ordering::Relaxed) >= UNANSWERED_MAX {
                    break;
                }
                let result = timeout_at(time.end, control.apply(&action)).await;
                let result =
                    result.unwrap_or_else(|_| ApplyResult::Unavailable { message: TIME_IS_UP.to_owned() });
                if matches!(result, ApplyResult::Unavailable { .. }) {
                    unanswered.fetch_add(1, Ordering::Relaxed);
                }
                let Action { function, change, .. } = action;
                outcomes.push(Outcome { function, change, result });
            }
            outcomes
        }
    };
    let outcomes = stream::iter(by_function(actions)).map(one_function).buffered(AT_ONCE);
    outcomes.collect::<Vec<_>>().await.concat()
}

/// The actions of each function together, in the order in which the functions come first.
fn by_function(actions: &[Action]) -> Vec<Vec<&Action>> {
    let mut places: BTreeMap<&FunctionName, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Action>> = Vec::new();
    for action in actions {
        let place = *places.entry(&action.function).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(action),
            None => groups.push(vec![action]),
        }
    }
    groups
}

/// Records the resulting settings in the survey. Returns the outcomes, of which an attempt after one that may have taken
/// effect is certain only if it was made.
pub(super) fn note(outcomes: Vec<Outcome>, plan: &Plan, memory: &mut Memory) -> Vec<Outcome> {
    let mut noted = Vec::with_capacity(outcomes.len());
    for mut outcome in outcomes {
        let is_same =
            |action: &&Action| action.function == outcome.function && action.change == outcome.change;
        if plan.actions.iter().find(is_same).is_some_and(|action| is_open(action, plan, memory)) {
            outcome.result = undecided(outcome.result);
        }
        if outcome.result == ApplyResult::Applied {
            settle::apply(&mut memory.survey.inventory, &outcome.function, &outcome.change);
        } else {
            // The next survey finds out what is in force now.
            memory.survey.read_at.remove(&outcome.function);
        }
        noted.push(outcome);
    }
    noted
}

/// Whether an earlier attempt at a change may have taken effect and has not been checked since.
fn is_open(action: &Action, plan: &Plan, memory: &Memory) -> bool {
    action.reason == Reason::Resumed && memory.survey.read_at.get(&action.function) != Some(&plan.at)
}

/// The result of such a change: a rejection of this attempt says nothing about the earlier one, so the intent and the
/// value to restore stay recorded until the next survey.
fn undecided(result: ApplyResult) -> ApplyResult {
    match result {
        ApplyResult::Rejected { message } => ApplyResult::Unavailable { message },
        other => other,
    }
}

/// What is left of a plan, for the report.
pub(super) fn left(actions: &[Action], outcomes: &[Outcome]) -> Option<Unavailable> {
    let left = actions.len().saturating_sub(outcomes.len());
    let is_unanswered = |outcome: &&Outcome| matches!(outcome.result, ApplyResult::Unavailable { .. });
    let unanswered: BTreeSet<&FunctionName> =
        outcomes.iter().filter(is_unanswered).map(|outcome| &outcome.function).collect();
    let why = match unanswered.first() {
        Some(function) => format!("Lambda did not answer the change of {function}"),
        None => "the time was up".to_owned(),
    };
    let what = format!("{left} of {}, because {why}", actions.len());
    (left > 0).then(|| Unavailable::new("changes left to the next tick", what))
}
