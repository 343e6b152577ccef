//! The cost of the worst case: the published overrun of a cap.
//!
//! A guard sees late and acts later. Metric lag, tick and actuation pass between a cause and the effect of the answer;
//! invocations running then still run up to the time-out. Priced at the dearest possible use (every unit of concurrency
//! busy, ten requests a second each), that time is an amount of money. Published, it is the overrun; kept below the
//! remaining budget, it is the guarantee of [`crate::barrier`], which needs no forecast.

mod published;

use serde::{Deserialize, Serialize};

use crate::cost::{REQUESTS_PER_SECOND_PER_CONCURRENCY, UnitCost};
use crate::money::Usd;

pub use published::{BoundPart, BudgetBound, Columns, Known, Terms, longest_period_s, published};

/// The most that this much concurrency can cost in this many seconds: busy all the time, ten requests a second each.
///
/// `W(C, s) = C · (m·p + e) · s + 10 · C · (q + c) · s`
pub fn worst_case(unit: &UnitCost, concurrency: u32, seconds: u64) -> Usd {
    per_concurrency_second(unit) * i128::from(concurrency) * i128::from(seconds)
}

/// One unit of concurrency for one second at its worst.
fn per_concurrency_second(unit: &UnitCost) -> Usd {
    unit.per_busy_second() + unit.per_request * REQUESTS_PER_SECOND_PER_CONCURRENCY
}

/// The inputs for the overrun of one function.
#[derive(Clone, Copy, Debug)]
pub struct OverrunInput<'a> {
    /// Its unit costs.
    pub unit: &'a UnitCost,
    /// Its time-out in seconds.
    pub timeout_s: u32,
    /// *L*: seconds from a cause to the effect of the answer.
    pub reaction_s: u32,
    /// The concurrency it can reach before the cap bites: its reservation, else the unreserved pool.
    pub ceiling: u32,
    /// Its ceiling under a standing cap: the floor.
    pub envelope: u32,
    /// Cost of the backlog that a cap postpones.
    pub deferred: Usd,
    /// The concurrency that the levers leave it; 0 if it is stopped.
    pub left: u32,
    /// Seconds until the period ends.
    pub left_s: u64,
}

/// The most that can be spent past the line, term by term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// *C*: the concurrency that can be reached before the cap bites.
    pub concurrency: u32,
    /// *L*: the minute + metric lag + tick + actuation, and a tick for every further tick that the changes need, in seconds.
    pub reaction_s: u32,
    /// *τ*: the time-out, in seconds.
    pub timeout_s: u32,
    /// `C · (m·p + e) · (L + τ)`: work that runs until the cap bites, and work running at that moment.
    pub running: Usd,
    /// `10 · C · (q + c) · L`: the requests admitted until the cap bites.
    pub admitted: Usd,
    /// The backlog that a cap postpones.
    pub deferred: Usd,
    /// The cost until the period ends of the use that its levers leave; nothing if the function is stopped.
    pub floor: Usd,
}

impl Bound {
    /// All terms together.
    pub fn total(&self) -> Usd {
        self.running + self.admitted + self.deferred + self.floor
    }
}

/// The bound with the current ceiling, and the bound under a standing cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrun {
    /// With the ceiling in force.
    pub without_envelope: Bound,
    /// With the standing cap.
    pub with_envelope: Bound,
}

/// The overrun of one function under the timing assumed: *the most that can be spent past the line*.
pub fn overrun(input: &OverrunInput<'_>) -> Overrun {
    let reaction_s = input.reaction_s;
    let bound = |concurrency: u32| Bound {
        concurrency,
        reaction_s,
        timeout_s: input.timeout_s,
        running: input.unit.per_busy_second()
            * i128::from(concurrency)
            * (i128::from(reaction_s) + i128::from(input.timeout_s)),
        admitted: input.unit.per_request
            * REQUESTS_PER_SECOND_PER_CONCURRENCY
            * i128::from(concurrency)
            * i128::from(reaction_s),
        deferred: input.deferred,
        // The concurrency left cannot exceed the concurrency reachable.
        floor: worst_case(input.unit, input.left.min(concurrency), input.left_s),
    };
    Overrun {
        without_envelope: bound(input.ceiling),
        with_envelope: bound(input.envelope.min(input.ceiling)),
    }
}

#[cfg(test)]
mod tests;
