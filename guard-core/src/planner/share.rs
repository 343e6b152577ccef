//! The part of a budget's even share that belongs to each function without history.

use crate::budget::BudgetRule;
use crate::money::Usd;
use crate::posting::{FunctionReading, Reading};
use crate::roster::Roster;

/// For each rule of the roster, in its unit per hour: the level up to which a function whose ordinary spend is
/// unknown is within its share.
///
/// Together these functions have one even share of the budget, however many there are. A function leaves its unused
/// part to the others: a crowd of small ones takes nothing from a single larger one, and forty that each burn as much
/// as the whole share are not forty times within it.
pub(super) fn shares(roster: &Roster, reading: &Reading) -> Vec<Usd> {
    let mut burns: Vec<Vec<Usd>> = vec![Vec::new(); roster.rules.len()];
    for function in reading.functions.iter().filter(|function| is_unknown(function)) {
        let budgets = roster.members.get(function.index).map_or(&[][..], |member| &member.budgets);
        for place in budgets {
            if let (Some(rule), Some(burns)) = (roster.rules.get(*place), burns.get_mut(*place)) {
                burns.push(function.burn_in(rule.unit));
            }
        }
    }
    let rules = roster.rules.iter().zip(burns);
    rules.map(|(rule, burns)| level(rule.even_share_per_hour(), burns)).collect()
}

/// Whether its ordinary spend is unknown: it has no history, or less than a day of use.
pub(super) fn is_unknown(reading: &FunctionReading) -> bool {
    reading.ordinary_per_hour.is_none() || reading.is_new
}

/// A function's burn above its share, per hour, in the budget's unit.
pub(super) fn above(share: Usd, rule: &BudgetRule, reading: &FunctionReading) -> Usd {
    (reading.burn_in(rule.unit) - share).at_least_zero()
}

/// The level to which burns have to be cut so that they total at most `whole`; `whole` if they do so uncut.
fn level(whole: Usd, mut burns: Vec<Usd>) -> Usd {
    burns.sort_unstable();
    let mut left = whole;
    for (index, burn) in burns.iter().enumerate() {
        let fair = left.mul_div_up(1, i128::try_from(burns.len() - index).unwrap_or(i128::MAX));
        if *burn > fair {
            return fair;
        }
        left -= *burn;
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(whole: i128, burns: &[i128]) -> i128 {
        level(Usd::from_picos(whole), burns.iter().map(|burn| Usd::from_picos(*burn)).collect()).picos()
    }

    #[test]
    fn forty_that_burn_as_much_as_the_whole_share_have_a_fortieth_each() {
        assert_eq!(levels(400, &[360; 40]), 10);
        assert_eq!(levels(400, &[400]), 400);
        assert_eq!(levels(400, &[401]), 400);
        assert_eq!(levels(400, &[]), 400);
    }

    #[test]
    fn what_small_ones_leave_is_the_larger_one_s() {
        assert_eq!(levels(400, &[1, 390, 2, 3]), 400);
        assert_eq!(levels(400, &[1, 500, 2, 3]), 394);
    }

    proptest! {
        #[test]
        fn burns_cut_to_their_share_come_to_no_more_than_one_whole(
            whole in 1_i128..1_000_000,
            burns in proptest::collection::vec(0_i128..1_000_000, 0..60),
        ) {
            let level = levels(whole, &burns);
            let cut: i128 = burns.iter().map(|burn| *burn.min(&level)).sum();
            let rounding = i128::try_from(burns.len()).unwrap();
            prop_assert!(level <= whole && cut <= whole + rounding, "{} of {}", cut, whole);
            let is_cut = burns.iter().any(|burn| *burn > level);
            prop_assert!(!is_cut || cut >= whole, "nothing of the share is lost");
        }
    }
}
