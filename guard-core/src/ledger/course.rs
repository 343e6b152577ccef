//! A budget's deviation from its ordinary course: the incident over its minutes, and the tolerated spend of an hour.

use super::book::BudgetLedger;
use super::incident::{Incident, Tolerated};
use super::shape::Ordinary;
use crate::budget::BudgetRule;
use crate::money::Usd;
use crate::policy::Period;
use crate::time::{Hour, Minute};

/// Minutes that are summed up anew at every look, because late points may still change them: those that a budget
/// remembers minute by minute, less an hour in which the guard may be late.
const OPEN_MIN: i64 = 5 * 60;

/// Hours after the first use in which a budget is learning: a week, because its days differ. Counted from the first use,
/// as a census writes zeros for the hours before anything existed.
const LEARNING_H: i64 = 168;

/// The drain, in hours of budget a day. An attacker who stays just below the slack gets an eighth of the budget above
/// the band in this way; calm traffic needs it, as noise above the band would add up to any slack.
const DRAIN_H_PER_DAY: i128 = 3;

impl BudgetLedger {
    /// The incident as of a minute: its amount in the budget's unit, and the minute in which it began.
    pub fn incident(&self, rule: &BudgetRule, until: Minute) -> Incident {
        let mut sum = self.incident;
        let Some(oldest) = self.oldest_minute() else { return sum };
        let from = sum.through.map_or(oldest, |through| through.plus(1));
        let drain = rule.even_share_per_hour().mul_div_up(DRAIN_H_PER_DAY, 24 * 60);
        // Minutes that are not remembered only drain.
        let forgotten = oldest.since(from).max(0);
        sum.add(Usd::ZERO - drain * i128::from(forgotten), from, self.slack(rule, from.hour()));
        let mut minute = from.max(oldest);
        while minute <= until {
            let hour = minute.hour();
            let tolerated = self.tolerated(rule, hour);
            let (upper, below) =
                (tolerated.upper.mul_div_up(1, 60), tolerated.refunded_below.mul_div_up(1, 60));
            let slack = self.slack(rule, hour);
            let next = hour.plus(1).first_minute().min(until.plus(1));
            while minute < next {
                let spent = self.minute(minute);
                let change = (spent - upper).at_least_zero() - (below - spent).at_least_zero() - drain;
                sum.add(change, minute, slack);
                minute = minute.plus(1);
            }
        }
        sum.through = Some(until).max(sum.through);
        sum
    }

    /// Sums up the minutes that change no more.
    pub(crate) fn close_incident(&mut self, rule: &BudgetRule, settled: Minute) {
        let until = settled.plus(-OPEN_MIN);
        if self.incident.through.is_none_or(|through| through < until) {
            self.incident = self.incident(rule, until);
        }
    }

    /// The tolerated spend in an hour, per hour in the budget's unit. While learning, a multiple of the budget's even
    /// share. Our choice: three times a day's and six times a month's, as the busiest hours of a month stand out more.
    pub fn tolerated(&self, rule: &BudgetRule, hour: Hour) -> Tolerated {
        let ordinary = self.ordinary(hour, rule.amount);
        if !self.is_learning(hour) {
            let Ordinary { expected, upper, .. } = ordinary;
            return Tolerated { usual: expected, upper, refunded_below: expected };
        }
        let times = if rule.period <= Period::Day { 3 } else { 6 };
        let upper = ordinary.upper.max(rule.even_share_per_hour() * times);
        Tolerated { usual: upper, upper, refunded_below: Usd::ZERO }
    }

    /// A rule's slack in an hour. If an excess came at this time of day before, on two days at least, and left the budget
    /// whole, half as much again is waited for, up to a day's share of the budget: a nightly batch is no attack. An
    /// attacker who comes back every day gains that share a day, and no more.
    pub(crate) fn slack(&self, rule: &BudgetRule, hour: Hour) -> Usd {
        let slack = if self.is_learning(hour) { rule.learning_slack } else { rule.slack };
        let usual = self.habit.at_this_time(hour);
        if usual == Usd::ZERO || slack >= rule.amount {
            return slack;
        }
        let most = (rule.even_share_per_hour() * 24).min(rule.amount);
        (slack + usual.mul_div_up(3, 2)).min(most).max(slack)
    }

    /// Whether less than a week is known.
    fn is_learning(&self, hour: Hour) -> bool {
        let known_since = self.profile.first_used().filter(|_| !self.shape.is_empty());
        known_since.is_none_or(|first| hour.0 - first.0 < LEARNING_H)
    }
}

#[cfg(test)]
mod tests;
