//! Past hours and minutes as known from the functions' ledgers, in the unit of a budget; a book is rebuilt from these.

use std::collections::BTreeMap;

use crate::budget::BudgetRule;
use crate::inventory::Function;
use crate::ledger::entry::{counted, money};
use crate::ledger::{CATCH_UP_MIN, Entry, FunctionLedger, KnownHour, Posted};
use crate::money::{Usd, UsdRange};
use crate::roster::Roster;
use crate::state::State;
use crate::time::{Hour, Minute};

/// The totals of a budget's functions for each hour from `first` to the hour of `now`; for a budget over everything,
/// the region's rest is included.
///
/// - A settled hour is in the function's history: its money, but not its invocations.
/// - A later hour is known as far as its minutes were looked at; for a budget over everything the region's totals stand
///   in for functions that were not looked at.
/// - The cost of provisioned concurrency is in no function's hours, so with it no past hour is known in full.
pub(super) fn hours(
    roster: &Roster,
    state: &State,
    place: usize,
    first: Hour,
    now: Minute,
) -> Vec<KnownHour> {
    let Some(rule) = roster.rules.get(place) else { return Vec::new() };
    let length = usize::try_from(now.hour().0 - first.0 + 1).unwrap_or(0);
    let mut all = vec![KnownHour::NOTHING; length];
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        if member.budgets.binary_search(&place).is_err() {
            continue;
        }
        let teller = Teller { state, rule, ledger: ledger_of(state, function), now };
        for (number, slot) in (first.0..).zip(&mut all) {
            teller.tell(Hour(number), slot);
        }
    }
    if rule.matcher.is_everything() {
        for (number, slot) in (first.0..).zip(&mut all) {
            if let Some(posted) = state.region.of_hour(Hour(number)) {
                slot.rest = entry(rule, posted).change;
            }
        }
    }
    let has_standing = roster.standing_per_minute.get(place).is_some_and(|amount| *amount > Usd::ZERO);
    if has_standing {
        all.iter_mut().for_each(|hour| hour.is_whole = false);
    }
    all
}

/// The remembered single minutes of a budget's functions and of the region's rest.
pub(super) fn minutes(roster: &Roster, state: &State, place: usize) -> BTreeMap<Minute, Usd> {
    let Some(rule) = roster.rules.get(place) else { return BTreeMap::new() };
    let mut all: BTreeMap<Minute, Usd> = BTreeMap::new();
    let mut add = |(minute, posted): &(Minute, Posted)| {
        *all.entry(*minute).or_default() += entry(rule, posted).change.expected;
    };
    for (function, member) in roster.inventory.functions.iter().zip(&roster.members) {
        if member.budgets.binary_search(&place).is_ok()
            && let Some(ledger) = ledger_of(state, function)
        {
            ledger.minutes.iter().for_each(&mut add);
        }
    }
    if rule.matcher.is_everything() {
        state.region.of_minutes().for_each(add);
    }
    all
}

fn ledger_of<'a>(state: &'a State, function: &Function) -> Option<&'a FunctionLedger> {
    state.function(&function.name)
}

/// A budget's entry for a minute or hour posted for the first time.
fn entry(rule: &BudgetRule, posted: &Posted) -> Entry {
    let nothing = Posted::default();
    if rule.counts_invocations() { counted(&nothing, posted) } else { money(&nothing, posted) }
}

/// Steps through the hours of one function.
struct Teller<'a> {
    state: &'a State,
    rule: &'a BudgetRule,
    ledger: Option<&'a FunctionLedger>,
    now: Minute,
}

impl Teller<'_> {
    fn tell(&self, hour: Hour, slot: &mut KnownHour) {
        let Some(ledger) = self.ledger else {
            // A function without a ledger did not exist at the last census: it spent nothing until then.
            slot.is_whole &= self.state.census.through.is_some_and(|through| hour <= through)
                || self.is_watched_otherwise(hour);
            return;
        };
        if ledger.settled_through.is_none_or(|settled| hour > settled) {
            if let Some((_, posted)) = ledger.hours.iter().find(|(other, _)| *other == hour) {
                let entry = entry(self.rule, posted);
                slot.functions += entry.change;
                slot.repeated += entry.repeated;
            }
            slot.is_extraordinary |= ledger.profile.is_excluded(hour);
            slot.is_whole &= self.is_covered(ledger, hour) || self.is_watched_otherwise(hour);
            return;
        }
        let known = ledger.of_settled_hour(hour).filter(|_| !self.rule.counts_invocations());
        slot.functions += UsdRange::exact(known.unwrap_or(Usd::ZERO));
        slot.is_extraordinary |= ledger.profile.is_excluded(hour);
        slot.is_whole &= known.is_some();
    }

    /// Whether every minute of an hour was looked at, or will be: gaps since then are filled in.
    fn is_covered(&self, ledger: &FunctionLedger, hour: Hour) -> bool {
        ledger
            .covered
            .is_some_and(|(from, until)| from <= hour.first_minute() && until >= self.now.plus(-CATCH_UP_MIN))
    }

    /// Whether the region's totals stand in for the function.
    fn is_watched_otherwise(&self, hour: Hour) -> bool {
        self.rule.matcher.is_everything() && self.state.region.watches(hour)
    }
}
