//! What starts can have cost at most.

use super::super::starts::{Starts, Subject};
use super::picos;
use crate::money::Usd;
use crate::observation::Point;
use crate::time::Minute;

fn point(invocations: u64, concurrency_max: u32, busy_s: u64) -> Point {
    Point { invocations, concurrency_max, duration_us: busy_s * 1_000_000, ..Point::default() }
}

/// What is counted of minutes at a pico-dollar a second, with a time-out of so many seconds.
fn counted(timeout_s: u32, minutes: &[(i64, Point)], first: i64, last: i64) -> Usd {
    let mut starts = Starts::default();
    let name = "f".into();
    let subject = Subject { name: &name, timeout_s, per_busy_second: picos(1), booked: &|_| Usd::ZERO };
    let all = || minutes.iter().map(|(minute, point)| (Minute(*minute), point));
    starts.count(&subject, all(), (Minute(first), Minute(last)));
    starts.count(&subject, all(), (Minute(first), Minute(last)));
    starts.cost
}

#[test]
fn every_environment_that_can_have_come_took_ten_seconds_to_start() {
    assert_eq!(counted(3, &[(7, point(50, 4, 1))], 0, 9), picos(40));
    assert_eq!(counted(3, &[(7, point(2, 4, 1))], 0, 9), picos(20), "two invocations start two");
    assert_eq!(counted(3, &[(7, point(50, 4, 1))], 0, 6), picos(0), "it may still change");
    assert_eq!(counted(3, &[(7, point(50, 4, 1))], 8, 9), picos(0), "it is of another period");
}

#[test]
fn environments_of_the_minute_before_are_still_there_but_for_a_tenth() {
    let minutes = [(7, point(500, 40, 1)), (8, point(500, 40, 1)), (9, point(500, 60, 1))];
    assert_eq!(counted(3, &minutes, 0, 9), picos(400 + 40 + 200 + 60));
    let gap = [(7, point(500, 40, 1)), (9, point(500, 40, 1))];
    assert_eq!(counted(3, &gap, 0, 9), picos(400 + 400), "they may be gone after a silent minute");
}

#[test]
fn environments_that_were_busy_had_no_time_to_start() {
    // Four for a minute, and what they began may run for three seconds more: 252 s, of which 240 ran.
    assert_eq!(counted(3, &[(7, point(50, 4, 240))], 0, 9), picos(12));
    // The three seconds are of one minute only.
    let busy: Vec<(i64, Point)> = (10..20).map(|minute| (minute, point(50, 4, 240))).collect();
    assert_eq!(counted(3, &busy, 0, 30), picos(12));
    // A silent minute leaves them the time they had.
    assert_eq!(counted(3, &[(7, point(50, 4, 240)), (9, point(50, 4, 240))], 0, 9), picos(24));
}

#[test]
fn what_the_books_have_for_starts_is_not_counted_twice() {
    let mut starts = Starts::default();
    let name = "f".into();
    let subject = Subject { name: &name, timeout_s: 3, per_busy_second: picos(1), booked: &|_| picos(15) };
    let minute = point(50, 4, 1);
    starts.count(&subject, [(Minute(7), &minute)].into_iter(), (Minute(0), Minute(9)));
    assert_eq!(starts.cost, picos(25));
}

#[test]
fn what_no_function_explains_starts_within_the_region_s_concurrency() {
    let mut starts = Starts::default();
    let minutes = [(Minute(7), 100, 2), (Minute(8), 5, 2), (Minute(9), 100, 0)];
    // 120 s, 50 s, and where the concurrency is unknown ten seconds each; the last may still change.
    let open = starts.rest(minutes.into_iter(), picos(1), (Minute(0), Minute(8)));
    assert_eq!((starts.cost, open), (picos(170), picos(1000)));
    let open = starts.rest(minutes.into_iter(), picos(1), (Minute(0), Minute(8)));
    assert_eq!((starts.cost, open), (picos(170), picos(1000)), "and once");
}
