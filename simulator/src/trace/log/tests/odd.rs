//! Lines that strangers wrote: none of them keeps the others from being counted.

use super::*;

fn line(minute: u32) -> String {
    format!(
        "203.0.113.4 - - [02/Nov/2026:08:{minute:02}:07 +0000] \"GET /x HTTP/1.1\" 200 5 \"-\" \"probe\"\n"
    )
}

fn read(format: LogFormat, text: &str) -> Reading {
    count(format, None, &[text], ALL).unwrap()
}

fn is_told(reading: &Reading, told: &str) -> bool {
    reading.trace.remarks.iter().any(|remark| remark.contains(told))
}

#[test]
fn odd_lines_are_left_out_and_told_with_the_first_of_them() {
    let good = line(1) + &line(1) + &line(2);
    for odd in [
        "203.0.113.4 - - [02/Nov/2026:08:01:07 +0000] \"GET /x\n",
        "203.0.113.4 - - [02/Nov/2026:08:0\n",
        "203.0.113.4 - - [99/Nov/2026:08:01:07 +0000] \"GET / HTTP/1.1\" 200 5\n",
        "\u{fffd}\u{1}\n",
        "203.0.113.4 - - [02/Nov/2099:08:01:07 +0000] \"GET / HTTP/1.1\" 200 5\n",
    ] {
        let reading = read(LogFormat::Common, &format!("{good}{odd}{}", line(3)));
        assert_eq!(reading.trace.invocations(), 4, "{odd}");
        assert!(is_told(&reading, "1 line of log1 could not be read and was left out: line 4"), "{odd}");
        let twice = read(LogFormat::Common, &format!("{}{odd}{good}{odd}", line(3)));
        assert!(is_told(
            &twice,
            "2 lines of log1 could not be read and were left out, the first of them line 2"
        ));
    }
}

#[test]
fn a_log_of_which_most_lines_are_odd_is_refused_with_the_first() {
    let told = count(LogFormat::Common, None, &[&(line(1) + "a\nb\n")], ALL).unwrap_err();
    assert!(told.starts_with("log1:2: expected host ident user"), "{told}");
    assert!(told.ends_with("(2 of 3 lines cannot be read)"), "{told}");
    assert_eq!(read(LogFormat::Common, &(line(1) + "a\n")).trace.invocations(), 1, "as many is not most");
}

#[test]
fn handshakes_and_requests_that_are_none_are_requests_of_strangers_all_the_same() {
    let text = "h - - [02/Nov/2026:08:01:07 +0000] \"\\x16\\x03\\x01\\x02\" 400 166 \"-\" \"-\"\n\
                h - - [02/Nov/2026:08:01:07 +0000] \"\" 400 0 \"-\" \"-\"\n\
                h - - [02/Nov/2026:08:01:07 +0000] \"GET /a\\\"b\\\\ HTTP/1.1\" 404 0\n\
                h - - [02/Nov/2026:08:01:07 +0000] \"GET /a b c HTTP/1.1\" 404 0\n";
    let reading = count(LogFormat::Common, Some(9), &[text], ALL).unwrap();
    assert_eq!(reading.trace.invocations(), 4);
    let names: Vec<&str> = reading.trace.functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!(names, ["(no path)", "/a b c", "/a\\\"b\\\\"]);
}

#[test]
fn what_a_client_calls_itself_does_not_hide_the_time() {
    for user in [
        "-",
        "a b c",
        "[",
        "]",
        "x [y",
        "[02/Nov/2020:01:02:03 +0000]",
        "[02/Nov/2020:01:02:03 +0000] \\\"GET / HTTP/1.1\\\" 200 5",
        "[02/Nov/2020:01:02:03 +0000] \\x22GET / HTTP/1.1\\x22 200 5",
        "\\\"\\\"",
        "\"\"",
        "",
        "é [ü",
    ] {
        let text = line(5).replace("- - [", &format!("- {user} ["));
        let reading = read(LogFormat::Common, &text);
        assert_eq!(reading.trace.first.start().to_rfc3339(), "2026-11-02T08:05:00+00:00", "{user}");
        assert_eq!(LogFormat::of_line(text.trim_end(), None), Some(LogFormat::Common), "{user}");
    }
}

#[test]
fn a_time_in_the_agent_or_the_referer_is_not_the_time() {
    let text = line(5).replace("\"probe\"", "\"[02/Nov/2020:01:02:03 +0000] \\\"GET / HTTP/1.1\\\" 200 5\"");
    assert_eq!(read(LogFormat::Common, &text).trace.first.start().to_rfc3339(), "2026-11-02T08:05:00+00:00");
}

#[test]
fn a_last_line_without_end_counts_where_it_can_be_read_in_every_format() {
    for ((format, text), cut) in FIXTURES.into_iter().zip([20, 300, 30, 30]) {
        let expected = read(format, text).trace.invocations();
        assert_eq!(read(format, text.trim_end_matches('\n')).trace.invocations(), expected, "{format:?}");
        let shorter = read(format, &text[..text.len() - cut]);
        let is_lost = is_told(&shorter, "1 line of log1 could not be read");
        assert_eq!(shorter.trace.invocations() + u64::from(is_lost), expected, "{format:?}");
    }
}

#[test]
fn zeros_before_a_line_are_of_a_log_that_was_emptied_while_it_was_written() {
    let text = "\0".repeat(5000) + &line(1) + "\u{feff}" + &line(2);
    let reading = read(LogFormat::Common, &text);
    assert_eq!(reading.trace.invocations(), 2);
    assert_eq!(reading.trace.remarks, ["Each request of the log is taken as one invocation."]);
}

#[test]
fn a_variable_without_quotes_and_value_is_no_value() {
    let line = |values: &str| format!("{{\"requestTimeEpoch\":1793577601500,{values}}}\n");
    let fill = Fill { duration_us: None, ..ALL };
    for bare in [
        "\"path\":\"/a\",\"integrationLatency\":-",
        "\"integrationLatency\": - ,\"status\":429",
        "\"status\":-,\"integrationLatency\":-,\"error\":-",
        "\"integrationLatency\":,\"path\":/a/b:c",
        "\"path\":\"/-:-,\\\"\",\"integrationLatency\":-",
    ] {
        let text = line("\"integrationLatency\":8") + &line(bare);
        let reading = count(LogFormat::ApiGateway, None, &[&text], fill).unwrap();
        assert_eq!((reading.trace.invocations(), reading.trace.functions[0].mean_us), (2, 8000), "{bare}");
        assert!(is_told(&reading, "1 of 2 requests reached no integration"), "{bare}");
    }
    let unquoted =
        "{\"requestTime\":02/Nov/2026:08:01:07 +0000,\"httpMethod\":GET,\"path\":/a,\"status\":200}\n";
    let reading = count(LogFormat::ApiGateway, Some(1), &[unquoted], ALL).unwrap();
    assert_eq!(counts(&reading), [("GET /a", known(&[1]))]);
}

#[test]
fn quotes_that_a_log_did_not_escape_cost_no_request_and_are_told() {
    let json = |path: &str| {
        format!(
            "{{\"user\":\"{path}\",\"requestTimeEpoch\":1793577601500,\"path\":\"/a\",\"integrationLatency\":8}}\n"
        )
    };
    let fill = Fill { duration_us: None, ..ALL };
    for odd in ["x\"y", "\"", "\"\"x", "a\\\"b\"c", "\":\"", "{\"", "-\" - [\"x"] {
        let reading = count(LogFormat::ApiGateway, Some(1), &[&(json("ok") + &json(odd))], fill).unwrap();
        assert_eq!(counts(&reading), [("/a", known(&[2]))], "{odd}");
        assert!(is_told(&reading, "1 of 2 requests hold quotes that the log did not escape"), "{odd}");
        let common = line(1) + &line(1).replace("/x", &format!("/x{odd}"));
        let reading = read(LogFormat::Common, &common);
        assert_eq!(reading.trace.invocations(), 2, "{odd}");
        assert_eq!(is_told(&reading, "1 of 2 requests hold quotes"), odd != "a\\\"b", "{odd}");
    }
}
