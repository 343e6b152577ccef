//! Standing ceilings without a trip: the envelope (a standing cap at the floor), and those of the barrier.

use super::Draft;
use crate::budget::BudgetRule;
use crate::plan::{Change, Lever, Reason, Setting};
use crate::policy::Mode;
use crate::state::Phase;

/// Hours of history before an envelope is held: a week, so that every hour of the week was seen once.
const ENVELOPE_HISTORY_H: u32 = 168;

/// A ceiling to hold, and the budget that wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Reserved concurrency at most.
    pub(crate) ceiling: u32,
    /// The reason.
    pub(crate) reason: Reason,
    /// The budget, as an index into the roster's rules.
    pub(crate) rule: usize,
}

impl Draft<'_> {
    /// Computes the standing ceilings before anything is released.
    pub(super) fn find_ceilings(&mut self) {
        for (place, rule) in self.roster.rules.iter().enumerate().filter(|(_, rule)| rule.mode >= Mode::Cap) {
            if rule.envelope {
                self.find_envelope(place, rule);
            }
            if rule.guarantee {
                self.find_barrier(place, rule);
            }
        }
    }

    /// Puts the ceilings in force; releases those that are no longer wanted.
    pub(super) fn stand(&mut self) {
        let ceilings = std::mem::take(&mut self.ceilings);
        for (index, held) in &ceilings {
            self.hold(*index, held);
        }
        let standing: Vec<_> =
            self.state.latches.iter().filter(|(_, latch)| latch.phase == Phase::Standing).collect();
        for (name, latch) in standing {
            let Some(index) = self.index_of(name).filter(|index| !ceilings.contains_key(index)) else {
                continue;
            };
            let rule = latch.budget.as_ref().and_then(|budget| self.rule(budget));
            for lever in latch.levers.iter().filter(|lever| lever.pending.is_none() && !lever.is_foreign()) {
                let to = self.within_room(index, lever, lever.original);
                let change = Change::of(&lever.lever, lever.known(), to).filter(|_| to != lever.known());
                if let Some(change) = change {
                    self.act(index, change, Reason::Restored, rule);
                }
            }
        }
        self.ceilings = ceilings;
    }

    fn hold(&mut self, index: usize, held: &Held) {
        let Some(function) = self.roster.inventory.functions.get(index) else { return };
        let latch = self.state.latches.get(&function.name);
        let lever = latch.and_then(|latch| latch.lever(&Lever::ReservedConcurrency));
        if lever.is_some_and(|lever| lever.pending.is_some()) {
            return;
        }
        // Levers that this plan releases already count as released: a ceiling without room then is reported with them.
        let planned = self.actions.iter().find(|action| {
            action.function == function.name && action.change.lever() == Lever::ReservedConcurrency
        });
        let now = match planned.map(|action| action.change.to()) {
            Some(Setting::Concurrency(to)) => to,
            _ => function.reserved,
        };
        let is_planned = planned.is_some();
        let tighter = now.is_none_or(|now| held.ceiling < now);
        let ours = latch.is_some_and(|latch| latch.phase == Phase::Standing) && lever.is_some();
        // The barrier loosens in steps of its own; a floor only by doubling, so that it does not move every hour.
        let is_step = |now: u32| match held.reason {
            Reason::Barrier { .. } => held.ceiling > now,
            _ => u64::from(held.ceiling) >= 2 * u64::from(now.max(1)),
        };
        let looser = ours && !is_planned && now.is_some_and(is_step);
        if !tighter && !looser {
            return;
        }
        let rule = self.roster.rules.get(held.rule);
        // AWS refuses a ceiling below the provisioned concurrency.
        let ceiling = held.ceiling.max(function.provisioned);
        let room = self.pool.room(now);
        // A ceiling that loosens takes the room there is.
        let ceiling = if looser { ceiling.min(room) } else { ceiling };
        if ceiling > room {
            let reason = Reason::NoRoom { wanted: ceiling, room };
            let change = Change::ReservedConcurrency { from: now, to: Some(ceiling) };
            self.refuse(index, Some(change), reason, rule);
        } else if now != Some(ceiling) {
            let change = Change::ReservedConcurrency { from: now, to: Some(ceiling) };
            self.act(index, change, held.reason.clone(), rule);
        }
    }

    /// The standing cap of a budget's functions with enough history, at their floors. A reservation made by the owner
    /// stays the owner's.
    fn find_envelope(&mut self, place: usize, rule: &BudgetRule) {
        for index in 0..self.roster.members.len() {
            if !self.may_hold(index, place, rule) {
                continue;
            }
            let Some(function) = self.roster.inventory.functions.get(index) else { continue };
            let latch = self.state.latches.get(&function.name);
            let original =
                latch.and_then(|latch| latch.lever(&Lever::ReservedConcurrency)).map(|lever| lever.original);
            let original = original.unwrap_or(Setting::Concurrency(function.reserved));
            let owners = original != Setting::Concurrency(None);
            let Some(ledger) = self.state.function(&function.name) else { continue };
            let profile = &ledger.profile;
            // Weeks of silence say nothing about a function's needs, and its floor would be taken from the pool.
            if owners || profile.hours() < ENVELOPE_HISTORY_H || ledger.last_invoked.is_none() {
                continue;
            }
            let floor = self.roster.floor(index, profile.concurrency_p99());
            self.lower(index, Held { ceiling: floor, reason: Reason::Envelope { floor }, rule: place });
        }
    }

    /// Whether the guard may hold a ceiling on a function for a budget.
    pub(super) fn may_hold(&self, index: usize, place: usize, rule: &BudgetRule) -> bool {
        let (Some(function), Some(member)) =
            (self.roster.inventory.functions.get(index), self.roster.members.get(index))
        else {
            return false;
        };
        let pardoned =
            self.state.operator.pardons.get(&function.name).is_some_and(|until| self.seen.at < *until);
        member.budgets.binary_search(&place).is_ok()
            && !member.protected
            && function.tags_known
            && self.roster.mode(index, rule) >= Mode::Cap
            && !self.is_held(&function.name)
            && !pardoned
            && !self.is_foreign(&function.name, &Lever::ReservedConcurrency)
    }

    /// Records a ceiling if it is the lowest so far.
    pub(super) fn lower(&mut self, index: usize, held: Held) {
        let lowest = self.ceilings.get(&index).is_none_or(|other| held.ceiling < other.ceiling);
        if lowest {
            self.ceilings.insert(index, held);
        }
    }
}
