//! The adapter at the wire: what it asks, and what it makes of every kind of answer.

mod census;
mod fake;
mod faults;
mod glances;
mod mixtures;

use std::collections::BTreeSet;

use chrono::{TimeZone, Utc};
use guard_core::name::FunctionName;
use guard_core::observation::{Freshness, Point};
use guard_core::time::Minute;

use self::fake::{Answer, Fake, Query, Reply, Request};
use super::query::{COUNT, METRICS, SWEEP, Span, Subject, batches};
use crate::calls::Calls;
use crate::ports::{Ask, Granted, Look, MetricSource};

/// The minute of the look, a quarter past some full hour.
const NOW: Minute = Minute(29_583_135);
/// The first minute asked for.
const FROM: Minute = NOW.plus(-40);
/// The newest minute that should show.
const SETTLED: Minute = NOW.plus(-3);

/// A look at so many functions in focus, some seconds after the full minute.
fn ask(focus: usize) -> Ask {
    Ask {
        at: Utc.timestamp_opt(NOW.0 * 60 + 42, 0).unwrap(),
        from: FROM,
        settled: SETTLED,
        focus: names(focus),
        glance: Vec::new(),
        received: Vec::new(),
        census: None,
        until: None,
    }
}

fn names(count: usize) -> Vec<FunctionName> {
    (0..count).map(|place| FunctionName::new(format!("fn-{place:05}"))).collect()
}

fn name(place: usize) -> FunctionName {
    FunctionName::new(format!("fn-{place:05}"))
}

/// What every query gets in `quiet`: one point at the settled minute.
fn value(metric: &str) -> f64 {
    match metric {
        "Invocations" => 12.0,
        "Errors" => 3.0,
        "Throttles" => 1.0,
        "Duration" => 1234.5678,
        _ => 5.0,
    }
}

const POINT: Point = Point {
    invocations: 12,
    errors: 3,
    throttles: 1,
    duration_us: 1_234_568,
    concurrency_max: 5,
    async_received: None,
    polled_events: None,
    invoked_events: None,
};

/// The same of the region, of which `SWEEP` is asked.
const REGION: Point = Point { errors: 0, throttles: 0, ..POINT };

/// The same of a function in the census, of which `COUNT` is asked.
const COUNTED: Point = Point { throttles: 0, ..POINT };

/// Everything asked, each with a point at the newest period that counts.
fn quiet(request: &Request) -> Vec<Answer> {
    let newest = |query: &Query| if query.period == 60 { SETTLED.0 * 60 } else { request.end - query.period };
    request.queries.iter().map(|query| query.complete(vec![(newest(query), value(&query.metric))])).collect()
}

/// One query: whose, which metric, which statistic.
type Wanted = (Option<String>, String, String);

/// What a call asks for, in order.
fn asked(request: &Request) -> Vec<Wanted> {
    let queries = request.queries.iter();
    queries.map(|query| (query.function.clone(), query.metric.clone(), query.stat.clone())).collect()
}

/// These metrics of a function, or of the region.
fn wanted(whose: Option<usize>, metrics: &[(&str, &str)]) -> Vec<Wanted> {
    let whose = whose.map(|place| name(place).to_string());
    metrics.iter().map(|(metric, stat)| (whose.clone(), (*metric).to_owned(), (*stat).to_owned())).collect()
}

/// The region's metrics, and these of each of so many functions.
fn wanted_of_all(functions: usize, metrics: &[(&str, &str)]) -> Vec<Wanted> {
    let each = (0..functions).flat_map(|place| wanted(Some(place), metrics));
    wanted(None, &SWEEP).into_iter().chain(each).collect()
}

fn reasons(look: &Look) -> String {
    look.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[tokio::test]
async fn a_look_asks_for_three_metrics_of_the_region_and_five_of_each_function_in_focus() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let calls = Calls::default();
    let look = fake.client_counting(calls.clone()).look(&ask(2)).await;

    let [request] = &fake.seen()[..] else { panic!("one call is enough") };
    assert_eq!(request.path, "/service/GraniteServiceVersion20100801/operation/GetMetricData");
    assert_eq!((request.start, request.end), (FROM.0 * 60, NOW.0 * 60), "whole minutes that are over");
    assert_eq!(request.body["ScanBy"], "TimestampAscending");
    assert_eq!(request.body["MaxDatapoints"], 100_800);
    assert_eq!(asked(request), wanted_of_all(2, &METRICS));
    assert!(request.queries.iter().all(|query| query.period == 60));

    assert_eq!(look.problems, []);
    assert_eq!(look.metrics, 3 + 2 * 5);
    assert_eq!(calls.take().into_iter().collect::<Vec<_>>(), [("CloudWatch:GetMetricData".to_owned(), 1)]);
    let seen = look.observation;
    assert_eq!((seen.at, seen.from, seen.census), (ask(2).at, FROM, None));
    assert_eq!(seen.region.freshness, Freshness::Fresh);
    assert_eq!(seen.region.minutes, [(SETTLED, REGION)]);
    assert_eq!(seen.functions.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names(2));
    for (_, series) in seen.functions {
        assert_eq!(series.freshness, Freshness::Fresh);
        assert_eq!(series.minutes, [(SETTLED, POINT)]);
    }
}

#[tokio::test]
async fn no_call_asks_more_than_five_hundred_queries_and_the_service_refuses_more() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let look = fake.client().look(&ask(250)).await;
    let mut sizes: Vec<usize> = fake.seen().iter().map(|request| request.queries.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [51 * 5, 3 + 99 * 5, 100 * 5], "the region goes with the first");
    assert_eq!(look.metrics, 1253);
    assert_eq!(look.problems, []);
    assert_eq!(look.observation.functions.len(), 250);
    assert!(look.observation.functions.iter().all(|(_, series)| series.minutes == [(SETTLED, POINT)]));

    let mut batch = batches(&[Subject::Region], Span::minutes(FROM, NOW)).remove(0);
    batch.subjects = (0..101).map(Subject::Function).collect();
    let (_, answer) = fake.client().call(&batch, &names(101)).await;
    assert!(answer.unwrap_err().reason.contains("ValidationError"));
}

#[test]
fn a_call_asks_for_no_more_points_than_a_page_holds() {
    let subjects: Vec<Subject> = (0..1000).map(Subject::Function).collect();
    for (minutes, functions) in [(1, 100), (40, 100), (201, 100), (202, 99), (360, 56), (30_000, 1)] {
        let batches = batches(&subjects, Span::minutes(NOW.plus(-minutes), NOW));
        assert_eq!(batches[0].subjects.len(), functions, "{minutes} minutes");
        let all: Vec<Subject> = batches.iter().flat_map(|batch| batch.subjects.clone()).collect();
        assert_eq!(all, subjects);
    }
}

#[tokio::test]
async fn freshness_is_that_of_the_region_and_no_point_is_silence() {
    let at = |region: Option<i64>, function: Option<i64>| async move {
        let point =
            |age: Option<i64>| age.map(|age| ((NOW.0 - age) * 60, 7.0)).into_iter().collect::<Vec<_>>();
        let fake = Fake::start(move |request| {
            let age = |query: &Query| if query.function.is_none() { region } else { function };
            Reply::page(request.queries.iter().map(|query| query.complete(point(age(query)))).collect())
        });
        let seen = fake.client().look(&ask(1)).await.observation;
        (seen.region.freshness, seen.functions[0].1.freshness)
    };
    assert_eq!(at(Some(3), Some(3)).await, (Freshness::Fresh, Freshness::Fresh));
    assert_eq!(at(Some(1), Some(30)).await, (Freshness::Fresh, Freshness::Fresh));
    assert_eq!(at(Some(3), None).await, (Freshness::Fresh, Freshness::Silent));
    assert_eq!(at(None, None).await, (Freshness::Silent, Freshness::Silent));
    assert_eq!(at(Some(8), Some(8)).await, (Freshness::Late(5), Freshness::Late(5)));
}

#[tokio::test]
async fn points_are_sorted_and_what_is_told_twice_counts_once() {
    let fake = Fake::start(|request| {
        let stamps = [4, 9, 3, 9, 5].map(|age| ((NOW.0 - age) * 60, 2.0));
        Reply::page(request.queries.iter().map(|query| query.complete(stamps.to_vec())).collect())
    });
    let seen = fake.client().look(&ask(1)).await.observation;
    let told: Vec<_> =
        seen.functions[0].1.minutes.iter().map(|(at, point)| (NOW.since(*at), point.invocations)).collect();
    assert_eq!(told, [(9, 2), (5, 2), (4, 2), (3, 2)]);
}

#[tokio::test]
async fn what_one_metric_lacks_in_a_minute_was_nothing_to_report() {
    let fake = Fake::start(|request| {
        let points = |query: &Query| match query.metric.as_str() {
            "ConcurrentExecutions" => vec![(SETTLED.0 * 60, 3.0), (SETTLED.0 * 60 + 60, 4.0)],
            "Invocations" => vec![(SETTLED.0 * 60, 1.0)],
            _ => Vec::new(),
        };
        Reply::page(request.queries.iter().map(|query| query.complete(points(query))).collect())
    });
    let seen = fake.client().look(&ask(0)).await.observation;
    let running = Point { concurrency_max: 4, ..Point::default() };
    let ran = Point { invocations: 1, concurrency_max: 3, ..Point::default() };
    assert_eq!(seen.region.minutes, [(SETTLED, ran), (SETTLED.plus(1), running)]);
}

#[tokio::test]
async fn the_proof_is_one_query() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let proofs = fake.client().prove().await;
    assert_eq!(proofs[0].granted, Granted::Yes, "{proofs:?}");
    assert_eq!(proofs[0].action, "cloudwatch:GetMetricData");
    let seen = fake.seen();
    assert_eq!((seen.len(), seen[0].queries.len()), (1, 1));
    assert_eq!(seen[0].end - seen[0].start, 60);

    let denied = Fake::start(|_| Reply::Error { status: 403, code: "AccessDenied" });
    let proofs = denied.client().prove().await;
    assert!(proofs[0].granted == Granted::No && proofs[0].detail.starts_with("AccessDenied: "), "{proofs:?}");

    let forbidden = Fake::start(|request| {
        Reply::page(request.queries.iter().map(|query| query.with_status("Forbidden", Vec::new())).collect())
    });
    assert_eq!(forbidden.client().prove().await[0].detail, "the answer is Forbidden");
}

#[tokio::test]
async fn ids_are_unique_within_every_call() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    fake.client().look(&ask(130)).await;
    for request in fake.seen() {
        let ids: BTreeSet<&String> = request.queries.iter().map(|query| &query.id).collect();
        assert_eq!(ids.len(), request.queries.len());
    }
}

/// Three minutes of invocations, and events received in the first of them and in the one before.
fn with_received(query: &Query) -> Vec<(i64, f64)> {
    let told = |ages: &[i64]| ages.iter().map(|age| ((NOW.0 - age) * 60, 4.0)).collect();
    match query.metric.as_str() {
        "AsyncEventsReceived" => told(&[6, 5]),
        "Invocations" => told(&[5, 4, 3]),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn of_a_function_that_only_events_invoke_it_is_read_what_its_queue_received() {
    let fake = Fake::start(|request| {
        Reply::page(request.queries.iter().map(|query| query.complete(with_received(query))).collect())
    });
    let look = fake.client().look(&Ask { received: vec![name(1)], ..ask(2) }).await;
    assert_eq!((look.problems, look.metrics), (Vec::new(), 14), "one call, and one metric more");
    let counts = |series: usize| -> Vec<(i64, u64, Option<u64>)> {
        let minutes = &look.observation.functions[series].1.minutes;
        minutes.iter().map(|(at, point)| (NOW.since(*at), point.invocations, point.async_received)).collect()
    };
    assert_eq!(counts(0), [(5, 4, None), (4, 4, None), (3, 4, None)]);
    let expected = [(6, 0, Some(4)), (5, 4, Some(4)), (4, 4, Some(0)), (3, 4, Some(0))];
    assert_eq!(counts(1), expected, "received before it ran, and nothing received while retries run");
    assert!(look.observation.region.minutes.iter().all(|(_, point)| point.async_received.is_none()));
}

#[tokio::test]
async fn where_it_is_not_told_what_a_queue_received_that_alone_is_unknown() {
    let fake = Fake::start(|request| {
        let answer = |query: &Query| match query.metric.as_str() {
            "AsyncEventsReceived" => query.with_status("InternalError", Vec::new()),
            _ => query.complete(with_received(query)),
        };
        Reply::page(request.queries.iter().map(answer).collect())
    });
    let look = fake.client().look(&Ask { received: vec![name(0)], ..ask(1) }).await;
    assert!(reasons(&look).contains("fn-00000"), "{}", reasons(&look));
    let series = &look.observation.functions[0].1;
    assert_eq!((series.freshness, series.minutes.len()), (Freshness::Fresh, 3));
    assert!(series.minutes.iter().all(|(_, point)| point.async_received.is_none()));
}

#[test]
fn what_queues_received_goes_along_in_calls_that_have_room() {
    let functions = (0..150).map(Subject::Function).chain((0..150).map(Subject::Received));
    let subjects: Vec<Subject> = functions.collect();
    let sizes: Vec<usize> =
        batches(&subjects, Span::minutes(FROM, NOW)).iter().map(|batch| batch.metrics()).collect();
    assert_eq!(sizes, [500, 400], "150 × 5 and 150 × 1");
}
