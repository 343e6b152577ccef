//! Choosing the glances: the fewest functions that leave less hidden spend than is tolerated.

use crate::money::Usd;

/// Microseconds of a second.
const US_PER_S: i128 = 1_000_000;

/// A function of a scope that has not been looked at for some minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its index in the roster.
    pub(super) index: usize,
    /// The cost of its busy second.
    pub(super) price: Usd,
    /// Minutes since the last look at it, as far back as a look reaches.
    pub(super) minutes: i64,
    /// Its usual busy time in those minutes, in microseconds.
    pub(super) us: i128,
}

/// The hidden spend of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unexplained {
    /// Busy time that no function explains, in microseconds.
    pub(super) us: i128,
    /// Its expected cost.
    pub(super) expected: Usd,
    /// Spend above the ordinary with no known source: a choice by usual activity does not find it.
    pub(super) nameless: Usd,
}

/// The fewest candidates that leave an expected hidden spend of at most `target`, as indices into `candidates`, which
/// is sorted dearest first; `None` if no choice does, so that every function has to be looked at.
///
/// The possible hidden spend is the rest of the busy time at the price of the dearest function not looked at, less its
/// expected cost. So for every price: all functions that are dearer, and of the others those that explain most of it.
pub(super) fn choose(candidates: &[Candidate], unexplained: &Unexplained, target: Usd) -> Option<Vec<usize>> {
    let target = target - unexplained.nameless;
    if target < Usd::ZERO {
        return None;
    }
    let usual: i128 = candidates.iter().map(|candidate| candidate.us).sum();
    // If there is less activity than usual, all functions are taken to do less.
    let scaled = |us: i128| {
        if usual > unexplained.us { us.saturating_mul(unexplained.us) / usual.max(1) } else { us }
    };
    let priced = |us: i128, price: Usd| price.mul_div_up(us, US_PER_S);
    let hidden = |us: i128, expected: Usd, price: Usd| priced(us, price) - expected;
    let mut best: Option<Vec<usize>> = None;
    let (mut us, mut expected) = (unexplained.us, unexplained.expected);
    let mut dearer = 0;
    while let Some(next) = candidates.get(dearer) {
        let price = next.price;
        if best.as_ref().is_some_and(|best| best.len() <= dearer) {
            break;
        }
        let mut left = hidden(us, expected, price);
        let mut chosen: Vec<usize> = (0..dearer).collect();
        if left > target {
            let mut gains: Vec<(Usd, usize)> = (dearer..candidates.len())
                .filter_map(|place| {
                    let candidate = candidates.get(place)?;
                    let gain = priced(scaled(candidate.us), price - candidate.price);
                    (gain > Usd::ZERO).then_some((gain, place))
                })
                .collect();
            gains.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            for (gain, place) in gains {
                if left <= target {
                    break;
                }
                left -= gain;
                chosen.push(place);
            }
        }
        if left <= target && best.as_ref().is_none_or(|best| chosen.len() < best.len()) {
            best = Some(chosen);
        }
        // On to the next cheaper price.
        while let Some(candidate) = candidates.get(dearer).filter(|candidate| candidate.price == price) {
            us -= scaled(candidate.us);
            expected -= priced(scaled(candidate.us), price);
            dearer += 1;
        }
        (us, expected) = (us.max(0), expected.at_least_zero());
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(index: usize, price: i128, us: i128) -> Candidate {
        Candidate { index, price: Usd::from_picos(price), minutes: 10, us }
    }

    fn chosen(
        candidates: &[Candidate],
        us: i128,
        mean: i128,
        nameless: i128,
        target: i128,
    ) -> Option<Vec<usize>> {
        let expected = Usd::from_picos(mean).mul_div_up(us, US_PER_S);
        let unexplained = Unexplained { us, expected, nameless: Usd::from_picos(nameless) };
        choose(candidates, &unexplained, Usd::from_picos(target))
    }

    #[test]
    fn a_dear_function_that_is_idle_is_cheaper_to_look_at_than_many_busy_ones() {
        let mut all = vec![candidate(0, 80, 0)];
        all.extend((1..11).map(|index| candidate(index, 1, 100_000_000)));
        // A thousand busy seconds at 80 instead of 1: without the dear one nothing is hidden.
        assert_eq!(chosen(&all, 1_000_000_000, 1, 0, 1_000), Some(vec![0]));
    }

    #[test]
    fn one_busy_function_is_cheaper_to_look_at_than_many_dear_ones() {
        let mut all: Vec<Candidate> = (0..10).map(|index| candidate(index, 80, 0)).collect();
        all.push(candidate(10, 1, 990_000_000));
        all.push(candidate(11, 1, 10_000_000));
        // Ten seconds are left at 80: 790 more than expected.
        assert_eq!(chosen(&all, 1_000_000_000, 1, 0, 800), Some(vec![10]));
        assert_eq!(chosen(&all, 1_000_000_000, 1, 0, 700), Some(vec![10, 11]));
    }

    #[test]
    fn what_is_above_the_ordinary_and_has_no_name_is_looked_for_at_everybody() {
        let all = [candidate(0, 10, 1_000_000), candidate(1, 1, 1_000_000)];
        assert_eq!(chosen(&all, 2_000_000, 5, 900, 800), None);
        // A hundred seconds more than anybody does as a rule, at the cheapest price or the dearest.
        assert_eq!(chosen(&all, 102_000_000, 1, 0, 800), Some(vec![0]));
        assert_eq!(chosen(&[candidate(0, 10, 0), candidate(1, 10, 0)], 100_000_000, 1, 0, 800), None);
    }

    #[test]
    fn nothing_is_chosen_where_nothing_is_hidden() {
        assert_eq!(chosen(&[candidate(0, 10, 1_000_000)], 1_000_000, 10, 0, 0), Some(vec![]));
    }
}
