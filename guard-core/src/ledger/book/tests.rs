//! Rings, weeks, and hours that close.

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::money::Causes;

fn time(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()
}

fn dollars(dollars: i64) -> Usd {
    Usd::from_dollars(dollars)
}

fn ring(slots: &[(i64, i64)], kept: usize) -> Ring {
    let mut ring = Ring::default();
    for (slot, amount) in slots {
        ring.add(*slot, dollars(*amount), kept);
    }
    ring
}

fn entry(to: i64) -> Entry {
    Entry::exact(dollars(to))
}

/// A day's book: Monday 23 November 2026.
fn book() -> BudgetLedger {
    BudgetLedger::new(time(23, 0, 0), time(24, 0, 0))
}

#[test]
fn a_ring_sums_its_slots_and_gaps_are_nothing() {
    let ring = ring(&[(10, 1), (13, 2), (11, 4), (13, 8)], 5);
    assert_eq!(
        (10..=13).map(|slot| ring.at(slot)).collect::<Option<Vec<_>>>().unwrap(),
        [dollars(1), dollars(4), Usd::ZERO, dollars(10)]
    );
    assert_eq!([ring.at(9), ring.at(14)], [None, None]);
    assert_eq!(ring.sum(13, 1), dollars(10));
    assert_eq!(ring.sum(13, 3), dollars(14));
    assert_eq!(ring.sum(13, 4), dollars(15));
    assert_eq!(ring.sum(13, 400), dollars(15));
    assert_eq!(ring.sum(12, 2), dollars(4));
    assert_eq!(ring.sum(15, 3), dollars(10));
    assert_eq!(ring.sum(16, 2), Usd::ZERO);
    assert_eq!(ring.sum(9, 5), Usd::ZERO);
    assert_eq!(ring.sum(10, 1), dollars(1));
    assert_eq!(ring.sum(13, 0), Usd::ZERO);
    assert_eq!(Ring::default().sum(5, 5), Usd::ZERO);
    assert_eq!(Ring::default().at(0), None);
}

#[test]
fn a_ring_keeps_so_many_slots_and_tells_what_is_older() {
    let mut ring = ring(&[(10, 1), (14, 2)], 5);
    assert_eq!(ring.oldest(), Some(10));
    assert!(ring.add(15, dollars(4), 5));
    assert_eq!((ring.oldest(), ring.at(10)), (Some(11), None));
    assert!(!ring.add(10, dollars(8), 5));
    assert!(ring.add(11, dollars(8), 5));
    assert_eq!(ring.sum(15, 100), dollars(14));
    // Newer by one less than all: one slot is left. Newer by all: none.
    assert!(ring.add(19, dollars(1), 5));
    assert_eq!((ring.oldest(), ring.at(15), ring.sum(19, 5)), (Some(15), Some(dollars(4)), dollars(5)));
    assert!(ring.add(24, dollars(1), 5));
    assert_eq!((ring.oldest(), ring.sum(24, 100)), (Some(24), dollars(1)));
}

#[test]
fn a_ring_grows_backwards_while_there_is_room() {
    let mut ring = ring(&[(10, 1)], 5);
    assert!(ring.add(6, dollars(2), 5));
    assert_eq!((ring.oldest(), ring.sum(10, 5)), (Some(6), dollars(3)));
    assert!(!ring.add(5, dollars(4), 5));
    assert_eq!(ring.sum(10, 100), dollars(3));
    assert_eq!(Ring::default().oldest(), None);
}

#[test]
fn postings_outside_the_period_move_the_rings_alone() {
    let mut book = book();
    book.post(Minute::of(time(23, 0, 0)).plus(-1), &entry(1));
    book.post(Minute::of(time(24, 0, 0)), &entry(2));
    assert_eq!(book.spent, UsdRange::ZERO);
    book.post(Minute::of(time(23, 0, 0)), &entry(4));
    book.post(Minute::of(time(24, 0, 0)).plus(-1), &entry(8));
    assert_eq!(book.spent, UsdRange::exact(dollars(12)));
    assert_eq!(book.hours.sum(Hour::of(time(24, 0, 0)).0, 26), dollars(15));
    assert_eq!(book.minutes.at(Minute::of(time(24, 0, 0)).0), Some(dollars(2)));
}

#[test]
fn a_posting_exchanges_what_was_there() {
    let mut book = book();
    let at = Minute::of(time(23, 12, 0));
    let range =
        |low, expected, high| UsdRange::new(dollars(low), dollars(expected), dollars(high), Causes::NONE);
    let costs = [UsdRange::ZERO, range(1, 2, 3), range(4, 6, 9)];
    let repeats = [UsdRange::ZERO, range(0, 1, 2), range(1, 3, 4)];
    for (from, to) in [(0, 1), (1, 2)] {
        let entry = Entry::of((costs[from], costs[to]), (repeats[from], repeats[to]));
        book.post(at, &Entry { unattributed: true, ..entry });
    }
    assert_eq!(book.spent, costs[2]);
    assert_eq!(book.repeated, repeats[2]);
    assert_eq!(book.unattributed, costs[2]);
    assert_eq!(book.minutes.at(at.0), Some(dollars(6)));
    book.post(at, &entry(1));
    assert_eq!(book.unattributed, costs[2]);
    assert_eq!(book.repeated, repeats[2]);
}

#[test]
fn an_hour_of_a_census_before_the_ring_goes_to_the_profile() {
    let mut book = book();
    let newest = Hour::of(time(23, 12, 0));
    book.post(newest, &entry(1));
    book.post(newest.plus(-72), &entry(2));
    assert_eq!(book.profile.hours(), 0);
    book.post(newest.plus(-73), &entry(4));
    book.post(newest.plus(-73), &entry(4));
    assert_eq!(book.profile.amount(newest.plus(-73)), Some(dollars(8)));
    assert_eq!(book.hours.sum(newest.0, 100), dollars(3));
    assert_eq!(book.spent, UsdRange::exact(dollars(1)));
}

#[test]
fn hours_close_when_their_points_have_come_in() {
    for (everything, wait) in [(true, 75), (false, 26 * 60)] {
        let mut book = book();
        let first = Hour::of(time(23, 8, 0));
        book.close_hours(Minute::of(time(23, 12, 0)), everything);
        assert_eq!(book.closed_through, None);
        book.post(first, &entry(3));
        book.profile.breach(first.plus(1), first.plus(1));
        let closing = first.plus(1).first_minute().plus(wait);
        book.close_hours(closing.plus(-1), everything);
        assert_eq!((book.closed_through, book.profile.hours()), (None, 0));
        book.close_hours(closing, everything);
        assert_eq!(book.closed_through, Some(first));
        assert_eq!(book.profile.amount(first), Some(dollars(3)));
        // Closed once: what is posted later stays out of the profile.
        book.post(first, &entry(5));
        book.close_hours(closing.plus(59), everything);
        assert_eq!(book.profile.amount(first), Some(dollars(3)));
        book.close_hours(closing.plus(60), everything);
        assert_eq!(book.closed_through, Some(first.plus(1)));
        assert!(book.profile.is_excluded(first.plus(1)));
        // An hour without a slot is an hour without spend.
        book.close_hours(closing.plus(120), everything);
        assert_eq!(book.profile.amount(first.plus(2)), Some(Usd::ZERO));
    }
}

#[test]
fn a_week_has_its_expectations_at_their_hours() {
    let mut profile = Profile::default();
    let monday = Hour::of(time(23, 0, 0));
    assert_eq!(WeekShape::of(&profile, monday), WeekShape::default());
    for back in (1..=672).rev() {
        let hour = monday.plus(-back);
        profile.record(hour, dollars(i64::try_from(hour.of_week()).unwrap() + 1), 0);
    }
    for from in [monday, monday.plus(5), monday.plus(-100)] {
        let shape = WeekShape::of(&profile, from);
        for ahead in -300_i64..300 {
            let hour = monday.plus(ahead);
            let ordinary = shape.at(hour).unwrap();
            assert_eq!(ordinary.expected, dollars(i64::try_from(hour.of_week()).unwrap() + 1));
            assert!(ordinary.known && ordinary.upper > ordinary.expected);
        }
        // The epoch was a Thursday.
        assert_eq!(shape.at(Hour(0)).unwrap().expected, dollars(73));
        assert_eq!(shape.at(Hour(-1)).unwrap().expected, dollars(72));
    }
    assert_eq!(WeekShape::default().at(monday), None);
}

#[test]
fn without_history_the_even_share_is_ordinary() {
    let mut book = book();
    let at = Hour::of(time(23, 9, 0));
    let share = Ordinary { expected: dollars(3), upper: dollars(3), known: false };
    assert_eq!(book.ordinary(at, dollars(72)), share);
    assert_eq!(book.sum_ordinary(), None);
    for back in (1..=672).rev() {
        book.profile.record(Hour::of(time(23, 0, 0)).plus(-back), dollars(5), 0);
    }
    book.shape = WeekShape::of(&book.profile, Hour::of(time(23, 0, 0)));
    let known = Ordinary { expected: dollars(5), upper: dollars(7), known: true };
    assert_eq!(book.ordinary(at, dollars(72)), known);
    assert_eq!(book.sum_ordinary(), Some(dollars(120)));
    // A period that begins and ends within hours counts their parts.
    book.period_start = time(23, 9, 30);
    book.period_end = time(23, 12, 15);
    assert_eq!(book.sum_ordinary(), Some("13.75".parse().unwrap()));
    // A period without length does not divide by zero.
    let empty = BudgetLedger::new(time(23, 0, 0), time(23, 0, 0));
    assert_eq!(empty.ordinary(at, dollars(1)).expected, dollars(3600));
}

proptest! {
    #[test]
    fn a_ring_agrees_with_a_plain_list(posts in proptest::collection::vec((0_i64..40, 1_i64..9), 1..30)) {
        let kept = 7;
        let mut ring = Ring::default();
        let mut all: Vec<(i64, i64)> = Vec::new();
        let mut newest = i64::MIN;
        for (slot, amount) in posts {
            newest = newest.max(slot);
            let within = slot > newest - 7;
            prop_assert_eq!(ring.add(slot, dollars(amount), kept), within);
            if within {
                all.push((slot, amount));
            }
            for last in 0..45 {
                let first = (last - 3).max(newest - 6);
                let wanted: i64 =
                    all.iter().filter(|(s, _)| *s >= first && *s <= last).map(|(_, a)| *a).sum();
                prop_assert_eq!(ring.sum(last, 4), dollars(wanted));
            }
        }
    }
}
