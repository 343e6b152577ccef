//! The effect of the levers: on one function at a budget's line, and on the account's room and time for changes.

use super::Known;
use crate::budget::BudgetRule;
use crate::inventory::Function;
use crate::levers::{self, Depth, Work};
use crate::plan::Change;
use crate::policy::NoRoom;
use crate::roster::Roster;

/// The combined effect of all budgets on the account.
pub(super) struct Account {
    /// The most concurrency that functions without a reservation can share: they gain what a lowered reservation frees.
    pub(super) pool: u32,
    /// See [`super::BudgetBound::reaction_s`].
    pub(super) reaction_s: u32,
    pub(super) ticks: u32,
    /// The concurrency that can still be reserved.
    pub(super) room: u32,
    /// The concurrency that stays unreserved whatever is capped.
    pub(super) kept: u32,
    /// Whether the floors of all functions on which some budget acts need more than that.
    pub(super) lacks_room: bool,
    /// Whether the guard shares the pool with others, which can keep it from running.
    pub(super) may_starve: bool,
}

impl Account {
    pub(super) fn new(roster: &Roster, known: &impl Fn(usize) -> Known) -> Self {
        let account = roster.inventory.account;
        let kept = account.kept_unreserved(roster.policy.limits.keep_unreserved).min(account.concurrency);
        let (mut changes, mut taken, mut stays) = (0_u32, 0_u32, 0_u32);
        for (index, function) in roster.inventory.functions.iter().enumerate() {
            let floor = roster.floor(index, known(index).concurrency_p99);
            let stops = roster.acting(index).any(|rule| roster.stops(index, rule));
            let is_acted_on = roster.acting(index).next().is_some();
            if is_acted_on {
                changes = changes.saturating_add(levers::count(function));
                taken = taken.saturating_add(levers::reservation(function, floor));
            }
            stays = stays.saturating_add(match function.reserved {
                Some(_) if stops => 0,
                Some(reserved) if is_acted_on => reserved.min(floor),
                reserved => reserved.unwrap_or(0),
            });
        }
        let ticks = changes.div_ceil(roster.policy.limits.actions_per_tick.max(1)).max(1);
        let timing = roster.policy.timing;
        let room = account.concurrency.saturating_sub(kept.saturating_add(roster.inventory.reserved_total()));
        Account {
            pool: account.concurrency.saturating_sub(stays),
            reaction_s: timing.reaction_s().saturating_add((ticks - 1).saturating_mul(timing.tick_s)),
            ticks,
            room,
            kept,
            lacks_room: taken > room,
            may_starve: may_starve(roster),
        }
    }
}

/// Whether neither the guard nor some other function has concurrency of its own, so that the two share the pool.
fn may_starve(roster: &Roster) -> bool {
    let has_own = |name| roster.inventory.function(name).is_none_or(|guard| guard.reserved.is_some());
    let mut others =
        roster.inventory.functions.iter().filter(|function| Some(&function.name) != roster.guard.as_ref());
    roster.guard.as_ref().is_some_and(|name| !has_own(name)) && others.any(|other| other.reserved.is_none())
}

/// The use that the levers leave to a function at the line of a budget.
pub(super) struct Left {
    /// `None`: the account's whole concurrency.
    pub(super) concurrency: Option<u32>,
    /// Whether a stop was refused because events would be lost.
    pub(super) is_refused: bool,
    /// Whether that needs a reservation, while the policy prefers running the function to stopping it without one.
    pub(super) takes_room: bool,
}

impl Left {
    pub(super) fn of(
        roster: &Roster,
        index: usize,
        function: &Function,
        floor: u32,
        rule: &BudgetRule,
    ) -> Self {
        // Cutting retries saves work and leaves concurrency unchanged.
        let work =
            Work { attempts_per_mille: 1000, failure_per_mille: 0, allow_event_loss: rule.allow_event_loss };
        let stops = roster.stops(index, rule);
        let depth = if stops { Depth::Stop } else { Depth::Cap(floor) };
        let (changes, loss_refused) = levers::changes(function, depth, floor, work);
        let loses = levers::loses_events_at_zero(function) && !rule.allow_event_loss;
        let reserves = |change: &Change| matches!(change, Change::ReservedConcurrency { from: None, to: Some(to) } if *to > 0);
        Left {
            concurrency: levers::left(function, &changes),
            is_refused: stops && loss_refused,
            takes_room: changes.iter().any(|(change, _)| reserves(change))
                && (roster.policy.limits.no_room == NoRoom::Alert || loses),
        }
    }
}
