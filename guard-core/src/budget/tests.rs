//! Budgets and their periods, over the clock changes that have caught others.

use chrono::TimeDelta;
use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;

use super::*;
use crate::inventory::AccountLimits;
use crate::name::FunctionName;
use crate::policy::Tags;
use crate::time::timezone;

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn assert_period(period: Period, zone: &str, at: &str, start: &str, end: &str) {
    let found = period_of(period, timezone(zone).unwrap(), utc(at));
    assert_eq!(found, (utc(start), utc(end)), "{period:?} in {zone} at {at}");
}

#[test]
fn periods_in_utc_are_those_of_the_calendar() {
    use Period::{Day, Hour, Month, Week};
    assert_period(Hour, "UTC", "2026-11-23T10:59", "2026-11-23T10:00", "2026-11-23T11:00");
    assert_period(Hour, "UTC", "2026-11-23T10:00", "2026-11-23T10:00", "2026-11-23T11:00");
    assert_period(Day, "UTC", "2026-11-23T00:00", "2026-11-23T00:00", "2026-11-24T00:00");
    assert_period(Week, "UTC", "2026-11-22T23:59", "2026-11-16T00:00", "2026-11-23T00:00");
    assert_period(Week, "UTC", "2026-11-23T00:00", "2026-11-23T00:00", "2026-11-30T00:00");
    assert_period(Week, "UTC", "2027-01-01T00:00", "2026-12-28T00:00", "2027-01-04T00:00");
    assert_period(Month, "UTC", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00");
    assert_period(Month, "UTC", "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00");
}

#[test]
fn a_day_has_23_hours_in_spring_and_25_in_autumn() {
    use Period::{Day, Month};
    assert_period(Day, "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00");
    assert_period(Day, "Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00");
    assert_period(Month, "Europe/Berlin", "2026-10-05T12:00", "2026-09-30T22:00", "2026-10-31T23:00");
}

#[test]
fn a_day_whose_midnight_does_not_exist_begins_after_the_gap() {
    use Period::{Day, Month, Week};
    // Clocks went from 00:00 to 01:00.
    assert_period(Day, "America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T03:00", "2018-11-05T02:00");
    assert_period(Day, "America/Sao_Paulo", "2018-11-04T02:59", "2018-11-03T03:00", "2018-11-04T03:00");
    assert_period(Day, "Africa/Cairo", "2023-04-28T12:00", "2023-04-27T22:00", "2023-04-28T21:00");
    // A whole day was left out when Samoa crossed the date line: 29 December 2011 is followed by the 31st.
    assert_period(Day, "Pacific/Apia", "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00");
    assert_period(Day, "Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00");
    assert_period(Week, "Pacific/Apia", "2011-12-30T10:00", "2011-12-26T10:00", "2012-01-01T10:00");
    assert_period(Month, "Pacific/Apia", "2011-12-30T10:00", "2011-12-01T10:00", "2011-12-31T10:00");
}

#[test]
fn a_day_with_two_midnights_begins_at_the_first() {
    use Period::Day;
    // Havana: from 01:00 back to 00:00 on 1 November 2026.
    assert_period(Day, "America/Havana", "2026-11-01T05:30", "2026-11-01T04:00", "2026-11-02T05:00");
    assert_period(Day, "America/Havana", "2026-11-01T04:00", "2026-11-01T04:00", "2026-11-02T05:00");
    // Sao Paulo: from 00:00 back to 23:00: the hour before midnight came twice, and belongs to the old day.
    assert_period(Day, "America/Sao_Paulo", "2018-02-18T02:30", "2018-02-17T02:00", "2018-02-18T03:00");
    // St. John's: from 00:01 back to 23:01 the day before. The new day has begun and does not end again.
    assert_period(Day, "America/St_Johns", "2010-11-07T03:00", "2010-11-07T02:30", "2010-11-08T03:30");
    assert_period(Day, "America/St_Johns", "2010-11-07T02:30", "2010-11-07T02:30", "2010-11-08T03:30");
    assert_period(Day, "America/St_Johns", "2010-11-07T02:29", "2010-11-06T02:30", "2010-11-07T02:30");
}

#[test]
fn hours_begin_at_the_full_local_hour_whatever_the_offset() {
    use Period::Hour;
    assert_period(Hour, "Asia/Kolkata", "2026-11-23T10:29", "2026-11-23T09:30", "2026-11-23T10:30");
    assert_period(Hour, "Asia/Kathmandu", "2026-11-23T10:15", "2026-11-23T10:15", "2026-11-23T11:15");
    // The local hour that comes twice is two hours of time, and so two periods.
    assert_period(Hour, "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:00", "2026-10-25T01:00");
    assert_period(Hour, "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T01:00", "2026-10-25T02:00");
}

#[test]
fn hours_are_cut_where_the_clocks_move_by_half_an_hour() {
    use Period::Hour;
    // Lord Howe: 02:00 (+11) becomes 01:30 (+10:30) at 15:00 UTC on 4 April 2026.
    assert_period(Hour, "Australia/Lord_Howe", "2026-04-04T14:59", "2026-04-04T14:00", "2026-04-04T15:00");
    assert_period(Hour, "Australia/Lord_Howe", "2026-04-04T15:00", "2026-04-04T15:00", "2026-04-04T15:30");
    assert_period(Hour, "Australia/Lord_Howe", "2026-04-04T15:29", "2026-04-04T15:00", "2026-04-04T15:30");
    assert_period(Hour, "Australia/Lord_Howe", "2026-04-04T15:30", "2026-04-04T15:30", "2026-04-04T16:30");
    // 02:00 (+10:30) becomes 02:30 (+11) at 15:30 UTC on 3 October 2026.
    assert_period(Hour, "Australia/Lord_Howe", "2026-10-03T15:29", "2026-10-03T14:30", "2026-10-03T15:30");
    assert_period(Hour, "Australia/Lord_Howe", "2026-10-03T15:45", "2026-10-03T15:30", "2026-10-03T16:00");
    // Pyongyang gave up its half hour at 23:30 local, 15:00 UTC, on 4 May 2018: both hours are cut.
    assert_period(Hour, "Asia/Pyongyang", "2018-05-04T14:45", "2018-05-04T14:30", "2018-05-04T15:00");
    assert_period(Hour, "Asia/Pyongyang", "2018-05-04T15:00", "2018-05-04T15:00", "2018-05-04T16:00");
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for zone in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
        for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
            for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                let (start, end) = period_of(period, timezone(zone).unwrap(), at);
                assert!(start < end);
            }
        }
    }
    assert_eq!(
        period_of(Period::Month, Tz::UTC, DateTime::<Utc>::MAX_UTC),
        (utc("9999-12-01T00:00"), "+10000-01-01T00:00:00Z".parse().unwrap())
    );
    assert_eq!(period_of(Period::Hour, Tz::UTC, DateTime::<Utc>::MIN_UTC).0, utc("0001-01-01T00:00"));
}

fn inventory(region: &str, tags: &[(&str, &[(&str, &str)])]) -> Inventory {
    let functions = tags.iter().map(|(name, tags)| {
        let mut function = Function::new(*name, 128, 3);
        function.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        function
    });
    Inventory::new(region, AccountLimits::default(), functions.collect())
}

#[test]
fn rules_carry_what_the_policy_says_in_its_order() {
    let policy = Policy::from_toml(
        "[[budget]]\nname = \"z\"\nperiod = \"week\"\nusd = 7.5\nmode = \"stop\"\nscope.functions = \"a*\"\n\
         thresholds_percent = [80]\nslack = \"12h\"\nbelow_floor = \"stop\"\nallow_event_loss = true\n\
         at_rollover = \"hold\"\nenvelope = true\nguarantee = true\n\
         [[budget]]\nname = \"a\"\nperiod = \"day\"\ninvocations = 3",
    )
    .unwrap();
    let (rules, problems) = rules(&policy, &inventory("eu-central-1", &[]));
    assert!(problems.is_empty());
    let [first, second] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((first.name.as_str(), first.period, first.unit), ("z", Period::Week, Unit::Usd));
    assert_eq!(first.amount, Usd::from_picos(7_500_000_000_000));
    assert_eq!((first.mode, first.thresholds_percent.as_slice()), (Mode::Stop, [80].as_slice()));
    assert_eq!((first.slack, first.below_floor), ("0.535714285715".parse().unwrap(), BelowFloor::Stop));
    assert_eq!((first.allow_event_loss, first.at_rollover), (true, AtRollover::Hold));
    assert_eq!((first.envelope, first.guarantee), (true, true));
    assert!(first.matcher.matches(&Function::new("abc", 128, 3)));
    assert!(!first.matcher.matches(&Function::new("b", 128, 3)));
    assert_eq!((second.name.as_str(), second.unit), ("a", Unit::Invocations));
    assert_eq!(second.amount, Usd::from_dollars(3), "one invocation is one whole unit");
    assert_eq!((second.allow_event_loss, second.envelope, second.guarantee), (false, false, false));
    assert!(second.matcher.is_everything());
    let at = utc("2026-11-23T10:00");
    assert_eq!(second.period_at(Tz::UTC, at), (utc("2026-11-23T00:00"), utc("2026-11-24T00:00")));
}

#[test]
fn a_tag_makes_a_budget_of_one_function_that_alerts_unless_it_says_more() {
    let inventory = inventory(
        "eu-central-1",
        &[
            ("b", &[("dow-guard:monthly-usd", "5"), ("dow-guard:mode", "cap")]),
            ("a", &[("dow-guard:monthly-usd", "7")]),
            ("c", &[("dow-guard:mode", "cap")]),
            ("d", &[("dow-guard:monthly-usd", "lots")]),
        ],
    );
    let policy =
        Policy { budget: vec![Budget::per_month("account", Usd::from_dollars(1))], ..Policy::default() };
    let unasked = rules(&policy, &inventory).0;
    assert_eq!(unasked[2].mode, Mode::Alert, "the policy lets tags do no more");
    let policy = Policy { tags: Tags { mode: Mode::Cap, ..Tags::default() }, ..policy };
    let (rules, problems) = rules(&policy, &inventory);
    let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["account", "tag:a", "tag:b"]);
    assert_eq!(
        (rules[1].amount, rules[1].mode, rules[1].period),
        (Usd::from_dollars(7), Mode::Alert, Period::Month)
    );
    assert_eq!((rules[2].amount, rules[2].mode), (Usd::from_dollars(5), Mode::Cap));
    assert_eq!(rules[1].thresholds_percent, [50, 75, 90, 100]);
    assert!(rules[1].matcher.matches(&Function::new("a", 128, 3)));
    assert!(!rules[1].matcher.matches(&Function::new("b", 128, 3)));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].function, Some(FunctionName::from("d")));
}

#[test]
fn money_is_yuan_in_the_chinese_regions_and_a_count_is_a_count_everywhere() {
    let mut counted = Budget::per_month("count", Usd::ZERO);
    (counted.usd, counted.invocations) = (None, Some(1));
    let policy = Policy {
        budget: vec![Budget::per_month("money", Usd::from_dollars(1)), counted],
        ..Policy::default()
    };
    let inventory = inventory("cn-north-1", &[("f", &[("dow-guard:monthly-usd", "5")])]);
    let units: Vec<_> = rules(&policy, &inventory).0.iter().map(|rule| rule.unit).collect();
    assert_eq!(units, [Unit::Cny, Unit::Invocations, Unit::Cny]);
}

#[test]
fn a_budget_without_an_amount_has_the_amount_zero() {
    let mut none = Budget::per_month("none", Usd::ZERO);
    none.usd = None;
    let policy = Policy { budget: vec![none], ..Policy::default() };
    let (rules, _) = rules(&policy, &inventory("eu-central-1", &[]));
    assert_eq!((rules[0].amount, rules[0].unit), (Usd::ZERO, Unit::Usd));
}

proptest! {
    #[test]
    fn periods_hold_their_instant_and_tile_time(
        zone in prop::sample::select(TZ_VARIANTS.as_slice()),
        period in prop::sample::select(vec![Period::Hour, Period::Day, Period::Week, Period::Month]),
        second in -3_000_000_000_i64..4_200_000_000,
        per_mille in 0_i32..1000,
    ) {
        let at = DateTime::from_timestamp(second, 999_999_999).unwrap();
        let (start, end) = period_of(period, zone, at);
        prop_assert!(start <= at && at < end, "{start} {at} {end}");
        let inside = start + (end - start) / 1000 * per_mille;
        prop_assert_eq!(period_of(period, zone, inside), (start, end), "stable within");
        prop_assert_eq!(period_of(period, zone, end).0, end, "no gap after");
        prop_assert_eq!(period_of(period, zone, start - TimeDelta::nanoseconds(1)).1, start, "no gap before");
    }
}

#[test]
fn the_even_share_is_by_the_hour_of_the_period() {
    let budget = vec![Budget::per_month("all", Usd::from_dollars(5040))];
    let policy = Policy { budget, ..Policy::default() };
    let mut rule = rules(&policy, &inventory("us-east-1", &[])).0.remove(0);
    let mut share = |period| {
        rule.period = period;
        rule.even_share_per_hour()
    };
    assert_eq!(share(Period::Hour), Usd::from_dollars(5040));
    assert_eq!(share(Period::Day), Usd::from_dollars(210));
    assert_eq!(share(Period::Week), Usd::from_dollars(30));
    assert_eq!(share(Period::Month), Usd::from_dollars(7));
    assert!(!rule.counts_invocations());
    rule.unit = Unit::Invocations;
    assert!(rule.counts_invocations());
}

/// The slack of a budget a day of an amount, as it is set.
fn slack_of(amount: &str, set: &str) -> Usd {
    let text = format!("[[budget]]\nname = \"a\"\nperiod = \"day\"\n{amount}\n{set}");
    let policy = Policy::from_toml(&text).unwrap();
    let inventory = Inventory::new("us-east-1", AccountLimits::default(), Vec::new());
    let rule = rules(&policy, &inventory).0.remove(0);
    let times = if set.is_empty() { 3 } else { 1 };
    assert_eq!(rule.learning_slack, (rule.slack * times).min(rule.amount), "while less than a week is known");
    rule.slack
}

#[test]
fn a_slack_that_nobody_set_is_worth_five_cents_at_least_and_never_more_than_the_budget() {
    let usd = |text: &str| text.parse::<Usd>().unwrap();
    assert_eq!(slack_of("usd = 8", ""), usd("1"));
    assert_eq!(slack_of("usd = \"0.24\"", ""), usd("0.05"));
    assert_eq!(slack_of("usd = \"0.04\"", ""), usd("0.04"), "such a budget acts at its line");
    assert_eq!(slack_of("usd = \"0.24\"", "slack = \"3h\""), usd("0.03"), "what is set is kept");
    assert_eq!(slack_of("invocations = 80", ""), usd("10"), "invocations have no cents");
    assert_eq!(slack_of("invocations = 1", ""), usd("0.125"));
}
