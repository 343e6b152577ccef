//! The guard's memory between two ticks. Plain data: whoever keeps it (DynamoDB, a file, the simulator) keeps all of it.

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
    /// Raised at every save: two ticks cannot both win.
    pub revision: u64,
    /// When the last tick looked.
    pub last_tick: Option<DateTime<Utc>>,
    /// What operators said.
    pub operator: Operator,
    /// GB-seconds of the month so far, for the volume tiers.
    pub meters: Meters,
    /// Money per budget.
    pub budgets: BTreeMap<BudgetName, BudgetLedger>,
    /// Books of budgets that the policy does not name now, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shelf: Vec<Shelved>,
    /// Money and history per function, sorted by name without repetition.
    pub functions: Vec<FunctionLedger>,
    /// What the region spends beyond the functions that were looked at.
    pub region: RegionLedger,
    /// Up to which minute provisioned concurrency was posted.
    pub standing_until: Option<Minute>,
    /// How far the census has come.
    #[serde(default)]
    pub census: CensusState,
    /// What may be spent on glances.
    #[serde(default)]
    pub purse: Purse,
    /// Ceilings that functions under a guarantee have had lately; 0 while they were in the pool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ceilings: BTreeMap<FunctionName, History<u32>>,
    /// What is proved of each guarantee.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guarantees: BTreeMap<BudgetName, Account>,
    /// Trips in force or watched.
    pub latches: BTreeMap<FunctionName, Latch>,
    /// Alerts that are open or were sent lately, by alarm name.
    pub alerts: BTreeMap<String, AlertState>,
}

/// The book of a budget that the policy does not name now: kept for a while, because it may come back, under this name or
/// another.
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

/// What may be spent on glances now, in thousandths of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Thousandths of a metric; below zero after an overdraft.
    pub millis: i64,
    /// When that was; `None` before the first look.
    pub at: Option<DateTime<Utc>>,
}

/// How far the walk through every function's hours has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusState {
    /// The newest hour of the last round that came to its end.
    pub through: Option<Hour>,
    /// The round under way.
    pub round: Option<CensusRound>,
    /// When functions that had come since the last round were asked last.
    #[serde(default)]
    pub newcomers_at: Option<Minute>,
}

/// A round of the census under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusRound {
    /// The newest hour it reads.
    pub last: Hour,
    /// The function it has come to.
    pub after: FunctionName,
    /// Whether somebody asked before was not answered: such a round does not settle the region.
    pub has_holes: bool,
}

impl CensusState {
    /// Whether the very first round is under way: what functions have told so far is not all there is.
    pub fn is_first_under_way(&self) -> bool {
        self.through.is_none() && self.round.is_some()
    }
}

/// Operators' words that outlive a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Overrides `armed` of the policy.
    pub armed: Option<bool>,
    /// Functions on which nothing changes until the given time: neither tighter nor looser.
    pub holds: BTreeMap<FunctionName, DateTime<Utc>>,
    /// Functions released by hand, which are not capped again before the given time.
    pub pardons: BTreeMap<FunctionName, DateTime<Utc>>,
}

/// A trip: why a function is capped, what was there before, and how far it has recovered.
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
    /// Capped. A memory of before levers knew what was found at them calls some of them foreign.
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
    /// Which.
    pub lever: Lever,
    /// What was there before the guard came: written once, before the first change.
    pub original: Setting,
    /// The value the guard set last and knows to be in force; `None` before the first change is settled.
    pub ours: Option<Setting>,
    /// A change written down and not settled yet.
    pub pending: Option<Setting>,
    /// A value in force that is not the one wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

/// A value found at a lever that is not the one the guard wants there. Found for [`crate::settle::LOOKS_UNTIL_ADOPTED`]
/// looks in a row it stays: what somebody else has set is the owner's, and a change that never came is given up.
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
    /// Since when its cause has been gone, while it is open.
    pub quiet_since: Option<DateTime<Utc>>,
    /// What distinguishes a change worth a new message from a repetition.
    pub digest: String,
}

impl State {
    /// A guard that remembers nothing.
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

    /// Whether somebody else has set some lever.
    pub fn is_foreign(&self) -> bool {
        self.levers.iter().any(LeverState::is_foreign)
    }
}

impl LeverState {
    /// The value that should be in force as far as the guard knows: what it set last, else the original.
    pub fn known(&self) -> Setting {
        self.ours.unwrap_or(self.original)
    }

    /// Whether the value in force is not the one that the guard knows.
    pub fn is_elsewhere(&self) -> bool {
        self.found.is_some_and(|found| found.value != self.known())
    }

    /// Whether somebody else has set it to a value that is neither the guard's nor the original.
    pub fn is_foreign(&self) -> bool {
        self.is_elsewhere() && self.found.is_some_and(|found| found.value != self.original)
    }
}
