//! The decision's inputs for a function that was looked at: its burn, its excess, and spend that no metric shows yet.

use super::{FunctionReading, Poster, Subject, may_retry};
use crate::amplification::{self, ONCE_PER_MILLE};
use crate::cost::UnitCost;
use crate::inventory::Function;
use crate::ledger::entry::whole;
use crate::ledger::{BURN_MINUTES, FunctionLedger};
use crate::money::{Cause, Causes, Unit, Usd, UsdRange};
use crate::observation::{Freshness, Point};
use crate::time::Minute;

impl FunctionReading {
    /// Its burn per hour, in the unit of a budget.
    pub fn burn_in(&self, unit: Unit) -> Usd {
        self.in_unit(self.burn_per_hour, unit)
    }

    /// Its burn per hour above the ordinary, in the unit of a budget. The ordinary is known only in money; the same
    /// share of its invocations is taken to be above it.
    pub fn excess_in(&self, unit: Unit) -> Usd {
        self.in_unit(self.excess_per_hour, unit)
    }

    /// A part of its burn in the unit of a budget.
    fn in_unit(&self, money: Usd, unit: Unit) -> Usd {
        in_unit(money, unit, (self.burn_per_hour, self.invocations_per_hour))
    }
}

/// A part of a cost in the unit of a budget: the money itself, or the same part of the invocations in whole units.
/// Money is never compared with invocations.
pub(super) fn in_unit(money: Usd, unit: Unit, (cost, invocations): (Usd, Usd)) -> Usd {
    match unit {
        Unit::Usd | Unit::Cny => money,
        Unit::Invocations => invocations.mul_div_up(money.picos(), cost.picos()),
    }
}

impl Poster<'_> {
    /// The hourly cost of long invocations that durations do not show yet, over the newest settled minutes. A run of a
    /// quarter of an hour reports its duration when it is over; until then only concurrency shows it.
    pub(super) fn running_per_hour(&self, ledger: &FunctionLedger, subject: &Subject<'_>) -> Usd {
        if subject.function.timeout_s <= self.roster.policy.timing.metric_lag_s {
            return Usd::ZERO;
        }
        let known = self.known(ledger);
        let newest = known.plus(1 - BURN_MINUTES)..=known;
        let points = ledger.minutes.iter().filter(|(minute, _)| newest.contains(minute));
        let running = in_flight(&subject.member.unit, points.map(|(_, posted)| &posted.point));
        running.expected.mul_div_up(60, i128::from(BURN_MINUTES))
    }

    /// Adds to the budgets the unseen work of long invocations, and the retries certain to run.
    pub(super) fn hide(&mut self, ledger: &FunctionLedger, subject: &Subject<'_>) {
        let window = self.now.plus(-subject.member.window_min);
        let recent = || ledger.minutes.iter().filter(|(minute, _)| *minute >= window);
        let in_flight = if subject.function.timeout_s > self.roster.policy.timing.metric_lag_s {
            in_flight(&subject.member.unit, recent().map(|(_, posted)| &posted.point))
        } else {
            UsdRange::ZERO
        };
        let committed = if may_retry(subject.function) {
            committed(ledger, self.now, subject.function)
        } else {
            Default::default()
        };
        if in_flight == UsdRange::ZERO && committed == Default::default() {
            return;
        }
        for index in &subject.member.budgets {
            let Some(rule) = self.roster.rules.get(*index) else { continue };
            let Some(hidden) = self.hidden.get_mut(*index) else { continue };
            if rule.counts_invocations() {
                hidden.committed += committed.1;
            } else {
                hidden.in_flight += in_flight;
                hidden.committed += committed.0;
            }
        }
    }

    /// The hourly cost that retries add once as many run as attempts fail now: the work of first attempts times the
    /// retries of each, less those already running, and no more than the function's concurrency has room for.
    fn retries_per_hour(
        &self,
        burn_per_hour: Usd,
        unique: Usd,
        cost: Usd,
        failure_per_mille: u32,
        subject: &Subject<'_>,
    ) -> Usd {
        if failure_per_mille == 0 {
            return Usd::ZERO;
        }
        let attempts_ppm = amplification::forecast_attempts(subject.function, failure_per_mille);
        let steady = unique.mul_div_up(i128::from(attempts_ppm), i128::from(amplification::PPM));
        let further = (steady - cost).mul_div_up(60, i128::from(BURN_MINUTES));
        let room = self.roster.worst_per_second(subject.index) * 3600 - burn_per_hour;
        further.min(room).at_least_zero()
    }

    pub(super) fn read(
        &mut self,
        ledger: &FunctionLedger,
        freshness: Freshness,
        subject: &Subject<'_>,
    ) -> FunctionReading {
        // Late data still shows the burn of the last minutes that are known.
        let known = self.known(ledger);
        let first = known.plus(1 - BURN_MINUTES);
        let (mut cost, mut repeated) = (Usd::ZERO, Usd::ZERO);
        let (mut invocations, mut errors, mut throttles) = (0_u64, 0_u64, 0_u64);
        let mut newest = 0;
        for (minute, posted) in ledger.minutes.iter().rev().take_while(|(minute, _)| *minute >= first) {
            newest = newest.max(posted.point.concurrency_max);
            if *minute <= known {
                cost += posted.cost.expected;
                repeated += posted.repeated.expected;
                invocations = invocations.saturating_add(posted.point.invocations);
                errors = errors.saturating_add(posted.point.errors);
                throttles = throttles.saturating_add(posted.point.throttles);
            }
        }
        let running_per_hour = self.running_per_hour(ledger, subject);
        let burn_per_hour = cost.mul_div_up(60, i128::from(BURN_MINUTES)) + running_per_hour;
        let failure_per_mille = per_mille(errors, invocations);
        let retries_per_hour =
            self.retries_per_hour(burn_per_hour, cost - repeated, cost, failure_per_mille, subject);
        let is_hidden = running_per_hour != Usd::ZERO || retries_per_hour != Usd::ZERO;
        for index in subject.member.budgets.iter().filter(|_| is_hidden) {
            let Some(rule) = self.roster.rules.get(*index) else { continue };
            let Some(hidden) = self.hidden.get_mut(*index) else { continue };
            if rule.counts_invocations() {
                let each = whole(i128::from(invocations));
                hidden.retries_per_hour += each.mul_div_up(retries_per_hour.picos(), cost.picos().max(1));
            } else {
                hidden.running_per_hour += running_per_hour;
                hidden.retries_per_hour += retries_per_hour;
            }
        }
        // Minutes of the hour before are no excess because this hour is calmer.
        let mut expectation = ledger.profile.expect(self.now.hour());
        if first.hour() != self.now.hour() {
            let earlier = ledger.profile.expect(first.hour());
            expectation = expectation.into_iter().chain(earlier).max_by_key(|ordinary| ordinary.upper);
        }
        let excess_per_hour = match expectation {
            Some(ordinary) if burn_per_hour <= ordinary.upper => Usd::ZERO,
            Some(ordinary) => burn_per_hour - ordinary.expected,
            None => burn_per_hour,
        };
        FunctionReading {
            index: subject.index,
            burn_per_hour,
            invocations_per_hour: whole(i128::from(invocations)).mul_div_up(60, i128::from(BURN_MINUTES)),
            ordinary_per_hour: expectation.map(|ordinary| ordinary.expected),
            is_new: ledger.profile.is_new(),
            excess_per_hour,
            attempts_per_mille: attempts_per_mille(cost, cost - repeated),
            failure_per_mille,
            throttles,
            concurrency_max: newest,
            concurrency_p99: ledger.profile.concurrency_p99(),
            freshness,
        }
    }
}

/// Work that concurrency shows and durations do not yet: invocations report their duration when they end. At most, each
/// minute's maximum was busy for the whole minute; the expected value is only the part that the visible work does not
/// explain at its busiest.
fn in_flight<'a>(unit: &UnitCost, points: impl Iterator<Item = &'a Point>) -> UsdRange {
    let points: Vec<(u32, u64)> = points.map(|point| (point.concurrency_max, point.duration_us)).collect();
    let (beyond_us, gap_us) = unshown(&points);
    if gap_us == 0 {
        return UsdRange::ZERO;
    }
    let expected = unit.compute(0, beyond_us);
    UsdRange::new(Usd::ZERO, expected, unit.compute(0, gap_us), Causes::of(Cause::UnseenMinutes))
}

/// Busy time in microseconds that is missing from minutes of the given concurrency and duration: the part that the
/// visible work does not explain at its busiest, and the part missing if the maximum was busy for the whole minute.
pub(super) fn unshown(points: &[(u32, u64)]) -> (u64, u64) {
    let shown_us: u64 = points.iter().fold(0, |sum, (_, us)| sum.saturating_add(*us));
    let busy_us: u64 =
        points.iter().fold(0, |sum, (busy, _)| sum.saturating_add(u64::from(*busy) * MINUTE_US));
    let gap_us = busy_us.saturating_sub(shown_us);
    let explained = busiest(shown_us, points.len());
    let beyond = points.iter().fold(0_u64, |sum, (busy, _)| {
        sum.saturating_add(
            (u64::from(*busy) * 1000).saturating_sub(explained).saturating_mul(MINUTE_US / 1000),
        )
    });
    (beyond.min(gap_us), gap_us)
}

/// Microseconds in a minute.
const MINUTE_US: u64 = 60_000_000;

/// The concurrency, in thousandths, that the given microseconds of work in the given minutes reach at their busiest. It
/// is the mean, plus three and a half deviations of independent arrivals (a Poisson count; a minute holds some hundred
/// independent moments), plus one.
pub(super) fn busiest(shown_us: u64, minutes: usize) -> u64 {
    let minutes = u64::try_from(minutes).unwrap_or(u64::MAX).max(1);
    let mean = shown_us / minutes.saturating_mul(MINUTE_US / 1000);
    let deviation = mean.saturating_mul(1000).isqrt();
    mean + deviation * 7 / 2 + 1000
}

/// Retries certain to run: as money at the mean cost of the latest invocations, and as a count.
fn committed(ledger: &FunctionLedger, now: Minute, function: &Function) -> (UsdRange, UsdRange) {
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
        UsdRange::new(low, expected, high, Causes::of(Cause::CommittedRetries))
    };
    (ranged(&|count| mean.1.mul_div_up(count, mean.0)), ranged(&whole))
}

fn attempts_per_mille(all: Usd, unique: Usd) -> u32 {
    if all == unique {
        return ONCE_PER_MILLE;
    }
    if unique <= Usd::ZERO {
        return if all <= Usd::ZERO { ONCE_PER_MILLE } else { 3 * ONCE_PER_MILLE };
    }
    u32::try_from(all.per_mille_of(unique)).unwrap_or(u32::MAX)
}

fn per_mille(part: u64, whole: u64) -> u32 {
    let value = u128::from(part) * 1000 / u128::from(whole.max(1));
    u32::try_from(value).unwrap_or(u32::MAX)
}
