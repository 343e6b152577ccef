//! Recorded changes that are not in force: made again, set again after a deploy, or given up to the owner.

use super::{Draft, pool};
use crate::baseline::Profile;
use crate::budget::BudgetRule;
use crate::levers;
use crate::name::FunctionName;
use crate::plan::{Change, Reason, Setting};
use crate::policy::Mode;
use crate::settle::Finding;
use crate::state::{Latch, Phase};

impl<'a> Draft<'a> {
    /// Repeats recorded changes that were not found in force, and sets again those that a deploy undid.
    pub(super) fn resume(&mut self, findings: &[Finding]) {
        let mut findings: Vec<&Finding> = findings.iter().collect();
        // Changes that free room come first, so that the others find it.
        findings.sort_by_key(|finding| match finding {
            Finding::Resume { change, .. } | Finding::Untripped { change, .. } => pool::reserves(change) > 0,
            _ => false,
        });
        for finding in findings {
            match finding {
                Finding::Resume { function, change } => {
                    let (Some(index), Some(latch)) =
                        (self.index_of(function), self.state.latches.get(function))
                    else {
                        continue;
                    };
                    let rule = self.author(index, latch, change);
                    // No budget may ask for it any more: given up after some looks.
                    if rule.is_none() && latch.budget.is_some() && tightens(change) {
                        continue;
                    }
                    let is_outdated = rule.is_some_and(|rule| self.is_outdated_stop(index, rule, change));
                    if !self.is_held(function) && !is_outdated && self.has_room(index, change) {
                        self.act(index, change.clone(), Reason::Resumed, rule);
                    }
                }
                Finding::Untripped { function, change } => self.reassert(function, change),
                Finding::Foreign { function, ours, found, .. } => {
                    if let Some(index) = self.index_of(function) {
                        let reason = Reason::ChangedBySomebodyElse { ours: *ours, found: *found };
                        self.refuse(index, None, reason, None);
                    }
                }
                Finding::Gone { .. } | Finding::Adopted { .. } => {}
            }
        }
    }

    /// Whether a stop was recorded only for want of room and there is room again: a breach that lasts then decides
    /// anew.
    fn is_outdated_stop(&self, index: usize, rule: &BudgetRule, change: &Change) -> bool {
        let Change::ReservedConcurrency { from, to: Some(0) } = change else { return false };
        let Some(function) = self.roster.inventory.functions.get(index) else { return false };
        let p99 = self.state.profile(&function.name).and_then(Profile::concurrency_p99);
        let least = self.roster.floor(index, p99).max(function.provisioned).max(1);
        !self.may_ask(index, rule, change) && self.pool.room(*from) >= least
    }

    /// Whether a recorded change finds its room. If the room is gone the change waits, and a breach that lasts decides
    /// anew.
    fn has_room(&mut self, index: usize, change: &Change) -> bool {
        let fits = self.pool.fits(change);
        if let Change::ReservedConcurrency { from, to: Some(wanted) } = change
            && !fits
        {
            let reason = Reason::NoRoom { wanted: *wanted, room: self.pool.room(*from) };
            self.reasons.insert(index, reason);
        }
        fits
    }

    fn reassert(&mut self, name: &FunctionName, change: &Change) {
        let (Some(index), Some(latch)) = (self.index_of(name), self.state.latches.get(name)) else { return };
        if latch.phase == Phase::Watching {
            return;
        }
        let function = self.roster.inventory.functions.get(index);
        let reason =
            Reason::Untripped { last_modified: function.and_then(|function| function.last_modified) };
        let rule = self.author(index, latch, change);
        let may_ask = |rule: &BudgetRule| self.may_ask(index, rule, change);
        if latch.budget.is_some() && tightens(change) && !rule.is_some_and(may_ask) {
            return;
        }
        if self.roster.policy.release.reassert && !self.is_held(name) {
            if !self.has_room(index, change) {
                return;
            }
            self.act(index, change.clone(), reason, rule);
        } else {
            self.settled.insert((name.clone(), change.lever()));
            self.refuse(index, Some(change.clone()), reason, rule);
        }
    }

    /// The budget on whose behalf a recorded change is repeated: the trip's own, or, if its mode no longer allows the
    /// change, another budget that covers the function and does. A trip remembers one budget; several may share it.
    /// `None` for an operator's trip, and if the policy lets no budget hold the function any more.
    fn author(&self, index: usize, latch: &Latch, change: &Change) -> Option<&'a BudgetRule> {
        let name = latch.budget.as_ref()?;
        let covering = || self.holders(index);
        let own = covering().find(|rule| rule.name == *name);
        let may_ask = |rule: &&BudgetRule| self.may_ask(index, rule, change);
        own.into_iter().chain(covering()).find(may_ask).or(own)
    }

    /// The budgets that may hold a function: they cover it and may cap it, and it is not protected.
    fn holders(&self, index: usize) -> impl Iterator<Item = &'a BudgetRule> + use<'a, '_> {
        let member = self.roster.members.get(index).filter(|member| !member.protected);
        let covering = member.map_or(&[][..], |member| &member.budgets);
        let covering = covering.iter().filter_map(|place| self.roster.rules.get(*place));
        covering.filter(move |rule| self.roster.mode(index, rule) >= Mode::Cap)
    }

    /// Whether some budget may still hold a trip's levers; an operator's trip needs none.
    pub(super) fn is_asked_for(&self, index: usize, latch: &Latch) -> bool {
        latch.budget.is_none() || self.holders(index).next().is_some()
    }

    /// Whether a budget's mode, floor and events allow a change of a function.
    fn may_ask(&self, index: usize, rule: &BudgetRule, change: &Change) -> bool {
        let Some(function) = self.roster.inventory.functions.get(index) else { return false };
        let p99 = self.state.profile(&function.name).and_then(Profile::concurrency_p99);
        let (starves, loses) = match change.to() {
            Setting::Concurrency(Some(to)) => {
                (to < self.roster.floor(index, p99), to == 0 && levers::loses_events_at_zero(function))
            }
            Setting::Enabled(false) => (true, levers::loses_events_at_zero(function)),
            Setting::Async(_) => (false, function.asynchronous.is_some_and(|config| !config.on_failure)),
            _ => (false, false),
        };
        let mode = self.roster.mode(index, rule);
        let stops = self.roster.stops(index, rule);
        mode >= Mode::Cap && (!starves || stops) && (!loses || rule.allow_event_loss)
    }
}

/// Whether a change leaves a function less; *unset* counts as the most.
fn tightens(change: &Change) -> bool {
    match (change.from(), change.to()) {
        (Setting::Concurrency(from), Setting::Concurrency(to)) => {
            to.unwrap_or(u32::MAX) < from.unwrap_or(u32::MAX)
        }
        (Setting::Enabled(from), Setting::Enabled(to)) => from && !to,
        (Setting::Async(from), Setting::Async(to)) => {
            to.max_retries < from.max_retries || to.max_event_age_s < from.max_event_age_s
        }
        _ => false,
    }
}
