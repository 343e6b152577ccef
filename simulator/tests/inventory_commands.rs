//! `dowsim bound` and `dowsim exposure` as people meet them.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use simulator::command::bound::{self, BoundArgs};
use simulator::command::exposure::{self, ExposureArgs};
use simulator::report::layout::Palette;

fn dowsim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dowsim")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inventory").join(name).display().to_string()
}

/// A file of its own for one test.
fn file(test: &str, name: &str, content: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("inventory_commands").join(test);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

const POLICY: &str = r#"
armed = true

[[budget]]
name = "account-month"
period = "month"
usd = 400

[[budget]]
name = "checkout-day"
scope = { functions = "checkout-*" }
period = "day"
usd = 5
mode = "cap"
below_floor = "stop"
"#;

/// The page of a command at a width, without the line that names files.
fn page(command: &str, args: &[&str], width: usize) -> String {
    use clap::Parser;
    #[derive(Parser)]
    enum Line {
        Bound(BoundArgs),
        Exposure(ExposureArgs),
    }
    let mut out = Vec::new();
    match Line::parse_from(["dowsim", command].iter().chain(args)) {
        Line::Bound(args) => bound::run(&args, &mut out, Palette::Plain, width),
        Line::Exposure(args) => exposure::run(&args, &mut out, Palette::Plain, width),
    }
    .unwrap();
    let page = text(&out);
    page.split("Read from ").next().unwrap_or_default().to_owned()
}

#[test]
fn the_exposure_of_a_template_reads_at_80_and_140_columns() {
    let template = fixture("shop.yaml");
    for width in [80, 140] {
        let page = page("exposure", &["--inventory", &template], width);
        assert!(page.lines().all(|line| line.chars().count() <= width), "{page}");
        insta::assert_snapshot!(format!("exposure_{width}"), page);
    }
}

#[test]
fn the_bound_of_a_policy_reads_at_80_and_140_columns() {
    let (template, policy) = (fixture("shop.yaml"), file("bound", "policy.toml", POLICY));
    for width in [80, 140] {
        let page = page("bound", &[&policy, "--inventory", &template], width);
        assert!(page.lines().all(|line| line.chars().count() <= width), "{page}");
        insta::assert_snapshot!(format!("bound_{width}"), page);
    }
}

#[test]
fn both_run_without_arguments_on_the_example() {
    for command in ["bound", "exposure"] {
        let (first, second) = (dowsim(&[command]), dowsim(&[command]));
        assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
        assert!(first.stderr.is_empty() && first.stdout == second.stdout);
        assert!(text(&first.stdout).contains("Example: the account of the scenario botnet-flood"));
        assert!(!text(&first.stdout).contains('\u{1b}'), "no colours in a pipe");
    }
}

#[test]
fn the_terms_of_a_bound_add_up_in_the_document() {
    let policy = file("terms", "policy.toml", POLICY);
    let output = dowsim(&["bound", &policy, "--inventory", &fixture("list-functions.json"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["schema"], &document["reaction_s"]), (&1.into(), &330.into()));
    assert_eq!(document["budgets"].as_array().unwrap().len(), 2);
    for budget in document["budgets"].as_array().unwrap() {
        for column in ["now", "envelope"] {
            let terms = &budget["terms"][column];
            let usd = |key: &str| terms[key].as_f64().unwrap();
            let of_caps = usd("running") + usd("admitted") + usd("moving") + usd("deferred");
            let sum = of_caps + usd("floor") + usd("ordinary") + usd("no_room");
            assert!((sum - usd("total")).abs() < 1e-9 && sum > 0.0, "{terms}");
        }
    }
    let warnings = document["warnings"].as_array().unwrap();
    assert_eq!(text(&output.stderr).lines().count(), warnings.len());
}

#[test]
fn a_worst_hour_is_as_worked_out_by_hand() {
    let own = fixture("own.json");
    let output = dowsim(&["exposure", "--inventory", &own, "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let alpha = &document["functions"][0];
    assert_eq!((&alpha["function"], &alpha["ceiling"]), (&"alpha".into(), &100.into()));
    // 100 · 3600 s · $0.0000133334 (1 GB, Arm) and 100 · 3600 · 10 · $0.0000002.
    let usd = alpha["worst_per_hour"].as_f64().unwrap();
    assert!((usd - (4.800_024 + 0.72)).abs() < 1e-9, "{usd}");
    assert_eq!((&alpha["dormant"], &alpha["dead_letter"]), (&Value::Null, &true.into()));
    assert_eq!(document["functions"][1]["worst_per_hour"].as_f64(), Some(0.0), "stopped");
}

#[test]
fn only_the_dearest_are_listed_and_a_state_of_another_shape_is_refused() {
    let inventory = fixture("list-functions.json");
    let state = serde_json::to_string(&guard_core::state::State::new()).unwrap();
    let state = file("state", "state.json", &state);
    let output = dowsim(&["exposure", "--inventory", &inventory, "--state", &state, "--top", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert!(page.contains("and 2 more, none of them dearer") && !page.contains("order-worker"), "{page}");
    let wrong = file("state", "wrong.json", "{\"schema\": 1}");
    assert_eq!(dowsim(&["exposure", "--state", &wrong]).status.code(), Some(3));
}

#[test]
fn what_cannot_be_resolved_is_said_on_standard_error() {
    let output = dowsim(&["exposure", "--inventory", &fixture("shop.yaml")]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stderr);
    assert!(
        told.contains("Resources.Nightly.Properties.MemorySize: Fn::ImportValue cannot be resolved"),
        "{told}"
    );
    let quiet = dowsim(&["exposure", "--inventory", &fixture("own.json")]);
    assert!(quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
}

#[test]
fn a_broken_inventory_is_refused_with_its_place_and_nothing_is_printed() {
    let broken = file("broken", "broken.yaml", "Resources:\n  F: [a\n  G: b\n");
    let small = file(
        "broken",
        "small.json",
        "{\"Functions\": [{\"FunctionName\": \"f\", \"MemorySize\": 64, \"Timeout\": 3}]}",
    );
    for (args, code, told) in [
        (vec!["exposure", "--inventory", &broken], 3, "broken.yaml:3:"),
        (
            vec!["bound", "--inventory", &small],
            3,
            "Functions[0].MemorySize: 64 is not a whole number from 128 to 10240",
        ),
        (vec!["exposure", "--inventory", "no-such-file.json"], 4, "no-such-file.json"),
        (vec!["bound", &small], 3, "small.json"),
        (vec!["exposure", "--inventory", &small, "--parameter", "x"], 2, "expected NAME=VALUE"),
    ] {
        let output = dowsim(&args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty() && text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}
