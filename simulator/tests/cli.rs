//! The binary as people meet it: what it prints, to which stream, and with which exit code.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use guard_core::plan::Plan;

const COUNTS: &str = "HashFunction,Trigger,480,481\nf,http,1,2\n";
const DURATIONS: &str = "HashFunction,Average,Maximum\nf,10,20\n";
const MEMORY: &str = "HashFunction,AverageAllocatedMb_pct100\nf,100\n";

fn dowsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dowsim")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A file of its own for one test.
fn file(test: &str, name: &str, content: impl AsRef<[u8]>) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn the_run_without_arguments_prints_the_same_bytes_twice() {
    let (first, second) = (dowsim(&[]), dowsim(&["decide"]));
    assert_eq!(code(&first), Some(0), "{}", text(&first.stderr));
    assert!(first.stdout == second.stdout, "two runs differ");
    assert!(first.stderr.is_empty(), "{}", text(&first.stderr));
    let page = text(&first.stdout);
    for expected in
        ["3,037,902 invocations", "CC-BY", "SYNTHETIC", "http-d99726aac9", "disarmed", "WOULD ACT", "Summary"]
    {
        assert!(page.contains(expected), "{expected} is missing in:\n{page}");
    }
    assert!(!page.contains('\u{1b}'), "no colours in a pipe");
    let widest = page.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
    assert!(widest.chars().count() <= 80, "{widest}");
}

#[test]
fn every_tick_is_one_json_document() {
    let output = dowsim(&["decide", "--json", "--minutes", "100..130", "--function", "http-*"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let plans: Vec<Plan> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(plans.len(), 30);
    assert_eq!(plans[0].at.to_rfc3339(), "2019-07-15T09:43:00+00:00");
    assert!(plans.iter().all(|plan| !plan.armed && plan.budgets.len() == 2));
}

#[test]
fn a_trace_of_ones_own_is_read_from_its_three_files() {
    let test = "own_trace";
    let (counts, durations, memory) =
        (file(test, "inv.csv", COUNTS), file(test, "dur.csv", DURATIONS), file(test, "mem.csv", MEMORY));
    let output = dowsim(&["decide", "--trace", &counts, "--durations", &durations, "--memory", &memory]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert!(page.contains("1 functions, 3 invocations"), "{page}");
    assert!(!page.contains("SYNTHETIC"), "no flood unless asked for:\n{page}");
}

#[test]
fn requests_per_minute_are_read_with_duration_and_memory_given() {
    let site = file("site", "site.csv", "period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:31:00,11\n");
    let output = dowsim(&["decide", "--trace", &site, "--duration-ms", "50", "--memory-mb", "256", "--all"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert!(page.contains("13 invocations") && page.contains("\n21:33 "), "{page}");
    let without = dowsim(&["decide", "--trace", &site]);
    assert_eq!(code(&without), Some(3));
    assert_eq!(
        text(&without.stderr),
        format!("dowsim: {site}: counts requests only: give --duration-ms too\n")
    );
}

#[test]
fn a_bad_trace_is_named_with_line_and_column_and_nothing_is_printed() {
    let test = "bad_trace";
    let bad = file(test, "bad.csv", "HashFunction,480,481\nf,1,2\ng,1,many\n");
    let output = dowsim(&["decide", "--trace", &bad, "--duration-ms", "1", "--memory-mb", "128"]);
    assert_eq!(code(&output), Some(3));
    let problem = "3:3 (column \"481\"): \"many\" is not a count (a whole number from 0 to 10^12)";
    assert_eq!(text(&output.stderr), format!("dowsim: {bad}:{problem}\n"));
    assert!(output.stdout.is_empty(), "nothing half-read");
    let other = file(test, "other.csv", "a,b\n1,2\n");
    let output = dowsim(&["decide", "--trace", &other]);
    assert_eq!(code(&output), Some(3));
    assert!(text(&output.stderr).starts_with(&format!("dowsim: {other}:1: neither an Azure trace")));
}

#[test]
fn a_truncated_gzip_file_is_refused() {
    let whole =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/azure2019/500_durations.csv.gz")).unwrap();
    let cut = file("truncated", "cut.csv.gz", &whole[..whole.len() / 2]);
    let output = dowsim(&["decide", "--trace", &cut]);
    assert_eq!(code(&output), Some(3));
    assert!(
        text(&output.stderr).contains("the gzip data is damaged or cut short here"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_bad_policy_is_named() {
    let policy = file("bad_policy", "policy.toml", "armed = \"perhaps\"\n");
    let output = dowsim(&["decide", "--policy", &policy]);
    assert_eq!(code(&output), Some(3));
    let told = text(&output.stderr);
    assert!(told.starts_with(&format!("dowsim: {policy}")) && told.contains("armed"), "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_file_that_is_not_there_has_its_own_code() {
    for flag in ["--trace", "--policy"] {
        let output = dowsim(&["decide", flag, "no/such/file"]);
        assert_eq!(code(&output), Some(4), "{flag}");
        assert!(text(&output.stderr).starts_with("dowsim: no/such/file: "), "{}", text(&output.stderr));
    }
}

#[test]
fn wrong_usage_has_its_own_code() {
    let cases: [&[&str]; 8] = [
        &["decide", "--fast"],
        &["guess"],
        &["decide", "--minutes", "9..3"],
        &["decide", "--minutes", "480..481"],
        &["decide", "--function", "nobody-*"],
        &["decide", "--flood", "nobody@10:00+5=5"],
        &["decide", "--flood", "soon"],
        &["decide", "--durations", "without-trace.csv"],
    ];
    for case in cases {
        let output = dowsim(case);
        assert_eq!(code(&output), Some(2), "{case:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{case:?}");
    }
}

#[test]
fn the_help_lists_the_exit_codes() {
    let output = dowsim(&["decide", "--help"]);
    assert_eq!(code(&output), Some(0));
    assert!(text(&output.stdout).contains("3  invalid trace, scenario or policy"));
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_run_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dowsim"))
        .args(["decide", "--all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with("DoW Guard"), "{first}");
    assert_eq!(code(&output), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}
