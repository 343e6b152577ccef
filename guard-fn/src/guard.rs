//! The guard as it runs: one tick after another on one memory, through ports. The order of a tick's steps guarantees
//! that a crash between any two of them loses nothing and doubles nothing.

mod answer;
mod tick;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::inventory::Inventory;
use guard_core::name::{FunctionName, Region};
use guard_core::plan::{Action, Plan, Reason};
use guard_core::policy::Policy;
use guard_core::pricing::PriceTable;
use guard_core::roster::Roster;
use guard_core::settle::{ApplyResult, Outcome};

pub use self::answer::{Answer, AnswerError, Done, Explained, Reply, Status};
pub use self::tick::{Report, TickError};

use crate::config::Metrics;
use crate::memory::{KnownPolicy, Memory};
use crate::ports::{Ports, StoreError, Unavailable};
use crate::wake;

/// The guard's identity and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's twelve digits; empty if unknown.
    pub account: String,
    /// The region it guards.
    pub region: Region,
    /// Its own function, which it never touches; `None` on a laptop.
    pub function: Option<FunctionName>,
    /// The owner's name for this installation.
    pub stage: String,
    /// Which custom metrics a tick writes.
    pub metrics: Metrics,
}

/// A guard with its ports, and what stays warm between two ticks.
pub struct Guard {
    ports: Ports,
    identity: Identity,
    prices: PriceTable,
    /// The memory as saved last, kept while this process is alone with it.
    warm: Option<Memory>,
    /// Seconds between two ticks, by the policy that was in force last.
    tick_s: u32,
    /// Whether it may change anything, whatever the policy and operators say.
    may_change: bool,
    /// Whether the memory is another guard's, which has a policy of its own.
    is_visiting: bool,
    /// Whether that policy applies, and not the one of its own port.
    borrows_policy: bool,
}

/// The policy in force and what is wrong with the present one.
#[derive(Clone, Debug)]
struct InForce {
    policy: Policy,
    problem: Option<String>,
}

impl Guard {
    /// A guard that has not run yet.
    pub fn new(ports: Ports, identity: Identity, prices: PriceTable) -> Self {
        Guard {
            ports,
            identity,
            prices,
            warm: None,
            tick_s: Policy::default().timing.tick_s,
            may_change: true,
            is_visiting: false,
            borrows_policy: false,
        }
    }

    /// The guard's identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Sets whether the guard may change anything at all; by default it may. If not, everything is decided, remembered
    /// and reported as by a disarmed guard, and an operator's order is only described.
    pub fn permit_changes(&mut self, may_change: bool) {
        self.may_change = may_change;
    }

    /// Makes it a visitor to another guard's memory: the visitor's policy applies to its own answers, and does not
    /// become the one that the other falls back on when its own cannot be read. A visitor that borrows the policy takes
    /// the one that the other read last.
    pub fn visit(&mut self, borrows_policy: bool) {
        self.is_visiting = true;
        self.borrows_policy = borrows_policy;
    }

    /// How old an event may be and still be obeyed.
    pub fn limits(&self) -> wake::Limits {
        wake::Limits::for_period(TimeDelta::seconds(i64::from(self.tick_s)))
    }

    /// Takes its account from the invocation if it was unknown before.
    pub fn in_account(&mut self, account: &str) {
        if self.identity.account.is_empty() {
            account.clone_into(&mut self.identity.account);
        }
    }

    /// Refreshes the prices if they are due. An error is returned; the prices known before then stay in force.
    async fn reprice(&mut self, at: DateTime<Utc>) -> Option<Unavailable> {
        match self.ports.prices.as_mut()?.refresh(&self.prices, at).await {
            Ok(None) => None,
            Ok(Some(newer)) => {
                self.prices = newer;
                None
            }
            Err(problem) => Some(problem),
        }
    }

    /// The memory: warm, or loaded.
    async fn memory(&mut self) -> Result<Memory, StoreError> {
        match self.warm.take() {
            Some(memory) => Ok(memory),
            None => self.ports.store.load().await,
        }
    }

    /// Saves the memory; one that could not be saved is not kept warm either.
    async fn save(
        &mut self,
        memory: &mut Memory,
        touched: &BTreeSet<FunctionName>,
    ) -> Result<(), StoreError> {
        self.warm = None;
        self.ports.store.save(memory, touched).await
    }

    /// The policy in force: the present one, or the last good one while that is unreadable or invalid.
    async fn policy(&self, last_good: &mut Option<KnownPolicy>, at: DateTime<Utc>) -> InForce {
        if self.borrows_policy {
            let known = last_good.as_ref().and_then(|known| Policy::from_toml(&known.text).ok());
            let problem =
                known.is_none().then(|| "the memory has no policy yet: --policy names one".to_owned());
            return InForce { policy: known.unwrap_or_default(), problem };
        }
        let present = self.ports.policy.fetch().await.map(|text| (Policy::from_toml(&text), text));
        let problem = match present {
            Ok((Ok(policy), text)) => {
                if !self.is_visiting && last_good.as_ref().is_none_or(|known| known.text != text) {
                    *last_good = Some(KnownPolicy { text, since: at });
                }
                return InForce { policy, problem: None };
            }
            Ok((Err(error), _)) => format!("the policy is not valid: {error}"),
            Err(error) => format!("the policy cannot be read: {error}"),
        };
        let known = last_good.as_ref().and_then(|known| Policy::from_toml(&known.text).ok());
        // Without any policy the guard watches, disarmed and without budgets: never silent, never harmful.
        InForce { policy: known.unwrap_or_default(), problem: Some(problem) }
    }

    fn roster(&self, policy: Policy, inventory: Inventory) -> Roster {
        Roster::new(policy, &self.prices, inventory, self.identity.function.clone())
    }

    /// Carries out the actions in order, and records the resulting settings in the survey.
    async fn carry_out(&self, plan: &Plan, memory: &mut Memory) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for action in &plan.actions {
            let result = self.ports.control.apply(action).await;
            let result = if is_open(action, plan, memory) { undecided(result) } else { result };
            if result == ApplyResult::Applied {
                guard_core::settle::apply(&mut memory.survey.inventory, &action.function, &action.change);
            } else {
                // The next survey finds out what is in force now.
                memory.survey.read_at.remove(&action.function);
            }
            outcomes.push(Outcome {
                function: action.function.clone(),
                change: action.change.clone(),
                result,
            });
        }
        outcomes
    }

    /// Sends the waiting messages, oldest first. Messages that no service accepts stay queued.
    async fn send(&self, memory: &mut Memory) -> Vec<Unavailable> {
        let mut problems = Vec::new();
        let mut left = Vec::new();
        for message in std::mem::take(&mut memory.outbox) {
            // A topic that does not answer is not tried a hundred times in one tick.
            if problems.len() >= SEND_TRIES_MAX {
                left.push(message);
                continue;
            }
            if let Err(problem) = self.ports.alerts.send(&message).await {
                problems.push(problem);
                left.push(message);
            }
        }
        memory.outbox = left;
        problems
    }
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

/// Failed sends after which a tick stops sending. Our choice: each may last as long as the call's time-out.
const SEND_TRIES_MAX: usize = 3;

/// How long each step took, in order.
type Took = Vec<(&'static str, Duration)>;
