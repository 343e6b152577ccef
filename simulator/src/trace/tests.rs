use std::io::Write;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::azure::Tables;
use super::input::Input;
use super::*;

const COUNTS: &str = "HashOwner,HashApp,HashFunction,Trigger,480,481\no,app,f,http,1,2\no,app,g,queue,0,3\n";
const DURATIONS: &str = "HashFunction,Maximum,Average\ng,20.0,10\nf,5,7.0001\n";
const MEMORY: &str = "HashApp,HashFunction,AverageAllocatedMb_pct100\napp,g,9.416\napp,f,130\n";

fn input(name: &str, text: &str) -> Input {
    Input::from_bytes(name, text.as_bytes()).unwrap()
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2019, 7, 15).unwrap()
}

/// Reads three tables; the message of the error, if any.
fn azure(counts: &str, durations: &str, memory: &str) -> Result<Trace, String> {
    let (counts, durations, memory) = (input("inv", counts), input("dur", durations), input("mem", memory));
    let tables = Tables { invocations: &counts, durations: Some(&durations), memory: Some(&memory) };
    azure::read(tables, Fill::default(), day()).map_err(|error| error.to_string())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_three_tables_are_joined_on_the_function_whatever_their_order() {
    let trace = azure(COUNTS, DURATIONS, MEMORY).unwrap();
    let function =
        |id: &str, trigger, counts: [u64; 2], mean_us, longest_us, peak_memory_milli_mb| TraceFunction {
            id: id.to_owned(),
            trigger,
            invocations: counts.map(Some).to_vec(),
            mean_us,
            longest_us,
            peak_memory_milli_mb,
        };
    assert_eq!(
        trace.functions,
        [
            // The longest run is never shorter than the mean, and what has more than three decimals rounds up.
            // Measured memory goes up to the next step of 64 MB.
            function("f", Trigger::Http, [1, 2], 7001, 7001, 192_000),
            function("g", Trigger::Queue, [0, 3], 10_000, 20_000, 64_000),
        ]
    );
    assert_eq!(trace.first.start().to_rfc3339(), "2019-07-15T08:00:00+00:00");
    assert_eq!((trace.minutes, trace.invocations(), trace.remarks.len()), (2, 6, 0));
}

#[test]
fn minute_columns_are_found_by_name_and_counted_from_one_where_the_file_does() {
    let shuffled = "2_minute,HashFunction,1_minute\n5,f,4\n";
    let trace = azure(shuffled, DURATIONS, MEMORY).unwrap();
    assert_eq!(trace.functions[0].invocations, [Some(4), Some(5)]);
    assert_eq!(trace.first.start().to_rfc3339(), "2019-07-15T00:00:00+00:00");
    assert_eq!(trace.functions[0].trigger, Trigger::Http);
    assert_eq!(
        trace.remarks,
        ["The file does not say what triggers a function: all are taken as synchronous."]
    );
}

#[test]
fn a_minute_column_may_have_the_word_before_or_after_its_number() {
    for header in [
        "minute_1,minute_2",
        "Minute 1,Minute 2",
        "1_minute,2_minute",
        "minute1,minute2",
        "1 minute,2-minute",
    ] {
        let trace = azure(&format!("HashFunction,{header}\nf,4,5\n"), DURATIONS, MEMORY).unwrap();
        assert_eq!(trace.functions[0].invocations, [Some(4), Some(5)], "{header}");
    }
    let error = azure("HashFunction,minute,minutes_1\nf,1,1\n", DURATIONS, MEMORY).unwrap_err();
    assert!(error.contains("no minute columns"), "{error}");
}

#[test]
fn cells_may_be_apart_by_other_signs_and_have_other_quotes() {
    let fill = Fill { duration_us: Some(1), memory_mb: Some(128) };
    let comma = "period,count\n2000-01-01 00:00:00,7\n2000-01-01 00:01:00,5000000000\n";
    let quoted = comma.replace("period", "'period'").replace("2000-01-01 00:00:00", "'2000-01-01 00:00:00'");
    let expected = requests::read(&input("site", comma), fill).unwrap();
    assert_eq!(expected.invocations(), 5_000_000_007, "more than 32 bits hold");
    for other in [comma.replace(',', ";"), comma.replace(',', "\t"), comma.replace(',', "|"), quoted] {
        assert_eq!(requests::read(&input("site", &other), fill).unwrap(), expected, "{other}");
    }
    // Where a semicolon keeps cells apart, a comma is a decimal sign.
    let durations = "HashFunction;Maximum;Average\ng;20,0;10\nf;5;7,0001\n";
    let trace = azure(&COUNTS.replace(',', ";").replace(";2\n", ";2,0\n"), durations, MEMORY).unwrap();
    assert_eq!((trace.functions[0].mean_us, trace.invocations()), (7001, 6));
}

#[test]
fn memory_is_joined_on_the_app_where_the_table_has_no_function() {
    let by_app = "HashApp,AverageAllocatedMb_pct100\napp,77\n";
    let trace = azure(COUNTS, DURATIONS, by_app).unwrap();
    assert!(trace.functions.iter().all(|function| function.peak_memory_milli_mb == 128_000));
}

#[test]
fn a_fault_names_file_line_and_column() {
    let counts = |text: &str| azure(text, DURATIONS, MEMORY).unwrap_err();
    assert_eq!(
        counts("HashFunction,Trigger,1,2\nf,http,1,2\ng,http,1,x\n"),
        "inv:3:4 (column \"2\"): \"x\" is not a count (a whole number from 0 to 10^12)"
    );
    assert_eq!(
        counts("HashFunction,Trigger,1\nf,fax,1\n"),
        "inv:2:2 (column \"Trigger\"): unknown trigger \"fax\": expected http, queue, event, storage, orchestration, \
         timer or others"
    );
    assert_eq!(
        counts("HashFunction,1\nf,1\nf,1\n"),
        "inv:3:1 (column \"HashFunction\"): f is on line 2 already"
    );
    assert_eq!(
        counts("HashFunction,1,1\nf,1,1\n"),
        "inv:1:3 (column \"1\"): the header names this column twice"
    );
    assert_eq!(
        counts("HashFunction,1,1_minute\n"),
        "inv:1:3 (column \"1_minute\"): the header names this minute twice"
    );
    assert_eq!(counts("HashFunction,1,3\nf,1,1\n"), "inv:1: the header has no column for minute 2");
    assert_eq!(
        counts("HashFunction,1441\n"),
        "inv:1:2 (column \"1441\"): a minute of the day is at most 1440"
    );
    assert_eq!(
        counts("HashFunction\nf\n"),
        "inv:1: the header has no minute columns (`1`, `1_minute`, `minute_1`, `480` …)"
    );
    assert_eq!(counts("Function,1\nf,1\n"), "inv:1: the header has no column \"HashFunction\"");
    assert_eq!(counts("HashFunction,1\n"), "inv:2: the file has a header and no functions");
    assert_eq!(counts("HashFunction,1\nf,\n"), "inv:2:2 (column \"1\"): the cell is empty");
    assert_eq!(
        counts("HashFunction,1,2\nf,1\n"),
        "inv:2: the line has 2 cells where the header has 3: is it cut short?"
    );
}

#[test]
fn a_duration_must_be_a_plain_decimal_number() {
    for wrong in ["-1", "1e3", "NaN", ".5", "5.", "1,000", "1000000000000"] {
        let durations = format!("HashFunction,Average,Maximum\nf,\"{wrong}\",1\n");
        let error = azure(COUNTS, &durations, MEMORY).unwrap_err();
        assert_eq!(
            error,
            format!("dur:2:2 (column \"Average\"): {wrong:?} is not a decimal number from 0 to 10^12")
        );
    }
}

#[test]
fn a_count_may_be_written_with_decimals_that_are_zero_and_not_otherwise() {
    let read = |text: &str| azure(&format!("HashFunction,1\nf,{text}\n"), DURATIONS, MEMORY);
    assert_eq!(read("12.0").unwrap().invocations() + read("7.000").unwrap().invocations(), 19);
    assert_eq!(read("1000000000000").unwrap().invocations(), 1_000_000_000_000);
    for wrong in ["1000000000001", "-1", "+1", "1.5", ".0", "99999999999999999999999"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_function_without_duration_or_memory_is_refused_unless_a_value_is_given() {
    let short = "HashFunction,Average,Maximum\nf,1,1\n";
    let error = azure(COUNTS, short, MEMORY).unwrap_err();
    assert_eq!(error, "inv:3: no duration for function g: give the table that has it, or --duration-ms");
    let counts = input("inv", COUNTS);
    let tables = Tables { invocations: &counts, durations: None, memory: None };
    let only_duration = Fill { duration_us: Some(9), memory_mb: None };
    let error = azure::read(tables, only_duration, day()).unwrap_err().to_string();
    assert_eq!(error, "inv:2: no memory for function f: give the table that has it, or --memory-mb");
    let filled = azure::read(tables, Fill { memory_mb: Some(5), ..only_duration }, day()).unwrap();
    let function = &filled.functions[1];
    assert_eq!((function.mean_us, function.longest_us, function.peak_memory_milli_mb), (9, 9, 5000));
    assert_eq!(filled.remarks, ["2 functions have no duration or memory in the files: filled in as asked."]);
}

#[test]
fn a_table_whose_last_line_has_no_end_is_read_and_said_to_end_so() {
    let told = "The last line has no line end: if the file was cut there, its last value has lost digits.";
    let whole = azure(COUNTS, DURATIONS, MEMORY).unwrap();
    for cut in 0..3 {
        let mut texts = [COUNTS, DURATIONS, MEMORY];
        texts[cut] = texts[cut].trim_end();
        let [counts, durations, memory] = texts;
        let trace = azure(counts, durations, memory).unwrap();
        assert_eq!((&trace.functions, trace.remarks), (&whole.functions, vec![told.to_owned()]));
    }
    let fill = Fill { duration_us: Some(1), memory_mb: Some(128) };
    let site = requests::read(&input("site", "period,count\n2000-01-01 00:00:00,7"), fill).unwrap();
    assert_eq!((site.invocations(), site.remarks), (7, vec![told.to_owned()]));
    let own = "function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z\nf,http,1,1,1,5";
    assert_eq!(canonical::read(&input("own", own)).unwrap().remarks, [told]);
    let error = azure(COUNTS.trim_end().trim_end_matches(",3"), DURATIONS, MEMORY).unwrap_err();
    assert_eq!(error, "inv:3: the line has 5 cells where the header has 6: is it cut short?");
}

#[test]
fn what_is_empty_or_no_text_is_refused_with_its_line() {
    assert_eq!(Input::from_bytes("inv", b"").unwrap_err().to_string(), "inv: the file is empty");
    assert_eq!(
        Input::from_bytes("inv", b"a\n\xff\n").unwrap_err().to_string(),
        "inv:2: this is not UTF-8 text"
    );
}

#[test]
fn gzip_is_told_by_its_first_bytes_and_read_like_plain_text() {
    let packed = Input::from_bytes("inv", &gzip(COUNTS.as_bytes())).unwrap();
    assert_eq!(packed, input("inv", COUNTS));
    // Two members in one file are one text, as `cat a.gz b.gz` makes them.
    let twice = [gzip(b"a\n"), gzip(b"b\n")].concat();
    assert_eq!(Input::from_bytes("inv", &twice).unwrap().text, "a\nb\n");
}

#[test]
fn a_truncated_gzip_file_is_an_error_that_names_the_line() {
    let packed = gzip(COUNTS.repeat(500).as_bytes());
    let error = Input::from_bytes("inv.gz", &packed[..packed.len() - 1]).unwrap_err();
    assert_eq!(error.line, Some(1501));
    assert!(error.problem.starts_with("the gzip data is damaged or cut short here"), "{error}");
    assert_eq!(Input::from_bytes("inv.gz", &packed[..12]).unwrap_err().line, Some(1));
}

#[test]
fn an_archive_that_unpacks_to_more_than_the_limit_is_refused() {
    let packed = gzip(b"a\nbcd\n");
    assert_eq!(input::gunzip("inv.gz", &packed, 6).unwrap(), b"a\nbcd\n");
    let error = input::gunzip("inv.gz", &packed, 5).unwrap_err();
    assert_eq!(error.to_string(), "inv.gz:3: unpacks to more than 5 bytes");
}

#[test]
fn a_function_that_misses_only_one_of_the_two_counts_as_filled_in() {
    let (counts, durations) = (input("inv", COUNTS), input("dur", DURATIONS));
    let tables = Tables { invocations: &counts, durations: Some(&durations), memory: None };
    let trace = azure::read(tables, Fill { duration_us: None, memory_mb: Some(5) }, day()).unwrap();
    assert_eq!(trace.remarks, ["2 functions have no duration or memory in the files: filled in as asked."]);
}

#[test]
fn requests_per_minute_are_one_synchronous_function() {
    let site =
        input("site", "count,period\n2,1998-04-30 21:30:00\n11,1998-04-30 21:31:00\n4,1998-04-30 21:34:00\n");
    let trace = requests::read(&site, Fill { duration_us: Some(50_000), memory_mb: Some(256) }).unwrap();
    assert_eq!(trace.functions[0].invocations, [Some(2), Some(11), None, None, Some(4)]);
    assert_eq!(trace.functions[0].trigger, Trigger::Http);
    assert_eq!((trace.functions[0].mean_us, trace.functions[0].peak_memory_milli_mb), (50_000, 256_000));
    assert_eq!(trace.first.start().to_rfc3339(), "1998-04-30T21:30:00+00:00");
    assert_eq!(trace.remarks, ["2 minutes are missing in the file: they stay unknown, not zero."]);
}

#[test]
fn requests_that_go_back_in_time_or_are_no_minutes_are_refused() {
    let fill = Fill { duration_us: Some(1), memory_mb: Some(128) };
    let error = |text: &str| requests::read(&input("site", text), fill).unwrap_err().to_string();
    let order = "the period is not after the one before, or more than a year after the first";
    let first = "period,count\n2000-01-01 00:00:00,1\n";
    assert_eq!(
        error(&format!("{first}2000-01-01 00:00:00,1\n")),
        format!("site:3:1 (column \"period\"): {order}")
    );
    assert_eq!(
        error(&format!("{first}2001-01-01 00:00:00,1\n")),
        format!("site:3:1 (column \"period\"): {order}")
    );
    assert_eq!(
        error("period,count\n2000-01-01 00:00:01,1\n"),
        "site:2:1 (column \"period\"): \"2000-01-01 00:00:01\" is not a minute such as \"1998-04-30 21:30:00\""
    );
    for same in
        ["2000-01-01 00:00", "2000-01-01T00:00:00Z", "2000-01-01T01:00:00+01:00", "2000-01-01T00:00:00.000Z"]
    {
        let trace =
            requests::read(&input("site", &first.replace("2000-01-01 00:00:00", same)), fill).unwrap();
        assert_eq!(trace.first.start().to_rfc3339(), "2000-01-01T00:00:00+00:00", "{same}");
    }
    assert_eq!(error("period,count\n"), "site:2: the file has a header and no minutes");
    let without = |fill| requests::read(&input("site", first), fill).unwrap_err().to_string();
    assert_eq!(without(Fill::default()), "site: counts requests only: give --duration-ms too");
    assert_eq!(without(Fill { memory_mb: None, ..fill }), "site: counts requests only: give --memory-mb too");
}

#[test]
fn a_slice_keeps_its_minutes_and_moves_the_start() {
    let trace = azure(COUNTS, DURATIONS, MEMORY).unwrap();
    let second = trace.clone().slice(1..99).unwrap();
    assert_eq!((second.minutes, second.invocations()), (1, 5));
    assert_eq!(second.first, trace.first.plus(1));
    assert_eq!(trace.clone().slice(2..3), None);
    #[expect(clippy::reversed_empty_ranges, reason = "what a user may type")]
    let reversed = trace.slice(1..0);
    assert_eq!(reversed, None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), packed: bool) {
        let bytes = if packed { gzip(&bytes) } else { bytes };
        if let Ok(input) = Input::from_bytes("any", &bytes) {
            let tables = Tables { invocations: &input, durations: Some(&input), memory: Some(&input) };
            let _ = azure::read(tables, Fill::default(), day());
            let _ = requests::read(&input, Fill { duration_us: Some(1), memory_mb: Some(1) });
        }
    }

    #[test]
    fn arbitrary_cells_are_read_whole_or_refused_with_their_line(
        cells in proptest::collection::vec(("[a-z]{1,3}", "[0-9x.\\-,\"\n]{0,5}", "[0-9]{1,4}"), 1..6)
    ) {
        let rows: String = cells.iter().map(|(id, a, b)| format!("{id},{a},{b}\n")).collect();
        let counts = input("any", &format!("HashFunction,1,2\n{rows}"));
        let tables = Tables { invocations: &counts, durations: None, memory: None };
        match azure::read(tables, Fill { duration_us: Some(1), memory_mb: Some(1) }, day()) {
            Ok(trace) => prop_assert!(trace.functions.iter().all(|f| f.invocations.len() == 2)),
            Err(error) => prop_assert!(error.line.is_some_and(|line| line >= 2), "{}", error),
        }
    }

    #[test]
    fn a_table_cut_anywhere_inside_its_rows_is_refused_or_its_end_is_told(cut in 0..COUNTS.len()) {
        let counts = &COUNTS[..cut];
        if !counts.is_empty() && let Ok(trace) = azure(counts, DURATIONS, MEMORY) {
            let is_told = trace.remarks.iter().any(|remark| remark.contains("no line end"));
            prop_assert_eq!(is_told, !counts.ends_with('\n'));
        }
    }
}
