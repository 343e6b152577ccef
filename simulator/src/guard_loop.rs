//! The guard in the loop: the decision code that ships, fed with looks, its memory kept between them.

use std::collections::BTreeMap;

use guard_core::inventory::{Architecture, Inventory};
use guard_core::observation::Observation;
use guard_core::plan::{Action, Plan};
use guard_core::planner;
use guard_core::policy::Policy;
use guard_core::pricing::{PriceTable, Quote};
use guard_core::roster::Roster;
use guard_core::settle::{self, ApplyResult, Outcome};
use guard_core::state::State;

/// A guard, its memory, and the account whose configuration it may change.
#[derive(Clone, Debug)]
pub struct GuardLoop {
    roster: Roster,
    state: State,
}

impl GuardLoop {
    /// A guard that remembers nothing: without history, its bands are as wide as they get.
    pub fn new(policy: Policy, prices: &PriceTable, inventory: Inventory) -> Self {
        GuardLoop { roster: Roster::new(policy, prices, inventory, None), state: State::new() }
    }

    /// The prices it reckons with.
    pub fn quotes(&self) -> BTreeMap<Architecture, Quote> {
        [Architecture::X86_64, Architecture::Arm64]
            .into_iter()
            .map(|architecture| (architecture, self.roster.quote(architecture).clone()))
            .collect()
    }

    /// Minutes back to which the guard wants to read again at every look.
    pub fn reread_min(&self) -> i64 {
        self.roster.reread_min()
    }

    /// One decision. An armed guard's changes are made in the replayed account at once and their outcome remembered;
    /// the traffic, which is recorded, does not feel them. A disarmed guard changes nothing.
    pub fn tick(&mut self, seen: &Observation) -> Plan {
        let plan = planner::tick(&self.roster, &mut self.state, seen);
        if plan.armed {
            let outcomes: Vec<Outcome> = plan.actions.iter().map(|action| self.carry_out(action)).collect();
            settle::settle(&mut self.state, plan.at, &outcomes);
        }
        plan
    }

    fn carry_out(&mut self, action: &Action) -> Outcome {
        let result = if settle::apply(&mut self.roster.inventory, &action.function, &action.change) {
            ApplyResult::Applied
        } else {
            ApplyResult::Rejected {
                message: "the value in force is not the one the change starts from".to_owned(),
            }
        };
        Outcome { function: action.function.clone(), change: action.change.clone(), result }
    }
}
