//! A slice of the census: the hours of functions, and what a look does when a part of it, or all, does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guard_core::observation::CensusSlice;
use guard_core::time::Hour;

use super::*;

/// The newest complete hour: the look is made at a quarter past.
const LAST: Hour = NOW.hour().plus(-1);

/// A slice of so many hours and functions, with the first few in focus.
fn census(hours: i64, functions: usize, focus: usize) -> Ask {
    let asked = CensusSlice {
        first: LAST.plus(1 - hours),
        last: LAST,
        functions: names(functions),
        ends_round: true,
    };
    Ask { census: Some(asked), ..ask(focus) }
}

/// Whether the request is one for hours.
fn is_hourly(request: &Request) -> bool {
    request.queries.iter().all(|query| query.period == 3600)
}

fn asks_of(request: &Request, function: &str) -> bool {
    request.queries.iter().any(|query| query.function.as_deref() == Some(function))
}

#[tokio::test]
async fn a_slice_of_the_census_reads_hours_of_its_functions_and_minutes_of_nobody_else() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let look = fake.client().look(&census(24, 3, 1)).await;
    assert_eq!(look.problems, []);
    let asked: Vec<(bool, Vec<Wanted>)> =
        fake.seen().iter().map(|request| (is_hourly(request), asked(request))).collect();
    let wanted = [(false, wanted_of_all(1, &METRICS)), (true, wanted_of_all(3, &COUNT))];
    assert_eq!(asked, wanted, "what is urgent first");
    let hours = &fake.seen()[1];
    assert_eq!((hours.start, hours.end), ((LAST.0 - 23) * 3600, (LAST.0 + 1) * 3600));
    assert_eq!(look.metrics, (3 + 5) + (3 + 3 * 4));
    let seen = look.observation;
    assert_eq!(seen.region.minutes, [(SETTLED, REGION)]);
    assert_eq!(seen.functions[0].1.minutes, [(SETTLED, POINT)]);
    assert_eq!(seen.functions.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names(1));
    let read = seen.census.unwrap();
    assert_eq!(Some(&read.asked), census(24, 3, 1).census.as_ref());
    assert_eq!(read.region, [(LAST, REGION)]);
    assert_eq!(
        read.functions,
        names(3).into_iter().map(|name| (name, vec![(LAST, COUNTED)])).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn functions_whose_hours_are_not_answered_are_left_out_and_no_others() {
    let fake = Fake::start(|request| {
        let hit = is_hourly(request) && asks_of(request, "fn-00036");
        if hit { Reply::Error { status: 400, code: "ValidationError" } } else { Reply::page(quiet(request)) }
    });
    let look = fake.client().look(&census(672, 90, 1)).await;
    let read = look.observation.census.clone().unwrap();
    // 150 metrics in a call: the region and 36 functions in the first, 37 functions in the second, which failed.
    let answered: Vec<FunctionName> = read.functions.into_iter().map(|(name, _)| name).collect();
    assert_eq!(answered, [&names(90)[..36], &names(90)[73..]].concat());
    assert_eq!(look.observation.functions[0].1.freshness, Freshness::Fresh);
    assert!(reasons(&look).contains("1 call failed, 37 series unknown"), "{}", reasons(&look));
}

#[tokio::test]
async fn a_slice_of_which_nothing_is_answered_was_none() {
    let fake = Fake::start(|request| {
        if is_hourly(request) {
            Reply::Error { status: 400, code: "ValidationError" }
        } else {
            Reply::page(quiet(request))
        }
    });
    let look = fake.client().look(&census(672, 149, 2)).await;
    assert_eq!(look.observation.census, None);
    let seen: Vec<_> =
        look.observation.functions.iter().map(|(name, series)| (name.clone(), series.freshness)).collect();
    assert_eq!(seen, [(name(0), Freshness::Fresh), (name(1), Freshness::Fresh)]);
    assert!(reasons(&look).contains("5 calls failed, 150 series unknown"), "{}", reasons(&look));
    assert_eq!(look.metrics, (3 + 2 * 5) + (3 + 149 * 4), "what failed may be billed");
}

#[tokio::test]
async fn no_hours_are_asked_for_while_nothing_answers() {
    let fake = Fake::start(|_| Reply::Error { status: 400, code: "ValidationError" });
    let look = fake.client().look(&census(24, 1000, 2)).await;
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(look.observation.census, None);
    assert_eq!(look.observation.region.freshness, Freshness::Unknown);
    let seen: Vec<_> =
        look.observation.functions.iter().map(|(name, series)| (name.clone(), series.freshness)).collect();
    assert_eq!(seen, [(name(0), Freshness::Unknown), (name(1), Freshness::Unknown)]);
}

#[tokio::test]
async fn four_calls_at_a_time_and_answers_in_order_whichever_comes_first() {
    let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (Arc::clone(&busy), Arc::clone(&most));
    let slow = Fake::start(move |request| {
        peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10 * u64::try_from(7 - request.number % 7).unwrap()));
        count.fetch_sub(1, Ordering::SeqCst);
        Reply::page(quiet(request))
    });
    let fast = Fake::start(|request| Reply::page(quiet(request)));
    let ask = census(24, 700, 300);
    let looks = (slow.client().look(&ask).await, fast.client().look(&ask).await);
    assert_eq!(looks.0, looks.1);
    // Never more than four; how many of them meet is up to the machine.
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}
