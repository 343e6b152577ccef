//! The arithmetic of postings: what an exchange of points means in money, in whole units and in repeats.

use std::collections::VecDeque;

use super::book::Entry;
use super::region::exchange;
use super::{FunctionLedger, Posted};
use crate::amplification;
use crate::cost::UnitCost;
use crate::inventory::Function;
use crate::money::{Cause, PICOS_PER_USD, Usd, UsdRange};
use crate::observation::Point;
use crate::time::Minute;

/// Work that concurrency shows and durations do not yet: invocations send their duration when they end. At most, the
/// maximum of every minute was busy all the minute long; expected is only what the work that has shown does not explain
/// at its busiest.
pub(super) fn in_flight<'a>(unit: &UnitCost, points: impl Iterator<Item = &'a Point>) -> UsdRange {
    let points: Vec<(u32, u64)> = points.map(|point| (point.concurrency_max, point.duration_us)).collect();
    let shown_us: u64 = points.iter().fold(0, |sum, (_, us)| sum.saturating_add(*us));
    let busy_us: u64 =
        points.iter().fold(0, |sum, (busy, _)| sum.saturating_add(u64::from(*busy) * MINUTE_US));
    let Some(gap_us) = busy_us.checked_sub(shown_us).filter(|gap| *gap > 0) else { return UsdRange::ZERO };
    let explained = busiest(shown_us, points.len());
    let beyond = points.iter().fold(0_u64, |sum, (busy, _)| {
        sum.saturating_add(
            (u64::from(*busy) * 1000).saturating_sub(explained).saturating_mul(MINUTE_US / 1000),
        )
    });
    let expected = unit.compute(0, beyond.min(gap_us));
    UsdRange::new(
        Usd::ZERO,
        expected,
        unit.compute(0, gap_us),
        crate::money::Causes::of(Cause::UnseenMinutes),
    )
}

/// Microseconds in a minute.
const MINUTE_US: u64 = 60_000_000;

/// The concurrency, in thousandths, that work of so many microseconds in so many minutes reaches at its busiest: the
/// mean, three and a half deviations of independent arrivals (a Poisson count; a minute holds some hundred independent
/// moments), and one.
fn busiest(shown_us: u64, minutes: usize) -> u64 {
    let minutes = u64::try_from(minutes).unwrap_or(u64::MAX).max(1);
    let mean = shown_us / minutes.saturating_mul(MINUTE_US / 1000);
    let deviation = mean.saturating_mul(1000).isqrt();
    mean + deviation * 7 / 2 + 1000
}

/// Retries certain to run: as money at the mean cost of the latest invocations, and as a count.
pub(super) fn committed(ledger: &FunctionLedger, now: Minute, function: &Function) -> (UsdRange, UsdRange) {
    let mut window = [(Minute::default(), Point::default()); 4];
    let mut filled = 0;
    let mut mean = (0_i128, Usd::ZERO);
    for (minute, posted) in ledger.minutes.iter().rev().take(window.len()) {
        if let Some(slot) = window.get_mut(filled) {
            *slot = (*minute, posted.point);
            filled += 1;
        }
        mean = (mean.0 + i128::from(posted.point.invocations), mean.1 + posted.cost.expected);
    }
    let Some(window) = window.get_mut(..filled) else { return Default::default() };
    window.reverse();
    let further = amplification::committed_invocations(function, window, now);
    if further == [0; 3] || mean.0 == 0 {
        return Default::default();
    }
    let ranged = |price: &dyn Fn(i128) -> Usd| {
        let [low, expected, high] = further.map(|count| price(i128::from(count)));
        UsdRange::new(low, expected, high, crate::money::Causes::of(Cause::CommittedRetries))
    };
    (ranged(&|count| mean.1.mul_div_up(count, mean.0)), ranged(&whole))
}

/// Whether Lambda or a queue, and not only its callers, may run an event of the function again.
pub(super) fn may_retry(function: &Function) -> bool {
    function.asynchronous.is_some() || !function.mappings.is_empty()
}

/// So many whole units: what a budget that counts invocations posts.
fn whole(count: i128) -> Usd {
    Usd::from_picos(PICOS_PER_USD) * count
}

/// The entry for a budget in money.
pub(super) fn money(from: &Posted, to: &Posted) -> Entry {
    Entry::of((from.cost, to.cost), (from.repeated, to.repeated))
}

/// The entry for a budget that counts invocations.
pub(super) fn counted(from: &Posted, to: &Posted) -> Entry {
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

/// The part of a cost that repeated invocations caused: at the mean cost of the point's invocations, and at most at
/// the `dearest` run each, one into the time-out, because it is the failing runs that repeat and they may be the long ones.
pub(super) fn repeated_cost(cost: UsdRange, invocations: u64, repeated: [u64; 3], dearest: Usd) -> UsdRange {
    if invocations == 0 || repeated == [0; 3] {
        return UsdRange::ZERO;
    }
    let part =
        |count: u64| cost.expected.mul_div_up(i128::from(count.min(invocations)), i128::from(invocations));
    let [low, expected, high] = repeated;
    let most = (dearest * i128::from(high)).min(cost.high);
    UsdRange::new(part(low).min(most), part(expected), most, crate::money::Causes::of(Cause::RepeatedWork))
}

/// A total in which one posting was exchanged for another, which changes its money by the entry. The point's maxima only
/// rise.
pub(super) fn exchange_posted(total: &mut Posted, from: &Posted, to: &Posted, money: &Entry) {
    exchange(&mut total.point, &from.point, &to.point);
    total.cost += money.change;
    total.repeated += money.repeated;
}

pub(super) fn attempts_per_mille(all: Usd, unique: Usd) -> u32 {
    if all == unique {
        return amplification::ONCE_PER_MILLE;
    }
    if unique <= Usd::ZERO {
        return if all <= Usd::ZERO {
            amplification::ONCE_PER_MILLE
        } else {
            3 * amplification::ONCE_PER_MILLE
        };
    }
    u32::try_from(all.per_mille_of(unique)).unwrap_or(u32::MAX)
}

pub(super) fn per_mille(part: u64, whole: u64) -> u32 {
    let value = u128::from(part) * 1000 / u128::from(whole.max(1));
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The slot of a key in an ascending row, made where there is none. Keys come mostly at the end, one of the newest.
pub(super) fn slot_of<K: Copy + Ord, V: Default>(row: &mut VecDeque<(K, V)>, key: K) -> &mut V {
    let newest = row.iter().rev().take(NEWEST).take_while(|(other, _)| *other >= key).count();
    let at = match newest {
        NEWEST => row.partition_point(|(other, _)| *other < key),
        newest => row.len() - newest,
    };
    if row.get(at).is_none_or(|(other, _)| *other != key) {
        row.insert(at, (key, V::default()));
    }
    &mut row[at].1
}

/// Keys tried one by one from the end of a row.
const NEWEST: usize = 4;

/// Drops entries before a key.
pub(super) fn forget<K: Copy + Ord, V>(row: &mut VecDeque<(K, V)>, before: K) {
    while row.front().is_some_and(|(key, _)| *key < before) {
        row.pop_front();
    }
}
