//! Calls that fail, pages that lack, values that cannot be: unknown for what they concern, and for nothing else.

use std::time::{Duration, Instant};

use super::*;

/// How one function fares while the rest is well.
fn freshness(look: &Look, place: usize) -> Freshness {
    look.observation.of(&name(place)).unwrap().freshness
}

/// A look at three functions, where queries of the second are answered by `answer`.
async fn where_one(answer: impl Fn(&Query) -> Option<Answer> + Send + Sync + 'static) -> Look {
    let fake = Fake::start(move |request| {
        let rest = quiet(request).into_iter();
        let answers = rest.zip(&request.queries).filter_map(|(well, query)| {
            if query.function.as_deref() == Some("fn-00001") { answer(query) } else { Some(well) }
        });
        Reply::page(answers.collect())
    });
    let look = fake.client().look(&ask(3)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Fresh);
    for place in [0, 2] {
        let series = look.observation.of(&name(place)).unwrap();
        assert_eq!((series.freshness, &*series.minutes), (Freshness::Fresh, &[(SETTLED, POINT)][..]));
    }
    look
}

#[tokio::test]
async fn a_status_other_than_complete_makes_that_function_unknown() {
    for status in ["PartialData", "InternalError", "Forbidden", "SomethingNew"] {
        let look = where_one(move |query| {
            let points = vec![(SETTLED.0 * 60, 4.0)];
            let is_hit = query.metric == "Duration";
            Some(if is_hit { query.with_status(status, points) } else { query.complete(points) })
        })
        .await;
        let series = look.observation.of(&name(1)).unwrap();
        assert_eq!((series.freshness, &*series.minutes), (Freshness::Unknown, &[][..]));
        let told = format!("cloudwatch:GetMetricData: 1 series unknown, fn-00001 first: status {status}\n");
        assert_eq!(reasons(&look), told);
    }
}

#[tokio::test]
async fn a_query_without_result_or_status_makes_that_function_unknown() {
    let missing = where_one(|query| (query.metric != "Throttles").then(|| query.complete(Vec::new()))).await;
    assert_eq!(freshness(&missing, 1), Freshness::Unknown);
    let told =
        "cloudwatch:GetMetricData: 1 series unknown, fn-00001 first: no result, or one without a status\n";
    assert_eq!(reasons(&missing), told);
    let silent = where_one(|query| Some(Answer { status: None, ..query.complete(Vec::new()) })).await;
    assert_eq!((freshness(&silent, 1), &*reasons(&silent)), (Freshness::Unknown, told));
}

#[tokio::test]
async fn a_value_that_cannot_be_makes_that_function_unknown_and_is_told() {
    let bad = [f64::NAN, -1.0, -0.2, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9.1e15];
    for metric in METRICS.map(|(metric, _)| metric) {
        for value in bad {
            let look = where_one(move |query| {
                let value = if query.metric == metric { value } else { 1.0 };
                Some(query.complete(vec![(SETTLED.0 * 60, value)]))
            })
            .await;
            assert_eq!(freshness(&look, 1), Freshness::Unknown, "{metric} {value}");
            assert!(reasons(&look).contains(&format!("a value of {metric} that")), "{}", reasons(&look));
        }
    }
    let many = where_one(|query| {
        let value = if query.metric == "ConcurrentExecutions" { 4_294_967_296.0 } else { 1.0 };
        Some(query.complete(vec![(SETTLED.0 * 60, value)]))
    })
    .await;
    assert_eq!(freshness(&many, 1), Freshness::Unknown);
}

#[tokio::test]
async fn a_point_of_another_time_than_was_asked_for_is_no_answer() {
    for stamp in [FROM.0 * 60 - 60, NOW.0 * 60, SETTLED.0 * 60 + 1] {
        let look = where_one(move |query| Some(query.complete(vec![(stamp, 1.0)]))).await;
        assert_eq!(freshness(&look, 1), Freshness::Unknown);
        assert!(reasons(&look).contains("points of other times"));
    }
}

#[tokio::test]
async fn pages_are_put_together() {
    let fake = Fake::start(|request| {
        let old = |query: &Query| query.with_status("PartialData", vec![((NOW.0 - 9) * 60, 2.0)]);
        match request.token.as_deref() {
            None => Reply::Page {
                results: request.queries.iter().map(old).collect(),
                token: Some("more".to_owned()),
                message: None,
            },
            Some(token) => {
                assert_eq!(token, "more");
                Reply::page(quiet(request))
            }
        }
    });
    let look = fake.client().look(&ask(2)).await;
    assert_eq!(look.problems, []);
    assert_eq!(look.metrics, 2 * (3 + 2 * 5), "each page is counted in full");
    assert_eq!(freshness(&look, 0), Freshness::Fresh);
    let minutes = &look.observation.of(&name(1)).unwrap().minutes;
    assert_eq!(minutes.iter().map(|(at, _)| NOW.since(*at)).collect::<Vec<_>>(), [9, 3]);
    let [first, second] = &fake.seen()[..] else { panic!("two pages") };
    assert_eq!((first.start, first.end, &first.queries), (second.start, second.end, &second.queries));
}

#[tokio::test]
async fn an_internal_error_is_not_mended_by_a_later_page() {
    let fake = Fake::start(|request| match request.token {
        None => Reply::Page {
            results: request.queries.iter().map(|query| query.with_status("InternalError", vec![])).collect(),
            token: Some("more".to_owned()),
            message: None,
        },
        Some(_) => Reply::page(quiet(request)),
    });
    let look = fake.client().look(&ask(1)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Unknown);
    assert_eq!(freshness(&look, 0), Freshness::Unknown);
    assert!(reasons(&look).contains("2 series unknown, the region first: status InternalError"));
}

#[tokio::test]
async fn a_page_that_fails_makes_its_call_unknown_and_no_other() {
    let fake = Fake::start(|request| {
        let is_hit = request.queries.iter().any(|query| query.function.as_deref() == Some("fn-00150"));
        match (is_hit, &request.token) {
            (false, _) => Reply::page(quiet(request)),
            (true, None) => {
                let results = quiet(request);
                Reply::Page { results, token: Some("more".to_owned()), message: None }
            }
            (true, Some(_)) => Reply::Error { status: 400, code: "InvalidNextToken" },
        }
    });
    let look = fake.client().look(&ask(250)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Fresh);
    for (place, (_, series)) in look.observation.functions.iter().enumerate() {
        let is_hit = (99..199).contains(&place);
        let wanted = if is_hit { Freshness::Unknown } else { Freshness::Fresh };
        assert_eq!(series.freshness, wanted, "{place}");
        assert_eq!(series.minutes.is_empty(), is_hit);
    }
    assert_eq!(look.metrics, 1253 + 500);
    assert_eq!(look.problems.len(), 1);
    let told = reasons(&look);
    assert!(
        told.starts_with("cloudwatch:GetMetricData: 1 call failed, 100 series unknown; the first: "),
        "{told}"
    );
    assert!(told.contains("InvalidNextToken"), "{told}");
}

#[tokio::test]
async fn pages_without_end_are_unknown() {
    let same = Fake::start(|request| Reply::Page {
        results: quiet(request),
        token: Some("again".to_owned()),
        message: None,
    });
    let look = same.client().look(&ask(0)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Unknown);
    assert_eq!(look.metrics, 2 * 3);
    assert!(reasons(&look).contains("page 2 of a call points to itself"));
    let ever = Fake::start(|request| Reply::Page {
        results: quiet(request),
        token: Some(request.number.to_string()),
        message: None,
    });
    let look = ever.client().look(&ask(0)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Unknown);
    assert_eq!((ever.seen().len(), look.metrics), (20, 20 * 3));
    assert!(reasons(&look).contains("more than 20 pages"));
}

#[tokio::test]
async fn throttling_is_tried_again_by_the_sdk_and_then_unknown() {
    for (status, code) in [(429, "ThrottlingException"), (400, "Throttling"), (500, "InternalServiceFault")] {
        let once = Fake::start(move |request| match request.number {
            0 => Reply::Error { status, code },
            _ => Reply::page(quiet(request)),
        });
        let calls = Calls::default();
        let look = once.client_counting(calls.clone()).look(&ask(1)).await;
        assert_eq!((look.problems.len(), freshness(&look, 0)), (0, Freshness::Fresh), "{code}");
        assert_eq!(calls.take().values().sum::<u64>(), 2);

        let always = Fake::start(move |_| Reply::Error { status, code });
        let look = always.client().look(&ask(1)).await;
        assert_eq!(always.seen().len(), 3, "{code}: as often as the SDK is told");
        assert_eq!(
            (look.observation.region.freshness, freshness(&look, 0)),
            (Freshness::Unknown, Freshness::Unknown)
        );
        assert!(reasons(&look).contains(code), "{}", reasons(&look));
        assert!(!reasons(&look).trim_end().contains('\n'), "in one line");
    }
}

#[tokio::test]
async fn a_body_that_is_no_cbor_is_unknown() {
    let fake = Fake::start(|_| Reply::Garbage);
    let look = fake.client().look(&ask(1)).await;
    assert_eq!(
        (look.observation.region.freshness, freshness(&look, 0)),
        (Freshness::Unknown, Freshness::Unknown)
    );
    assert_eq!(look.problems.len(), 1, "{}", reasons(&look));
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up_after_the_time_out() {
    let fake = Fake::start(|_| Reply::Stall(Duration::from_secs(30)));
    let began = Instant::now();
    let client = fake.client_waiting(Duration::from_millis(300), Calls::default());
    let look = client.look(&ask(1)).await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(
        (look.observation.region.freshness, freshness(&look, 0)),
        (Freshness::Unknown, Freshness::Unknown)
    );
    assert!(reasons(&look).contains("1 call failed, 2 series unknown"), "{}", reasons(&look));
    assert!(reasons(&look).contains("timeout"), "{}", reasons(&look));
}

#[tokio::test]
async fn where_the_regions_call_fails_a_busy_function_speaks_for_itself() {
    let fake = Fake::start(|request| {
        let quiet = quiet(request).into_iter().zip(&request.queries);
        let told = quiet.map(|(well, query)| match query.function.as_deref() {
            None => query.with_status("InternalError", Vec::new()),
            Some("fn-00000") => well,
            Some(_) => query.complete(Vec::new()),
        });
        Reply::page(told.collect())
    });
    let look = fake.client().look(&ask(2)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Unknown);
    assert_eq!((freshness(&look, 0), freshness(&look, 1)), (Freshness::Fresh, Freshness::Unknown));
}

#[tokio::test]
async fn messages_are_passed_on_once() {
    let fake = Fake::start(|request| {
        let said = Some(("ArithmeticError", "One or more data-points have\nbeen dropped"));
        let results = quiet(request).into_iter().map(|answer| Answer { message: said, ..answer });
        Reply::Page {
            results: results.collect(),
            token: None,
            message: Some(("MaxMetricsExceeded", "too many")),
        }
    });
    let look = fake.client().look(&ask(3)).await;
    assert_eq!(look.observation.region.freshness, Freshness::Fresh);
    let told = "cloudwatch:GetMetricData: message ArithmeticError: One or more data-points have been dropped\n\
                cloudwatch:GetMetricData: message MaxMetricsExceeded: too many\n";
    assert_eq!(reasons(&look), told);
}
