//! A pretend account: what exists in it, what was changed and what was refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use guard_core::inventory::{Function, Inventory};
use guard_core::name::FunctionName;
use guard_core::plan::{Action, Change};
use guard_core::settle::{self, ApplyResult};

use super::{given, locked};
use crate::deadline::Stage;
use crate::ports::{ConcurrencyControl, Proof, Unavailable};
use crate::survey::Survey;

/// What becomes of the next change that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The service says no.
    Refuse(String),
    /// No answer, and no effect.
    TimeOutBefore,
    /// The change is made, and the answer is lost.
    TimeOutAfter,
    /// No answer for an hour, and no effect.
    Hang,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The function.
    pub function: FunctionName,
    /// The change.
    pub change: Change,
}

#[derive(Debug)]
struct Account {
    inventory: Inventory,
    effects: Vec<Effect>,
    /// Changes asked for, made or not.
    asked: u64,
    fates: VecDeque<Fate>,
}

/// The account. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryControl(Arc<Mutex<Account>>);

impl MemoryControl {
    /// An account with this in it.
    pub fn new(inventory: Inventory) -> Self {
        let account = Account { inventory, effects: Vec::new(), asked: 0, fates: VecDeque::new() };
        MemoryControl(Arc::new(Mutex::new(account)))
    }

    /// What exists now.
    pub fn inventory(&self) -> Inventory {
        locked(&self.0).inventory.clone()
    }

    /// Changes made, in order.
    pub fn effects(&self) -> Vec<Effect> {
        locked(&self.0).effects.clone()
    }

    /// Changes asked for so far.
    pub fn asked(&self) -> u64 {
        locked(&self.0).asked
    }

    /// What becomes of the next change, after those told before.
    pub fn decree(&self, fate: Fate) {
        locked(&self.0).fates.push_back(fate);
    }

    /// Somebody else changes the account.
    pub fn meddle(&self, change: impl FnOnce(&mut Inventory)) {
        change(&mut locked(&self.0).inventory);
    }
}

impl Account {
    fn apply(&mut self, action: &Action) -> ApplyResult {
        self.asked += 1;
        let fate = self.fates.pop_front();
        match &fate {
            Some(Fate::Refuse(message)) => return ApplyResult::Rejected { message: message.clone() },
            Some(Fate::TimeOutBefore | Fate::Hang) => return no_answer(),
            Some(Fate::TimeOutAfter) | None => {}
        }
        let result = self.change(action);
        if fate.is_some() { no_answer() } else { result }
    }

    fn change(&mut self, action: &Action) -> ApplyResult {
        let rejected = |message: String| ApplyResult::Rejected { message };
        let Some(function) = self.inventory.function(&action.function) else {
            return rejected(format!("function not found: {}", action.function));
        };
        let found = settle::setting_of(function, &action.change.lever());
        if found == Some(action.change.to()) {
            return ApplyResult::Applied;
        }
        let mut after = self.inventory.clone();
        if !settle::apply(&mut after, &action.function, &action.change) {
            return rejected(format!("{found:?} is in force, not {:?}", action.change.from()));
        }
        let account = after.account;
        let minimum = account.unreserved_minimum;
        // As AWS has it: what a reservation would leave to all others.
        let is_lowered = after.reserved_total() <= self.inventory.reserved_total();
        if !is_lowered && account.concurrency.saturating_sub(after.reserved_total()) < minimum {
            return rejected(format!(
                "UnreservedConcurrentExecution would fall below its minimum value of [{minimum}]"
            ));
        }
        self.inventory = after;
        self.effects.push(Effect { function: action.function.clone(), change: action.change.clone() });
        ApplyResult::Applied
    }
}

fn no_answer() -> ApplyResult {
    ApplyResult::Unavailable { message: "no answer".to_owned() }
}

#[async_trait]
impl ConcurrencyControl for MemoryControl {
    /// Reads everything, at whatever number of calls.
    async fn survey(
        &self,
        survey: &mut Survey,
        _: &[FunctionName],
        at: DateTime<Utc>,
        _: u32,
        _: Stage,
    ) -> Vec<Unavailable> {
        tokio::task::yield_now().await;
        survey.inventory = self.inventory();
        survey.listed_at = Some(at);
        survey.account_at = Some(at);
        survey.read_at =
            survey.inventory.functions.iter().map(|function| (function.name.clone(), at)).collect();
        Vec::new()
    }

    async fn apply(&self, action: &Action) -> ApplyResult {
        tokio::task::yield_now().await;
        if locked(&self.0).fates.front() == Some(&Fate::Hang) {
            locked(&self.0).fates.pop_front();
            tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
            return no_answer();
        }
        locked(&self.0).apply(action)
    }

    async fn prove(&self, _: &[Function]) -> Vec<Proof> {
        given("change concurrency")
    }
}
