//! The account's concurrency pool: a positive cap is also a reservation, taken from all other functions.

use crate::plan::Change;
use crate::roster::Roster;

/// The concurrency that can still be reserved, counted down as the plan grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    /// The account's limit, less the concurrency that must stay unreserved.
    ceiling: i64,
    /// Reserved by all functions, this plan's changes included.
    reserved: i64,
}

impl Pool {
    pub(crate) fn new(roster: &Roster) -> Self {
        let account = roster.inventory.account;
        let kept = account.kept_unreserved(roster.policy.limits.keep_unreserved);
        Pool {
            ceiling: i64::from(account.concurrency) - i64::from(kept),
            reserved: i64::from(roster.inventory.reserved_total()),
        }
    }

    /// The highest reservation that a function with `from` in force can get. Lowering is always possible.
    pub(crate) fn room(&self, from: Option<u32>) -> u32 {
        let own = i64::from(from.unwrap_or(0));
        let free = (self.ceiling - self.reserved + own).max(own);
        u32::try_from(free.max(0)).unwrap_or(u32::MAX)
    }

    /// Whether the pool has the room that a change takes. The second opinion counts in the same way: one change after
    /// the other, in the order of the plan, so that a change can use the room that those before it have freed.
    pub(crate) fn fits(&self, change: &Change) -> bool {
        match change {
            Change::ReservedConcurrency { from, to: Some(to) } => *to <= self.room(*from),
            _ => true,
        }
    }

    /// Counts a change of reserved concurrency.
    pub(crate) fn take(&mut self, change: &Change) {
        self.reserved += reserves(change);
    }

    /// Takes a change out of the count again.
    pub(crate) fn give_back(&mut self, change: &Change) {
        self.reserved -= reserves(change);
    }
}

/// How much more a change reserves than the value it starts from.
pub(super) fn reserves(change: &Change) -> i64 {
    match change {
        Change::ReservedConcurrency { from, to } => i64::from(to.unwrap_or(0)) - i64::from(from.unwrap_or(0)),
        _ => 0,
    }
}
