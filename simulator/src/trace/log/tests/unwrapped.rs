//! Lines as CloudWatch Logs gives them out.

use super::*;

fn wrapped(text: &str, by_path: Option<usize>) -> Result<(LogFormat, Reading), String> {
    let mut counter = Counter::new(by_path);
    let stream = Stream::new("log1", Box::new(Cursor::new(text.as_bytes().to_vec()))).unwrap();
    let format = counter.count_wrapped(stream).map_err(|error| error.to_string())?.ok_or("no log")?;
    let reading = counter.finish(Fill { duration_us: Some(1000), memory_mb: Some(128) });
    Ok((format, reading.map_err(|error| error.to_string())?))
}

const MS: u64 = 1_793_606_467_000;
const COMMON: &str = "h - - [02/Nov/2026:08:01:07 +0000] \"GET /a HTTP/1.1\" 200 1";
const REPORT: &str = "REPORT RequestId: 1\tDuration: 20.50 ms\tBilled Duration: 21 ms\tMemory Size: 256 MB\n";

fn event(message: &str) -> String {
    let message = serde_json::Value::from(message);
    format!("{{\"ingestionTime\":{MS},\"message\":{message},\"timestamp\":{MS},\"eventId\":\"1\"}}")
}

#[test]
fn events_are_unwrapped_whichever_command_wrapped_them() {
    for message in [COMMON, REPORT] {
        let (one, text) = (event(message), serde_json::Value::from(message));
        for document in [
            format!("{{\"events\":[{one},{one}],\"searchedLogStreams\":[]}}"),
            format!("{{\n \"nextForwardToken\":\"f/1\",\n \"events\": [\n{one}\n,{one}]}}\n"),
            format!("{{\"events\":[{one}]}}{{\"events\":[{one}]}}\n"),
            format!("{{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{one},{one}]}}"),
            format!("[{one},{one}]"),
            format!("[[{MS},{text}],[{MS},{text}]]"),
            format!(
                "{{\"results\":[[{{\"field\":\"@timestamp\",\"value\":\"2026-11-02 08:01:07.000\"}},{{\"field\":\"@message\",\"value\":{text}}}],\
                 [{{\"field\":\"@message\",\"value\":{text}}},{{\"field\":\"@timestamp\",\"value\":\"2026-11-02 08:01:07.000\"}}]]}}"
            ),
        ] {
            let (_, reading) = wrapped(&document, None).unwrap();
            assert_eq!(reading.trace.invocations(), 2, "{document}");
            assert_eq!(reading.trace.first.start().to_rfc3339(), "2026-11-02T08:01:00+00:00");
        }
    }
}

#[test]
fn what_a_wrapper_knows_fills_what_the_line_does_not_say() {
    let line = "{\"httpMethod\":\"GET\",\"path\":\"/a\",\"status\":200}";
    let (format, reading) = wrapped(&format!("{{\"events\":[{}]}}", event(line)), Some(1)).unwrap();
    assert_eq!((format, counts(&reading)), (LogFormat::ApiGateway, vec![("GET /a", known(&[1]))]));
    let subscription = format!("{{\"logGroup\":\"/aws/lambda/orders\",\"logEvents\":[{}]}}", event(REPORT));
    let (format, reading) = wrapped(&subscription, None).unwrap();
    assert_eq!((format, reading.trace.functions[0].id.as_str()), (LogFormat::Lambda, "orders"));
}

#[test]
fn objects_that_are_lines_may_take_several_lines() {
    let pretty = "{\n \"requestTime\": \"02/Nov/2026:08:01:07 +0000\",\n \"path\": \"/a\"\n}\n";
    let (format, reading) = wrapped(&pretty.repeat(3), Some(1)).unwrap();
    assert_eq!((format, counts(&reading)), (LogFormat::ApiGateway, vec![("/a", known(&[3]))]));
}

#[test]
fn odd_events_are_counted_and_what_is_cut_or_wraps_no_log_is_refused() {
    let (good, odd) = (event(COMMON), event("h - - [02/Nov"));
    let (_, reading) = wrapped(&format!("{{\"events\":[{good},{odd}]}}"), None).unwrap();
    assert!(
        reading.trace.remarks[0].starts_with("1 line of log1 could not be read and was left out: event 2")
    );
    let told = wrapped(&format!("{{\"events\":[{good},{odd},{odd}]}}"), None).unwrap_err();
    assert!(told.starts_with("log1: event 2: expected host ident user"), "{told}");
    let told = wrapped(&format!("{{\"events\":[\n{good},{good}"), None).unwrap_err();
    assert!(told.starts_with("log1:2: not JSON: EOF"), "{told}");
    assert_eq!(wrapped(&format!("{{\"events\":[{}]}}", event("hello")), None).unwrap_err(), "no log");
    assert_eq!(wrapped("{\"events\":[]}", None).unwrap_err(), "log1: the log holds no request");
}
