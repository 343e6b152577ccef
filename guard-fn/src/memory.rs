//! Everything a tick leaves to the next one.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use guard_core::name::{FunctionName, Region};
use guard_core::sampling::SamplingPlan;
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

/// A policy that was valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPolicy {
    /// Its text, in TOML.
    pub text: String,
    /// When it was read first.
    pub since: DateTime<Utc>,
}

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

    /// Functions whose configuration decides something at this tick: those with a lever moved or watched, and those
    /// in focus.
    pub fn urgent(&self) -> BTreeSet<FunctionName> {
        let held = self.state.latches.iter().filter(|(_, latch)| latch.phase != Phase::Watching);
        held.map(|(name, _)| name.clone()).chain(self.sampling.focus.iter().cloned()).collect()
    }

    /// Puts messages behind those that wait.
    pub fn queue(&mut self, messages: Vec<Message>) {
        self.outbox.extend(messages);
        let beyond = self.outbox.len().saturating_sub(OUTBOX_MAX);
        self.outbox.drain(..beyond);
    }
}
