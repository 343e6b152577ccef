//! A census: the hours of everybody, and what a look does when a part of it, or all, does not answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guard_core::time::Hour;

use super::*;

/// The newest complete hour: the look is made at a quarter past.
const LAST: Hour = NOW.hour().plus(-1);

/// A census of so many hours and functions, of which the first few are in focus.
fn census(hours: i64, functions: usize, focus: usize) -> Ask {
    Ask { census: Some((LAST.plus(1 - hours), LAST)), all: names(functions), ..ask(focus) }
}

/// Whether the request is one for hours.
fn is_hourly(request: &Request) -> bool {
    request.queries.iter().all(|query| query.period == 3600)
}

fn asks_of(request: &Request, function: &str) -> bool {
    request.queries.iter().any(|query| query.function.as_deref() == Some(function))
}

#[tokio::test]
async fn a_census_reads_hours_of_everybody_and_minutes_too() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let look = fake.client().look(&census(24, 3, 1)).await;
    assert_eq!(look.problems, []);
    let asked: Vec<(bool, Vec<Option<String>>)> = fake
        .seen()
        .iter()
        .map(|request| {
            let whose = request.queries.iter().step_by(METRICS.len()).map(|query| query.function.clone());
            (is_hourly(request), whose.collect())
        })
        .collect();
    let of = |places: &[usize]| places.iter().map(|place| Some(format!("fn-{place:05}"))).collect::<Vec<_>>();
    let with_region = |places: &[usize]| [vec![None], of(places)].concat();
    assert_eq!(
        asked,
        [(false, with_region(&[0])), (true, with_region(&[0, 1, 2])), (false, of(&[1, 2]))],
        "what is urgent first"
    );
    let hours = &fake.seen()[1];
    assert_eq!((hours.start, hours.end), ((LAST.0 - 23) * 3600, (LAST.0 + 1) * 3600));
    assert_eq!(look.metrics, 10 + 20 + 10);
    let seen = look.observation;
    assert_eq!(seen.census, Some((LAST.plus(-23), LAST)));
    assert_eq!((seen.region.minutes, seen.region.hours), (vec![(SETTLED, POINT)], vec![(LAST, POINT)]));
    assert_eq!(seen.functions.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names(3));
    for (_, series) in seen.functions {
        assert_eq!(series.freshness, Freshness::Fresh);
        assert_eq!((series.minutes, series.hours), (vec![(SETTLED, POINT)], vec![(LAST, POINT)]));
    }
}

#[tokio::test]
async fn hours_that_are_not_answered_make_their_functions_unknown_and_no_others() {
    let fake = Fake::start(|request| {
        let hit = is_hourly(request) && asks_of(request, "fn-00029");
        if hit { Reply::Error { status: 400, code: "ValidationError" } } else { Reply::page(quiet(request)) }
    });
    let ask = Ask { focus: vec![name(29)], ..census(672, 90, 0) };
    let look = fake.client().look(&ask).await;
    // The region and the function in focus come first in a call of 30.
    assert_eq!(look.observation.census, ask.census);
    let unknown: Vec<usize> = look
        .observation
        .functions
        .iter()
        .enumerate()
        .filter(|(_, (_, series))| series.freshness == Freshness::Unknown)
        .map(|(place, _)| place)
        .collect();
    assert_eq!(unknown, [(0..28).collect::<Vec<_>>(), vec![29]].concat());
    for (place, (_, series)) in look.observation.functions.iter().enumerate() {
        let is_unknown = unknown.contains(&place);
        assert_eq!(series.hours.is_empty(), is_unknown, "{place}");
        assert_eq!(series.minutes.is_empty(), is_unknown && place != 29, "what is known stays");
    }
    assert_eq!(look.observation.region.freshness, Freshness::Fresh);
    assert_eq!(look.observation.region.hours, []);
    assert!(reasons(&look).contains("1 calls failed, 30 series unknown"), "{}", reasons(&look));
    let minutes_of_rest = fake.seen().into_iter().filter(|request| !is_hourly(request)).nth(1).unwrap();
    assert_eq!(minutes_of_rest.queries.len(), (90 - 29) * METRICS.len(), "only whose hours are known");
}

#[tokio::test]
async fn a_census_of_which_nothing_is_answered_was_none() {
    let fake = Fake::start(|request| {
        if is_hourly(request) {
            Reply::Error { status: 400, code: "ValidationError" }
        } else {
            Reply::page(quiet(request))
        }
    });
    let look = fake.client().look(&census(672, 1000, 2)).await;
    assert_eq!(look.observation.census, None);
    let seen: Vec<_> =
        look.observation.functions.iter().map(|(name, series)| (name.clone(), series.freshness)).collect();
    assert_eq!(seen, [(name(0), Freshness::Fresh), (name(1), Freshness::Fresh)]);
    let told = reasons(&look);
    // 1,001 series by 30, of which eight calls were made.
    assert!(told.contains("8 calls failed, 26 more not made, 1001 series unknown"), "{told}");
    assert_eq!(look.metrics, 15 + 11 * 150, "those in flight at the end are counted");
    assert!(fake.seen().len() <= 1 + 11);
}

#[tokio::test]
async fn nobody_is_counted_while_nothing_answers() {
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
async fn single_failures_in_a_row_of_calls_do_not_stop_it() {
    let fake = Fake::start(|request| {
        if request.number % 2 == 1 {
            Reply::Error { status: 400, code: "ValidationError" }
        } else {
            Reply::page(quiet(request))
        }
    });
    let look = fake.client().look(&ask(3000)).await;
    let told = reasons(&look);
    assert!(told.contains("15 calls failed") && !told.contains("not made"), "{told}");
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

#[tokio::test]
async fn a_first_census_of_ten_thousand_functions_over_four_weeks_is_read_call_by_call() {
    // Every hundredth function ran in every hour; the others did not run at all.
    let fake = Fake::start(|request| {
        let points = |query: &Query| {
            let is_busy = query.function.as_ref().is_none_or(|name| name.ends_with("00"));
            let times = (request.start..request.end).step_by(usize::try_from(query.period).unwrap());
            if is_busy { times.map(|at| (at, 2.0)).collect() } else { Vec::new() }
        };
        Reply::page(request.queries.iter().map(|query| query.complete(points(query))).collect())
    });
    let look = fake.client().look(&census(672, 10_000, 5)).await;
    assert_eq!(look.problems, []);
    let mut calls: BTreeMap<bool, usize> = BTreeMap::new();
    for request in fake.seen() {
        let periods = (request.end - request.start) / request.queries[0].period;
        let queries = i64::try_from(request.queries.len()).unwrap();
        assert!(queries <= 500 && queries * periods <= 100_800);
        *calls.entry(is_hourly(&request)).or_default() += 1;
    }
    assert_eq!(calls, BTreeMap::from([(false, 1 + 100), (true, 334)]));
    assert_eq!(look.metrics, 5 * (6 + 10_001 + 9_995));
    let hours = |place: usize| look.observation.functions[place].1.hours.len();
    assert_eq!(look.observation.functions.len(), 10_000);
    assert_eq!((hours(0), hours(1), hours(9_900), look.observation.region.hours.len()), (672, 0, 672, 672));
    assert!(look.observation.functions.iter().all(|(_, series)| series.hours.capacity() <= 672));
}
