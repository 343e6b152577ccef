//! What the worst case costs: the published overrun of a cap, and the barrier that keeps it within a budget.
//!
//! A guard sees late and acts later. Between a cause and the effect of the answer pass metric lag, tick and
//! actuation; what runs then still runs up to the time-out. Priced at the dearest possible use (every unit of
//! concurrency busy, ten requests a second each), that time is an amount of money. Published, it is the overrun;
//! kept below what is left of a budget at every tick, it is a guarantee that needs no forecast.

mod published;

use serde::{Deserialize, Serialize};

use crate::cost::{REQUESTS_PER_SECOND_PER_CONCURRENCY, UnitCost};
use crate::money::Usd;
use crate::name::FunctionName;
use crate::policy::Timing;

pub use published::{BoundPart, BudgetBound, Columns, Known, Terms, longest_period_s, published};

/// The most that so much concurrency can cost in so many seconds: busy all the time, ten requests a second each.
///
/// `W(C, s) = C · (m·p + e) · s + 10 · C · (q + c) · s`
pub fn worst_case(unit: &UnitCost, concurrency: u32, seconds: u64) -> Usd {
    per_concurrency_second(unit) * i128::from(concurrency) * i128::from(seconds)
}

/// One unit of concurrency for one second at its worst.
fn per_concurrency_second(unit: &UnitCost) -> Usd {
    unit.per_busy_second() + unit.per_request * REQUESTS_PER_SECOND_PER_CONCURRENCY
}

/// What the overrun of one function depends on.
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
    /// The concurrency that the levers leave it; nothing where it is stopped.
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
    /// `C · (m·p + e) · (L + τ)`: what runs until the cap bites, and what was running then.
    pub running: Usd,
    /// `10 · C · (q + c) · L`: the requests admitted until the cap bites.
    pub admitted: Usd,
    /// The backlog that a cap postpones.
    pub deferred: Usd,
    /// What its levers leave may burn until the period ends; nothing where the function is stopped.
    pub floor: Usd,
}

impl Bound {
    /// All terms together.
    pub fn total(&self) -> Usd {
        self.running + self.admitted + self.deferred + self.floor
    }
}

/// The bound as things are, and as it would be under a standing cap.
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
        // What is left cannot be more than what is there.
        floor: worst_case(input.unit, input.left.min(concurrency), input.left_s),
    };
    Overrun {
        without_envelope: bound(input.ceiling),
        with_envelope: bound(input.envelope.min(input.ceiling)),
    }
}

/// One function as the barrier sees it.
#[derive(Clone, Debug)]
pub struct BarrierFunction<'a> {
    /// Its name.
    pub function: &'a FunctionName,
    /// Its unit costs.
    pub unit: &'a UnitCost,
    /// Its time-out in seconds.
    pub timeout_s: u32,
    /// The highest ceiling commanded within the last [`memory_s`] seconds, the last one commanded before that
    /// included; `None` (the unreserved pool) is the highest of all.
    pub current: Option<u32>,
    /// The ceiling wanted without a barrier: its reservation, or `None` for the pool.
    pub wanted: Option<u32>,
    /// The concurrency that legitimate traffic needs.
    pub floor: u32,
}

/// What the barrier of one scope decides upon.
#[derive(Clone, Debug)]
pub struct BarrierInput<'a> {
    /// The budget's amount less what is known to be spent (high end, deferred backlog included).
    pub remaining: Usd,
    /// The functions of the scope.
    pub functions: Vec<BarrierFunction<'a>>,
    /// The most concurrency that functions without reservation can have together: the account's limit less what
    /// functions outside this list reserve.
    pub pool: u32,
    /// Concurrency that may still be reserved by functions of this list that are in the pool now.
    pub room: u32,
    /// The assumptions that the guarantee rests on.
    pub timing: Timing,
    /// Whether the floor is kept where the money does not suffice for it. The guarantee is void then.
    pub floor_wins: bool,
}

/// A ceiling to hold now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The function.
    pub function: FunctionName,
    /// Its reserved concurrency; `None` leaves it without.
    pub hold: Option<u32>,
}

/// How far back a commanded ceiling still counts, in seconds: metric lag + actuation + τ. An invocation admitted
/// under it can still be hidden; the ceiling that was the last commanded before that time may have been in force
/// at its start and counts too.
pub fn memory_s(timing: &Timing, timeout_s: u32) -> u64 {
    u64::from(timing.metric_lag_s) + u64::from(timing.actuation_s) + u64::from(timeout_s)
}

/// Seconds for which a ceiling of before can still spend unseen: metric lag + actuation + 2 τ. An invocation that
/// ended within the lag is hidden, so one that began up to τ before it is; and what runs when the new ceiling bites
/// runs on for τ.
fn earlier_s(timing: &Timing, timeout_s: u32) -> u64 {
    memory_s(timing, timeout_s) + u64::from(timeout_s)
}

/// Seconds for which a ceiling set now can spend until the next one bites: tick + actuation + τ.
fn ahead_s(timing: &Timing, timeout_s: u32) -> u64 {
    u64::from(timing.tick_s) + u64::from(timing.actuation_s) + u64::from(timeout_s)
}

/// The most that can have been spent unseen or can still be spent before the next tick's ceilings bite, if these
/// are held from now on (in the order of `input.functions`). The barrier keeps it within `remaining`.
pub fn barrier_worst_case(input: &BarrierInput<'_>, hold: &[Option<u32>]) -> Usd {
    earlier(input) + ahead(input, hold)
}

/// What the ceilings of before can still spend.
fn earlier(input: &BarrierInput<'_>) -> Usd {
    let current: Vec<Option<u32>> = input.functions.iter().map(|function| function.current).collect();
    together(input, &current, |function| earlier_s(&input.timing, function.timeout_s))
}

/// What ceilings set now can spend until the next ones bite.
fn ahead(input: &BarrierInput<'_>, hold: &[Option<u32>]) -> Usd {
    together(input, hold, |function| ahead_s(&input.timing, function.timeout_s))
}

/// Reserved functions each at their own ceiling; those in the pool together as the whole pool at the dearest.
fn together(
    input: &BarrierInput<'_>,
    hold: &[Option<u32>],
    seconds: impl Fn(&BarrierFunction<'_>) -> u64,
) -> Usd {
    let mut reserved = Usd::ZERO;
    let mut dearest = Usd::ZERO;
    for (function, ceiling) in input.functions.iter().zip(hold) {
        match ceiling {
            Some(ceiling) => reserved += worst_case(function.unit, *ceiling, seconds(function)),
            None => dearest = dearest.max(worst_case(function.unit, 1, seconds(function))),
        }
    }
    reserved + dearest * i128::from(input.pool)
}

/// The ceilings to hold from now on, so that no use whatsoever crosses the line before the next tick can answer.
///
/// While the worst case fits into what remains, everything is as wanted. Else the function with the most expensive
/// concurrency above its floor is shrunk first, unit by unit down to its floor, then the next, and then, unless the
/// floor wins, below the floors down to zero in the same order. Where even zero does not fit it is zero: the tick
/// before has already answered for what runs. More money never gives a smaller ceiling, because the steps and their
/// order do not depend on it.
pub fn ceilings(input: &BarrierInput<'_>) -> Vec<Ceiling> {
    let affordable = input.remaining - earlier(input);
    let mut hold: Vec<Option<u32>> = input.functions.iter().map(|function| function.wanted).collect();
    if ahead(input, &hold) > affordable {
        let order = shrinking_order(input);
        let mut room = input.room;
        let fits = order.iter().any(|&index| shrink_to_floor(input, &mut hold, index, &mut room, affordable));
        if !fits && !input.floor_wins {
            // One in the pool that has no room for its floor is offered nothing between the pool and zero.
            let _fits = order.iter().any(|&index| {
                let held = hold.get(index).copied().flatten().unwrap_or(0);
                shrink(input, &mut hold, index, (held, 0), affordable)
            });
        }
    }
    let named = input.functions.iter().zip(hold);
    named.map(|(function, hold)| Ceiling { function: function.function.clone(), hold }).collect()
}

/// Functions by the worst case of their concurrency above the floor, dearest first, then by name.
fn shrinking_order(input: &BarrierInput<'_>) -> Vec<usize> {
    let mut order: Vec<(Usd, &FunctionName, usize)> = (input.functions.iter().enumerate())
        .map(|(index, function)| {
            let above = function.wanted.unwrap_or(input.pool).saturating_sub(function.floor);
            let cost = worst_case(function.unit, above, ahead_s(&input.timing, function.timeout_s));
            (cost, function.function, index)
        })
        .collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// Shrinks one function towards its floor; whether everything fits then. One in the pool takes room for it; where
/// there is none it stays in the pool, and only zero is left to it.
fn shrink_to_floor(
    input: &BarrierInput<'_>,
    hold: &mut [Option<u32>],
    index: usize,
    room: &mut u32,
    affordable: Usd,
) -> bool {
    let Some(function) = input.functions.get(index) else { return false };
    match function.wanted {
        Some(wanted) => shrink(input, hold, index, (wanted, function.floor.min(wanted)), affordable),
        None if function.floor <= *room => {
            let most = input.pool.min(*room).max(function.floor);
            let fits = shrink(input, hold, index, (most, function.floor), affordable);
            *room -= function.floor;
            fits
        }
        None => false,
    }
}

/// Sets one ceiling to the largest value within the bounds with which everything fits, else to the lower bound;
/// whether everything fits then.
fn shrink(
    input: &BarrierInput<'_>,
    hold: &mut [Option<u32>],
    index: usize,
    (most, least): (u32, u32),
    affordable: Usd,
) -> bool {
    let Some(function) = input.functions.get(index) else { return false };
    let mut with = |ceiling: u32| {
        if let Some(place) = hold.get_mut(index) {
            *place = Some(ceiling);
        }
        ahead(input, hold)
    };
    let spare = affordable - with(least);
    if spare < Usd::ZERO {
        return false;
    }
    let each = worst_case(function.unit, 1, ahead_s(&input.timing, function.timeout_s));
    let more = spare.div_floor(each).map_or(u32::MAX, |more| u32::try_from(more).unwrap_or(u32::MAX));
    with(least.saturating_add(more).min(most));
    true
}

#[cfg(test)]
mod tests;
