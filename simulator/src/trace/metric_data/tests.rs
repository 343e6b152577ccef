use super::*;

const FIXTURE: &str = include_str!("../../../tests/fixtures/get_metric_data.json");

const MEMORY: Fill = Fill { duration_us: None, memory_mb: Some(128) };
const ALL: Fill = Fill { duration_us: Some(1000), memory_mb: Some(128) };

fn parsed(text: &str, fill: Fill, hints: Hints) -> Result<Reading, String> {
    let input = Input::from_bytes("m.json", text.as_bytes()).unwrap();
    read(&input, fill, hints).map_err(|error| error.to_string())
}

/// A series as it is written.
type Written<'a> = (&'a str, &'a str, &'a [(u32, f64)], &'a str);

/// A file of results: id, label, points of minute (of 2026-11-02) and value, status.
fn output(results: &[Written<'_>]) -> String {
    let result = |(id, label, points, status): &Written<'_>| {
        let times: Vec<String> = points
            .iter()
            .map(|(minute, _)| format!("\"2026-11-02T{:02}:{:02}:00Z\"", minute / 60, minute % 60))
            .collect();
        let values: Vec<String> = points.iter().map(|(_, value)| format!("{value:?}")).collect();
        format!(
            "{{\"Id\":\"{id}\",\"Label\":\"{label}\",\"Timestamps\":[{}],\"Values\":[{}],\"StatusCode\":\"{status}\"}}",
            times.join(","),
            values.join(",")
        )
    };
    let results: Vec<String> = results.iter().map(result).collect();
    format!("{{\"MetricDataResults\":[{}],\"Messages\":[]}}\n", results.join(","))
}

fn counts(reading: &Reading, id: &str) -> Vec<Option<u64>> {
    reading.trace.functions.iter().find(|function| function.id == id).unwrap().invocations.clone()
}

#[test]
fn a_minute_without_a_point_is_zero_where_complete_and_unknown_where_not() {
    let reading = parsed(FIXTURE, MEMORY, Hints::default()).unwrap();
    assert_eq!(counts(&reading, "checkout"), [Some(12), Some(10), Some(2), Some(0), Some(40)]);
    assert_eq!(counts(&reading, "thumbnails"), [None, None, None, Some(5), Some(7)]);
    assert_eq!(reading.trace.first.start().to_rfc3339(), "2026-11-02T00:00:00+00:00");
    assert_eq!(reading.filled, Filled { durations: 0, memory: 2 });
    let told = &reading.trace.remarks;
    assert_eq!(told[0], "Not needed and left out: Errors.");
    assert_eq!(told[1], "thumbnails: StatusCode is PartialData, so 3 minutes stay unknown, not zero.");
}

#[test]
fn durations_are_means_over_all_invocations_whether_summed_or_averaged() {
    let reading = parsed(FIXTURE, MEMORY, Hints::default()).unwrap();
    let [checkout, thumbnails] = &reading.trace.functions[..] else { panic!("two functions") };
    // (4000 + 500.5 + 1234.25 + 1300) ms ÷ 64 = 109.91797 ms, rounded up to the microsecond; the longest minute: 500.5 ÷ 2.
    assert_eq!((checkout.mean_us, checkout.longest_us), (109_918, 250_250));
    // (7 × 100 + 5 × 220) ms ÷ 12.
    assert_eq!((thumbnails.mean_us, thumbnails.longest_us), (150_000, 220_000));
}

#[test]
fn every_status_but_complete_leaves_silence_unknown() {
    for status in ["PartialData", "InternalError", "Forbidden", "", "Completed"] {
        let text = output(&[
            ("a", "f Invocations", &[(0, 1.0), (2, 2.0)], status),
            ("b", "g Invocations", &[(1, 3.0)], "Complete"),
        ]);
        let reading = parsed(&text, ALL, Hints { period_min: Some(1), duration: None }).unwrap();
        assert_eq!(counts(&reading, "f"), [Some(1), None, Some(2)], "{status:?}");
        assert_eq!(counts(&reading, "g"), [Some(0), Some(3), Some(0)]);
        assert!(
            reading.trace.remarks.iter().any(|remark| remark.contains("stay unknown, not zero")),
            "{status:?}"
        );
    }
    let silent = output(&[
        ("a", "f Invocations", &[], "InternalError"),
        ("b", "g Invocations", &[(1, 3.0)], "Complete"),
    ]);
    assert_eq!(counts(&parsed(&silent, ALL, Hints::default()).unwrap(), "f"), [None]);
    let missing = silent.replace(",\"StatusCode\":\"Complete\"", "");
    assert!(
        parsed(&missing, ALL, Hints::default()).unwrap().trace.remarks[1].contains("StatusCode is missing")
    );
    let more = silent.replace("\"Messages\":[]", "\"NextToken\":\"t\"");
    assert!(
        parsed(&more, ALL, Hints::default()).unwrap().trace.remarks[0].starts_with("NextToken: more pages")
    );
}

#[test]
fn pages_of_one_series_are_put_together_and_the_last_status_counts() {
    fn page<'a>(points: &'a [(u32, f64)], status: &'a str) -> Written<'a> {
        ("m1", "f Invocations", points, status)
    }
    let text = output(&[page(&[(2, 3.0)], "PartialData"), page(&[(1, 2.0), (0, 1.0)], "Complete")]);
    let reading = parsed(&text, ALL, Hints::default()).unwrap();
    assert_eq!(counts(&reading, "f"), [Some(1), Some(2), Some(3)]);
    let text = output(&[page(&[(2, 3.0)], "Complete"), page(&[(0, 1.0)], "PartialData")]);
    let reading = parsed(&text, ALL, Hints { period_min: Some(1), duration: None }).unwrap();
    assert_eq!(counts(&reading, "f"), [Some(1), None, Some(3)]);
}

#[test]
fn epochs_and_zones_are_the_same_instants() {
    let text = output(&[("m1", "f Invocations", &[(0, 1.0), (1, 2.0)], "Complete")]);
    let expected = parsed(&text, ALL, Hints::default()).unwrap();
    let zone = text.replace("T00:00:00Z", "T01:30:00+01:30");
    let epoch = text.replace("\"2026-11-02T00:00:00Z\"", "1793577600");
    let float = text.replace("\"2026-11-02T00:00:00Z\"", "1793577600.0");
    for other in [zone, epoch, float] {
        assert_ne!(other, text);
        assert_eq!(parsed(&other, ALL, Hints::default()).unwrap(), expected);
    }
}

#[test]
fn coarse_periods_are_spread_evenly_and_lose_nothing() {
    let text = output(&[("m1", "f Invocations", &[(0, 7.0), (5, 0.0), (10, 10.0)], "Complete")]);
    let reading = parsed(&text, ALL, Hints::default()).unwrap();
    let spread = [1, 1, 2, 1, 2, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2].map(Some);
    assert_eq!(counts(&reading, "f"), spread);
    assert!(reading.trace.remarks[0].starts_with("Periods of 5 minutes"), "{:?}", reading.trace.remarks);
    let sparse = parsed(&text, ALL, Hints { period_min: Some(1), duration: None }).unwrap();
    assert_eq!(sparse.trace.minutes, 11);
    let odd = parsed(&text, ALL, Hints { period_min: Some(2), duration: None }).unwrap_err();
    assert_eq!(odd, "m.json: points are 5 minutes apart, which is no multiple of the 2 given");
}

#[test]
fn a_label_tells_metric_function_and_statistic_in_any_order() {
    let told = |label: &str, id: &str| {
        let reading = label::read(Some(label), id);
        (reading.metric, reading.function, reading.statistic)
    };
    let (count, time) = (Some(Metric::Invocations), Some(Metric::Duration));
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(told("Invocations", "m1"), (count, None, None));
    assert_eq!(told("fn Invocations", "m1"), (count, name("fn"), None));
    assert_eq!(told("Invocations: fn", "m1"), (count, name("fn"), None));
    assert_eq!(told("AWS/Lambda fn Duration Average", "m1"), (time, name("fn"), Some(Statistic::Average)));
    assert_eq!(told("Duration (Sum), fn:prod", "m1"), (time, name("fn:prod"), Some(Statistic::Sum)));
    // What the label leaves open, the id may say; a part of a word says nothing.
    assert_eq!(told("fn", "duration_sum"), (time, name("fn"), Some(Statistic::Sum)));
    assert_eq!(told("consumer Duration", "consumer"), (time, name("consumer"), None));
    assert_eq!(told("sum Duration", "m1"), (time, name("sum"), None));
    assert_eq!(told("Errors Duration", "m1"), (time, name("Errors"), None));
    // A mean of Invocations is always 1, and a percentile is no mean.
    assert!(matches!(told("fn Invocations Average", "m1").0, Some(Metric::Other(_))));
    assert!(matches!(told("fn Duration p99.9", "m1").0, Some(Metric::Other(_))));
    assert_eq!(told("fn", "m1"), (None, name("fn"), None));
}

#[test]
fn where_no_label_names_a_metric_all_are_invocations() {
    let text = output(&[("m1", "f", &[(0, 1.0)], "Complete"), ("m2", "g", &[(0, 2.0)], "Complete")]);
    let reading = parsed(&text, ALL, Hints::default()).unwrap();
    assert_eq!((counts(&reading, "f"), counts(&reading, "g")), (vec![Some(1)], vec![Some(2)]));
    assert_eq!(reading.trace.remarks[0], "No label names a metric: all series are taken as Invocations.");
}

#[test]
fn a_duration_that_may_be_a_sum_or_a_mean_is_not_guessed() {
    let text = |ms| {
        output(&[("m1", "Invocations", &[(0, 4.0)], "Complete"), ("m2", "Duration", &[(0, ms)], "Complete")])
    };
    let error = parsed(&text(100.0), ALL, Hints::default()).unwrap_err();
    assert!(error.starts_with("m.json: MetricDataResults[1]: is this Duration a sum or a mean?"), "{error}");
    let mean_us = |ms, duration| {
        let reading = parsed(&text(ms), ALL, Hints { period_min: None, duration });
        reading.map(|reading| reading.trace.functions[0].mean_us)
    };
    assert_eq!(mean_us(100.0, Some(Statistic::Sum)), Ok(25_000));
    assert_eq!(mean_us(100.0, Some(Statistic::Average)), Ok(100_000));
    assert_eq!(
        mean_us(100.0, Some(Statistic::Maximum)),
        Ok(1000),
        "a maximum is no mean: the one given stands in"
    );
    // No single run lasts longer than 15 minutes, so this is a sum.
    assert_eq!(mean_us(900_000.5, None), Ok(225_000_125));
    let error = mean_us(900_001.0, Some(Statistic::Average)).unwrap_err();
    assert_eq!(
        error,
        "m.json: MetricDataResults[1]: a mean or longest Duration above 15 minutes: is it a Sum?"
    );
}

#[test]
fn a_value_that_makes_no_sense_is_named_by_its_key() {
    let error = |text: &str| parsed(text, ALL, Hints::default()).unwrap_err();
    let text = output(&[("m1", "f Invocations", &[(0, 1.0), (1, 2.0)], "Complete")]);
    assert_eq!(
        error(&text.replace("2.0", "-2.0")),
        "m.json: MetricDataResults[0].Values[1]: -2 is not a number from 0 to 10^12"
    );
    assert_eq!(
        error(&text.replace("2.0", "2.5")),
        "m.json: MetricDataResults[0]: Invocations is not a whole number: ask for the statistic Sum"
    );
    assert_eq!(
        error(&text.replace(":01:00Z", ":01:07Z")),
        "m.json: MetricDataResults[0].Timestamps[1]: 2026-11-02T00:01:07Z is not the beginning of a minute from 1900 to 2199"
    );
    assert_eq!(
        error(&text.replace("1.0,2.0", "1.0")),
        "m.json: MetricDataResults[0]: 2 Timestamps and 1 Values: is it cut short?"
    );
    assert_eq!(
        error(&text.replace("T00:01:00Z", "T00:00:00Z")),
        "m.json: MetricDataResults[0].Timestamps[1]: another value has this time"
    );
    assert_eq!(
        error(&text.replace("2026-11-02T00:01", "2028-11-02T00:01")),
        "m.json: two timestamps are more than a year apart"
    );
    assert!(error("{\n\"MetricDataResults\": 5}\n").starts_with("m.json:2: not the JSON of `aws cloudwatch"));
    assert_eq!(
        error("{\"MetricDataResults\":[]}\n"),
        "m.json: no series of Invocations or Duration has a point"
    );
    let two = output(&[
        ("m1", "Invocations", &[(0, 1.0)], "Complete"),
        ("m2", "Invocations", &[(0, 2.0)], "Complete"),
    ]);
    assert!(
        error(&two).starts_with("m.json: MetricDataResults[1]: a second series of Invocations"),
        "{}",
        error(&two)
    );
    let many: Vec<String> = (0..500).map(|n| format!("fn{n} Invocations")).collect();
    let points: &[(u32, f64)] = &[(0, 1.0), (1, 1.0)];
    let wide: Vec<_> = many.iter().map(|label| ("m1", label.as_str(), points, "Complete")).collect();
    let wide = output(&wide).replace("2026-11-02T00:01", "2027-10-02T00:01");
    assert!(error(&wide).contains("500 functions × 480962 minutes are more than"), "{}", error(&wide));
}

#[test]
fn a_negative_zero_is_zero_and_messages_are_told() {
    let text = output(&[("m1", "f Invocations", &[(0, -0.0)], "Complete")]).replace(
        "\"Messages\":[]",
        "\"Messages\":[{\"Code\":\"MaxMetricsExceeded\",\"Value\":\"500 of 600\"}]",
    );
    let reading = parsed(&text, ALL, Hints::default()).unwrap();
    assert_eq!(counts(&reading, "f"), [Some(0)]);
    assert_eq!(reading.trace.remarks[0], "CloudWatch says: MaxMetricsExceeded 500 of 600");
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.trace.functions.iter().map(|function| function.id.as_str()).collect()
}

#[test]
fn each_series_has_its_own_period_and_those_of_a_function_the_same() {
    let text = output(&[
        ("a", "hourly Invocations", &[(60, 120.0), (120, 60.0)], "Complete"),
        ("b", "hourly Duration Sum", &[(60, 1200.0)], "Complete"),
        ("c", "minutely Invocations", &[(60, 1.0), (61, 2.0), (63, 3.0)], "Complete"),
        ("d", "five Invocations", &[(62, 5.0), (67, 10.0), (72, 5.0)], "Complete"),
        ("e", "twice Invocations", &[(67, 1.0), (127, 1.0)], "Complete"),
    ]);
    let reading = parsed(&text, ALL, Hints::default()).unwrap();
    assert_eq!(reading.trace.minutes, 120);
    assert_eq!(counts(&reading, "hourly"), [vec![Some(2); 60], vec![Some(1); 60]].concat());
    assert_eq!(counts(&reading, "minutely")[..5], [1, 2, 0, 3, 0].map(Some));
    assert_eq!(counts(&reading, "five")[..8], [0, 0, 1, 1, 1, 1, 1, 2].map(Some));
    // Two points an hour apart, off the hour, are two single minutes.
    assert_eq!(counts(&reading, "twice").iter().flatten().filter(|count| **count > 0).count(), 2);
    let told: Vec<&String> =
        reading.trace.remarks.iter().filter(|told| told.starts_with("Periods of")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("Periods of 5 minutes of five ")
            && told[1].starts_with("Periods of 60 minutes of hourly ")
    );
}

#[test]
fn an_alias_or_a_version_is_a_part_of_its_function_and_counts_only_where_the_function_is_not_there() {
    let one: &[(u32, f64)] = &[(0, 10.0)];
    let text = |labels: &[&str]| {
        let written: Vec<Written<'_>> =
            labels.iter().map(|label| (*label, *label, one, "Complete")).collect();
        output(&written)
    };
    let read = |labels: &[&str]| parsed(&text(labels), ALL, Hints::default());
    for part in [
        "f f:prod Invocations",
        "f:prod Invocations",
        "f:prod f Invocations",
        "f f:7 Invocations",
        "f f Invocations",
        "f f:prod 7 Invocations",
    ] {
        for labels in [["f Invocations", part], [part, "f Invocations"]] {
            let reading = read(&labels).unwrap();
            assert_eq!((names(&reading), reading.trace.invocations()), (vec!["f"], 10), "{labels:?}");
            assert!(reading.trace.remarks[0].contains("(a part of f"), "{:?}", reading.trace.remarks);
        }
    }
    let apart = read(&["f f:prod Invocations", "f f:7 Invocations", "g Invocations"]).unwrap();
    assert_eq!(names(&apart), ["f:7", "f:prod", "g"]);
    let versions =
        read(&["f f:prod Invocations", "f f:prod 7 Invocations", "f f:prod 8 Invocations"]).unwrap();
    assert_eq!(names(&versions), ["f:prod"]);
    let all = read(&["Invocations", "f Invocations", "g Invocations"]).unwrap();
    assert_eq!((names(&all), all.trace.invocations()), (vec!["f", "g"], 20));
    assert!(
        all.trace.remarks[0].contains("a series of no function (the sum of all functions)"),
        "{:?}",
        all.trace.remarks
    );
    // Names that begin alike are functions of their own.
    assert_eq!(names(&read(&["f Invocations", "f-prod Invocations", "f_7 Invocations"]).unwrap()).len(), 3);
    // A part's durations are not the function's.
    let text = output(&[
        ("a", "f Invocations", &[(0, 10.0)], "Complete"),
        ("b", "f Duration Average", &[(0, 5.0)], "Complete"),
        ("c", "f f:prod Invocations", &[(0, 1.0)], "Complete"),
        ("d", "f f:prod Duration Average", &[(0, 90.0)], "Complete"),
    ]);
    assert_eq!(parsed(&text, MEMORY, Hints::default()).unwrap().trace.functions[0].mean_us, 5000);
}

#[test]
fn a_metric_of_another_service_is_refused_by_its_name_and_left_out_beside_invocations() {
    let one: &[(u32, f64)] = &[(0, 10.0)];
    let read = |labels: &[&str]| {
        let written: Vec<Written<'_>> =
            labels.iter().map(|label| (*label, *label, one, "Complete")).collect();
        parsed(&output(&written), ALL, Hints::default())
    };
    for (labels, told) in [
        (&["NumberOfMessagesSent"][..], "NumberOfMessagesSent is a metric of SQS"),
        (
            &[
                "orders-queue ApproximateNumberOfMessagesVisible",
                "other-queue ApproximateNumberOfMessagesVisible",
            ],
            "SQS",
        ),
        (&["shop Count"], "Count is a metric of API Gateway"),
        (&["RequestCount"], "Elastic Load Balancing"),
        (&["ConsumedReadCapacityUnits"], "DynamoDB"),
        (&["AWS/Events rule Invocations"], "\"AWS/Events\" is a namespace of another service"),
        (&["EstimatedCharges"], "EstimatedCharges is not a metric of Lambda"),
    ] {
        let error = read(labels).unwrap_err();
        assert!(error.starts_with("m.json: MetricDataResults[0]: ") && error.contains(told), "{error}");
        assert!(error.ends_with("no count of invocations: ask for Invocations of AWS/Lambda"), "{error}");
    }
    let beside = read(&["f Invocations", "queue NumberOfMessagesSent"]).unwrap();
    assert_eq!((names(&beside), beside.trace.invocations()), (vec!["f"], 10));
    assert!(beside.trace.remarks[0].contains("Not needed and left out"));
    // Functions may be called as a metric is, and a single series by its function.
    assert_eq!(names(&read(&["Latency Invocations"]).unwrap()), ["Latency"]);
    assert_eq!(names(&read(&["checkout"]).unwrap()), ["checkout"]);
}

#[test]
fn datapoints_of_one_metric_are_read_in_any_order_from_the_statistics_that_are_there() {
    let read = |label: &str, points: &[&str]| {
        let text = format!("{{\"Label\":\"{label}\",\"Datapoints\":[{}]}}", points.join(","));
        read_statistics(&Input::from_bytes("m.json", text.as_bytes()).unwrap(), MEMORY, Hints::default())
            .map_err(|error| error.to_string())
    };
    let point = |minute: u32, statistics: &str| {
        format!("{{\"Timestamp\":\"2026-11-02T00:{minute:02}:00+00:00\",{statistics},\"Unit\":\"None\"}}")
    };
    let duration = [
        point(2, "\"SampleCount\":3.0,\"Average\":20.5,\"Maximum\":40.0"),
        point(0, "\"SampleCount\":1.0,\"Average\":10.5,\"Maximum\":10.5"),
    ];
    let reading = read("Duration", &[&duration[0], &duration[1]]).unwrap();
    assert_eq!(reading.trace.invocations(), 4);
    // (3 × 20.5 + 10.5) ms ÷ 4.
    assert_eq!((reading.trace.functions[0].mean_us, reading.trace.functions[0].longest_us), (18_000, 40_000));
    let quotient = read("Duration", &[&point(1, "\"Sum\":61.5,\"Average\":20.5")]).unwrap();
    assert_eq!((quotient.trace.invocations(), quotient.trace.functions[0].mean_us), (3, 20_500));
    let lacks = read("Duration", &[&point(1, "\"Average\":20.5")]).unwrap_err();
    assert_eq!(
        lacks,
        "m.json: Datapoints: no SampleCount: ask `aws cloudwatch get-metric-statistics` for --statistics SampleCount"
    );
    let invocations = |statistics: &str| {
        let text = format!("{{\"Datapoints\":[{}],\"Label\":\"Invocations\"}}", point(1, statistics));
        let input = Input::from_bytes("m.json", text.as_bytes()).unwrap();
        read_statistics(&input, ALL, Hints::default()).map(|reading| reading.trace.invocations())
    };
    for statistics in [
        "\"Sum\":7.0",
        "\"SampleCount\":7.0",
        "\"SampleCount\":7.0,\"Average\":1.0",
        "\"Sum\":7.0,\"SampleCount\":1.0",
    ] {
        assert_eq!(invocations(statistics), Ok(7), "{statistics}");
    }
    assert!(invocations("\"Average\":1.0").unwrap_err().to_string().contains("no Sum: ask"));
    assert!(
        read("Errors", &[]).unwrap_err().starts_with("m.json: Label: \"Errors\" is no count of invocations")
    );
}
