use std::io::Cursor;

use super::text::fields;
use super::*;

mod odd;
mod products;
mod unwrapped;

const ALL: Fill = Fill { duration_us: Some(50_000), memory_mb: Some(256) };

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/", $name))
    };
}

/// Logs of three or four requests each.
const FIXTURES: [(LogFormat, &str); 4] = [
    (LogFormat::Common, fixture!("combined.log")),
    (LogFormat::Alb, fixture!("alb.log")),
    (LogFormat::CloudFront, fixture!("cloudfront.log")),
    (LogFormat::ApiGateway, fixture!("api_gateway.jsonl")),
];

fn count(format: LogFormat, by_path: Option<usize>, files: &[&str], fill: Fill) -> Result<Reading, String> {
    let mut counter = Counter::new(by_path);
    for (index, text) in files.iter().enumerate() {
        let name = format!("log{}", index + 1);
        let stream = Stream::new(&name, Box::new(Cursor::new(text.as_bytes().to_vec()))).unwrap();
        counter.count(stream, format).map_err(|error| error.to_string())?;
    }
    counter.finish(fill).map_err(|error| error.to_string())
}

fn counts(reading: &Reading) -> Vec<(&str, Vec<Option<u64>>)> {
    reading
        .trace
        .functions
        .iter()
        .map(|function| (function.id.as_str(), function.invocations.clone()))
        .collect()
}

/// Minutes that are all known.
fn known(counts: &[u64]) -> Vec<Option<u64>> {
    counts.iter().copied().map(Some).collect()
}

#[test]
fn the_combined_format_is_counted_in_utc_and_out_of_order() {
    let reading = count(LogFormat::Common, None, &[fixture!("combined.log")], ALL).unwrap();
    assert_eq!(counts(&reading), [("site", known(&[2, 1, 1, 1]))]);
    assert_eq!(reading.trace.first.start().to_rfc3339(), "2026-11-02T20:55:00+00:00");
    assert_eq!(reading.filled, Filled { durations: 1, memory: 1 });
    assert_eq!(reading.trace.functions[0].mean_us, 50_000);
}

#[test]
fn a_path_is_cut_to_its_first_segments_without_query() {
    let reading = count(LogFormat::Common, Some(1), &[fixture!("combined.log")], ALL).unwrap();
    let names: Vec<&str> = reading.trace.functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!(names, ["(no path)", "/", "/login", "/shop"]);
    assert_eq!(prefix(Some("/a/b/c?d=/e"), 2), "/a/b");
    assert_eq!(prefix(Some("//a///b/"), 9), "/a/b");
    assert_eq!(prefix(Some("/?q"), 1), "/");
    assert_eq!(prefix(Some("GET /pets/{id}/x"), 2), "GET /pets/{id}");
    assert_eq!(prefix(Some("$default"), 2), "$default");
    assert_eq!(prefix(None, 2), "(no path)");
}

#[test]
fn a_load_balancer_counts_from_creation_and_leaves_out_durations_of_nobody() {
    let reading =
        count(LogFormat::Alb, None, &[fixture!("alb.log")], Fill { duration_us: None, ..ALL }).unwrap();
    // The first entry was answered at 22:23 and created at 22:22, the last at 22:25 and 22:24.
    assert_eq!(counts(&reading), [("site", known(&[1, 2, 1]))]);
    // 1, 48 and 2,003 ms; the one that reached no target has none.
    let function = &reading.trace.functions[0];
    assert_eq!((function.mean_us, function.longest_us), (684_000, 2_003_000));
    assert!(
        reading.trace.remarks[0].starts_with("1 of 4 requests reached no target"),
        "{:?}",
        reading.trace.remarks
    );
    let by_path = count(LogFormat::Alb, Some(2), &[fixture!("alb.log")], ALL).unwrap();
    let names: Vec<&str> = by_path.trace.functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!(names, ["/", "/api/items", "/api/orders"]);
}

#[test]
fn a_load_balancer_entry_of_before_the_creation_time_has_the_time_of_the_answer() {
    let short: Vec<&str> = fixture!("alb.log").lines().next().unwrap().split(' ').take(15).collect();
    let reading = count(LogFormat::Alb, None, &[&(short.join(" ") + "\n")], ALL).unwrap();
    assert_eq!(reading.trace.first.start().to_rfc3339(), "2026-11-02T22:23:00+00:00");
}

#[test]
fn cloudfront_columns_are_found_by_name_and_what_the_cache_answered_is_said() {
    let fill = Fill { duration_us: None, ..ALL };
    let reading = count(LogFormat::CloudFront, Some(1), &[fixture!("cloudfront.log")], fill).unwrap();
    assert_eq!(counts(&reading), [("/api", known(&[1, 1, 0, 1])), ("/index.html", known(&[1, 0, 0, 0]))]);
    // 240, 120 and 30,000 ms.
    let api = &reading.trace.functions[0];
    assert_eq!((api.mean_us, api.longest_us), (10_120_000, 30_000_000));
    let told = &reading.trace.remarks;
    assert!(told[0].starts_with("1 of 4 requests ended as Error"), "{told:?}");
    assert!(told[1].starts_with("1 of 4 requests were answered by CloudFront alone"), "{told:?}");
    let other_order = "#Fields: time-taken time date\n1.5\t00:00:00\t2026-11-02\n";
    let reading = count(LogFormat::CloudFront, None, &[other_order], fill).unwrap();
    assert_eq!(reading.trace.functions[0].mean_us, 1_500_000);
}

#[test]
fn api_gateway_keys_bear_the_names_of_their_variables() {
    let fill = Fill { duration_us: None, ..ALL };
    let reading = count(LogFormat::ApiGateway, Some(9), &[fixture!("api_gateway.jsonl")], fill).unwrap();
    assert_eq!(counts(&reading), [("GET /pets/{id}", known(&[1, 0, 2])), ("POST /pets", known(&[1, 0, 0]))]);
    // 12 and 38 ms; the one that was throttled ran nothing.
    assert_eq!(reading.trace.functions[0].mean_us, 25_000);
    let told = &reading.trace.remarks[0];
    assert!(told.starts_with("1 of 4 requests reached no integration"), "{told}");
    let whole = "{\"requestTimeEpoch\":\"1793577601500\",\"responseLatency\":\"9\"}\n";
    let reading = count(LogFormat::ApiGateway, None, &[whole], fill).unwrap();
    assert_eq!(reading.trace.functions[0].mean_us, 9000);
    let told = &reading.trace.remarks[0];
    assert!(told.starts_with("1 of 1 requests have no integrationLatency: their responseLatency"), "{told}");
    let http_api = "{\"requestTimeEpoch\":1793577601500,\"routeKey\":\"$default\",\"status\":200,\"integrationLatency\":7.5}\n";
    let reading = count(LogFormat::ApiGateway, Some(1), &[http_api], fill).unwrap();
    assert_eq!(reading.trace.first, Minute(1_793_577_601 / 60));
    assert_eq!(
        (reading.trace.functions[0].id.as_str(), reading.trace.functions[0].mean_us),
        ("$default", 7500)
    );
}

#[test]
fn minutes_between_files_are_unknown_and_within_a_file_zero() {
    let line =
        |minute: u32| format!("h - - [02/Nov/2026:00:{minute:02}:30 +0000] \"GET / HTTP/1.1\" 200 1\n");
    let (a, b) = (line(0) + &line(2), line(5) + &line(6));
    // Files in the wrong order are one log all the same.
    let reading = count(LogFormat::Common, None, &[&b, &a], ALL).unwrap();
    assert_eq!(counts(&reading)[0].1, [Some(1), Some(0), Some(1), None, None, Some(1), Some(1)]);
    assert!(reading.trace.remarks[0].starts_with("2 minutes lie between the files"));
    // Two nodes of a load balancer log the same minutes: their requests add up.
    let both = count(LogFormat::Common, None, &[&a, &a], ALL).unwrap();
    assert_eq!(counts(&both)[0].1, known(&[2, 0, 2]));
}

#[test]
fn a_fault_names_the_file_the_line_and_the_field() {
    let first = |text: &str| text.lines().next().unwrap().to_owned() + "\n";
    let error = |format, text: &str| count(format, None, &[text], ALL).unwrap_err();
    let common = first(fixture!("combined.log"));
    let cases = [
        (
            common.replace("Nov", "Nox"),
            "log1:2:4 (column \"%t\"): \"02/Nox/2026:13:55:36 -0700\" is not a time",
        ),
        (
            common.replace(" 200 ", " OK "),
            "log1:2:6 (column \"%>s\"): \"OK\" is not a status of three digits",
        ),
        (common.replace("2326", "many"), "log1:2:7 (column \"%b\"): \"many\" is not a number of bytes or -"),
        ("what is this\n".to_owned(), "log1:2: expected host ident user [day/month/year"),
        (common.replace("2026", "2024"), "log1:2: the time is more than a year away from another line's"),
    ];
    for (line, expected) in cases {
        let told = error(LogFormat::Common, &(common.clone() + &line + &line));
        assert!(told.starts_with(expected), "{told}");
    }
    let alb = first(fixture!("alb.log"));
    let told = error(LogFormat::Alb, &alb.replace(" 0.001 ", " fast "));
    assert!(told.starts_with("log1:1:7 (column \"target_processing_time\"): \"fast\" is not"), "{told}");
    let told = error(LogFormat::Alb, "http 2026-11-02T22:23:00.186641Z app\n");
    assert!(
        told.starts_with("log1:1:7 (column \"target_processing_time\"): the line has 3 fields"),
        "{told}"
    );
    let told = error(LogFormat::CloudFront, "#Fields: date time\n2026-11-02\n");
    assert_eq!(told, "log1:2: the line has 1 cells where #Fields: has 2: is it cut short?");
    let told = error(LogFormat::CloudFront, "2026-11-02\t00:00:00\n");
    assert!(told.starts_with("log1:1: an entry of CloudFront before the line #Fields:"), "{told}");
    let told = error(LogFormat::CloudFront, "#Fields: date\n");
    assert_eq!(told, "log1:1: #Fields: has no column \"time\"");
    let told = error(LogFormat::ApiGateway, "{\"requestTime\":\"now\"}\n");
    assert!(told.starts_with("log1:1: requestTime: \"now\" is not a time"), "{told}");
    let told = error(LogFormat::ApiGateway, "{\"requestTimeEpoch\":1,\"integrationLatency\":\"slow\"}\n");
    assert_eq!(told, "log1:1: integrationLatency: \"slow\" is no number of milliseconds");
    assert_eq!(error(LogFormat::ApiGateway, "\n"), "log1: the log holds no request");
}

#[test]
fn what_a_log_does_not_know_must_be_given() {
    let combined = fixture!("combined.log");
    let without = |fill| count(LogFormat::Common, None, &[combined], fill).unwrap_err();
    assert_eq!(without(Fill::default()), "log1: an access log knows no memory: give --memory-mb");
    assert_eq!(
        without(Fill { duration_us: None, ..ALL }),
        "log1: no line of site says how long it took: give --duration-ms"
    );
}

#[test]
fn a_scanner_that_asks_for_everything_is_not_ten_thousand_functions() {
    let line = |n: usize| format!("h - - [02/Nov/2026:00:00:30 +0000] \"GET /{n} HTTP/1.1\" 200 1\n");
    let text: String = (0..=MAX_FUNCTIONS).map(line).collect();
    let told = count(LogFormat::Common, Some(1), &[&text], ALL).unwrap_err();
    assert_eq!(told, "log1:10001: more than 10000 paths: give a smaller --by-path, or none");
    assert_eq!(count(LogFormat::Common, None, &[&text], ALL).unwrap().trace.invocations(), 10_001);
}

#[test]
fn quotes_hold_blanks_and_escaped_quotes_together() {
    assert_eq!(fields(r#"a "b c" "d \" e"  f"#), ["a", "b c", r#"d \" e"#, "f"]);
    assert_eq!(fields(r#""open"#), ["open"]);
    assert_eq!(fields(r#""a\"#), [r"a\"]);
    assert_eq!(fields(""), Vec::<&str>::new());
}
