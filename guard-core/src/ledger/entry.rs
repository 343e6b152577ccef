//! The arithmetic of postings: the effect of a changed point in money and in whole units.

use super::Posted;
use super::book::Entry;
use crate::money::{PICOS_PER_USD, Usd, UsdRange};
use crate::observation::Point;

/// The given number of whole units, as posted by a budget that counts invocations.
pub(crate) fn whole(count: i128) -> Usd {
    Usd::from_picos(PICOS_PER_USD) * count
}

/// The entry for a budget in money.
pub(crate) fn money(from: &Posted, to: &Posted) -> Entry {
    Entry::of((from.cost, to.cost), (from.repeated, to.repeated))
}

/// The entry for a budget that counts invocations.
pub(crate) fn counted(from: &Posted, to: &Posted) -> Entry {
    let count = |posted: &Posted| UsdRange::exact(whole(i128::from(posted.point.invocations)));
    let repeated = |posted: &Posted| {
        let all = count(posted).expected;
        let share = |part: Usd, of: Usd| all.mul_div_up(part.picos(), of.picos());
        if posted.cost.expected == Usd::ZERO {
            return UsdRange::ZERO;
        }
        UsdRange::new(
            share(posted.repeated.low, posted.cost.expected).min(all),
            share(posted.repeated.expected, posted.cost.expected).min(all),
            share(posted.repeated.high, posted.cost.expected).min(all),
            posted.repeated.causes,
        )
    };
    Entry::of((count(from), count(to)), (repeated(from), repeated(to)))
}

/// A total in which one posting was replaced by another, which changes its money by the entry. The point's maxima only
/// rise.
pub(crate) fn exchange_posted(total: &mut Posted, from: &Posted, to: &Posted, money: &Entry) {
    exchange(&mut total.point, &from.point, &to.point);
    total.cost += money.change;
    total.repeated += money.repeated;
}

/// Replaces one point by another in a sum. Maxima only rise.
pub(crate) fn exchange(sum: &mut Point, from: &Point, to: &Point) {
    let all = sum.plus(*to);
    *sum = Point {
        invocations: all.invocations.saturating_sub(from.invocations),
        errors: all.errors.saturating_sub(from.errors),
        throttles: all.throttles.saturating_sub(from.throttles),
        duration_us: all.duration_us.saturating_sub(from.duration_us),
        ..all
    };
}
