//! Functions at which a look only glances: their durations, and of some their invocations and their concurrency.

use super::*;
use crate::ports::Glanced;

const DURATION: (&str, &str) = ("Duration", "Sum");
const INVOCATIONS: (&str, &str) = ("Invocations", "Sum");
const CONCURRENCY: (&str, &str) = ("ConcurrentExecutions", "Maximum");

/// A glance at a function.
fn glanced(place: usize, invocations: bool, concurrency: bool) -> Glanced {
    Glanced { name: name(place), invocations, concurrency }
}

/// Freshness of the region and of the one function at which a look glances, by the age of their points. Where there is
/// no answer for the region, its age is `Err`.
async fn fresh(region: Result<Option<i64>, ()>, function: Option<i64>) -> (Freshness, Freshness) {
    let fake = Fake::start(move |request| {
        let point = |age: Option<i64>| age.map(|age| ((NOW.0 - age) * 60, 7.0)).into_iter().collect();
        let answer = |query: &Query| match (&query.function, region) {
            (Some(_), _) => query.complete(point(function)),
            (None, Ok(age)) => query.complete(point(age)),
            (None, Err(())) => query.with_status("InternalError", Vec::new()),
        };
        Reply::page(request.queries.iter().map(answer).collect())
    });
    let seen =
        fake.client().look(&Ask { glance: vec![glanced(0, false, false)], ..ask(0) }).await.observation;
    (seen.region.freshness, seen.glances[0].1.freshness)
}

#[tokio::test]
async fn a_glance_asks_for_durations_alone_and_where_told_for_invocations_and_concurrency() {
    let fake = Fake::start(|request| Reply::page(quiet(request)));
    let glance = vec![
        glanced(1, false, false),
        glanced(2, true, false),
        glanced(3, false, true),
        glanced(4, true, true),
    ];
    let look = fake.client().look(&Ask { glance, ..ask(1) }).await;
    let [request] = &fake.seen()[..] else { panic!("one call is enough") };
    let wanted = [
        wanted_of_all(1, &METRICS),
        wanted(Some(1), &[DURATION]),
        wanted(Some(2), &[DURATION, INVOCATIONS]),
        wanted(Some(3), &[DURATION, CONCURRENCY]),
        wanted(Some(4), &[DURATION, INVOCATIONS, CONCURRENCY]),
    ];
    assert_eq!(asked(request), wanted.concat());
    assert!(request.queries.iter().all(|query| query.period == 60));
    assert_eq!((look.problems, look.metrics), (Vec::new(), 3 + 5 + 1 + 2 + 2 + 3));

    let seen = look.observation;
    assert_eq!(seen.region.minutes, [(SETTLED, REGION)]);
    let in_focus: Vec<_> = seen.functions.into_iter().map(|(name, series)| (name, series.minutes)).collect();
    assert_eq!(in_focus, [(name(0), vec![(SETTLED, POINT)])]);
    let ran = Point { duration_us: POINT.duration_us, ..Point::default() };
    let (invocations, concurrency_max) = (POINT.invocations, POINT.concurrency_max);
    let points = [
        ran,
        Point { invocations, ..ran },
        Point { concurrency_max, ..ran },
        Point { invocations, concurrency_max, ..ran },
    ];
    let told: Vec<_> =
        seen.glances.into_iter().map(|(name, series)| (name, series.freshness, series.minutes)).collect();
    let all = (1..).zip(points).map(|(place, point)| (name(place), Freshness::Fresh, vec![(SETTLED, point)]));
    assert_eq!(told, all.collect::<Vec<_>>());

    assert_eq!(fresh(Ok(Some(3)), Some(3)).await, (Freshness::Fresh, Freshness::Fresh));
    assert_eq!(fresh(Ok(Some(1)), Some(30)).await, (Freshness::Fresh, Freshness::Fresh));
    assert_eq!(fresh(Ok(Some(3)), None).await, (Freshness::Fresh, Freshness::Silent));
    assert_eq!(fresh(Ok(None), None).await, (Freshness::Silent, Freshness::Silent));
    assert_eq!(fresh(Ok(Some(8)), Some(8)).await, (Freshness::Late(5), Freshness::Late(5)));
    assert_eq!(fresh(Err(()), Some(3)).await, (Freshness::Unknown, Freshness::Fresh));
    assert_eq!(fresh(Err(()), Some(4)).await, (Freshness::Unknown, Freshness::Unknown));
    assert_eq!(fresh(Err(()), None).await, (Freshness::Unknown, Freshness::Unknown));
}

/// Everybody in focus is as well as ever.
fn assert_focus_is_well(look: &Look, focus: usize) {
    let seen = &look.observation;
    assert_eq!((seen.region.freshness, &*seen.region.minutes), (Freshness::Fresh, &[(SETTLED, REGION)][..]));
    assert_eq!(seen.functions.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names(focus));
    for (_, series) in &seen.functions {
        assert_eq!((series.freshness, &*series.minutes), (Freshness::Fresh, &[(SETTLED, POINT)][..]));
    }
}

#[tokio::test]
async fn a_glance_that_is_not_answered_is_unknown_and_leaves_the_focus_alone() {
    let told_of = |look: &Look| -> Vec<(FunctionName, Freshness, usize)> {
        let glances = look.observation.glances.iter();
        glances.map(|(name, series)| (name.clone(), series.freshness, series.minutes.len())).collect()
    };
    for (metric, _) in [DURATION, INVOCATIONS, CONCURRENCY] {
        for status in [Some("PartialData"), Some("InternalError"), Some("Forbidden"), None] {
            let fake = Fake::start(move |request| {
                let answers = quiet(request).into_iter().zip(&request.queries).filter_map(|(well, query)| {
                    let is_hit = query.function.as_deref() == Some("fn-00002") && query.metric == metric;
                    if is_hit {
                        status.map(|status| query.with_status(status, well.points))
                    } else {
                        Some(well)
                    }
                });
                Reply::page(answers.collect())
            });
            let glance = vec![glanced(2, true, true), glanced(3, true, true)];
            let look = fake.client().look(&Ask { glance, ..ask(2) }).await;
            assert_focus_is_well(&look, 2);
            let wanted = [(name(2), Freshness::Unknown, 0), (name(3), Freshness::Fresh, 1)];
            assert_eq!(told_of(&look), wanted, "{metric} {status:?}");
            let why = status
                .map_or("no result, or one without a status".to_owned(), |status| format!("status {status}"));
            let told = format!("cloudwatch:GetMetricData: 1 series unknown, fn-00002 first: {why}\n");
            assert_eq!(reasons(&look), told);
        }
    }

    // The region and 99 functions make 498 metrics: no glance of three goes with them.
    let fake = Fake::start(|request| {
        let is_hit = request.queries.iter().any(|query| query.function.as_deref() == Some("fn-00099"));
        if is_hit {
            Reply::Error { status: 400, code: "ValidationError" }
        } else {
            Reply::page(quiet(request))
        }
    });
    let glance = vec![glanced(99, true, true), glanced(100, false, false)];
    let look = fake.client().look(&Ask { glance, ..ask(99) }).await;
    assert_focus_is_well(&look, 99);
    assert_eq!(told_of(&look), [(name(99), Freshness::Unknown, 0), (name(100), Freshness::Unknown, 0)]);
    assert!(reasons(&look).contains("1 call failed, 2 series unknown"), "{}", reasons(&look));
    assert_eq!(look.metrics, 498 + 3 + 1);
}
