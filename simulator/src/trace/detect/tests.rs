use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;
use crate::trace::canonical::tests::any_trace;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/", $name))
    };
}

const AZURE: &[u8] = b"HashFunction,Trigger,480,481\nf,http,1,2\ng,queue,0,3\n";
const REQUESTS: &[u8] = b"period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:31:00,11\n";
const CANONICAL: &[u8] =
    b"function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z,2026-11-02T00:01:00Z\nf,http,128,1.5,20,7,\n";

/// A valid file of every format.
const FILES: [(Format, &[u8]); 14] = [
    (Format::Azure, AZURE),
    (Format::Requests, REQUESTS),
    (Format::Canonical, CANONICAL),
    (Format::MetricData, fixture!("get_metric_data.json")),
    (Format::Log(LogFormat::Common), fixture!("combined.log")),
    (Format::Log(LogFormat::Alb), fixture!("alb.log")),
    (Format::Log(LogFormat::CloudFront), fixture!("cloudfront.log")),
    (Format::Log(LogFormat::ApiGateway), fixture!("api_gateway.jsonl")),
    (Format::MetricStatistics, fixture!("get_metric_statistics.json")),
    (Format::Log(LogFormat::CloudFrontJson), fixture!("cloudfront_v2.jsonl")),
    (Format::Log(LogFormat::ApiGatewayCsv), fixture!("api_gateway.csv.log")),
    (Format::Log(LogFormat::ApiGatewayXml), fixture!("api_gateway.xml.log")),
    (Format::Log(LogFormat::Waf), fixture!("waf.jsonl")),
    (Format::Log(LogFormat::Lambda), fixture!("lambda.log")),
];

fn options() -> Options<'static> {
    Options {
        durations: None,
        memory: None,
        fill: Fill { duration_us: Some(1000), memory_mb: Some(128) },
        date: NaiveDate::from_ymd_opt(2019, 7, 15).unwrap(),
        by_path: Some(2),
        hints: Hints::default(),
    }
}

fn parsed(bytes: &[u8]) -> Result<(Vec<Format>, Reading), String> {
    let options = options();
    let read = || {
        let mut reader = Reader::new(&options);
        reader.add(Stream::new("some/file", Box::new(Cursor::new(bytes.to_vec())))?)?;
        reader.finish()
    };
    read().map_err(|error: InputError| error.to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_format_is_told_by_its_content_plain_and_packed() {
    for (format, bytes) in FILES {
        let (formats, plain) = parsed(bytes).unwrap();
        assert_eq!(formats, [format]);
        assert_eq!(parsed(&gzip(bytes)).unwrap(), (formats, plain), "{format}");
    }
}

#[test]
fn a_file_of_no_known_format_is_told_what_was_looked_for() {
    for strange in ["hello\n", "{\"a\": 1}\n", "[1]\n", "function,count\nf,1\n", "\n"] {
        let told = parsed(strange.as_bytes()).unwrap_err();
        assert!(told.starts_with("some/file:1: neither an Azure trace (a column HashFunction)"), "{told}");
        for looked_for in
            ["period", "mean_ms", "MetricDataResults", "Combined", "#Fields:", "requestTimeEpoch"]
        {
            assert!(told.contains(looked_for), "{looked_for} is missing in {told}");
        }
    }
    assert_eq!(parsed(b"").unwrap_err(), "some/file: the file is empty");
}

#[test]
fn a_log_whose_first_line_is_damaged_is_still_its_format_and_the_line_is_named() {
    let log = [b"xyz\n".as_slice(), fixture!("alb.log")].concat();
    let reading = parsed(&log).unwrap().1;
    assert_eq!(reading.trace.invocations(), 4);
    let told =
        "1 line of some/file could not be read and was left out: line 1, field 1 (type): \"xyz\" is none of";
    assert!(
        reading.trace.remarks.iter().any(|remark| remark.starts_with(told)),
        "{:?}",
        reading.trace.remarks
    );
}

#[test]
fn a_file_that_is_no_text_is_called_by_its_name() {
    for (bytes, name) in
        [(b"PAR1\x15\0".as_slice(), "Parquet"), (b"PK\x03\x04", "ZIP"), (b"\x28\xb5\x2f\xfd\0", "zstd")]
    {
        let told = parsed(bytes).unwrap_err();
        assert!(told.starts_with("some/file:1: this is") && told.contains(name), "{told}");
    }
}

#[test]
fn a_byte_order_mark_and_utf_16_change_nothing() {
    for (format, bytes) in FILES {
        let text = std::str::from_utf8(bytes).unwrap();
        let plain = parsed(bytes).unwrap();
        let utf16: Vec<u8> =
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for other in [format!("\u{feff}{text}").into_bytes(), utf16] {
            assert_eq!(parsed(&other).unwrap(), plain, "{format}");
            assert_eq!(parsed(&gzip(&other)).unwrap(), plain, "{format}");
        }
    }
}

#[test]
fn a_request_that_spells_another_format_does_not_change_its_log() {
    let line = "{\"requestTime\":\"02/Nov/2026:10:00:01 +0000\",\"path\":\"/\\\"MetricDataResults\\\"\"}\n";
    assert_eq!(detect(line), Some(Format::Log(LogFormat::ApiGateway)));
}

#[test]
fn files_of_several_formats_are_one_trace_unless_they_disagree() {
    let options = options();
    let add = |reader: &mut Reader<'_>, name: &str, bytes: &[u8]| {
        reader.add(Stream::new(name, Box::new(Cursor::new(bytes.to_vec())))?)
    };
    let mut reader = Reader::new(&options);
    add(&mut reader, "a", fixture!("get_metric_data.json")).unwrap();
    add(&mut reader, "b", CANONICAL).unwrap();
    add(&mut reader, "c", fixture!("cloudfront.log")).unwrap();
    let (formats, reading) = reader.finish().unwrap();
    assert_eq!(formats.len(), 3);
    let names: Vec<&str> = reading.trace.functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!(names, ["checkout", "thumbnails", "f", "/api/items", "/api/orders", "/index.html"]);
    assert_eq!(reading.trace.title, "a, b, c");
    let mut reader = Reader::new(&options);
    add(&mut reader, "a", CANONICAL).unwrap();
    let other = String::from_utf8(CANONICAL.to_vec()).unwrap().replace(",7,", ",8,");
    let told = add(&mut reader, "b", other.as_bytes()).unwrap_err().to_string();
    assert_eq!(told, "b: f has another count at 2026-11-02 00:00 in a file before");
}

#[test]
fn a_log_longer_than_the_sample_is_read_to_its_end_and_its_lines_counted() {
    let line = "h - - [02/Nov/2026:00:00:30 +0000] \"GET / HTTP/1.1\" 200 1\n";
    let long = line.repeat(5000);
    assert_eq!(parsed(long.as_bytes()).unwrap().1.trace.invocations(), 5000);
    assert_eq!(parsed(&long.as_bytes()[..long.len() - 1]).unwrap().1.trace.invocations(), 5000);
    let cut = parsed(&long.as_bytes()[..long.len() - 9]).unwrap().1.trace;
    assert_eq!(cut.invocations(), 4999);
    assert!(cut.remarks[0].contains("line 5000, field 5"), "{:?}", cut.remarks);
    let packed = gzip(long.as_bytes());
    let told = parsed(&packed[..packed.len() - 9]).unwrap_err();
    assert!(told.contains("the gzip data is damaged or cut short here"), "{told}");
    let endless = [line.as_bytes(), &vec![b'a'; 1 << 21], b"\n", line.as_bytes()].concat();
    let endless = parsed(&endless).unwrap().1.trace;
    assert_eq!(endless.invocations(), 2);
    assert!(
        endless.remarks[0].ends_with("line 2: the line is longer than 1048576 bytes"),
        "{:?}",
        endless.remarks
    );
}

#[test]
fn a_byte_that_is_no_text_spoils_a_table_and_not_a_log() {
    let log = b"h - - [02/Nov/2026:00:00:30 +0000] \"GET /\xff HTTP/1.1\" 200 1\n";
    assert_eq!(parsed(log).unwrap().1.trace.invocations(), 1);
    let table = b"period,count\n\xff,1\n";
    assert_eq!(parsed(table).unwrap_err(), "some/file:2: this is not UTF-8 text");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 2))]

    #[test]
    fn a_file_cut_anywhere_reads_or_names_its_fault(index in 0..FILES.len(), at in any::<prop::sample::Index>(), packed: bool) {
        let (format, whole) = FILES[index];
        let whole = if packed { gzip(whole) } else { whole.to_vec() };
        let cut = &whole[..at.index(whole.len())];
        match parsed(cut) {
            Ok((_, reading)) => {
                // A cut at the end of a line leaves a shorter file, which is valid; a log may end anywhere, and where a
                // table ends within a line, that is told. JSON may lose its last line end.
                let is_line = cut.ends_with(b"\n") || ([Format::MetricData, Format::MetricStatistics].contains(&format) && cut.len() + 1 == whole.len());
                let is_told = reading.trace.remarks.iter().any(|remark| remark.contains("no line end"));
                let is_log = matches!(format, Format::Log(_));
                prop_assert!(!packed && (is_line || is_log || is_told), "{} cut at {} was read", format, cut.len());
            }
            Err(told) => prop_assert!(told.starts_with("some/file:"), "{}", told),
        }
    }

    #[test]
    fn a_file_changed_anywhere_reads_or_names_its_fault(
        index in 0..FILES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
        packed: bool,
    ) {
        let mut bytes = FILES[index].1.to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let bytes = if packed { gzip(&bytes) } else { bytes };
        if let Err(told) = parsed(&bytes) {
            prop_assert!(told.starts_with("some/file"), "{}", told);
        }
    }

    #[test]
    fn any_trace_survives_its_table_as_a_file(trace in any_trace(), packed: bool) {
        let mut bytes = Vec::new();
        canonical::write(&trace, &mut bytes).unwrap();
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let (formats, reading) = parsed(&bytes).unwrap();
        prop_assert_eq!(formats, [Format::Canonical]);
        prop_assert_eq!(reading.trace.functions, trace.functions);
        prop_assert_eq!((reading.trace.first, reading.trace.minutes), (trace.first, trace.minutes));
    }
}
