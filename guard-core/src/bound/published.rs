//! The published bound of a budget: what the functions of its scope together may spend past its line.

use serde::{Deserialize, Serialize};

use super::{Bound, Kept, Overrun, OverrunInput, overrun, worst_case};
use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::money::{Unit, Usd};
use crate::name::{BudgetName, FunctionName};
use crate::policy::{BelowFloor, Mode, Period};
use crate::roster::Roster;

/// The bound of one budget, term by term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetBound {
    /// The budget.
    pub budget: BudgetName,
    /// What its amounts count.
    pub unit: Unit,
    /// Its amount per period.
    pub amount: Usd,
    /// Its period.
    pub period: Period,
    /// Seconds for which the floor may burn: one whole period.
    pub period_s: u64,
    /// The most that may be done when it breaks. Below `cap` nothing ends the spending, and the bound is what it
    /// would be.
    pub mode: Mode,
    /// Whether the policy holds the standing cap: the second column is then what is in force.
    pub envelope: bool,
    /// All terms, in both columns.
    pub terms: Columns<Terms>,
    /// Where they come from: reserved functions, and the dearest of those that share the pool. Dearest first.
    pub parts: Vec<BoundPart>,
    /// Functions of its scope that share the unreserved pool.
    pub in_pool: usize,
    /// Functions of its scope on which nothing is ever changed, by protection or tag: the bound does not hold for
    /// them.
    pub never_capped: Vec<FunctionName>,
    /// The most that those can burn in one period.
    pub never_capped_worst: Usd,
}

/// One value as things are, and one under a standing cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns<T> {
    /// With the ceilings in force.
    pub now: T,
    /// With every function held at its floor (`envelope`).
    pub envelope: T,
}

/// The terms of a bound, summed over functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// *C*: the concurrency that can be reached before the cap bites.
    pub concurrency: u32,
    /// `C · (m·p + e) · (L + τ)`.
    pub running: Usd,
    /// `10 · C · (q + c) · L`.
    pub admitted: Usd,
    /// The backlog that a cap postpones. None is known from policy and inventory alone.
    pub deferred: Usd,
    /// What the floors may burn until the period ends.
    pub floor: Usd,
    /// All of them together.
    pub total: Usd,
}

/// What one function, or the pool at its dearest function, has in a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundPart {
    /// The function.
    pub function: FunctionName,
    /// Whether it stands for the whole pool.
    pub is_pool: bool,
    /// Its own terms; for the pool those of all that share it, floors included, and the dearest's time-out. The parts
    /// of a bound add up to it.
    pub overrun: Overrun,
}

impl Terms {
    /// Adds what a cap stops: concurrency, what runs, what is admitted, what waits.
    fn add(&mut self, bound: &Bound) {
        self.concurrency = self.concurrency.saturating_add(bound.concurrency);
        self.running += bound.running;
        self.admitted += bound.admitted;
        self.deferred += bound.deferred;
    }

    fn and(mut self, other: Terms) -> Terms {
        self.concurrency = self.concurrency.saturating_add(other.concurrency);
        self.running += other.running;
        self.admitted += other.admitted;
        self.deferred += other.deferred;
        self.floor += other.floor;
        self.total = self.running + self.admitted + self.deferred + self.floor;
        self
    }
}

/// Seconds of the longest period of that kind: months of 31 days; an hour more where the clocks go back in it.
pub const fn longest_period_s(period: Period, is_utc: bool) -> u64 {
    const HOUR: u64 = 3600;
    let hours = match period {
        Period::Hour => return HOUR,
        Period::Day => 24,
        Period::Week => 7 * 24,
        Period::Month => 31 * 24,
    };
    (hours + if is_utc { 0 } else { 1 }) * HOUR
}

/// The bound of the budget at that place of the roster: reserved functions each at their reservation, those that
/// share the pool as the whole pool at the dearest of them. `floor` gives the concurrency a cap leaves to the function
/// at a place; the period has `period_s` seconds. `None` where there is no such budget.
pub fn published(
    roster: &Roster,
    place: usize,
    period_s: u64,
    floor: impl Fn(usize) -> u32,
) -> Option<BudgetBound> {
    let rule = roster.rules.get(place)?;
    let pool = roster.inventory.account.concurrency.saturating_sub(roster.inventory.reserved_total());
    let mut sum = Sum::default();
    let mut outside = (Vec::new(), Usd::ZERO);
    for (index, (function, member)) in roster.inventory.functions.iter().zip(&roster.members).enumerate() {
        if !member.budgets.contains(&place) {
            continue;
        }
        let counting = UnitCost::counting();
        let unit = rule.unit_cost(&member.unit, &counting);
        let floor = floor(index);
        let kept = match rule.below_floor {
            BelowFloor::KeepFloor => Kept::Floor { concurrency: floor, seconds: period_s },
            BelowFloor::Stop => Kept::Stopped,
        };
        let ceiling = function.reserved.unwrap_or(pool);
        let input = OverrunInput {
            unit,
            timeout_s: function.timeout_s,
            ceiling,
            envelope: floor,
            deferred: Usd::ZERO,
            kept,
        };
        sum.add(&function.name, function.reserved.is_none(), overrun(&roster.policy.timing, &input));
        let is_out_of_reach = member.protected || !function.tags_known;
        if is_out_of_reach || (rule.mode >= Mode::Cap && roster.mode(index, rule) < Mode::Cap) {
            outside.0.push(function.name.clone());
            outside.1 += worst_case(unit, ceiling, period_s);
        }
    }
    Some(sum.finish(rule, period_s, outside))
}

/// The terms of the functions seen so far.
#[derive(Default)]
struct Sum {
    reserved: Columns<Terms>,
    pooled_envelope: Terms,
    floors: Columns<Usd>,
    pooled_floors: Columns<Usd>,
    dearest: Option<BoundPart>,
    parts: Vec<BoundPart>,
    in_pool: usize,
}

/// What a cap stops, without what it keeps.
fn stoppable(bound: &Bound) -> Usd {
    bound.running + bound.admitted + bound.deferred
}

impl Sum {
    fn add(&mut self, name: &FunctionName, is_pool: bool, overrun: Overrun) {
        let part = BoundPart { function: name.clone(), is_pool, overrun };
        self.floors.now += overrun.without_envelope.floor;
        self.floors.envelope += overrun.with_envelope.floor;
        if !is_pool {
            self.reserved.now.add(&overrun.without_envelope);
            self.reserved.envelope.add(&overrun.with_envelope);
            self.parts.push(part);
            return;
        }
        self.in_pool += 1;
        self.pooled_floors.now += overrun.without_envelope.floor;
        self.pooled_floors.envelope += overrun.with_envelope.floor;
        self.pooled_envelope.add(&overrun.with_envelope);
        let is_dearer = |known: &BoundPart| {
            stoppable(&overrun.without_envelope) > stoppable(&known.overrun.without_envelope)
        };
        if self.dearest.as_ref().is_none_or(is_dearer) {
            self.dearest = Some(part);
        }
    }

    fn finish(mut self, rule: &BudgetRule, period_s: u64, outside: (Vec<FunctionName>, Usd)) -> BudgetBound {
        let mut pool = Terms::default();
        if let Some(dearest) = &self.dearest {
            pool.add(&dearest.overrun.without_envelope);
        }
        // Floors that together exceed the pool cannot all be held: the pool bounds them still.
        let with_envelope = [self.pooled_envelope, pool];
        let tighter =
            with_envelope.into_iter().min_by_key(|terms| terms.running + terms.admitted).unwrap_or_default();
        let floor = |floor| Terms { floor, ..Terms::default() };
        let terms = Columns {
            now: self.reserved.now.and(pool).and(floor(self.floors.now)),
            envelope: self.reserved.envelope.and(tighter).and(floor(self.floors.envelope)),
        };
        if let Some(mut part) = self.dearest {
            part.overrun.without_envelope.floor = self.pooled_floors.now;
            part.overrun.with_envelope = Bound {
                concurrency: tighter.concurrency,
                running: tighter.running,
                admitted: tighter.admitted,
                deferred: tighter.deferred,
                floor: self.pooled_floors.envelope,
                ..part.overrun.with_envelope
            };
            self.parts.push(part);
        }
        self.parts.sort_by(|a, b| {
            let cost = |part: &BoundPart| part.overrun.without_envelope.total();
            cost(b).cmp(&cost(a)).then_with(|| a.function.cmp(&b.function))
        });
        BudgetBound {
            budget: rule.name.clone(),
            unit: rule.unit,
            amount: rule.amount,
            period: rule.period,
            period_s,
            mode: rule.mode,
            envelope: rule.envelope,
            terms,
            parts: self.parts,
            in_pool: self.in_pool,
            never_capped: outside.0,
            never_capped_worst: outside.1,
        }
    }
}

#[cfg(test)]
mod tests;
