//! Operators' orders: hold, release, cap, arm, disarm. Orders become plans like any other: explained, checked, and
//! recorded before anything changes.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::name::FunctionName;
use crate::plan::{
    Action, Change, Lever, Notice, NoticeKind, PLAN_SCHEMA, Plan, Reason, SamplingPlan, Setting,
};
use crate::planner::notify;
use crate::report;
use crate::roster::Roster;
use crate::settle;
use crate::state::{LeverState, State};

/// Minutes for which a function released by hand is not capped again. Our choice: time to look, not to forget.
const PARDON_MIN: i64 = 60;

/// Minutes for which a function may be held: a minute to thirty days. Our choice.
pub const HOLD_MINUTES: std::ops::RangeInclusive<u32> = 1..=43_200;

/// An operator's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Put back everything the guard changed on a function, now, and leave it alone for an hour.
    Release {
        /// The function.
        function: FunctionName,
    },
    /// Change nothing on a function, neither tighter nor looser, for the given number of minutes.
    Hold {
        /// The function.
        function: FunctionName,
        /// For how long, within [`HOLD_MINUTES`].
        minutes: u32,
    },
    /// Cap a function by hand; released by hand or by calm.
    Cap {
        /// The function.
        function: FunctionName,
        /// Reserved concurrency; 0 stops it.
        concurrency: u32,
    },
    /// Let the guard change things, whatever the policy says.
    Arm,
    /// Let the guard change nothing, whatever the policy says. Caps in force stay until released.
    Disarm,
    /// Disarm, and put back everything the guard changed on any function: it is about to be deleted.
    #[serde(rename = "release-all")]
    ReleaseAll,
}

impl Command {
    /// The function it is about, if it is about one.
    pub fn function(&self) -> Option<&FunctionName> {
        match self {
            Command::Release { function }
            | Command::Hold { function, .. }
            | Command::Cap { function, .. } => Some(function),
            Command::Arm | Command::Disarm | Command::ReleaseAll => None,
        }
    }
}

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The function does not exist in this account and region.
    #[error("no function {function:?} in this account and region")]
    NoSuchFunction {
        /// The function named in the order.
        function: String,
    },
    /// The guard holds nothing on the function.
    #[error("the guard changed nothing on {function:?}: there is nothing to release")]
    NothingToRelease {
        /// The function named in the order.
        function: String,
    },
    /// Protected functions are protected from operators' mistakes too.
    #[error("{function:?} is protected: remove it from the policy's protected list first")]
    Protected {
        /// The function named in the order.
        function: String,
    },
    /// A number outside its range.
    #[error("{key} = {value}: accepted are {range}")]
    OutOfRange {
        /// The field.
        key: &'static str,
        /// The value given.
        value: u32,
        /// The accepted range.
        range: String,
    },
}

/// Carries out an operator's order: returns the plan that follows from it at once, its intents recorded in the state.
///
/// # Errors
/// When the function is not known, protected, or has nothing to release, or a number is out of range. The state is
/// then unchanged.
pub fn command(
    roster: &Roster,
    state: &mut State,
    at: DateTime<Utc>,
    word: &Command,
) -> Result<Plan, CommandError> {
    let mut plan = Plan {
        schema: PLAN_SCHEMA,
        at,
        armed: true,
        actions: Vec::new(),
        refusals: Vec::new(),
        notices: Vec::new(),
        budgets: Vec::new(),
        functions: Vec::new(),
        sampling: SamplingPlan::default(),
    };
    match word {
        Command::Release { function } => {
            plan.actions = release(roster, state, function)?;
            plan.notices.extend(let_go(roster, state, at, function));
        }
        Command::ReleaseAll => {
            state.operator.armed = Some(false);
            let held: Vec<FunctionName> = state.latches.keys().cloned().collect();
            for function in &held {
                // Of a function that is gone or back at its original there is nothing to put back.
                plan.actions.extend(release(roster, state, function).unwrap_or_default());
                plan.notices.extend(let_go(roster, state, at, function));
            }
        }
        Command::Hold { function, minutes } => {
            known(roster, function)?;
            within("minutes", *minutes, *HOLD_MINUTES.start(), *HOLD_MINUTES.end())?;
            state.operator.holds.insert(function.clone(), at + Duration::minutes(i64::from(*minutes)));
        }
        Command::Cap { function, concurrency } => {
            let action = cap(roster, function, *concurrency)?;
            state.operator.pardons.remove(function);
            plan.actions.extend(action);
        }
        Command::Arm => state.operator.armed = Some(true),
        Command::Disarm => state.operator.armed = Some(false),
    }
    plan.notices.extend(notices(roster, word, &plan.actions));
    notify::remember(roster, state, &plan);
    settle::intend(state, &plan);
    Ok(plan)
}

/// The notices to others about an order that changes something, one for each function. They go under the functions' alarms,
/// so that a manual release also closes an alarm opened by the guard.
fn notices(roster: &Roster, word: &Command, actions: &[Action]) -> Vec<Notice> {
    let (kind, alarming, verb) = match word {
        Command::Release { .. } | Command::ReleaseAll => (NoticeKind::Released, false, "OK: released"),
        _ => (NoticeKind::Capped, true, "capped"),
    };
    let of_function = |all: &[Action]| {
        let function = &all.first()?.function;
        let changes: Vec<String> = all.iter().map(|action| report::change(&action.change)).collect();
        let effects = roster.inventory.function(function).filter(|_| alarming);
        Some(Notice {
            kind,
            alarm: notify::function_alarm(function),
            alarming,
            budget: None,
            function: Some(function.clone()),
            headline: format!("{verb} by an operator: {function}: {}", changes.join(", ")),
            body: effects
                .map(|function| report::consequences(function, &all.iter().collect::<Vec<_>>()))
                .unwrap_or_default(),
            digest: format!("operator {kind:?} {}", changes.join(", ")),
        })
    };
    actions.chunk_by(|one, next| one.function == next.function).filter_map(of_function).collect()
}

/// Leaves a released function alone for an hour. Returns what is to be told of values that others have set.
fn let_go(roster: &Roster, state: &mut State, at: DateTime<Utc>, function: &FunctionName) -> Option<Notice> {
    let found = roster.inventory.function(function);
    let adopted = found.map(|found| settle::adopt(state, at, found));
    state.operator.pardons.insert(function.clone(), at + Duration::minutes(PARDON_MIN));
    state.operator.holds.remove(function);
    left(function, adopted)
}

/// Values that others have set on a released function stay, and are reported.
fn left(function: &FunctionName, adopted: Option<Vec<(Lever, Setting)>>) -> Option<Notice> {
    let adopted = adopted.filter(|adopted| !adopted.is_empty())?;
    let values: Vec<String> = adopted.iter().map(|(lever, found)| report::lever_at(lever, *found)).collect();
    Some(Notice {
        kind: NoticeKind::Released,
        alarm: notify::function_alarm(function),
        alarming: false,
        budget: None,
        function: Some(function.clone()),
        headline: format!("OK: {function}: {} stays as it is", values.join(", ")),
        body: vec![report::ADOPTED.to_owned()],
        digest: format!("operator leaves {}", values.join(", ")),
    })
}

/// Restores all original settings; settings that others have changed since are left alone.
fn release(roster: &Roster, state: &State, name: &FunctionName) -> Result<Vec<Action>, CommandError> {
    let function = known(roster, name)?;
    let nothing = || CommandError::NothingToRelease { function: name.to_string() };
    let latch = state.latches.get(name).ok_or_else(nothing)?;
    let actions: Vec<Action> = latch
        .levers
        .iter()
        .rev()
        .filter_map(|lever| {
            let found = settle::setting_of(function, &lever.lever)?;
            let ours = found == lever.known() || lever.pending == Some(found);
            let change = Change::of(&lever.lever, found, lever.original)?;
            ours.then(|| Action { function: name.clone(), change, reason: Reason::Operator, budget: None })
        })
        .collect();
    let is_foreign = |lever: &LeverState| {
        let found = settle::setting_of(function, &lever.lever);
        found.is_some_and(|found| found != lever.known() && found != lever.original)
    };
    let nothing_to_say = actions.is_empty() && !latch.levers.iter().any(is_foreign);
    if nothing_to_say { Err(nothing()) } else { Ok(actions) }
}

fn cap(roster: &Roster, name: &FunctionName, concurrency: u32) -> Result<Option<Action>, CommandError> {
    let function = known(roster, name)?;
    let index =
        roster.inventory.functions.binary_search_by(|function| function.name.cmp(name)).unwrap_or_default();
    if roster.members.get(index).is_some_and(|member| member.protected) {
        return Err(CommandError::Protected { function: name.to_string() });
    }
    let account = roster.inventory.account;
    let others = roster.inventory.reserved_total() - function.reserved.unwrap_or(0);
    let most = account.concurrency.saturating_sub(account.unreserved_minimum).saturating_sub(others);
    within("concurrency", concurrency, 0, most.max(function.reserved.unwrap_or(0)))?;
    let change = Change::ReservedConcurrency { from: function.reserved, to: Some(concurrency) };
    let needed = function.reserved != Some(concurrency);
    Ok(needed.then(|| Action { function: name.clone(), change, reason: Reason::Operator, budget: None }))
}

fn known<'a>(
    roster: &'a Roster,
    name: &FunctionName,
) -> Result<&'a crate::inventory::Function, CommandError> {
    let missing = || CommandError::NoSuchFunction { function: name.to_string() };
    roster.inventory.function(name).ok_or_else(missing)
}

fn within(key: &'static str, value: u32, low: u32, high: u32) -> Result<(), CommandError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(CommandError::OutOfRange { key, value, range: format!("{low} to {high}") })
}

#[cfg(test)]
mod tests;
