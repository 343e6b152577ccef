//! What an incident has cost above the ordinary: a leaky sum over the minutes of a budget.

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::time::Minute;

/// The sum of an incident: what minutes cost above the band of the ordinary is charged, what they stay below the median
/// is paid back, and a little drains away all the time. Never below zero, and never above the slack, so that the end of a
/// long incident is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Above the ordinary, in the budget's unit.
    pub amount: Usd,
    /// The minute in which the sum left zero.
    pub since: Option<Minute>,
    /// The last minute summed up.
    pub(super) through: Option<Minute>,
}

/// What a minute may cost, per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerated {
    /// From here on an excess is counted to decide how fast it grows: the median; while learning, the band.
    pub usual: Usd,
    /// Above this it is charged.
    pub upper: Usd,
    /// Below this it is paid back: the median; nothing while learning.
    pub(super) refunded_below: Usd,
}

impl Incident {
    pub(super) fn add(&mut self, change: Usd, at: Minute, slack: Usd) {
        self.amount = (self.amount + change).at_least_zero().min(slack);
        self.since = if self.amount == Usd::ZERO { None } else { self.since.or(Some(at)) };
    }
}
