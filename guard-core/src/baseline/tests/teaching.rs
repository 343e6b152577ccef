//! What an hour above the ordinary teaches, and what lasts.

use super::*;

const WEEK: i64 = 168;

/// Hour by hour from one to another, with an amount in cents and a concurrency, as a census or the minutes settle them.
fn live(profile: &mut Profile, hours: std::ops::Range<i64>, of: impl Fn(i64) -> (i64, u32)) {
    for hour in hours {
        let (cents, concurrency) = of(hour);
        profile.record(Hour(hour), Usd::from_picos(i128::from(cents) * 10_000_000_000), concurrency);
        profile.refresh();
    }
}

/// Four weeks at 100 cents and a concurrency of 4.
fn ordinary() -> Profile {
    let mut profile = Profile::default();
    live(&mut profile, 0..4 * WEEK, |_| (100, 4));
    profile
}

fn cents(cents: i64) -> Usd {
    Usd::from_picos(i128::from(cents) * 10_000_000_000)
}

/// Cents that grow by so many millionths an hour from 100 on, for eight weeks.
fn growth(millionths: i64) -> Vec<i64> {
    let ppm = std::iter::successors(Some(100_000_000_i64), |level| Some(level * millionths / 1_000_000));
    ppm.map(|level| level / 1_000_000).take(8 * 168).collect()
}

fn is_above(profile: &Profile, hour: i64) -> bool {
    profile.amounts[Profile::slot(Hour(hour))].mark() == Mark::Above
}

#[test]
fn a_flood_of_hours_or_days_teaches_nothing_while_it_lasts_nor_in_the_week_after() {
    for flood_h in [1, 7, 12, 20, 66, 167] {
        let mut profile = ordinary();
        let begin = 4 * WEEK;
        for hour in begin..begin + WEEK {
            let is_flood = hour < begin + flood_h;
            live(&mut profile, hour..hour + 1, |_| if is_flood { (4800, 192) } else { (100, 4) });
            assert_eq!(profile.concurrency_p99(), Some(4), "{flood_h}: {hour}");
            let next = profile.expect(Hour(hour + 1)).unwrap();
            assert_eq!((next.expected, next.upper), (cents(100), cents(140)), "{flood_h}: {hour}");
            assert_eq!(is_above(&profile, hour), is_flood);
        }
    }
}

#[test]
fn a_breach_takes_away_all_that_led_to_it_for_good() {
    for census_is_late in [false, true] {
        let mut profile = ordinary();
        let (begin, line) = (4 * WEEK, 4 * WEEK + 66);
        let flood = |_| (4800, 192);
        let settled = if census_is_late { line - 24 } else { line };
        live(&mut profile, begin..settled, flood);
        profile.breach(Hour(line), Hour(line));
        profile.breach(Hour(line), Hour(line + 5));
        live(&mut profile, settled..line + 6, flood);
        for hour in line + 6..begin + 3 * WEEK {
            live(&mut profile, hour..hour + 1, |_| (100, 4));
            assert_eq!(profile.concurrency_p99(), Some(4), "{hour}");
            let upper = profile.expect(Hour(hour + 1)).unwrap().upper;
            assert!(upper <= cents(160), "{hour}: three weeks know the hour: {upper}");
        }
        assert!(profile.is_excluded(Hour(begin)));
        assert!(profile.amount(Hour(begin)).is_some(), "it is spend all the same");
    }
}

#[test]
fn a_launch_that_lasts_is_the_floor_s_after_a_week_and_ordinary_after_two() {
    let mut profile = ordinary();
    let begin = 4 * WEEK;
    live(&mut profile, begin..begin + WEEK, |_| (300, 12));
    assert_eq!(profile.concurrency_p99(), Some(4));
    // Seven hours of it are one in a hundred.
    live(&mut profile, begin + WEEK..begin + WEEK + 7, |_| (300, 12));
    assert_eq!(profile.concurrency_p99(), Some(8), "twice as much in a week");
    assert!(profile.expect(Hour(begin + WEEK + 7)).unwrap().upper < cents(300));
    live(&mut profile, begin + WEEK + 7..begin + 2 * WEEK, |_| (300, 12));
    let ordinary = profile.expect(Hour(begin + 2 * WEEK)).unwrap();
    assert_eq!((ordinary.expected, ordinary.upper), (cents(300), cents(600)));
    live(&mut profile, begin + 2 * WEEK..begin + 2 * WEEK + 7, |_| (300, 12));
    assert_eq!(profile.concurrency_p99(), Some(12));
    assert!(!is_above(&profile, begin + 2 * WEEK), "it is not provisional for ever");
}

#[test]
fn a_weekly_batch_is_ordinary_from_its_third_week_on() {
    for weeks_before in [0, 1, 2, 4, 7] {
        let mut profile = Profile::default();
        let first = weeks_before * WEEK + 30;
        let batch = |hour: i64| hour >= first && (hour - first) % WEEK < 3;
        for hour in 0..first + 6 * WEEK {
            let third = hour >= first + 2 * WEEK;
            if batch(hour) && third {
                let ordinary = profile.expect(Hour(hour)).unwrap();
                assert!(cents(3000) <= ordinary.upper, "{weeks_before}: {hour}: {ordinary:?}");
            }
            live(&mut profile, hour..hour + 1, |hour| if batch(hour) { (3000, 90) } else { (100, 4) });
            assert!(batch(hour) || !is_above(&profile, hour), "{weeks_before}: {hour}");
        }
    }
}

#[test]
fn a_daily_rhythm_and_a_daily_job_are_ordinary_after_two_weeks_at_the_latest() {
    let rhythm: fn(i64) -> (i64, u32) =
        |hour| [(20, 1), (60, 2), (200, 8), (120, 4)][usize::try_from(hour % 24 / 6).unwrap()];
    let job: fn(i64) -> (i64, u32) = |hour| if hour % 24 == 3 { (5000, 300) } else { (10, 1) };
    for load in [rhythm, job] {
        let mut profile = Profile::default();
        live(&mut profile, 0..4 * WEEK, load);
        let above: Vec<i64> = (0..4 * WEEK).filter(|hour| is_above(&profile, *hour)).collect();
        assert!(above.iter().all(|hour| *hour < 2 * WEEK), "{above:?}");
    }
}

#[test]
fn bursts_that_come_as_they_always_did_are_within_the_floor() {
    let mut profile = Profile::default();
    // Every 13th hour peaks at forty times the concurrency for some cents.
    let load = |hour: i64| if hour % 13 == 0 { (120, 160) } else { (100, 4) };
    live(&mut profile, 0..4 * WEEK, load);
    assert_eq!(profile.concurrency_p99(), Some(160));
    assert!((0..4 * WEEK).all(|hour| !is_above(&profile, hour)));
}

#[test]
fn concurrency_far_above_the_ordinary_raises_no_floor_at_once_whatever_it_costs() {
    let mut profile = ordinary();
    let begin = 4 * WEEK;
    live(&mut profile, begin..begin + WEEK, |_| (100, 1000));
    assert_eq!(profile.concurrency_p99(), Some(4));
    assert!(is_above(&profile, begin), "and it is provisional");
    let mut within = ordinary();
    live(&mut within, begin..begin + WEEK, |_| (100, 8));
    assert_eq!(within.concurrency_p99(), Some(4), "nor does twice the ordinary, which is not");
    assert!(!is_above(&within, begin));
}

#[test]
fn who_doubles_in_ten_days_is_above_the_ordinary_and_loses_all_of_it_at_the_breach() {
    let mut profile = ordinary();
    let begin = 4 * WEEK;
    // 2^(1/240) an hour.
    let levels = growth(1_002_893);
    let grown = |hour: i64| {
        let cents = levels[usize::try_from(hour - begin).unwrap()];
        (cents, u32::try_from((cents * 4 + 99) / 100).unwrap())
    };
    let end = begin + 3 * WEEK;
    live(&mut profile, begin..end, grown);
    let now = grown(end).0;
    assert!(now > 400 && profile.expect(Hour(end)).unwrap().upper < cents(now), "four times as much shows");
    assert!((begin + WEEK..end).all(|hour| is_above(&profile, hour)));
    profile.breach(Hour(end), Hour(end));
    profile.refresh();
    // What remains is the growth of the first week, of half.
    assert!(profile.concurrency_p99().unwrap() <= 8, "{:?}", profile.concurrency_p99());
    assert!(profile.expect(Hour(end)).unwrap().upper <= cents(180));
}

#[test]
fn who_grows_by_a_third_a_week_stays_ordinary() {
    let mut profile = ordinary();
    let begin = 4 * WEEK;
    // 1.34^(1/168) an hour.
    let levels = growth(1_001_744);
    let grown = |hour: i64| (levels[usize::try_from(hour - begin).unwrap()], 4);
    live(&mut profile, begin..begin + 6 * WEEK, grown);
    assert!((begin + 4 * WEEK..begin + 6 * WEEK).all(|hour| !is_above(&profile, hour)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 16))]
    #[test]
    fn whatever_comes_the_floor_at_most_doubles_in_a_week(
        levels in proptest::collection::vec((1_i64..100_000, 1_u32..60_000, 1_i64..60), 1..60),
        census_h in 1_i64..30,
    ) {
        let mut profile = ordinary();
        let mut known = vec![4_u32; 168];
        let mut hour = 4 * WEEK;
        for (amount, concurrency, hours) in levels {
            for _ in 0..hours {
                profile.record(Hour(hour), cents(amount), concurrency);
                if hour % census_h == 0 {
                    profile.refresh();
                }
                let p99 = profile.concurrency_p99().unwrap();
                let before = known[known.len() - 168];
                prop_assert!(p99 <= before * 2, "{} after {}", p99, before);
                known.push(p99);
                hour += 1;
            }
        }
    }

    #[test]
    fn no_flood_that_is_over_within_a_week_or_breaks_a_budget_is_ever_seen_in_what_is_ordinary(
        floods in proptest::collection::vec((0_i64..20, 1_i64..66, 2_i64..10_000), 1..4),
        weeks_after in 0_i64..4,
    ) {
        let mut profile = ordinary();
        let mut hour = 4 * WEEK;
        for (calm, flood, times) in floods {
            live(&mut profile, hour..hour + calm, |_| (100, 4));
            hour += calm;
            live(&mut profile, hour..hour + flood, |_| (100 * times, u32::try_from(4 * times).unwrap()));
            hour += flood;
            profile.breach(Hour(hour), Hour(hour));
            hour += 1;
        }
        live(&mut profile, hour..hour + weeks_after * WEEK + 1, |_| (100, 4));
        hour += weeks_after * WEEK + 1;
        prop_assert_eq!(profile.concurrency_p99(), Some(4));
        let ordinary = profile.expect(Hour(hour)).unwrap();
        prop_assert!(ordinary.expected == cents(100) && ordinary.upper <= cents(180), "{:?}", ordinary);
    }
}
