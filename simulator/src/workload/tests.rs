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
fn memory_is_the_next_whole_megabyte_within_lambdas_limits() {
    let mb = |milli| {
        memory_mb(&TraceFunction { peak_memory_milli_mb: milli, ..traced("a", Trigger::Http, vec![]) })
    };
    assert_eq!([mb(0), mb(128_000), mb(129_000), mb(129_001), mb(1_769_000)], [128, 128, 129, 130, 1769]);
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
fn a_minute_that_the_file_has_not_is_not_zero() {
    let workload = workload(vec![traced("a", Trigger::Event, vec![Some(3), None, Some(0)])]);
    let counts = &workload.traffic[0].counts;
    assert_eq!((0..4).map(|minute| counts.at(minute)).collect::<Vec<_>>(), [Some(3), None, Some(0), None]);
    assert_eq!(counts.known().collect::<Vec<_>>(), [3, 0]);
    assert_eq!((workload.invocations(), workload.end()), (3, Minute(3)));
}

#[test]
fn only_the_functions_asked_for_are_kept() {
    let mut workload =
        workload(vec![traced("a", Trigger::Http, vec![Some(1)]), traced("b", Trigger::Queue, vec![Some(1)])]);
    assert_eq!(workload.keep("queue-*"), 1);
    assert_eq!(workload.inventory.functions[0].name, workload.traffic[0].name);
    assert_eq!(workload.keep("none"), 0);
}

#[test]
fn a_count_of_any_size_is_kept_and_scaled() {
    let most = u64::from(u32::MAX);
    let counts = vec![Some(most - 2), Some(most - 1), None, Some(most), Some(1_000_000_000_000)];
    let mut workload = workload(vec![traced("a", Trigger::Http, counts.clone())]);
    let kept: Vec<Option<u64>> = (0..5).map(|minute| workload.traffic[0].counts.at(minute)).collect();
    assert_eq!(kept, counts);
    workload.scale(0.5);
    let scaled = &workload.traffic[0].counts;
    assert_eq!([scaled.at(2), scaled.at(4), scaled.at(5)], [None, Some(500_000_000_000), None]);
    assert_eq!(scaled.known().count(), 4);
}
