//! Everything a tick leaves to the next one.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::money::Usd;
use guard_core::name::{FunctionName, Region};
use guard_core::plan::SamplingPlan;
use guard_core::state::{Phase, State};
use serde::{Deserialize, Serialize};

use crate::alert::Message;
use crate::survey::Survey;

/// Messages kept for another try; of more, the oldest go. Our choice: some hours of a trip with a topic that refuses.
pub const OUTBOX_MAX: usize = 100;

/// The guard's memory with what only the shell needs beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// What decisions rest on. Its `revision` rises at every save.
    pub state: State,
    /// The account's configuration as far as it is known.
    pub survey: Survey,
    /// What the last tick wants to look at next.
    pub sampling: SamplingPlan,
    /// The last policy that was valid, in force while the present one is not or cannot be read.
    pub policy: Option<KnownPolicy>,
    /// Messages that no service has taken yet, oldest first.
    pub outbox: Vec<Message>,
}

/// What a question about the whole needs of a [`Memory`]: nothing of it is known function by function.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// Without the books of functions.
    pub state: State,
    /// When all functions were listed last.
    pub listed_at: Option<DateTime<Utc>>,
    /// Functions known.
    pub functions: usize,
    /// The last policy that was valid.
    pub policy: Option<KnownPolicy>,
    /// Messages that no service has taken yet.
    pub waiting_messages: usize,
}

impl Overview {
    /// Of a memory in which so many functions are known, here or where it was read from.
    pub fn new(memory: Memory, functions: usize) -> Self {
        Overview {
            state: State { functions: Vec::new(), ..memory.state },
            listed_at: memory.survey.listed_at,
            functions,
            policy: memory.policy,
            waiting_messages: memory.outbox.len(),
        }
    }
}

impl From<Memory> for Overview {
    fn from(memory: Memory) -> Self {
        let functions = memory.survey.inventory.functions.len();
        Overview::new(memory, functions)
    }
}

/// A policy that was valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPolicy {
    /// Its text, in TOML.
    pub text: String,
    /// When it was read first.
    pub since: DateTime<Utc>,
}

/// How long what is known of a function in focus is good for deciding. Our choice: a change of somebody else's is found
/// out right before ours in any case.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(5);

impl Memory {
    /// A guard that remembers nothing.
    pub fn new(region: Region) -> Self {
        Memory {
            state: State::new(),
            survey: Survey::new(region),
            sampling: SamplingPlan::default(),
            policy: None,
            outbox: Vec::new(),
        }
    }

    /// Functions whose configuration decides something at this tick, the most pressing first: by turns those with a lever
    /// moved, the one read longest ago first, and those in focus whose tags nobody has read, which nothing is held against
    /// until somebody has; then those in focus of which what is known is older than a few minutes. Of what is in focus the
    /// dearest of the last minutes come first. A change starts from the value in force whatever is known here.
    pub fn urgent(&self, focus: &BTreeSet<FunctionName>, at: DateTime<Utc>) -> Vec<FunctionName> {
        let read_at = |name: &FunctionName| self.survey.read_at.get(name).copied();
        let is_held = |name: &FunctionName| {
            self.state.latches.get(name).is_some_and(|latch| latch.phase != Phase::Watching)
        };
        let mut held: Vec<&FunctionName> = self.state.latches.keys().filter(|name| is_held(name)).collect();
        held.sort_by_key(|name| read_at(name));
        let is_old = |name: &FunctionName| read_at(name).is_none_or(|read_at| at - read_at >= KNOWN_FOR);
        let mut watched: Vec<&FunctionName> =
            focus.iter().filter(|name| !is_held(name) && is_old(name)).collect();
        watched.sort_by_key(|name| Reverse(self.spent_lately(name)));
        let known = |name: &FunctionName| {
            self.survey.inventory.function(name).is_none_or(|function| function.tags_known)
        };
        let (watched, unread): (Vec<_>, Vec<_>) = watched.into_iter().partition(|name| known(name));
        let mut unread = unread.into_iter();
        let mut urgent: Vec<&FunctionName> =
            held.into_iter().flat_map(|name| [Some(name), unread.next()]).flatten().collect();
        urgent.extend(unread);
        urgent.extend(watched);
        urgent.into_iter().cloned().collect()
    }

    /// What a function cost in its latest minutes.
    fn spent_lately(&self, name: &FunctionName) -> Usd {
        let minutes = self.state.function(name).map(|ledger| &ledger.minutes);
        minutes
            .into_iter()
            .flat_map(|minutes| minutes.iter().rev().take(5))
            .map(|(_, posted)| posted.cost.expected)
            .sum()
    }

    /// Puts messages behind those that wait.
    pub fn queue(&mut self, messages: Vec<Message>) {
        self.outbox.extend(messages);
        let beyond = self.outbox.len().saturating_sub(OUTBOX_MAX);
        self.outbox.drain(..beyond);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use guard_core::inventory::Function;
    use guard_core::ledger::{FunctionLedger, Posted};
    use guard_core::money::UsdRange;
    use guard_core::state::Latch;
    use guard_core::time::Minute;

    use super::*;

    #[test]
    fn what_is_held_is_read_before_what_is_watched_and_of_that_the_dearest_first() {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap();
        let mut memory = Memory::new("us-east-1".into());
        let ago = |minutes: i64| at - TimeDelta::minutes(minutes);
        for (name, phase, read) in
            [("held", Phase::Capped, 1), ("older", Phase::Ramping, 2), ("free", Phase::Watching, 9)]
        {
            let latch = Latch {
                budget: None,
                tripped_at: at,
                phase,
                phase_since: at,
                calm_since: None,
                relapses: 0,
                levers: Vec::new(),
            };
            memory.state.latches.insert(name.into(), latch);
            memory.survey.read_at.insert(name.into(), ago(read));
        }
        for (name, dollars) in [("cheap", 1), ("dear", 9), ("known", 99)] {
            let mut ledger = FunctionLedger::new(name.into());
            let posted = Posted { cost: UsdRange::exact(Usd::from_dollars(dollars)), ..Posted::default() };
            ledger.minutes.push_back((Minute::of(ago(4)), posted));
            memory.state.functions.push(ledger);
        }
        memory.survey.read_at.insert("known".into(), ago(4));
        memory.survey.read_at.insert("cheap".into(), ago(5));
        let focus = ["cheap", "dear", "held", "known", "never"].map(FunctionName::from).into();
        assert_eq!(
            memory.urgent(&focus, at),
            ["older", "held", "dear", "cheap", "never"].map(FunctionName::from)
        );
        // Tags that nobody has read are read by turns with what is held, however much that is.
        for name in ["cheap", "dear", "never"] {
            let tags_known = name == "dear";
            memory.survey.inventory.functions.push(Function { tags_known, ..Function::new(name, 128, 3) });
        }
        assert_eq!(
            memory.urgent(&focus, at),
            ["older", "cheap", "held", "never", "dear"].map(FunctionName::from)
        );
    }
}
