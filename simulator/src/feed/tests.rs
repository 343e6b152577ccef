use super::*;
use crate::trace::{Trace, TraceFunction, Trigger};

fn workload(first: Minute, counts: Vec<Vec<Option<u64>>>) -> Workload {
    let minutes = counts[0].len();
    let functions = counts
        .into_iter()
        .enumerate()
        .map(|(index, invocations)| TraceFunction {
            id: format!("{index}"),
            trigger: Trigger::Http,
            invocations,
            mean_us: 1000,
            longest_us: 1000,
            peak_memory_milli_mb: 1,
        })
        .collect();
    let trace = Trace { title: String::new(), first, minutes, functions, remarks: vec![] };
    Workload::new(&trace, "us-east-1")
}

fn minutes_of(series: &Series) -> Vec<(i64, u64)> {
    series.minutes.iter().map(|(minute, point)| (minute.0, point.invocations)).collect()
}

#[test]
fn a_look_holds_no_minute_younger_than_the_lag() {
    let workload = workload(Minute(0), vec![(1..=20).map(Some).collect()]);
    let feed = Feed::new(&workload, 180, 7);
    let ticks: Vec<i64> = feed.ticks().map(|tick| tick.0).collect();
    assert_eq!(ticks, (3..23).collect::<Vec<_>>());
    assert_eq!(minutes_of(&feed.observe(Minute(3)).region), [(0, 1)]);
    let later = feed.observe(Minute(12));
    assert_eq!(later.at, Minute(12).start());
    assert_eq!(minutes_of(&later.region), (3..=9_i64).map(|m| (m, m.unsigned_abs() + 1)).collect::<Vec<_>>());
    assert_eq!(minutes_of(&later.functions[0].1), minutes_of(&later.region));
}

#[test]
fn a_lag_of_part_of_a_minute_counts_as_a_whole_one() {
    let workload = workload(Minute(0), vec![vec![Some(1); 3]]);
    assert_eq!(Feed::new(&workload, 61, 7).ticks().next(), Some(Minute(2)));
    assert_eq!(Feed::new(&workload, 60, 7).ticks().next(), Some(Minute(1)));
}

#[test]
fn a_minute_the_file_leaves_out_is_unknown_and_a_quiet_one_is_silent() {
    let workload = workload(
        Minute(0),
        vec![vec![Some(0), Some(0), None, Some(4)], vec![Some(0), Some(2), Some(3), Some(1)]],
    );
    let feed = Feed::new(&workload, 60, 7);
    let freshness = |tick: i64| {
        let look = feed.observe(Minute(tick));
        (look.region.freshness, look.functions[0].1.freshness, look.functions[1].1.freshness)
    };
    assert_eq!(freshness(1), (Freshness::Silent, Freshness::Silent, Freshness::Silent));
    assert_eq!(freshness(2), (Freshness::Fresh, Freshness::Silent, Freshness::Fresh));
    assert_eq!(freshness(3), (Freshness::Unknown, Freshness::Unknown, Freshness::Fresh));
    assert_eq!(minutes_of(&feed.observe(Minute(4)).region), [(1, 2), (3, 5)]);
}

#[test]
fn the_regions_concurrency_is_the_sum_of_its_functions() {
    let workload = workload(Minute(0), vec![vec![Some(1)], vec![Some(1)], vec![Some(0)]]);
    let point = Feed::new(&workload, 60, 7).observe(Minute(1)).region.minutes[0].1;
    assert_eq!((point.invocations, point.concurrency_max, point.duration_us), (2, 2, 2000));
}
