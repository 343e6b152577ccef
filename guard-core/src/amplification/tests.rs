//! Tests of amplification, forward and backward.

use proptest::prelude::*;

use super::*;
use crate::inventory::AsyncConfig;
use crate::name::MappingId;
use crate::observation::Point;
use crate::time::Minute;

fn asynchronous(max_retries: u8) -> Function {
    let config = AsyncConfig { max_retries, ..AsyncConfig::default() };
    Function { synchronous: false, asynchronous: Some(config), ..Function::new("f", 128, 60) }
}

fn mapped(source: EventSource) -> Function {
    let mapping = EventSourceMapping { id: MappingId::from("m"), enabled: true, batch_size: 10, source };
    Function { synchronous: false, mappings: vec![mapping], ..Function::new("f", 128, 60) }
}

fn queue(max_receive_count: Option<u32>) -> EventSource {
    EventSource::Sqs {
        max_concurrency: None,
        provisioned_pollers: false,
        max_receive_count,
        retention_s: 345_600,
    }
}

fn stream(max_retries: Option<u32>, bisect: bool) -> EventSource {
    EventSource::Stream {
        shards: 2,
        parallelization: 3,
        max_retries,
        bisect,
        retention_s: 86_400,
        on_failure: false,
    }
}

fn ran(invocations: u64, errors: u64) -> Point {
    Point { invocations, errors, ..Point::default() }
}

fn received(invocations: u64, errors: u64, received: u64) -> Point {
    Point { async_received: Some(received), ..ran(invocations, errors) }
}

/// Points of minutes 100, 101, …
fn minutes(points: &[Point]) -> Vec<(Minute, Point)> {
    (100..).map(Minute).zip(points.iter().copied()).collect()
}

#[test]
fn an_event_tried_again_twice_has_one_plus_pi_plus_pi_squared_attempts() {
    assert_eq!(retried(0, 2), 1_000_000);
    assert_eq!(retried(100_000, 2), 1_110_000);
    assert_eq!(retried(500_000, 2), 1_750_000);
    assert_eq!(retried(1_000_000, 2), 3_000_000);
    assert_eq!(retried(2_000_000, 2), 3_000_000, "no more than certain");
    assert_eq!(retried(500_000, 0), 1_000_000);
    assert_eq!(retried(1_000_000, 0), 1_000_000);
    assert_eq!(retried(500_000, 1), 1_500_000);
    assert_eq!(retried(1000, 6), 1_001_002, "1.001001001…, up");
    assert_eq!(retried(500_000, 6), 1_984_375);
    assert_eq!(retried(999_999, 6), 6_999_980, "6.999979…, up");
}

#[test]
fn a_forecast_takes_the_current_failure_probability_and_the_retries_configured() {
    assert_eq!(forecast_attempts(&asynchronous(2), 0), 1_000_000);
    assert_eq!(forecast_attempts(&asynchronous(2), 100), 1_110_000);
    assert_eq!(forecast_attempts(&asynchronous(2), 1000), 3_000_000);
    assert_eq!(forecast_attempts(&asynchronous(2), 5000), 3_000_000, "no more than certain");
    assert_eq!(forecast_attempts(&asynchronous(0), 1000), 1_000_000);
    assert_eq!(forecast_attempts(&asynchronous(200), 1000), 7_000_000, "clamped to what has been seen");
    assert_eq!(forecast_attempts(&mapped(queue(Some(3))), 1000), 3_000_000);
    assert_eq!(forecast_attempts(&mapped(queue(Some(0))), 1000), 1_000_000);
    assert_eq!(forecast_attempts(&mapped(queue(None)), 1000), 5_000_000, "the least that AWS advises");
}

#[test]
fn a_forecast_adds_nothing_where_the_rate_of_the_moment_holds_the_retries_already() {
    assert_eq!(forecast_attempts(&Function::new("called", 128, 3), 500), 1_000_000);
    assert_eq!(forecast_attempts(&mapped(stream(None, true)), 1000), 1_000_000);
}

#[test]
fn with_several_sources_the_one_that_repeats_most_stands_for_all() {
    let mut function = mapped(queue(Some(5)));
    function.asynchronous = Some(AsyncConfig::default());
    function.synchronous = true;
    assert_eq!(forecast_attempts(&function, 500), 1_937_500);
    function.mappings[0].enabled = false;
    assert_eq!(forecast_attempts(&function, 500), 1_750_000);
    // A second source that repeats less takes nothing away.
    function.mappings[0] = mapped(queue(Some(1))).mappings.remove(0);
    assert_eq!(forecast_attempts(&function, 500), 1_750_000);
}

#[test]
fn each_source_has_its_bound() {
    let most_attempts =
        |function: &Function| repeating(function).map(|(_, retries)| retries + 1).max().unwrap_or(1);
    assert_eq!(most_attempts(&asynchronous(2)), 3);
    assert_eq!(most_attempts(&asynchronous(0)), 1);
    assert_eq!(most_attempts(&asynchronous(100)), 7);
    assert_eq!(most_attempts(&mapped(queue(Some(5)))), 5);
    assert_eq!(most_attempts(&mapped(queue(Some(0)))), 1);
    // Four days, once a timeout of a minute.
    assert_eq!(most_attempts(&mapped(queue(None))), 5761);
    let instant = Function { timeout_s: 0, ..mapped(queue(None)) };
    assert_eq!(most_attempts(&instant), 345_601);
    assert_eq!(most_attempts(&mapped(stream(Some(3), false))), 4);
    assert_eq!(most_attempts(&mapped(stream(Some(3), true))), 8, "ten records are halved four times");
    assert_eq!(most_attempts(&mapped(stream(None, false))), 86_401);
    assert_eq!(most_attempts(&Function::new("f", 128, 3)), 1);
    assert_eq!(most_attempts(&Function { synchronous: false, ..Function::new("f", 128, 3) }), 1);
}

#[test]
fn events_that_all_fail_thrice_are_one_third_unique_work() {
    let window =
        minutes(&[received(100, 100, 100), received(100, 100, 0), received(0, 0, 0), received(100, 100, 0)]);
    let repeated = observed(&asynchronous(2), &window);
    assert_eq!(repeated, [133, 200, 201]);
}

#[test]
fn a_minute_of_nothing_but_retries_is_repeated_work_altogether() {
    let window = minutes(&[received(100, 100, 100), received(100, 0, 0)]);
    let repeated = observed_since(&asynchronous(2), &window, Minute(101));
    assert_eq!(repeated, [66, 100, 100]);
    let before = observed_since(&asynchronous(2), &window[..1], Minute(100));
    assert_eq!(before, [0, 0, 1], "the errors of the newest minute have not come back yet");
}

#[test]
fn duplicates_without_an_error_are_what_ran_beyond_the_events() {
    let window = minutes(&[received(1000, 0, 900), received(1000, 0, 900)]);
    let repeated = observed(&asynchronous(2), &window);
    assert_eq!(repeated, [0, 200, 200]);
}

#[test]
fn a_draining_backlog_is_not_taken_for_duplicates() {
    let mut window = minutes(&[received(10, 0, 5000), received(5000, 0, 10)]);
    window[0].1.throttles = 1;
    let drained = observed_since(&asynchronous(2), &window, Minute(101));
    assert_eq!(drained, [0, 1, 4990], "0.02 % of 5,000 expected, all of it possible");
    window[0].1.throttles = 0;
    assert_eq!(observed_since(&asynchronous(2), &window, Minute(101))[1], 4990);
}

#[test]
fn errors_older_than_their_last_retry_explain_nothing() {
    // Time-out 60 s: an error is followed by its last retry within 1 + 3 minutes.
    let none = received(0, 0, 0);
    let window = minutes(&[ran(90, 90), none, none, none, none, ran(10, 0)]);
    assert_eq!(observed_since(&asynchronous(2), &window, Minute(105)), [0, 0, 1]);
    let closer = observed_since(&asynchronous(2), &window, Minute(104));
    assert_eq!(closer, [0, 10, 10]);
    let slow = Function { timeout_s: 61, ..asynchronous(2) };
    assert_eq!(observed_since(&slow, &window, Minute(105)), [0, 10, 10]);
}

#[test]
fn without_counts_of_events_errors_bound_the_retries() {
    // π = ½: of 50 errors (1 + ½) ÷ (1 + ½ + ¼) = 6/7 had attempts left: 42.9.
    let window = minutes(&[ran(100, 50), ran(0, 0), ran(100, 50)]);
    let repeated = observed(&asynchronous(2), &window);
    assert_eq!(repeated, [0, 43, 51]);
    // A single minute that does not tell is enough to go by errors.
    let mixed = minutes(&[received(100, 50, 60), ran(0, 0), received(100, 50, 60)]);
    assert_eq!(observed(&asynchronous(2), &mixed), repeated);
    assert_eq!(observed(&asynchronous(0), &window), [0, 0, 1], "duplicates alone");
}

#[test]
fn a_callers_retries_are_in_the_upper_bound_alone() {
    let function = Function::new("f", 128, 60);
    let repeated = observed(&function, &minutes(&[ran(100, 10), ran(100, 5)]));
    assert_eq!(repeated, [0, 0, 30]);
    assert_eq!(observed(&function, &minutes(&[ran(10, 10)])), [0, 0, 10], "no more than ran");

    let both = Function { synchronous: true, ..asynchronous(2) };
    let window = minutes(&[received(100, 50, 0), received(100, 50, 0)]);
    // 6/7 of 100 errors; 100 retries, 200 of callers and a duplicate, but only 200 ran.
    assert_eq!(observed(&both, &window), [0, 86, 200]);
}

#[test]
fn a_mapping_that_counts_events_tells_its_repetitions() {
    let point =
        |polled, invoked| Point { polled_events: Some(polled), invoked_events: Some(invoked), ..ran(50, 0) };
    let function = mapped(stream(Some(3), false));
    let repeated = observed(&function, &minutes(&[point(300, 400)]));
    assert_eq!(repeated, [0, 13, 13], "a quarter of 50 invocations, up");
    assert_eq!(observed(&function, &minutes(&[point(400, 300)])), [0, 0, 1]);
    assert_eq!(observed(&function, &minutes(&[point(0, 0)])), [0, 0, 1]);
    let untold =
        observed(&function, &minutes(&[point(300, 400), Point { polled_events: Some(9), ..ran(0, 0) }]));
    assert_eq!(untold, [0, 0, 1]);
    let mixed = Function { asynchronous: Some(AsyncConfig::default()), ..function.clone() };
    assert_eq!(observed(&mixed, &minutes(&[point(300, 400)])), [0, 0, 1]);
    let called = Function { synchronous: true, ..function };
    assert_eq!(observed(&called, &minutes(&[point(300, 400)])), [0, 0, 1]);
}

#[test]
fn a_mapping_may_try_again_within_the_minute_and_a_queue_waits_six_timeouts() {
    let function = mapped(queue(Some(2)));
    assert_eq!(observed(&function, &minutes(&[ran(100, 50)])), [0, 34, 51], "50 × 1 ÷ 1.5, up");
    let window = |gap: usize| {
        let mut points = vec![ran(50, 50)];
        points.extend(vec![ran(0, 0); gap]);
        points.push(ran(50, 0));
        minutes(&points)
    };
    let at = |gap: usize| observed_since(&function, &window(gap), window(gap).last().unwrap().0);
    assert_eq!(at(8), [0, 34, 50]);
    assert_eq!(at(9), [0, 0, 1]);
}

#[test]
fn an_empty_window_repeats_nothing() {
    assert_eq!(observed(&asynchronous(2), &[]), [0; 3]);
    assert_eq!(observed(&asynchronous(2), &minutes(&[Point::default()])), [0; 3]);
}

#[test]
fn the_failure_probability_is_rounded_up_and_at_most_certain() {
    assert_eq!(failure_per_mille(&[]), 0);
    assert_eq!(failure_per_mille(&minutes(&[ran(0, 5)])), 0);
    assert_eq!(failure_per_mille(&minutes(&[ran(1000, 0), ran(2001, 1)])), 1);
    assert_eq!(failure_per_mille(&minutes(&[ran(100, 10), ran(100, 30)])), 200);
    assert_eq!(failure_per_mille(&minutes(&[ran(10, 30)])), 1000);
}

#[test]
fn an_error_of_the_last_minute_is_certain_to_be_tried_again() {
    let function = asynchronous(2);
    // The minute before now: 90 errors, of which 30 at most were last attempts; π = 1.
    let committed = committed_invocations(&function, &minutes(&[ran(90, 90)]), Minute(101));
    assert_eq!(committed, [60, 120, 180]);
    // Two to three minutes old: a second retry may be ahead of a third of them.
    assert_eq!(committed_invocations(&function, &minutes(&[ran(90, 90)]), Minute(102)), [0, 30, 180]);
    assert_eq!(committed_invocations(&function, &minutes(&[ran(90, 90)]), Minute(103)), [0, 30, 180]);
    assert_eq!(committed_invocations(&function, &minutes(&[ran(90, 90)]), Minute(104)), [0, 0, 180]);
    assert_eq!(committed_invocations(&function, &minutes(&[ran(90, 90)]), Minute(105)), [0, 0, 0]);
    // π = ½: 6/7 of 70 have attempts left, of 1½ each.
    assert_eq!(committed_invocations(&function, &minutes(&[ran(140, 70)]), Minute(101)), [47, 90, 140]);
    let once = committed_invocations(&asynchronous(1), &minutes(&[ran(90, 90)]), Minute(101));
    assert_eq!(once, [45, 45, 90]);
    let older = minutes(&[ran(90, 90), ran(0, 0), ran(90, 90)]);
    assert_eq!(committed_invocations(&function, &older, Minute(103)), [30, 150, 360]);
}

#[test]
fn nothing_is_committed_where_nothing_repeats_by_itself() {
    let window = minutes(&[ran(90, 90)]);
    assert_eq!(committed_invocations(&asynchronous(0), &window, Minute(101)), [0, 0, 0]);
    assert_eq!(committed_invocations(&Function::new("f", 128, 3), &window, Minute(101)), [0, 0, 0]);
    assert_eq!(committed_invocations(&asynchronous(2), &[], Minute(101)), [0, 0, 0]);
}

#[test]
fn events_received_and_not_run_are_committed() {
    let window = minutes(&[received(100, 0, 400), received(50, 0, 0)]);
    assert_eq!(committed_invocations(&asynchronous(2), &window, Minute(200)), [250, 250, 750]);
    assert_eq!(committed_invocations(&asynchronous(0), &window, Minute(200)), [250, 250, 250]);
    // Of 100 that ran, 50 failed and 43 were retries: 400 − 57 wait, 1.75 attempts each.
    let failing = minutes(&[received(100, 50, 400)]);
    assert_eq!(committed_invocations(&asynchronous(2), &failing, Minute(200)), [300, 601, 1050]);
    let unknown = minutes(&[received(100, 0, 400), ran(50, 0)]);
    assert_eq!(committed_invocations(&asynchronous(2), &unknown, Minute(200)), [0, 0, 0]);
    let called = Function { synchronous: true, ..asynchronous(2) };
    assert_eq!(committed_invocations(&called, &window, Minute(200)), [0, 0, 0]);
}

#[test]
fn a_blocked_shard_is_one_batch_however_often_it_failed() {
    // Two shards of three batches each, ten attempts.
    let function = mapped(stream(Some(9), false));
    let window = minutes(&[ran(100, 100)]);
    // 6 of 100 errors are ahead; 10 of 100 may have been last ones.
    assert_eq!(committed_invocations(&function, &window, Minute(101)), [0, 54, 54]);
    let queued = Function { asynchronous: Some(AsyncConfig::default()), ..function };
    assert_eq!(committed_invocations(&queued, &window, Minute(101)), [90, 810, 900]);
    let mut disabled = mapped(stream(Some(9), false));
    disabled.mappings[0].enabled = false;
    assert_eq!(committed_invocations(&disabled, &window, Minute(101)), [0, 0, 0]);
}

fn any_source() -> impl Strategy<Value = Function> {
    let receive_count = prop::option::of(0_u32..1001);
    prop_oneof![
        (0_u8..8).prop_map(asynchronous),
        receive_count.clone().prop_map(|count| mapped(queue(count))),
        (prop::option::of(0_u32..500), any::<bool>())
            .prop_map(|(retries, bisect)| mapped(stream(retries, bisect))),
        Just(Function::new("f", 128, 3)),
        (0_u8..3, receive_count).prop_map(|(retries, count)| Function {
            synchronous: true,
            mappings: mapped(queue(count)).mappings,
            ..asynchronous(retries)
        }),
    ]
}

fn any_window() -> impl Strategy<Value = Vec<(Minute, Point)>> {
    let count = || prop_oneof![Just(0_u64), 0_u64..10, 0_u64..1_000_000];
    let counts =
        (count(), 0_u64..1001, count(), prop::option::of(count()), prop::option::of(count()), count());
    let point =
        counts.prop_map(|(invocations, failed, throttles, async_received, polled_events, invoked)| Point {
            invocations,
            errors: invocations * failed / 1000,
            throttles,
            async_received,
            polled_events,
            invoked_events: polled_events.map(|_| invoked),
            ..Point::default()
        });
    prop::collection::vec(point, 0..8).prop_map(|points| minutes(&points))
}

proptest! {
    #[test]
    fn attempts_lie_between_one_and_the_bound_and_grow_with_failure(
        failure in 0_u32..1_000_001, more in 0_u32..100_000, retries in 0_u32..1000
    ) {
        let attempts = retried(failure, retries);
        prop_assert!(attempts >= PPM && attempts <= (u64::from(retries) + 1) * PPM);
        prop_assert!(retried(failure + more, retries) >= attempts);
        prop_assert!(retried(failure, retries + 1) >= attempts);
    }

    #[test]
    fn a_forecast_grows_with_failure_within_the_attempts_that_are_possible(
        function in any_source(), failure in 0_u32..1100
    ) {
        let attempts = forecast_attempts(&function, failure);
        let retries = repeating(&function).map(|(_, retries)| retries).max().unwrap_or(0);
        let most = u64::from(retries.max(ADVISED_RECEIVES - 1) + 1) * PPM;
        prop_assert!(attempts >= PPM && attempts <= most, "{} of {}", attempts, most);
        prop_assert!(forecast_attempts(&function, failure + 1) >= attempts);
    }

    #[test]
    fn observed_work_is_an_ordered_range_and_never_more_than_ran(
        function in any_source(), window in any_window(), from in 99_i64..109
    ) {
        let [low, expected, high] = observed_since(&function, &window, Minute(from));
        prop_assert!(low <= expected && expected <= high);
        let counted = window.iter().filter(|(minute, _)| *minute >= Minute(from));
        let ran: u64 = counted.map(|(_, point)| point.invocations).sum();
        prop_assert!(high <= ran);
    }

    #[test]
    fn committed_work_is_an_ordered_range_and_stands_on_errors_or_events(
        function in any_source(), window in any_window(), now in 100_i64..120
    ) {
        let [low, expected, high] = committed_invocations(&function, &window, Minute(now));
        prop_assert!(low <= expected && expected <= high);
        let cause = window.iter().any(|(_, point)| point.errors > 0 || point.async_received.unwrap_or(0) > 0);
        prop_assert!(cause || high == 0);
    }
}
