//! The leaky sum by hand: what is charged, paid back and drained, and what an attacker can get out of it.

use chrono::{DateTime, Duration, TimeZone, Utc};
use proptest::prelude::*;

use super::super::Entry;
use super::*;
use crate::inventory::{AccountLimits, Inventory};
use crate::ledger::WeekShape;
use crate::policy::{Budget, Policy};

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 25, hour, minute, 0).unwrap()
}

/// A budget of $1,440 a day: a dollar a minute, a slack of $180, a drain of 12.5 cents a minute.
fn rule(period: Period, dollars: i64) -> BudgetRule {
    let budget = vec![Budget { period, ..Budget::per_month("all", Usd::from_dollars(dollars)) }];
    let policy = Policy { budget, ..Policy::default() };
    crate::budget::rules(&policy, &Inventory::new("us-east-1", AccountLimits::default(), vec![])).0.remove(0)
}

fn cents(cents: i64) -> Usd {
    Usd::from_picos(i128::from(cents) * 10_000_000_000)
}

/// A book with so many weeks of so much an hour.
fn known(rule: &BudgetRule, weeks: i64, per_hour: Usd) -> BudgetLedger {
    let (start, end) = rule.period_at(chrono_tz::UTC, at(0, 0));
    let mut book = BudgetLedger::new(start, end);
    let last = Hour::of(at(0, 0));
    for back in (1..=weeks * 168).rev() {
        book.profile.record(last.plus(-back), per_hour, 0);
    }
    book.shape = WeekShape::of(&book.profile, last);
    book
}

fn post(book: &mut BudgetLedger, at: DateTime<Utc>, amount: Usd) {
    book.post(Minute::of(at), &Entry::exact(amount));
}

/// Posts amounts minute by minute from noon, and closes after each.
fn spend(rule: &BudgetRule, book: &mut BudgetLedger, amounts: impl IntoIterator<Item = Usd>) -> Incident {
    let mut minute = Minute::of(at(12, 0));
    for amount in amounts {
        book.post(minute, &Entry::exact(amount));
        book.close_incident(rule, minute);
        minute = minute.plus(1);
    }
    book.incident(rule, minute.plus(-1))
}

#[test]
fn what_is_above_the_band_is_charged_and_drains_an_eighth_of_the_even_share() {
    let rule = rule(Period::Day, 1440);
    // $60 an hour, band $84: $1.40 a minute.
    let mut book = known(&rule, 4, Usd::from_dollars(60));
    let incident = spend(&rule, &mut book, [cents(500); 10]);
    assert_eq!(incident.amount, cents(10 * (500 - 140)) - cents(125));
    assert_eq!(incident.since, Some(Minute::of(at(12, 0))));
}

#[test]
fn between_median_and_band_nothing_is_paid_back_and_below_the_median_the_difference_is() {
    let rule = rule(Period::Day, 1440);
    let after = |then: Usd| {
        let mut book = known(&rule, 4, Usd::from_dollars(60));
        spend(&rule, &mut book, [[cents(1140); 5], [then; 5]].concat()).amount
    };
    let charged = cents(5 * 1000) - Usd::from_picos(10 * 125_000_000_000);
    assert_eq!((after(cents(140)), after(cents(101)), after(cents(100))), (charged, charged, charged));
    assert_eq!(after(cents(40)), charged - cents(5 * 60));
}

#[test]
fn the_sum_stays_between_nothing_and_the_slack_and_begins_anew() {
    let rule = rule(Period::Day, 1440);
    let mut book = known(&rule, 4, Usd::from_dollars(60));
    let incident = spend(&rule, &mut book, [Usd::from_dollars(100); 30]);
    assert_eq!(incident.amount, rule.slack, "a long incident is one slack");
    let quiet = [[Usd::from_dollars(100); 10].as_slice(), &[Usd::ZERO; 200], &[cents(500); 2]].concat();
    let mut book = known(&rule, 4, Usd::from_dollars(60));
    assert_eq!(spend(&rule, &mut book, quiet).since, Some(Minute::of(at(12, 0) + Duration::minutes(210))));
}

#[test]
fn a_point_that_comes_hours_late_still_counts() {
    let rule = rule(Period::Day, 1440);
    let mut book = known(&rule, 4, Usd::from_dollars(60));
    let before = spend(&rule, &mut book, [cents(300); 240]).amount;
    post(&mut book, at(12, 30), Usd::from_dollars(7));
    assert_eq!(
        book.incident(&rule, Minute::of(at(15, 59))).amount,
        (before + Usd::from_dollars(7)).min(rule.slack)
    );
}

#[test]
fn an_incident_is_remembered_longer_than_the_minutes_are() {
    let rule = rule(Period::Month, 43_200);
    let mut book = known(&rule, 4, Usd::from_dollars(60));
    // Ten hours of 53 cents a minute above the band.
    let incident = spend(&rule, &mut book, [cents(193); 600]);
    assert_eq!(incident.since, Some(Minute::of(at(12, 0))));
    assert_eq!(incident.amount, cents(600 * 53) - Usd::from_picos(600 * 125_000_000_000));
}

#[test]
fn within_a_week_of_the_first_use_a_multiple_of_the_even_share_is_tolerated_and_nothing_paid_back() {
    for (period, amount, times) in
        [(Period::Day, 1440, 3), (Period::Week, 10_080, 6), (Period::Month, 43_200, 6)]
    {
        let rule = rule(period, amount);
        let mut new = known(&rule, 0, Usd::ZERO);
        // The census has written zeros for the weeks before it existed.
        for back in (7..=672).rev() {
            new.profile.record(Hour::of(at(0, 0)).plus(-back), Usd::ZERO, 0);
        }
        for back in (1..7).rev() {
            new.profile.record(Hour::of(at(0, 0)).plus(-back), Usd::from_dollars(60), 0);
        }
        new.shape = WeekShape::of(&new.profile, Hour::of(at(0, 0)));
        let tolerated = new.tolerated(&rule, Hour::of(at(12, 0)));
        assert_eq!(tolerated.upper, Usd::from_dollars(60 * times), "{period:?}");
        assert_eq!((tolerated.usual, tolerated.refunded_below), (tolerated.upper, Usd::ZERO));
        assert_eq!(spend(&rule, &mut new, [Usd::from_dollars(times); 60]).amount, Usd::ZERO);
        assert!(!known(&rule, 1, Usd::from_dollars(60)).is_learning(Hour::of(at(0, 0))));
        assert!(new.is_learning(Hour::of(at(0, 0))));
    }
}

proptest! {
    /// Whoever pulses as he likes spends above the band at most the slack, what has drained, and what he did not spend
    /// below the median, until somebody acts.
    #[test]
    fn nobody_spends_more_above_the_band_than_slack_and_drain_without_using_it_up(
        amounts in prop::collection::vec(0_i64..2000, 1..900),
    ) {
        let rule = rule(Period::Day, 1440);
        let mut book = known(&rule, 4, Usd::from_dollars(60));
        let (mut above, mut below, mut minutes) = (Usd::ZERO, Usd::ZERO, 0_i128);
        let mut minute = Minute::of(at(0, 0));
        for amount in amounts {
            let amount = cents(amount / 4);
            book.post(minute, &Entry::exact(amount));
            book.close_incident(&rule, minute);
            let incident = book.incident(&rule, minute);
            prop_assert!(incident.amount <= rule.slack);
            if incident.amount == rule.slack {
                break;
            }
            above += (amount - cents(140)).at_least_zero();
            below += (cents(100) - amount).at_least_zero();
            minutes += 1;
            minute = minute.plus(1);
        }
        let drained = Usd::from_picos(125_000_000_000) * minutes;
        prop_assert!(above <= rule.slack + drained + below, "{above} {below} {minutes}");
    }
}
