//! Glances: only the durations since the last look at a function. The census settles the rest.

use super::reading::in_unit;
use super::{Poster, Subject};
use crate::budget::BudgetRule;
use crate::ledger::entry::whole;
use crate::ledger::rows::forget;
use crate::ledger::{BURN_MINUTES, FunctionLedger};
use crate::money::Usd;
use crate::observation::{Point, Series};
use crate::time::Minute;

/// A function of which only the durations were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its index in the roster.
    pub index: usize,
    /// Its cost above its band since the last look at it; its whole cost without history.
    pub excess: Usd,
    /// The same per hour, over the last settled minutes.
    pub excess_per_hour: Usd,
    /// Minutes since it was looked at last.
    pub minutes: i64,
    /// Whether its history is long enough to show its ordinary spend.
    pub is_known: bool,
    /// Its cost since the last look at it.
    pub cost: Usd,
    /// Its invocations since then, if they were requested.
    pub invocations: u64,
}

impl Glance {
    /// Its spend above the ordinary as a budget sees it, in total and per hour, in the budget's unit; without history,
    /// above the even share.
    pub(crate) fn excess_in(&self, rule: &BudgetRule) -> (Usd, Usd) {
        let all = (self.cost, whole(i128::from(self.invocations)));
        let unit = |money: Usd| in_unit(money, rule.unit, all);
        let (excess, per_hour) = (unit(self.excess), unit(self.excess_per_hour));
        if self.is_known {
            return (excess, per_hour);
        }
        let share = rule.even_share_per_hour();
        let since = share.mul_div_up(i128::from(self.minutes), 60);
        ((excess - since).at_least_zero(), (per_hour - share).at_least_zero())
    }
}

impl Poster<'_> {
    /// Posts the results of a glance.
    pub(super) fn glance(
        &mut self,
        ledger: &mut FunctionLedger,
        series: &Series,
        subject: &Subject<'_>,
    ) -> Option<Glance> {
        let known = series.freshness.known_until(self.settled)?;
        let from = ledger.glance_from(self.now, subject.member.window_min).max(self.from);
        if known < from {
            return None;
        }
        let shown: Vec<_> = series.minutes.iter().filter(|(minute, _)| *minute >= from).collect();
        // Results of a full look at a minute stay.
        let merged = shown.iter().map(|(minute, point)| {
            let known = ledger.minutes.iter().rev().find(|(other, _)| other == minute);
            let known = known.map(|(_, posted)| posted.point).unwrap_or_default();
            let duration_us = known.duration_us.max(point.duration_us);
            let invocations = known.invocations.max(point.invocations);
            let concurrency_max = known.concurrency_max.max(point.concurrency_max);
            (*minute, Point { duration_us, invocations, concurrency_max, ..known })
        });
        let series = Series { freshness: series.freshness, minutes: merged.collect() };
        self.minutes_from(ledger, &series, subject, from);
        let seen_before = ledger.looked_until().map_or(from, |until| until.plus(1).max(from));
        let mut glance = self.excess(ledger, subject, (seen_before, known));
        if series.minutes.iter().any(|(_, point)| point.concurrency_max > 0) {
            // Invocations still running, whose durations are not reported yet, are in none of these minutes.
            let running = self.running_per_hour(ledger, subject);
            glance.excess_per_hour += running;
            glance.excess +=
                running.mul_div_up(i128::from(glance.minutes.min(subject.member.window_min)), 60);
            self.hide(ledger, subject);
        }
        self.learn_burn(ledger, known, subject);
        ledger.glanced = ledger.glanced.max(Some(known));
        self.starts(ledger, subject);
        let oldest = self.oldest(ledger, subject);
        forget(&mut ledger.minutes, oldest);
        Some(glance)
    }

    /// A function's spend above its band from a minute on, up to the last that is known.
    fn excess(
        &self,
        ledger: &FunctionLedger,
        subject: &Subject<'_>,
        (from, known): (Minute, Minute),
    ) -> Glance {
        let newest = known.plus(1 - BURN_MINUTES);
        let (mut excess, mut recent, mut cost, mut invocations) = (Usd::ZERO, Usd::ZERO, Usd::ZERO, 0_u64);
        let mut hour = None;
        let mut band = Usd::ZERO;
        let first = from.min(newest);
        let minutes = ledger.minutes.iter().filter(|(minute, _)| *minute >= first && *minute <= known);
        for (minute, posted) in minutes {
            if hour != Some(minute.hour()) {
                hour = Some(minute.hour());
                let ordinary = ledger.profile.expect(minute.hour());
                band = ordinary.map_or(Usd::ZERO, |ordinary| ordinary.upper.mul_div_up(1, 60));
            }
            let above = (posted.cost.expected - band).at_least_zero();
            if *minute >= from {
                excess += above;
                cost += posted.cost.expected;
                invocations = invocations.saturating_add(posted.point.invocations);
            }
            if *minute >= newest {
                recent += above;
            }
        }
        let excess_per_hour = recent.mul_div_up(60, i128::from(BURN_MINUTES));
        Glance {
            index: subject.index,
            excess,
            excess_per_hour,
            minutes: (known.since(from) + 1).max(1),
            is_known: ledger.profile.expect(self.now.hour()).is_some() && !ledger.profile.is_new(),
            cost,
            invocations,
        }
    }
}
