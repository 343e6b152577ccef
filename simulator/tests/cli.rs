//! The binary as people meet it: what it prints, to which stream, and with which exit code.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A flood of half an hour: runs in a moment.
const SCENARIO: &str = r#"
schema = 1
title = "A short flood"
start = "2026-11-04T06:00:00Z"
minutes = 90
recovery_minutes = 120
history_days = 2

[[function]]
name = "api"
duration = { constant_ms = 200 }

[[traffic]]
name = "customers"
function = "api"
rate = { law = "constant", rps = 2 }

[[traffic]]
name = "flood"
kind = "attack"
function = "api"
rate = { law = "constant", rps = 150 }
from_min = 20
for_min = 30

[policy]
armed = true

[[policy.budget]]
name = "hour"
period = "hour"
usd = "0.20"
mode = "cap"
"#;

const POLICY: &str = "[[budget]]\nname = \"mine\"\nperiod = \"day\"\nusd = 1\nmode = \"cap\"\n";

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
fn the_run_without_arguments_is_an_incident_and_prints_the_same_bytes_twice() {
    let (first, second) = (dowsim(&[]), dowsim(&["replay", "botnet-flood", "--seed", "1"]));
    assert_eq!(code(&first), Some(0), "{}", text(&first.stderr));
    assert!(first.stdout == second.stdout, "two runs differ");
    assert!(first.stderr.is_empty(), "no progress in a pipe: {}", text(&first.stderr));
    let page = text(&first.stdout);
    for expected in [
        "without a guard",
        "with the guard",
        "perfect guard",
        "noticed",
        "released",
        "published",
        "legitimate",
        "attempts per event with the guard",
        "guard's cost",
        "Timeline",
        "set checkout-api: reserved concurrency none",
        "The alert as it arrives",
        "Undo      aws lambda invoke ",
        "Subject: CAPPED checkout-api (simulated us-east-1)",
        "Runbook   docs/runbook.md#capped",
    ] {
        assert!(page.contains(expected), "{expected} is missing in:\n{page}");
    }
    assert!(!page.contains('\u{1b}'), "no colours in a pipe");
    let lines = page.lines().filter(|line| !line.contains("aws lambda "));
    let widest = lines.max_by_key(|line| line.chars().count()).unwrap_or_default();
    assert!(widest.chars().count() <= 80, "{widest}");
    assert!(page.contains("DoW Guard is armed in us-east-1 (1 budget)"), "one is not many:\n{page}");
}

#[test]
fn a_scenario_of_ones_own_is_a_file() {
    let scenario = file("own", "own.toml", SCENARIO);
    let (csv, page) = (file("own", "rows.csv", "old"), file("own", "page.html", "old"));
    let output = dowsim(&["replay", &scenario, "--json", "--csv", &csv, "--html", &page]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let replay: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(replay["name"], "own");
    let usd = |name: &str| replay["findings"][name].as_f64().unwrap();
    assert!(usd("usd_with") < usd("usd_without") && usd("usd_perfect") < usd("usd_with"));
    let rows = fs::read_to_string(&csv).unwrap();
    let minutes = usize::try_from(replay["with"]["minutes"].as_u64().unwrap()).unwrap();
    assert_eq!(rows.lines().count(), 1 + 3 * minutes);
    assert!(rows.starts_with("run,minute,at,spent_usd,") && rows.contains("\nperfect,0,2026-11-04T06:00Z,"));
    assert!(fs::read_to_string(&page).unwrap().contains("A short flood"));
}

#[test]
fn an_expectation_that_does_not_hold_has_its_own_code_and_is_named() {
    let scenario = file("expect", "own.toml", SCENARIO);
    let met = dowsim(&["replay", &scenario, "--expect", "caps==1", "--expect", "bound_used_percent<=100"]);
    assert_eq!(code(&met), Some(0), "{}", text(&met.stderr));
    let broken = dowsim(&["replay", &scenario, "--expect", "caps==1", "--expect", "caps>=7"]);
    assert_eq!(code(&broken), Some(5));
    assert_eq!(text(&broken.stderr), "dowsim: expected caps>=7, found 1\n");
    assert!(text(&broken.stdout).contains("Timeline"), "the report is printed all the same");
}

#[test]
fn a_key_of_the_scenario_can_be_changed_on_the_command_line() {
    let scenario = file("set", "own.toml", SCENARIO);
    let calm = dowsim(&["replay", &scenario, "--set", "traffic.flood.rate.rps=0.1", "--expect", "caps==0"]);
    assert_eq!(code(&calm), Some(0), "{}", text(&calm.stderr));
    let wrong = dowsim(&["replay", &scenario, "--set", "traffic.storm.rate.rps=1"]);
    assert_eq!(code(&wrong), Some(3));
    assert!(text(&wrong.stderr).contains("no element is named \"storm\"; there are 2 (customers, flood)"));
}

#[test]
fn a_recording_of_ones_own_is_replayed_with_a_flood_over_it() {
    let minutes: Vec<String> = (0..120).map(|minute| minute.to_string()).collect();
    let counts = format!("HashFunction,Trigger,{}\nf,http{}\n", minutes.join(","), ",30".repeat(120));
    let (test, policy) = ("own_trace", POLICY);
    let (counts, policy) = (file(test, "inv.csv", counts), file(test, "policy.toml", policy));
    let args =
        ["replay", "--trace", &counts, "--duration-ms", "100", "--memory-mb", "256", "--policy", &policy];
    let calm = dowsim(&args);
    assert_eq!(code(&calm), Some(0), "{}", text(&calm.stderr));
    assert!(text(&calm.stdout).contains("nobody attacks, and nothing was capped"), "{}", text(&calm.stdout));
    let flooded = dowsim(&[&args[..], &["--flood", "http-f@00:30+60=6000", "--json"]].concat());
    let replay: Value = serde_json::from_slice(&flooded.stdout).unwrap();
    assert_eq!(replay["attack"], serde_json::json!([30, 90]));
    // An hour of a hundred a second, the first of them one interval after the beginning.
    assert_eq!(replay["without"]["traffic"][0]["offered"], 359_999);
}

#[test]
fn a_bad_scenario_trace_or_policy_is_named_with_its_place_and_nothing_is_printed_or_written() {
    let test = "bad";
    let unknown = file(test, "unknown.toml", SCENARIO.replace("history_days", "histroy_days"));
    let range = file(test, "range.toml", SCENARIO.replace("minutes = 90", "minutes = 0"));
    let trace = file(test, "bad.csv", "HashFunction,480,481\nf,1,2\ng,1,many\n");
    let policy = file(test, "policy.toml", POLICY);
    let wrong = file(test, "wrong.toml", "armed = \"perhaps\"\n");
    let scenario = file(test, "own.toml", SCENARIO);
    let page = file(test, "page.html", "old");
    let cases: [(&[&str], &str); 5] = [
        (&[&unknown], "line 7, column 1: unknown key `histroy_days`"),
        (&[&range], "minutes: 0 is not within 1 to 44640"),
        (
            &["--trace", &trace, "--policy", &policy, "--duration-ms", "1", "--memory-mb", "128"],
            "bad.csv:3:3 (column \"481\"): \"many\" is not a count (a whole number from 0 to 10^12)",
        ),
        (&[&scenario, "--policy", &wrong], "wrong.toml: "),
        (&[&scenario, "--set", "policy.budget.hour.mode=kill"], "kill"),
    ];
    for (args, expected) in cases {
        let output = dowsim(&[&["replay", "--html", &page], args].concat());
        assert_eq!(code(&output), Some(3), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "nothing half-read");
        assert_eq!(fs::read_to_string(&page).unwrap(), "old", "nothing half-written");
    }
}

#[test]
fn a_truncated_gzip_file_is_refused() {
    let whole =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/azure2019/500_durations.csv.gz")).unwrap();
    let cut = file("truncated", "cut.csv.gz", &whole[..whole.len() / 2]);
    let policy = file("truncated", "policy.toml", POLICY);
    let output = dowsim(&["replay", "--policy", &policy, "--trace", &cut]);
    assert_eq!(code(&output), Some(3));
    assert!(
        text(&output.stderr).contains("the gzip data is damaged or cut short here"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_file_that_is_not_there_has_its_own_code() {
    let policy = file("absent", "policy.toml", POLICY);
    let cases: [&[&str]; 3] = [
        &["replay", "no/such/file"],
        &["replay", "--policy", "no/such/file"],
        &["replay", "--policy", &policy, "--trace", "no/such/file"],
    ];
    for case in cases {
        let output = dowsim(case);
        assert_eq!(code(&output), Some(4), "{case:?}");
        assert!(text(&output.stderr).starts_with("dowsim: no/such/file: "), "{}", text(&output.stderr));
    }
}

#[test]
fn wrong_usage_has_its_own_code() {
    let cases: [&[&str]; 12] = [
        &["replay", "--fast"],
        &["guess"],
        &["replay", "botnet-flod"],
        &["replay", "--flood", "soon"],
        &["replay", "--trace", "without-policy.csv"],
        &["replay", "--expect", "luck>=1"],
        &["replay", "--expect", "caps"],
        &["replay", "--set", "minutes"],
        &["compare", "--variant", ":armed=true"],
        &["sweep", "--vary", "minutes"],
        &["sweep", "--shard", "3/2"],
        &["sweep", "--show", "luck"],
    ];
    for case in cases {
        let output = dowsim(case);
        assert_eq!(code(&output), Some(2), "{case:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{case:?}");
    }
}

#[test]
fn a_negative_number_is_called_out_of_place_and_not_an_unknown_option() {
    for case in [
        ["replay", "--seed", "-1"],
        ["compare", "--seed", "-1"],
        ["sweep", "--seeds", "-3"],
        ["sweep", "--first-seed", "-3"],
        ["sweep", "--jobs", "-2"],
    ] {
        let output = dowsim(&case);
        assert_eq!(code(&output), Some(2), "{case:?}");
        let told = text(&output.stderr);
        assert!(told.contains(&format!("invalid value '{}' for '{}", case[2], case[1])), "{told}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures durations")]
#[test]
fn a_page_or_table_that_cannot_be_written_is_told_before_the_work_begins() {
    let scenario = file("unwritable", "own.toml", SCENARIO.replace("minutes = 90", "minutes = 44640"));
    let begun = std::time::Instant::now();
    for (option, place) in [("--html", "no/such/directory/page.html"), ("--csv", env!("CARGO_TARGET_TMPDIR"))]
    {
        let output = dowsim(&["replay", &scenario, option, place]);
        assert_eq!(code(&output), Some(4), "{}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with(&format!("dowsim: {place}: cannot be written: ")));
        assert!(output.stdout.is_empty(), "the replay ran");
    }
    // A month of this flood takes minutes.
    assert!(begun.elapsed().as_secs() < 20, "it was told after the work");
}

#[test]
fn a_changed_key_of_the_wrong_type_is_named_by_its_key() {
    let scenario = file("typed", "own.toml", SCENARIO);
    for (change, expected) in [
        ("minutes=nan", "invalid type: floating point `NaN`, expected u32 in `minutes`"),
        ("traffic.flood.rate.rps=often", "traffic"),
        ("colour=1", "unknown key `colour`"),
    ] {
        let output = dowsim(&["replay", &scenario, "--set", change]);
        assert_eq!(code(&output), Some(3), "{change}");
        let told = text(&output.stderr);
        assert!(told.contains(expected) && !told.contains("line "), "{change}: {told}");
    }
}

#[test]
fn the_help_lists_the_exit_codes() {
    let output = dowsim(&["replay", "--help"]);
    assert_eq!(code(&output), Some(0));
    assert!(text(&output.stdout).contains("3  invalid trace, scenario, policy or inventory"));
}

#[test]
fn scenarios_are_listed_with_a_line_each_and_as_json() {
    let plain = text(&dowsim(&["scenarios"]).stdout);
    assert!(plain.lines().any(|line| line.starts_with("botnet-flood ")), "{plain}");
    let list: Value = serde_json::from_slice(&dowsim(&["scenarios", "--json"]).stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), plain.lines().count());
}

#[test]
fn policies_are_compared_in_a_matrix_with_the_frontier() {
    let scenario = file("compare", "own.toml", SCENARIO);
    let output = dowsim(&["compare", &scenario, "--jobs", "1"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    for expected in ["written", "stop", "disarmed", "The frontier", "no other saves more and harms less"] {
        assert!(page.contains(expected), "{expected} is missing in:\n{page}");
    }
    let lines = page.lines().filter(|line| !line.contains("aws lambda "));
    let widest = lines.max_by_key(|line| line.chars().count()).unwrap_or_default();
    assert!(widest.chars().count() <= 80, "{widest}");
    let two = ["--variant", "a:policy.armed=false", "--variant", "b:policy.budget.*.usd=5;policy.armed=true"];
    let again = dowsim(&[&["compare", &scenario, "--json"], &two[..]].concat());
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(told["variants"], serde_json::json!(["a", "b"]));
    assert_eq!(told["cells"].as_array().unwrap().len(), 2);
}

#[test]
fn a_sweep_goes_on_where_it_was_cut_off_and_its_shards_make_up_the_whole() {
    let scenario = file("sweep", "own.toml", SCENARIO);
    let path = |name: &str| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sweep").join(name);
        let _ = fs::remove_file(&path);
        path.display().to_string()
    };
    let (whole, cut, merged) = (path("whole.csv"), path("cut.csv"), path("merged.csv"));
    let sweep = ["sweep", &scenario, "--seeds", "2", "--vary", "traffic.flood.rate.rps=1,150"];
    let run = |more: &[&str]| dowsim(&[&sweep[..], more].concat());
    let first = run(&["--out", &whole, "--jobs", "2"]);
    assert_eq!(code(&first), Some(0), "{}", text(&first.stderr));
    let table = fs::read_to_string(&whole).unwrap();
    assert_eq!(table.lines().count(), 5);
    fs::write(&cut, &table[..table.len() - 10]).unwrap();
    let resumed = run(&["--out", &cut, "--jobs", "1"]);
    assert_eq!(fs::read_to_string(&cut).unwrap(), table);
    assert!(resumed.stdout == first.stdout);
    let shards = [path("1.csv"), path("2.csv"), path("3.csv")];
    for (this, shard) in (1..).zip(&shards) {
        assert_eq!(code(&run(&["--out", shard, "--shard", &format!("{this}/3")])), Some(0));
    }
    let together = dowsim(&["sweep", "--merge", &shards[2], &shards[0], &shards[1], "--out", &merged]);
    assert_eq!(fs::read_to_string(&merged).unwrap(), table);
    assert!(together.stdout == first.stdout);
    let another = dowsim(&["sweep", &scenario, "--seeds", "3", "--out", &whole]);
    assert_eq!(code(&another), Some(3));
    assert!(text(&another.stderr).contains("holds another sweep"), "{}", text(&another.stderr));
    assert_eq!(fs::read_to_string(&whole).unwrap(), table, "and it is left alone");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_run_quietly() {
    let scenario = file("pipe", "own.toml", SCENARIO);
    let mut child = Command::new(env!("CARGO_BIN_EXE_dowsim"))
        .args(["replay", &scenario, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn a_dash_is_standard_output_for_every_file_that_is_written_and_nothing_is_mixed_with_it() {
    let scenario = file("dash", "own.toml", SCENARIO);
    let csv = dowsim(&["replay", &scenario, "--csv", "-"]);
    assert!(text(&csv.stdout).starts_with("run,minute,at,"), "{}", text(&csv.stdout));
    assert!(!text(&csv.stdout).contains("Timeline"));
    let page = dowsim(&["replay", &scenario, "--html", "-"]);
    assert!(text(&page.stdout).starts_with("<!DOCTYPE html>") && text(&page.stdout).ends_with("</html>\n"));
    let sweep = dowsim(&["sweep", &scenario, "--seeds", "2", "--out", "-"]);
    assert_eq!(text(&sweep.stdout).lines().count(), 3, "{}", text(&sweep.stdout));
    let card = dowsim(&["scorecard", &scenario, "--seeds", "1", "--out", "-"]);
    assert!(text(&card.stdout).starts_with("# Scorecard"), "{}", text(&card.stdout));
    let log = file("dash", "site.csv", "period,count\n2026-11-04 06:00:00,5\n2026-11-04 06:01:00,7\n");
    let table = dowsim(&["trace", "cut", &log, "--duration-ms", "50", "--memory-mb", "512", "--out", "-"]);
    assert!(table.stdout.len() > 20, "{}", text(&table.stderr));
    for mixed in [
        &["replay", &scenario, "--csv", "-", "--html", "-"][..],
        &["replay", &scenario, "--csv", "-", "--json"],
        &["sweep", &scenario, "--out", "-", "--json"],
    ] {
        let output = dowsim(mixed);
        assert_eq!(code(&output), Some(2), "{mixed:?}");
        assert!(text(&output.stderr).contains("would be mixed"), "{}", text(&output.stderr));
    }
    assert!(!PathBuf::from("-").exists(), "no file of that name");
}

#[test]
fn numbers_are_numbers_in_json_and_every_number_that_can_be_expected_is_there() {
    let scenario = file("numbers", "own.toml", SCENARIO);
    let output = dowsim(&["replay", &scenario, "--json", "--expect", "caps==1", "--expect", "usd_with<=100"]);
    let replay: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(replay["with"]["bill"]["all"].is_f64() && replay["with"]["rows"][0]["spent"].is_f64());
    let metrics = replay["metrics"].as_object().unwrap();
    assert_eq!(metrics.len(), simulator::expect::METRICS.len());
    assert_eq!(metrics["usd_with"], replay["findings"]["usd_with"]);
    assert!(metrics["saved_percent"].as_f64().unwrap() > 1.0, "{metrics:?}");
    let held = replay["expectations"].as_array().unwrap();
    assert!(held.len() == 2 && held.iter().all(|one| one["holds"] == true), "{held:?}");
    let compared = dowsim(&["compare", &scenario, "--variant", "written", "--json"]);
    assert!(!text(&compared.stdout).contains("\"usd_with\":\""), "{}", text(&compared.stdout));
}

#[test]
fn an_expectation_that_holds_is_said_to_hold() {
    let scenario = file("holds", "own.toml", SCENARIO);
    let output = dowsim(&["replay", &scenario, "--expect", "caps==1"]);
    assert!(text(&output.stdout).ends_with("✓ caps==1 holds: found 1\n"), "{}", text(&output.stdout));
    let calm =
        dowsim(&["replay", &scenario, "--set", "traffic.flood.rate.rps=0.1", "--expect", "cap_min<=5"]);
    let told = text(&calm.stderr);
    assert!(
        told.contains("found nothing (there was no number for: minutes from attack to first change)"),
        "{told}"
    );
    let help = dowsim(&["replay", "--help"]);
    assert!(text(&help.stdout).contains("saved_percent: of what a perfect guard"), "{}", text(&help.stdout));
}

#[test]
fn colours_can_be_asked_for_and_refused_and_a_dumb_terminal_has_none() {
    let scenario = file("colours", "own.toml", SCENARIO);
    let coloured = |args: &[&str]| text(&dowsim(args).stdout).contains('\u{1b}');
    assert!(coloured(&["replay", &scenario, "--color", "always"]));
    assert!(coloured(&["--color=always", "replay", &scenario]));
    assert!(!coloured(&["replay", &scenario, "--color", "never"]));
    assert!(!coloured(&["replay", &scenario]));
    use simulator::report::layout::{Colours, Palette};
    assert_eq!(Colours::Auto.palette(false), Palette::Plain);
    assert_eq!(Colours::Never.palette(true), Palette::Plain);
}

#[test]
fn long_work_says_so_before_it_begins_unless_it_is_to_be_quiet() {
    let scenario = file("long", "own.toml", SCENARIO);
    let told = dowsim(&["sweep", &scenario, "--seeds", "12"]);
    assert!(text(&told.stderr).starts_with("dowsim: 12 replays on "), "{}", text(&told.stderr));
    let short = dowsim(&["sweep", &scenario, "--seeds", "2"]);
    assert_eq!(text(&short.stderr), "");
    let quiet = dowsim(&["sweep", &scenario, "--seeds", "12", "-q"]);
    assert_eq!((text(&quiet.stderr).as_str(), code(&quiet)), ("", Some(0)));
    let wrong = dowsim(&["-q", "replay", "no-such"]);
    assert!(!wrong.stderr.is_empty(), "an error is told in any case");
}

#[test]
fn shells_and_man_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = dowsim(&["completions", shell]);
        let script = text(&output.stdout);
        assert!(script.contains("scorecard") && script.contains("history-days"), "{shell}: {script}");
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("man");
    fs::create_dir_all(&folder).unwrap();
    let output = dowsim(&["man", &folder.display().to_string()]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    for page in ["dowsim.1", "dowsim-replay.1", "dowsim-sweep.1", "dowsim-trace-cut.1"] {
        let written = fs::read_to_string(folder.join(page)).unwrap();
        assert!(written.contains(".TH "), "{page}: {written}");
    }
    let nowhere = dowsim(&["man", "/no/such/directory"]);
    assert_eq!(code(&nowhere), Some(4), "{}", text(&nowhere.stderr));
}

#[test]
fn a_scenario_that_is_shown_can_be_replayed_and_the_schema_is_the_one_beside_them() {
    let shown = dowsim(&["scenarios", "--show", "redos"]);
    let own = file("shown", "redos.toml", &shown.stdout);
    let (mine, theirs) = (dowsim(&["replay", &own, "--json"]), dowsim(&["replay", "redos", "--json"]));
    assert!(mine.stdout == theirs.stdout, "the file is the scenario");
    let odd = dowsim(&["scenarios", "--show", "redo"]);
    assert_eq!(code(&odd), Some(2));
    assert!(text(&odd.stderr).contains("redos"), "{}", text(&odd.stderr));
    let schema = dowsim(&["scenarios", "--schema"]);
    let committed = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenario.schema.json")).unwrap();
    assert!(
        text(&schema.stdout) == committed,
        "run: dowsim scenarios --schema > simulator/scenario.schema.json"
    );
}

#[test]
fn what_is_wrong_in_a_scenario_is_said_in_words_of_its_writer() {
    for (from, to, expected) in [
        ("rate = { law = \"constant\", rps = 2 }", "rate = 2", "expected a table with a law, such as"),
        ("law = \"constant\", rps = 2", "law = \"flat\", rps = 2", "unknown choice `flat`, expected one of"),
        ("start = \"2026-11-04T06:00:00Z\"", "start = \"2026\"", "a moment is a text in quotes, such as"),
        (
            "start = \"2026-11-04T06:00:00Z\"",
            "start = 2026-11-04T06:00:00Z",
            "a moment is a text in quotes, such as",
        ),
    ] {
        let scenario = file("words", "own.toml", SCENARIO.replacen(from, to, 1));
        let output = dowsim(&["replay", &scenario]);
        assert_eq!(code(&output), Some(3), "{to}");
        assert!(text(&output.stderr).contains(expected), "{to}: {}", text(&output.stderr));
    }
}

#[test]
fn a_recording_takes_changes_and_one_that_is_too_long_says_how_to_cut_it() {
    let policy = file("recording", "mine.toml", POLICY);
    let hour = |minutes: i64| {
        let start = chrono::DateTime::parse_from_rfc3339("2026-11-04T06:00:00Z").unwrap();
        (start + chrono::TimeDelta::minutes(minutes)).format("%Y-%m-%d %H:%M:%S").to_string()
    };
    let log = format!("period,count\n{},5\n{},7\n", hour(0), hour(1));
    let short = file("recording", "short.csv", log);
    let of = |file: &str, more: &[&str]| {
        let known =
            ["replay", "--trace", file, "--policy", &policy, "--duration-ms", "50", "--memory-mb", "512"];
        dowsim(&[&known[..], more].concat())
    };
    let output = of(&short, &["--set", "account.concurrency=777", "--json"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let wrong = of(&short, &["--set", "account.concurrency=7"]);
    assert_eq!(code(&wrong), Some(2));
    assert!(
        text(&wrong.stderr).contains("account.concurrency: 7 is not within 10 to"),
        "{}",
        text(&wrong.stderr)
    );
    let long = file("recording", "long.csv", format!("period,count\n{},5\n{},7\n", hour(0), hour(60_000)));
    let output = of(&long, &[]);
    assert_eq!(code(&output), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("dowsim trace cut long.csv --minutes 0..44640 --out part.csv"), "{told}");
}

#[test]
fn the_line_that_runs_it_again_runs_it_again() {
    let scenario = file("again", "own scenario.toml", SCENARIO);
    let policy = file("again", "mine.toml", POLICY);
    let args =
        ["replay", &scenario, "--policy", &policy, "--set", "minutes=70", "--html", "-", "--color", "never"];
    let page = text(&dowsim(&args).stdout);
    let (_, rest) = page.split_once("Run it again</h2><pre>").unwrap();
    let (line, _) = rest.split_once("</pre>").unwrap();
    let line = line.replace("&#39;", "'");
    assert!(line.starts_with("dowsim replay '") && line.contains("--set minutes=70"), "{line}");
    let words = line.strip_prefix("dowsim ").unwrap();
    let again = Command::new("sh")
        .args(["-c", &format!("\"$0\" {words} --html -"), env!("CARGO_BIN_EXE_dowsim")])
        .output()
        .unwrap();
    assert!(text(&again.stdout) == page, "{line}\n{}", text(&again.stderr));
}

#[test]
fn the_alert_of_a_page_is_the_mail_that_the_guard_sends() {
    use guard_core::alert::{self, Audience};
    use guard_core::plan::NoticeKind;
    let loaded = simulator::load::Source::of_text("short", SCENARIO).ready(&[]).unwrap();
    let prices = guard_core::pricing::PriceTable::embedded();
    let replay = simulator::replay::Replay::new(&loaded.request(1), prices, |_, _| ());
    let told = replay.with.ticks.iter().flat_map(|tick| tick.told.iter().map(move |told| (tick, told)));
    let mut capped = told.filter_map(|(tick, told)| {
        let notice = told.iter().find(|notice| notice.kind == NoticeKind::Capped)?;
        Some(alert::messages(std::slice::from_ref(notice), &tick.plan, &replay.context))
    });
    let mail = capped.next().unwrap().into_iter().find(|one| one.audience == Audience::People).unwrap();
    let html = simulator::report::html::page(&replay);
    let shown = html.replace("&#39;", "'").replace("&quot;", "\"").replace("&gt;", ">");
    assert!(shown.contains(mail.body.trim_end()), "{}\nis not in\n{shown}", mail.body);
    let mut page = Vec::new();
    let palette = simulator::report::layout::Palette::Plain;
    simulator::report::replay::Page::new(&mut page, palette, 80).write(&replay).unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let page = words(&text(&page));
    assert!(page.contains(&words(&mail.body)), "{}\nis not in\n{page}", mail.body);
}
