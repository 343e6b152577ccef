//! Projections worked out by hand, and windows that fire at their factor and not one pico below.

use chrono::Duration;
use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::inventory::{AccountLimits, Inventory};
use crate::policy::{Budget, Period, Policy};

/// Monday 23 November 2026 at a time of day.
fn time(hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, second).unwrap()
}

fn dollars(dollars: i64) -> Usd {
    Usd::from_dollars(dollars)
}

fn cents(cents: i64) -> Usd {
    Usd::from_picos(i128::from(cents) * 10_000_000_000)
}

fn rule(period: Period, amount: Usd) -> BudgetRule {
    let budget = vec![Budget { period, ..Budget::per_month("all", amount) }];
    let policy = Policy { budget, ..Policy::default() };
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), vec![]);
    crate::budget::rules(&policy, &inventory).0.remove(0)
}

fn book(rule: &BudgetRule, at: DateTime<Utc>) -> BudgetLedger {
    let (start, end) = rule.period_at(chrono_tz::UTC, at);
    BudgetLedger::new(start, end)
}

/// Posts an amount to a minute.
fn post(book: &mut BudgetLedger, at: DateTime<Utc>, amount: Usd) {
    book.post(Minute::of(at), &crate::ledger::Entry::exact(amount));
}

fn moment(at: DateTime<Utc>) -> Moment {
    let settled = Minute::of(at - Duration::seconds(180)).plus(-1);
    Moment { at, settled, seen_until: settled }
}

fn look(rule: &BudgetRule, book: &BudgetLedger, at: DateTime<Utc>) -> Outlook {
    outlook(rule, book, &Hidden::default(), UsdRange::ZERO, moment(at), &Timing::default())
}

/// Four weeks in which each hour spent what the function says.
fn history(book: &mut BudgetLedger, until: DateTime<Utc>, amount: impl Fn(Hour) -> Usd) {
    let last = Hour::of(until);
    for back in (1..=672).rev() {
        let hour = last.plus(-back);
        book.profile.record(hour, amount(hour), 0);
    }
    book.shape = crate::ledger::WeekShape::of(&book.profile, last);
    book.ordinary_of_period = book.sum_ordinary();
}

#[test]
fn what_is_unseen_goes_on_at_the_last_rate_less_what_partial_minutes_show() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(10, 30, 0));
    // At 10:30:00 minutes up to 10:26 are settled: 180 s are unseen.
    post(&mut book, time(10, 26, 0), dollars(1));
    let outlook = look(&rule, &book, time(10, 30, 0));
    assert_eq!(outlook.spent, UsdRange::exact(dollars(1)));
    assert_eq!(outlook.burn_per_hour, dollars(12));
    // The last minute's rate of $60/h is higher than the mean of five.
    assert_eq!(outlook.unseen.low, Usd::ZERO);
    assert_eq!(outlook.unseen.expected, dollars(3));
    assert_eq!(outlook.unseen.high, dollars(6));
    assert!(outlook.unseen.causes.contains(Cause::UnseenMinutes));
    assert_eq!(outlook.line().expected, dollars(4));
    // Partial minutes have shown some of it: within the unseen time, this minute included.
    post(&mut book, time(10, 27, 0), cents(50));
    post(&mut book, time(10, 30, 0), cents(25));
    let outlook = look(&rule, &book, time(10, 30, 0));
    assert_eq!(outlook.unseen.expected, cents(225));
    assert_eq!(outlook.unseen.high, cents(525));
    // More than expected has been shown: nothing is left unseen.
    post(&mut book, time(10, 28, 0), dollars(9));
    assert_eq!(look(&rule, &book, time(10, 30, 0)).unseen.expected, Usd::ZERO);
    assert_eq!(look(&rule, &book, time(10, 30, 0)).unseen.high, dollars(3));
}

#[test]
fn what_is_unseen_goes_on_at_the_mean_where_that_is_higher() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(10, 30, 0));
    post(&mut book, time(10, 22, 0), dollars(5));
    post(&mut book, time(10, 21, 0), dollars(500));
    // $5 in five minutes are $60/h; at 10:30:36 216 s are unseen.
    let outlook = look(&rule, &book, time(10, 30, 36));
    assert_eq!(outlook.burn_per_hour, dollars(60));
    assert_eq!(outlook.unseen.expected, cents(360));
}

#[test]
fn a_blind_guard_extrapolates_from_the_last_minute_it_knows() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(10, 30, 0));
    post(&mut book, time(9, 59, 0), dollars(1));
    let blind = Moment { seen_until: Minute::of(time(9, 59, 0)), ..moment(time(10, 30, 0)) };
    let outlook = outlook(&rule, &book, &Hidden::default(), UsdRange::ZERO, blind, &Timing::default());
    assert_eq!(outlook.unseen.expected, dollars(30));
    assert_eq!(outlook.burn_per_hour, dollars(12));
}

#[test]
fn the_line_is_spent_unseen_in_flight_and_committed() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(10, 30, 0));
    post(&mut book, time(10, 0, 0), dollars(10));
    let range =
        |low, expected, high| UsdRange::new(dollars(low), dollars(expected), dollars(high), Causes::NONE);
    let hidden = Hidden { in_flight: range(0, 2, 3), committed: range(1, 4, 5), ..Hidden::default() };
    let deferred = UsdRange::new(Usd::ZERO, Usd::ZERO, dollars(100), Causes::of(Cause::DeferredBacklog));
    let at = time(10, 30, 0);
    let outlook = outlook(&rule, &book, &hidden, deferred, moment(at), &Timing::default());
    assert_eq!(outlook.unseen, hidden.in_flight.because(Cause::UnseenMinutes));
    assert_eq!(outlook.committed, hidden.committed);
    assert_eq!(outlook.deferred, deferred);
    let line = outlook.line();
    assert_eq!([line.low, line.expected, line.high], [dollars(11), dollars(16), dollars(18)]);
    // The even share of $100/h for 13.5 h comes on top; the backlog only at the upper end.
    assert_eq!(outlook.if_sustained.expected, dollars(16 + 1350));
    assert_eq!(outlook.if_sustained.low, dollars(11 + 1350));
    assert_eq!(outlook.if_sustained.high, dollars(16 + 1350 + 2 + 100));
    assert_eq!(outlook.ordinary_to_come, dollars(1350));
    assert!(outlook.if_sustained.causes.contains(Cause::DeferredBacklog));
    assert!(outlook.if_sustained.causes.contains(Cause::ShortHistory));
    assert_eq!(outlook.ordinary_per_hour, None);
}

#[test]
fn retries_to_come_burn_on_top_of_the_moment_in_both_projections_and_not_in_what_is_spent() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(20, 0, 0));
    history(&mut book, time(20, 0, 0), |_| dollars(10));
    let at = time(20, 0, 0);
    let look = |retries_per_hour| {
        let hidden = Hidden { retries_per_hour, ..Hidden::default() };
        outlook(&rule, &book, &hidden, UsdRange::ZERO, moment(at), &Timing::default())
    };
    let (without, with) = (look(Usd::ZERO), look(dollars(30)));
    assert_eq!((with.line(), with.burn_per_hour), (without.line(), without.burn_per_hour));
    // $10 an hour of the $30 are what is ordinary and does not run now; four hours are left.
    assert_eq!(with.if_sustained.expected - without.if_sustained.expected, dollars(4 * 20));
    assert!(with.if_it_stops.expected > without.if_it_stops.expected);
}

#[test]
fn the_excess_lasts_or_decays() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(20, 0, 0));
    // $160/h over five minutes, $60/h above the even share.
    for minute in 52..=56 {
        post(&mut book, time(19, minute, 0), dollars(160).mul_div_up(1, 60));
    }
    let outlook = look(&rule, &book, time(20, 0, 0));
    let burn = outlook.burn_per_hour;
    assert_eq!(burn, dollars(160).mul_div_up(1, 60) * 60);
    let excess = burn - dollars(100);
    let line = outlook.line().expected;
    assert_eq!(outlook.if_sustained.expected, line + dollars(400) + excess * 4);
    // Half-life 30 min: 0.721348 of it in the first half-hour, half of that in the next, and so on, eight times.
    let for_ever = 2 * 1800 * 721_348_i128;
    let area = for_ever - for_ever / 256;
    let tail = (outlook.if_it_stops.expected - line - dollars(400)).picos();
    let wanted = excess.mul_div_up(area, 3600 * i128::from(PPM)).picos();
    assert!((tail - wanted).abs() <= 4, "{tail} {wanted}");
    assert_eq!(outlook.if_sustained.low, outlook.if_it_stops.expected - (line - outlook.line().low));
    assert!(outlook.if_sustained.causes.contains(Cause::AttackMayStop));
    assert!(!outlook.if_it_stops.causes.contains(Cause::AttackMayStop));
    assert!(outlook.if_it_stops.causes.contains(Cause::UnseenMinutes));
}

#[test]
fn the_moment_of_exhaustion_lies_within_its_hour() {
    let rule = rule(Period::Day, dollars(240));
    let mut book = book(&rule, time(20, 30, 0));
    // $10/h are the even share. $225 are spent: the missing $15 take an hour and a half.
    post(&mut book, time(10, 0, 0), dollars(225));
    let outlook = look(&rule, &book, time(20, 30, 0));
    assert_eq!(outlook.exhausted_if_sustained, Some(time(22, 0, 0)));
    assert_eq!(outlook.exhausted_if_it_stops, Some(time(22, 0, 0)));
    post(&mut book, time(10, 0, 0), dollars(9));
    assert_eq!(look(&rule, &book, time(20, 30, 0)).exhausted_if_sustained, Some(time(21, 6, 0)));
    post(&mut book, time(10, 0, 0), dollars(1));
    assert_eq!(look(&rule, &book, time(20, 30, 0)).exhausted_if_sustained, Some(time(21, 0, 0)));
    post(&mut book, time(10, 0, 0), dollars(5));
    assert_eq!(look(&rule, &book, time(20, 30, 0)).exhausted_if_sustained, Some(time(20, 30, 0)));
}

#[test]
fn a_budget_that_lasts_to_the_end_is_not_exhausted() {
    let rule = rule(Period::Day, dollars(240));
    let mut book = book(&rule, time(20, 0, 0));
    // $40 to come: exactly the amount is met at midnight, one pico less is not.
    post(&mut book, time(10, 0, 0), dollars(200));
    let end = Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap();
    assert_eq!(look(&rule, &book, time(20, 0, 0)).exhausted_if_sustained, Some(end));
    post(&mut book, time(10, 0, 0), Usd::from_picos(-1));
    assert_eq!(look(&rule, &book, time(20, 0, 0)).exhausted_if_sustained, None);
}

#[test]
fn a_sustained_excess_exhausts_before_a_decaying_one() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(20, 0, 0));
    for minute in 52..=56 {
        post(&mut book, time(19, minute, 0), dollars(10));
    }
    post(&mut book, time(10, 0, 0), dollars(1700));
    let outlook = look(&rule, &book, time(20, 0, 0));
    // $1,750 and $30 unseen; $600/h: the missing $620 are gone after 1 h 2 min.
    assert_eq!(outlook.exhausted_if_sustained, Some(time(21, 2, 0)));
    // $500/h above the even share decay to some $360 in all; with $100/h: after 2 h 38 min.
    let stops = outlook.exhausted_if_it_stops.unwrap();
    assert!(stops > time(22, 30, 0) && stops < time(22, 50, 0), "{stops}");
}

#[test]
fn what_an_answer_comes_too_late_for_is_tick_and_actuation() {
    let rule = rule(Period::Day, dollars(2400));
    let mut book = book(&rule, time(20, 0, 0));
    for minute in 52..=56 {
        post(&mut book, time(19, minute, 0), dollars(10));
    }
    // $600/h for 60 + 30 s.
    assert_eq!(look(&rule, &book, time(20, 0, 0)).until_effect(&Timing::default()), dollars(15));
}

#[test]
fn history_shapes_what_is_to_come_and_its_band() {
    let rule = rule(Period::Day, dollars(240));
    let mut book = book(&rule, time(20, 0, 0));
    history(&mut book, time(20, 0, 0), |hour| if hour.of_week() == 22 { dollars(20) } else { dollars(5) });
    let outlook = look(&rule, &book, time(20, 0, 0));
    assert_eq!(outlook.ordinary_per_hour, Some(dollars(5)));
    assert_eq!(outlook.ordinary_to_come, dollars(35));
    assert_eq!(outlook.if_sustained.expected, dollars(35));
    // Four agreeing samples: twice a fifth of the median on top of each hour, from the micro-dollar-plus-one.
    assert_eq!(outlook.if_sustained.high, dollars(35) + cents(1400));
    assert!(!outlook.if_sustained.causes.contains(Cause::ShortHistory));
}

#[test]
fn the_area_under_a_decay_is_summed_by_half_lives() {
    assert_eq!(decayed_ppm(0, 1800), 0);
    assert_eq!(decayed_ppm(-5, 1800), 0);
    assert_eq!(decayed_ppm(900, 1800), 900 * 721_348);
    assert_eq!(decayed_ppm(1800, 1800), 1800 * 721_348);
    assert_eq!(decayed_ppm(1801, 1800), 1800 * 721_348 + 360_674);
    assert_eq!(decayed_ppm(3600, 1800), 1800 * 721_348 + 1800 * 360_674);
    assert_eq!(decayed_ppm(5400, 1800), 1800 * 721_348 + 1800 * 360_674 + 1800 * 180_337);
    assert_eq!(decayed_ppm(10, 0), decayed_ppm(10, 1));
    // The whole area is h ÷ ln 2 = 1.442695 h.
    let whole = decayed_ppm(1800 * 200, 1800);
    assert!((whole - 1800 * 1_442_695).abs() < 1800 * 14_427, "{whole}");
    assert_eq!(whole, decayed_ppm(1800 * 64, 1800));
}

/// $0.05 a minute is the even share of $72 a day.
fn daily() -> BudgetRule {
    rule(Period::Day, dollars(72))
}

/// A book with so much in each of the latest minutes up to 19:56.
fn burnt(rule: &BudgetRule, minutes: i64, amount: Usd) -> BudgetLedger {
    let mut book = book(rule, time(20, 0, 0));
    for back in 0..minutes {
        post(&mut book, time(19, 56, 0) - Duration::minutes(back), amount);
    }
    book
}

fn pairs(rule: &BudgetRule, book: &BudgetLedger) -> Vec<(u32, u32, u64)> {
    let alerts = look(rule, book, time(20, 0, 0)).burning;
    alerts.iter().map(|alert| (alert.short_min, alert.long_min, alert.rate_per_mille)).collect()
}

#[test]
fn a_pair_of_windows_fires_at_its_factor_and_not_a_pico_below() {
    let rule = daily();
    // 14.4 times the share in both windows; at that rate the hour fills 2.4 of six hours' shares.
    let mut book = burnt(&rule, 60, cents(72));
    assert_eq!(pairs(&rule, &book), [(5, 60, 14_400)]);
    // Thousandths are rounded up: a whole thousandth of the hour's $3 is $0.003.
    post(&mut book, time(19, 0, 0), Usd::from_picos(-3_000_000_000));
    assert_eq!(pairs(&rule, &book), []);
    post(&mut book, time(19, 0, 0), Usd::from_picos(1));
    assert_eq!(pairs(&rule, &book), [(5, 60, 14_400)]);
}

#[test]
fn both_windows_are_needed() {
    let rule = daily();
    // The short one alone: 5 minutes at 20 times, 1.7 times over the hour.
    assert_eq!(pairs(&rule, &burnt(&rule, 5, dollars(1))), []);
    // The long one alone: an hour at 20 times that ended five minutes ago.
    let mut book = burnt(&rule, 60, dollars(1));
    for back in 0..5 {
        post(&mut book, time(19, 56, 0) - Duration::minutes(back), dollars(-1));
    }
    let fired = pairs(&rule, &book);
    assert!(fired.iter().all(|(short, _, _)| *short != 5), "{fired:?}");
}

#[test]
fn each_pair_has_its_windows_and_its_factor() {
    let rule = daily();
    // Six hours at six times: 30 min and 6 h fire; two hours against a day have 1.5 of 3.
    assert_eq!(pairs(&rule, &burnt(&rule, 360, cents(30))), [(30, 360, 6000)]);
    assert_eq!(pairs(&rule, &burnt(&rule, 360, Usd::from_picos(299_900_000_000))), []);
    // Twelve hours and more of hours: $216 in a day are three times the share of $72.
    let mut book = burnt(&rule, 360, cents(15));
    post(&mut book, time(4, 0, 0), dollars(216 - 54));
    assert_eq!(pairs(&rule, &book), [(120, 1440, 3000), (360, 4320, 1000)]);
    post(&mut book, time(4, 0, 0), cents(-25));
    assert_eq!(pairs(&rule, &book), []);
}

#[test]
fn the_share_follows_the_ordinary_shape() {
    // $9 from 8:00 to 16:00 on working days, nothing else: $360 a week.
    let office = |hour: Hour| {
        let (day, hour) = (hour.of_week() / 24, hour.of_week() % 24);
        if day < 5 && (8..16).contains(&hour) { dollars(9) } else { Usd::ZERO }
    };
    let rule = rule(Period::Week, dollars(360));
    let at = time(9, 30, 0);
    let mut book = book(&rule, at);
    history(&mut book, at, office);
    assert_eq!(book.ordinary_of_period, Some(dollars(360)));
    for back in 0..87 {
        post(&mut book, time(9, 26, 0) - Duration::minutes(back), cents(15));
    }
    // An ordinary Monday morning: 4.2 times the even share, once its own.
    assert_eq!(look(&rule, &book, at).burning, []);
    let burning = |factor: i64, at: DateTime<Utc>| {
        let mut book = book.clone();
        for back in 0..60 {
            post(&mut book, time(9, 26, 0) - Duration::minutes(back), cents(15 * (factor - 1)));
        }
        look(&rule, &book, at).burning
    };
    assert!(burning(14, at).iter().all(|alert| alert.short_min != 5));
    assert_eq!(burning(15, at)[0], BurnAlert { short_min: 5, long_min: 60, rate_per_mille: 15_000 });
}

#[test]
fn a_quiet_hour_may_use_a_tenth_of_the_even_share() {
    // Nothing ordinary at night: the share of five minutes of $168 a week is $0.0833, a tenth of it $0.00833.
    let rule = rule(Period::Week, dollars(168));
    let at = time(3, 30, 0);
    let mut book = book(&rule, at);
    history(&mut book, at, |hour| if hour.of_week() == 100 { dollars(168) } else { Usd::ZERO });
    let share =
        |minutes: i64| share_of(rule.amount, &book, Minute::of(at), minutes, 168 * 3600, Some(dollars(168)));
    assert_eq!(share(60), cents(10));
    assert_eq!(share(6), cents(1));
    // Friday 4:00 is hour 100: half of it is half of the ordinary of the week.
    let busy = Minute::of(time(0, 0, 0)).plus(100 * 60 + 29);
    assert_eq!(share_of(rule.amount, &book, busy, 60, 168 * 3600, Some(dollars(168))), dollars(84));
    assert_eq!(share_of(rule.amount, &book, busy, 60, 168 * 3600, None), dollars(1));
    assert_eq!(share_of(rule.amount, &book, busy, 60, 168 * 3600, Some(Usd::ZERO)), dollars(1));
}

#[test]
fn a_budget_of_a_million_million_burns_as_one_of_one_does() {
    for power in [0, 3, 6, 9, 12] {
        let one = dollars(1) * 10_i128.pow(power);
        let rule = rule(Period::Month, one * 1440);
        let at = time(20, 0, 0);
        let mut book = book(&rule, at);
        history(&mut book, at, |_| one);
        for back in 0..360 {
            post(&mut book, at - Duration::minutes(back), one.mul_div_up(40, 60));
        }
        let outlook = look(&rule, &book, at);
        assert_eq!(outlook.ordinary_per_hour.unwrap().per_mille_of(one), 1000, "10^{power}");
        // Forty times the ordinary, which is half of the budget, for six hours: twenty times the share of the windows up to
        // that long. In three days that is under a double share.
        let rates: Vec<u64> = outlook.burning.iter().map(|alert| alert.rate_per_mille).collect();
        assert_eq!(rates.first().map(|rate| rate / 100), Some(200), "10^{power}: {rates:?}");
        assert_eq!(rates.len(), 4, "10^{power}: {rates:?}");
    }
}

#[test]
fn windows_beyond_six_hours_count_whole_hours() {
    let rule = daily();
    let mut book = book(&rule, time(20, 0, 0));
    post(&mut book, time(13, 0, 0), dollars(1));
    let until = Minute::of(time(19, 0, 0));
    assert_eq!(window_sum(&book, until, 360), Usd::ZERO);
    assert_eq!(window_sum(&book, until, 361), Usd::ZERO);
    assert_eq!(window_sum(&book, until, 420), dollars(1));
    post(&mut book, time(13, 1, 0), dollars(1));
    assert_eq!(window_sum(&book, until, 360), dollars(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]
    #[test]
    fn projections_are_ordered_and_never_below_what_is_spent(
        posts in proptest::collection::vec((0_i64..600, 0_i128..5_000_000_000_000), 0..20),
        ordinary in proptest::option::of(0_i64..500),
        in_flight in 0_i128..3_000_000_000_000,
        second in 0_u32..60,
    ) {
        let rule = rule(Period::Day, dollars(100));
        let at = time(20, 0, second);
        let mut book = book(&rule, at);
        if let Some(amount) = ordinary {
            history(&mut book, at, |_| cents(amount));
        }
        for (back, amount) in posts {
            post(&mut book, at - Duration::minutes(back), Usd::from_picos(amount));
        }
        let high = Usd::from_picos(in_flight);
        let hidden = Hidden {
            in_flight: UsdRange::new(Usd::ZERO, Usd::ZERO, high, Causes::NONE),
            committed: UsdRange::ZERO,
            ..Hidden::default()
        };
        let outlook = outlook(&rule, &book, &hidden, UsdRange::ZERO, moment(at), &Timing::default());
        for range in [outlook.if_sustained, outlook.if_it_stops, outlook.unseen] {
            prop_assert!(range.low <= range.expected && range.expected <= range.high);
        }
        prop_assert!(outlook.if_it_stops.expected >= outlook.line().expected);
        prop_assert!(outlook.if_sustained.low >= outlook.spent.low);
        prop_assert!(outlook.if_sustained.expected >= outlook.if_it_stops.expected);
        prop_assert!(outlook.if_sustained.high >= outlook.if_it_stops.high);
        let exhausted = outlook.exhausted_if_sustained;
        prop_assert_eq!(exhausted.is_some(), outlook.if_sustained.expected >= rule.amount);
        if let Some(stops) = outlook.exhausted_if_it_stops {
            prop_assert!(exhausted.is_some_and(|lasts| lasts <= stops));
        }
    }
}
