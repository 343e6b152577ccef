//! The barrier of budgets with a guarantee: before a plan, each guarantee's proved bounds are updated; the plan holds
//! the ceilings that follow from them; afterwards its commands are recorded.

use std::collections::BTreeMap;

use super::Draft;
use super::standing::Held;
use crate::barrier::{Account, History, LOOSEN_AFTER_TICKS, Promise, RESERVE_TICKS, Scope, Subject};
use crate::budget::BudgetRule;
use crate::ledger::BudgetLedger;
use crate::levers;
use crate::money::Usd;
use crate::name::FunctionName;
use crate::observation::{Freshness, Observation};
use crate::plan::{Lever, Plan, Reason, Setting};
use crate::policy::{BelowFloor, Mode};
use crate::posting::Reading;
use crate::roster::Roster;
use crate::state::{Phase, State};
use crate::time::Minute;

/// The ceilings of a function that was never looked at: none of its own.
static NEVER: History<u32> = History::new();

/// Updates each guarantee's proved bounds with the ceilings in force since the last look and the known spend.
pub(super) fn prove(roster: &Roster, state: &mut State, seen: &Observation, reading: &Reading) {
    let guaranteed: Vec<usize> = places(roster).collect();
    find_ceilings(roster, state, seen, &guaranteed);
    let mut accounts = BTreeMap::new();
    for place in guaranteed {
        let Some(rule) = roster.rules.get(place) else { continue };
        let before = state.guarantees.remove(&rule.name);
        let Some(book) = state.budgets.get(&rule.name) else { continue };
        let (account, is_disturbed) =
            found(roster, state, seen, reading, (place, rule, book), before.as_ref());
        state.guarantees.insert(rule.name.clone(), account);
        let draft = Draft::new(roster, state, seen, reading);
        if let Some(account) = draft.proved(place, rule, before.filter(|_| !is_disturbed).as_ref()) {
            accounts.insert(rule.name.clone(), account);
        }
    }
    state.guarantees = accounts;
}

/// Records the ceilings that the plan commands: they count from now on.
pub(super) fn remember(roster: &Roster, state: &mut State, plan: &Plan) {
    let guaranteed: Vec<usize> = places(roster).collect();
    if !plan.armed || guaranteed.is_empty() {
        return;
    }
    let at = plan.at.timestamp();
    let mut commanded: BTreeMap<&FunctionName, Option<u32>> = BTreeMap::new();
    for action in &plan.actions {
        if let (Lever::ReservedConcurrency, Setting::Concurrency(to)) =
            (action.change.lever(), action.change.to())
        {
            commanded.insert(&action.function, to);
        }
    }
    for (function, to) in &commanded {
        if let Some(history) = state.ceilings.get_mut(*function) {
            history.set(at, to.unwrap_or(0));
        }
    }
    for place in guaranteed {
        let Some(rule) = roster.rules.get(place) else { continue };
        let Some(account) = state.guarantees.get_mut(&rule.name) else { continue };
        let ceiling_of = |index: usize| {
            let function = roster.inventory.functions.get(index)?;
            commanded.get(&function.name).copied().unwrap_or(function.reserved)
        };
        account.pool.set(at, pool_rate(roster, place, ceiling_of));
        let is_changed = plan.actions.iter().any(|action| {
            action.budget.as_ref() == Some(&rule.name)
                && matches!(action.reason, Reason::Barrier { .. } | Reason::Restored)
        });
        if is_changed {
            account.changed_at = Some(plan.at);
        }
    }
}

/// The indices of budgets with a guarantee that may act.
fn places(roster: &Roster) -> impl Iterator<Item = usize> {
    let rules = roster.rules.iter().enumerate();
    rules.filter(|(_, rule)| rule.guarantee && rule.mode >= Mode::Cap).map(|(place, _)| place)
}

/// Records the ceilings in force for functions under a guarantee, and forgets those of other functions.
fn find_ceilings(roster: &Roster, state: &mut State, seen: &Observation, guaranteed: &[usize]) {
    let last_look = state.last_tick.unwrap_or(seen.at).timestamp();
    let mut kept = BTreeMap::new();
    let functions = roster.inventory.functions.iter().zip(&roster.members);
    for (function, member) in functions.filter(|_| !guaranteed.is_empty()) {
        if !member.budgets.iter().any(|place| guaranteed.contains(place)) {
            continue;
        }
        let mut history = state.ceilings.remove(&function.name).unwrap_or_default();
        history.found(last_look, seen.at.timestamp(), function.reserved.unwrap_or(0));
        let covered =
            state.function(&function.name).and_then(|ledger| ledger.covered).map(|(_, until)| until);
        if let Some(shown) = state.region.seen_until.into_iter().chain(covered).min() {
            // Ceilings that ended by then are visible: lag, time-out of what began, and of what ran after the change.
            let timing = &roster.policy.timing;
            let run_s = i64::from(timing.actuation_s) + 2 * i64::from(function.timeout_s);
            history.forget(shown.start().timestamp() - run_s);
        }
        kept.insert(function.name.clone(), history);
    }
    state.ceilings = kept;
}

/// The highest cost per second of the pool, at its dearest function that the budget covers.
fn pool_rate(roster: &Roster, place: usize, ceiling_of: impl Fn(usize) -> Option<u32>) -> Usd {
    let functions = roster.inventory.functions.iter().zip(&roster.members).enumerate();
    let pooled = functions.filter(|(index, (function, member))| {
        member.budgets.binary_search(&place).is_ok()
            && roster.guard.as_ref() != Some(&function.name)
            && ceiling_of(*index).is_none()
    });
    let dearest = pooled.map(|(_, (_, member))| member.worst_per_unit_second).max().unwrap_or(Usd::ZERO);
    dearest * i128::from(pool_units(roster, place))
}

/// The most concurrency that the pool can have: the account's, less the reservations of functions outside the budget.
fn pool_units(roster: &Roster, place: usize) -> u32 {
    let outside = roster.inventory.functions.iter().zip(&roster.members);
    let outside = outside.filter(|(_, member)| member.budgets.binary_search(&place).is_err());
    let reserved = outside.filter_map(|(function, _)| function.reserved).fold(0, u32::saturating_add);
    roster.inventory.account.concurrency.saturating_sub(reserved)
}

/// The account of a guarantee as found at this look, without its sums; and whether its pool is dearer than the guard
/// has left it.
fn found(
    roster: &Roster,
    state: &State,
    seen: &Observation,
    reading: &Reading,
    (place, rule, book): (usize, &BudgetRule, &BudgetLedger),
    before: Option<&Account>,
) -> (Account, bool) {
    let (at, last_look) = (seen.at.timestamp(), state.last_tick.unwrap_or(seen.at).timestamp());
    let mut account = before.cloned().unwrap_or(Account {
        period_start: book.period_start,
        amount: rule.amount,
        at: seen.at,
        spent: Usd::ZERO,
        known: Usd::ZERO,
        promise: Promise::Pending,
        changed_at: None,
        pool: History::default(),
    });
    let reserved_of = |index: usize| roster.inventory.functions.get(index)?.reserved;
    let rate = pool_rate(roster, place, reserved_of);
    let is_dearer = account.pool.last().is_some_and(|last| rate > last);
    account.pool.found(last_look, at, rate);
    // Before the period, only invocations that still run count: the longest time-out and time to act.
    account.pool.forget(book.period_start.timestamp() - 1_500);
    // Unexplained spend may still change, and so may its starts.
    let open = reading.rests.starts.get(place).copied().unwrap_or_default();
    account.known = book.spent_in_all().high + open;
    (account, is_dearer)
}

impl Draft<'_> {
    /// The proved bounds of a guarantee now; `before` holds those of the last look, if they still count.
    fn proved(&self, place: usize, rule: &BudgetRule, before: Option<&Account>) -> Option<Account> {
        let mut account = self.state.guarantees.get(&rule.name)?.clone();
        let book = self.state.budgets.get(&rule.name)?;
        let before = before.filter(|before| before.amount == rule.amount);
        // A census may add unknown hours: the carried bound did not include them, and no assumption is broken.
        let is_corrected = self.seen.census.is_some();
        let carried = before.filter(|before| before.period_start == book.period_start && !is_corrected);
        let mut scope = self.scope(place, rule, false)?;
        let carried = carried.map(|before| (before.at.timestamp(), before.spent));
        let is_beyond = scope.carry(carried, book.spent_in_all().low);
        account.spent = scope.spent;
        (account.period_start, account.amount, account.at) = (book.period_start, rule.amount, self.seen.at);
        let promise = before.filter(|_| self.armed).map(|before| before.promise);
        let keeps_floor = rule.below_floor == BelowFloor::KeepFloor;
        let now = scope.promise(promise, is_beyond, rule.amount - scope.amount, keeps_floor);
        let is_news = now == Promise::Broken && promise != Some(Promise::Broken);
        account.promise = if is_corrected && is_news { Promise::Pending } else { now };
        Some(account)
    }

    /// Works out the ceilings of a budget's guarantee.
    pub(super) fn find_barrier(&mut self, place: usize, rule: &BudgetRule) {
        let Some(account) = self.state.guarantees.get(&rule.name) else { return };
        // A refused guarantee is still held as far as possible: nothing is kept back for costs that may come later.
        let is_refused = matches!(account.promise, Promise::Refused { .. });
        let Some(scope) = self.scope(place, rule, is_refused) else { return };
        let after = i64::from(self.roster.policy.timing.tick_s) * LOOSEN_AFTER_TICKS;
        let may_loosen =
            account.changed_at.is_none_or(|changed| (self.seen.at - changed).num_seconds() >= after);
        let to = match account.promise {
            Promise::Broken => scope.cut_off(),
            promise => scope.decide(promise == Promise::Kept, may_loosen),
        };
        let remaining = (scope.amount - scope.known).at_least_zero();
        let held: Vec<(usize, Held)> = (self.covered(place).zip(&scope.functions).zip(&to))
            .filter(|((_, function), to)| !function.is_fixed && **to != function.wanted)
            .filter_map(|((index, _), to)| {
                let reason = Reason::Barrier { remaining };
                Some((index, Held { ceiling: (*to)?, reason, rule: place }))
            })
            .collect();
        for (index, held) in held {
            self.lower(index, held);
        }
    }

    /// The functions that a budget covers, by index in the roster.
    fn covered(&self, place: usize) -> impl Iterator<Item = usize> {
        let members = self.roster.members.iter().enumerate();
        members
            .filter(move |(_, member)| member.budgets.binary_search(&place).is_ok())
            .map(|(index, _)| index)
    }

    /// The input to a budget's barrier; `is_refused` leaves out later costs that no lever can avoid.
    fn scope(&self, place: usize, rule: &BudgetRule, is_refused: bool) -> Option<Scope<'_>> {
        let account = self.state.guarantees.get(&rule.name)?;
        let book = self.state.budgets.get(&rule.name)?;
        let timing = self.roster.policy.timing;
        let tick_s = i64::from(timing.tick_s);
        let standing = self.roster.standing_per_minute.get(place).copied().unwrap_or_default();
        let to_come = Minute::of(book.period_end).since(self.reading.settled).max(0);
        let to_come = if is_refused { Usd::ZERO } else { standing * i128::from(to_come) };
        let until = if is_refused { self.seen.at } else { book.period_end };
        let functions: Vec<Subject<'_>> = (self.covered(place))
            .filter_map(|index| self.subject(index, (place, rule), book, until.timestamp()))
            .collect();
        let stuck = (self.covered(place).zip(&functions))
            .filter(|(_, function)| function.is_fixed && function.now.is_none())
            .map(|(_, function)| function.worst);
        let pool_units = pool_units(self.roster, place);
        let own = functions.iter().filter(|function| !function.is_fixed).filter_map(|function| function.now);
        let own = own.fold(0, u32::saturating_add);
        let needed = functions.iter().map(|function| function.need).fold(0, u32::saturating_add);
        let since = self.state.last_tick.map_or(0, |last| (self.seen.at - last).num_seconds());
        Some(Scope {
            pool: &account.pool,
            pool_least: stuck.max().unwrap_or(Usd::ZERO) * i128::from(pool_units),
            pool_units,
            room: own.saturating_add(self.free_for(place, needed.saturating_sub(own))),
            amount: rule.amount - to_come,
            spent: account.spent,
            known: account.known,
            at: self.seen.at.timestamp(),
            period_start: book.period_start.timestamp(),
            tick_s,
            // The reserve makes up for a late look.
            next_s: since.clamp(tick_s, tick_s * i64::try_from(RESERVE_TICKS).unwrap_or(1)),
            actuation_s: i64::from(timing.actuation_s),
            actions: usize::try_from(self.roster.policy.limits.actions_per_tick).unwrap_or(usize::MAX),
            functions,
        })
    }

    /// The part of the pool that a guarantee may reserve: what it needs for ordinary traffic, and beyond that only what
    /// functions outside the budget can spare. A reservation is taken from them.
    fn free_for(&self, place: usize, needed: u32) -> u32 {
        let free = self.pool.room(None);
        let functions = self.roster.inventory.functions.iter().zip(&self.roster.members).enumerate();
        let outside = functions.filter(|(_, (function, member))| {
            member.budgets.binary_search(&place).is_err()
                && function.reserved.is_none()
                && self.roster.guard.as_ref() != Some(&function.name)
        });
        let known = outside.filter_map(|(index, (function, _))| {
            let p99 = self.state.profile(&function.name)?.concurrency_p99()?;
            (p99 > 0).then(|| self.roster.floor(index, Some(p99)))
        });
        free.saturating_sub(known.fold(0, u32::saturating_add)).max(free.min(needed))
    }

    /// One function as the barrier of a budget sees it; a minimum that cannot be zero counts up to `until`.
    fn subject(
        &self,
        index: usize,
        (place, rule): (usize, &BudgetRule),
        book: &BudgetLedger,
        until: i64,
    ) -> Option<Subject<'_>> {
        let function = self.roster.inventory.functions.get(index)?;
        let member = self.roster.members.get(index)?;
        let is_guard = self.roster.guard.as_ref() == Some(&function.name);
        let is_fixed = !self.may_hold(index, place, rule);
        // The guard runs once a tick, whatever its reservation.
        let now = if is_guard { Some(function.reserved.unwrap_or(1)) } else { function.reserved };
        let wanted = self.wanted(index);
        let at = self.seen.at.timestamp();
        let is_for_good = (member.protected && !is_guard) || self.roster.mode(index, rule) < Mode::Cap;
        let keeps_events = levers::loses_events_at_zero(function) && !rule.allow_event_loss;
        let least = function.provisioned.max(u32::from(keeps_events));
        let floor = self.floor_of(index).min(wanted.unwrap_or(u32::MAX));
        let (least, least_until) = match (is_fixed, rule.below_floor) {
            (true, _) => (now.unwrap_or(0), if is_for_good { until } else { at }),
            (false, BelowFloor::KeepFloor) if floor > least => (floor, at),
            (false, _) => (least, until),
        };
        let ledger = self.state.function(&function.name);
        let reading = self.reading_of(index);
        let used = u32::from(ledger.is_some_and(|ledger| ledger.last_invoked.is_some()));
        let need = ledger.and_then(|ledger| ledger.profile.concurrency_p99()).unwrap_or(0).max(used);
        Some(Subject {
            worst: member.worst_per_unit_second,
            timeout_s: function.timeout_s,
            seen_until: self.seen_until(index, rule, book),
            history: self.state.ceilings.get(&function.name).unwrap_or(&NEVER),
            now,
            wanted,
            least,
            least_until,
            is_fixed,
            is_seen: reading.is_some_and(|reading| reading.freshness != Freshness::Unknown),
            need,
            demand: reading.map_or(0, |reading| reading.concurrency_max).max(need).max(1),
        })
    }

    /// The time up to which a function's spend is visible: in the region's totals, or at the function itself if the
    /// budget covers less than everything.
    fn seen_until(&self, index: usize, rule: &BudgetRule, book: &BudgetLedger) -> i64 {
        let until = if rule.matcher.is_everything() {
            self.state.region.seen_until
        } else {
            let name = self.roster.inventory.functions.get(index).map(|function| &function.name);
            name.and_then(|name| self.state.function(name)?.covered).map(|(_, until)| until)
        };
        let until = until.map(|minute| minute.min(self.reading.settled).plus(1));
        until.map_or(book.period_start, Minute::start).timestamp()
    }

    /// The ceiling wanted without a barrier: the owner's reservation, or the envelope's ceiling.
    fn wanted(&self, index: usize) -> Option<u32> {
        let function = self.roster.inventory.functions.get(index)?;
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
        original.into_iter().chain(envelope).min()
    }
}
