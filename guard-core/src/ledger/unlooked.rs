//! Which functions of a scope were not looked at in a minute, and at which prices they may have caused the unexplained
//! part of the region's totals.

use crate::money::Usd;
use crate::roster::Roster;
use crate::time::Minute;

/// Microseconds of a second.
const US_PER_S: i128 = 1_000_000;

/// A function that was never looked at: before every minute.
pub(crate) const NEVER: Minute = Minute(i64::MIN);

/// The functions of one scope by the minute up to which they were looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Unlooked {
    /// The first of these that was not looked at in a minute is the dearest such function: each was looked at less far
    /// than all before it.
    dearest: Vec<(Minute, usize)>,
    /// Likewise for the cheapest.
    cheapest: Vec<(Minute, usize)>,
    /// Functions looked at up to a minute at most, by that minute, ascending: their number, and their usual work.
    usual: Vec<(Minute, u32, Usual)>,
}

/// The usual activity of functions, per hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usual {
    /// Busy time in microseconds.
    pub(crate) us: i128,
    /// Its cost.
    pub(crate) cost: Usd,
}

impl Unlooked {
    /// Adds a function; a scope's functions come dearest first. The guard does not count: its activity is negligible.
    fn add(&mut self, (index, is_guard): (usize, bool), looked: Minute, one: Usual) {
        if self.dearest.last().is_none_or(|(other, _)| looked < *other) {
            self.dearest.push((looked, index));
        }
        while self.cheapest.last().is_some_and(|(other, _)| *other >= looked) {
            self.cheapest.pop();
        }
        self.cheapest.push((looked, index));
        match self.usual.last_mut().filter(|(other, ..)| *other == looked) {
            Some((_, count, sum)) => (*count, *sum) = (*count + u32::from(!is_guard), sum.plus(one)),
            None => self.usual.push((looked, u32::from(!is_guard), one)),
        }
    }

    /// Must be called once all functions were added.
    fn finish(&mut self) {
        // Of those looked at less far than up to a minute, the one added last is the cheapest.
        self.cheapest.reverse();
        self.usual.sort_unstable_by_key(|(looked, ..)| *looked);
        let (mut functions, mut sum) = (0, Usual::default());
        for (_, count, usual) in &mut self.usual {
            (functions, sum) = (functions + *count, sum.plus(*usual));
            (*count, *usual) = (functions, sum);
        }
    }

    /// The dearest function that was not looked at in a minute.
    pub(crate) fn dearest(&self, minute: Minute) -> Option<usize> {
        self.dearest.iter().find(|(looked, _)| *looked < minute).map(|(_, index)| *index)
    }

    /// The cheapest function that was not looked at in a minute.
    pub(crate) fn cheapest(&self, minute: Minute) -> Option<usize> {
        self.cheapest.iter().find(|(looked, _)| *looked < minute).map(|(_, index)| *index)
    }

    /// The usual activity of the functions that were not looked at in a minute.
    pub(crate) fn usual(&self, minute: Minute) -> Usual {
        self.at(minute).1
    }

    /// Whether some functions of a wider scope were not looked at in a minute, and all of them belong to this one.
    pub(crate) fn is_all_of(&self, wider: &Unlooked, minute: Minute) -> bool {
        let count = self.count(minute);
        count > 0 && count == wider.count(minute)
    }

    /// The number of functions that were not looked at in a minute.
    fn count(&self, minute: Minute) -> u32 {
        self.at(minute).0
    }

    fn at(&self, minute: Minute) -> (u32, Usual) {
        let known = self.usual.partition_point(|(looked, ..)| *looked < minute);
        let last = known.checked_sub(1).and_then(|last| self.usual.get(last));
        last.map_or((0, Usual::default()), |(_, count, sum)| (*count, *sum))
    }
}

impl Usual {
    /// The usual activity for an hourly burn at the given price of a busy second; zero if either is zero.
    pub(crate) fn of(price: Usd, burn: Usd) -> Usual {
        if burn <= Usd::ZERO || price <= Usd::ZERO {
            return Usual::default();
        }
        // Rounded down, so that their mean price is not below the price.
        Usual { us: burn.picos().saturating_mul(US_PER_S) / price.picos(), cost: burn }
    }

    fn plus(self, other: Usual) -> Usual {
        Usual { us: self.us + other.us, cost: self.cost + other.cost }
    }

    /// The same activity over the given number of minutes.
    pub(crate) fn over(self, minutes: i64) -> Usual {
        let cost = self.cost.mul_div_up(i128::from(minutes), 60);
        Usual { us: self.us * i128::from(minutes) / 60, cost }
    }

    /// The cost of the given microseconds at its mean price; `None` without any usual activity.
    pub(crate) fn price_of(self, us: i128) -> Option<Usd> {
        (self.us > 0).then(|| self.cost.mul_div_up(us, self.us))
    }
}

/// The functions not looked at, for every scope of a roster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Unlooks {
    /// For everything.
    pub(crate) everything: Unlooked,
    /// For each rule narrower than everything, in the roster's order.
    pub(crate) narrow: Vec<Option<Unlooked>>,
}

impl Unlooks {
    /// Built from the minute up to which each function of the roster was looked at, and its usual activity.
    pub(crate) fn new(roster: &Roster, functions: &[(Minute, Usual)]) -> Self {
        let functions_by_name = &roster.inventory.functions;
        let place = |name| functions_by_name.binary_search_by(|function| function.name.cmp(name)).ok();
        let guard = roster.guard.as_ref().and_then(place);
        let scope = |places: &[usize]| {
            let mut scope = Unlooked::default();
            for index in places {
                if let Some((looked, usual)) = functions.get(*index) {
                    scope.add((*index, guard == Some(*index)), *looked, *usual);
                }
            }
            scope.finish();
            scope
        };
        let rules = roster.rules.iter().zip(&roster.covered);
        let narrow = rules.map(|(rule, places)| (!rule.matcher.is_everything()).then(|| scope(places)));
        Unlooks { everything: scope(&roster.by_price), narrow: narrow.collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(functions: &[(i64, i128)]) -> Unlooked {
        let mut scope = Unlooked::default();
        for (index, (looked, price)) in functions.iter().enumerate() {
            let usual = Usual::of(Usd::from_picos(*price), Usd::from_picos(price * 3600));
            scope.add((index, false), Minute(*looked), usual);
        }
        scope.finish();
        scope
    }

    #[test]
    fn who_was_looked_at_in_a_minute_is_not_its_dearest() {
        let scope = scope(&[(10, 80), (7, 40), (9, 20), (3, 10)]);
        let at = |minute: i64| (scope.dearest(Minute(minute)), scope.cheapest(Minute(minute)));
        assert_eq!(at(11), (Some(0), Some(3)));
        assert_eq!(at(10), (Some(1), Some(3)));
        assert_eq!(at(8), (Some(1), Some(3)));
        assert_eq!(at(7), (Some(3), Some(3)));
        assert_eq!(at(3), (None, None));
    }

    #[test]
    fn where_everybody_was_looked_at_nothing_is_anybodys_alone() {
        let (narrow, wide) = (scope(&[(10, 80)]), scope(&[(10, 80), (7, 40)]));
        let is_all = |minute: i64| narrow.is_all_of(&wide, Minute(minute));
        // Both unlooked, one of them, none.
        assert_eq!([is_all(11), is_all(8), is_all(7)], [false, false, false]);
        assert!(wide.is_all_of(&wide, Minute(8)) && !wide.is_all_of(&wide, Minute(7)));
    }

    #[test]
    fn what_is_usual_of_those_not_looked_at_costs_their_mean_price() {
        let scope = scope(&[(10, 80), (7, 40)]);
        // One busy second a second each.
        assert_eq!(scope.usual(Minute(11)).us, 2 * 3_600_000_000);
        assert_eq!(scope.usual(Minute(11)).price_of(1_000_000), Some(Usd::from_picos(60)));
        assert_eq!(scope.usual(Minute(8)).price_of(1_000_000), Some(Usd::from_picos(40)));
        assert_eq!(scope.usual(Minute(7)).price_of(1_000_000), None);
        assert_eq!(scope.usual(Minute(8)).over(30).us, 1_800_000_000);
    }

    proptest! {
        #[test]
        fn the_ends_are_those_of_a_search_through_everybody(
            functions in proptest::collection::vec((-20_i64..20, 1_i128..1000), 0..30),
            minute in -25_i64..25,
        ) {
            let mut functions = functions;
            functions.sort_by_key(|(_, price)| std::cmp::Reverse(*price));
            let scope = scope(&functions);
            let unlooked = || functions.iter().filter(|(looked, _)| *looked < minute).map(|(_, price)| *price);
            let price = |index: Option<usize>| index.map(|index| functions[index].1);
            prop_assert_eq!(price(scope.dearest(Minute(minute))), unlooked().max());
            prop_assert_eq!(price(scope.cheapest(Minute(minute))), unlooked().min());
            let us: i128 = unlooked().map(|_| 3_600_000_000).sum();
            prop_assert_eq!(scope.usual(Minute(minute)).us, us);
            prop_assert_eq!(scope.count(Minute(minute)) as usize, unlooked().count());
        }
    }
}
