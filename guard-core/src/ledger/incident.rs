//! The cost of an incident above the ordinary: a leaky sum over the minutes of a budget.

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::time::Minute;

/// The sum of an incident: each minute's cost above the ordinary band is charged, its shortfall below the median is
/// paid back, and a little drains away all the time. It is never below zero, and never above the slack, so that the end
/// of a long incident is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Above the ordinary, in the budget's unit.
    pub amount: Usd,
    /// The minute in which the sum left zero.
    pub since: Option<Minute>,
    /// The last minute summed up.
    pub(super) through: Option<Minute>,
}

/// The limits of a minute's cost, per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerated {
    /// The level above which an excess counts for how fast it grows: the median; while learning, the band.
    pub usual: Usd,
    /// The level above which the cost is charged.
    pub upper: Usd,
    /// The level below which it is paid back: the median; zero while learning.
    pub(super) refunded_below: Usd,
}

impl Incident {
    pub(super) fn add(&mut self, change: Usd, at: Minute, slack: Usd) {
        self.amount = (self.amount + change).at_least_zero().min(slack);
        self.since = if self.amount == Usd::ZERO { None } else { self.since.or(Some(at)) };
    }
}
