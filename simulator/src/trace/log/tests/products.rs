//! What AWS's products write: CloudFront, API Gateway, WAF, Lambda.

use super::*;

const NO_DURATION: Fill = Fill { duration_us: None, ..ALL };

/// Reads a text whose first line that is of a log tells which.
fn read(text: &str, by_path: Option<usize>, fill: Fill) -> Result<Reading, String> {
    let format = text.lines().find_map(|line| LogFormat::of_line(line, None)).unwrap();
    count(format, by_path, &[text], fill)
}

fn started(reading: &Reading) -> String {
    reading.trace.first.start().to_rfc3339()
}

#[test]
fn cloudfront_writes_json_with_the_fields_that_were_chosen() {
    let text = "{\"timestamp(ms)\":\"1793577661250\",\"cs-uri-stem\":\"/a/b\",\"time-taken\":\"0.250\",\"x-edge-detailed-result-type\":\"Miss\"}\n\
                {\"date\":\"2026-11-02\",\"time\":\"00:02:59\",\"cs-uri-stem\":\"/a/c\",\"time-taken\":\"-\",\"x-edge-result-type\":\"Hit\"}\n";
    let reading = read(text, Some(1), NO_DURATION).unwrap();
    assert_eq!(counts(&reading), [("/a", known(&[1, 1]))]);
    assert_eq!(reading.trace.functions[0].mean_us, 250_000);
    assert!(reading.trace.remarks[0].starts_with("1 of 2 requests were answered by CloudFront alone"));
    let told =
        read("{\"date\":\"tomorrow\",\"time\":\"now\",\"time-taken\":\"1\"}\n", None, ALL).unwrap_err();
    assert_eq!(told, "log1:1: date: \"tomorrow now\" is not a date and a time of day");
}

#[test]
fn cloudfront_columns_may_be_apart_by_another_sign_and_time_by_an_epoch() {
    for sign in ["\t", " ", ",", ";", "|"] {
        let text = "#Fields: timestamp cs-uri-stem time-taken\n1793577661.250 /a 0.250\n".replace(' ', sign);
        let text = text.replace("#Fields:\t", "#Fields: ");
        let reading = count(LogFormat::CloudFront, None, &[&text], NO_DURATION).unwrap();
        assert_eq!(
            (started(&reading).as_str(), reading.trace.functions[0].mean_us),
            ("2026-11-02T00:01:00+00:00", 250_000)
        );
    }
}

#[test]
fn a_log_that_names_no_columns_is_refused_with_what_to_add_and_is_read_with_it() {
    let real_time = "203.0.113.9\t1793577661.250\t/a\tMiss\n";
    let told = read(real_time, None, ALL).unwrap_err();
    assert!(told.contains("a real-time log") && told.contains("#Fields: timestamp"), "{told}");
    let named = format!("#Fields: c-ip timestamp cs-uri-stem x-edge-result-type\n{real_time}");
    assert_eq!(read(&named, Some(1), ALL).unwrap().trace.functions[0].id, "/a");
    for plain in ["2026-11-02\t00:00:01\tFRA60-P3\t/a\n", "2026-11-02 00:00:01 FRA60-P3 /a\n"] {
        assert!(read(plain, None, ALL).unwrap_err().contains("v2 as plain text"), "{plain}");
    }
    let iis = "#Fields: date time s-ip time-taken\n2026-11-02 00:00:01 ::1 1000\n";
    assert!(read(iis, None, ALL).unwrap_err().contains("of an IIS log"));
}

#[test]
fn what_the_edge_answers_alone_shows_in_any_of_three_columns() {
    let alone = |names: &str, cells: &str| {
        let text = format!("#Fields: date time {names}\n2026-11-02\t00:00:01\t{cells}\n");
        let remarks = count(LogFormat::CloudFront, None, &[&text], ALL).unwrap().trace.remarks;
        remarks.iter().any(|remark| remark.starts_with("1 of 1 requests were answered by CloudFront alone"))
    };
    for word in [
        "Hit",
        "OriginShieldHit",
        "LimitExceeded",
        "CapacityExceeded",
        "Redirect",
        "FunctionGeneratedResponse",
    ] {
        assert!(alone("x-edge-result-type", word), "{word}");
        assert!(alone("x-edge-result-type x-edge-response-result-type", &format!("Error\t{word}")), "{word}");
        assert!(alone("x-edge-detailed-result-type x-edge-result-type", &format!("{word}\tMiss")), "{word}");
    }
    for word in
        ["ClientGeoBlocked", "InvalidRequestMethod", "InvalidRequestBlocked", "FunctionExecutionError"]
    {
        assert!(alone("x-edge-result-type x-edge-detailed-result-type", &format!("Error\t{word}")), "{word}");
    }
    // A RefreshHit asks the origin, and a function of Lambda@Edge is one that ran.
    for word in ["Miss", "RefreshHit", "Error", "OriginError", "OriginDnsError", "MissGeneratedResponse", "-"]
    {
        assert!(!alone("x-edge-result-type", word), "{word}");
    }
    let vague = "#Fields: date time x-edge-result-type\n2026-11-02\t00:00:01\tError\n";
    let remarks = count(LogFormat::CloudFront, None, &[vague], ALL).unwrap().trace.remarks;
    assert!(remarks[0].starts_with("1 of 1 requests ended as Error: counted, though the log does not say"));
}

#[test]
fn the_formats_of_the_console_of_api_gateway_say_the_same() {
    let time = "02/Nov/2026:08:01:07 +0000";
    let formats = [
        (
            LogFormat::Common,
            format!("203.0.113.9 - - [{time}]\"GET /pets/{{id}} HTTP/1.1\" 200 70 c6af9ac6\n"),
        ),
        (
            LogFormat::ApiGatewayCsv,
            format!("203.0.113.9,-,-,{time},GET,/pets/{{id}},HTTP/1.1,200,70,c6af9ac6\n"),
        ),
        (
            LogFormat::ApiGatewayXml,
            format!(
                "<request id=\"c6af9ac6\"> <ip>203.0.113.9</ip> <caller>-</caller> <user>-</user> <requestTime>{time}</requestTime> \
                 <httpMethod>GET</httpMethod> <resourcePath>/pets/{{id}}</resourcePath> <status>200</status> </request>\n"
            ),
        ),
        (
            LogFormat::ApiGateway,
            format!(
                "{{\"requestTime\":\"{time}\",\"httpMethod\":\"GET\",\"resourcePath\":\"/pets/{{id}}\",\"status\":\"200\"}}\n"
            ),
        ),
    ];
    for (format, text) in formats {
        assert_eq!(LogFormat::of_line(text.trim_end(), None), Some(format));
        let reading = read(&text, Some(2), ALL).unwrap();
        assert!(reading.trace.functions[0].id.ends_with("/pets/{id}"), "{:?}", reading.trace.functions[0].id);
        assert_eq!(
            (started(&reading).as_str(), reading.trace.invocations()),
            ("2026-11-02T08:01:00+00:00", 1)
        );
        assert!(count(format, None, &[&text.replace("200", "OK")], ALL).is_err(), "{format:?}");
    }
    let http_api = format!("203.0.113.9,{time},GET,GET /pets,HTTP/1.1,200,70,id\n");
    assert_eq!(read(&http_api, Some(1), ALL).unwrap().trace.functions[0].id, "GET /pets");
    let route = format!("203.0.113.9 - - [{time}] \"GET GET /pets HTTP/1.1\" 200 70 id\n");
    assert_eq!(read(&route, Some(1), ALL).unwrap().trace.functions[0].id, "GET /pets");
}

#[test]
fn waf_counts_what_it_inspected_and_says_what_it_stopped() {
    let line = |ms: u64, action: &str, uri: &str| {
        format!(
            "{{\"timestamp\":{ms},\"formatVersion\":1,\"webaclId\":\"arn:aws:wafv2:a\",\"action\":\"{action}\",\
             \"httpRequest\":{{\"clientIp\":\"203.0.113.9\",\"uri\":\"{uri}\",\"args\":\"requestTime=1\",\"httpMethod\":\"GET\"}}}}\n"
        )
    };
    let text = line(1_793_577_601_500, "ALLOW", "/a/b") + &line(1_793_577_661_000, "BLOCK", "/a/c");
    let text = text + &line(1_793_577_661_000, "CHALLENGE", "/d") + &line(1_793_577_661_000, "COUNT", "/d");
    let reading = read(&text, Some(1), ALL).unwrap();
    assert_eq!(counts(&reading), [("/a", known(&[1, 1])), ("/d", known(&[0, 2]))]);
    assert!(reading.trace.remarks[0].starts_with("2 of 4 requests were answered by WAF alone"));
}

const REPORT: &str = "REPORT RequestId: 11111111-2222-3333-4444-555555555555\tDuration: 20.50 ms\tBilled Duration: 21 ms\t\
                      Memory Size: 256 MB\tMax Memory Used: 58 MB\t";

#[test]
fn a_report_says_time_duration_and_memory_whatever_is_printed_before_it() {
    let start = "Init Duration: 150.20 ms\tXRAY TraceId: 1-2\tSegmentId: 3\tSampled: true\t";
    for prefix in [
        "2026-11-02T08:01:07.123Z ",
        "2026-11-02T08:01:07 ",
        "2026-11-02T09:01:07.123+01:00\t",
        "2026-11-02T08:01:07.123000+00:00 2026/11/02/[$LATEST]0123456789abcdef ",
        "1793606467123,\"",
        "1793606467123\t",
        "2026-11-02 08:01:07.123,",
        "EVENTS\t1793606469000\t",
        "EVENTS\t3919191\t1793606469000\t2026/11/02/[$LATEST]0123\t",
    ] {
        let text = format!(
            "{prefix}START RequestId: 1 Version: $LATEST\n{prefix}hello {{\n{prefix}{REPORT}{start}\n{prefix}{}\n",
            REPORT.replace('\t', " ")
        );
        let reading = read(&text, Some(2), Fill::default()).unwrap();
        let function = &reading.trace.functions[0];
        assert_eq!(
            (function.id.as_str(), function.total(), started(&reading).as_str()),
            ("function", 2, "2026-11-02T08:01:00+00:00"),
            "{prefix}"
        );
        assert_eq!((function.mean_us, function.peak_memory_milli_mb), (20_500, 256_000), "{prefix}");
        assert!(reading.trace.remarks[0].starts_with("1 of 2 requests began with a start (Init Duration)"));
        assert_eq!(reading.filled, Filled::default());
    }
}

#[test]
fn a_report_as_json_is_the_same() {
    let text = "{\"time\":\"2026-11-02T08:01:07.123Z\",\"type\":\"platform.initStart\",\"record\":{}}\n\
                {\"timestamp\":\"2026-11-02T08:01:07Z\",\"level\":\"INFO\",\"message\":\"hello\",\"requestId\":\"r\"}\n\
                {\"time\":\"2026-11-02T08:01:07.123Z\",\"type\":\"platform.report\",\"record\":{\"requestId\":\"r\",\"metrics\":\
                {\"durationMs\":20.5,\"billedDurationMs\":171,\"memorySizeMB\":256,\"maxMemoryUsedMB\":58,\"initDurationMs\":150.2},\"status\":\"success\"}}\n";
    let reading = read(text, None, Fill::default()).unwrap();
    let function = &reading.trace.functions[0];
    assert_eq!((function.total(), function.mean_us, function.peak_memory_milli_mb), (1, 20_500, 256_000));
}

#[test]
fn a_report_without_time_is_refused_with_the_command_that_prints_it() {
    let told = read(&format!("START RequestId: 1\n{REPORT}\nEND RequestId: 1\n"), None, ALL).unwrap_err();
    assert!(told.starts_with("log1:2: a REPORT line of Lambda without its time: `aws logs tail"), "{told}");
    let told = read(&format!("2026/11/02/[$LATEST]0123 {REPORT}\n"), None, ALL).unwrap_err();
    assert!(told.starts_with("log1:1: a REPORT line of Lambda without its time"), "{told}");
    let told = read("2026-11-02T08:01:07 REPORT RequestId: 1\tDuration: 2\n", None, ALL).unwrap_err();
    assert_eq!(told, "log1:1: REPORT has no Memory Size: is it cut short?");
}
