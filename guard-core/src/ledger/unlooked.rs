//! Which functions of a scope were not looked at in a minute, and at which prices they may have caused the unexplained
//! part of the region's totals.

use crate::money::Usd;
use crate::roster::Roster;
use crate::time::Minute;

/// Microseconds of a second.
const US_PER_S: i128 = 1_000_000;

/// A function that was never looked at: before every minute.
pub(crate) const NEVER: Minute = Minute(i64::MIN);

/// The minute up to which a function was looked at, and its usual activity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Looked {
    /// The newest minute of which its durations are known.
    pub(crate) until: Minute,
    /// The newest minute of which its durations can rise no more.
    pub(crate) closed: Minute,
    /// Its usual activity.
    pub(crate) usual: Usual,
}

/// The dearest (or the cheapest) functions of one scope by the minute up to which they were looked at. The first of
/// these that was not looked at in a minute is the dearest such function: each was looked at less far than all before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stairs(Vec<(Minute, usize)>);

impl Stairs {
    /// Adds a function; they come dearest (or cheapest) first.
    fn add(&mut self, index: usize, looked: Minute) {
        if self.0.last().is_none_or(|(other, _)| looked < *other) {
            self.0.push((looked, index));
        }
    }

    /// The dearest (or cheapest) function that was not looked at in a minute.
    pub(crate) fn at(&self, minute: Minute) -> Option<usize> {
        self.0.iter().find(|(looked, _)| *looked < minute).map(|(_, index)| *index)
    }
}

/// The functions of one scope by the minute up to which they were looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Unlooked {
    dearest: Stairs,
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
        self.dearest.add(index, looked);
        match self.usual.last_mut().filter(|(other, ..)| *other == looked) {
            Some((_, count, sum)) => (*count, *sum) = (*count + u32::from(!is_guard), sum.plus(one)),
            None => self.usual.push((looked, u32::from(!is_guard), one)),
        }
    }

    /// Must be called once all functions were added.
    fn finish(&mut self) {
        self.usual.sort_unstable_by_key(|(looked, ..)| *looked);
        let (mut functions, mut sum) = (0, Usual::default());
        for (_, count, usual) in &mut self.usual {
            (functions, sum) = (functions + *count, sum.plus(*usual));
            (*count, *usual) = (functions, sum);
        }
    }

    /// The dearest function that was not looked at in a minute.
    pub(crate) fn dearest(&self, minute: Minute) -> Option<usize> {
        self.dearest.at(minute)
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
        // Rounded down, so that their mean price is not below the price.
        match (burn * US_PER_S).div_floor(price).filter(|_| burn > Usd::ZERO) {
            Some(us) => Usual { us, cost: burn },
            None => Usual::default(),
        }
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
    /// For everything, counting as looked at only once durations can rise no more.
    pub(crate) open: Unlooked,
    /// The cheapest of those.
    pub(crate) cheapest: Stairs,
    /// For each rule narrower than everything, in the roster's order.
    pub(crate) narrow: Vec<Option<Narrow>>,
}

/// The functions not looked at of a scope narrower than everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Narrow {
    pub(crate) looked: Unlooked,
    /// Counting as looked at only once durations can rise no more.
    pub(crate) open: Stairs,
}

impl Unlooks {
    /// Built from the looks at each function of the roster.
    pub(crate) fn new(roster: &Roster, functions: &[Looked]) -> Self {
        let by_name = &roster.inventory.functions;
        let place = |name| by_name.binary_search_by(|function| function.name.cmp(name)).ok();
        let guard = roster.guard.as_ref().and_then(place);
        let at = |index: usize| functions.get(index).map(|looked| ((index, guard == Some(index)), looked));
        let narrow = |places: &Vec<usize>| {
            let mut scope = Narrow::default();
            for (function, looked) in places.iter().filter_map(|index| at(*index)) {
                scope.looked.add(function, looked.until, looked.usual);
                scope.open.add(function.0, looked.closed);
            }
            scope.looked.finish();
            scope
        };
        let (mut everything, mut open) = (Unlooked::default(), Unlooked::default());
        for (function, looked) in roster.by_price.iter().filter_map(|index| at(*index)) {
            everything.add(function, looked.until, looked.usual);
            open.add(function, looked.closed, looked.usual);
        }
        everything.finish();
        open.finish();
        let mut cheapest = Stairs::default();
        for ((index, _), looked) in roster.by_price.iter().rev().filter_map(|index| at(*index)) {
            cheapest.add(index, looked.closed);
        }
        let rules = roster.rules.iter().zip(&roster.covered);
        let narrow = rules.map(|(rule, places)| (!rule.matcher.is_everything()).then(|| narrow(places)));
        Unlooks { everything, open, cheapest, narrow: narrow.collect() }
    }

    /// The functions not looked at of a rule's scope.
    pub(crate) fn of(&self, place: usize) -> &Unlooked {
        let narrow = self.narrow.get(place).and_then(Option::as_ref);
        narrow.map_or(&self.everything, |narrow| &narrow.looked)
    }

    /// Whether a rule is narrower than everything.
    pub(crate) fn is_narrow(&self, place: usize) -> bool {
        self.narrow.get(place).is_some_and(Option::is_some)
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
        let at = |minute: i64| scope.dearest(Minute(minute));
        assert_eq!([11, 10, 8, 7, 3].map(at), [Some(0), Some(1), Some(1), Some(3), None]);
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
            let mut cheapest = Stairs::default();
            for (index, (looked, _)) in functions.iter().enumerate().rev() {
                cheapest.add(index, Minute(*looked));
            }
            let unlooked = || functions.iter().filter(|(looked, _)| *looked < minute).map(|(_, price)| *price);
            let price = |index: Option<usize>| index.map(|index| functions[index].1);
            prop_assert_eq!(price(scope.dearest(Minute(minute))), unlooked().max());
            prop_assert_eq!(price(cheapest.at(Minute(minute))), unlooked().min());
            let us: i128 = unlooked().map(|_| 3_600_000_000).sum();
            prop_assert_eq!(scope.usual(Minute(minute)).us, us);
            prop_assert_eq!(scope.count(Minute(minute)) as usize, unlooked().count());
        }
    }
}
