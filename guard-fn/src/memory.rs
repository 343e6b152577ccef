//! Everything a tick leaves to the next one.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::alert::Message;
use guard_core::money::Usd;
use guard_core::name::{FunctionName, Region};
use guard_core::plan::SamplingPlan;
use guard_core::state::{Phase, State};
use serde::{Deserialize, Serialize};

use crate::survey::Survey;

/// Messages kept for another try; beyond that the oldest are dropped. Our choice: some hours of a trip while SNS fails.
pub const OUTBOX_MAX: usize = 100;

/// The guard's memory, with the data that only the shell needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The data that decisions rest on. Its `revision` rises at every save.
    pub state: State,
    /// The account's configuration as far as it is known.
    pub survey: Survey,
    /// What the last tick wants the next one to look at.
    pub sampling: SamplingPlan,
    /// The last valid policy, in force while the present one is invalid or cannot be read.
    pub policy: Option<KnownPolicy>,
    /// Messages that no service has taken yet, oldest first.
    pub outbox: Vec<Message>,
}

/// The part of a [`Memory`] needed to answer a question about the whole: it holds no data per function.
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
    /// An overview of a memory that holds, here or in its store, the given number of functions.
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

/// How long a function's known configuration is good enough for decisions while it is in focus. Our choice: a change
/// made by others is detected right before ours in any case.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(5);

impl Memory {
    /// A guard with an empty memory.
    pub fn new(region: Region) -> Self {
        Memory {
            state: State::new(),
            survey: Survey::new(region),
            sampling: SamplingPlan::default(),
            policy: None,
            outbox: Vec::new(),
        }
    }

    /// Functions whose configuration matters at this tick, the most urgent first. Functions with a lever moved, those
    /// read longest ago first, alternate with functions in focus whose tags are still unread, which are not acted on
    /// until they are. Then come functions in focus last read more than a few minutes ago. Within focus, the dearest of
    /// the last minutes come first. A change always starts from the value in force, whatever is stored here.
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

    /// The cost of a function in its latest minutes.
    fn spent_lately(&self, name: &FunctionName) -> Usd {
        let minutes = self.state.function(name).map(|ledger| &ledger.minutes);
        minutes
            .into_iter()
            .flat_map(|minutes| minutes.iter().rev().take(5))
            .map(|(_, posted)| posted.cost.expected)
            .sum()
    }

    /// Queues messages behind those already waiting.
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
