//! Whatever mixture of pages, statuses, orders, repetitions and odd values comes: what is missing is never zero.

use std::collections::BTreeMap;

use guard_core::observation::Series;
use proptest::prelude::*;

use super::*;

const FUNCTIONS: usize = 2;
const QUERIES: usize = SWEEP.len() + FUNCTIONS * METRICS.len();

/// What one page says of one query: status and points (minutes before now, value).
type Part = (&'static str, Vec<(i64, f64)>);

/// Pages of an answer, each with a part of some queries.
#[derive(Clone, Debug)]
struct Script {
    pages: Vec<Vec<Option<Part>>>,
    /// The page that fails, if it exists.
    lost: usize,
}

fn part() -> impl Strategy<Value = Option<Part>> {
    let status = prop_oneof![
        12 => Just("Complete"),
        2 => Just("PartialData"),
        1 => Just("InternalError"),
        1 => Just("Forbidden"),
    ];
    let value = prop_oneof![
        60 => (0_u32..9).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(-3.0),
        1 => Just(1e300),
    ];
    let age = prop_oneof![60 => 1_i64..=40, 1 => Just(0), 1 => Just(41)];
    let points = prop::collection::vec((age, value), 0..5);
    prop_oneof![1 => Just(None), 30 => (status, points).prop_map(Some)]
}

fn script() -> impl Strategy<Value = Script> {
    let page = prop::collection::vec(part(), QUERIES);
    (prop::collection::vec(page, 1..3), 0_usize..12).prop_map(|(pages, lost)| Script { pages, lost })
}

/// The points of one query, or nothing where they are not all known: worked out from the script alone.
fn known(script: &Script, query: usize) -> Option<Vec<(i64, f64)>> {
    let parts: Vec<&Part> = script.pages.iter().filter_map(|page| page[query].as_ref()).collect();
    let is_whole = parts.last().is_some_and(|(status, _)| *status == "Complete")
        && parts.iter().all(|(status, _)| ["Complete", "PartialData"].contains(status))
        && script.lost >= script.pages.len();
    let points: Vec<(i64, f64)> = parts.iter().flat_map(|(_, points)| points.clone()).collect();
    let is_sound = points.iter().all(|(age, value)| (1..=40).contains(age) && (0.0..100.0).contains(value));
    (is_whole && is_sound).then_some(points)
}

/// A subject's metrics, the region's first, and the place of their first query.
fn queries(subject: usize) -> (usize, &'static [(&'static str, &'static str)]) {
    match subject.checked_sub(1) {
        None => (0, &SWEEP),
        Some(function) => (SWEEP.len() + function * METRICS.len(), &METRICS),
    }
}

/// A subject's minutes by the script, in the order of `METRICS`, or nothing.
fn expected(script: &Script, subject: usize) -> Option<BTreeMap<Minute, [u64; 5]>> {
    let mut minutes: BTreeMap<Minute, [u64; 5]> = BTreeMap::new();
    let (first, metrics) = queries(subject);
    for (query, metric) in (first..).zip(metrics) {
        let place = METRICS.iter().position(|other| other == metric).unwrap();
        for (age, value) in known(script, query)? {
            let counts = minutes.entry(NOW.plus(-age)).or_default();
            let scale = if metric.0 == "Duration" { 1000.0 } else { 1.0 };
            let count: u64 = (value * scale).to_string().parse().unwrap();
            counts[place] = counts[place].max(count);
        }
    }
    Some(minutes)
}

fn told(series: &Series) -> BTreeMap<Minute, [u64; 5]> {
    let counts = |point: &Point| {
        let Point { invocations, errors, throttles, duration_us, concurrency_max, .. } = *point;
        [invocations, errors, throttles, duration_us, u64::from(concurrency_max)]
    };
    series.minutes.iter().map(|(at, point)| (*at, counts(point))).collect()
}

fn answer(script: &Script, request: &Request) -> Reply {
    let page: usize = request.token.as_ref().map_or(0, |token| token.parse().unwrap());
    if page == script.lost {
        return Reply::Error { status: 400, code: "ValidationError" };
    }
    let parts = request.queries.iter().zip(&script.pages[page]);
    let results = parts.filter_map(|(query, part)| {
        let (status, points) = part.as_ref()?;
        let points = points.iter().map(|(age, value)| ((NOW.0 - age) * 60, *value));
        Some(query.with_status(status, points.collect()))
    });
    let token = (page + 1 < script.pages.len()).then(|| (page + 1).to_string());
    Reply::Page { results: results.collect(), token, message: None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]
    #[test]
    fn what_is_missing_is_never_zero(script in script()) {
        let reply = script.clone();
        let fake = Fake::start(move |request| answer(&reply, request));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let look = runtime.block_on(fake.client().look(&ask(FUNCTIONS)));
        let seen = &look.observation;
        let present: Vec<FunctionName> = seen.functions.iter().map(|(name, _)| name.clone()).collect();
        prop_assert_eq!(present, names(FUNCTIONS));
        let all = std::iter::once(&seen.region).chain(seen.functions.iter().map(|(_, series)| series));
        let mut is_all_known = true;
        for (subject, series) in all.enumerate() {
            prop_assert!(series.minutes.is_sorted_by(|(a, _), (b, _)| a < b));
            match expected(&script, subject) {
                Some(minutes) => {
                    prop_assert_eq!(told(series), minutes);
                    let is_quiet = seen.region.freshness == Freshness::Unknown;
                    prop_assert!(is_quiet || series.freshness != Freshness::Unknown);
                }
                None => {
                    is_all_known = false;
                    prop_assert_eq!(series.freshness, Freshness::Unknown);
                    prop_assert_eq!(&series.minutes, &vec![]);
                }
            }
        }
        prop_assert_eq!(look.problems.is_empty(), is_all_known);
    }
}
