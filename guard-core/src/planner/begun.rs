//! A tick in two steps: first, results of looks are posted for as long as they call for further looks; then the tick
//! decides.

use super::{Draft, decide};
use crate::observation::Observation;
use crate::plan::{Plan, SamplingPlan};
use crate::posting::{Reading, post};
use crate::roster::Roster;
use crate::sampling;
use crate::settle::{self, Finding};
use crate::state::State;

/// A tick before its decision.
///
/// The caller looks, begins, and looks again while [`Begun::further`] names functions, at most [`sampling::LOOKS_MAX`]
/// times. A flood is seen in the region's totals, found by glances and read in full before the first answer.
#[derive(Debug)]
pub struct Begun {
    findings: Vec<Finding>,
    pub(super) reading: Reading,
}

impl Begun {
    /// Compares the settings in force with the guard's memory, and posts the observation.
    pub fn new(roster: &Roster, state: &mut State, seen: &Observation) -> Self {
        let findings = settle::reconcile(state, seen.at, &roster.inventory);
        Begun { findings, reading: post(roster, state, seen) }
    }

    /// The functions to look at before the decision: those that the next tick would look at and this one has not.
    /// `None` if there are none. The purse in the state pays for them.
    pub fn further(&self, roster: &Roster, state: &mut State, seen: &Observation) -> Option<SamplingPlan> {
        let mut draft = Draft::new(roster, state, seen, &self.reading);
        draft.look_ahead();
        let mut next = sampling::next(roster, state, seen, &self.reading, &draft.verdicts, &draft.outlooks);
        next.focus.retain(|name| seen.of(name).is_none());
        next.paid.retain(|name| seen.of(name).is_none());
        next.glance.retain(|name| seen.of(name).is_none() && seen.glance_at(name).is_none());
        next.with_concurrency &= !next.glance.is_empty();
        if next.focus.is_empty() && next.glance.is_empty() {
            return None;
        }
        state.purse = state.purse.after(roster, &next, seen.at);
        Some(next)
    }

    /// Posts a further observation: `seen` holds everything that this tick has observed so far.
    pub fn see(&mut self, roster: &Roster, state: &mut State, seen: &Observation) {
        let reading = post(roster, state, seen);
        let before = std::mem::replace(&mut self.reading, reading);
        self.reading.rolled = before.rolled;
        self.reading.changes = before.changes;
    }

    /// Plans, has the second opinion check the plan, and records the values to restore before anything is changed.
    pub fn decide(self, roster: &Roster, state: &mut State, seen: &Observation) -> Plan {
        decide(roster, state, seen, &self.reading, &self.findings)
    }
}
