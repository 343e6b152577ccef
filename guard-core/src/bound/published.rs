//! The published bound of a budget: the most that the functions of its scope together may spend past its line.

mod levers;

use serde::{Deserialize, Serialize};

use levers::{Account, Left};

use super::{Bound, Overrun, OverrunInput, overrun, worst_case};
use crate::baseline::Profile;
use crate::budget::BudgetRule;
use crate::cost::UnitCost;
use crate::inventory::Function;
use crate::money::{Unit, Usd};
use crate::name::{BudgetName, FunctionName};
use crate::policy::{Mode, Period};
use crate::roster::Roster;

/// A function's ordinary use as far as it is known; empty without history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The 99th percentile of its hourly concurrency maxima, from which its floor is derived.
    pub concurrency_p99: Option<u32>,
    /// The highest ordinary cost of one of its hours, in dollars.
    pub ordinary_per_hour: Option<Usd>,
}

impl Known {
    /// The ordinary use according to a function's history.
    pub fn of(profile: &Profile) -> Self {
        Known { concurrency_p99: profile.concurrency_p99(), ordinary_per_hour: profile.ordinary_at_most() }
    }

    /// The higher of both values, term by term.
    #[must_use]
    pub fn at_most(self, other: Known) -> Self {
        Known {
            concurrency_p99: self.concurrency_p99.max(other.concurrency_p99),
            ordinary_per_hour: self.ordinary_per_hour.max(other.ordinary_per_hour),
        }
    }
}

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
    /// The most that may be done when it breaks. Below `cap` nothing ends the spending, and the bound shows only what a
    /// cap would achieve.
    pub mode: Mode,
    /// Whether at its line it stops everything that it covers, ordinary or not.
    pub stops: bool,
    /// Whether the policy holds the standing cap: the second column is then the one in force.
    pub envelope: bool,
    /// *L* of this policy: the reaction time, and a tick for every further tick that the changes need.
    pub reaction_s: u32,
    /// Ticks needed to change every lever of all functions on which some budget acts.
    pub ticks: u32,
    /// All terms, in both columns.
    pub terms: Columns<Terms>,
    /// The functions behind them: reserved functions, and the dearest of those that share the pool. Dearest first.
    pub parts: Vec<BoundPart>,
    /// Functions of its scope that share the unreserved pool.
    pub in_pool: usize,
    /// Functions of its scope that are never changed, because of protection or a tag: the bound does not hold for them.
    pub never_capped: Vec<FunctionName>,
    /// The most that those functions can cost in one period.
    pub never_capped_worst: Usd,
    /// Functions that a stop leaves at their floor, because events would be lost.
    pub not_stopped: Vec<FunctionName>,
    /// Functions for whose cap the pool may have no room.
    pub no_room: Vec<FunctionName>,
    /// Functions whose ordinary use is unknown: the bound is *at least* this.
    pub without_history: usize,
}

/// One value with the current settings, and one under a standing cap.
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
    /// Both again for every further function of the pool: a flood may move on when it is capped. Nothing if the budget
    /// stops all functions at once.
    pub moving: Usd,
    /// The backlog that a cap postpones. None is known from policy and inventory alone.
    pub deferred: Usd,
    /// The cost until the period ends of the use that the levers still allow.
    pub floor: Usd,
    /// The further cost of use that a cap leaves alone because it is ordinary.
    pub ordinary: Usd,
    /// The cost of the unreserved pool until the period ends if it has no room for all caps.
    pub no_room: Usd,
    /// The cost until the period ends if the guard has no concurrency of its own: a flood that takes all of the
    /// account's concurrency keeps it from running.
    pub no_tick: Usd,
    /// All of them together.
    pub total: Usd,
}

/// The share of one function, or of the pool at its dearest function, in a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundPart {
    /// The function.
    pub function: FunctionName,
    /// Whether it stands for the whole pool.
    pub is_pool: bool,
    /// Its own terms; for the pool, those of all functions that share it, floors included, with the dearest's time-out.
    /// Excludes the terms `moving`, `ordinary` and `no_room`.
    pub overrun: Overrun,
}

impl Terms {
    /// Adds the spend that a cap stops, and the spend that it leaves.
    fn add(&mut self, bound: &Bound) {
        self.concurrency = self.concurrency.saturating_add(bound.concurrency);
        self.running += bound.running;
        self.admitted += bound.admitted;
        self.deferred += bound.deferred;
        self.floor += bound.floor;
    }

    fn totalled(mut self) -> Terms {
        self.total = self.running
            + self.admitted
            + self.moving
            + self.deferred
            + self.floor
            + self.ordinary
            + self.no_room
            + self.no_tick;
        self
    }
}

impl BudgetBound {
    /// The most past the line with the current settings, functions that are never capped included.
    pub fn most(&self) -> Usd {
        self.terms.now.total + self.never_capped_worst
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

/// The bound of the budget at that index of the roster: reserved functions each at their reservation, the others as the
/// whole pool at the dearest of them, plus the use that the levers leave to each. `known` returns the ordinary use of
/// the function at an index; the period has `period_s` seconds. `None` if there is no such budget.
pub fn published(
    roster: &Roster,
    place: usize,
    period_s: u64,
    known: impl Fn(usize) -> Known,
) -> Option<BudgetBound> {
    let rule = roster.rules.get(place)?;
    let account = Account::new(roster, &known);
    let mut sum = Sum { period_s, ..Sum::default() };
    let functions = roster.inventory.functions.iter().enumerate();
    let covered = functions.filter(|(index, _)| {
        roster.members.get(*index).is_some_and(|member| member.budgets.contains(&place))
    });
    // The guard itself is called only by its schedule.
    for (index, function) in covered.filter(|(_, function)| roster.guard.as_ref() != Some(&function.name)) {
        let Some(member) = roster.members.get(index) else { continue };
        let counting = UnitCost::counting();
        let unit = rule.unit_cost(&member.unit, &counting);
        let ceiling = function.reserved.unwrap_or(account.pool);
        let is_left_alone = rule.mode >= Mode::Cap && roster.mode(index, rule) < Mode::Cap;
        if is_left_alone || !roster.may_change(index) {
            sum.leave_alone(function, worst_case(unit, ceiling, period_s));
            continue;
        }
        if account.may_starve {
            sum.starve(function, worst_case(unit, ceiling, period_s));
        }
        let known = known(index);
        let floor = roster.floor(index, known.concurrency_p99);
        let left = Left::of(roster, index, function, floor, rule);
        let input = OverrunInput {
            unit,
            timeout_s: function.timeout_s,
            reaction_s: account.reaction_s,
            ceiling,
            envelope: floor.max(function.provisioned),
            deferred: Usd::ZERO,
            left: left.concurrency.map_or(ceiling, |left| left.max(function.provisioned)),
            left_s: period_s,
        };
        let part = BoundPart {
            function: function.name.clone(),
            is_pool: function.reserved.is_none(),
            overrun: overrun(&input),
        };
        if left.is_refused {
            sum.bound_of.not_stopped.push(function.name.clone());
        }
        if left.takes_room && account.lacks_room {
            sum.find_no_room(function, unit, floor, part.overrun.without_envelope.floor);
        }
        if !roster.stops(index, rule) {
            sum.moving += stoppable(&part.overrun.without_envelope) * i128::from(u8::from(part.is_pool));
            sum.ordinary(rule, member_ordinary(rule, &member.unit, known), &part);
        }
        sum.add(part);
    }
    Some(sum.finish(rule, &account))
}

/// The ordinary use of a function per hour, in the budget's unit. Every invocation costs at least its request.
fn member_ordinary(rule: &BudgetRule, unit: &UnitCost, known: Known) -> Option<Usd> {
    let dollars = known.ordinary_per_hour?;
    if !rule.counts_invocations() {
        return Some(dollars);
    }
    Some(Usd::from_dollars(1).mul_div_up(dollars.picos(), unit.per_request.picos().max(1)))
}

/// The terms of the functions seen so far.
#[derive(Default)]
struct Sum {
    period_s: u64,
    reserved: Columns<Terms>,
    pooled: Columns<Terms>,
    dearest: Option<BoundPart>,
    moving: Usd,
    ordinary: Usd,
    /// For functions that may find no room: the cost of one unit of the dearest until the period ends, the cost of
    /// their floors, and the largest reservation that one of them needs.
    without_room: (Usd, Usd, u32),
    alone_in_pool: Usd,
    /// The cost of functions while the guard cannot run: those with a reservation, and the dearest of the others.
    starved: (Usd, Usd),
    bound_of: Lists,
}

/// The names and counts listed in a bound.
#[derive(Default)]
struct Lists {
    parts: Vec<BoundPart>,
    in_pool: usize,
    never_capped: Vec<FunctionName>,
    never_capped_worst: Usd,
    not_stopped: Vec<FunctionName>,
    no_room: Vec<FunctionName>,
    without_history: usize,
}

/// The spend that a cap stops, without the spend that it leaves.
fn stoppable(bound: &Bound) -> Usd {
    bound.running + bound.admitted + bound.deferred
}

impl Sum {
    /// Counts a function that is never changed. In the pool, the dearest such function counts with the whole pool.
    fn leave_alone(&mut self, function: &Function, worst: Usd) {
        self.bound_of.never_capped.push(function.name.clone());
        if function.reserved.is_some() {
            self.bound_of.never_capped_worst += worst;
        } else {
            self.alone_in_pool = self.alone_in_pool.max(worst);
        }
    }

    /// Counts a function that is not changed while the guard cannot run.
    fn starve(&mut self, function: &Function, worst: Usd) {
        let (reserved, pooled) = &mut self.starved;
        if function.reserved.is_some() {
            *reserved += worst;
        } else {
            *pooled = (*pooled).max(worst);
        }
    }

    fn find_no_room(&mut self, function: &Function, unit: &UnitCost, floor: u32, floors: Usd) {
        let (dearest, sum, most) = &mut self.without_room;
        *dearest = (*dearest).max(worst_case(unit, 1, self.period_s));
        *sum += floors;
        *most = (*most).max(crate::levers::reservation(function, floor));
        self.bound_of.no_room.push(function.name.clone());
    }

    /// Counts a function's ordinary use beyond the use that its cap would leave.
    fn ordinary(&mut self, rule: &BudgetRule, per_hour: Option<Usd>, part: &BoundPart) {
        match per_hour {
            Some(per_hour) => {
                let whole = per_hour.mul_div_up(i128::from(self.period_s), 3600);
                self.ordinary += (whole - part.overrun.without_envelope.floor).at_least_zero();
            }
            // All functions without history share one even share of the budget.
            None if self.bound_of.without_history == 0 => {
                self.ordinary += rule.even_share_per_hour().mul_div_up(i128::from(self.period_s), 3600);
                self.bound_of.without_history = 1;
            }
            None => self.bound_of.without_history += 1,
        }
    }

    fn add(&mut self, part: BoundPart) {
        let terms = if part.is_pool { &mut self.pooled } else { &mut self.reserved };
        terms.now.add(&part.overrun.without_envelope);
        terms.envelope.add(&part.overrun.with_envelope);
        if !part.is_pool {
            self.bound_of.parts.push(part);
            return;
        }
        self.bound_of.in_pool += 1;
        let is_dearer = |known: &BoundPart| {
            stoppable(&part.overrun.without_envelope) > stoppable(&known.overrun.without_envelope)
        };
        if self.dearest.as_ref().is_none_or(is_dearer) {
            self.dearest = Some(part);
        }
    }

    fn finish(mut self, rule: &BudgetRule, account: &Account) -> BudgetBound {
        let mut lists = self.bound_of;
        lists.never_capped_worst += self.alone_in_pool;
        // If not all caps find room, those that do take at most the room, and the other functions the rest.
        let (each, floors, least) = self.without_room;
        let fitting = floors.min(each * i128::from(account.room));
        let rest = account.kept.saturating_add(least).min(account.pool);
        let no_room = each * i128::from(rest);
        let now_floors = self.pooled.now.floor - floors + fitting;
        let mut terms = self.reserved;
        if let Some(mut part) = self.dearest.take() {
            let without = &mut part.overrun.without_envelope;
            self.moving = (self.moving - stoppable(without)).at_least_zero();
            without.floor = now_floors;
            terms.now.add(without);
            // Floors that together exceed the pool cannot all be held: the pool is still their limit.
            let with = &mut part.overrun.with_envelope;
            let held = self.pooled.envelope;
            if held.running + held.admitted < without.running + without.admitted {
                (with.concurrency, with.running) = (held.concurrency, held.running);
                (with.admitted, with.deferred) = (held.admitted, held.deferred);
            } else {
                *with = *without;
            }
            with.floor = held.floor;
            terms.envelope.add(with);
            lists.parts.push(part);
        }
        lists.parts.sort_by(|a, b| {
            let cost = |part: &BoundPart| part.overrun.without_envelope.total();
            cost(b).cmp(&cost(a)).then_with(|| a.function.cmp(&b.function))
        });
        let no_tick = self.starved.0 + self.starved.1;
        let more = Terms { moving: self.moving, ordinary: self.ordinary, no_room, no_tick, ..terms.now };
        let envelope = Terms { ordinary: self.ordinary, no_room, no_tick, ..terms.envelope };
        BudgetBound {
            budget: rule.name.clone(),
            unit: rule.unit,
            amount: rule.amount,
            period: rule.period,
            period_s: self.period_s,
            mode: rule.mode,
            stops: rule.stops(),
            envelope: rule.envelope,
            reaction_s: account.reaction_s,
            ticks: account.ticks,
            terms: Columns { now: more.totalled(), envelope: envelope.totalled() },
            parts: lists.parts,
            in_pool: lists.in_pool,
            never_capped: lists.never_capped,
            never_capped_worst: lists.never_capped_worst,
            not_stopped: lists.not_stopped,
            no_room: lists.no_room,
            without_history: lists.without_history,
        }
    }
}

#[cfg(test)]
mod tests;
