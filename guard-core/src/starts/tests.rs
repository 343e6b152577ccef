//! What starts can have taken at most.

use super::{Starts, of_rest, of_rise};
use crate::observation::Point;
use crate::time::Minute;

fn point(invocations: u64, concurrency_max: u32, busy_s: u64) -> Point {
    Point { invocations, concurrency_max, duration_us: busy_s * 1_000_000, ..Point::default() }
}

/// Seconds that are counted of minutes, with a time-out of so many seconds; a second time nothing is.
fn counted(timeout_s: u32, minutes: &[(i64, Point)]) -> i128 {
    let mut starts = Starts::default();
    let mut all = || {
        let mut us = 0;
        for (minute, point) in minutes {
            if !starts.has_counted(Minute(*minute)) {
                us += starts.count(Minute(*minute), point, timeout_s);
            }
        }
        us / 1_000_000
    };
    let once = all();
    assert_eq!(all(), 0);
    once
}

#[test]
fn every_environment_that_can_have_come_took_ten_seconds_to_start() {
    assert_eq!(counted(3, &[(7, point(50, 4, 1))]), 40);
    assert_eq!(counted(3, &[(7, point(2, 4, 1))]), 20, "two invocations start two");
}

#[test]
fn environments_of_the_minute_before_are_still_there_but_for_a_tenth() {
    let minutes = [(7, point(500, 40, 1)), (8, point(500, 40, 1)), (9, point(500, 60, 1))];
    assert_eq!(counted(3, &minutes), 400 + 40 + 200 + 60);
    let gap = [(7, point(500, 40, 1)), (9, point(500, 40, 1))];
    assert_eq!(counted(3, &gap), 400 + 400, "they may be gone after a silent minute");
}

#[test]
fn environments_that_were_busy_had_no_time_to_start() {
    // Four for a minute, and what they began may run for three seconds more: 252 s, of which 240 ran.
    assert_eq!(counted(3, &[(7, point(50, 4, 240))]), 12);
    // The three seconds are of one minute only.
    let busy: Vec<(i64, Point)> = (10..20).map(|minute| (minute, point(50, 4, 240))).collect();
    assert_eq!(counted(3, &busy), 12);
    // A silent minute leaves them the time they had.
    assert_eq!(counted(3, &[(7, point(50, 4, 240)), (9, point(50, 4, 240))]), 24);
}

#[test]
fn what_no_function_explains_starts_within_the_region_s_concurrency() {
    // 120 s, 50 s, and where the concurrency is unknown ten seconds each.
    let seconds =
        [(100, 2), (5, 2), (100, 0)].map(|(invocations, busy)| of_rest(invocations, busy) / 1_000_000);
    assert_eq!(seconds, [120, 50, 1000]);
}

#[test]
fn where_functions_do_not_take_turns_a_rise_of_the_region_and_a_tenth_started() {
    let seconds = |invocations, before, busy| of_rise(invocations, before, busy) / 1_000_000;
    assert_eq!(seconds(500, 40, 60), 20 * 10 + 6 * 10);
    assert_eq!(seconds(500, 60, 40), 4 * 10);
    assert_eq!(seconds(3, 0, 60), 30);
    assert_eq!(seconds(500, 7, 0), 5000, "unknown");
}

/// Durations alone, as of a glance: 104 environments at least.
#[test]
fn a_concurrency_that_was_not_asked_for_is_what_durations_show_and_no_debt() {
    let glance = Point { duration_us: 6_200_000_000, ..Point::default() };
    assert_eq!(counted(3, &[(7, glance)]), 104 * 10);
    let looked = point(60_000, 105, 6_200);
    let alone = counted(3, &[(8, looked)]);
    assert_eq!(alone, 105 * 63 - 6_200);
    let silent = (8, Point::default());
    assert_eq!(counted(3, &[(7, glance), silent, (9, looked)]), 104 * 10 + alone);
}
