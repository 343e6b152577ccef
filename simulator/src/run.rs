//! One run of a scenario: the world, its metrics and its bill, with the guard, with a policy of others in its place, or
//! with neither.

mod rival;
mod runner;
mod truth;

use guard_core::bound::Known;
use guard_core::money::{Usd, UsdRange};
use guard_core::plan::{Notice, Plan, Verdict};
use guard_core::pricing::PriceTable;
use guard_core::settle::Outcome;
use serde::Serialize;

use self::runner::Runner;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::world::{Cast, Tally, TrafficTally};

pub use self::rival::{Rival, Seat};
pub use self::truth::{PastLine, PeriodSpend, Split};

/// The inputs of a run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The scenario. Budgets are read from its policy, whether or not a guard runs.
    pub scenario: &'a Scenario,
    /// The same, made ready.
    pub stage: &'a Stage,
    /// Whether the guard runs.
    pub guarded: bool,
    /// The traffic that takes part.
    pub cast: Cast,
    /// The seed of all randomness.
    pub seed: u64,
    /// Minutes to run; `None`: the scenario's, and on until all caps are released.
    pub minutes: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Minutes run.
    pub minutes: u32,
    /// Minute by minute.
    pub rows: Vec<Row>,
    /// The bill at the end.
    pub bill: Bill,
    /// What became of each traffic, in the order of the scenario.
    pub traffic: Vec<TrafficTally>,
    /// What became of each traffic in the minutes in which its function was held below what it could do at the start.
    pub under_cap: Vec<Tally>,
    /// True spend of every budget in each of its periods.
    pub periods: Vec<PeriodSpend>,
    /// Ticks worth reporting, with their decisions, messages and actions.
    pub ticks: Vec<Tick>,
    /// Function names with their part of the bill and their requests, most expensive first.
    pub functions: Vec<FunctionBill>,
    /// Whether something the guard changed in a trip was still in force at the end.
    pub holds: bool,
    /// How often a function that is not attacked went from free to held.
    pub false_stops: u32,
    /// Legitimate traffic of single functions, minute by minute: of those under attack, or of the first.
    #[serde(skip)]
    pub watched: Vec<Watched>,
    /// The most that the guard has known of the ordinary use of each function, in the order of the inventory: what its
    /// published bound rests on.
    #[serde(skip)]
    pub known: Vec<Known>,
    /// Arrivals and ends lived.
    #[serde(skip)]
    pub steps: u64,
}

/// A bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// Everything but the guard.
    pub all: Usd,
    /// Part of attack traffic.
    pub attack: Usd,
    /// Part of attempts that were not the first of their event.
    pub repeated: Usd,
    /// The guard, or the policy in its place: its invocations, and what it paid for looking.
    pub guard: Usd,
}

/// One function on the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionBill {
    /// The function.
    pub function: String,
    /// Its cost.
    pub cost: Usd,
    /// Its requests.
    pub requests: i128,
}

/// One minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Its beginning, in minutes from the start.
    pub minute: u32,
    /// Spent since the start, everything but the guard.
    pub spent: Usd,
    /// Part of it spent on attack traffic.
    pub attack_spent: Usd,
    /// What the guard has seen spent of the first budget in its period.
    pub seen: Option<Usd>,
    /// Where the guard sees the first budget at the end of its period if the excess lasts.
    pub projected: Option<UsdRange>,
    /// The decision for the first budget.
    pub verdict: Option<Verdict>,
    /// The most environments busy at once, of all functions.
    pub busy: u32,
    /// The same of the function in the spotlight.
    pub busy_spotlight: u32,
    /// The cap on the function in the spotlight, if any.
    pub cap: Option<u32>,
    /// Legitimate events sent, served, and refused or lost for good.
    pub legitimate: Fate,
    /// The same of legitimate traffic of functions that are attacked.
    pub attacked: Fate,
    /// The same of attack traffic.
    pub attack: Fate,
    /// Whether a function that is attacked was held below what it could do at the start.
    pub held: bool,
    /// Attempts that ran.
    pub attempts: u64,
    /// Of these, not the first of their event.
    pub repeated: u64,
    /// Attempts that were refused.
    pub throttles: u64,
}

/// The legitimate traffic of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Its place in the inventory.
    pub place: usize,
    /// Its name.
    pub function: String,
    /// Minute by minute.
    pub fates: Vec<Fate>,
}

/// What became of a minute's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Sent.
    pub offered: u64,
    /// Served.
    pub served: u64,
    /// Refused, given up or lost.
    pub refused: u64,
    /// Sent so far and still waiting at the minute's end.
    pub waiting: u64,
}

impl Fate {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Fate) -> Fate {
        Fate {
            offered: self.offered + other.offered,
            served: self.served + other.served,
            refused: self.refused + other.refused,
            waiting: self.waiting + other.waiting,
        }
    }

    /// All of it but a part.
    #[must_use]
    pub fn minus(self, part: Fate) -> Fate {
        Fate {
            offered: self.offered - part.offered,
            served: self.served - part.served,
            refused: self.refused - part.refused,
            waiting: self.waiting - part.waiting,
        }
    }
}

/// A tick worth reporting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tick {
    /// The minute at whose beginning it ran.
    pub minute: u32,
    /// The decision. Its notices are those that were sent: what is told of a change waits until it is made.
    pub plan: Plan,
    /// What became of its actions.
    pub outcomes: Vec<Outcome>,
    /// Its actions and what became of them, in words.
    pub changes: String,
    /// The notices that were sent, as many at a time as one process sends: what is true before the changes, and after.
    #[serde(skip)]
    pub told: [Vec<Notice>; 2],
}

/// Runs.
pub fn run(terms: &Terms<'_>, prices: &PriceTable, progress: impl FnMut(u32)) -> Run {
    Runner::new(terms, prices, None).live(progress)
}

/// Runs with a policy of others where the guard would sit.
pub fn run_under(rival: Box<dyn Rival>, terms: &Terms<'_>, prices: &PriceTable) -> Run {
    Runner::new(&Terms { guarded: false, ..*terms }, prices, Some(rival)).live(|_| ())
}
