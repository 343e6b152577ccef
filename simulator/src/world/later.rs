//! Work that comes back: retries, redeliveries, duplicates, chained events. Kept as counts by second, so memory does
//! not grow with the number of events.

use std::collections::BTreeMap;

/// One attempt at one event, as far as its future depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    /// The traffic it belongs to.
    pub(super) class: u16,
    /// Attempts that ran and failed before this one; of queues and streams, receives.
    pub(super) errors: u16,
    /// Times it was refused in a row.
    pub(super) refusals: u8,
    /// Hops of a chain before it.
    pub(super) depth: u8,
    /// Whether every attempt fails.
    pub(super) poison: bool,
    /// Whether it is the second delivery of an event that was delivered already.
    pub(super) duplicate: bool,
    /// Whether it was ever refused or failed: a first attempt is unique work, all others are repeated.
    pub(super) repeated: bool,
    /// Whether it is an event that has not been counted as sent yet.
    pub(super) is_new: bool,
    /// The second in which the event came into being.
    pub(super) born_s: u32,
}

/// So many equal attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cohort {
    pub(super) attempt: Try,
    pub(super) count: u32,
}

/// Cohorts by the second in which they are due.
#[derive(Clone, Debug, Default)]
pub(super) struct Later {
    by_second: BTreeMap<u32, Vec<Cohort>>,
}

/// How many of the newest cohorts of a second are searched for an equal one.
const SEARCHED: usize = 4;

impl Later {
    /// Files attempts for a second.
    pub(super) fn push(&mut self, due_s: u32, attempt: Try, count: u32) {
        let cohorts = self.by_second.entry(due_s).or_default();
        match cohorts.iter_mut().rev().take(SEARCHED).find(|cohort| cohort.attempt == attempt) {
            Some(cohort) => cohort.count += count,
            None => cohorts.push(Cohort { attempt, count }),
        }
    }

    /// Takes the entries due in this second.
    pub(super) fn take(&mut self, second: u32) -> Vec<Cohort> {
        match self.by_second.first_entry() {
            Some(first) if *first.key() <= second => first.remove(),
            _ => Vec::new(),
        }
    }

    /// Everything still waiting.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Cohort> {
        self.by_second.values().flatten()
    }
}
