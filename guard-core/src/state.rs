//! The guard's memory between two ticks. Plain data: every store (DynamoDB, a file, the simulator) keeps all of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::barrier::{Account, History};
use crate::baseline::Profile;
use crate::ledger::{BudgetLedger, FunctionLedger, Meters, RegionLedger};
use crate::name::{BudgetName, FunctionName};
use crate::plan::{Lever, Setting};
use crate::time::{Hour, Minute};

/// The version of the serialised form.
pub const STATE_SCHEMA: u32 = 1;

/// Everything remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Version of this format.
    pub schema: u32,
    /// Raised at every save, so that of two concurrent ticks only one can win.
    pub revision: u64,
    /// When the last tick looked.
    pub last_tick: Option<DateTime<Utc>>,
    /// The orders of operators that are still in force.
    pub operator: Operator,
    /// GB-seconds of the month so far, for the volume tiers.
    pub meters: Meters,
    /// Money per budget.
    pub budgets: BTreeMap<BudgetName, BudgetLedger>,
    /// Books of budgets that the current policy does not name, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shelf: Vec<Shelved>,
    /// Money and history per function, sorted by name without repetition.
    pub functions: Vec<FunctionLedger>,
    /// The region's spend beyond the functions that were looked at.
    pub region: RegionLedger,
    /// The minute up to which provisioned concurrency was posted.
    pub standing_until: Option<Minute>,
    /// How far the census has come.
    #[serde(default)]
    pub census: CensusState,
    /// The allowance for glances.
    #[serde(default)]
    pub purse: Purse,
    /// Recent ceilings of the functions under a guarantee; 0 while they were in the pool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ceilings: BTreeMap<FunctionName, History<u32>>,
    /// The proved bounds of each guarantee.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guarantees: BTreeMap<BudgetName, Account>,
    /// Trips in force, and released ones still watched for a relapse.
    pub latches: BTreeMap<FunctionName, Latch>,
    /// Alerts that are open or were sent recently, by alarm name.
    pub alerts: BTreeMap<String, AlertState>,
}

/// The book of a budget that the current policy does not name. It is kept for a while, because the budget may come
/// back, under this name or another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelved {
    /// The name it had.
    pub name: BudgetName,
    /// The book as it was left.
    pub book: BudgetLedger,
    /// The look at which it was first missing.
    pub since: DateTime<Utc>,
    /// The newest minute up to which it was posted.
    pub posted_until: Option<Minute>,
}

/// The current allowance for glances, in thousandths of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Thousandths of a metric; below zero after an overdraft.
    pub millis: i64,
    /// When `millis` was last updated; `None` before the first look.
    pub at: Option<DateTime<Utc>>,
}

/// The progress of the walk through every function's hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusState {
    /// The newest hour of the last completed round.
    pub through: Option<Hour>,
    /// The round under way.
    pub round: Option<CensusRound>,
    /// When functions added since the last round were last asked.
    #[serde(default)]
    pub newcomers_at: Option<Minute>,
}

/// A round of the census under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusRound {
    /// The newest hour it reads.
    pub last: Hour,
    /// The function that it has reached.
    pub after: FunctionName,
    /// Whether a function asked earlier in the round gave no answer: such a round does not settle the region.
    pub has_holes: bool,
}

impl CensusState {
    /// Whether the very first round is under way: the functions' data so far is incomplete.
    pub fn is_first_under_way(&self) -> bool {
        self.through.is_none() && self.round.is_some()
    }
}

/// Operators' orders that outlive a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Overrides `armed` of the policy.
    pub armed: Option<bool>,
    /// Functions on which nothing changes until the given time: neither tighter nor looser.
    pub holds: BTreeMap<FunctionName, DateTime<Utc>>,
    /// Functions released by hand, which are not capped again before the given time.
    pub pardons: BTreeMap<FunctionName, DateTime<Utc>>,
}

/// A trip: why a function is capped, its original settings, and how far it has recovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// The budget that tripped; `None` for an operator's cap.
    pub budget: Option<BudgetName>,
    /// When it tripped first.
    pub tripped_at: DateTime<Utc>,
    /// Where it stands.
    pub phase: Phase,
    /// When the phase began, or its last step was taken.
    pub phase_since: DateTime<Utc>,
    /// The first of the calm minutes that run until now; `None` while it is not calm.
    pub calm_since: Option<Minute>,
    /// How often the excess came back since the trip: doubles the cooldown each time.
    pub relapses: u32,
    /// The levers pulled, in the order in which they were pulled.
    pub levers: Vec<LeverState>,
}

/// Where a trip stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Capped. In a state saved before levers recorded the values found at them, some of these are called foreign.
    #[serde(alias = "foreign")]
    Capped,
    /// Being released step by step.
    Ramping,
    /// Restored; a relapse until the end of the flap window belongs to this trip.
    Watching,
    /// The standing cap of a policy with `envelope`, or a ceiling of the barrier: no trip.
    Standing,
}

/// One lever that the guard moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeverState {
    /// The lever.
    pub lever: Lever,
    /// The setting before the guard's first change; written once, before that change.
    pub original: Setting,
    /// The value that the guard set last and knows to be in force; `None` before the first change is settled.
    pub ours: Option<Setting>,
    /// A change that is recorded but not settled yet.
    pub pending: Option<Setting>,
    /// A value in force that is not the one wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

/// A value found at a lever that the guard does not want there. After [`crate::settle::LOOKS_UNTIL_ADOPTED`] looks in a
/// row it stays: a value set by another process or person is the owner's, and a change without effect is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The value.
    pub value: Setting,
    /// Looks in a row that found it.
    pub looks: u32,
}

/// An alert that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertState {
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was sent last.
    pub sent_at: DateTime<Utc>,
    /// When its cause disappeared, while the alert is open.
    pub quiet_since: Option<DateTime<Utc>>,
    /// The value that tells a change worth a new message from a repetition.
    pub digest: String,
}

impl State {
    /// A guard with an empty memory.
    pub fn new() -> Self {
        State { schema: STATE_SCHEMA, ..State::default() }
    }

    /// The ledger of a function, if it was ever seen.
    pub fn function(&self, name: &FunctionName) -> Option<&FunctionLedger> {
        let index = self.functions.binary_search_by(|ledger| ledger.name.cmp(name)).ok()?;
        self.functions.get(index)
    }

    /// The hourly history of a function, if there is any.
    pub fn profile(&self, name: &FunctionName) -> Option<&Profile> {
        self.function(name).map(|ledger| &ledger.profile)
    }
}

impl Latch {
    /// The lever's state, if the guard moved it.
    pub fn lever(&self, lever: &Lever) -> Option<&LeverState> {
        self.levers.iter().find(|state| state.lever == *lever)
    }

    /// Whether the guard holds some lever away from its original value, or is about to.
    pub fn is_holding(&self) -> bool {
        self.levers
            .iter()
            .any(|state| !state.is_foreign() && (state.pending.is_some() || state.ours.is_some()))
    }

    /// Whether another process or person has set some lever.
    pub fn is_foreign(&self) -> bool {
        self.levers.iter().any(LeverState::is_foreign)
    }
}

impl LeverState {
    /// The value that should be in force as far as the guard knows: the one it set last, otherwise the original.
    pub fn known(&self) -> Setting {
        self.ours.unwrap_or(self.original)
    }

    /// Whether the value in force is not the one that the guard knows.
    pub fn is_elsewhere(&self) -> bool {
        self.found.is_some_and(|found| found.value != self.known())
    }

    /// Whether another process or person has set a value that is neither the guard's nor the original.
    pub fn is_foreign(&self) -> bool {
        self.is_elsewhere() && self.found.is_some_and(|found| found.value != self.original)
    }
}
