//! Ceilings that stand without a trip: the envelope (a standing cap at the floor) and the barrier (ceilings that
//! tighten with what is left, so that spend cannot cross the line).

use std::collections::BTreeMap;

use super::Draft;
use crate::bound::{self, BarrierFunction, BarrierInput};
use crate::budget::BudgetRule;
use crate::levers;
use crate::plan::{Change, Lever, Reason, Setting};
use crate::policy::{BelowFloor, Mode};
use crate::posting::Reading;
use crate::roster::Roster;
use crate::state::{Phase, State};

/// Hours of history before an envelope is held: a week, so that every hour of the week was seen once.
const ENVELOPE_HISTORY_H: u32 = 168;

/// A ceiling to hold, and for whose sake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Reserved concurrency at most.
    pub(crate) ceiling: u32,
    /// Why.
    pub(crate) reason: Reason,
    /// The budget, as an index into the roster's rules.
    pub(crate) rule: usize,
}

/// Notes the ceilings that functions under a guarantee have from now on, and forgets those that cannot matter.
pub(super) fn remember(roster: &Roster, state: &mut State, reading: &Reading) {
    if !roster.rules.iter().any(|rule| rule.guarantee) {
        state.commanded.clear();
        return;
    }
    let mut commanded = BTreeMap::new();
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        let guaranteed =
            member.budgets.iter().any(|place| roster.rules.get(*place).is_some_and(|rule| rule.guarantee));
        if !guaranteed {
            continue;
        }
        let mut history = state.commanded.remove(&function.name).unwrap_or_default();
        let latch = state.latches.get(&function.name);
        let pending = latch.and_then(|latch| latch.lever(&Lever::ReservedConcurrency)?.pending);
        let now = match pending {
            // A ceiling on its way may not arrive: the higher of the two counts until it is known.
            Some(Setting::Concurrency(to)) => highest([to, function.reserved]),
            _ => function.reserved,
        };
        if history.last().is_none_or(|(_, last)| *last != now) {
            history.push((reading.now, now));
        }
        let memory_min = bound::memory_s(&roster.policy.timing, function.timeout_s).div_ceil(60);
        let memory_min = i64::try_from(memory_min).unwrap_or(i64::MAX);
        while history.get(1).is_some_and(|(since, _)| reading.now.since(*since) > memory_min) {
            history.remove(0);
        }
        commanded.insert(function.name.clone(), history);
    }
    state.commanded = commanded;
}

/// The highest of several ceilings; none at all is the highest.
fn highest(ceilings: impl IntoIterator<Item = Option<u32>>) -> Option<u32> {
    ceilings.into_iter().try_fold(0, |most: u32, ceiling| ceiling.map(|ceiling| most.max(ceiling)))
}

impl Draft<'_> {
    /// Works out which ceilings stand, before anything is released.
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

    /// Puts the ceilings in force; gives back those that are wanted no more.
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
        // What this plan gives back already counts as given back: what cannot be held then is told with it.
        let planned = self.actions.iter().find(|action| {
            action.function == function.name && action.change.lever() == Lever::ReservedConcurrency
        });
        let now = match planned.map(|action| action.change.to()) {
            Some(Setting::Concurrency(to)) => to,
            _ => function.reserved,
        };
        let is_planned = planned.is_some();
        let tighter = now.is_none_or(|now| held.ceiling < now);
        // Loosened only by doubling, so that a remainder that moves by cents does not make a change a minute.
        let ours = latch.is_some_and(|latch| latch.phase == Phase::Standing) && lever.is_some();
        let looser = ours
            && !is_planned
            && now.is_some_and(|now| u64::from(held.ceiling) >= 2 * u64::from(now.max(1)));
        if !tighter && !looser {
            return;
        }
        let rule = self.roster.rules.get(held.rule);
        // A ceiling below the provisioned concurrency is refused by AWS.
        let mut ceiling = held.ceiling.max(function.provisioned);
        // The barrier costs no event either, unless the policy says so: one unit keeps the backlog from expiring.
        let may_lose = rule.is_some_and(|rule| rule.allow_event_loss);
        if ceiling == 0 && !may_lose && levers::loses_events_at_zero(function) {
            self.refuse(index, None, Reason::EventLoss, rule);
            ceiling = 1;
            if now.is_some_and(|now| now <= ceiling) {
                return;
            }
        }
        let room = self.pool.room(now);
        if ceiling > room {
            let reason = Reason::NoRoom { wanted: ceiling, room };
            let change = Change::ReservedConcurrency { from: now, to: Some(ceiling) };
            self.refuse(index, Some(change), reason, rule);
        } else if now != Some(ceiling) {
            let change = Change::ReservedConcurrency { from: now, to: Some(ceiling) };
            self.act(index, change, held.reason.clone(), rule);
        }
    }

    /// The standing cap of a budget's functions with enough history, at their floors. A reservation that the owner
    /// made is the owner's.
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
            // Weeks of silence say nothing of what a function needs, and its floor would be taken from the pool.
            if owners || profile.hours() < ENVELOPE_HISTORY_H || ledger.last_invoked.is_none() {
                continue;
            }
            let floor = self.roster.floor(index, profile.concurrency_p99());
            self.lower(index, Held { ceiling: floor, reason: Reason::Envelope { floor }, rule: place });
        }
    }

    /// The barrier of a budget: what is left must hold the worst case of everything it covers.
    fn find_barrier(&mut self, place: usize, rule: &BudgetRule) {
        let Some(outlook) = self.outlooks.get(place) else { return };
        let covered: Vec<usize> = (0..self.roster.members.len())
            .filter(|index| {
                self.roster.members.get(*index).is_some_and(|m| m.budgets.binary_search(&place).is_ok())
            })
            .collect();
        let (movable, fixed): (Vec<usize>, Vec<usize>) =
            covered.iter().partition(|index| self.may_hold(**index, place, rule));
        let known = outlook.spent.high + outlook.deferred.high;
        let mut input = self.barrier_input(rule, &fixed);
        let hold: Vec<Option<u32>> = input.functions.iter().map(|function| function.wanted).collect();
        let fixed_worst = bound::barrier_worst_case(&input, &hold);
        input = self.barrier_input(rule, &movable);
        input.remaining = rule.amount - known - fixed_worst;
        let remaining = input.remaining;
        let wanted: Vec<Option<u32>> = input.functions.iter().map(|function| function.wanted).collect();
        let ceilings = bound::ceilings(&input);
        for ((index, ceiling), wanted) in movable.into_iter().zip(ceilings).zip(wanted) {
            if let Some(ceiling) = ceiling.hold.filter(|hold| Some(*hold) != wanted) {
                let reason = Reason::Barrier { remaining: remaining.at_least_zero() };
                self.lower(index, Held { ceiling, reason, rule: place });
            }
        }
    }

    fn barrier_input(&self, rule: &BudgetRule, indices: &[usize]) -> BarrierInput<'_> {
        let functions: Vec<BarrierFunction<'_>> =
            indices.iter().filter_map(|index| self.barrier_function(*index)).collect();
        let account = self.roster.inventory.account.concurrency;
        let inside: u32 = indices
            .iter()
            .filter_map(|index| self.roster.inventory.functions.get(*index)?.reserved)
            .fold(0, u32::saturating_add);
        let outside = self.roster.inventory.reserved_total().saturating_sub(inside);
        BarrierInput {
            remaining: crate::money::Usd::ZERO,
            functions,
            pool: account.saturating_sub(outside),
            room: self.pool.room(None),
            timing: self.roster.policy.timing,
            floor_wins: rule.below_floor == BelowFloor::KeepFloor,
        }
    }

    fn barrier_function(&self, index: usize) -> Option<BarrierFunction<'_>> {
        let function = self.roster.inventory.functions.get(index)?;
        let member = self.roster.members.get(index)?;
        let latch = self.state.latches.get(&function.name);
        let lever = latch.and_then(|latch| latch.lever(&Lever::ReservedConcurrency));
        let original = match (latch.map(|latch| latch.phase), lever.map(|lever| lever.original)) {
            (Some(Phase::Standing), Some(Setting::Concurrency(original)))
                if !self.is_foreign(&function.name, &Lever::ReservedConcurrency) =>
            {
                original
            }
            _ => function.reserved,
        };
        let envelope = self.ceilings.get(&index).map(|held| held.ceiling);
        let history = self.state.commanded.get(&function.name);
        let before = history.map_or(function.reserved, |history| {
            highest(history.iter().map(|(_, ceiling)| *ceiling).chain([function.reserved]))
        });
        let p99 = self.state.profile(&function.name).and_then(crate::baseline::Profile::concurrency_p99);
        Some(BarrierFunction {
            function: &function.name,
            unit: &member.unit,
            timeout_s: function.timeout_s,
            current: before,
            wanted: match (original, envelope) {
                (Some(original), Some(envelope)) => Some(original.min(envelope)),
                (original, envelope) => original.or(envelope),
            },
            floor: self.roster.floor(index, p99),
        })
    }

    /// Whether the guard may hold a ceiling on a function for a budget.
    fn may_hold(&self, index: usize, place: usize, rule: &BudgetRule) -> bool {
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

    /// Notes a ceiling where it is the lowest so far.
    fn lower(&mut self, index: usize, held: Held) {
        let lowest = self.ceilings.get(&index).is_none_or(|other| held.ceiling < other.ceiling);
        if lowest {
            self.ceilings.insert(index, held);
        }
    }
}
