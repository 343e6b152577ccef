use super::*;

fn traced(id: &str, trigger: Trigger, counts: Vec<Option<u64>>) -> TraceFunction {
    TraceFunction {
        id: id.to_owned(),
        trigger,
        invocations: counts,
        mean_us: 1_000_000,
        longest_us: 2_000_000,
        peak_memory_milli_mb: 200_000,
    }
}

fn workload(functions: Vec<TraceFunction>) -> Workload {
    let minutes = functions[0].invocations.len();
    let trace = Trace { title: String::new(), first: Minute(0), minutes, functions, remarks: vec![] };
    Workload::new(&trace, "us-east-1")
}

#[test]
fn memory_is_the_next_step_above_the_peak_within_lambdas_limits() {
    let mb = |milli| {
        memory_mb(&TraceFunction { peak_memory_milli_mb: milli, ..traced("a", Trigger::Http, vec![]) })
    };
    assert_eq!([mb(0), mb(128_000), mb(128_001), mb(192_000), mb(192_001)], [128, 128, 192, 192, 256]);
    assert_eq!([mb(10_240_000), mb(10_240_001), mb(u64::MAX / 2)], [10_240, 10_240, 10_240]);
}

#[test]
fn the_timeout_is_the_next_usual_one_above_the_longest_run() {
    let seconds = |us| timeout_s(&TraceFunction { longest_us: us, ..traced("a", Trigger::Http, vec![]) });
    assert_eq!([seconds(0), seconds(3_000_000), seconds(3_000_001)], [3, 3, 10]);
    assert_eq!([seconds(900_000_000), seconds(900_000_001)], [900, 900]);
}

#[test]
fn a_trigger_becomes_the_event_source_that_is_nearest_on_lambda() {
    let made = |trigger| function(&"f".into(), &traced("a", trigger, vec![]));
    let http = made(Trigger::Http);
    assert!(http.synchronous && http.asynchronous.is_none() && http.mappings.is_empty());
    let queue = made(Trigger::Queue);
    assert!(!queue.synchronous && queue.asynchronous.is_none());
    assert!(matches!(queue.mappings[0].source, EventSource::Sqs { max_receive_count: Some(5), .. }));
    for trigger in [Trigger::Event, Trigger::Storage, Trigger::Orchestration, Trigger::Timer, Trigger::Others]
    {
        let function = made(trigger);
        assert!(!function.synchronous && function.asynchronous.is_some() && function.mappings.is_empty());
    }
}

#[test]
fn names_take_as_many_digits_as_tell_functions_apart() {
    let names = |ids: [&str; 2]| {
        let functions = ids.map(|id| traced(id, Trigger::Http, vec![]));
        super::names(&functions).iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(["0123456789a", "1123456789a"]), ["http-0123456789", "http-1123456789"]);
    assert_eq!(names(["0123456789a", "0123456789b"]), ["http-0123456789a", "http-0123456789b"]);
}

#[test]
fn short_invocations_overlap_by_littles_law_and_long_ones_all() {
    let counts = [Some(1), Some(60), None, Some(3)];
    let at = |index, us| concurrency(&counts, index, us);
    assert_eq!([at(0, 1), at(1, 1_000_000), at(1, 1_000_001), at(1, 60_000_000)], [1, 1, 2, 60]);
    assert_eq!([at(1, 60_000_001), at(3, 120_000_001), at(3, 240_000_000)], [61, 63, 64]);
    assert_eq!(concurrency(&[Some(0)], 0, 1), 0);
}

#[test]
fn a_minute_sums_its_invocations_at_the_mean_duration() {
    let workload = workload(vec![traced("a", Trigger::Event, vec![Some(3), None, Some(0)])]);
    let expected = Point {
        invocations: 3,
        duration_us: 3_000_000,
        concurrency_max: 1,
        async_received: Some(3),
        ..Point::default()
    };
    assert_eq!(workload.traffic[0].points[..2], [Some(expected), None]);
    assert_eq!((workload.invocations(), workload.end(), workload.known_minutes()), (3, Minute(3), 2));
}

#[test]
fn a_flood_adds_to_one_function_for_its_minutes_only() {
    let mut workload = workload(vec![
        traced("a", Trigger::Http, vec![Some(1), Some(1), Some(1), None, Some(1)]),
        traced("b", Trigger::Http, vec![Some(1); 5]),
    ]);
    let flood: Flood = "*-a@00:01+3=100".parse().unwrap();
    assert_eq!(workload.add(&flood), Ok("http-a".into()));
    let counts: Vec<Option<u64>> =
        workload.traffic[0].points.iter().map(|p| p.map(|p| p.invocations)).collect();
    assert_eq!(counts, [Some(1), Some(101), Some(101), None, Some(1)]);
    assert_eq!(workload.traffic[0].points[1].unwrap().duration_us, 101_000_000);
    assert_eq!(workload.traffic[1].invocations(), 5);
}

#[test]
fn a_flood_on_no_function_or_on_two_or_too_late_is_refused() {
    let mut workload =
        workload(vec![traced("a", Trigger::Http, vec![Some(1)]), traced("b", Trigger::Http, vec![Some(1)])]);
    let mut refusal = |text: &str| workload.add(&text.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(refusal("x@00:00+1=1"), "\"x\" fits 0 functions; a flood needs exactly one");
    assert_eq!(
        refusal("*@00:00+1=1"),
        "\"*\" fits 2 functions (http-a, http-b …); a flood needs exactly one"
    );
    assert_eq!(
        refusal("http-a@00:01+1=1"),
        "the flood would begin at 1970-01-01 00:01 UTC, after the end of the trace"
    );
}

#[test]
fn only_the_functions_asked_for_are_kept() {
    let mut workload =
        workload(vec![traced("a", Trigger::Http, vec![Some(1)]), traced("b", Trigger::Queue, vec![Some(1)])]);
    assert_eq!(workload.keep("queue-*"), 1);
    assert_eq!(workload.inventory.functions[0].name, workload.traffic[0].name);
    assert_eq!(workload.keep("none"), 0);
}
