//! `dowsim trace` as people meet it: files in, files out, nothing half-written.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const FIXTURES: [&str; 12] = [
    "get_metric_data.json",
    "get_metric_statistics.json",
    "combined.log",
    "alb.log",
    "cloudfront.log",
    "cloudfront_v2.jsonl",
    "api_gateway.jsonl",
    "api_gateway.csv.log",
    "api_gateway.xml.log",
    "waf.jsonl",
    "lambda.log",
    "filter_log_events.json",
];

fn dowsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dowsim")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

/// An empty directory of its own for one test.
fn directory(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("trace_command").join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Runs and expects success; what it printed.
fn done(args: &[&str]) -> String {
    let output = dowsim(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs and expects a code; what it said on standard error.
fn refused(args: &[&str], code: i32) -> String {
    let output = dowsim(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    assert!(output.stdout.is_empty(), "{args:?}");
    text(&output.stderr)
}

const SIZES: [&str; 4] = ["--duration-ms", "50", "--memory-mb", "256"];

fn json(args: &[&str]) -> serde_json::Value {
    let mut all = vec!["trace", "info", "--json"];
    all.extend(args);
    serde_json::from_str(&done(&all)).unwrap()
}

#[test]
fn what_is_imported_says_the_same_as_what_it_was_imported_from() {
    let directory = directory("import");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/policy/minimal.toml");
    for name in FIXTURES {
        for ending in ["csv", "csv.gz"] {
            let out = directory.join(format!("{name}.{ending}")).display().to_string();
            let mut args = vec!["trace", "import", "--out", &out, "--by-path", "2"];
            args.extend(SIZES);
            let source = fixture(name);
            args.push(&source);
            let told = done(&args);
            assert!(told.starts_with(&format!("{out}: 2026-11-02 ")), "{told}");
            let mut before = vec![source.as_str(), "--by-path", "2"];
            before.extend(SIZES);
            let (mut before, mut after) = (json(&before), json(&[&out]));
            assert_eq!(after["formats"][0], "trace table");
            for different in ["title", "formats", "remarks"] {
                before[different].take();
                after[different].take();
            }
            assert_eq!(before, after, "{name}");
            // The replay reads it too.
            let page = done(&["replay", "--trace", &out, "--policy", policy]);
            assert!(page.contains("nobody attacks"), "{page}");
        }
    }
    assert_eq!(names_in(&directory).len(), 2 * FIXTURES.len(), "no partial file is left");
}

#[test]
fn the_same_import_twice_makes_the_same_bytes() {
    let directory = directory("twice");
    let out = |name: &str| directory.join(name).display().to_string();
    let source = fixture("alb.log");
    for name in ["a.csv.gz", "b.csv.gz"] {
        done(&["trace", "import", &source, "--memory-mb", "128", "--out", &out(name)]);
    }
    assert_eq!(fs::read(out("a.csv.gz")).unwrap(), fs::read(out("b.csv.gz")).unwrap());
}

#[test]
fn unknown_minutes_stay_empty_in_the_table() {
    let out = directory("unknown").join("m.csv").display().to_string();
    done(&["trace", "import", &fixture("get_metric_data.json"), "--memory-mb", "128", "--out", &out]);
    let table = fs::read_to_string(&out).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with("function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z,"));
    assert_eq!(rows[1], "checkout,http,128,109.918,250.25,12,10,2,0,40");
    assert_eq!(rows[2], "thumbnails,http,128,150,220,,,,5,7");
}

#[test]
fn info_draws_the_hours_and_names_what_it_does_not_know() {
    let page = done(&["trace", "info", &fixture("combined.log")]);
    for expected in [
        "access log (Common or Combined)",
        "2026-11-02T20:55Z to 2026-11-02T20:59Z, 4 minutes",
        "2 invocations in the minute 2026-11-02T20:55Z",
        "unknown without durations and memory",
        "2026-11-02                      █",
    ] {
        assert!(page.contains(expected), "{expected} is missing in:\n{page}");
    }
    let mut args = vec!["trace", "info"];
    args.extend(SIZES);
    let source = fixture("combined.log");
    args.push(&source);
    assert!(done(&args).contains("a month (730 hours)"));
    // 5 requests in 4 minutes, 54,750 a month: × ($0.20 ÷ 10⁶ + 0.05 s × 0.25 GB × $0.0000166667) = $0.022356.
    let info = json(&args[2..]);
    assert_eq!(info["cost"]["region"], "us-east-1");
    let month: f64 = info["cost"]["month"].as_str().unwrap().parse().unwrap();
    assert!((month - 0.022_356).abs() < 0.000_001, "{month}");
    assert!(info["busiest"][0]["mean_ms"] == "50.000" && info["hours"] == serde_json::json!([5]), "{info}");
}

#[test]
fn a_cut_keeps_what_was_asked_for_at_the_rate_and_time_asked_for() {
    let directory = directory("cut");
    let out = |name: &str| directory.join(name).display().to_string();
    let whole = out("whole.csv");
    let header = "function,trigger,memory_mb,mean_ms,longest_ms,2026-11-02T00:00:00Z,2026-11-02T00:01:00Z,2026-11-02T00:02:00Z";
    fs::write(
        &whole,
        format!("{header}\na1,http,128,5,9,10,20,\na2,http,128,15,19,1,2,3\nb,queue,128,5,9,7,7,7\n"),
    )
    .unwrap();
    let part = out("part.csv");
    let cut =
        ["trace", "cut", &whole, "--minutes", "1..3", "--function", "a*", "--map", "a?=a", "--scale", "0.5"];
    let told = done(&[&cut[..], &["--shift", "2026-11-07T12:00", "--out", &part]].concat());
    assert!(told.contains("2026-11-07 12:00 to 2026-11-07 12:02 UTC, 1 function, 11 invocations"), "{told}");
    let expected = "function,trigger,memory_mb,mean_ms,longest_ms,2026-11-07T12:00:00Z,2026-11-07T12:01:00Z\n\
                    a,http,128,7,19,11,\n";
    assert_eq!(fs::read_to_string(&part).unwrap(), expected);
    // Nothing asked for: nothing changes.
    let same = out("same.csv");
    done(&["trace", "cut", &whole, "--out", &same]);
    assert_eq!(fs::read(&whole).unwrap(), fs::read(&same).unwrap());
    refused(&["trace", "cut", &whole, "--minutes", "3..9", "--out", &out("no.csv")], 2);
    refused(&["trace", "cut", &whole, "--function", "z*", "--out", &out("no.csv")], 2);
    assert_eq!(names_in(&directory), ["part.csv", "same.csv", "whole.csv"]);
}

#[test]
fn a_file_that_is_there_is_written_over_only_by_force() {
    let directory = directory("force");
    let out = directory.join("out.csv").display().to_string();
    fs::write(&out, "mine\n").unwrap();
    let source = fixture("alb.log");
    let import = ["trace", "import", &source, "--memory-mb", "128", "--out", &out];
    let told = refused(&import, 2);
    assert_eq!(told, format!("dowsim: {out}: the file exists; --force writes over it\n"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine\n");
    done(&[&import[..], &["--force"]].concat());
    assert!(fs::read_to_string(&out).unwrap().starts_with("function,"));
    assert_eq!(names_in(&directory), ["out.csv"]);
}

#[test]
fn a_bad_file_leaves_nothing_behind_not_even_by_force() {
    let directory = directory("bad");
    let out = directory.join("out.csv").display().to_string();
    fs::write(&out, "mine\n").unwrap();
    let bad = directory.join("bad.log").display().to_string();
    let good = fs::read_to_string(fixture("alb.log")).unwrap();
    fs::write(&bad, good + &"http cut\n".repeat(5)).unwrap();
    let told = refused(&["trace", "import", &bad, "--memory-mb", "128", "--out", &out, "--force"], 3);
    assert!(
        told.starts_with(&format!("dowsim: {bad}:5:2 (column \"time\"): \"cut\" is not a time")),
        "{told}"
    );
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine\n");
    let told = refused(&["trace", "info", "no/such/file"], 4);
    assert!(told.starts_with("dowsim: no/such/file: "), "{told}");
    let nowhere = directory.join("no/such/out.csv").display().to_string();
    let told = refused(&["trace", "import", &fixture("alb.log"), "--memory-mb", "128", "--out", &nowhere], 4);
    assert!(told.contains("cannot be written"), "{told}");
    assert_eq!(names_in(&directory), ["bad.log", "out.csv"]);
}

#[test]
fn what_a_file_lacks_is_asked_for_by_the_name_of_the_option() {
    let out = directory("lacks").join("out.csv").display().to_string();
    let import = |name: &str, more: &[&str]| {
        refused(&[&["trace", "import", &fixture(name), "--out", &out], more].concat(), 3)
    };
    assert!(import("alb.log", &[]).contains("give --memory-mb"));
    assert!(import("combined.log", &["--memory-mb", "1"]).contains("give --duration-ms"));
    assert!(import("get_metric_data.json", &[]).contains("give --memory-mb"));
}

#[test]
fn two_logs_are_one_recording() {
    let (a, b) = (fixture("alb.log"), fixture("cloudfront.log"));
    let info = json(&[&a, &b, "--memory-mb", "128"]);
    assert_eq!((&info["invocations"], &info["minutes"]), (&8.into(), &83.into()));
    // Four minutes of one file, three of the other; what lies between is unknown.
    assert_eq!(info["unknown_minutes"], 76);
}

#[test]
fn a_duration_may_have_decimals_and_memory_is_billed_by_the_megabyte() {
    let file = directory("decimals").join("m.csv").display().to_string();
    fs::write(&file, "period,count\n2026-11-02 00:00:00,3000000\n").unwrap();
    let recorded = |ms: &str, mb: &str| -> f64 {
        let info = json(&[&file, "--duration-ms", ms, "--memory-mb", mb]);
        info["cost"]["recorded"].as_str().unwrap().parse().unwrap()
    };
    // $0.20 a million requests; 3,000,000 × 2 ms × 257 MB at $0.0000166667 a GB-second.
    let expected = 0.6 + 6000.0 * 257.0 / 1024.0 * 0.000_016_666_7;
    assert!((recorded("1.25", "257") - expected).abs() < 0.000_001, "{}", recorded("1.25", "257"));
    assert!(json(&[&file, "--duration-ms", "0.5", "--memory-mb", "128"])["busiest"][0]["mean_ms"] == "0.500");
    for wrong in ["0", "-1", "900000.5", "1,4", "1e3", "fast", ""] {
        let told = refused(&["trace", "info", &file, "--duration-ms", wrong, "--memory-mb", "128"], 2);
        assert!(told.contains("milliseconds from 0.001 to 900000") || wrong.starts_with('-'), "{told}");
    }
}

#[test]
fn a_region_without_prices_is_told_by_every_command_that_takes_one() {
    let file = directory("regions").join("m.csv").display().to_string();
    fs::write(&file, "period,count\n2026-11-02 00:00:00,30\n").unwrap();
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/policy/minimal.toml");
    let inventory = fixture("inventory/shop.yaml");
    let sizes = ["--duration-ms", "50", "--memory-mb", "256", "--region"];
    let commands: [&[&str]; 4] = [
        &["trace", "info", &file],
        &["replay", "--policy", policy, "--trace", &file],
        &["exposure", "--inventory", &inventory, "--region"],
        &["bound", policy, "--inventory", &inventory, "--region"],
    ];
    for (command, sizes) in commands.into_iter().zip([&sizes[..], &sizes[..], &[], &[]]) {
        let told = |region: &str| {
            let output = dowsim(&[command, sizes, &[region]].concat());
            text(&output.stdout) + &text(&output.stderr)
        };
        assert!(
            told("eu-centra1-1").contains("A price of the region \"eu-centra1-1\" is unknown"),
            "{command:?}"
        );
        assert!(!told("eu-central-1").contains("A price of the region"), "{command:?}");
    }
}
