mod teaching;

use proptest::prelude::*;

use super::*;

fn dollars(amount: &str) -> Usd {
    amount.parse().unwrap()
}

/// A profile of whole weeks in which every hour costs the same.
fn flat(weeks: i64, amount: &str) -> Profile {
    let mut profile = Profile::default();
    for hour in 0..168 * weeks {
        profile.record(Hour(hour), dollars(amount), 3);
    }
    profile.refresh();
    profile
}

#[test]
fn without_history_nothing_is_expected() {
    let profile = Profile::default();
    assert_eq!(profile.expect(Hour(5)), None);
    assert_eq!(profile.concurrency_p99(), None);
    assert_eq!(profile.hours(), 0);
    assert_eq!(profile.newest(), None);
}

#[test]
fn four_equal_weeks_expect_the_same_with_the_narrowest_band() {
    let expectation = flat(4, "10").expect(Hour(168 * 4)).unwrap();
    assert_eq!(expectation.expected, dollars("10"));
    // The spread is a fifth of the median at least: $2; two spreads with four samples.
    assert_eq!(expectation.upper, dollars("14"));
    assert_eq!(expectation.samples, 4);
}

#[test]
fn less_history_widens_the_band() {
    let upper = |weeks: i64| flat(weeks, "10").expect(Hour(168 * weeks)).unwrap().upper;
    // Three samples: 3 spreads of $2; two: 4 spreads; one week: the same hour of seven days, 3 spreads.
    assert_eq!(upper(3), dollars("16"));
    assert_eq!(upper(2), dollars("18"));
    assert_eq!(upper(1), dollars("16"));
}

#[test]
fn a_day_of_history_counts_all_its_hours_with_a_wide_band() {
    let mut profile = Profile::default();
    for hour in 0..24 {
        profile.record(Hour(hour), dollars("1"), 1);
    }
    let expectation = profile.expect(Hour(24)).unwrap();
    assert_eq!((expectation.expected, expectation.upper), (dollars("1"), dollars("1.8")));
    assert_eq!(expectation.samples, 24);
}

#[test]
fn an_attack_in_the_first_day_of_a_function_is_not_taken_for_ordinary() {
    let mut profile = Profile::default();
    for hour in 0..23 {
        profile.record(Hour(hour), dollars("90"), 1000);
    }
    profile.refresh();
    assert_eq!((profile.expect(Hour(23)), profile.concurrency_p99()), (None, None));
    profile.record(Hour(23), dollars("90"), 1000);
    assert!(profile.expect(Hour(24)).is_some());
}

#[test]
fn two_days_of_history_expect_the_same_hour_of_the_other_day() {
    let mut profile = Profile::default();
    for hour in 0..48 {
        profile.record(Hour(hour), dollars(if hour % 24 == 9 { "1.5" } else { "1" }), 1);
    }
    let at_nine = profile.expect(Hour(48 + 9)).unwrap();
    assert_eq!((at_nine.expected, at_nine.samples), (dollars("1.5"), 2));
    // Two samples of other days: 6 spreads of a fifth.
    assert_eq!(at_nine.upper, dollars("3.3"));
    assert_eq!(profile.expect(Hour(48 + 10)).unwrap().expected, dollars("1"));
}

#[test]
fn the_hour_of_the_week_is_told_apart() {
    let mut profile = Profile::default();
    for hour in 0..168 * 4 {
        let amount = if hour % 168 == 10 { "90" } else { "1" };
        profile.record(Hour(hour), dollars(amount), 1);
    }
    assert_eq!(profile.expect(Hour(168 * 4 + 10)).unwrap().expected, dollars("90"));
    assert_eq!(profile.expect(Hour(168 * 4 + 34)).unwrap().expected, dollars("1"));
}

#[test]
fn one_wild_week_does_not_move_the_median() {
    let mut profile = flat(4, "10");
    for hour in 168 * 3..168 * 4 {
        profile.record(Hour(hour), dollars("4000"), 900);
    }
    assert_eq!(profile.expect(Hour(168 * 4)).unwrap().expected, dollars("10"));
}

#[test]
fn the_spread_of_the_samples_widens_the_band() {
    let mut profile = Profile::default();
    for week in 0..4_i64 {
        for hour in 0..168 {
            let amount = ["10", "14", "18", "22"][usize::try_from(week).unwrap()];
            profile.record(Hour(week * 168 + hour), dollars(amount), 1);
        }
    }
    let expectation = profile.expect(Hour(168 * 4)).unwrap();
    // Upper median 18; deviations 8, 4, 0, 4, upper median 4; × 1.4826 × 2.
    assert_eq!(expectation.expected, dollars("18"));
    assert_eq!(expectation.upper, dollars("29.8608"));
}

#[test]
fn the_newest_four_weeks_replace_older_ones() {
    let mut profile = flat(4, "10");
    for hour in 168 * 4..168 * 8 {
        profile.record(Hour(hour), dollars("20"), 7);
        profile.refresh();
    }
    assert_eq!(profile.hours(), 672);
    assert_eq!(profile.expect(Hour(168 * 8)).unwrap().expected, dollars("20"));
    assert_eq!(profile.concurrency_p99(), Some(7));
    profile.record(Hour(168 * 4 - 1), dollars("4000"), 900);
    assert_eq!(profile.expect(Hour(168 * 8 - 1)).unwrap().expected, dollars("20"), "too old to count");
}

#[test]
fn a_gap_leaves_no_stale_hours_behind() {
    let mut profile = flat(4, "10");
    profile.record(Hour(168 * 4 + 400), dollars("10"), 3);
    assert_eq!(profile.hours(), 672 - 400);
    profile.record(Hour(168 * 40), dollars("10"), 3);
    assert_eq!(profile.hours(), 1);
}

#[test]
fn an_hour_of_a_breach_is_spend_and_no_history() {
    let mut profile = flat(1, "10");
    profile.breach(Hour(168), Hour(169));
    for hour in 168..171 {
        profile.record(Hour(hour), dollars("10"), 3);
    }
    assert_eq!((profile.hours(), profile.newest()), (169, Some(Hour(170))));
    assert_eq!([168, 169, 170].map(|hour| profile.is_excluded(Hour(hour))), [true, true, false]);
    assert_eq!(profile.amount(Hour(170)), Some(dollars("10")));
    let mut unknown = Profile::default();
    unknown.breach(Hour(0), Hour(0));
    unknown.record(Hour(0), dollars("10"), 3);
    assert_eq!((unknown.hours(), unknown.newest(), unknown.is_new()), (0, Some(Hour(0)), false));
}

#[test]
fn a_breach_that_goes_on_is_one_and_another_begins_anew() {
    let mut profile = flat(1, "10");
    profile.breach(Hour(168), Hour(168));
    profile.breach(Hour(215), Hour(216));
    profile.breach(Hour(169), Hour(170));
    assert_eq!(profile.breach, Some(Breach { first: Hour(168), last: Hour(216) }));
    profile.breach(Hour(265), Hour(265));
    assert_eq!(profile.breach, Some(Breach { first: Hour(265), last: Hour(265) }));
}

#[test]
fn recording_an_hour_twice_replaces_it_and_adding_sums_up() {
    let mut profile = Profile::default();
    profile.record(Hour(3), dollars("1"), 1);
    profile.record(Hour(3), dollars("2"), 1);
    assert_eq!((profile.amount(Hour(3)), profile.hours()), (Some(dollars("2")), 1));
    profile.add(Hour(3), dollars("0.5"));
    profile.add(Hour(4), dollars("7"));
    assert_eq!(profile.amount(Hour(3)), Some(dollars("2.5")));
    assert_eq!(profile.amount(Hour(4)), Some(dollars("7")));
    assert_eq!(profile.amount(Hour(5)), None);
}

#[test]
fn p99_ignores_one_peak_in_a_hundred_hours_and_not_two() {
    let mut profile = Profile::default();
    for hour in 0..100 {
        profile.record(Hour(hour), dollars("1"), if hour == 50 { 900 } else { 4 });
    }
    profile.refresh();
    assert_eq!(profile.concurrency_p99(), Some(4));
    let mut profile = Profile::default();
    for hour in 0..100 {
        profile.record(Hour(hour), dollars("1"), if hour == 50 || hour == 51 { 800 } else { 4 });
    }
    profile.refresh();
    assert_eq!(profile.concurrency_p99(), Some(800));
}

#[test]
fn an_hour_of_a_million_million_is_kept_and_less_than_nothing_is_nothing() {
    let mut profile = Profile::default();
    for hour in -23..=0 {
        profile.record(Hour(hour), dollars("1000000000000"), 100_000);
    }
    profile.refresh();
    let kept = profile.amount(Hour(0)).unwrap();
    assert!(dollars("999999970000") < kept && kept <= dollars("1000000000000"), "{kept}");
    assert_eq!(profile.concurrency_p99(), Some(65_535));
    profile.record(Hour(1), dollars("-5"), 0);
    assert_eq!(profile.amount(Hour(1)), Some(Usd::ZERO));
}

#[test]
fn what_is_ordinary_scales_from_one_to_a_million_million() {
    for power in [0, 3, 6, 9, 12] {
        let one = Usd::from_dollars(1) * 10_i128.pow(power);
        let mut profile = Profile::default();
        for hour in 0..168 * 4 {
            profile.record(Hour(hour), one, 1);
        }
        let expectation = profile.expect(Hour(168 * 4)).unwrap();
        let parts = |amount: Usd| amount.per_mille_of(one);
        assert_eq!((parts(expectation.expected), parts(expectation.upper)), (1000, 1400), "10^{power}");
    }
}

#[test]
fn a_profile_of_the_first_format_is_read_to_the_micro_dollar() {
    let mut profile = Profile::default();
    profile.record(Hour(0), dollars("50"), 1);
    profile.record(Hour(1), dollars("4000"), 1);
    let text = serde_json::to_value(&profile).unwrap();
    let row = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        text["amounts"].as_str().unwrap(),
    )
    .unwrap();
    // Micro-dollars + 1, seven bits to a byte: 50,000,001.
    assert!(row.starts_with(&[129, 225, 235, 23]), "as the first format wrote it: {row:?}");
    assert_eq!(serde_json::from_value::<Profile>(text).unwrap(), profile);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 10))]
    #[test]
    fn the_band_never_lies_below_the_expectation(amounts in proptest::collection::vec(0_i64..5_000_000, 1..900), at in 0_i64..2000) {
        let mut profile = Profile::default();
        for (hour, micros) in amounts.iter().enumerate() {
            profile.record(Hour(i64::try_from(hour).unwrap()), Usd::from_picos(i128::from(*micros) * 1_000_000), 1);
        }
        prop_assert_eq!(profile.hours(), u32::try_from(amounts.len().min(672)).unwrap());
        let Some(expectation) = profile.expect(Hour(at)) else {
            let counting = profile.amounts.iter().filter(|kept| kept.is_present() && kept.mark() != Mark::Above);
            prop_assert!(counting.count() < 24);
            return Ok(());
        };
        prop_assert!(expectation.expected <= expectation.upper);
        prop_assert!(expectation.expected >= Usd::ZERO);
        prop_assert!(expectation.samples >= 1);
    }
}

#[test]
fn the_hours_before_the_first_use_are_no_history_once_a_day_of_use_is_known() {
    let mut profile = Profile::default();
    for hour in 0..672 {
        let used = hour >= 672 - 48;
        profile.record(
            Hour(hour),
            if used { Usd::from_dollars(3) } else { Usd::ZERO },
            if used { 7 } else { 0 },
        );
    }
    profile.refresh();
    assert_eq!(profile.expect(Hour(672)).unwrap().expected, Usd::from_dollars(3));
    assert_eq!((profile.concurrency_p99(), profile.is_new()), (Some(7), false));
}

#[test]
fn what_was_idle_for_weeks_and_wakes_is_out_of_the_ordinary_for_a_day_and_unknown_for_another() {
    let mut profile = Profile::default();
    let wake = |hour: i64, profile: &mut Profile| {
        let used = hour >= 672;
        profile.record(Hour(hour), if used { dollars("3") } else { Usd::ZERO }, if used { 7 } else { 0 });
        profile.refresh();
    };
    (0..672 + 23).for_each(|hour| wake(hour, &mut profile));
    let woken = profile.expect(Hour(695)).unwrap();
    assert_eq!((woken.expected, woken.upper, profile.is_new()), (Usd::ZERO, Usd::ZERO, true));
    (695..672 + 47).for_each(|hour| wake(hour, &mut profile));
    assert!(!profile.is_new(), "now a day of use is known");
    assert_eq!((profile.expect(Hour(719)), profile.concurrency_p99()), (None, Some(0)));
    wake(719, &mut profile);
    assert_eq!(profile.expect(Hour(720)).unwrap().expected, dollars("3"));
    assert_eq!(profile.concurrency_p99(), Some(7));
}
