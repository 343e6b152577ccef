//! Each envelope as AWS sends it, and what must be refused. Properties are in `tests/properties.rs`.

use chrono::{DateTime, TimeDelta, Utc};
use guard_core::name::FunctionName;
use guard_core::operator;
use serde_json::{Value, json};

use super::{Hint, Limits, Question, Source, Unrecognised, Wake, recognise, size};

mod commands;
mod properties;
mod stack;

/// The fixtures, the time to receive each at, and whether it is to be recognised.
const FIXTURES: [(&str, &str, &str); 13] = [
    ("scheduler-default", include_str!("fixtures/scheduler-default.json"), "2024-06-13T12:30:01Z"),
    ("scheduler-input", include_str!("fixtures/scheduler-input.json"), "2022-03-22T18:59:44Z"),
    ("rule-schedule", include_str!("fixtures/rule-schedule.json"), "2015-10-08T16:53:07Z"),
    ("alarm-eventbridge", include_str!("fixtures/alarm-eventbridge.json"), "2019-10-02T17:04:42Z"),
    ("alarm-eventbridge-math", include_str!("fixtures/alarm-eventbridge-math.json"), "2019-10-02T17:20:50Z"),
    ("alarm-direct", include_str!("fixtures/alarm-direct.json"), "2023-08-04T12:36:16Z"),
    ("alarm-direct-composite", include_str!("fixtures/alarm-direct-composite.json"), "2023-08-04T12:56:47Z"),
    ("alarm-sns", include_str!("fixtures/alarm-sns.json"), "2022-09-25T18:50:39Z"),
    ("alarm-sns-two-records", include_str!("fixtures/alarm-sns-two-records.json"), "2015-06-03T17:43:28Z"),
    ("budget-sns", include_str!("fixtures/budget-sns.json"), "2022-09-26T19:20:39Z"),
    ("anomaly-sns", include_str!("fixtures/anomaly-sns.json"), "2021-05-26T08:12:46Z"),
    ("anomaly-eventbridge", include_str!("fixtures/anomaly-eventbridge.json"), "2021-05-26T08:12:46Z"),
    ("sns-text", include_str!("fixtures/sns-text.json"), "2015-08-18T18:02:33Z"),
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn limits() -> Limits {
    Limits::for_period(TimeDelta::minutes(1))
}

fn fixture(name: &str) -> (Value, DateTime<Utc>) {
    let (_, text, now) = FIXTURES.iter().find(|(known, _, _)| *known == name).unwrap();
    (serde_json::from_str(text).unwrap(), at(now))
}

fn wake(name: &str) -> Wake {
    let (payload, now) = fixture(name);
    recognise(&payload, now, &limits()).unwrap()
}

fn hints(name: &str) -> Vec<Hint> {
    match wake(name) {
        Wake::Hints(hints) => hints,
        other => panic!("{name}: {other:?}"),
    }
}

/// The message of the error for a fixture that was changed.
fn refusal(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let (mut payload, now) = fixture(name);
    change(&mut payload);
    recognise(&payload, now, &limits()).unwrap_err().to_string()
}

/// Changes the JSON within the text of the first SNS message.
fn in_message(payload: &mut Value, change: impl FnOnce(&mut Value)) {
    let message = &mut payload["Records"][0]["Sns"]["Message"];
    let mut inner: Value = serde_json::from_str(message.as_str().unwrap()).unwrap();
    change(&mut inner);
    *message = inner.to_string().into();
}

#[test]
fn every_fixture_has_its_source_beside_it_and_is_tested() {
    let sources = include_str!("fixtures/README.md");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/wake/fixtures");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".json") {
            files += 1;
            assert!(sources.contains(&format!("| `{name}.json` |")), "{name}");
            assert!(FIXTURES.iter().any(|(known, _, _)| *known == name), "{name}");
        }
    }
    assert_eq!(files, FIXTURES.len());
}

#[test]
fn schedules_are_ticks_of_their_scheduled_time() {
    let tick = |time| Wake::Tick { scheduled: Some(at(time)) };
    assert_eq!(wake("scheduler-default"), tick("2024-06-13T12:30:00Z"));
    assert_eq!(wake("scheduler-input"), tick("2022-03-22T18:59:43Z"));
    assert_eq!(wake("rule-schedule"), tick("2015-10-08T16:53:06Z"));
}

#[test]
fn a_tick_by_hand_has_no_scheduled_time() {
    let now = at("2026-11-27T09:00:00Z");
    assert_eq!(recognise(&json!({"tick": "now"}), now, &limits()), Ok(Wake::Tick { scheduled: None }));
}

#[test]
fn an_alarm_is_a_hint_in_every_shape_cloudwatch_gives_it() {
    let expected = [
        ("alarm-eventbridge", "2019-10-02T17:04:40.989Z", r#"alarm "ServerCpuTooHigh" is ALARM"#),
        (
            "alarm-eventbridge-math",
            "2019-10-02T17:20:48.554Z",
            r#"alarm "TotalNetworkTrafficTooHigh" is ALARM"#,
        ),
        ("alarm-direct", "2023-08-04T12:36:15.490Z", r#"alarm "lambda-demo-metric-alarm" is ALARM"#),
        ("alarm-direct-composite", "2023-08-04T12:56:46.138Z", r#"alarm "CompositeDemo.Main" is ALARM"#),
        ("alarm-sns", "2022-09-25T18:50:37.811Z", r#"alarm "Test alarm" is ALARM"#),
    ];
    for (name, time, what) in expected {
        let hint = Hint { source: Source::Alarm, functions: vec![], at: at(time), what: what.to_owned() };
        assert_eq!(hints(name), [hint], "{name}");
    }
}

#[test]
fn an_alarm_over_many_series_names_the_function_of_the_one_that_changed() {
    let attributes = json!({ "FunctionName": "thumbnails", "Resource": "thumbnails:live" });
    for (name, place) in [("alarm-eventbridge", "detail"), ("alarm-direct", "alarmData")] {
        let (mut payload, now) = fixture(name);
        if place == "detail" {
            payload["detail-type"] = "CloudWatch Alarm Contributor State Change".into();
        }
        payload[place]["alarmContributor"] = json!({ "id": "3b1d8e9f2a", "attributes": attributes });
        payload[place]["configuration"]["metrics"] = json!([]);
        let Ok(Wake::Hints(hints)) = recognise(&payload, now, &limits()) else { panic!("{name} is no hint") };
        assert_eq!(hints[0].functions, [FunctionName::from("thumbnails")], "{name}");
        // Grouped by something else, and by a name that no function has.
        for attributes in [json!({ "Resource": "thumbnails:live" }), json!({ "FunctionName": "a name" })] {
            payload[place]["alarmContributor"]["attributes"] = attributes;
            let Ok(Wake::Hints(hints)) = recognise(&payload, now, &limits()) else {
                panic!("{name} is no hint")
            };
            assert!(hints[0].functions.is_empty(), "{name}");
        }
    }
}

#[test]
fn several_sns_records_are_several_hints() {
    let hints = hints("alarm-sns-two-records");
    assert_eq!(hints.len(), 2);
    assert!(
        hints.iter().all(|hint| hint.source == Source::Alarm && hint.at == at("2015-06-03T17:43:27.123Z"))
    );
}

#[test]
fn a_budget_message_is_plain_text_and_as_old_as_its_message() {
    let hint = Hint {
        source: Source::Budget,
        functions: vec![],
        at: at("2022-09-26T19:20:37.147Z"),
        what: r#"AWS budget "Test Budget" alerts on "ACTUAL""#.to_owned(),
    };
    assert_eq!(hints("budget-sns"), [hint]);
}

#[test]
fn a_cost_anomaly_is_a_hint_through_sns_and_through_eventbridge() {
    let hint = |time| Hint {
        source: Source::CostAnomaly,
        functions: vec![],
        at: at(time),
        what: r#"cost anomaly "12345678-abcd-ef12-3456-987654321a12""#.to_owned(),
    };
    assert_eq!(hints("anomaly-sns"), [hint("2021-05-26T08:12:44.127Z")]);
    assert_eq!(hints("anomaly-eventbridge"), [hint("2021-05-26T08:12:44Z")]);
}

#[test]
fn an_event_of_a_rule_whose_target_is_a_topic_is_a_hint() {
    for name in ["alarm-eventbridge", "anomaly-eventbridge"] {
        let (event, now) = fixture(name);
        let (mut envelope, _) = fixture("alarm-sns");
        envelope["Records"][0]["Sns"]["Message"] = event.to_string().into();
        assert_eq!(recognise(&envelope, now, &limits()), recognise(&event, now, &limits()), "{name}");
    }
}

#[test]
fn an_alarm_names_the_functions_of_its_dimensions_sorted_and_once() {
    let named =
        |functions: &[&str]| functions.iter().map(|name| FunctionName::from(*name)).collect::<Vec<_>>();
    let functions = |payload: &Value, now| match recognise(payload, now, &limits()).unwrap() {
        Wake::Hints(hints) => hints[0].functions.clone(),
        other => panic!("{other:?}"),
    };

    let (mut payload, now) = fixture("alarm-sns");
    in_message(&mut payload, |alarm| {
        alarm["Trigger"]["Dimensions"] =
            json!([{"value": "live", "name": "Resource"}, {"value": "orders", "name": "FunctionName"}]);
    });
    assert_eq!(functions(&payload, now), named(&["orders"]));

    let (mut payload, now) = fixture("alarm-sns-two-records");
    in_message(&mut payload, |alarm| {
        alarm["Trigger"]["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"][0] =
            json!({"value": "orders", "name": "FunctionName"});
    });
    assert_eq!(functions(&payload, now), named(&["orders"]));

    for (name, top) in [("alarm-eventbridge-math", "detail"), ("alarm-direct", "alarmData")] {
        let (mut payload, now) = fixture(name);
        let metrics = payload[top]["configuration"]["metrics"].as_array_mut().unwrap();
        let last = metrics.last().unwrap().clone();
        metrics.push(last.clone());
        metrics.push(last);
        let count = metrics.len();
        for (metric, function) in metrics[count - 3..].iter_mut().zip(["orders", "checkout", "orders"]) {
            metric["metricStat"]["metric"]["dimensions"] = json!({"FunctionName": function});
        }
        assert_eq!(functions(&payload, now), named(&["checkout", "orders"]), "{name}");
    }
}

#[test]
fn a_dimension_that_cannot_be_a_function_is_left_out() {
    let (mut payload, now) = fixture("alarm-direct");
    for value in [json!("../orders"), json!(""), json!("x".repeat(65)), json!(7), json!(["orders"])] {
        payload["alarmData"]["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] =
            json!({"FunctionName": value});
        let Wake::Hints(hints) = recognise(&payload, now, &limits()).unwrap() else { panic!() };
        assert!(hints[0].functions.is_empty(), "{hints:?}");
    }
}

#[test]
fn an_alarm_that_is_over_is_a_hint_too_and_an_unknown_state_is_refused() {
    let (mut payload, now) = fixture("alarm-direct");
    payload["alarmData"]["state"]["value"] = json!("OK");
    let Wake::Hints(hints) = recognise(&payload, now, &limits()).unwrap() else { panic!() };
    assert_eq!(hints[0].what, r#"alarm "lambda-demo-metric-alarm" is OK"#);

    let message = refusal("alarm-direct", |payload| payload["alarmData"]["state"]["value"] = json!("FINE"));
    let expected =
        "a malformed CloudWatch alarm: alarmData.state.value must be OK, ALARM or INSUFFICIENT_DATA";
    assert_eq!(message, expected);
}

#[test]
fn what_is_missing_is_named_by_its_place() {
    let cases: [(&str, &[&str], &str); 8] = [
        ("scheduler-default", &["time"], "a malformed tick: time must be text"),
        ("rule-schedule", &["source"], "a malformed event: source must be text"),
        (
            "alarm-eventbridge",
            &["detail", "alarmName"],
            "a malformed CloudWatch alarm: detail.alarmName must be text",
        ),
        (
            "alarm-eventbridge",
            &["detail", "state"],
            "a malformed CloudWatch alarm: detail.state.value must be text",
        ),
        ("alarm-direct", &["source"], "a malformed CloudWatch alarm: source must be text"),
        (
            "alarm-direct",
            &["alarmData", "state", "timestamp"],
            "a malformed CloudWatch alarm: alarmData.state.timestamp must be text",
        ),
        (
            "anomaly-eventbridge",
            &["detail", "anomalyId"],
            "a malformed cost anomaly: detail.anomalyId must be text",
        ),
        ("anomaly-eventbridge", &["time"], "a malformed cost anomaly: time must be text"),
    ];
    for (name, path, expected) in cases {
        let message = refusal(name, |payload| {
            let (last, above) = path.split_last().unwrap();
            let inner = above.iter().fold(payload, |value, key| &mut value[*key]);
            inner.as_object_mut().unwrap().remove(*last).unwrap();
        });
        assert_eq!(message, expected, "{name}");
    }
}

#[test]
fn broken_sns_records_are_refused_with_their_place() {
    let record =
        |change: fn(&mut Value)| refusal("alarm-sns-two-records", |all| change(&mut all["Records"][1]));
    assert_eq!(record(|it| *it = json!(1)), "a malformed SNS event: Records[1] must be an object");
    let other = "a malformed SNS event: Records[1].EventSource must be aws:sns: the guard takes no records of other sources";
    assert_eq!(record(|it| it["EventSource"] = json!("aws:sqs")), other);
    assert_eq!(record(|it| it["Sns"] = json!([])), "a malformed SNS event: Records[1].Sns must be an object");
    let message = "a malformed SNS event: Records[1].Sns.Message must be text";
    assert_eq!(record(|it| it["Sns"]["Message"] = json!({})), message);
    let timestamp = "a malformed SNS event: Records[1].Sns.Timestamp must be text";
    assert_eq!(record(|it| it["Sns"]["Timestamp"] = json!(1)), timestamp);
    for records in [json!([]), json!({"Sns": {}}), json!(null)] {
        let message = refusal("alarm-sns", |payload| payload["Records"] = records);
        assert_eq!(message, "a malformed SNS event: Records must be a list of one record or more");
    }
}

#[test]
fn a_message_that_is_no_hint_is_refused_without_repeating_it() {
    let message = refusal("sns-text", |_| ());
    assert!(
        message
            .starts_with("Records[0].Sns.Message is a message the guard takes no hint from (no JSON object)"),
        "{message}"
    );
    assert!(!message.contains("Hello"), "{message}");

    let message =
        refusal("alarm-sns", |payload| in_message(payload, |alarm| *alarm = json!({"password": "hunter2"})));
    assert!(message.contains(r#"(the keys "password")"#) && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_budget_message_without_its_lines_is_refused() {
    for line in ["Budget Name: Test Budget", "Alert Type: ACTUAL"] {
        let message = refusal("budget-sns", |payload| {
            let text = &mut payload["Records"][0]["Sns"]["Message"];
            *text = text.as_str().unwrap().replace(line, "").into();
        });
        assert!(message.starts_with("a malformed AWS Budgets message: the line"), "{message}");
    }
}

#[test]
fn a_tick_that_is_too_old_is_refused_with_its_age() {
    let (payload, _) = fixture("scheduler-input");
    let limits = Limits { tick_age: TimeDelta::seconds(300), ..limits() };
    let age =
        |seconds| recognise(&payload, at("2022-03-22T18:59:43Z") + TimeDelta::seconds(seconds), &limits);
    assert!(age(300).is_ok());
    let stale = "a stale tick: of 2022-03-22T18:59:43Z, 301 s old, accepted are 300 s";
    assert_eq!(age(301).unwrap_err().to_string(), stale);
    assert!(age(-60).is_ok());
    let early = "a tick from the future: of 2022-03-22T18:59:43Z, 61 s ahead, accepted are 60 s";
    assert_eq!(age(-61).unwrap_err().to_string(), early);
}

#[test]
fn whatever_carries_a_time_is_refused_when_it_is_stale_or_from_the_future() {
    for (name, _, _) in FIXTURES.iter().filter(|(name, _, _)| *name != "sns-text") {
        let (payload, now) = fixture(name);
        let late = recognise(&payload, now + TimeDelta::hours(1), &limits()).unwrap_err();
        assert!(matches!(late, Unrecognised::Stale { .. }), "{name}: {late}");
        let early = recognise(&payload, now - TimeDelta::minutes(2), &limits()).unwrap_err();
        assert!(matches!(early, Unrecognised::FromTheFuture { .. }), "{name}: {early}");
        if !name.contains("schedule") {
            assert!(recognise(&payload, now + TimeDelta::minutes(59), &limits()).is_ok(), "{name}");
        }
    }
}

#[test]
fn one_stale_record_among_fresh_ones_is_not_passed_over() {
    let message = refusal("alarm-sns-two-records", |payload| {
        in_message(payload, |alarm| alarm["StateChangeTime"] = json!("2015-06-03T12:00:00.000+0000"));
    });
    assert!(
        message.starts_with("a stale CloudWatch alarm: of 2015-06-03T12:00:00Z, 20608 s old"),
        "{message}"
    );
}

#[test]
fn the_limits_follow_the_period_and_survive_any() {
    assert_eq!(Limits::for_period(TimeDelta::minutes(5)).tick_age, TimeDelta::minutes(25));
    assert_eq!(Limits::for_period(TimeDelta::seconds(10)).tick_age, TimeDelta::minutes(5));
    assert!(Limits::for_period(TimeDelta::MAX).tick_age >= TimeDelta::MAX);
}

#[test]
fn a_time_that_is_none_is_refused() {
    let message =
        refusal("scheduler-input", |payload| *payload = json!({"tick": "<aws.scheduler.scheduled-time>"}));
    assert!(message.contains("only EventBridge Scheduler replaces the placeholder"), "{message}");
    let message = refusal("scheduler-input", |payload| *payload = json!({"tick": "tomorrow"}));
    assert_eq!(message, "a malformed tick: tick must be a time such as 2026-11-27T09:30:00Z");
    let message = refusal("scheduler-input", |payload| payload["release"] = json!("orders"));
    assert_eq!(message, "a malformed tick: the object must be the key tick alone");
    let message = refusal("scheduler-default", |payload| payload["time"] = json!("2024-02-30T00:00:00Z"));
    assert_eq!(message, "a malformed tick: time must be a time such as 2026-11-27T09:30:00Z");
}

#[test]
fn events_and_objects_of_others_are_named_by_what_they_look_like() {
    let (_, now) = fixture("scheduler-input");
    let refused = |payload: Value| recognise(&payload, now, &limits()).unwrap_err().to_string();

    let message = refused(
        json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {"secret": "x"}}),
    );
    assert!(
        message.starts_with(
            r#"an event with source "aws.ec2" and detail-type "EC2 Instance State-change Notification""#
        ),
        "{message}"
    );
    // A scheduled event somebody else puts on the bus under a name of their own.
    let message = refused(
        json!({"source": "my.app", "detail-type": "Scheduled Event", "time": "2022-03-22T18:59:43Z"}),
    );
    assert!(message.contains("source (text of 6 bytes)"), "{message}");

    let message = refused(json!({"token": "hunter2", "body": {}}));
    assert!(
        message.starts_with(r#"nothing known has the keys "body", "token"; accepted are a tick"#),
        "{message}"
    );
    assert!(!message.contains("hunter2"), "{message}");
    assert!(refused(json!({})).starts_with("nothing known has the keys (none)"));
    for (payload, kind) in [(json!([1]), "an array"), (json!("release"), "text"), (json!(null), "null")] {
        assert!(refused(payload).starts_with(&format!("the payload is {kind} and not an object")));
    }
}

#[test]
fn long_and_hostile_keys_are_shortened_and_escaped() {
    let (_, now) = fixture("scheduler-input");
    let mut object: serde_json::Map<_, _> = (0..40).map(|n| (format!("k{n:02}"), json!(1))).collect();
    object.insert("\u{1b}[2J\n".to_owned() + &"x".repeat(500), json!(1));
    let message = recognise(&Value::Object(object), now, &limits()).unwrap_err().to_string();
    assert!(message.contains("and 29 more") && message.len() < 700, "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_by_the_limit() {
    let (_, now) = fixture("scheduler-input");
    let refused = |payload: &Value| recognise(payload, now, &limits()).unwrap_err().to_string();
    let nested =
        |levels: usize| (0..levels).fold(json!({"command": "status"}), |inner, _| json!({"a": inner}));
    assert_eq!(refused(&nested(size::MAX_DEPTH)), "the payload has more than 32 levels of nesting");
    assert!(refused(&nested(size::MAX_DEPTH - 2)).starts_with("nothing known"));
    let text = json!({"command": "status", "x": "y".repeat(size::MAX_TEXT)});
    assert_eq!(refused(&text), "the payload has more than 524288 bytes of text");
    let values = json!({"command": "status", "x": vec![0; size::MAX_VALUES]});
    assert_eq!(refused(&values), "the payload has more than 20000 values");
}

#[test]
fn the_limits_hold_within_the_text_of_a_message() {
    let message = refusal("alarm-sns", |payload| {
        in_message(payload, |alarm| alarm["deep"] = (0..40).fold(json!(1), |inner, _| json!([inner])));
    });
    assert_eq!(message, "an SNS message has more than 32 levels of nesting");
    // Deeper than the JSON parser goes: no JSON to it, and no crash.
    let message = refusal("alarm-sns", |payload| {
        payload["Records"][0]["Sns"]["Message"] = format!("{{\"a\":{}", "[".repeat(200_000)).into();
    });
    assert!(message.contains("(no JSON object)"), "{message}");
}
