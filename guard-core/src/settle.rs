//! The values to restore are recorded before any change, and every change is accounted for afterwards.
//!
//! `intend` → apply → `settle`, and `reconcile` at the start of the next tick for anything a crash left open. The world
//! is compared with the memory, so a lost outcome is found again and a repeated one changes nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::inventory::{EventSource, EventSourceMapping, Function, Inventory};
use crate::name::{FunctionName, MappingId};
use crate::plan::{Action, Change, Lever, Plan, Reason, Setting};
use crate::state::{Found, Latch, LeverState, Phase, State};

/// Looks in a row that must find the same foreign value before it counts as the owner's. Our choice: half an hour at a
/// tick a minute, the default cooldown, so that a person still making changes is not overruled.
pub const LOOKS_UNTIL_ADOPTED: u32 = 30;

/// The outcome of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The function.
    pub function: FunctionName,
    /// The change that was tried.
    pub change: Change,
    /// The result of the attempt.
    pub result: ApplyResult,
}

/// The result of an attempt to change something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ApplyResult {
    /// The value is in force, or will be within the actuation time.
    Applied,
    /// The service refused, or the value in force was not the one that the change starts from: nothing changed.
    Rejected {
        /// The service's answer.
        message: String,
    },
    /// It is unknown whether the change took effect.
    Unavailable {
        /// The error.
        message: String,
    },
}

/// Something about a lever that the plan must take into account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    /// A recorded change has not taken effect: it is made as recorded, before any other.
    Resume {
        /// The function.
        function: FunctionName,
        /// The change, from the value found.
        change: Change,
    },
    /// The original value is back although the guard did not put it there: a deploy undid the cap.
    Untripped {
        /// The function.
        function: FunctionName,
        /// The change that would set the guard's value again.
        change: Change,
    },
    /// Another process or person set a value that is neither the guard's nor the original.
    Foreign {
        /// The function.
        function: FunctionName,
        /// The lever.
        lever: Lever,
        /// The value that should be in force as far as the guard knows.
        ours: Setting,
        /// The value found.
        found: Setting,
    },
    /// A value that the guard did not set was found unchanged for [`LOOKS_UNTIL_ADOPTED`] looks: it is the owner's, and
    /// the guard has given up the lever.
    Adopted {
        /// The function.
        function: FunctionName,
        /// The lever.
        lever: Lever,
        /// The value found.
        found: Setting,
    },
    /// The function, or the mapping that a lever belongs to, no longer exists.
    Gone {
        /// The function.
        function: FunctionName,
        /// The lever; `None` where the whole function is gone.
        lever: Option<Lever>,
    },
}

/// Records the changes that an armed plan is about to make: originals (once), wanted values, and each trip's phase. A
/// plan that is not armed leaves no trace.
pub fn intend(state: &mut State, plan: &Plan) {
    if !plan.armed {
        return;
    }
    for action in &plan.actions {
        let latch =
            state.latches.entry(action.function.clone()).or_insert_with(|| new_latch(action, plan.at));
        intend_lever(latch, &action.change);
        intend_phase(latch, action, plan.at);
    }
}

/// The latch that a function's first action creates.
fn new_latch(action: &Action, at: DateTime<Utc>) -> Latch {
    let phase = match action.reason {
        Reason::Barrier { .. } | Reason::Envelope { .. } => Phase::Standing,
        _ => Phase::Capped,
    };
    Latch {
        budget: action.budget.clone(),
        tripped_at: at,
        phase,
        phase_since: at,
        calm_since: None,
        relapses: 0,
        levers: Vec::new(),
    }
}

/// Records the wanted value of a lever, and its original value at the first change.
fn intend_lever(latch: &mut Latch, change: &Change) {
    let (lever, from) = (change.lever(), change.from());
    match latch.levers.iter_mut().find(|state| state.lever == lever) {
        Some(state) => {
            state.found = None;
            // Only an operator's change starts from a foreign value: it becomes the known one, so that a crash before
            // the call is recognised. The original is different: if it is found again, that must still read as "undone
            // by somebody", so the guard's own value stays.
            if from != state.known() && from != state.original {
                state.ours = Some(from);
            }
            state.pending = Some(change.to());
        }
        None => {
            latch.levers.push(LeverState {
                lever,
                original: from,
                ours: None,
                pending: Some(change.to()),
                found: None,
            });
        }
    }
}

/// The phase that an action begins, by its reason.
fn intend_phase(latch: &mut Latch, action: &Action, at: DateTime<Utc>) {
    let restores =
        latch.lever(&action.change.lever()).is_some_and(|lever| lever.original == action.change.to());
    match action.reason {
        Reason::BudgetLine { .. }
        | Reason::HardLine
        | Reason::SlackUsedUp { .. }
        | Reason::CutRetries { .. } => match latch.phase {
            Phase::Capped => {}
            Phase::Standing => {
                latch.budget.clone_from(&action.budget);
                latch.tripped_at = at;
                enter(latch, Phase::Capped, at);
            }
            Phase::Ramping | Phase::Watching => enter(latch, Phase::Capped, at),
        },
        Reason::Relapse { relapses } => {
            latch.relapses = relapses;
            enter(latch, Phase::Capped, at);
        }
        Reason::Affords { .. } => latch.phase_since = at,
        Reason::Calm { .. } => {
            latch.phase = Phase::Ramping;
            latch.phase_since = at;
        }
        Reason::Rollover if !restores => {
            latch.phase = Phase::Ramping;
            latch.phase_since = at;
        }
        // An operator's cap is not a trip: it stays until an operator releases it.
        Reason::Operator if !restores => {
            latch.budget = None;
            enter(latch, Phase::Capped, at);
        }
        Reason::Barrier { .. } | Reason::Envelope { .. } if latch.phase == Phase::Standing => {
            latch.phase_since = at;
        }
        Reason::Barrier { .. } | Reason::Envelope { .. }
            if matches!(latch.phase, Phase::Watching | Phase::Ramping) =>
        {
            enter(latch, Phase::Standing, at);
        }
        _ => {}
    }
}

fn enter(latch: &mut Latch, phase: Phase, at: DateTime<Utc>) {
    latch.phase = phase;
    latch.phase_since = at;
    latch.calm_since = None;
}

/// Records the outcomes of the changes. An outcome that answers no open intent (a repeated delivery) changes nothing.
pub fn settle(state: &mut State, at: DateTime<Utc>, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let Some(latch) = state.latches.get_mut(&outcome.function) else { continue };
        let lever = outcome.change.lever();
        let to = outcome.change.to();
        let Some(index) =
            latch.levers.iter().position(|known| known.lever == lever && known.pending == Some(to))
        else {
            continue;
        };
        match &outcome.result {
            ApplyResult::Applied => settle_applied(latch, index),
            ApplyResult::Rejected { .. } => settle_rejected(latch, index),
            ApplyResult::Unavailable { .. } => continue,
        }
        let rejected = matches!(outcome.result, ApplyResult::Rejected { .. });
        if latch.levers.is_empty() && !watch(latch, at, rejected) {
            state.latches.remove(&outcome.function);
        }
    }
}

/// The pending value is in force; if it is the original, the lever is released.
fn settle_applied(latch: &mut Latch, index: usize) {
    if let Some(lever) = latch.levers.get_mut(index) {
        lever.ours = lever.pending.take();
        if lever.ours == Some(lever.original) {
            latch.levers.remove(index);
        }
    }
}

/// The pending value was refused; a lever that was never moved is forgotten.
fn settle_rejected(latch: &mut Latch, index: usize) {
    if let Some(lever) = latch.levers.get_mut(index) {
        lever.pending = None;
        if lever.ours.is_none() {
            latch.levers.remove(index);
        }
    }
}

/// Whether a latch without levers is kept for the flap window. A latch that never moved anything is not kept, nor is
/// one that was not a budget's trip.
fn watch(latch: &mut Latch, at: DateTime<Utc>, rejected: bool) -> bool {
    let is_trip = matches!(latch.phase, Phase::Capped | Phase::Ramping) && latch.budget.is_some();
    // If its only change was refused, a latch has moved something before only if it is a relapse.
    if !is_trip || (rejected && latch.relapses == 0) {
        return false;
    }
    latch.phase = Phase::Watching;
    latch.phase_since = at;
    true
}

/// Compares the memory with a *complete* inventory at the start of a tick. Settles changes that took effect, forgets
/// functions and levers that no longer exist, and returns the findings for the plan, ordered by name and lever.
pub fn reconcile(state: &mut State, at: DateTime<Utc>, inventory: &Inventory) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names: Vec<FunctionName> = state.latches.keys().cloned().collect();
    for name in names {
        let Some(function) = inventory.function(&name) else {
            state.latches.remove(&name);
            findings.push(Finding::Gone { function: name, lever: None });
            continue;
        };
        let Some(latch) = state.latches.get_mut(&name) else { continue };
        let had_levers = !latch.levers.is_empty();
        reconcile_latch(latch, function, &mut findings);
        if had_levers && latch.levers.is_empty() && !watch(latch, at, false) {
            state.latches.remove(&name);
        }
    }
    findings
}

fn reconcile_latch(latch: &mut Latch, function: &Function, findings: &mut Vec<Finding>) {
    let name = &function.name;
    latch.levers.retain_mut(|lever| {
        let Some(found) = setting_of(function, &lever.lever) else {
            findings.push(Finding::Gone { function: name.clone(), lever: Some(lever.lever.clone()) });
            return false;
        };
        if lever.pending == Some(found) {
            lever.found = None;
            lever.ours = lever.pending.take();
            return lever.ours != Some(lever.original);
        }
        let wanted = lever.pending.unwrap_or(lever.known());
        let change = Change::of(&lever.lever, found, wanted);
        if found == lever.known() && lever.pending.is_none() {
            lever.found = None;
            return true;
        }
        let stays = stays(lever, found);
        if found == lever.known() {
            if stays {
                lever.pending = None;
                return lever.ours.is_some();
            }
            findings.extend(change.map(|change| Finding::Resume { function: name.clone(), change }));
            return true;
        }
        if stays {
            findings.push(Finding::Adopted { function: name.clone(), lever: lever.lever.clone(), found });
            return false;
        }
        if found == lever.original {
            findings.extend(change.map(|change| Finding::Untripped { function: name.clone(), change }));
        } else {
            let (lever, ours) = (lever.lever.clone(), lever.known());
            findings.push(Finding::Foreign { function: name.clone(), lever, ours, found });
        }
        true
    });
}

/// Counts the looks that found a value other than the wanted one; returns whether there are enough to accept it.
fn stays(lever: &mut LeverState, value: Setting) -> bool {
    let looks = lever.found.filter(|found| found.value == value).map_or(0, |found| found.looks) + 1;
    lever.found = Some(Found { value, looks });
    looks > LOOKS_UNTIL_ADOPTED
}

/// Gives up the levers that others have set: they are the owner's from now on. Returns the levers and their values.
pub(crate) fn adopt(state: &mut State, at: DateTime<Utc>, function: &Function) -> Vec<(Lever, Setting)> {
    let Some(latch) = state.latches.get_mut(&function.name) else { return Vec::new() };
    let mut adopted = Vec::new();
    latch.levers.retain(|lever| {
        let found = setting_of(function, &lever.lever);
        let is_foreign = found.is_some_and(|found| {
            found != lever.known() && found != lever.original && lever.pending != Some(found)
        });
        adopted.extend(found.filter(|_| is_foreign).map(|found| (lever.lever.clone(), found)));
        !is_foreign
    });
    if latch.levers.is_empty() && !watch(latch, at, false) {
        state.latches.remove(&function.name);
    }
    adopted
}

/// The value of a lever in force; `None` where the function has no such lever: the mapping is gone or is of
/// another kind, or nothing invokes the function asynchronously.
pub fn setting_of(function: &Function, lever: &Lever) -> Option<Setting> {
    let mapping = |id: &MappingId| function.mappings.iter().find(|mapping| mapping.id == *id);
    match lever {
        Lever::AsyncConfig => function.asynchronous.map(|config| Setting::Async(config.into())),
        Lever::ReservedConcurrency => Some(Setting::Concurrency(function.reserved)),
        Lever::MappingEnabled { mapping: id } => mapping(id).map(|found| Setting::Enabled(found.enabled)),
        Lever::MappingConcurrency { mapping: id } => match mapping(id)?.source {
            EventSource::Sqs { max_concurrency, .. } => Some(Setting::Concurrency(max_concurrency)),
            EventSource::Stream { .. } => None,
        },
    }
}

/// Makes a change in an inventory held in memory, by compare-and-set: returns `false`, and changes nothing, if the
/// function or lever does not exist or its value is not the one that the change starts from.
pub fn apply(inventory: &mut Inventory, name: &FunctionName, change: &Change) -> bool {
    let Some(function) = inventory.functions.iter_mut().find(|function| function.name == *name) else {
        return false;
    };
    if setting_of(function, &change.lever()) != Some(change.from()) {
        return false;
    }
    make(function, change);
    true
}

/// Changes a function held in memory.
pub(crate) fn make(function: &mut Function, change: &Change) {
    match change {
        Change::ReservedConcurrency { to, .. } => function.reserved = *to,
        Change::AsyncConfig { to, .. } => {
            if let Some(config) = &mut function.asynchronous {
                config.max_retries = to.max_retries;
                config.max_event_age_s = to.max_event_age_s;
            }
        }
        Change::MappingEnabled { mapping, to, .. } => {
            with_mapping(function, mapping, |found| found.enabled = *to);
        }
        Change::MappingConcurrency { mapping, to, .. } => with_mapping(function, mapping, |found| {
            if let EventSource::Sqs { max_concurrency, .. } = &mut found.source {
                *max_concurrency = *to;
            }
        }),
    }
}

fn with_mapping(function: &mut Function, id: &MappingId, change: impl FnOnce(&mut EventSourceMapping)) {
    if let Some(found) = function.mappings.iter_mut().find(|mapping| mapping.id == *id) {
        change(found);
    }
}

#[cfg(test)]
mod tests;
